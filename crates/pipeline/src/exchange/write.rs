//! The second pass: writes what the first one chose, each unit's document last.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write as _};

use flooding_core::digest::{Digest, Hasher};
use flooding_core::store::{AtomicFile, ImportNote, Store};

use super::ExchangeError;
use super::checkpoints::Progress;
use super::inventory::{Unit, UnitKind};
use super::origin::Origin;

/// What is to be written of one folder or tar file.
pub(super) struct Writer<'a> {
    store: &'a Store,
    units: &'a [Unit],
    /// By path: which unit, and the digest that the first pass saw.
    wanted: HashMap<&'a str, (usize, &'a Digest)>,
    /// Of each unit: files that are still to come, and its document once that was read.
    waiting: BTreeMap<usize, Waiting>,
}

struct Waiting {
    files: usize,
    document: Option<Vec<u8>>,
    is_begun: bool,
}

impl<'a> Writer<'a> {
    /// A writer of these units.
    pub fn new(store: &'a Store, units: &'a [Unit]) -> Self {
        let mut wanted = HashMap::new();
        let mut waiting = BTreeMap::new();
        for (index, unit) in units.iter().enumerate() {
            wanted.insert(unit.document.as_str(), (index, &unit.digest));
            wanted.extend(unit.files.iter().map(|(path, digest)| (path.as_str(), (index, digest))));
            waiting.insert(index, Waiting { files: unit.files.len(), document: None, is_begun: false });
        }
        Self { store, units, wanted, waiting }
    }

    /// Reads the folder or tar file again and writes what is wanted of it.
    pub fn write(mut self, origin: &Origin) -> Result<(), ExchangeError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        origin.visit(&mut |path, reader| self.file(origin, path, reader))?;
        // A training that was completed meanwhile has no checkpoint any more.
        let is_missed = |index: &usize| !matches!(self.units[*index].kind, UnitKind::Checkpoint(_));
        match self.waiting.into_keys().find(is_missed) {
            None => Ok(()),
            Some(index) => Err(ExchangeError::Changed { path: origin.path().join(&self.units[index].document) }),
        }
    }

    fn file(&mut self, origin: &Origin, inner: &str, reader: &mut dyn Read) -> Result<(), ExchangeError> {
        let Some(&(index, expected)) = self.wanted.get(inner) else { return Ok(()) };
        let (unit, source) = (&self.units[index], origin.path().join(inner));
        let Some(waiting) = self.waiting.get_mut(&index) else { return Ok(()) };
        let data = self.store.layout().data();
        if let UnitKind::Checkpoint(progress) = &unit.kind {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(ExchangeError::reading(&source))?;
            // A training that resumes there may have replaced it by a later one.
            let is_same =
                || Progress::of(&bytes).is_ok_and(|now| now.runs == progress.runs && now.steps >= progress.steps);
            if Digest::of(&bytes) == *expected || is_same() {
                self.store.write(&data.join(inner), &bytes)?;
            }
            self.waiting.remove(&index);
            return Ok(());
        }
        if !waiting.is_begun {
            // An older document must not stand beside new files, should we be stopped half way.
            self.store.remove(&data.join(&unit.document))?;
            waiting.is_begun = true;
        }
        if inner == unit.document {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(ExchangeError::reading(&source))?;
            if Digest::of(&bytes) != *expected {
                return Err(ExchangeError::Changed { path: source });
            }
            waiting.document = Some(bytes);
        } else {
            let file = self.store.create(&data.join(inner))?;
            copy(reader, file, expected, origin, inner)?;
            waiting.files -= 1;
        }
        if waiting.files == 0
            && let Some(document) = &waiting.document
        {
            finish(self.store, unit, document)?;
            self.waiting.remove(&index);
        }
        Ok(())
    }
}

/// The note on what did not come, and the document that makes the unit whole.
fn finish(store: &Store, unit: &Unit, document: &[u8]) -> Result<(), ExchangeError> {
    let path = store.layout().data().join(&unit.document);
    let note = path.with_file_name(ImportNote::NAME);
    if unit.left_out.is_empty() {
        if unit.is_run() {
            store.remove(&note)?;
        }
    } else {
        store.write_document(&note, &ImportNote { left_out: unit.left_out.clone() })?;
    }
    store.write(&path, document)?;
    Ok(())
}

fn copy(
    reader: &mut dyn Read,
    mut file: AtomicFile,
    expected: &Digest,
    origin: &Origin,
    inner: &str,
) -> Result<(), ExchangeError> {
    let source = || origin.path().join(inner);
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = reader.read(&mut buffer).map_err(ExchangeError::reading(&source()))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        file.write_all(&buffer[..read]).map_err(ExchangeError::writing(std::path::Path::new(inner)))?;
    }
    if hasher.finish() != *expected {
        return Err(ExchangeError::Changed { path: source() });
    }
    Ok(file.commit()?)
}
