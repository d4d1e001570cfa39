//! The resolved specification of one training run, and the key that names it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::{BadDigest, Digest};
use crate::level::Level;
use crate::seeds::{Purpose, Stream, Streams};

/// Raised whenever a change of the engine changes anyone's numbers, so that old records are not taken for new ones.
pub const ENGINE_REVISION: u32 = 1;

/// Everything that determines a run's numbers; nothing else may.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// [`ENGINE_REVISION`] of the code that is to run it.
    pub engine: u32,
    /// The setting's id, such as `spiral-high` or `spiral-high-demo`; part of every random stream's key.
    pub setting: String,
    /// The reading of the paper that the setting follows.
    pub reading: String,
    /// Seed index from 0.
    pub trial: u32,
    /// The seed that all of the plan's streams derive from.
    pub master_seed: u64,
    /// What is learned.
    pub data: DataSpec,
    /// What learns it.
    pub model: ModelSpec,
    /// How its weights move.
    pub optimiser: OptimiserSpec,
    /// When the learning rate changes.
    pub schedule: LrSchedule,
    /// What is minimised.
    pub objective: Objective,
    /// The flood level b of this run.
    pub level: Level,
    /// Examples per mini-batch; the last one of an epoch may be smaller and is kept.
    pub batch_size: u32,
    /// Passes over the training set.
    pub epochs: u32,
    /// What is measured on the way besides the per-epoch losses and accuracies.
    pub observe: Observe,
    /// Whether the levels of a trial start from the same weights.
    #[serde(default, skip_serializing_if = "InitialWeights::are_shared")]
    pub initial_weights: InitialWeights,
    /// The id of another setting whose random streams this run uses, so that the two see the same draws; `None` is its
    /// own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams_of: Option<String>,
    /// The keys by which this run departs from the paper's protocol (`epochs`, `train_size`, ...): empty for the full grid.
    pub reduced: Vec<String>,
}

impl RunSpec {
    /// The digest of this specification: the same key is the same work, whoever does it and where.
    pub fn key(&self) -> RunKey {
        self.text_and_key().1
    }

    /// The specification as its record holds it, and the key, which is the digest of that text.
    pub fn text_and_key(&self) -> (String, RunKey) {
        let text = serde_json::to_string(self).expect("a specification is plain data");
        let key = RunKey(Digest::of(text.as_bytes()));
        (text, key)
    }

    /// This run's random streams. The level is not part of them: all levels of a trial share every draw, except for
    /// the initial weights where the specification says so.
    pub fn streams(&self) -> Streams {
        Streams::new(self.master_seed, self.streams_of.as_deref().unwrap_or(&self.setting), self.trial)
    }

    /// The stream of this run's initial weights.
    pub fn initialisation(&self) -> Stream {
        let index = match self.initial_weights {
            InitialWeights::Shared => 0,
            InitialWeights::PerLevel => u64::from(self.level.millionths()),
        };
        self.streams().stream(Purpose::Initialisation, index)
    }
}

/// The digest of a run's specification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunKey(Digest);

impl RunKey {
    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The first 16 digits, used in file names and in print.
    pub fn short(&self) -> &str {
        self.0.short()
    }
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for RunKey {
    type Error = BadDigest;

    fn try_from(text: String) -> Result<Self, BadDigest> {
        Digest::try_from(text).map(Self)
    }
}

/// Where a setting's examples come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case", deny_unknown_fields)]
pub enum DataSpec {
    /// Drawn for every trial.
    Synthetic(SyntheticSpec),
    /// Downloaded (or the user's own) images.
    Images(ImagesSpec),
}

impl DataSpec {
    /// The dataset's name, as `--only` takes it.
    pub fn name(&self) -> &str {
        match self {
            Self::Synthetic(spec) => spec.distribution.name(),
            Self::Images(spec) => &spec.dataset,
        }
    }
}

/// One draw of a synthetic dataset (paper, Section 4.1). Sizes count examples in total, both classes together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticSpec {
    /// What is drawn.
    pub distribution: Distribution,
    /// Training examples.
    pub train: u32,
    /// Validation examples.
    pub validation: u32,
    /// Test examples.
    pub test: u32,
    /// Fraction of labels flipped, in training, validation and test alike.
    pub label_noise: f64,
    /// How the labels to flip are picked.
    pub flip: Flip,
}

