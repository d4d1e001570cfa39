//! The batch system that this process runs under, if any.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// When the job that this process is part of will be ended; `None` outside a job, and for one without a limit.
///
/// Slurm sets `SLURM_JOB_END_TIME` since 22.05's successors; before, `squeue` tells the time left.
pub fn job_end() -> Option<Instant> {
    let left = match std::env::var("SLURM_JOB_END_TIME") {
        Ok(end) => until(end.parse().ok()?),
        Err(_) => time_left(&std::env::var("SLURM_JOB_ID").ok()?)?,
    };
    Instant::now().checked_add(left)
}

fn until(end: u64) -> Duration {
    let end = UNIX_EPOCH + Duration::from_secs(end);
    end.duration_since(SystemTime::now()).unwrap_or_default()
}

fn time_left(job: &str) -> Option<Duration> {
    let output = Command::new("squeue").args(["--noheader", "--jobs", job, "--format", "%L"]).output().ok()?;
    duration(String::from_utf8_lossy(&output.stdout).trim())
}

/// Slurm's spelling of a duration: minutes, `MM:SS`, `HH:MM:SS`, `DAYS-HH`, `DAYS-HH:MM`, `DAYS-HH:MM:SS`.
pub fn duration(text: &str) -> Option<Duration> {
    let number = |text: &str| -> Option<u64> {
        (!text.is_empty() && text.len() < 10 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days)?), rest),
        None => (None, text),
    };
    let parts = rest.split(':').map(number).collect::<Option<Vec<u64>>>()?;
    let seconds = match (days, parts.as_slice()) {
        (None, [minutes]) => minutes * 60,
        (None, [minutes, seconds]) => minutes * 60 + seconds,
        (None, [hours, minutes, seconds]) => hours * 3600 + minutes * 60 + seconds,
        (Some(days), [hours]) => days * 86_400 + hours * 3600,
        (Some(days), [hours, minutes]) => days * 86_400 + hours * 3600 + minutes * 60,
        (Some(days), [hours, minutes, seconds]) => days * 86_400 + hours * 3600 + minutes * 60 + seconds,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// The longest spelling of a duration, which every Slurm reads.
pub fn spelled(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}-{:02}:{:02}:{:02}", seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slurms_durations_are_read_as_its_manual_says_and_others_are_refused() {
        for (text, seconds) in [
            ("90", 5400),
            ("1:30", 90),
            ("2:00:00", 7200),
            ("1-12", 129_600),
            ("1-00:30", 88_200),
            ("365-00:00:00", 31_536_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "UNLIMITED", "INVALID", "-1", "1:2:3:4", "1-", "1:", "two hours", "99999999999"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(duration(&spelled(Duration::from_secs(131_459))), Some(Duration::from_secs(131_459)));
    }
}
