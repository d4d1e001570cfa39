//! Ctrl-C, SIGTERM and SIGHUP: the first asks everyone to stop, the second does not ask.

use flooding_core::progress::StopFlag;

use crate::shell;

/// A flag that the first signal raises. The second signal ends the process at once, which loses nothing either:
/// finished runs are already stored, and a half-written file never has a final name.
pub fn stop_flag() -> StopFlag {
    let flag = StopFlag::default();
    let raised = flag.clone();
    let handler = move || {
        if raised.is_raised() {
            std::process::exit(130);
        }
        raised.raise();
    };
    // A second handler in one process can only come from a test calling this twice; the first one then stays.
    let _ = ctrlc::set_handler(handler);
    flag
}

/// This very command line again, for the message after an interruption.
pub fn command_to_resume() -> String {
    shell::line(&std::env::args_os().collect::<Vec<_>>())
}
