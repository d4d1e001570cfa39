//! Operating characteristics: how often each rule says what, when the truth is known. A seeded simulation that calls the
//! very functions that judge the claims.

use flooding_core::config::TableId;
use flooding_core::seeds::{Purpose, Stream, Streams};
use flooding_tables::{Checkpoint, Magnitude, PaperCell, Printed};
use rand::RngExt as _;
use rand_distr::StandardNormal;

use super::definition::{Cell, Claim, Claims, Measure, Side};
use super::magnitude::compare;
use super::rule::{Direction, Rule};
use super::words::Unit;
use crate::paper::{self, TABLE2_TRIALS};
use crate::stats::{Pooled, Sample, Stratum, Trend};

/// What a rule said under one truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequencies {
    /// The claim's id.
    pub claim: String,
    /// Settings judged.
    pub rows: usize,
    /// Trials of each.
    pub trials: usize,
    /// Description of the truth.
    pub truth: String,
    /// Share of repetitions in which the rule agreed, disagreed, and did neither.
    pub verdicts: [f64; 3],
    /// Share in which the size agreed with the paper's, was smaller, larger, and could not be told; `None` where the paper
    /// gives no number.
    pub sizes: Option<[f64; 4]>,
}

/// Simulates every rule of `claims.toml` but those of theorems, `repetitions` times each. The same seed gives the same
/// numbers.
pub fn simulate(seed: u64, repetitions: u32) -> Vec<Frequencies> {
    let claims = Claims::load();
    let mut all = Vec::new();
    for claim in &claims.claim {
        let worlds = worlds(claim);
        for (index, world) in worlds.into_iter().enumerate() {
            let mut stream =
                Streams::new(seed, format!("operating {}", claim.id), 0).stream(Purpose::MonteCarlo, index as u64);
            let (mut verdicts, mut sizes) = ([0.0; 3], [0.0; 4]);
            let share = 1.0 / f64::from(repetitions);
            for _ in 0..repetitions {
                let (direction, size) =
                    world.judge(claim, claim.magnitude_margin.unwrap_or(claims.magnitude_margin), &mut stream);
                verdicts[direction as usize] += share;
                if let Some(at) = size.and_then(|size| SIZES.iter().position(|known| *known == size)) {
                    sizes[at] += share;
                }
            }
            let sizes = (sizes.iter().sum::<f64>() > 0.0).then_some(sizes);
            let (rows, trials, truth) = (world.rows(), world.trials(), world.truth);
            all.push(Frequencies { claim: claim.id.clone(), rows, trials, truth, verdicts, sizes });
        }
    }
    all
}

const SIZES: [Magnitude; 4] =
    [Magnitude::AgreesWithThePaper, Magnitude::Smaller, Magnitude::Larger, Magnitude::CannotBeTold];

/// A truth to draw trials from.
struct World {
    truth: String,
    draw: Draw,
}

enum Draw {
    /// Normal effects: mean and standard deviation of each row, trials a row, and the paper's pooled effect.
    Effects { rows: Vec<(f64, f64)>, trials: usize, paper: Option<Pooled> },
    /// This number of trials, each a success with this probability.
    Successes { n: usize, p: f64 },
    /// Normal levels on the grid of hundredths: for each dataset mean and deviation by rising noise.
    Levels { sets: Vec<Vec<(f64, f64)>>, trials: usize },
    /// This number of datasets, each with a best cell with flooding with this probability.
    Cells { n: usize, p: f64 },
}

impl World {
    fn rows(&self) -> usize {
        match &self.draw {
            Draw::Effects { rows, .. } => rows.len(),
            Draw::Successes { .. } => 1,
            Draw::Levels { sets, .. } => sets.iter().map(Vec::len).sum(),
            Draw::Cells { n, .. } => *n,
        }
    }

    fn trials(&self) -> usize {
        match &self.draw {
            Draw::Effects { trials, .. } | Draw::Levels { trials, .. } => *trials,
            Draw::Successes { n, .. } => *n,
            Draw::Cells { .. } => 1,
        }
    }

