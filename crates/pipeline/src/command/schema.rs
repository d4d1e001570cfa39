//! `pipeline schema`.

use flooding_core::config::Config;

use super::print_json;
use crate::exit::{Failure, Outcome};

pub fn run() -> Result<Outcome, Failure> {
    print_json(&Config::schema())?;
    Ok(Outcome::Done)
}
