//! `pipeline.toml` as types. Unknown keys are refused; [`crate::plan`] checks what types alone cannot.

mod error;
mod locate;

pub use error::{ConfigError, InvalidValue, NothingMatches};
pub use locate::Located;

use std::path::Path;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::files;
use crate::level::Level;
use crate::shown;
use crate::spec::{
    Augment, Distribution, Flip, InitialWeights, LrSchedule, ModelSpec, Objective, Observe, OptimiserSpec,
};

/// No list of what to run is larger than this; whatever is was named by mistake.
const LARGEST: u64 = 16 << 20;

/// The whole of `pipeline.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The seed that every random stream derives from.
    pub master_seed: u64,
    /// Network architectures by name.
    pub model: IndexMap<String, ModelSpec>,
    /// Interpretations of what the paper leaves open, for the synthetic data.
    pub reading: IndexMap<String, Reading>,
    /// How families of settings are trained.
    pub protocol: IndexMap<String, Protocol>,
    /// The rows of Tables 2 and 3, by id.
    pub setting: IndexMap<String, SettingConfig>,
    /// How much of the grid to run, by name.
    pub profile: IndexMap<String, Profile>,
    /// The check of Theorem 1.
    pub theorem: TheoremConfig,
    /// How our numbers are compared with the paper's.
    pub scorecard: Option<ScorecardConfig>,
    /// The user's own image datasets, by name.
    #[serde(default)]
    pub dataset: IndexMap<String, UserDataset>,
}

/// How our numbers are compared with the paper's.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScorecardConfig {
    /// The largest difference in test accuracy that does not matter, in percentage points: the margin of the tests of
    /// equivalence. Without it they are not made.
    pub margin: f64,
}

/// One interpretation of what the paper leaves open about the synthetic experiments.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// A sentence for the report.
    pub summary: String,
    /// A few words that name it in the report, such as `as the text says`; its name where absent.
    pub label: Option<String>,
    /// The network, a name under `[model]`.
    pub model: String,
    /// Examples per mini-batch.
    pub batch_size: u32,
    /// How the labels to flip are picked.
    pub flip: Flip,
    /// Whether the levels of a trial start from the same weights.
    #[serde(default)]
    pub initial_weights: InitialWeights,
    /// Another reading whose random streams this one uses: where both draw the same distribution, they draw the same
    /// examples, so that their trials pair up.
    pub streams_of: Option<String>,
    /// The datasets of this reading, by the name that settings use.
    pub data: IndexMap<String, Draw>,
}

/// A synthetic distribution and how much of it is drawn, both classes together.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// What is drawn.
    pub distribution: Distribution,
    /// Training examples.
    pub train: u32,
    /// Validation examples.
    pub validation: u32,
    /// Test examples.
    pub test: u32,
}

/// How a family of settings is trained.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Passes over the training set.
    pub epochs: u32,
    /// Seeds of the full grid.
    pub trials: u32,
    /// Flood levels of the full grid.
    pub levels: LevelGrid,
    /// The optimiser.
    pub optimiser: OptimiserSpec,
    /// Evaluate the training set every so many epochs, and at the last and the selected one; left out where evaluating
    /// it costs nothing (one full batch an epoch, no batch normalisation, no augmentation).
    #[serde(default)]
    pub train_every: u32,
    /// Examples per mini-batch for image data (the paper does not say); synthetic data take the reading's.
    pub batch_size: Option<u32>,
    /// Fraction of the training images held out.
    pub validation_fraction: Option<f64>,
}

/// Flood levels: an even grid, both ends included, or a list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a list of flood levels, or { from = ..., to = ..., step = ... }")]
pub enum LevelGrid {
    // The list comes first: three numbers in a row would also pass for a range's three fields.
    /// `[0.0, 0.05, 0.1]`.
    List(Vec<f64>),
    /// `{ from = 0.0, to = 0.5, step = 0.01 }`.
    Range(LevelRange),
}

/// An even grid of flood levels, both ends included.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelRange {
    /// The first level.
    pub from: f64,
    /// The last level.
    pub to: f64,
    /// The distance between two.
    pub step: f64,
}

/// One row of Table 2 or 3 (or a row of one's own).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingConfig {
    /// The name under `[protocol]`.
    pub protocol: String,
    /// A synthetic dataset of the readings, or an image dataset.
    pub dataset: String,
    /// The row's two labels in the paper's table, or what the report should call it.
    pub row: [String; 2],
    /// The table it belongs to.
    pub table: Option<TableId>,
    /// Fraction of labels flipped (synthetic data only).
    #[serde(default)]
    pub label_noise: f64,
    /// The network, a name under `[model]` (image data only; synthetic data take the reading's).
    pub model: Option<String>,
    /// What is done to training images.
    #[serde(default)]
    pub augment: Augment,
    /// Coupled L2 weight decay.
    #[serde(default)]
    pub weight_decay: f64,
    /// When the learning rate drops.
    #[serde(default)]
    pub schedule: LrSchedule,
    /// Overrides the protocol's fraction held out.
    pub validation_fraction: Option<f64>,
    /// What is minimised.
    #[serde(default)]
    pub objective: Objective,
    /// What is measured on the way.
    #[serde(default)]
    pub observe: Observe,
    /// How many trials, the first ones, are probed: the runs that selection compares are trained again and looked at.
    #[serde(default)]
    pub probes: u32,
    /// Whether the levels of a trial start from the same weights; the reading's where absent.
    pub initial_weights: Option<InitialWeights>,
    /// Another setting whose random streams this one uses (under the same reading).
    pub streams_of: Option<String>,
}

