//! Who trained a run, where, when and how fast.

use std::fs;
use std::time::Duration;

use flooding_core::clock;
use flooding_core::record::Provenance;
use flooding_engine::cpu::vector_instructions;

/// The provenance of a run that ends now.
pub fn now(device: &str, seconds: Duration, training: Duration) -> Provenance {
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("FLOODING_COMMIT").to_owned(),
        rustc: env!("FLOODING_RUSTC").to_owned(),
        device: device.to_owned(),
        processor: format!("{} ({})", processor_name(), vector_instructions()),
        finished: clock::now(),
        seconds: milliseconds(seconds),
        training_seconds: milliseconds(training),
        cores: cores(),
        memory: memory(),
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1e3
}

/// The processor's name as Linux tells it, else the architecture's.
fn processor_name() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// The machine's cores as Linux tells them, also where a scheduler gives this process fewer.
fn cores() -> Option<u32> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let count = text.lines().filter(|line| line.split(':').next().is_some_and(|key| key.trim() == "processor")).count();
    u32::try_from(count).ok().filter(|count| *count > 0)
}

/// Main memory in GiB as Linux tells it.
fn memory() -> Option<u32> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB"))?;
    let kibibytes: f64 = kibibytes.trim().parse().ok()?;
    Some((kibibytes / f64::from(1 << 20)).round() as u32)
}
