//! `pipeline`: see `pipeline --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(flooding_pipeline::run(std::env::args_os()))
}