/// A table of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TableId {
    /// Synthetic data.
    Table2,
    /// Benchmark data.
    Table3,
}

impl TableId {
    /// The highest flood level of the paper's grid (Sections 4.1 and 4.2), which has all hundredths from 0 on.
    const fn highest_hundredth(self) -> u32 {
        match self {
            Self::Table2 => 50,
            Self::Table3 => 10,
        }
    }

    /// How many flood levels the paper's grid has.
    pub const fn levels(self) -> u32 {
        self.highest_hundredth() + 1
    }

    /// Is this one of them?
    pub const fn has_level(self, level: Level) -> bool {
        let millionths = level.millionths();
        millionths.is_multiple_of(10_000) && millionths / 10_000 <= self.highest_hundredth()
    }
}

/// How much of the grid to run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// A sentence for the report.
    pub summary: String,
    /// Its grid, each entry a choice of settings and how much of them.
    pub grid: Vec<GridEntry>,
    /// Replaces the Monte Carlo repetitions of `[theorem]`.
    pub theorem_repetitions: Option<u64>,
}

/// Some settings of a profile and how much of them to run. What is not said here is the protocol's.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GridEntry {
    /// Setting ids or globs, such as `spiral-*`.
    pub settings: Vec<String>,
    /// Run these only when `--only` names them.
    #[serde(default)]
    pub only_when_named: bool,
    /// Readings to run the synthetic ones under; default `paper`.
    pub readings: Option<Vec<String>>,
    /// Seeds.
    pub trials: Option<u32>,
    /// Flood levels.
    pub levels: Option<LevelGrid>,
    /// Epochs.
    pub epochs: Option<u32>,
    /// Training images to use, before the validation split.
    pub train_size: Option<u32>,
    /// Test examples to use.
    pub test_size: Option<u32>,
    /// Trials to probe, instead of the setting's: probes of convolutional networks take longer than short trainings.
    pub probes: Option<u32>,
}

/// The check of Theorem 1: a grid of scenarios, sample sizes and levels.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TheoremConfig {
    /// Monte Carlo repetitions of each cell (each draws n losses).
    pub repetitions: u64,
    /// Numbers n of losses that an empirical risk averages.
    pub sample_sizes: Vec<u32>,
    /// Flood levels as multiples of the scenario's risk R: 0 is no flooding, 1 is b = R.
    pub levels_over_risk: Vec<f64>,
    /// Loss distributions.
    pub scenario: Vec<Scenario>,
}

/// A distribution of one example's loss.
#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scenario {
    /// The zero-one loss: 1 with probability p, else 0.
    Bernoulli {
        /// Probability of an error.
        p: f64,
    },
    /// c plus a Bernoulli variable: no empirical risk lies below c.
    ShiftedBernoulli {
        /// Probability of 1 + c.
        p: f64,
        /// The least loss.
        c: f64,
    },
    /// Always c.
    Constant {
        /// The loss.
        c: f64,
    },
    /// Exponential with mean theta.
    Exponential {
        /// The mean.
        theta: f64,
    },
    /// Normal with mean mu and standard deviation s.
    Gaussian {
        /// The mean.
        mu: f64,
        /// The standard deviation.
        s: f64,
    },
    /// Softmax cross-entropy of g(x) = (0, alpha (sum x - m d / 2)) on two Gaussians at 0 and at m in each of d
    /// coordinates, labels flipped independently.
    CrossEntropy {
        /// Slope of g.
        alpha: f64,
        /// Probability that a label is flipped.
        eps: f64,
        /// Every coordinate of the second mean.
        m: f64,
        /// Coordinates.
        d: u32,
    },
}

/// A user's own images (docs/add-a-dataset.md); paths are relative to `pipeline.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "format", rename_all = "kebab-case", deny_unknown_fields)]
pub enum UserDataset {
    /// Four IDX files, gzipped or not, as MNIST's.
    Idx {
        /// Training images.
        train_images: String,
        /// Training labels.
        train_labels: String,
        /// Test images.
        test_images: String,
        /// Test labels.
        test_labels: String,
        /// Class names in order; numbers where absent.
        #[serde(default)]
        classes: Vec<String>,
    },
    /// Two folders, each with a folder of PNG files per class.
    Folders {
        /// Training images.
        train: String,
        /// Test images.
        test: String,
    },
}

impl Config {
    /// Reads and parses a configuration file.
    pub fn load(path: &Path) -> Result<(Self, String), ConfigError> {
        let text = files::read_text(path, LARGEST).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ConfigError::Absent { path: path.to_owned(), source },
            _ => ConfigError::Unreadable { path: path.to_owned(), source },
        })?;
        Ok((Self::parse(&text, path)?, text))
    }

    /// Parses a configuration; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text)
            .map_err(|error| ConfigError::Malformed { path: path.to_owned(), message: parser_message(&error) })
    }

    /// The JSON Schema of `pipeline.toml`, for editors.
    pub fn schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Config).to_value();
        schema["title"] = "pipeline.toml".into();
        schema
    }
}

/// Where and what, as the TOML parser says it, fit for a terminal whatever the file holds.
pub fn parser_message(error: &toml::de::Error) -> String {
    shown::lines(&error.to_string())
}
