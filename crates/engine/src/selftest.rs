//! Does a device compute what it should, and how fast? One call answers from this binary alone: operations and networks
//! against the CPU's and against PyTorch's recorded losses, groups against single runs, and times of training steps.

mod agreement;
mod golden;
mod meter;
mod operations;
mod peer;
pub mod programs;
mod stepper;
mod timing;

use flooding_core::context::DeviceChoice;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::composite::Composite;
use crate::cpu::FastCpu;
use crate::error::{CudaProblem, EngineError};
use peer::Peer;

pub use timing::{Times, Timing};

/// How large the timed networks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Seconds on a laptop: shows that everything runs.
    Small,
    /// The paper's networks, one run each: a minute or two on a CPU.
    Cpu,
    /// The paper's networks and whole groups of levels, for a GPU.
    Gpu,
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

/// Comparisons and times.
type Found = (Vec<Check>, Vec<Timing>);

/// What the self-test found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The device, as `--device` takes it.
    pub device: String,
    /// All comparisons.
    pub checks: Vec<Check>,
    /// All times.
    pub timings: Vec<Timing>,
    /// What the other program calls itself, if there is one.
    pub peer: Option<String>,
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
        let times = |times: &Result<Times, String>| match times {
            Ok(Times { min, median, peak_memory }) => {
                json!({ "min_ms": min, "median_ms": median, "peak_memory_mib": peak_memory })
            }
            Err(why) => json!({ "error": why }),
        };
        let timing = |t: &Timing| {
            json!({
                "name": t.name, "ours": times(&t.ours), "peer": t.peer.as_ref().map(times), "gflops": t.gigaflops(),
                "parameters_gb_per_s": t.gigabytes(), "ratio_of_medians": t.ratio(),
            })
        };
        json!({
            "device": self.device,
            "peer": self.peer,
            "passed": self.passed(),
            "checks": self.checks.iter().map(check).collect::<Vec<_>>(),
            "timings": self.timings.iter().map(timing).collect::<Vec<_>>(),
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
        let peer = self.peer.as_deref().unwrap_or("no other program");
        let _ = writeln!(
            text,
            "\n| training step | min ms | median ms | GFLOP/s | GB/s of parameters | peak MiB | {peer}: min ms | median \
             ms | peak MiB | ratio of medians |\n|---|---|---|---|---|---|---|---|---|---|"
        );
        for timing in &self.timings {
            let ours = cells(Some(&timing.ours), [timing.gigaflops(), timing.gigabytes()]);
            let ratio = timing.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
            let _ = writeln!(text, "| {} | {ours} | {} | {ratio} |", timing.name, cells(timing.peer.as_ref(), []));
        }
        text
    }
}

/// Cells of a table's row: times, rates between them and the memory, and the memory.
fn cells<const N: usize>(times: Option<&Result<Times, String>>, rates: [Option<f64>; N]) -> String {
    match times {
        None => format!("-{} | - | -", " | -".repeat(N)),
        Some(Err(why)) => format!("{}{} | - | -", why.replace(['|', '\n'], " "), " | -".repeat(N)),
        Some(Ok(Times { min, median, peak_memory })) => {
            let rates: String = rates.iter().map(|rate| format!("{:.0} | ", rate.unwrap_or_default())).collect();
            let peak = peak_memory.map_or("-".to_owned(), |peak| peak.to_string());
            format!("{min:.2} | {median:.2} | {rates}{peak}")
        }
    }
}

/// Runs everything on this device. A device that cannot be used is an error; what goes wrong later is in the report.
///
/// On the CPU the comparisons cover dfdx's public operations too, which is what another device runs. `peer` is the command
/// of a program that takes the same steps (see `scripts/pytorch_peer.py`).
pub fn run(device: DeviceChoice, scale: Scale, peer: Option<&str>) -> Result<Report, EngineError> {
    crate::device::check(device)?;
    let mut peer = peer.map(Peer::start).transpose().map_err(EngineError::Peer)?;
    let (name, checks, timings) = match device {
        DeviceChoice::Cpu => {
            let (public, own) = (Composite::new(dfdx::prelude::Cpu::default()), FastCpu::default());
            let mut checks = compare(&public, "composite operations");
            checks.extend(golden::checks(&own, "native operations"));
            ("cpu".to_owned(), checks, timing::all(&own, &meter::OfProcess, ("cpu", scale), peer.as_mut()))
        }
        DeviceChoice::Cuda(ordinal) => {
            let name = format!("cuda:{ordinal}");
            let found = on_cuda(ordinal, (&name, scale), peer.as_mut());
            let (checks, timings) = found.map_err(|why| EngineError::Cuda { ordinal, why })?;
            (name, checks, timings)
        }
    };
    Ok(Report { device: name, checks, timings, peer: peer.map(|peer| peer.name.clone()) })
}

#[cfg(feature = "cuda")]
fn on_cuda(ordinal: usize, of: (&str, Scale), peer: Option<&mut Peer>) -> Result<Found, CudaProblem> {
    let backend = Composite::new(crate::cuda::open(ordinal)?);
    Ok((compare(&backend, "CUDA"), timing::all(&backend, &meter::OfDevice { ordinal }, of, peer)))
}

#[cfg(not(feature = "cuda"))]
fn on_cuda(_: usize, _: (&str, Scale), _: Option<&mut Peer>) -> Result<Found, CudaProblem> {
    Err(CudaProblem::NotBuilt)
}

fn compare<B: Backend>(backend: &B, name: &str) -> Vec<Check> {
    let mut checks = operations::checks(backend, name);
    checks.extend(agreement::with_the_cpu(backend, name));
    checks.extend(golden::checks(backend, name));
    checks.extend(agreement::of_groups(backend, name));
    checks
}
