//! Everything that the report is made from, read at once.

use std::collections::{BTreeMap, BTreeSet};

use flooding_core::digest::{Digest, Hasher};
use flooding_core::level::Level;
use flooding_core::store::{DocumentError, Store, StoreError};
use flooding_tables::catalogue::{AGGREGATED, Definition, VERIFIED};
use flooding_tables::{
    AccuracyRow, BaselineRow, CalibrationRow, ClaimReadingRow, ClaimRow, ComputeRow, CurvePoint, CurveRow, DescentRow,
    FORMATS, FinalLossRow, FlatnessRow, GainRow, LevelRow, MethodRow, OverallRow, Overview, PairedRow, PlaceboRow,
    ReliabilityBinRow, ReplayRow, RunRow, RunStatus, ScorecardCountRow, ScorecardRow, SelectionNoiseRow, SelectionRow,
    SensitivityRow, SharpnessRow, SpreadRow, TheoremCheck, TheoremRow, TrialProbeRow, read,
};

/// The stored tables; `None` is a table that was never made.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The day on which a report was first made from these tables, such as `2020-07-13`; not stored with them.
    pub published: Option<String>,
    /// What was run, by what, and what is missing.
    pub overview: Option<Overview>,
    /// Table 1.
    pub methods: Option<Vec<MethodRow>>,
    /// Tables 2 and 3.
    pub accuracy: Option<Vec<AccuracyRow>>,
    /// Ours beside the paper's, cell by cell.
    pub scorecard: Option<Vec<ScorecardRow>>,
    /// The same, counted.
    pub scorecard_counts: Option<Vec<ScorecardCountRow>>,
    /// One effect over each table.
    pub overall: Option<Vec<OverallRow>>,
    /// Paired tests.
    pub paired: Option<Vec<PairedRow>>,
    /// The level chosen in three ways.
    pub selection_noise: Option<Vec<SelectionNoiseRow>>,
    /// Spreads over trials.
    pub spread: Option<Vec<SpreadRow>>,
    /// The trials behind them.
    pub selections: Option<Vec<SelectionRow>>,
    /// Other choices about selection.
    pub sensitivity: Option<Vec<SensitivityRow>>,
    /// Figure 3.
    pub levels: Option<Vec<LevelRow>>,
    /// Figures 1, 2, 4, 6 and 7.
    pub curves: Option<Vec<CurveRow>>,
    /// Every run.
    pub runs: Option<Vec<RunRow>>,
    /// The verdicts.
    pub claims: Option<Vec<ClaimRow>>,
    /// The readings' verdicts behind them.
    pub claim_readings: Option<Vec<ClaimReadingRow>>,
    /// "With" against a placebo.
    pub placebo: Option<Vec<PlaceboRow>>,
    /// Flooding's gain by reading.
    pub gains: Option<Vec<GainRow>>,
    /// Baselines beside the paper's.
    pub baselines: Option<Vec<BaselineRow>>,
    /// What the probes of each trial found.
    pub trial_probes: Option<Vec<TrialProbeRow>>,
    /// The second descents of the test loss.
    pub descents: Option<Vec<DescentRow>>,
    /// Where training losses end.
    pub final_losses: Option<Vec<FinalLossRow>>,
    /// Figures 2, 4, 6 and 7 from the compared runs, trained again.
    pub replays: Option<Vec<ReplayRow>>,
    /// What computing took.
    pub compute: Option<Vec<ComputeRow>>,
    /// Figures 5 and 8.
    pub flatness: Option<Vec<FlatnessRow>>,
    /// Flatness as a number.
    pub sharpness: Option<Vec<SharpnessRow>>,
    /// Confidence against accuracy.
    pub calibration: Option<Vec<CalibrationRow>>,
    /// The same, bin by bin.
    pub reliability_bins: Option<Vec<ReliabilityBinRow>>,
    /// Theorem 1, cell by cell.
    pub theorem: Option<Vec<TheoremRow>>,
    /// Theorem 1's verdict.
    pub checks: Option<Vec<TheoremCheck>>,
    /// The tables' own files, by name: copied beside the page.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Tables {
    /// Reads what is there.
    pub fn read(store: &Store) -> Result<Self, DocumentError> {
        let tables = store.layout().tables();
        let theorem = store.layout().theorem();
        let points: Option<Vec<CurvePoint>> = read(store, &tables)?;
        Ok(Self {
            published: None,
            overview: store.read_document(&tables.join("overview.json"))?,
            methods: read(store, &tables)?,
            accuracy: read(store, &tables)?,
            scorecard: read(store, &tables)?,
            scorecard_counts: read(store, &tables)?,
            overall: read(store, &tables)?,
            paired: read(store, &tables)?,
            selection_noise: read(store, &tables)?,
            spread: read(store, &tables)?,
            selections: read(store, &tables)?,
            sensitivity: read(store, &tables)?,
            levels: read(store, &tables)?,
            curves: points.map(|points| points.into_iter().map(|point| point.0).collect()),
            runs: read(store, &tables)?,
            claims: read(store, &tables)?,
            claim_readings: read(store, &tables)?,
            placebo: read(store, &tables)?,
            gains: read(store, &tables)?,
            baselines: read(store, &tables)?,
            trial_probes: read(store, &tables)?,
            descents: read(store, &tables)?,
            final_losses: read(store, &tables)?,
            replays: read(store, &tables)?,
            compute: read(store, &tables)?,
            flatness: read(store, &tables)?,
            sharpness: read(store, &tables)?,
            calibration: read(store, &tables)?,
            reliability_bins: read(store, &tables)?,
            theorem: read(store, &theorem)?,
            checks: read(store, &theorem)?,
            files: files(store)?,
        })
    }

    /// One digest over the bytes of all tables that are there and the names of those that are not.
    pub fn digest(store: &Store) -> Result<Digest, StoreError> {
        let mut hasher = Hasher::new();
        let overview = store.layout().tables().join("overview.json");
        let paths = copied().flat_map(|(folder, table)| paths(store, folder, &table));
        for (name, path) in std::iter::once(("overview.json".to_owned(), overview)).chain(paths) {
            hasher.update(name.as_bytes());
            match store.digest(&path)? {
                Some(digest) => hasher.update(digest.as_str().as_bytes()),
                None => hasher.update(b"absent"),
            }
        }
        Ok(hasher.finish())
    }

    /// The trials behind a row of the accuracy table.
    pub fn selections<'a>(&'a self, row: &'a AccuracyRow) -> impl Iterator<Item = &'a SelectionRow> {
        let of = move |one: &&SelectionRow| one.setting == row.setting && one.checkpoint == row.checkpoint;
        self.selections.iter().flatten().filter(of)
    }

    /// How many levels of a row's setting the paper's grid does not have.
    pub fn levels_beside(&self, row: &AccuracyRow) -> u32 {
        let Some(table) = row.table else { return 0 };
        let of_setting = self.runs.iter().flatten().filter(|run| run.setting == row.setting);
        let levels: BTreeSet<Level> = of_setting.map(|run| run.level).collect();
        levels.into_iter().filter(|level| !table.has_level(*level)).count() as u32
    }

    /// The names of a setting's runs without results.
    pub fn missing(&self, setting: &str) -> Vec<String> {
        let missing = |run: &&RunRow| run.setting == setting && run.status != RunStatus::Complete;
        self.runs.iter().flatten().filter(missing).map(RunRow::id).collect()
    }
}

