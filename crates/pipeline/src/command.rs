//! One file a command.

mod compare;
mod completions;
mod data;
mod explain;
mod forecast;
mod import;
mod init;
mod pack;
mod publish;
mod run;
mod schema;
mod selftest;
mod sharing;
mod stats;
mod status;
mod submit;
mod summary;
mod tasks;
mod theorem;
mod unused;
mod verify_store;

use std::io::{self, Write as _};

use flooding_core::shown;

use crate::cli::Command;
use crate::exit::{Failure, Outcome};

/// Does what the command line says.
pub fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Init(args) => init::run(&args),
        Command::Run(args) => run::all(&args),
        Command::Stage { stage, probe, args } if !probe.is_empty() => run::probes(stage.into(), &probe, &args),
        Command::Stage { stage, args, .. } => run::one(stage.into(), &args),
        Command::Status(args) => status::run(&args),
        Command::Data { command } => data::run(&command),
        Command::Explain { what, args } => explain::run(&what, &args),
        Command::Theorem(args) => theorem::run(&args),
        Command::Stats { command } => stats::run(&command),
        Command::Tasks(args) => tasks::run(&args),
        Command::Forecast(args) => forecast::run(&args),
        Command::Submit { to } => submit::run(&to),
        Command::Pack(args) => pack::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Publish(args) => publish::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::VerifyStore(args) => verify_store::run(&args),
        Command::Selftest { device, json, full, peer } => selftest::run(device, full, peer.as_deref(), json.as_deref()),
        Command::Schema => schema::run(),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// Writes a result on standard output.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes a result as JSON on standard output.
fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::stage)?;
    print(&(shown::json(&text) + "\n"))
}

/// Writes a line of the log on standard error.
fn log(line: &str) {
    // A command to repeat may have a mirror's password in it. Where standard error is closed there is no log.
    let _ = writeln!(io::stderr(), "{}", shown::text(&shown::without_secrets(line)));
}
