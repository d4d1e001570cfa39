//! Leaving so that a batch system starts the same command again.

use std::process::Command;
use std::time::Duration;

use flooding_core::context::Context;

/// A batch system that took the job back into its queue ends this process within that time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the command of `--on-again` and waits to be ended.
///
/// Ending first would not do: Slurm would see a job that is over, and start those that wait for it.
pub fn requeue(command: Option<&str>, context: &Context) {
    let Some(command) = command.filter(|_| context.stop.is_by_time()) else { return };
    let problem = match Command::new("sh").args(["-c", command]).status() {
        Ok(status) if status.success() => return std::thread::sleep(PATIENCE),
        Ok(status) => format!("it ended with {status}"),
        Err(error) => error.to_string(),
    };
    context.progress.warn(&format!("`{command}` (--on-again) did not work: {problem}; start the job again by hand"));
}
