//! What a stage is about to do and why, and what came of it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The six stages, in the order of `pipeline run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Download and check the image datasets.
    Fetch,
    /// Draw the synthetic datasets.
    Generate,
    /// Train every run of the plan.
    Train,
    /// Check Theorem 1.
    Verify,
    /// Turn records into tables.
    Aggregate,
    /// Turn tables into the report.
    Render,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 6] = [Self::Fetch, Self::Generate, Self::Train, Self::Verify, Self::Aggregate, Self::Render];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Generate => "generate",
            Self::Train => "train",
            Self::Verify => "verify",
            Self::Aggregate => "aggregate",
            Self::Render => "render",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One task of a stage: a file, a trial's data, a run, a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkItem {
    /// Which stage.
    pub stage: Stage,
    /// What it is called in messages, such as `spiral-high t00 b0.05`.
    pub id: String,
    /// Whether it runs or is skipped, and why.
    #[serde(flatten)]
    pub decision: Decision,
}

/// Whether a task runs or is skipped, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", content = "why", rename_all = "kebab-case")]
pub enum Decision {
    /// It will be done.
    Run(Reason),
    /// It will not be done.
    Skip(Reason),
}

impl Decision {
    /// Will it be done?
    pub const fn runs(&self) -> bool {
        matches!(self, Self::Run(_))
    }
}

/// Why a task runs or is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// Never done before.
    New,
    /// Done before under another specification.
    SpecificationChanged {
        /// The first key that differs, such as `epochs`.
        key: String,
        /// Its value in the stored record.
        from: String,
        /// Its value now.
        to: String,
    },
    /// Something it was made from has changed.
    InputChanged {
        /// What.
        input: String,
    },
    /// `--force`.
    Forced,
    /// What is stored does not match its digest or cannot be read.
    Damaged {
        /// What is wrong with it.
        why: String,
    },
    /// It failed last time.
    FailedBefore {
        /// With what.
        cause: String,
    },
    /// Done already, with the same specification and inputs.
    UpToDate,
    /// What it needs is missing.
    Unavailable {
        /// What is missing.
        why: String,
    },
}

impl Reason {
    /// The first key (dotted) in which what is wanted differs from what was stored; `None` where they agree.
    pub fn of_difference(stored: &Value, wanted: &Value) -> Option<Self> {
        let (key, from, to) = difference("", stored, wanted)?;
        Some(Self::SpecificationChanged { key, from, to })
    }
}

fn difference(at: &str, stored: &Value, wanted: &Value) -> Option<(String, String, String)> {
    if stored == wanted {
        return None;
    }
    if let (Value::Object(stored), Value::Object(wanted)) = (stored, wanted) {
        let keys = wanted.keys().chain(stored.keys().filter(|key| !wanted.contains_key(*key)));
        return keys.into_iter().find_map(|key| {
            let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            difference(&at, stored.get(key).unwrap_or(&Value::Null), wanted.get(key).unwrap_or(&Value::Null))
        });
    }
    Some((at.to_owned(), stored.to_string(), wanted.to_string()))
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => write!(f, "new"),
            Self::SpecificationChanged { key, from, to } => {
                write!(f, "specification changed: {key} was {from}, is now {to}")
            }
            Self::InputChanged { input } => write!(f, "input changed: {input}"),
            Self::Forced => write!(f, "forced"),
            Self::Damaged { why } => write!(f, "damaged: {why}"),
            Self::FailedBefore { cause } => write!(f, "failed before: {cause}"),
            Self::UpToDate => write!(f, "up to date"),
            Self::Unavailable { why } => write!(f, "not available: {why}"),
        }
    }
}

/// Something that was to be done and is not: it appears in the report as such, and the exit code is 3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingResult {
    /// Which stage left it.
    pub stage: Stage,
    /// What is missing: a dataset's name, a run's id.
    pub id: String,
    /// Why, in a sentence.
    pub why: String,
}

/// A stage that has looked at what is stored: what it will do, item by item, and the means to do exactly that.
pub struct Prepared<'a, E> {
    /// Every item, to do or up to date.
    pub items: Vec<WorkItem>,
    run: Box<dyn FnOnce() -> Result<StageReport, E> + 'a>,
}

impl<'a, E: 'a> Prepared<'a, E> {
    /// The items, and what does those of them that run.
    pub fn new(items: Vec<WorkItem>, run: impl FnOnce() -> Result<StageReport, E> + 'a) -> Self {
        Self { items, run: Box::new(run) }
    }

    /// Does the items that run.
    pub fn run(self) -> Result<StageReport, E> {
        (self.run)()
    }

    /// The same, with another type of errors.
    pub fn map_err<F: 'a>(self, convert: impl FnOnce(E) -> F + 'a) -> Prepared<'a, F> {
        let run = self.run;
        Prepared::new(self.items, move || run().map_err(convert))
    }
}

/// What came of a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StageReport {
    /// Tasks done now.
    pub done: u64,
    /// Tasks that were up to date.
    pub skipped: u64,
    /// What could not be done.
    pub missing: Vec<MissingResult>,
    /// The stop flag was raised before all was done.
    pub interrupted: bool,
}