    fn judge(&self, claim: &Claim, margin: f64, stream: &mut Stream) -> (Direction, Option<Magnitude>) {
        let mut normal = |(mean, std): (f64, f64)| mean + std * stream.sample::<f64, _>(StandardNormal);
        match &self.draw {
            Draw::Effects { rows, trials, paper } => {
                let strata: Vec<Vec<f64>> =
                    rows.iter().map(|row| (0..*trials).map(|_| normal(*row)).collect()).collect();
                let Some(pooled) = Pooled::of(&strata) else { return (Direction::Open, None) };
                (claim.rule.on_effect(&pooled), paper.map(|paper| compare(&pooled, &paper, margin)))
            }
            Draw::Successes { n, p } => {
                let hits = (0..*n).filter(|_| stream.random_bool(*p)).count();
                (claim.rule.on_share(hits as u32, *n as u32), None)
            }
            Draw::Levels { sets, trials } => {
                let (mut trends, mut rises) = (Vec::new(), Vec::new());
                for set in sets {
                    let mut level = |of: (f64, f64)| (normal(of).clamp(0.0, 0.5) * 100.0).round() / 100.0;
                    let groups: Vec<Vec<f64>> =
                        set.iter().map(|group| (0..*trials).map(|_| level(*group)).collect()).collect();
                    trends.extend(Trend::of(&groups));
                    let ends =
                        [groups.last(), groups.first()].map(|values| Sample::of(values.map_or(&[], Vec::as_slice)));
                    rises.push(Stratum::difference(ends[0], ends[1]));
                }
                match (Trend::stratified(&trends), Pooled::of_strata(&rises)) {
                    (Some(trend), Some(rise)) => {
                        (claim.rule.on_trend(trend.p_growth(), rise.interval(crate::stats::CONFIDENCE).1), None)
                    }
                    _ => (Direction::Open, None),
                }
            }
            Draw::Cells { n, p } => {
                let with = (0..*n).filter(|_| stream.random_bool(*p)).count();
                (claim.rule.on_count(with, *n), None)
            }
        }
    }
}

/// The truths under which a claim's rule is tried.
fn worlds(claim: &Claim) -> Vec<World> {
    let world = |truth: &str, draw| World { truth: truth.to_owned(), draw };
    match (claim.measure, claim.rule) {
        (Measure::Checks { .. }, _) => Vec::new(),
        (Measure::BestCell, _) => [("no effect", 0.5), ("three of four", 0.75), ("always", 1.0)]
            .map(|(truth, p)| world(truth, Draw::Cells { n: 5, p }))
            .into(),
        (Measure::LevelAgainstNoise { .. }, _) => {
            let scaled = [("no effect", 0.0), ("half of the paper's", 0.5), ("the paper's", 1.0)];
            let mut worlds = Vec::new();
            for trials in [3, 10] {
                worlds.extend(scaled.map(|(truth, k)| world(truth, Draw::Levels { sets: level_sets(k), trials })));
            }
            worlds
        }
        (measure, Rule::MoreThan { .. }) => {
            let n = if matches!(measure, Measure::ZeroTrainingError { .. }) { 11 } else { 90 };
            [("half of the trials", 0.5), ("three of four", 0.75), ("19 of 20", 0.95)]
                .map(|(truth, p)| world(truth, Draw::Successes { n, p }))
                .into()
        }
        (Measure::Gain { better, worse }, rule) => {
            let papers = table_2(better, worse);
            let strata: Vec<Stratum> = papers.iter().map(|row| row.0).collect();
            let paper = Pooled::of_strata(&strata);
            let mut worlds = Vec::new();
            for trials in [3, TABLE2_TRIALS as usize] {
                for (truth, shift, k) in truths(rule) {
                    let rows = papers.iter().map(|(stratum, std)| (k * stratum.mean + shift, *std)).collect();
                    worlds.push(World { truth, draw: Draw::Effects { rows, trials, paper } });
                }
            }
            worlds
        }
        (Measure::MeanGain, rule) => {
            let gains = table_3(&claim.domain[0].rows);
            let paper = Pooled::of(&gains.iter().map(|gain| vec![*gain]).collect::<Vec<_>>());
            let all = Sample::of(&gains);
            let rows = |shift: f64, k: f64| vec![(k * all.mean + shift, all.std); gains.len()];
            let of =
                |(truth, shift, k)| World { truth, draw: Draw::Effects { rows: rows(shift, k), trials: 1, paper } };
            truths(rule).into_iter().map(of).collect()
        }
        (measure, Rule::Superior { smallest }) => {
            let std = assumed_spread(measure);
            let of = |trials: usize, (truth, k): (&str, f64)| {
                world(truth, Draw::Effects { rows: vec![(k * smallest, std); 3], trials, paper: None })
            };
            let truths = [("no effect", 0.0), ("the smallest that counts", 1.0), ("three times that", 3.0)];
            [3, 10].into_iter().flat_map(|trials| truths.map(|truth| of(trials, truth))).collect()
        }
        _ => Vec::new(),
    }
}

