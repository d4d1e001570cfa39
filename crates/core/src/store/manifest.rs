//! What a stage read and wrote: the reason to do it again, or not to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Document, DocumentError, Store, StoreError, document_bytes};
use crate::digest::Digest;
use crate::work::{Decision, MissingResult, Reason};

/// The file that a stage writes last into its folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputManifest {
    /// Digests of everything that the outputs depend on, by what it is.
    pub inputs: BTreeMap<String, Digest>,
    /// Digests of the files, by their path in the folder.
    pub outputs: BTreeMap<String, Digest>,
    /// What the stage could not do.
    pub missing: Vec<MissingResult>,
    /// What the outputs say and the inputs do not determine, such as a day.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// While new outputs are written: the paths of the older ones, so that those which have to go are known even if the
    /// writing is cut short.
    #[serde(default)]
    pub unfinished: BTreeSet<String>,
}

impl Document for OutputManifest {
    const KIND: &'static str = "output-manifest";
    const VERSION: u32 = 2;

    fn files(&self) -> BTreeMap<String, Digest> {
        self.outputs.clone()
    }
}

impl OutputManifest {
    /// Where the manifest of a folder is.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("manifest.json")
    }

    /// Are the files of `folder` those that these inputs give? Also returns the manifest of files that are up to date.
    pub fn decide(
        store: &Store,
        folder: &Path,
        inputs: &BTreeMap<String, Digest>,
        force: bool,
    ) -> Result<(Decision, Option<Self>), StoreError> {
        let manifest = match store.read_document::<Self>(&Self::path(folder)) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => return Ok((Decision::Run(Reason::New), None)),
            Err(DocumentError::Store(error)) => return Err(error),
            Err(error) => return Ok((Decision::Run(Reason::Damaged { why: error.to_string() }), None)),
        };
        if force {
            return Ok((Decision::Run(Reason::Forced), None));
        }
        if !manifest.unfinished.is_empty() {
            return Ok((Decision::Run(Reason::New), None));
        }
        let changed = |name: &&String| manifest.inputs.get(*name) != inputs.get(*name);
        if let Some(input) = inputs.keys().chain(manifest.inputs.keys()).find(changed) {
            return Ok((Decision::Run(Reason::InputChanged { input: input.clone() }), None));
        }
        for (name, digest) in &manifest.outputs {
            let file = folder.join(name);
            if store.digest(&file)?.as_ref() != Some(digest) {
                let why = format!("{} is missing or not as it was written", file.display());
                return Ok((Decision::Run(Reason::Damaged { why }), None));
            }
        }
        Ok((Decision::Skip(Reason::UpToDate), Some(manifest)))
    }
}

/// Writes the files of a folder and, last, their manifest.
pub struct OutputWriter<'a> {
    store: &'a Store,
    folder: PathBuf,
    before: BTreeSet<String>,
    outputs: BTreeMap<String, Digest>,
    facts: BTreeMap<String, String>,
}

impl<'a> OutputWriter<'a> {
    /// Replaces the folder's manifest first: it must not hold checksums of files that are about to change.
    pub fn begin(store: &'a Store, folder: PathBuf) -> Result<Self, StoreError> {
        let path = OutputManifest::path(&folder);
        let manifest = store.read_document::<OutputManifest>(&path).ok().flatten().unwrap_or_default();
        let before: BTreeSet<String> = manifest.outputs.into_keys().chain(manifest.unfinished).collect();
        if before.is_empty() {
            store.remove(&path)?;
        } else {
            let unfinished = OutputManifest { unfinished: before.clone(), ..OutputManifest::default() };
            store.write(&path, &document_bytes(&path, &unfinished).expect("a manifest is plain data"))?;
        }
        Ok(Self { store, folder, before, outputs: BTreeMap::new(), facts: BTreeMap::new() })
    }

