//! One file from one source.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use flooding_core::context::Context;
use flooding_core::digest::Digest;
use flooding_core::files;
use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE};

use super::client::{chain, retry_after};
use super::sink::Sink;
use super::{Failure, Http, Policy, Source};

const BUFFER: usize = 1 << 17;

/// What to download: published name, size and digest.
pub(super) struct Target<'a> {
    /// For progress: dataset and name, and the bytes that the task already has.
    pub(super) id: &'a str,
    pub(super) before: u64,
    pub(super) bytes: u64,
    pub(super) sha256: &'a Digest,
}

/// What a transfer works with.
pub(super) struct Transfer<'a> {
    pub(super) http: &'a Http,
    pub(super) policy: &'a Policy,
    pub(super) context: &'a Context,
}

impl Transfer<'_> {
    /// Fills `sink` from `source` until it holds exactly the published bytes.
    pub(super) fn run(&self, source: &Source, target: &Target<'_>, sink: &mut Sink) -> Result<(), Failure> {
        match source {
            Source::File(path) => self.copy(path, target, sink),
            Source::Url(_) if self.context.offline => Err(Failure::Offline),
            Source::Url(url) => self.download(url, target, sink),
        }
    }

    fn copy(&self, path: &Path, target: &Target<'_>, sink: &mut Sink) -> Result<(), Failure> {
        let absent = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Failure::Absent,
            _ => Failure::Unreadable(error),
        };
        let (mut file, metadata) = files::open(path).map_err(absent)?;
        compare_sizes(target.bytes, metadata.len())?;
        sink.restart()?;
        let mut buffer = vec![0; BUFFER];
        loop {
            self.check_stop()?;
            match file.read(&mut buffer).map_err(Failure::Unreadable)? {
                0 => break,
                n if sink.length() + n as u64 > target.bytes => {
                    // It has grown since its size was compared.
                    let found = sink.length() + n as u64;
                    sink.restart()?;
                    return Err(Failure::TooLong { expected: target.bytes, found });
                }
                n => sink.append(&buffer[..n])?,
            }
            self.context.progress.item_advanced(target.id, target.before + sink.length());
        }
        compare_sizes(target.bytes, sink.length())?;
        compare_digests(target, sink)
    }

    fn download(&self, url: &str, target: &Target<'_>, sink: &mut Sink) -> Result<(), Failure> {
        let mut attempt = 0;
        loop {
            let resumed = sink.length() > 0;
            let failure = match self.attempt(url, target, sink) {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            // What was there from an earlier try may be what is wrong: once more, from the beginning.
            if resumed && matches!(failure, Failure::WrongDigest { .. } | Failure::TooLong { .. }) && sink.length() == 0
            {
                continue;
            }
            // A silent server costs the most time: it is asked half as often.
            attempt += if matches!(failure, Failure::Stalled(..)) { 2 } else { 1 };
            if !failure.is_transient() || attempt >= self.policy.attempts {
                return Err(failure);
            }
            let mut wait = self.policy.wait(attempt);
            if let Failure::Status { retry_after: Some(asked), .. } = failure {
                if asked > self.policy.longest_wait {
                    return Err(failure);
                }
                wait = wait.max(asked);
            }
            self.sleep(wait)?;
        }
    }

    fn attempt(&self, url: &str, target: &Target<'_>, sink: &mut Sink) -> Result<(), Failure> {
        self.check_stop()?;
        if sink.length() >= target.bytes {
            if sink.length() == target.bytes && sink.digest() == *target.sha256 {
                return Ok(());
            }
            sink.restart()?;
        }
        let started = Instant::now();
        let from = sink.length();
        let mut response = self.http.get(url, from, self.policy)?;
        let start = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if from > 0 => check_range(&response, from, target.bytes, sink)?,
            StatusCode::RANGE_NOT_SATISFIABLE if from > 0 => {
                sink.restart()?;
                return Err(Failure::WrongRange("416".to_owned()));
            }
            status => return Err(Failure::Status { status: status.as_u16(), retry_after: retry_after(&response) }),
        };
        if is_web_page(&response) {
            return Err(Failure::WebPage);
        }
        if response.status() == StatusCode::OK
            && let Some(found) = response.content_length()
            && found != target.bytes
        {
            // Known before a byte came: this server has another file, and asking again will not help.
            return Err(Failure::WrongSize { expected: target.bytes, found });
        }
        if start == 0 {
            sink.restart()?;
        }
        self.receive(&mut response, started, target, sink)?;
        compare_digests(target, sink)
    }

    fn receive(
        &self,
        response: &mut impl Read,
        started: Instant,
        target: &Target<'_>,
        sink: &mut Sink,
    ) -> Result<(), Failure> {
        let total = self.policy.total(target.bytes);
        let mut buffer = vec![0; BUFFER];
        loop {
            self.check_stop()?;
            if started.elapsed() > total {
                return Err(Failure::TooSlow(total, sink.length()));
            }
            let waiting = Instant::now();
            let n = match response.read(&mut buffer) {
                Ok(0) => return compare_sizes(target.bytes, sink.length()),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) if waiting.elapsed() >= self.policy.stall => {
                    return Err(Failure::Stalled(self.policy.stall, sink.length()));
                }
                Err(error) => return Err(Failure::Broken(chain(&error), sink.length())),
            };
            let length = sink.length() + n as u64;
            if length > target.bytes {
                sink.restart()?;
                return Err(Failure::TooLong { expected: target.bytes, found: length });
            }
            sink.append(&buffer[..n])?;
            self.context.progress.item_advanced(target.id, target.before + length);
        }
    }

    fn check_stop(&self) -> Result<(), Failure> {
        if self.context.stop.is_raised() { Err(Failure::Stopped) } else { Ok(()) }
    }

    /// Waits, but not when asked to stop.
    fn sleep(&self, wait: Duration) -> Result<(), Failure> {
        let until = Instant::now() + wait;
        loop {
            self.check_stop()?;
            match until.checked_duration_since(Instant::now()) {
                None | Some(Duration::ZERO) => return Ok(()),
                Some(left) => std::thread::sleep(left.min(Duration::from_millis(50))),
            }
        }
    }
}

