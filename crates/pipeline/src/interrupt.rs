//! Signals: whoever works is asked to stop, and leaves a checkpoint of each training.

use flooding_core::progress::StopFlag;

use crate::exit::Outcome;
use crate::shell;

/// A flag that the first signal raises; the second one ends the process at once.
///
/// SIGINT and SIGHUP come from people. SIGTERM and SIGUSR1 (a warning before the end of the time) come from batch systems,
/// which start the same command again: the exit code then is that of [`Outcome::Again`]. A process that is ended at once
/// loses only the time since its last checkpoint: finished runs are stored, and a half-written file never has a final name.
pub fn stop_flag() -> StopFlag {
    let flag = StopFlag::default();
    listen(&flag);
    flag
}

#[cfg(unix)]
fn listen(flag: &StopFlag) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals;

    // Without handlers the signals end the process at once.
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1]) else { return };
    let flag = flag.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGUSR1 => flag.raise_by_time(),
                SIGTERM if flag.is_raised() => std::process::exit(Outcome::Again.code().into()),
                SIGTERM => flag.raise_for_restart(),
                _ if flag.is_raised() => std::process::exit(Outcome::Interrupted.code().into()),
                _ => flag.raise(),
            }
        }
    });
}

#[cfg(not(unix))]
fn listen(flag: &StopFlag) {
    let flag = flag.clone();
    // A second handler in one process can only come from a test calling this twice; the first one then stays.
    let _ = ctrlc::set_handler(move || {
        if flag.is_raised() {
            std::process::exit(Outcome::Interrupted.code().into());
        }
        flag.raise();
    });
}

/// This very command line again, for the message after an interruption.
pub fn command_to_resume() -> String {
    shell::line(&std::env::args_os().collect::<Vec<_>>())
}
