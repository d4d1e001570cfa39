//! What published reports say of runs that were trained elsewhere.
//!
//! A setting's results come from one place: from this folder's own records, or from the published report that has more of
//! the setting's runs. The accuracies of a published setting are selected, tested and judged from its runs, as those of runs
//! with records are. What was made from histories and probes, which are not published, is taken over as it stands.

use std::ffi::OsStr;

use flooding_core::digest::Digest;
use flooding_core::plan::Plan;
use flooding_core::record::{Measure, Outcome, Provenance, Summary};
use flooding_core::store::{Document, Store, StoreError};
use flooding_core::work::{MissingResult, Stage};
use flooding_tables::{
    CalibrationRow, CurvePoint, DescentRow, FinalLossRow, FlatnessRow, LevelRow, PublishedOutcome, PublishedRunRow,
    PublishedSource, ReliabilityBinRow, ReplayRow, Rows, RunEndRow, SensitivityRow, SharpnessRow, TrialProbeRow,
};
use serde::{Deserialize, Serialize};

use crate::scan::Found;

/// A published report, as `data/published/` keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedReport {
    /// The folder that it was imported from.
    pub name: String,
    /// Digest of its list of files: what lies in the folder later may be another report.
    pub digest: Digest,
    /// Version of the software that published it.
    pub version: String,
    /// Its profile.
    pub profile: String,
    /// Its runs.
    pub runs: Rows<PublishedRunRow>,
    /// What was made from their histories and probes.
    pub measured: Measured,
}

/// Rows of the tables of these names that were made from histories and probes, or from what a published run does not say
/// (accuracies against clean labels).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Every level's accuracies and losses.
    pub levels: Rows<LevelRow>,
    /// Selection under other rules.
    pub selection_sensitivity: Rows<SensitivityRow>,
    /// How runs ended, and when flooding began.
    pub run_ends: Rows<RunEndRow>,
    /// The points of the curves that figures draw.
    pub curve_points: Rows<CurvePoint>,
    /// The second descent of the test loss.
    pub second_descents: Rows<DescentRow>,
    /// Where training losses ended.
    pub final_training_loss: Rows<FinalLossRow>,
    /// What the probes of each trial found.
    pub trial_probes: Rows<TrialProbeRow>,
    /// Curves of the compared runs, trained again.
    pub replays: Rows<ReplayRow>,
    /// The loss around models.
    pub flatness: Rows<FlatnessRow>,
    /// The same as a number.
    pub sharpness: Rows<SharpnessRow>,
    /// Confidence beside accuracy.
    pub calibration: Rows<CalibrationRow>,
    /// The same, bin by bin.
    pub reliability_bins: Rows<ReliabilityBinRow>,
}

impl Document for PublishedReport {
    const KIND: &'static str = "published-runs";
    const VERSION: u32 = 1;
}

/// All published reports of the store, in the order of their files' names, and those that cannot be read.
pub(crate) fn read(store: &Store) -> Result<(Vec<PublishedReport>, Vec<MissingResult>), StoreError> {
    let folder = store.layout().published();
    let (mut reports, mut missing) = (Vec::new(), Vec::new());
    for name in store.list(&folder)? {
        let path = folder.join(&name);
        if path.extension() != Some(OsStr::new("json")) {
            continue;
        }
        match store.read_document(&path) {
            Ok(report) => reports.extend(report),
            Err(error) => missing.push(MissingResult {
                stage: Stage::Aggregate,
                id: format!("published report {name}"),
                why: format!("{error}; import it again (`pipeline import FOLDER`)"),
            }),
        }
    }
    Ok((reports, missing))
}

/// The published report that each setting of the plan comes from, by the setting's index; `None` where its own records count.
pub(crate) type Origins<'a> = Vec<Option<&'a PublishedReport>>;

/// The rows of the settings that come from a published report, as `of` has them there.
fn rows<T: Clone>(
    plan: &Plan,
    origins: &Origins<'_>,
    of: fn(&Measured) -> &Rows<T>,
    setting: fn(&T) -> &str,
) -> Vec<T> {
    let settings = plan.settings.iter().zip(origins).filter_map(|(setting, report)| Some((setting, (*report)?)));
    settings
        .flat_map(|(known, report)| of(&report.measured).0.iter().filter(move |row| setting(row) == known.id))
        .cloned()
        .collect()
}

