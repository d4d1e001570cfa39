//! Ctrl-C, SIGTERM and SIGHUP: the first asks everyone to stop, the second does not ask.

use flooding_core::progress::StopFlag;

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
pub fn command_to_go_on() -> String {
    let quote = |argument: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
        if !argument.is_empty() && argument.chars().all(plain) {
            argument
        } else {
            format!("'{}'", argument.replace('\'', "'\\''"))
        }
    };
    std::env::args().map(quote).collect::<Vec<_>>().join(" ")
}
