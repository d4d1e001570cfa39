//! The command line: from the paper's claims to a report, one stage after another.

mod again;
mod audit;
mod batch;
mod cli;
mod command;
mod compare;
mod display;
mod exchange;
mod exit;
mod interrupt;
mod project;
mod published;
mod registry;
mod replaced;
mod shell;
mod significant;
mod source;
mod stages;
mod submit;
mod tasks;
mod words;

use std::ffi::OsString;

use clap::Parser as _;

/// Does what the command line says and returns the exit code; the first argument is the program's own name.
///
/// A library, so that the crash tests can watch the store of the very program that is shipped.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = cli::Cli::parse_from(arguments);
    match command::run(cli.command) {
        Ok(outcome) => outcome.code(),
        Err(error) if error.is_broken_pipe() => 0,
        Err(error) => {
            exit::print(&error);
            error.code()
        }
    }
}