/// Those rows among the ones that were made here, in the plan's order of settings.
pub(crate) fn merge<T: Clone>(
    plan: &Plan,
    origins: &Origins<'_>,
    mut made: Vec<T>,
    of: fn(&Measured) -> &Rows<T>,
    setting: fn(&T) -> &str,
) -> Vec<T> {
    if origins.iter().all(Option::is_none) {
        return made;
    }
    let index = |row: &T| plan.settings.iter().position(|known| known.id == setting(row));
    made.retain(|row| index(row).is_none_or(|at| origins[at].is_none()));
    made.extend(rows(plan, origins, of, setting));
    made.sort_by_key(index);
    made
}

/// How many training, validation and test examples the runs of a setting had; `None` where none is complete, or its report
/// does not say.
pub(crate) fn examples(plan: &Plan, runs: &[Found], origins: &Origins<'_>, index: usize) -> Option<[u32; 3]> {
    let Some(report) = origins[index] else {
        let mut of_setting = runs.iter().filter(|run| run.setting == index);
        return of_setting.find_map(Found::complete).map(|(record, _)| record.examples);
    };
    let id = &plan.settings[index].id;
    let row = report.measured.final_training_loss.0.iter().find(|row| row.setting == *id)?;
    Some([row.train_examples, row.validation_examples, row.test_examples])
}

/// How the published runs that settings come from ended, by the setting's index.
pub(crate) fn ends(plan: &Plan, report: &PublishedReport, index: usize) -> Vec<RunEndRow> {
    let id = &plan.settings[index].id;
    report.measured.run_ends.0.iter().filter(|end| end.setting == *id).cloned().collect()
}

/// The published reports that settings come from, as the overview names them.
pub(crate) fn sources(plan: &Plan, runs: &[Found], origins: &Origins<'_>) -> Vec<PublishedSource> {
    let mut sources: Vec<PublishedSource> = Vec::new();
    for (index, (setting, report)) in plan.settings.iter().zip(origins).enumerate() {
        let Some(report) = report else { continue };
        let count = runs.iter().filter(|run| run.setting == index && run.summary().is_some()).count() as u64;
        let known = sources.iter_mut().find(|source| source.digest == report.digest);
        match known {
            Some(source) => {
                source.runs += count;
                source.settings.push(setting.id.clone());
            }
            None => sources.push(PublishedSource {
                name: report.name.clone(),
                digest: report.digest.clone(),
                version: report.version.clone(),
                profile: report.profile.clone(),
                runs: count,
                settings: vec![setting.id.clone()],
            }),
        }
    }
    sources
}

/// The results of a published run. It has no accuracy against the clean labels of the training and validation set: these
/// are not a number, and whatever is made of them is taken from the report.
pub(crate) fn summary(row: &PublishedRunRow) -> Summary {
    Summary { last: outcome(&row.at_last), best: outcome(&row.at_best_validation) }
}

fn outcome(at: &PublishedOutcome) -> Outcome {
    let measure = |loss: f64, accuracy: f64, clean_accuracy: f64| Measure {
        loss,
        accuracy: accuracy / 100.0,
        clean_accuracy: clean_accuracy / 100.0,
    };
    Outcome {
        epoch: at.epoch,
        train: measure(at.train_loss, at.train_accuracy, f64::NAN),
        validation: measure(at.validation_loss, at.validation_accuracy, f64::NAN),
        test: measure(at.test_loss, at.test_accuracy, at.test_clean_accuracy),
    }
}

/// Who made a published run, as far as the report says.
pub(crate) fn provenance(row: &PublishedRunRow, version: &str) -> Provenance {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "not recorded".to_owned());
    Provenance {
        version: version.to_owned(),
        commit: known(&row.commit),
        rustc: "not recorded".to_owned(),
        device: known(&row.device),
        processor: known(&row.processor),
        finished: String::new(),
        seconds: row.seconds.unwrap_or(0.0),
        training_seconds: 0.0,
        cores: None,
        memory: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::percent;

    #[test]
    fn published_percentages_come_back_digit_for_digit() {
        for hits in 0..=20_000_u32 {
            let accuracy = percent(f64::from(hits) / 20_000.0);
            let published = PublishedOutcome {
                epoch: 1,
                train_loss: 0.1,
                train_accuracy: accuracy,
                validation_loss: 0.2,
                validation_accuracy: accuracy,
                test_loss: 0.3,
                test_accuracy: accuracy,
                test_clean_accuracy: accuracy,
            };
            assert_eq!(crate::published_outcome(&outcome(&published)), published);
        }
    }
}
