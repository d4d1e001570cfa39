//! Does a device compute what it should, and how fast? One call answers from this binary alone: operations and networks
//! against the CPU's and against PyTorch's recorded losses, groups against single runs, and times of training steps.

mod agreement;
mod golden;
mod operations;
pub mod programs;
mod stepper;
mod timing;

use flooding_core::context::DeviceChoice;
use serde_json::{Value, json};

use crate::TrainError;
use crate::backend::{Backend, Portable};
use crate::cpu::FastCpu;

/// How large the timed networks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Seconds on a laptop: shows that everything runs.
    Small,
    /// The paper's networks and whole groups of levels, for a GPU.
    Full,
}

/// One comparison.
#[derive(Clone, Debug)]
pub struct Check {
    /// What is compared with what.
    pub name: String,
    /// The largest relative difference, or why there is none.
    pub difference: Result<f64, String>,
    /// The largest that is allowed.
    pub tolerance: f64,
}

impl Check {
    /// Is it small enough?
    pub fn passed(&self) -> bool {
        self.difference.as_ref().is_ok_and(|d| *d <= self.tolerance)
    }
}

/// Training steps of one network.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Network, members and batch.
    pub name: String,
    /// Fastest and median time of a step in milliseconds, or why there is none.
    pub milliseconds: Result<(f64, f64), String>,
    /// Floating-point operations of a step: three times those of the forward pass.
    pub operations: f64,
}

/// What the self-test found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The device, as `--device` takes it.
    pub device: String,
    /// All comparisons.
    pub checks: Vec<Check>,
    /// All times.
    pub timings: Vec<Timing>,
    /// The largest memory of this process, on the host, in MiB; `None` where the system does not tell.
    pub peak_host_memory: Option<u64>,
}

impl Report {
    /// Did every comparison pass?
    pub fn passed(&self) -> bool {
        self.checks.iter().all(Check::passed)
    }

    /// All of it, for machines.
    pub fn to_json(&self) -> Value {
        let check = |c: &Check| {
            json!({
                "name": c.name, "passed": c.passed(), "difference": c.difference.as_ref().ok(),
                "error": c.difference.as_ref().err(), "tolerance": c.tolerance,
            })
        };
        let timing = |t: &Timing| {
            let time = t.milliseconds.as_ref().ok();
            json!({
                "name": t.name, "min_ms": time.map(|t| t.0), "median_ms": time.map(|t| t.1),
                "gflops": gigaflops(t), "error": t.milliseconds.as_ref().err(),
            })
        };
        json!({
            "device": self.device,
            "passed": self.passed(),
            "checks": self.checks.iter().map(check).collect::<Vec<_>>(),
            "timings": self.timings.iter().map(timing).collect::<Vec<_>>(),
            "peak_host_memory_mib": self.peak_host_memory,
        })
    }

    /// All of it, for people, in Markdown.
    pub fn to_table(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::from("| check | difference | allowed | |\n|---|---|---|---|\n");
        for check in &self.checks {
            let difference = check.difference.as_ref().map_or_else(Clone::clone, |d| format!("{d:.1e}"));
            let verdict = if check.passed() { "ok" } else { "FAILED" };
            let _ = writeln!(text, "| {} | {difference} | {:.0e} | {verdict} |", check.name, check.tolerance);
        }
        text.push_str("\n| training step | min ms | median ms | GFLOP/s |\n|---|---|---|---|\n");
        for timing in &self.timings {
            let _ = match &timing.milliseconds {
                Ok((min, median)) => {
                    let speed = gigaflops(timing).unwrap_or_default();
                    writeln!(text, "| {} | {min:.2} | {median:.2} | {speed:.0} |", timing.name)
                }
                Err(why) => writeln!(text, "| {} | {why} | | |", timing.name),
            };
        }
        text
    }
}

fn gigaflops(timing: &Timing) -> Option<f64> {
    timing.milliseconds.as_ref().ok().map(|(min, _)| timing.operations / min / 1e6)
}

/// Runs everything on this device. A device that cannot be used is an error; what goes wrong later is in the report.
///
/// On the CPU the comparisons cover dfdx's public operations too, which is what another device runs.
pub fn run(device: DeviceChoice, scale: Scale) -> Result<Report, TrainError> {
    crate::device::check(device)?;
    let (name, checks, timings) = match device {
        DeviceChoice::Cpu => {
            let public = Portable::new(dfdx::prelude::Cpu::default());
            let mut checks = compare(&public, "public operations");
            checks.extend(golden::checks(&FastCpu::default(), "own operations"));
            ("cpu".to_owned(), checks, timing::all(&FastCpu::default(), scale))
        }
        DeviceChoice::Cuda(ordinal) => {
            let (checks, timings) = on_cuda(ordinal, scale).map_err(|why| TrainError::Cuda { ordinal, why })?;
            (format!("cuda:{ordinal}"), checks, timings)
        }
    };
    Ok(Report { device: name, checks, timings, peak_host_memory: peak_host_memory() })
}

#[cfg(feature = "cuda")]
fn on_cuda(ordinal: usize, scale: Scale) -> Result<(Vec<Check>, Vec<Timing>), String> {
    let backend = crate::device::cuda(ordinal)?;
    Ok((compare(&backend, "CUDA"), timing::all(&backend, scale)))
}

#[cfg(not(feature = "cuda"))]
fn on_cuda(ordinal: usize, _: Scale) -> Result<(Vec<Check>, Vec<Timing>), String> {
    match crate::device::cuda(ordinal)? {}
}

fn compare<B: Backend>(backend: &B, name: &str) -> Vec<Check> {
    let mut checks = operations::checks(backend, name);
    checks.extend(agreement::with_the_cpu(backend, name));
    checks.extend(golden::checks(backend, name));
    checks.extend(agreement::of_groups(backend, name));
    checks
}

/// As Linux tells it.
fn peak_host_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}
