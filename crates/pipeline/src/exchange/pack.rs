//! Writing the finished part of a store as one tar file.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use flooding_core::digest::Digest;
use flooding_core::plan::{Group, Plan};
use flooding_core::record::Record;
use flooding_core::spec::RunSpec;
use flooding_core::store::{self, Document, DocumentError, Layout, Store, document_bytes};
use flooding_generate::TrialDocument;
use flooding_train::checkpoint::{Checkpoint, NAME};
use serde::{Deserialize, Serialize};
use tar::{Builder, Header};

use super::ExchangeError;
use super::inner::inner;

/// The last file of a pack: the list of all others. A tar file without it was cut short.
pub(super) const MANIFEST: &str = "pack.json";

/// What a pack holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Version of the software that wrote it.
    pub version: String,
    /// Digest of every other file, by its path within the data folder.
    pub files: BTreeMap<String, Digest>,
}

impl Document for Manifest {
    const KIND: &'static str = "pack";
    const VERSION: u32 = 1;
}

/// What was packed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Packed {
    /// Runs packed.
    pub runs: usize,
    /// Runs of the plan.
    pub planned: usize,
    /// Drawn trials packed.
    pub drawn: usize,
    /// Probes packed.
    pub probes: usize,
    /// Checkpoints packed.
    pub checkpoints: usize,
    /// Bytes of the tar file.
    pub bytes: u64,
    /// What was left out because it is damaged, and why.
    pub damaged: Vec<String>,
}

/// What is packed besides finished runs, their drawn trials and probes.
#[derive(Clone, Copy, Debug, Default)]
pub struct With {
    /// The weights that were kept.
    pub weights: bool,
    /// The checkpoints of runs that are not finished.
    pub checkpoints: bool,
}

/// Writes all finished runs of the plan, their drawn trials and probes, and what `with` asks for, to a tar file; a name
/// that ends in `.gz` or `.tgz` has it compressed. The same results give the same bytes.
pub fn pack(plan: &Plan, store: &Store, output: &Path, with: With) -> Result<Packed, ExchangeError> {
    let planned = plan.runs().count();
    let has_something = |run: &RunSpec| has(store, run, Layout::RECORD) || with.checkpoints && has(store, run, NAME);
    if !plan.groups().any(|group| group.runs.iter().any(has_something)) {
        return Err(ExchangeError::NothingToPack { planned });
    }
    let is_tar = |start: &[u8]| start.starts_with(b"\x1f\x8b") || start.get(257..262) == Some(b"ustar");
    store::refuse_other(output, "a tar file", is_tar).map_err(ExchangeError::writing(output))?;
    let temporary = temporary(output);
    let file = File::create(&temporary).map_err(ExchangeError::writing(output))?;
    let file = BufWriter::with_capacity(1 << 18, file);
    let compresses = output.extension().is_some_and(|extension| extension == "gz" || extension == "tgz");
    let written = if compresses {
        let (packed, encoder) = write(plan, store, GzEncoder::new(file, Compression::default()), output, with)?;
        encoder.finish().map(|file| (packed, file))
    } else {
        Ok(write(plan, store, file, output, with)?)
    };
    let published = written.and_then(|(packed, file)| {
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&temporary, output)?;
        Ok((packed, file.metadata()?.len()))
    });
    let (mut packed, bytes) = published.map_err(ExchangeError::writing(output))?;
    packed.bytes = bytes;
    packed.planned = planned;
    Ok(packed)
}

fn has(store: &Store, run: &RunSpec, name: &str) -> bool {
    store.layout().run(run).join(name).is_file()
}

fn temporary(output: &Path) -> PathBuf {
    let name = output.file_name().unwrap_or(OsStr::new("pack")).to_string_lossy();
    output.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn write<W: Write>(
    plan: &Plan,
    store: &Store,
    writer: W,
    output: &Path,
    with: With,
) -> Result<(Packed, W), ExchangeError> {
    let mut packer = Packer {
        store,
        with,
        output,
        tar: Builder::new(writer),
        files: BTreeMap::new(),
        packed: Packed { runs: 0, planned: 0, drawn: 0, probes: 0, checkpoints: 0, bytes: 0, damaged: Vec::new() },
    };
    for group in plan.groups() {
        packer.group(&group)?;
    }
    packer.finish()
}

struct Packer<'a, W: Write> {
    store: &'a Store,
    with: With,
    output: &'a Path,
    tar: Builder<W>,
    files: BTreeMap<String, Digest>,
    packed: Packed,
}