/// A synthetic distribution and its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Distribution {
    /// Two spherical Gaussians with identity covariance; class 0 at the origin, class 1 at `mean` in every coordinate.
    Gaussians {
        /// Number of coordinates.
        dimension: u32,
        /// Every coordinate of the second class's mean.
        mean: f64,
    },
    /// Labels by the sign of x.w + sin(x.w').
    Sinusoid {
        /// How inputs are drawn.
        inputs: SinusoidInputs,
        /// The vector w.
        w: [f64; 2],
        /// The vector w', orthogonal to w.
        w_prime: [f64; 2],
    },
    /// Two arms on an even grid of angles from 0 to 4 pi, with Gaussian noise.
    Spiral {
        /// Standard deviation of the noise.
        tau: f64,
    },
}

impl Distribution {
    /// The name by which `--only` and settings know it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Gaussians { .. } => "gaussians",
            Self::Sinusoid { .. } => "sinusoid",
            Self::Spiral { .. } => "spiral",
        }
    }

    /// The number of input coordinates.
    pub const fn dimension(&self) -> usize {
        match self {
            Self::Gaussians { dimension, .. } => *dimension as usize,
            Self::Sinusoid { .. } | Self::Spiral { .. } => 2,
        }
    }
}

/// How the sinusoid's inputs are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SinusoidInputs {
    /// Two-dimensional standard normal (the paper's text).
    Normal,
    /// Uniform in a disk (the authors' demo: two coordinates of a point on the 4-sphere, scaled).
    Disk {
        /// The disk's radius.
        radius: f64,
    },
}

/// How the labels to flip are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flip {
    /// Exactly `int(n * rate)` labels of each split, chosen without replacement.
    Exact,
    /// Each label with probability `rate`, independently (what Theorem 1 assumes).
    Independent,
}

/// Images of a dataset that `fetch` provides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagesSpec {
    /// The name in `data/datasets.toml`.
    pub dataset: String,
    /// One digest over the published digests of the dataset's files: different bytes are another run.
    pub files: Digest,
    /// How many of the original training examples take part; `None` is all.
    pub train_size: Option<u32>,
    /// How many of the test examples take part; `None` is all.
    pub test_size: Option<u32>,
    /// The fraction of them that validates.
    pub validation_fraction: f64,
    /// Augmentation of the training images, drawn each epoch.
    pub augment: Augment,
}

/// Augmentation of the training images, drawn each epoch; validation and test images are never touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// Nothing.
    #[default]
    None,
    /// Random crop after zero padding by 4, then a horizontal flip half of the time.
    CropFlip,
}

/// A network's architecture (`[model.NAME]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ModelSpec {
    /// Linear layers with ReLU between them.
    Mlp {
        /// Units of each hidden layer.
        hidden: Vec<u32>,
        /// Whether each hidden layer is Linear, `BatchNorm1d`, ReLU.
        #[serde(default)]
        batch_norm: bool,
    },
    /// The CIFAR ResNet of He et al. 2016, section 4.2: depth 6n + 2, option-A shortcuts.
    CifarResnet {
        /// Residual blocks in each of the three stages (n = 7 is ResNet-44).
        blocks: u32,
        /// Channels of the first stage; 16 in the paper.
        #[serde(default = "default_cifar_width")]
        width: u32,
    },
    /// torchvision's ResNet-18 on 32x32 images.
    Resnet18 {
        /// Channels of the first stage; 64 in torchvision.
        #[serde(default = "default_resnet18_width")]
        width: u32,
    },
}

const fn default_cifar_width() -> u32 {
    16
}

const fn default_resnet18_width() -> u32 {
    64
}

/// An optimiser and its parameters; weight decay is coupled (added to the gradient, outside the flooded loss).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptimiserSpec {
    /// Kingma and Ba 2015.
    Adam {
        /// Learning rate.
        lr: f64,
        /// Decay of the first moment.
        #[serde(default = "default_beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "default_beta2")]
        beta2: f64,
        /// Added to the root of the corrected second moment.
        #[serde(default = "default_epsilon")]
        epsilon: f64,
        /// Coupled L2 weight decay.
        #[serde(default)]
        weight_decay: f64,
    },
    /// Stochastic gradient descent with classic momentum.
    Sgd {
        /// Learning rate.
        lr: f64,
        /// Momentum; the first step's velocity is the gradient.
        #[serde(default)]
        momentum: f64,
        /// Coupled L2 weight decay.
        #[serde(default)]
        weight_decay: f64,
    },
}

