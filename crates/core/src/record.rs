//! What a run leaves behind: its specification, a history with a row an epoch, and a summary.
//!
//! A record holds nothing that another machine, thread count or clock would change; who ran it, when and for how long
//! stands beside it in [`Provenance`].

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::spec::{RunKey, RunSpec};
use crate::store::{Document, Layout};

impl Document for Record {
    const KIND: &'static str = "run-record";
    const VERSION: u32 = 1;

    fn files(&self) -> BTreeMap<String, Digest> {
        let mut files = self.files.clone();
        files.insert(Layout::HISTORY.to_owned(), self.history.clone());
        files
    }

    fn misplaced(&self, layout: &Layout, path: &Path) -> Option<String> {
        if self.key != self.spec.key() {
            return Some("its key is not the digest of its specification".to_owned());
        }
        let place = layout.run(&self.spec).join(Layout::RECORD);
        (place != path).then(|| format!("belongs in {}", place.display()))
    }
}

impl Document for Provenance {
    const KIND: &'static str = "run-provenance";
    const VERSION: u32 = 1;
}

/// The whole record of one run, without its history (which is a separate CSV file).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The digest of `spec`.
    pub key: RunKey,
    /// What ran.
    pub spec: RunSpec,
    /// Digest of the examples it saw.
    pub data: Digest,
    /// How many training, validation and test examples there were.
    pub examples: [u32; 3],
    /// Trainable parameters of the network.
    pub parameters: u64,
    /// How it ended.
    pub status: Status,
    /// The results; `None` for a failed run.
    pub summary: Option<Summary>,
    /// Digest of the history file beside the record.
    pub history: Digest,
    /// Names and digests of further files beside the record (weights, probes).
    pub files: BTreeMap<String, Digest>,
    /// When flooding began; `None` where the mean loss of a mini-batch is not flooded (b = 0, other objectives).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_crossing: Option<FirstCrossing>,
}

/// When the loss J of a mini-batch was first at or below the level: up to that step a flooded run is the plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstCrossing {
    /// At no step: the run is identical to that of b = 0.
    Never,
    /// At this optimiser step, counted from 1.
    Step(u64),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Status {
    /// All epochs were trained.
    Complete,
    /// It failed; the other runs did not.
    Failed {
        /// What happened, in a sentence.
        cause: String,
        /// The optimiser step (from 1) at which it was noticed.
        step: u64,
        /// The last finite mini-batch loss before that.
        last_finite_loss: Option<f32>,
    },
}

/// The results of a complete run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// At the last epoch: sub-table (A).
    pub last: Outcome,
    /// At the first epoch with the best validation accuracy: sub-table (B).
    pub best: Outcome,
}

/// Everything measured at one epoch, in evaluation mode, un-flooded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Epoch, counted from 1.
    pub epoch: u32,
    /// On the training set.
    pub train: Measure,
    /// On the validation set.
    pub validation: Measure,
    /// On the test set.
    pub test: Measure,
}

/// Mean loss and accuracy over a set, against its (possibly noisy) labels and against the clean ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Mean softmax cross-entropy.
    pub loss: f64,
    /// Fraction of examples classified as labelled, from 0 to 1.
    pub accuracy: f64,
    /// The same against the labels before noise; equals `accuracy` where there was none.
    pub clean_accuracy: f64,
}

/// One row of a history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochRow {
    /// Epoch, counted from 1.
    pub epoch: u32,
    /// Size-weighted mean of the un-flooded mini-batch losses J, in training mode, before each update.
    pub batch_loss: f64,
    /// After the epoch, on the training set, at the epochs where it was evaluated.
    pub train: Option<Measure>,
    /// After the epoch, on the validation set.
    pub validation: Measure,
    /// After the epoch, on the test set, at the epochs where it was evaluated.
    pub test: Option<Measure>,
    /// Gradient norms at the epochs where they were measured.
    pub gradients: Option<GradientNorms>,
}

/// L2 norms of the full gradient of a set's mean loss (paper, Section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GradientNorms {
    /// Training loss, each filter's gradient times that filter's norm (the paper's text).
    pub train_filter: f64,
    /// Training loss, each tensor's gradient times that tensor's norm (the authors' demo).
    pub train_tensor: f64,
    /// Test loss, per filter.
    pub test_filter: f64,
    /// Test loss, per tensor.
    pub test_tensor: f64,
}

/// A run's history, one row an epoch, stored as CSV.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The rows, in order of epochs.
    pub rows: Vec<EpochRow>,
}

/// Why a history file cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HistoryError {
    /// The first line is another one.
    #[error("line 1: the header is not the one this version writes")]
    Header,
    /// A field is missing, superfluous or not a number.
    #[error("line {line}: `{text}` is not a history row")]
    Row {
        /// Counted from 1, the header included.
        line: usize,
        /// The line.
        text: String,
    },
}

impl History {
    const HEADER: &'static str = "epoch,batch_loss,train_loss,train_accuracy,train_clean_accuracy,\
        validation_loss,validation_accuracy,validation_clean_accuracy,test_loss,test_accuracy,test_clean_accuracy,\
        train_gradient_filter,train_gradient_tensor,test_gradient_filter,test_gradient_tensor";

