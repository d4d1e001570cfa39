//! Another program that takes the same training steps, to be timed beside ours: it gets one line of JSON a request on its
//! standard input and answers with one line. `scripts/pytorch_peer.py` is one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

/// The other program, running.
pub(super) struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// What it calls itself.
    pub(super) name: String,
}

/// What the peer says to a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Name(String),
    Steps(Steps),
    Error(String),
}

/// Steps that the peer has taken.
#[derive(Debug, Deserialize)]
pub(super) struct Steps {
    /// Of each step.
    pub(super) milliseconds: Vec<f64>,
    /// The largest memory that it held on the device meanwhile, in MiB, where it can tell.
    pub(super) peak_mib: Option<u64>,
}

impl Peer {
    /// Starts `command`, words separated by spaces.
    pub(super) fn start(command: &str) -> Result<Self, String> {
        let mut words = command.split_whitespace();
        let program = words.next().ok_or("the peer's command is empty")?;
        let spawned = Command::new(program).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| format!("cannot start `{program}`: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("`{program}` has no standard input or output"));
        };
        let mut peer = Self { child, input, output: BufReader::new(output), name: String::new() };
        match peer.answer()? {
            Answer::Name(name) => peer.name = name,
            other => return Err(format!("`{command}` did not say its name but {other:?}")),
        }
        Ok(peer)
    }

    /// Takes the steps that `request` describes.
    pub(super) fn steps(&mut self, request: &Value) -> Result<Steps, String> {
        writeln!(self.input, "{request}").map_err(|error| format!("the peer has gone: {error}"))?;
        match self.answer()? {
            Answer::Steps(steps) if !steps.milliseconds.is_empty() => Ok(steps),
            Answer::Error(why) => Err(why),
            other => Err(format!("the peer took no steps but said {other:?}")),
        }
    }

    fn answer(&mut self) -> Result<Answer, String> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(|error| format!("the peer has gone: {error}"))?;
        if line.is_empty() {
            return Err("the peer ended without a word".to_owned());
        }
        serde_json::from_str(&line).map_err(|error| format!("the peer said `{}`: {error}", line.trim()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