impl<W: Write> Packer<'_, W> {
    fn group(&mut self, group: &Group) -> Result<(), ExchangeError> {
        let before = self.packed.runs + self.packed.checkpoints;
        for run in &group.runs {
            if self.run(run)? {
                self.packed.runs += 1;
            } else if self.with.checkpoints {
                self.checkpoint(run)?;
            }
        }
        if self.packed.runs + self.packed.checkpoints == before {
            return Ok(());
        }
        let first = &group.runs[0];
        let drawn = self.store.layout().synthetic(&first.setting).join(format!("t{:02}.json", first.trial));
        match self.store.read_document::<TrialDocument>(&drawn) {
            Ok(Some(trial)) => {
                let file = (drawn.with_file_name(&trial.file), Some(trial.digest));
                self.packed.drawn += usize::from(self.unit(&[file, (drawn, None)])?);
            }
            Ok(None) => {}
            Err(error) => self.leave_out(error)?,
        }
        let probes = self.store.layout().probes(&first.setting, first.trial);
        for name in self.store.list(&probes)? {
            let path = probes.join(&name);
            match self.store.read_any_document(&path) {
                Ok(Some(_)) => self.packed.probes += usize::from(self.unit(&[(path, None)])?),
                Ok(None) => {}
                Err(error) => self.leave_out(error)?,
            }
        }
        Ok(())
    }

    /// Packs a run; `false` where it has no record, or is damaged.
    fn run(&mut self, spec: &RunSpec) -> Result<bool, ExchangeError> {
        let folder = self.store.layout().run(spec);
        let record: Record = match self.store.read_document(&folder.join(Layout::RECORD)) {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(false),
            Err(error) => return self.leave_out(error).map(|()| false),
        };
        if record.spec != *spec {
            self.packed.damaged.push(format!("{} holds another run's record", folder.display()));
            return Ok(false);
        }
        let mut files = vec![(folder.join(Layout::HISTORY), Some(record.history))];
        if self.with.weights {
            let here = |name: &String| folder.join(name).is_file();
            let weights = record.files.into_iter().filter(|(name, _)| here(name));
            files.extend(weights.map(|(name, digest)| (folder.join(name), Some(digest))));
        }
        let provenance = folder.join(Layout::PROVENANCE);
        if provenance.is_file() {
            files.push((provenance, None));
        }
        files.push((folder.join(Layout::RECORD), None));
        self.unit(&files)
    }

    /// Packs what an interrupted training left of a run. It may be replaced meanwhile, so it is read once.
    fn checkpoint(&mut self, spec: &RunSpec) -> Result<(), ExchangeError> {
        let path = self.store.layout().run(spec).join(NAME);
        let Some(bytes) = self.store.read(&path)? else { return Ok(()) };
        if let Err(why) = Checkpoint::from_bytes(&bytes) {
            self.packed.damaged.push(format!("{}: {why}", path.display()));
            return Ok(());
        }
        self.append_bytes(&inner(self.store, &path), &bytes)?;
        self.packed.checkpoints += 1;
        Ok(())
    }

    /// What cannot be read because it is damaged is left out; a store that cannot be read at all is an error.
    fn leave_out(&mut self, error: DocumentError) -> Result<(), ExchangeError> {
        match error {
            DocumentError::Store(error) => Err(error.into()),
            error => {
                self.packed.damaged.push(error.to_string());
                Ok(())
            }
        }
    }

    /// Packs these files, after comparing all of them with the digests that there are.
    fn unit(&mut self, files: &[(PathBuf, Option<Digest>)]) -> Result<bool, ExchangeError> {
        let mut digests = Vec::new();
        for (path, expected) in files {
            match self.store.digest(path)? {
                Some(found) if expected.as_ref().is_none_or(|expected| *expected == found) => digests.push(found),
                Some(_) => {
                    self.packed.damaged.push(format!("{} does not match the digest in its record", path.display()));
                    return Ok(false);
                }
                None => {
                    self.packed.damaged.push(format!("{} is missing", path.display()));
                    return Ok(false);
                }
            }
        }
        for ((path, _), digest) in files.iter().zip(digests) {
            self.append(path, digest)?;
        }
        Ok(true)
    }

    fn append_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), ExchangeError> {
        let mut header = header(bytes.len() as u64);
        self.tar.append_data(&mut header, name, bytes).map_err(ExchangeError::writing(self.output))?;
        self.files.insert(name.to_owned(), Digest::of(bytes));
        Ok(())
    }

    fn append(&mut self, path: &Path, digest: Digest) -> Result<(), ExchangeError> {
        let name = inner(self.store, path);
        let file = File::open(path).map_err(ExchangeError::reading(path))?;
        let size = file.metadata().map_err(ExchangeError::reading(path))?.len();
        let mut header = header(size);
        // Exactly the bytes that the header promises, should the file grow meanwhile.
        let appended = self.tar.append_data(&mut header, &name, file.take(size));
        appended.map_err(ExchangeError::writing(self.output))?;
        self.files.insert(name, digest);
        Ok(())
    }

    fn finish(mut self) -> Result<(Packed, W), ExchangeError> {
        let manifest = Manifest { version: env!("CARGO_PKG_VERSION").to_owned(), files: self.files };
        let bytes = document_bytes(Path::new(MANIFEST), &manifest)?;
        let mut header = header(bytes.len() as u64);
        let written = self.tar.append_data(&mut header, MANIFEST, &*bytes);
        let writer = written.and_then(|()| self.tar.into_inner()).map_err(ExchangeError::writing(self.output))?;
        Ok((self.packed, writer))
    }
}

/// The same for the same contents, whoever packs them and when.
fn header(size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