const fn default_beta1() -> f64 {
    0.9
}

const fn default_beta2() -> f64 {
    0.999
}

const fn default_epsilon() -> f64 {
    1e-8
}

impl OptimiserSpec {
    /// The initial learning rate.
    pub const fn lr(&self) -> f64 {
        match self {
            Self::Adam { lr, .. } | Self::Sgd { lr, .. } => *lr,
        }
    }

    /// The same optimiser with another weight decay.
    pub const fn with_weight_decay(mut self, decay: f64) -> Self {
        match &mut self {
            Self::Adam { weight_decay, .. } | Self::Sgd { weight_decay, .. } => *weight_decay = decay,
        }
        self
    }
}

/// Step decay: the rate is multiplied by `factor` from each milestone epoch (counted from 0) on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrSchedule {
    /// Epochs at which the rate drops.
    pub milestones: Vec<u32>,
    /// What it is multiplied by.
    pub factor: f64,
}

impl LrSchedule {
    /// The multiplier in force during `epoch` (counted from 0).
    pub fn multiplier(&self, epoch: u32) -> f64 {
        self.milestones.iter().filter(|&&milestone| epoch >= milestone).map(|_| self.factor).product()
    }
}

/// What a mini-batch minimises, given its mean loss J and the level b.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// J itself, whatever the level.
    None,
    /// |J - b| + b (equation 1); b = 0 is bit-identical to `none`.
    #[default]
    Flood,
    /// The mean over the batch of |l - b| + b of each example's loss l (iFlood: Xie et al., ICLR 2022); b = 0 is
    /// bit-identical to `none`.
    #[serde(rename = "iflood")]
    IFlood,
    /// The mean over the batch of b + sqrt((l - b)^2 + 1) - 1 of each example's loss l (SoftAD: Holland and Nakatani,
    /// `NeurIPS` 2024, equation 7). b = 0 stands for the baseline here too, `none`, and not for this formula at 0.
    #[serde(rename = "softad")]
    SoftAd,
}

/// Whether the levels of a trial start from the same weights; the paper does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InitialWeights {
    /// All levels of a trial start from the same draw.
    #[default]
    Shared,
    /// Each level has its own draw; that of b = 0 is the one that is shared otherwise.
    PerLevel,
}

impl InitialWeights {
    /// Is it the default? (A specification that does not use the option keeps its key.)
    #[allow(clippy::trivially_copy_pass_by_ref)] // The signature that serde asks for.
    pub const fn are_shared(&self) -> bool {
        matches!(self, Self::Shared)
    }
}

/// What a run measures on the way, besides validation loss and accuracy at every epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Observe {
    /// Evaluate the test set every so many epochs (0: only at the last and the selected epoch).
    pub test_every: u32,
    /// How many test examples those evaluations use, evenly spaced over the set (0: all). The last and the selected
    /// epoch always use all of them.
    pub test_points: u32,
    /// Measure gradient norms of the full training and test loss every so many epochs (0: never).
    pub gradients_every: u32,
    /// Keep the weights of the last epoch, of the best validation epoch, and of the first mini-batch below the level.
    pub weights: bool,
    /// Only this number of first trials measure any of the above (0: all of them).
    pub trials: u32,
    /// A test curve is measured on the same examples throughout: at the last epoch, too, its history has the loss over
    /// `test_points` examples; the whole set's is in the record's summary.
    #[serde(skip_serializing_if = "is_false")]
    pub fixed_test_subset: bool,
    /// Evaluate the training set every so many epochs, in every trial (0 and 1: at each). The last and the selected
    /// epoch are always evaluated.
    #[serde(skip_serializing_if = "is_zero")]
    pub train_every: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The signatures that serde asks for.
const fn is_false(value: &bool) -> bool {
    !*value
}

#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl Observe {
    /// What the run of this trial measures; the same value whatever `trials` said, so that it names the same work.
    pub fn of_trial(self, trial: u32) -> Self {
        if self.trials == 0 || trial < self.trials {
            Self { trials: 0, ..self }
        } else {
            Self { train_every: self.train_every, ..Self::default() }
        }
    }
}
