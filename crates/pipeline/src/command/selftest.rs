//! `pipeline selftest`: does this device compute what the others do, and how fast?

use std::path::Path;

use flooding_core::context::DeviceChoice;
use flooding_core::store;
use flooding_engine::EngineError;
use flooding_engine::selftest::{self, Scale};

use super::print;
use crate::exit::{Failure, Outcome};

pub fn run(device: DeviceChoice, full: bool, peer: Option<&str>, json: Option<&Path>) -> Result<Outcome, Failure> {
    let scale = match device {
        _ if !full => Scale::Small,
        DeviceChoice::Cpu => Scale::Cpu,
        DeviceChoice::Cuda(_) => Scale::Gpu,
    };
    flooding_engine::device::check(device).map_err(|error| Failure::Device(Box::new(error)))?;
    let report = selftest::run(device, scale, peer).map_err(|error| match error {
        EngineError::Peer(_) => Failure::Usage(error.to_string()),
        EngineError::Cuda { .. } => Failure::Device(Box::new(error)),
    })?;
    print(&report.to_table())?;
    if let Some(path) = json {
        let text = format!("{:#}\n", report.to_json());
        store::refuse_other(path, "JSON", |start| start.trim_ascii_start().starts_with(b"{"))
            .and_then(|()| store::write_whole(path, text.as_bytes()))
            .map_err(|error| Failure::Usage(format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(if report.passed() { Outcome::Done } else { Outcome::Failed })
}