    /// The history as CSV; a measurement not taken is an empty field.
    pub fn to_csv(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!("{}\n", Self::HEADER);
        for row in &self.rows {
            let measure = |m: &Measure| [Some(m.loss), Some(m.accuracy), Some(m.clean_accuracy)];
            let mut fields = vec![Some(row.batch_loss)];
            fields.extend(row.train.as_ref().map_or([None; 3], measure));
            fields.extend(measure(&row.validation));
            fields.extend(row.test.as_ref().map_or([None; 3], measure));
            fields.extend(row.gradients.map_or([None; 4], |g| {
                [Some(g.train_filter), Some(g.train_tensor), Some(g.test_filter), Some(g.test_tensor)]
            }));
            write!(text, "{}", row.epoch).expect("writing to a string cannot fail");
            for field in fields {
                match field {
                    Some(value) => write!(text, ",{value}"),
                    None => write!(text, ","),
                }
                .expect("writing to a string cannot fail");
            }
            text.push('\n');
        }
        text
    }

    /// Reads what [`to_csv`](Self::to_csv) wrote, digit for digit.
    pub fn from_csv(text: &str) -> Result<Self, HistoryError> {
        let mut lines = text.lines().enumerate();
        if lines.next().is_none_or(|(_, header)| header != Self::HEADER) {
            return Err(HistoryError::Header);
        }
        let mut rows = Vec::with_capacity(text.bytes().filter(|byte| *byte == b'\n').count());
        for (i, line) in lines {
            rows.push(
                parse_row(line)
                    .ok_or_else(|| HistoryError::Row { line: i + 1, text: line.chars().take(120).collect() })?,
            );
        }
        Ok(Self { rows })
    }
}

/// The fields between commas. By bytes: a history has ten thousands of fields of a few digits, and the standard library's
/// search for a character is made for long texts.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.bytes().enumerate().filter(|(_, byte)| *byte == b',').map(|(end, _)| end);
    let mut start = 0;
    ends.chain([line.len()]).map(move |end| {
        let field = &line[start..end];
        start = end + 1;
        field
    })
}

fn parse_row(line: &str) -> Option<EpochRow> {
    let mut fields = fields(line);
    let epoch = fields.next()?.parse().ok()?;
    let mut values = [None; 14];
    for value in &mut values {
        let field = fields.next()?;
        if !field.is_empty() {
            *value = Some(field.parse().ok()?);
        }
    }
    if fields.next().is_some() {
        return None;
    }
    let measure =
        |at: usize| Some(Measure { loss: values[at]?, accuracy: values[at + 1]?, clean_accuracy: values[at + 2]? });
    let gradients = || {
        Some(GradientNorms {
            train_filter: values[10]?,
            train_tensor: values[11]?,
            test_filter: values[12]?,
            test_tensor: values[13]?,
        })
    };
    Some(EpochRow {
        epoch,
        batch_loss: values[0]?,
        train: measure(1),
        validation: measure(4)?,
        test: measure(7),
        gradients: gradients(),
    })
}

/// Who made a record, where, when and how fast: kept beside it, and never part of its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this software.
    pub version: String,
    /// Commit it was built from, with `-dirty` where the tree had changes; `unknown` outside a repository.
    pub commit: String,
    /// The compiler.
    pub rustc: String,
    /// `cpu` or the GPU's name.
    pub device: String,
    /// The processor's name and the vector instructions used.
    pub processor: String,
    /// UTC, RFC 3339.
    pub finished: String,
    /// Wall-clock seconds of the whole run.
    pub seconds: f64,
    /// Of these, seconds in training steps.
    pub training_seconds: f64,
    /// Processor cores of the machine; absent where they are not known, and in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// Main memory of the machine in GiB, rounded; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: u32, extras: bool) -> EpochRow {
        let measure = Measure { loss: 0.1 + f64::from(epoch) / 3.0, accuracy: 0.99, clean_accuracy: 1.0 };
        let norms = GradientNorms { train_filter: 1e-7, train_tensor: 2.0, test_filter: 3.5e12, test_tensor: 0.0 };
        EpochRow {
            epoch,
            batch_loss: 1.0 / 3.0,
            train: extras.then_some(measure),
            validation: measure,
            test: extras.then_some(measure),
            gradients: extras.then_some(norms),
        }
    }

    #[test]
    fn a_history_survives_csv_digit_for_digit() {
        let history = History { rows: vec![row(1, false), row(2, true)] };
        assert_eq!(History::from_csv(&history.to_csv()), Ok(history));
    }

    #[test]
    fn a_torn_history_is_refused_with_its_line() {
        let text = History { rows: vec![row(1, true)] }.to_csv();
        let torn = &text[..text.len() - 9];
        assert!(matches!(History::from_csv(torn.rsplit_once(',').unwrap().0), Err(HistoryError::Row { line: 2, .. })));
        assert_eq!(History::from_csv("epoch\n"), Err(HistoryError::Header));
    }
}
