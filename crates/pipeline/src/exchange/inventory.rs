//! The first pass over a folder or tar file: every file's digest, and what its documents say.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;

use flooding_core::config::ConfigError;
use flooding_core::digest::Digest;
use flooding_core::record::{Provenance, Record, Status};
use flooding_core::spec::{DataSpec, RunSpec, SyntheticSpec};
use flooding_core::store::{
    AnyDocument, Document, ImportNote, Kind, Layout, Store, parse_any_document, parse_document,
};
use flooding_generate::TrialDocument;
use flooding_tables::probes::{Calibration, Flatness, Replay};
use serde_json::Value;

use super::checkpoints::{PlannedRuns, Progress, is_checkpoint};
use super::known::KnownSettings;
use super::origin::Origin;
use super::pack::{MANIFEST, Manifest};
use super::{ExchangeError, Refusal};

/// A larger JSON document is refused; the longest that a run leaves has some kilobytes.
const LARGEST_DOCUMENT: u64 = 256 << 20;

/// A run, a drawn trial, a probe or a checkpoint: what is imported as a whole or not at all.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub kind: UnitKind,
    /// What it is called in messages.
    pub name: String,
    /// The document that makes it whole, by its path within the data folder.
    pub document: String,
    /// Digest of that document's bytes.
    pub digest: Digest,
    /// The other files that travel with it, by path, and their digests.
    pub files: Vec<(String, Digest)>,
    /// Names of files that its record knows and that did not come.
    pub left_out: Vec<String>,
    /// Of a run: the machine that trained it, for messages.
    pub machine: Option<String>,
    /// Of drawn examples: what they were drawn from.
    pub spec: Option<Value>,
}

impl Unit {
    /// Is it a run?
    pub fn is_run(&self) -> bool {
        matches!(self.kind, UnitKind::Run { .. })
    }
}

/// What a unit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UnitKind {
    /// A run, and whether its training was completed.
    Run { complete: bool },
    /// The examples of a synthetic setting's trial.
    Drawn,
    /// A probe, and the digest of what it was made from.
    Probe { made_from: Digest },
    /// A checkpoint.
    Checkpoint(Progress),
}

/// Everything that a folder or tar file has.
#[derive(Default)]
pub(super) struct Inventory {
    /// The units, checked against their digests and specifications.
    pub units: Vec<Unit>,
    /// What must not be imported.
    pub refusals: Vec<Refusal>,
    /// Checkpoints of runs that no profile plans.
    pub unplanned: usize,
}

/// A document that makes a unit whole, before it is known which of its files came.
struct Found {
    kind: UnitKind,
    name: String,
    digest: Digest,
    /// Names and digests of the files beside it that it records.
    records: Vec<(String, Digest)>,
    spec: Option<Value>,
}

struct Reader<'a> {
    known: &'a mut KnownSettings,
    store: &'a Store,
    files: BTreeMap<String, Digest>,
    found: BTreeMap<String, Found>,
    machines: BTreeMap<String, String>,
    manifest: Option<Manifest>,
    refusals: Vec<Refusal>,
    planned: PlannedRuns,
    unplanned: usize,
    config_error: Option<ConfigError>,
}

impl Inventory {
    /// Reads and checks everything that is there; `store` tells where each document belongs.
    pub fn of(origin: &Origin, known: &mut KnownSettings, store: &Store) -> Result<Self, InventoryError> {
        let mut reader = Reader {
            known,
            store,
            files: BTreeMap::new(),
            found: BTreeMap::new(),
            machines: BTreeMap::new(),
            manifest: None,
            refusals: Vec::new(),
            planned: PlannedRuns::default(),
            unplanned: 0,
            config_error: None,
        };
        let read = origin.visit(&mut |path, bytes| reader.file(origin, path, bytes));
        if let Some(error) = reader.config_error {
            return Err(InventoryError::Config(error));
        }
        read?;
        if let Origin::Archive(path) = origin {
            reader.check_manifest(path)?;
        }
        Ok(reader.into_inventory())
    }
}

/// Why there is no inventory.
pub(super) enum InventoryError {
    /// The folder or tar file.
    Exchange(ExchangeError),
    /// This project's configuration.
    Config(ConfigError),
}

impl From<ExchangeError> for InventoryError {
    fn from(error: ExchangeError) -> Self {
        Self::Exchange(error)
    }
}