    /// Writes a file under this path in the folder.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let digest = self.store.write(&self.folder.join(name), bytes)?;
        self.outputs.insert(name.to_owned(), digest);
        Ok(())
    }

    /// Writes a document as `NAME.json`.
    pub fn document<T: Document>(&mut self, name: &str, value: &T) -> Result<(), DocumentError> {
        let file = format!("{name}.json");
        let digest = self.store.write_document(&self.folder.join(&file), value)?;
        self.outputs.insert(file, digest);
        Ok(())
    }

    /// Notes what the outputs say and the inputs do not determine.
    pub fn fact(&mut self, name: &str, value: String) {
        self.facts.insert(name.to_owned(), value);
    }

    /// Removes what the previous manifest named and this one does not, then writes the manifest.
    pub fn finish(self, inputs: BTreeMap<String, Digest>, missing: Vec<MissingResult>) -> Result<(), DocumentError> {
        for name in self.before.iter().filter(|name| !self.outputs.contains_key(*name)) {
            self.store.remove(&self.folder.join(name))?;
        }
        let manifest =
            OutputManifest { inputs, outputs: self.outputs, missing, facts: self.facts, unfinished: BTreeSet::new() };
        self.store.write_document(&OutputManifest::path(&self.folder), &manifest)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;

    fn inputs(names: &[&str]) -> BTreeMap<String, Digest> {
        names.iter().map(|name| ((*name).to_owned(), Digest::of(name.as_bytes()))).collect()
    }

    fn write(store: &Store, files: &[&str], read: &[&str]) {
        let mut writer = OutputWriter::begin(store, store.layout().tables()).unwrap();
        for file in files {
            writer.write(file, file.as_bytes()).unwrap();
        }
        writer.finish(inputs(read), Vec::new()).unwrap();
    }

    fn decision(store: &Store, read: &[&str]) -> Decision {
        OutputManifest::decide(store, &store.layout().tables(), &inputs(read), false).unwrap().0
    }

    #[test]
    fn files_are_up_to_date_until_an_input_or_a_file_changes() {
        let (_folder, store) = store();
        assert_eq!(decision(&store, &["plan"]), Decision::Run(Reason::New));
        write(&store, &["a.csv", "b.csv"], &["plan"]);
        assert_eq!(decision(&store, &["plan"]), Decision::Skip(Reason::UpToDate));
        let changed = |input: &str| Decision::Run(Reason::InputChanged { input: input.to_owned() });
        assert_eq!(decision(&store, &["plan", "records"]), changed("records"));
        assert_eq!(decision(&store, &[]), changed("plan"));
        store.write(&store.layout().tables().join("a.csv"), b"other").unwrap();
        assert!(matches!(decision(&store, &["plan"]), Decision::Run(Reason::Damaged { .. })));
    }

    #[test]
    fn a_file_that_is_no_longer_written_is_removed() {
        let (_folder, store) = store();
        write(&store, &["a.csv", "b.csv"], &["plan"]);
        write(&store, &["b.csv"], &["plan"]);
        assert_eq!(store.read(&store.layout().tables().join("a.csv")).unwrap(), None);
        assert_eq!(decision(&store, &["plan"]), Decision::Skip(Reason::UpToDate));
    }

    #[test]
    fn after_a_writer_is_killed_all_is_written_again_and_older_files_still_go() {
        let (_folder, store) = store();
        write(&store, &["a.csv", "b.csv"], &["plan"]);
        let mut writer = OutputWriter::begin(&store, store.layout().tables()).unwrap();
        writer.write("b.csv", b"half").unwrap();
        drop(writer);
        assert_eq!(decision(&store, &["plan"]), Decision::Run(Reason::New));
        write(&store, &["b.csv"], &["plan"]);
        assert_eq!(store.read(&store.layout().tables().join("a.csv")).unwrap(), None);
        assert_eq!(decision(&store, &["plan"]), Decision::Skip(Reason::UpToDate));
    }
}