/// Media types are compared without case, and what follows them (`; charset=`) does not count.
fn is_web_page(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"].iter().any(|page| kind.eq_ignore_ascii_case(page))
}

/// The part that a server sends must begin where it was asked to, and be of a file of the published size; returns where it
/// starts.
fn check_range(response: &Response, from: u64, bytes: u64, sink: &mut Sink) -> Result<u64, Failure> {
    let text = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    match content_range(text) {
        Some(Range { total: Some(found), .. }) if found != bytes => Err(Failure::WrongSize { expected: bytes, found }),
        // A server may send less than was asked for; the rest is then asked for again.
        Some(range) if range.first == from && range.last < bytes => Ok(from),
        _ => {
            let text = text.to_owned();
            sink.restart()?;
            Err(Failure::WrongRange(text))
        }
    }
}

/// What `Content-Range` says (RFC 9110, section 14.4).
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    last: u64,
    /// `None` where the server does not know: `*`.
    total: Option<u64>,
}

fn content_range(text: &str) -> Option<Range> {
    let (unit, rest) = text.trim().split_once(char::is_whitespace)?;
    let (range, total) = rest.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    // Unlike `parse` alone, without a sign.
    let number = |text: &str| {
        let text = text.trim();
        text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
    };
    let total = if total.trim() == "*" { None } else { Some(number(total)?) };
    let range = Range { first: number(first)?, last: number(last)?, total };
    (unit.eq_ignore_ascii_case("bytes") && range.first <= range.last).then_some(range)
}

fn compare_sizes(expected: u64, found: u64) -> Result<(), Failure> {
    match found.cmp(&expected) {
        std::cmp::Ordering::Less => Err(Failure::Truncated { expected, found }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Failure::TooLong { expected, found }),
    }
}

/// Wrong bytes are not kept: whatever comes next starts from the beginning.
fn compare_digests(target: &Target<'_>, sink: &mut Sink) -> Result<(), Failure> {
    let found = sink.digest();
    if found == *target.sha256 {
        return Ok(());
    }
    sink.restart()?;
    Err(Failure::WrongDigest { expected: target.sha256.clone(), found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_in_every_form_that_is_legal_and_in_no_other() {
        let range = |first, last, total| Some(Range { first, last, total });
        assert_eq!(content_range("bytes 0-9/*"), range(0, 9, None));
        assert_eq!(content_range("Bytes 5-9/10"), range(5, 9, Some(10)));
        assert_eq!(content_range("  BYTES  5-9/10 "), range(5, 9, Some(10)));
        for text in ["none", "bytes 9-5/10", "bytes */10", "items 0-9/10", "bytes 0-9", "bytes +0-9/10", "bytes=0-9/10"]
        {
            assert_eq!(content_range(text), None, "{text}");
        }
    }
}
