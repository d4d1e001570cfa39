//! What an explanation can look up: the plan, the records, and the tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flooding_core::record::{Provenance, Record};
use flooding_core::spec::{RunKey, RunSpec};
use flooding_core::store::{Layout, Store};
use flooding_tables::{AccuracyRow, ClaimRow, RunRow, SelectionRow, Table};

use crate::exit::Failure;
use crate::project::Project;

/// The plan of this command line, and everything that is stored, whatever plan it came of.
pub struct Known<'a> {
    pub project: &'a Project,
    pub store: &'a Store,
    planned: BTreeMap<RunKey, RunSpec>,
}

impl<'a> Known<'a> {
    pub fn new(project: &'a Project, store: &'a Store) -> Self {
        let planned = project.plan.runs().map(|spec| (spec.key(), spec)).collect();
        Self { project, store, planned }
    }

    /// Specifications of all runs, planned or stored, whose keys start with these digits.
    pub fn runs(&self, digits: &str) -> Result<BTreeMap<RunKey, RunSpec>, Failure> {
        let fits = |key: &RunKey| key.as_str().starts_with(digits);
        let mut runs: BTreeMap<_, _> =
            self.planned.iter().filter(|(key, _)| fits(key)).map(|(key, spec)| (key.clone(), spec.clone())).collect();
        for folder in self.run_folders(digits)? {
            // A damaged record names no run; `verify-store` is the command that speaks of those.
            if let Ok(Some(record)) = self.store.read_document::<Record>(&folder.join(Layout::RECORD))
                && fits(&record.key)
                && record.key == record.spec.key()
            {
                runs.entry(record.key).or_insert(record.spec);
            }
        }
        Ok(runs)
    }

    /// Folders of runs, which end in the first sixteen digits of their keys.
    fn run_folders(&self, digits: &str) -> Result<Vec<PathBuf>, Failure> {
        let start = &digits[..digits.len().min(16)];
        let mut folders = Vec::new();
        let runs = self.store.layout().runs();
        for setting in self.store.list(&runs)? {
            let setting = runs.join(setting);
            for trial in self.list(&setting)? {
                let trial = setting.join(trial);
                for run in self.list(&trial)? {
                    if run.split_once('-').is_some_and(|(_, key)| key.starts_with(start)) {
                        folders.push(trial.join(run));
                    }
                }
            }
        }
        Ok(folders)
    }

    /// The names in a folder; none in what is no folder.
    fn list(&self, path: &Path) -> Result<Vec<String>, Failure> {
        if path.is_dir() { Ok(self.store.list(path)?) } else { Ok(Vec::new()) }
    }

    /// The specification of a run that the tables name.
    pub fn spec(&self, row: &RunRow) -> Option<RunSpec> {
        if let Some(spec) = self.planned.get(&row.key) {
            return Some(spec.clone());
        }
        let folder = self.store.layout().group(&row.setting, row.trial);
        let folder = folder.join(format!("b{}-{}", row.level, row.key.short()));
        let record: Record = self.store.read_document(&folder.join(Layout::RECORD)).ok()??;
        (record.spec.key() == row.key).then_some(record.spec)
    }

    /// What a run left.
    pub fn record(&self, spec: &RunSpec) -> Result<(Option<Record>, Option<Provenance>), Failure> {
        let folder = self.store.layout().run(spec);
        let record = self.store.read_document(&folder.join(Layout::RECORD))?;
        Ok((record, self.store.read_document(&folder.join(Layout::PROVENANCE))?))
    }

    /// The rows of Tables 2 and 3, as they are stored.
    pub fn accuracy(&self) -> Result<Vec<AccuracyRow>, Failure> {
        self.table()
    }

    /// What was selected in each trial, as it is stored.
    pub fn selections(&self) -> Result<Vec<SelectionRow>, Failure> {
        self.table()
    }

    /// The verdicts, as they are stored.
    pub fn claims(&self) -> Result<Vec<ClaimRow>, Failure> {
        self.table()
    }

    /// The runs of the tables, complete or not.
    pub fn tabulated(&self) -> Result<Vec<RunRow>, Failure> {
        self.table()
    }

    fn table<T: Table>(&self) -> Result<Vec<T>, Failure> {
        Ok(flooding_tables::read(self.store, &self.store.layout().tables())?.unwrap_or_default())
    }

    /// The runs of a setting: those of the tables, or of the plan where there are no tables of it.
    pub fn runs_of(&self, setting: &str) -> Result<Vec<RunSpec>, Failure> {
        let rows = self.tabulated()?;
        let tabulated: Vec<RunSpec> =
            rows.iter().filter(|row| row.setting == setting).filter_map(|row| self.spec(row)).collect();
        if !tabulated.is_empty() {
            return Ok(tabulated);
        }
        Ok(self.project.plan.runs().filter(|run| run.setting == setting).collect())
    }
}
