//! Theorem 1 by Monte Carlo: empirical risks of n drawn losses, in chunks of a fixed size.
//!
//! Each chunk has its own random stream, keyed by the seed, the scenario, n, b and the chunk's number, and chunks
//! are merged in their order, so results depend neither on the number of threads nor on who drew what. Memory does not
//! grow with the number of draws.

mod bits;
mod draw;
mod sums;

use flooding_core::config::Scenario;
use flooding_core::progress::StopFlag;
use flooding_core::seeds::{Purpose, Streams};
use rayon::prelude::*;

pub(crate) use draw::{Chunk, Source};
pub use sums::Mean;
pub(crate) use sums::Sums;

/// Losses a chunk; at least one empirical risk.
const CHUNK_LOSSES: u64 = 1 << 18;

/// Chunks drawn in parallel before they are merged.
const WAVE: u64 = 64;

/// The Monte Carlo means of one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonteCarlo {
    /// Of (R^ - R)^2.
    pub mse_empirical: Mean,
    /// Of (R~ - R)^2.
    pub mse_flooded: Mean,
    /// Of their difference, draw by draw.
    pub gain: Mean,
    /// Of (b - R^)+.
    pub shortfall: Mean,
    /// Of the indicator of R^ < b.
    pub prob_below: Mean,
}

/// What is drawn for one cell.
pub(crate) struct Draws {
    /// Where losses come from.
    pub(crate) source: Source,
    /// Part of every stream's key.
    pub(crate) scope: String,
    /// Losses averaged.
    pub(crate) n: u32,
    /// The flood level.
    pub(crate) level: f64,
    /// The true risk.
    pub(crate) risk: f64,
    /// Empirical risks to draw.
    pub(crate) repetitions: u64,
    /// The seed of all streams.
    pub(crate) seed: u64,
}

/// The scope of the streams of a scenario's cell.
pub(crate) fn scope(scenario: &Scenario, n: u32, level: f64) -> String {
    let scenario = serde_json::to_string(scenario).expect("a scenario is plain data");
    format!("theorem {scenario} n={n} b={level:e}")
}

/// Draws all repetitions with this flooded estimator; `None` when asked to stop.
///
/// `flood` maps an empirical risk and a level to the flooded one; the tests pass broken ones.
pub(crate) fn run<F>(draws: &Draws, stop: &StopFlag, flood: F) -> Option<MonteCarlo>
where
    F: Fn(f64, f64) -> f64 + Sync,
{
    let per_chunk = (CHUNK_LOSSES / u64::from(draws.n)).max(1);
    let chunks = draws.repetitions.div_ceil(per_chunk);
    let streams = Streams::new(draws.seed, draws.scope.as_str(), 0);
    let mut total = Sums::default();
    let mut first = 0;
    while first < chunks {
        let last = (first + WAVE).min(chunks);
        let draw_chunk = |chunk: u64| {
            if stop.is_raised() {
                return None;
            }
            let repetitions = per_chunk.min(draws.repetitions - chunk * per_chunk);
            let mut stream = streams.stream(Purpose::MonteCarlo, chunk);
            let mut sums = Sums::default();
            draws.source.draw(Chunk { n: draws.n, repetitions, stop }, &mut stream, |empirical, count| {
                sums.add(draws.risk, draws.level, empirical, flood(empirical, draws.level), count);
            })?;
            Some(sums.settled())
        };
        let wave: Vec<Option<Sums>> = (first..last).into_par_iter().map(draw_chunk).collect();
        for sums in wave {
            total.merge(&sums?);
        }
        first = last;
    }
    Some(total.means())
}