/// Where tables are kept.
#[derive(Clone, Copy)]
enum Folder {
    Tables,
    Theorem,
}

/// The tables whose files stand beside the page. The curves of every epoch are large and stay in `data/tables/`; the page
/// has the points that it draws.
fn copied() -> impl Iterator<Item = (Folder, Definition)> {
    let all_epochs = Definition::of::<CurveRow>().name;
    let aggregated = AGGREGATED.into_iter().filter(move |table| table.name != all_epochs);
    let verified = VERIFIED.into_iter().map(|table| (Folder::Theorem, table));
    aggregated.map(|table| (Folder::Tables, table)).chain(verified)
}

fn paths(store: &Store, folder: Folder, table: &Definition) -> [(String, std::path::PathBuf); 3] {
    let folder = match folder {
        Folder::Tables => store.layout().tables(),
        Folder::Theorem => store.layout().theorem(),
    };
    FORMATS.map(|format| format!("{}.{format}", table.name)).map(|name| {
        let path = folder.join(&name);
        (name, path)
    })
}

fn files(store: &Store) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    let mut files = BTreeMap::new();
    for (name, path) in copied().flat_map(|(folder, table)| paths(store, folder, &table)) {
        if let Some(bytes) = store.read(&path)? {
            files.insert(name, bytes);
        }
    }
    Ok(files)
}