/// Truths: a shift of every row, and what share of the paper's effect there is.
fn truths(rule: Rule) -> Vec<(String, f64, f64)> {
    let truth = |words: &str, shift: f64, k: f64| (words.to_owned(), shift, k);
    match rule {
        Rule::NotInferior { margin } => vec![
            truth("twice the margin worse", -2.0 * margin, 0.0),
            truth("worse by the margin", -margin, 0.0),
            truth("no effect", 0.0, 0.0),
            truth("the paper's", 0.0, 1.0),
        ],
        Rule::Superior { smallest } => vec![
            truth("no effect", 0.0, 0.0),
            truth("the smallest that counts", smallest, 0.0),
            truth("half of the paper's", 0.0, 0.5),
            truth("the paper's", 0.0, 1.0),
            truth("as wrong as the paper is right", 0.0, -1.0),
        ],
        _ => Vec::new(),
    }
}

/// The spread between trials that is assumed where the paper gives none.
const fn assumed_spread(measure: Measure) -> f64 {
    match Unit::of(measure) {
        Unit::Points => 2.0,
        Unit::LogRatio => 0.3,
        Unit::Share | Unit::Level | Unit::Count => 0.1,
    }
}

/// The paper's difference in each row of Table 2, and the spread of a trial's difference if the two were independent.
fn table_2(better: Cell, worse: Cell) -> Vec<(Stratum, f64)> {
    let sample = |row: &[String; 2], (side, checkpoint): Cell| {
        let cell: PaperCell = paper::cell(TableId::Table2, row, checkpoint)?;
        let Printed { mean, std } = match side {
            Side::Without => cell.without?,
            Side::With => cell.with?,
        };
        Some(Sample { n: TABLE2_TRIALS, mean, std: std? })
    };
    paper::rows(TableId::Table2)
        .map(|row| row.map(str::to_owned))
        .filter_map(|row| {
            let (a, b) = (sample(&row, better)?, sample(&row, worse)?);
            Some((Stratum::difference(a, b), a.std.hypot(b.std)))
        })
        .collect()
}

/// The paper's mean gain of both checkpoint selections in each row of Table 3.
fn table_3(only: &[String]) -> Vec<f64> {
    paper::rows(TableId::Table3)
        .filter(|row| only.is_empty() || only.iter().any(|label| label == row[1]))
        .map(|row| row.map(str::to_owned))
        .filter_map(|row| {
            let gain = |checkpoint| {
                let cell = paper::cell(TableId::Table3, &row, checkpoint)?;
                Some(cell.with.or(cell.without)?.mean - cell.without?.mean)
            };
            Some(f64::midpoint(gain(Checkpoint::LastEpoch)?, gain(Checkpoint::BestValidation)?))
        })
        .collect()
}

/// Means and deviations of the paper's selected levels by dataset and rising noise, drawn together to this share.
fn level_sets(share: f64) -> Vec<Vec<(f64, f64)>> {
    let mut sets: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for row in paper::rows(TableId::Table2) {
        let cell = paper::cell(TableId::Table2, &row.map(str::to_owned), Checkpoint::LastEpoch);
        let Some(Printed { mean, std: Some(std) }) = cell.and_then(|cell| cell.selected_level) else { continue };
        let level = (mean, std);
        match sets.iter_mut().find(|(name, _)| *name == row[0]) {
            Some((_, levels)) => levels.push(level),
            None => sets.push((row[0], vec![level])),
        }
    }
    let drawn_together = |levels: Vec<(f64, f64)>| {
        let middle = levels.iter().map(|level| level.0).sum::<f64>() / levels.len() as f64;
        levels.into_iter().map(|(mean, std)| (middle + share * (mean - middle), std)).collect()
    };
    sets.into_iter().map(|(_, levels)| drawn_together(levels)).collect()
}

/// The tables of `docs/operating-characteristics.md`.
pub fn markdown(all: &[Frequencies]) -> String {
    use std::fmt::Write as _;
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let mut text = String::from(
        "| claim | rows | trials | truth | agrees | disagrees | open | size agrees | smaller | larger | cannot be told |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for one in all {
        let [agrees, disagrees, open] = one.verdicts.map(percent);
        let sizes = one.sizes.map_or_else(|| " | | |".to_owned(), |sizes| sizes.map(percent).join(" | "));
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {agrees} | {disagrees} | {open} | {sizes} |",
            one.claim, one.rows, one.trials, one.truth
        )
        .expect("writing to a string cannot fail");
    }
    text
}
