//! Numbers that no machine could live with, and text that no report could show: refused before any work, so that a
//! slipped finger costs a sentence and not the memory of a shared machine.

use super::resolve::Resolver;
use super::{Overrides, Setting};
use crate::config::{ConfigError, Draw, GridEntry};
use crate::spec::{Distribution, ModelSpec, SinusoidInputs};

/// Passes over the training set.
pub(super) const EPOCHS: u32 = 1_000_000;
/// Seeds of a setting.
pub(super) const TRIALS: u32 = 10_000;
/// Examples of a set.
pub(super) const EXAMPLES: u32 = 100_000_000;
/// Losses that an empirical risk averages.
pub(super) const SAMPLE_SIZE: u32 = 1_000_000;
/// Runs of a plan, each of which has a folder.
const RUNS: u64 = 1_000_000;
/// Numbers of a drawn set's inputs, or of a network's hidden layers: four bytes each.
const NUMBERS: u64 = 2_000_000_000;
/// Characters of a name or a sentence for the report.
const TEXT: usize = 1000;

impl Resolver<'_> {
    /// What one entry of a profile may replace.
    pub(super) fn check_entry(&self, at: &[&str], entry: &GridEntry) -> Result<(), ConfigError> {
        for (key, value, limit) in [
            ("trials", entry.trials, TRIALS),
            ("epochs", entry.epochs, EPOCHS),
            ("train_size", entry.train_size, EXAMPLES),
            ("test_size", entry.test_size, EXAMPLES),
        ] {
            if let Some(value) = value {
                self.positive(at, key, value)?;
                self.at_most(at, key, value, limit)?;
            }
        }
        Ok(())
    }

    /// The sizes of a drawn dataset, and the numbers of its distribution.
    pub(super) fn check_draw(&self, at: &[&str], draw: &Draw) -> Result<(), ConfigError> {
        for (key, size) in [("train", draw.train), ("validation", draw.validation), ("test", draw.test)] {
            self.positive(at, key, size)?;
            self.at_most(at, key, size, EXAMPLES)?;
        }
        let of = [at, &["distribution"]].concat();
        match &draw.distribution {
            Distribution::Gaussians { dimension, mean } => {
                self.positive(&of, "dimension", *dimension)?;
                self.at_most(&of, "dimension", *dimension, 100_000)?;
                self.in_range(&of, "mean", *mean, -1e6, 1e6)?;
            }
            Distribution::Sinusoid { inputs, w, w_prime } => {
                for (key, numbers) in [("w", w), ("w_prime", w_prime)] {
                    for &number in numbers {
                        self.in_range(&of, key, number, -1e6, 1e6)?;
                    }
                }
                if w[0] * w_prime[0] + w[1] * w_prime[1] != 0.0 {
                    let (value, remedy) = (format!("{w_prime:?}"), "the paper asks for w orthogonal to w_prime");
                    return Err(self.invalid(&of, "w_prime", value, "not orthogonal to w", remedy));
                }
                if let SinusoidInputs::Disk { radius } = inputs {
                    self.in_range(&[&of[..], &["inputs"]].concat(), "radius", *radius, 1e-6, 1e6)?;
                }
            }
            Distribution::Spiral { tau } => self.in_range(&of, "tau", *tau, 0.0, 1e6)?,
        }
        let largest = draw.train.max(draw.validation).max(draw.test);
        let numbers = u64::from(largest) * draw.distribution.dimension() as u64;
        self.fits(at, "distribution", numbers)
    }

    /// The width of every layer, and what the layers hold together.
    pub(super) fn check_layers(&self, at: &[&str], model: &ModelSpec) -> Result<(), ConfigError> {
        let ModelSpec::Mlp { hidden, .. } = model else { return Ok(()) };
        for &width in hidden {
            self.positive(at, "hidden", width)?;
            self.at_most(at, "hidden", width, 100_000)?;
        }
        let weights = hidden.windows(2).map(|pair| u64::from(pair[0]) * u64::from(pair[1]));
        self.fits(at, "hidden", weights.fold(0, u64::saturating_add))
    }

    fn fits(&self, at: &[&str], key: &str, numbers: u64) -> Result<(), ConfigError> {
        if numbers <= NUMBERS {
            return Ok(());
        }
        let (problem, remedy) = (format!("absurdly large: {numbers} numbers"), format!("stay below {NUMBERS}"));
        Err(self.invalid(at, key, numbers, problem, remedy))
    }

    /// How much a plan lists.
    pub(super) fn check_runs(&self, profile: &str, settings: &[Setting]) -> Result<(), ConfigError> {
        let runs = |setting: &Setting| u64::from(setting.trials) * setting.levels.len() as u64;
        let total = settings.iter().map(runs).fold(0, u64::saturating_add);
        if total <= RUNS {
            return Ok(());
        }
        let problem = format!("absurdly large: {total} runs (settings x trials x levels)");
        let remedy = format!("stay below {RUNS}: fewer trials, levels or settings");
        Err(self.located.invalid(&["profile", profile], profile, problem, remedy))
    }

    /// Text for the report: of a readable length, and without characters that would change what stands around it.
    pub(super) fn check_text(&self, at: &[&str], key: &str, text: &str) -> Result<(), ConfigError> {
        // Overrides of the direction of writing make text read as another one.
        let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let (problem, remedy) = if text.chars().any(|c| c.is_control() || turns(c)) {
            ("has control characters", "use text of a single line, without control characters")
        } else if text.chars().count() > TEXT {
            ("absurdly long", "use at most 1000 characters")
        } else {
            return Ok(());
        };
        let shown: String = text.chars().take(60).collect();
        Err(self.invalid(at, key, format!("{shown:?}"), problem, remedy))
    }
}

/// The same limits for the command line.
pub(super) fn check_overrides(overrides: &Overrides) -> Result<(), ConfigError> {
    let sizes = [
        ("--epochs", overrides.epochs, EPOCHS),
        ("--train-size", overrides.train_size, EXAMPLES),
        ("--test-size", overrides.test_size, EXAMPLES),
        ("--trials", overrides.trials, TRIALS),
    ];
    for (option, value, limit) in sizes {
        let problem = match value {
            Some(0) => "must be 1 or more".to_owned(),
            Some(value) if value > limit => format!("absurdly large: use at most {limit}"),
            _ => continue,
        };
        return Err(ConfigError::Option { option, value: value.unwrap_or_default().to_string(), problem });
    }
    Ok(())
}