impl Reader<'_> {
    fn file(&mut self, origin: &Origin, path: &str, reader: &mut dyn Read) -> Result<(), ExchangeError> {
        let unreadable = || ExchangeError::reading(&origin.path().join(path));
        if is_checkpoint(path) {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(unreadable())?;
            self.files.insert(path.to_owned(), Digest::of(&bytes));
            let checked = self.checkpoint(path, &bytes);
            self.note(path, checked);
            return Ok(());
        }
        if Path::new(path).extension() != Some(OsStr::new("json")) {
            let digest = Digest::of_reader(reader).map_err(unreadable())?;
            self.files.insert(path.to_owned(), digest);
            return Ok(());
        }
        let mut bytes = Vec::new();
        let read = reader.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes).map_err(unreadable())?;
        if read as u64 > LARGEST_DOCUMENT {
            let why = format!("it has more than {LARGEST_DOCUMENT} bytes, which no document of this project has");
            self.refusals.push(Refusal { path: path.to_owned(), why });
            return Ok(());
        }
        if path == MANIFEST {
            self.manifest = parse_document(&bytes, Path::new(path)).ok();
            return Ok(());
        }
        self.files.insert(path.to_owned(), Digest::of(&bytes));
        let checked = self.document(path, &bytes);
        self.note(path, checked);
        Ok(())
    }

    fn note(&mut self, path: &str, checked: Result<(), Problem>) {
        match checked {
            Ok(()) => {}
            Err(Problem::Refused(why)) => self.refusals.push(Refusal { path: path.to_owned(), why }),
            Err(Problem::Config(error)) => self.config_error = Some(error),
        }
    }

    fn document(&mut self, path: &str, bytes: &[u8]) -> Result<(), Problem> {
        let document = parse_any_document(bytes, Path::new(path)).map_err(|error| unprefixed(path, &error))?;
        let is = |kind: Kind| document.kind == kind.name && document.version == kind.version;
        if is(Kind::of::<Record>()) {
            let record: Record = parsed(path, bytes)?;
            self.record(path, bytes, record)
        } else if is(Kind::of::<Provenance>()) {
            let provenance: Provenance = parsed(path, bytes)?;
            self.machines.insert(folder_of(path).to_owned(), machine(&provenance));
            Ok(())
        } else if is(Kind::of::<TrialDocument>()) {
            let trial: TrialDocument = parsed(path, bytes)?;
            self.drawn(path, bytes, &document, trial)
        } else if is(Kind::of::<Flatness>()) {
            let probe: Flatness = parsed(path, bytes)?;
            self.probe(path, bytes, (&probe.setting, probe.trial, "flatness"), probe.made_from)
        } else if is(Kind::of::<Calibration>()) {
            let probe: Calibration = parsed(path, bytes)?;
            self.probe(path, bytes, (&probe.setting, probe.trial, "calibration"), probe.made_from)
        } else if is(Kind::of::<Replay>()) {
            let probe: Replay = parsed(path, bytes)?;
            self.probe(path, bytes, (&probe.setting, probe.trial, "replay"), probe.made_from)
        } else if is(Kind::of::<ImportNote>()) {
            // What is left out is seen by its absence.
            Ok(())
        } else {
            let AnyDocument { kind, version, .. } = document;
            Err(Problem::Refused(format!("is a {kind} of version {version}, which this version does not import")))
        }
    }

    fn record(&mut self, path: &str, bytes: &[u8], record: Record) -> Result<(), Problem> {
        if record.key != record.spec.key() {
            return Err(Problem::Refused("its key is not the digest of its specification".to_owned()));
        }
        self.belongs(path, &self.store.layout().run(&record.spec).join(Layout::RECORD))?;
        self.is_ours(&record.spec)?;
        let mut records = vec![(Layout::HISTORY.to_owned(), record.history)];
        records.extend(record.files);
        let spec = record.spec;
        let name = format!("{} t{:02} b{} (key {})", spec.setting, spec.trial, spec.level, record.key.short());
        let kind = UnitKind::Run { complete: record.status == Status::Complete };
        self.found.insert(path.to_owned(), Found { kind, name, digest: Digest::of(bytes), records, spec: None });
        Ok(())
    }

    fn drawn(&mut self, path: &str, bytes: &[u8], any: &AnyDocument, trial: TrialDocument) -> Result<(), Problem> {
        let spec = &any.body["spec"];
        let text = |key: &str| spec[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| spec[key].as_u64().unwrap_or_default();
        let (setting, index) = (text("setting"), number("trial") as u32);
        let name = format!("t{index:02}");
        self.belongs(path, &self.store.layout().synthetic(&setting).join(format!("{name}.json")))?;
        let data: SyntheticSpec = serde_json::from_value(spec["data"].clone()).map_err(|error| {
            Problem::Refused(format!("its specification is not one that this version knows: {error}"))
        })?;
        self.known
            .refuse_data(&setting, number("master_seed"), index, DataSpec::Synthetic(data))
            .map_err(Problem::Config)?
            .map_or(Ok(()), |why| Err(Problem::Refused(why)))?;
        let records = vec![(trial.file, trial.digest)];
        let name = format!("the examples of {setting} {name}");
        let spec = Some(spec.clone());
        let found = Found { kind: UnitKind::Drawn, name, digest: Digest::of(bytes), records, spec };
        self.found.insert(path.to_owned(), found);
        Ok(())
    }

    fn probe(
        &mut self,
        path: &str,
        bytes: &[u8],
        (setting, trial, kind): (&str, u32, &str),
        made_from: Digest,
    ) -> Result<(), Problem> {
        self.belongs(path, &self.store.layout().probes(setting, trial).join(format!("{kind}.json")))?;
        if let Some(why) = self.known.refuse_setting(setting).map_err(Problem::Config)? {
            return Err(Problem::Refused(why));
        }
        let name = format!("the {kind} probe of {setting} t{trial:02}");
        let (kind, digest) = (UnitKind::Probe { made_from }, Digest::of(bytes));
        let found = Found { kind, name, digest, records: Vec::new(), spec: None };
        self.found.insert(path.to_owned(), found);
        Ok(())
    }

    fn checkpoint(&mut self, path: &str, bytes: &[u8]) -> Result<(), Problem> {
        let progress = Progress::of(bytes).map_err(Problem::Refused)?;
        let Some(run) = self.planned.owner(path, self.known, self.store).map_err(Problem::Config)? else {
            self.unplanned += 1;
            return Ok(());
        };
        if !progress.runs.contains(run.key().as_str()) {
            return Err(Problem::Refused("is a checkpoint of other runs than its folder's".to_owned()));
        }
        let name = format!("the checkpoint of {} t{:02} b{}", run.setting, run.trial, run.level);
        let (kind, digest) = (UnitKind::Checkpoint(progress), Digest::of(bytes));
        self.found.insert(path.to_owned(), Found { kind, name, digest, records: Vec::new(), spec: None });
        Ok(())
    }

    /// Is the document where its contents say that it belongs?
    fn belongs(&self, path: &str, place: &Path) -> Result<(), Problem> {
        let inner = place.strip_prefix(self.store.layout().data()).unwrap_or(place);
        if inner == Path::new(path) {
            return Ok(());
        }
        Err(Problem::Refused(format!("belongs in {}", inner.display())))
    }

    fn is_ours(&mut self, spec: &RunSpec) -> Result<(), Problem> {
        match self.known.refuse(spec).map_err(Problem::Config)? {
            Some(why) => Err(Problem::Refused(why)),
            None => Ok(()),
        }
    }

    /// A pack lists its files last: what is not as listed is damaged.
    fn check_manifest(&self, path: &Path) -> Result<(), ExchangeError> {
        let Some(manifest) = &self.manifest else { return Err(ExchangeError::NotAPack { path: path.to_owned() }) };
        let damaged = |why| Err(ExchangeError::Damaged { path: path.to_owned(), why });
        for (name, digest) in &manifest.files {
            match self.files.get(name) {
                None => return damaged(format!("{name} is missing")),
                Some(found) if found != digest => {
                    return damaged(format!("the SHA-256 of {name} is {found}, {digest} was packed"));
                }
                Some(_) => {}
            }
        }
        match self.files.keys().find(|name| !manifest.files.contains_key(*name)) {
            Some(name) => damaged(format!("{name} is not in its list of files")),
            None => Ok(()),
        }
    }

    fn into_inventory(self) -> Inventory {
        let Self { files, found, mut machines, mut refusals, unplanned, .. } = self;
        let mut units = Vec::new();
        for (document, Found { kind, name, digest, records, spec }) in found {
            let folder = folder_of(&document).to_owned();
            let mut unit = Unit {
                machine: if matches!(kind, UnitKind::Run { .. }) { machines.remove(&folder) } else { None },
                kind,
                name,
                digest,
                spec,
                files: Vec::new(),
                left_out: Vec::new(),
                document,
            };
            let mut problem = None;
            for (name, recorded) in records {
                let path = format!("{folder}/{name}");
                match files.get(&path) {
                    Some(digest) if *digest == recorded => unit.files.push((path, recorded)),
                    Some(digest) => {
                        problem = Some((path, format!("its SHA-256 is {digest}, its record has {recorded}")));
                    }
                    None if is_weights(&unit.kind, &name) => unit.left_out.push(name),
                    None => problem = Some((path, "missing".to_owned())),
                }
            }
            let provenance = format!("{folder}/{}", Layout::PROVENANCE);
            if let (UnitKind::Run { .. }, Some(digest)) = (&unit.kind, files.get(&provenance)) {
                unit.files.push((provenance, digest.clone()));
            }
            match problem {
                Some((path, why)) => refusals.push(Refusal { path, why }),
                None => units.push(unit),
            }
        }
        Inventory { units, refusals, unplanned }
    }
}

/// Weights may stay behind: a record is complete without them.
fn is_weights(kind: &UnitKind, name: &str) -> bool {
    matches!(kind, UnitKind::Run { .. }) && name != Layout::HISTORY
}

enum Problem {
    Refused(String),
    Config(ConfigError),
}

fn parsed<T: Document>(path: &str, bytes: &[u8]) -> Result<T, Problem> {
    parse_document(bytes, Path::new(path)).map_err(|error| unprefixed(path, &error))
}

/// Without the path, which is printed before it.
fn unprefixed(path: &str, error: &flooding_core::store::DocumentError) -> Problem {
    let text = error.to_string();
    Problem::Refused(text.strip_prefix(&format!("{path}: ")).map_or(text.clone(), str::to_owned))
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A machine in a message.
pub(super) fn machine(provenance: &Provenance) -> String {
    let Provenance { device, processor, commit, finished, .. } = provenance;
    format!("{device} of {processor}, commit {commit}, {finished}")
}
