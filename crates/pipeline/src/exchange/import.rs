//! Taking results that were made elsewhere into this store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use flooding_core::config::ConfigError;
use flooding_core::store::Store;
use serde::Serialize;

use super::inventory::{Inventory, InventoryError, Unit, UnitKind};
use super::judge::{Preference, Verdict, judge};
use super::known::KnownSettings;
use super::origin::Origin;
use super::write::Writer;
use super::{ExchangeError, Refusal};

/// What was imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Runs written.
    pub runs: usize,
    /// Drawn trials written.
    pub drawn: usize,
    /// Probes written.
    pub probes: usize,
    /// Checkpoints written.
    pub checkpoints: usize,
    /// Checkpoints left out, because no profile plans their runs.
    pub unplanned: usize,
    /// Units that were here already, or that have a better result here.
    pub kept: usize,
    /// Units of those written that replaced another result here.
    pub replaced: usize,
    /// Units left out because another result is here, which was preferred.
    pub contradicting: usize,
    /// Runs written without the weights that their records name.
    pub without_weights: usize,
    /// The machines that trained the runs written, and when and with which commit they finished one of them.
    pub machines: BTreeSet<String>,
}

/// Imports the results in these folders and tar files. Everything is checked before the first file is written: on an
/// error that [`ExchangeError::is_usage`], nothing has changed.
pub fn import(
    sources: &[PathBuf],
    store: &Store,
    known: &mut KnownSettings,
    preference: Option<Preference>,
) -> Result<Result<Imported, ExchangeError>, ConfigError> {
    match checked(sources, store, known, preference) {
        Ok((chosen, imported)) => Ok(write(&chosen, store).map(|()| imported)),
        Err(InventoryError::Exchange(error)) => Ok(Err(error)),
        Err(InventoryError::Config(error)) => Err(error),
    }
}

type Chosen = Vec<(Origin, Vec<Unit>)>;

fn checked(
    sources: &[PathBuf],
    store: &Store,
    known: &mut KnownSettings,
    preference: Option<Preference>,
) -> Result<(Chosen, Imported), InventoryError> {
    let mut imported = Imported::default();
    let mut chosen = Chosen::new();
    let mut refusals = Vec::new();
    let mut seen: BTreeMap<String, (flooding_core::digest::Digest, PathBuf)> = BTreeMap::new();
    for source in sources {
        let origin = Origin::at(source)?;
        let inventory = Inventory::of(&origin, known, store)?;
        refusals.extend(inventory.refusals);
        imported.unplanned += inventory.unplanned;
        let mut units = Vec::new();
        for unit in inventory.units {
            match seen.get(&unit.document) {
                Some((digest, _)) if *digest == unit.digest => imported.kept += 1,
                Some((_, other)) => {
                    let why = format!("{} is another one in {}", unit.name, other.display());
                    refusals.push(Refusal { path: unit.document, why });
                }
                None => {
                    seen.insert(unit.document.clone(), (unit.digest.clone(), source.clone()));
                    match judge(&unit, store, preference)? {
                        Err(refusal) => refusals.push(refusal),
                        Ok(Verdict::Keep) => imported.kept += 1,
                        Ok(Verdict::KeepOther) => imported.contradicting += 1,
                        Ok(verdict @ (Verdict::Write | Verdict::Replace)) => {
                            imported.replaced += usize::from(verdict == Verdict::Replace);
                            count(&mut imported, &unit);
                            units.push(unit);
                        }
                    }
                }
            }
        }
        chosen.push((origin, units));
    }
    if refusals.is_empty() { Ok((chosen, imported)) } else { Err(ExchangeError::Refused { refusals }.into()) }
}

fn count(imported: &mut Imported, unit: &Unit) {
    match unit.kind {
        UnitKind::Run { .. } => {
            imported.runs += 1;
            imported.without_weights += usize::from(!unit.left_out.is_empty());
            imported.machines.extend(unit.machine.as_deref().map(without_time));
        }
        UnitKind::Drawn => imported.drawn += 1,
        UnitKind::Probe { .. } => imported.probes += 1,
        UnitKind::Checkpoint(_) => imported.checkpoints += 1,
    }
}

/// A machine and commit, without the time at which a run finished.
fn without_time(machine: &str) -> String {
    machine.rsplit_once(", ").map_or(machine, |(machine, _)| machine).to_owned()
}

fn write(chosen: &Chosen, store: &Store) -> Result<(), ExchangeError> {
    chosen.iter().try_for_each(|(origin, units)| Writer::new(store, units).write(origin))
}
