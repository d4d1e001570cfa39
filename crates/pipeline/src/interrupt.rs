//! Signals: whoever works is asked to stop, and leaves a checkpoint where there is time for one.

use std::time::{Duration, Instant};

use flooding_core::progress::StopFlag;

use crate::shell;

/// After Ctrl-C, a training may complete an epoch that takes no longer: HyperQueue kills 0.9 s after its SIGINT.
const AFTER_INTERRUPT: Duration = Duration::from_millis(500);
/// After SIGTERM: batch systems kill some seconds later (Slurm's `KillWait`: 30 s unless configured otherwise).
const AFTER_TERMINATE: Duration = Duration::from_secs(2);
/// After SIGUSR1, a batch system's warning, where the end of the job is not known.
const AFTER_WARNING: Duration = Duration::from_secs(20);
/// Before the end of the job, a checkpoint must have been written.
const MARGIN: Duration = Duration::from_secs(5);

/// A flag that the first signal raises.
///
/// SIGINT and SIGHUP come from people: the second one ends the process at once. SIGTERM and SIGUSR1 come from batch
/// systems, which start the same command again: the exit code then is [`Outcome::Again`](crate::exit::Outcome::Again).
/// A process that is ended at once loses nothing either: finished runs are stored, and a half-written file never has a
/// final name. `ends` is when the job's time is up, where that is known.
pub fn stop_flag(ends: Option<Instant>) -> StopFlag {
    let flag = StopFlag::default();
    listen(&flag, ends);
    flag
}

#[cfg(unix)]
fn listen(flag: &StopFlag, ends: Option<Instant>) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals;

    // Without handlers the signals end the process at once.
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1]) else { return };
    let flag = flag.clone();
    std::thread::spawn(move || {
        let mut terminations = 0;
        for signal in signals.forever() {
            match signal {
                SIGUSR1 => flag.raise_by_time(after_warning(ends)),
                SIGTERM => {
                    terminations += 1;
                    // The second one says that it is urgent, the third that it is not to be waited for.
                    match terminations {
                        1 => flag.raise_for_restart(AFTER_TERMINATE),
                        2 => flag.raise_for_restart(Duration::ZERO),
                        _ => std::process::exit(crate::exit::Outcome::Again.code().into()),
                    }
                }
                _ if flag.is_raised() => std::process::exit(crate::exit::Outcome::Interrupted.code().into()),
                _ => flag.raise_with_grace(AFTER_INTERRUPT),
            }
        }
    });
}

#[cfg(not(unix))]
fn listen(flag: &StopFlag, _: Option<Instant>) {
    let flag = flag.clone();
    // A second handler in one process can only come from a test calling this twice; the first one then stays.
    let _ = ctrlc::set_handler(move || {
        if flag.is_raised() {
            std::process::exit(crate::exit::Outcome::Interrupted.code().into());
        }
        flag.raise_with_grace(AFTER_INTERRUPT);
    });
}

/// Until shortly before the end of the job.
fn after_warning(ends: Option<Instant>) -> Duration {
    let left = ends.map(|ends| ends.saturating_duration_since(Instant::now() + MARGIN));
    left.unwrap_or(AFTER_WARNING)
}

/// This very command line again, for the message after an interruption.
pub fn command_to_resume() -> String {
    shell::line(&std::env::args_os().collect::<Vec<_>>())
}
