//! The document beside a trial's examples: what they were drawn from, and how to know them again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flooding_core::dataset::Splits;
use flooding_core::digest::Digest;
use flooding_core::plan::Setting;
use flooding_core::seeds::Streams;
use flooding_core::spec::{DataSpec, RunSpec, SyntheticSpec};
use flooding_core::store::{Document, Layout, Store};
use flooding_core::work::Reason;
use serde::{Deserialize, Serialize};

use crate::{GenerateError, draw, file};

/// Raised whenever a change of the generators changes anyone's examples, so that old files are not taken for new ones.
pub const GENERATOR_REVISION: u32 = 1;

/// What a trial's examples are drawn from; everything that determines them and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialSpec {
    generator: u32,
    master_seed: u64,
    setting: String,
    trial: u32,
    data: SyntheticSpec,
    /// The setting whose random streams are used, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    streams_of: Option<String>,
}

/// `tTRIAL.json`: written after `tTRIAL.safetensors`, so a trial with a document is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialDocument {
    spec: TrialSpec,
    /// Name of the file with the examples, in the same folder.
    pub file: String,
    /// Digest of that file.
    pub digest: Digest,
    /// Digest of the examples, as the records of runs quote it.
    pub examples: Digest,
    /// Examples of class 0 and 1 in training, validation and test set, by the labels after noise.
    pub class_counts: [[u64; 2]; 3],
    /// The same by the labels before noise.
    pub clean_class_counts: [[u64; 2]; 3],
}

impl Document for TrialDocument {
    const KIND: &'static str = "synthetic-trial";
    const VERSION: u32 = 1;

    fn files(&self) -> BTreeMap<String, Digest> {
        BTreeMap::from([(self.file.clone(), self.digest.clone())])
    }

    fn misplaced(&self, layout: &Layout, path: &Path) -> Option<String> {
        let place = layout.synthetic(&self.spec.setting).join(format!("t{:02}.json", self.spec.trial));
        (place != path).then(|| format!("belongs in {}", place.display()))
    }
}

impl TrialSpec {
    /// The examples of one trial of a setting; `None` for image data.
    pub(crate) fn of_setting(setting: &Setting, master_seed: u64, trial: u32) -> Option<Self> {
        Self::new(&setting.data, (&setting.id, setting.streams_of.as_ref()), master_seed, trial)
    }

    /// The examples that a run needs; `None` for image data.
    pub(crate) fn of_run(spec: &RunSpec) -> Option<Self> {
        Self::new(&spec.data, (&spec.setting, spec.streams_of.as_ref()), spec.master_seed, spec.trial)
    }

    fn new(
        data: &DataSpec,
        (setting, streams_of): (&str, Option<&String>),
        master_seed: u64,
        trial: u32,
    ) -> Option<Self> {
        let DataSpec::Synthetic(data) = data else { return None };
        let (setting, data, streams_of) = (setting.to_owned(), data.clone(), streams_of.cloned());
        Some(Self { generator: GENERATOR_REVISION, master_seed, setting, trial, data, streams_of })
    }

    /// What it is called in messages, such as `spiral-high t00`.
    pub(crate) fn id(&self) -> String {
        format!("{} t{:02}", self.setting, self.trial)
    }

    fn streams(&self) -> Streams {
        Streams::new(self.master_seed, self.streams_of.as_deref().unwrap_or(&self.setting), self.trial)
    }

    pub(crate) fn document_path(&self, store: &Store) -> PathBuf {
        store.layout().synthetic(&self.setting).join(format!("t{:02}.json", self.trial))
    }

    fn file_name(&self) -> String {
        format!("t{:02}.safetensors", self.trial)
    }

    /// Draws the examples and stores them, the document last.
    pub(crate) fn generate(&self, store: &Store) -> Result<Splits, GenerateError> {
        let splits = draw(&self.data, &self.streams());
        let path = store.layout().synthetic(&self.setting).join(self.file_name());
        let bytes = file::encode(&splits).map_err(|source| GenerateError::Encoding { path: path.clone(), source })?;
        // An older document must not record the checksum of new examples, should we be stopped half way.
        store.remove(&self.document_path(store))?;
        let digest = store.write(&path, &bytes)?;
        let sets = [&splits.train, &splits.validation, &splits.test];
        let document = TrialDocument {
            spec: self.clone(),
            file: self.file_name(),
            digest,
            examples: splits.digest(),
            class_counts: sets.map(|set| class_counts(&set.labels)),
            clean_class_counts: sets.map(|set| class_counts(set.clean())),
        };
        store.write_document(&self.document_path(store), &document)?;
        Ok(splits)
    }

    /// The stored document; an error where it was drawn from something else, `None` where there is none.
    fn document(&self, store: &Store) -> Result<Option<TrialDocument>, GenerateError> {
        let path = self.document_path(store);
        let Some(document) = store.read_document::<TrialDocument>(&path)? else { return Ok(None) };
        let value = |spec: &Self| serde_json::to_value(spec).expect("a specification is plain data");
        match Reason::of_difference(&value(&document.spec), &value(self)) {
            Some(Reason::SpecificationChanged { key, from, to }) => Err(GenerateError::Stale { path, key, from, to }),
            _ => Ok(Some(document)),
        }
    }

    /// The stored bytes of the examples, checked against the document; `None` where nothing is stored.
    fn bytes(&self, store: &Store) -> Result<Option<Vec<u8>>, GenerateError> {
        let Some(document) = self.document(store)? else { return Ok(None) };
        let path = store.layout().synthetic(&self.setting).join(self.file_name());
        let damaged = |why| Err(GenerateError::Damaged { path: path.clone(), why });
        let Some(bytes) = store.read(&path)? else { return damaged("missing".to_owned()) };
        let found = Digest::of(&bytes);
        if found != document.digest {
            let why = format!("damaged: its SHA-256 is {found}, {} was written", document.digest);
            return damaged(why);
        }
        Ok(Some(bytes))
    }

    /// The stored examples, checked; `None` where nothing is stored.
    pub(crate) fn load(&self, store: &Store) -> Result<Option<Splits>, GenerateError> {
        let Some(bytes) = self.bytes(store)? else { return Ok(None) };
        let path = store.layout().synthetic(&self.setting).join(self.file_name());
        file::decode(&bytes).map(Some).map_err(|why| GenerateError::Damaged { path, why })
    }

    /// Why the examples have to be drawn, or `UpToDate`; an error only where the store cannot be read at all.
    pub(crate) fn state(&self, store: &Store) -> Result<Reason, GenerateError> {
        Ok(match self.bytes(store) {
            // Bytes with the right digest that are no examples would never be drawn again.
            Ok(Some(bytes)) => file::decode(&bytes).map_or_else(|why| Reason::Damaged { why }, |_| Reason::UpToDate),
            Ok(None) => Reason::New,
            Err(GenerateError::Stale { key, from, to, .. }) => Reason::SpecificationChanged { key, from, to },
            Err(GenerateError::Damaged { why, .. }) => Reason::Damaged { why },
            Err(GenerateError::Document(error)) if !matches!(error, flooding_core::store::DocumentError::Store(_)) => {
                Reason::Damaged { why: error.to_string() }
            }
            Err(error) => return Err(error),
        })
    }
}

fn class_counts(labels: &[u16]) -> [u64; 2] {
    let second = labels.iter().filter(|&&label| label == 1).count() as u64;
    [labels.len() as u64 - second, second]
}
