//! `pipeline completions SHELL`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::print;
use crate::cli::Cli;
use crate::exit::{Failure, Outcome};

pub fn run(shell: Shell) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "pipeline", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}
