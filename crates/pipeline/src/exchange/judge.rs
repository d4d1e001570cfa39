//! What is to be done with each unit, given what is here already.

use flooding_core::digest::Digest;
use flooding_core::record::{Provenance, Record, Status};
use flooding_core::store::{DocumentError, Layout, Store, StoreError};
use flooding_tables::probes::{Calibration, Flatness, Replay};

use super::checkpoints::Progress;
use super::inventory::{Unit, UnitKind, machine};
use super::{ExchangeError, Refusal};

/// Whose results stay where two machines contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Preference {
    /// Keep what is here
    Mine,
    /// Replace it by what is imported
    Theirs,
}

/// What is to be done with a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is written, over whatever is there.
    Write,
    /// It is here already, or what is here is better.
    Keep,
    /// It contradicts what is here, and is written over it, as was asked for.
    Replace,
    /// It contradicts what is here, which stays, as was asked for.
    KeepOther,
}

/// What is to be done with this unit, or why it contradicts what is here.
pub(super) fn judge(
    unit: &Unit,
    store: &Store,
    preference: Option<Preference>,
) -> Result<Result<Verdict, Refusal>, ExchangeError> {
    if let UnitKind::Checkpoint(there) = &unit.kind {
        return Ok(Ok(checkpoint(unit, there, store, preference)?));
    }
    let Some(here) = digest(store, &unit.document)? else { return Ok(Ok(Verdict::Write)) };
    if here == unit.digest {
        return Ok(Ok(if is_whole(unit, store)? { Verdict::Keep } else { Verdict::Write }));
    }
    let contradiction = match &unit.kind {
        UnitKind::Run { complete } => match state_of_run(unit, store)? {
            Here::Damaged => return Ok(Ok(Verdict::Write)),
            // A run that failed is tried again anyway: a result replaces it, another failure does not.
            Here::Failed => return Ok(Ok(if *complete { Verdict::Write } else { Verdict::Keep })),
            Here::Complete if !complete => return Ok(Ok(Verdict::Keep)),
            Here::Complete => Some(between_machines(unit, store)),
        },
        UnitKind::Drawn => match drawn_here(unit, store)? {
            Drawn::Damaged => return Ok(Ok(Verdict::Write)),
            Drawn::Otherwise => None,
            Drawn::Alike => Some(format!("{} were drawn here from the same specification and are others", unit.name)),
        },
        UnitKind::Probe { made_from } => match made_from_here(unit, store)? {
            None => return Ok(Ok(Verdict::Write)),
            Some(here) if here != *made_from => None,
            Some(_) => Some(format!("{} was made here from the same weights and is another", unit.name)),
        },
        UnitKind::Checkpoint(_) => None,
    };
    Ok(match (preference, contradiction) {
        (Some(Preference::Theirs), Some(_)) => Ok(Verdict::Replace),
        (Some(Preference::Mine), Some(_)) => Ok(Verdict::KeepOther),
        (Some(Preference::Theirs), None) => Ok(Verdict::Write),
        (Some(Preference::Mine) | None, None) => Ok(Verdict::Keep),
        (None, Some(why)) => {
            let why = format!("{why}; --prefer mine keeps what is here, --prefer theirs replaces it");
            Err(Refusal { path: unit.document.clone(), why })
        }
    })
}

/// Of two checkpoints, the one that is further: what trains on from either leaves the same. A run with a record needs none.
fn checkpoint(
    unit: &Unit,
    there: &Progress,
    store: &Store,
    preference: Option<Preference>,
) -> Result<Verdict, StoreError> {
    let record = store.layout().data().join(&unit.document).with_file_name(Layout::RECORD);
    if record.is_file() {
        return Ok(Verdict::Keep);
    }
    let here = Progress::here(store, &unit.document)?;
    Ok(match (here, preference) {
        (None, _) | (Some(_), Some(Preference::Theirs)) => Verdict::Write,
        (Some(_), Some(Preference::Mine)) => Verdict::Keep,
        (Some(here), None) => {
            if there.steps > here.steps {
                Verdict::Write
            } else {
                Verdict::Keep
            }
        }
    })
}

fn digest(store: &Store, inner: &str) -> Result<Option<Digest>, StoreError> {
    store.digest(&store.layout().data().join(inner))
}

/// Are the files here that came with the unit?
fn is_whole(unit: &Unit, store: &Store) -> Result<bool, StoreError> {
    for (path, expected) in unit.files.iter().filter(|(path, _)| !path.ends_with(Layout::PROVENANCE)) {
        if digest(store, path)?.as_ref() != Some(expected) {
            return Ok(false);
        }
    }
    Ok(true)
}

enum Here {
    Complete,
    Failed,
    Damaged,
}

fn state_of_run(unit: &Unit, store: &Store) -> Result<Here, StoreError> {
    let path = store.layout().data().join(&unit.document);
    let record: Record = match store.read_document(&path) {
        Ok(Some(record)) => record,
        Err(DocumentError::Store(error)) => return Err(error),
        Ok(None) | Err(_) => return Ok(Here::Damaged),
    };
    let history = store.digest(&path.with_file_name(Layout::HISTORY))?;
    Ok(match record.status {
        _ if history != Some(record.history) => Here::Damaged,
        Status::Complete => Here::Complete,
        Status::Failed { .. } => Here::Failed,
    })
}

fn between_machines(unit: &Unit, store: &Store) -> String {
    let path = store.layout().data().join(&unit.document).with_file_name(Layout::PROVENANCE);
    let unknown = || "a machine that was not recorded".to_owned();
    let here = store.read_document::<Provenance>(&path).ok().flatten().map_or_else(unknown, |p| machine(&p));
    let there = unit.machine.clone().unwrap_or_else(unknown);
    format!("{} was trained here on {here}, and there on {there}, with different results", unit.name)
}

enum Drawn {
    /// By the same specification.
    Alike,
    /// By another one, such as another profile's.
    Otherwise,
    Damaged,
}

fn drawn_here(unit: &Unit, store: &Store) -> Result<Drawn, ExchangeError> {
    let path = store.layout().data().join(&unit.document);
    match store.read_any_document(&path) {
        Ok(Some(here)) if Some(&here.body["spec"]) == unit.spec.as_ref() => Ok(Drawn::Alike),
        Ok(Some(_)) => Ok(Drawn::Otherwise),
        Err(DocumentError::Store(error)) => Err(error.into()),
        Ok(None) | Err(_) => Ok(Drawn::Damaged),
    }
}

/// What the probe here was made from; `None` where it is damaged.
fn made_from_here(unit: &Unit, store: &Store) -> Result<Option<Digest>, StoreError> {
    let path = store.layout().data().join(&unit.document);
    let flatness = store.read_document::<Flatness>(&path).map(|probe| probe.map(|probe| probe.made_from));
    let calibration = || store.read_document::<Calibration>(&path).map(|probe| probe.map(|probe| probe.made_from));
    let replay = || store.read_document::<Replay>(&path).map(|probe| probe.map(|probe| probe.made_from));
    match flatness.or_else(|_| calibration()).or_else(|_| replay()) {
        Err(DocumentError::Store(error)) => Err(error),
        found => Ok(found.ok().flatten()),
    }
}
