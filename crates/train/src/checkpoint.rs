//! Checkpoints: everything that the next step depends on, in one file that is replaced as a whole, or in memory, where a
//! path of training leaves another.
//!
//! The file is safetensors: `network.NAME` (all members' weights), `first.NAME` and `second.NAME` (the optimiser's
//! state), `best.K.NAME` (member K at its best epoch) and `below.K.L.NAME` (member K, for its level L, at the first
//! mini-batch below it), all F32; the rest is JSON in its metadata, after a SHA-256 over everything. A damaged
//! checkpoint, or another run's, is named and not used.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flooding_core::digest::{Digest, Hasher};
use flooding_core::group::Group;
use flooding_core::level::Level;
use flooding_core::progress::Progress;
use flooding_core::spec::RunSpec;
use flooding_core::store::Store;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use crate::outcome::Cause;

/// Raised when the shape of a checkpoint changes; others are not used.
const VERSION: u32 = 4;
/// The only key of the metadata, which the safetensors package writes in no particular order: with two, the same
/// checkpoint would have different bytes every time.
const METADATA: &str = "checkpoint";
/// The name of a checkpoint inside a run's folder.
pub const NAME: &str = "checkpoint.safetensors";

/// A training between two steps, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// All that is not a tensor.
    pub state: State,
    /// Elements by the names above.
    pub tensors: BTreeMap<String, Vec<f32>>,
}

/// What a checkpoint holds besides tensors. Floats are kept as their bits: a loss may be infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// Whole epochs done.
    pub epochs: u32,
    /// Batches of the next one done.
    pub batches: u32,
    /// Steps done.
    pub steps: u64,
    /// One a member of the network.
    pub members: Vec<MemberState>,
}

/// Where one member is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberState {
    /// The runs that have followed this path so far.
    pub runs: Vec<PathState>,
    /// One an epoch.
    pub rows: Vec<RowState>,
    /// Index of the best row.
    pub best: Option<usize>,
    /// Bits of the sum of this epoch's mini-batch losses, each times its examples.
    pub batch_loss: u64,
    /// Bits of the last finite loss.
    pub last_finite_loss: Option<u32>,
    /// Cause, step, and bits of the last finite loss of a member that failed.
    pub failure: Option<(Cause, u64, Option<u32>)>,
}

/// What one of the runs on a path keeps for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathState {
    /// The run's key.
    pub run: String,
    /// Are there weights of the first mini-batch below the level?
    pub below: bool,
    /// The first step at which the loss was at or below the level.
    pub first_crossing: Option<u64>,
}

/// Bits of a row's numbers, in the order of the history's columns, and whether its test measure is of the whole set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowState {
    /// Batch loss; training, validation and test measure; gradient norms. `None` where not measured.
    pub bits: [Option<u64>; 14],
    /// Was the test measured over the whole set?
    pub test_is_whole: bool,
}

impl State {
    /// A state of this version.
    pub fn new((epochs, batches): (u32, u32), steps: u64, members: Vec<MemberState>) -> Self {
        Self { version: VERSION, epochs, batches, steps, members }
    }

    /// The keys of all runs.
    pub fn runs(&self) -> impl Iterator<Item = &str> {
        self.members.iter().flat_map(|member| &member.runs).map(|path| &*path.run)
    }
}

impl Checkpoint {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let state = serde_json::to_string(&self.state).expect("plain data");
        let bytes: BTreeMap<&str, Vec<u8>> = (self.tensors.iter())
            .map(|(name, values)| (name.as_str(), values.iter().flat_map(|v| v.to_le_bytes()).collect()))
            .collect();
        let digest = digest(&state, bytes.iter().map(|(name, data)| (*name, data.as_slice())));
        let view = |data| TensorView::new(Dtype::F32, vec![<[u8]>::len(data) / 4], data).expect("whole numbers");
        let views: BTreeMap<&str, TensorView> = bytes.iter().map(|(name, data)| (*name, view(data))).collect();
        let metadata = HashMap::from([(METADATA.to_owned(), format!("{digest} {state}"))]);
        safetensors::serialize(views, Some(metadata)).expect("in-memory tensors are serialisable")
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; for anything else the error is a sentence.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let of = |key: &str| header.metadata().as_ref().and_then(|metadata| metadata.get(key));
        let Some((expected, state)) = of(METADATA).and_then(|value| value.split_once(' ')) else {
            return Err(if of("state").is_some() { foreign(1) } else { format!("its metadata has no `{METADATA}`") });
        };
        let views: BTreeMap<String, TensorView> = file.tensors().into_iter().collect();
        let found = digest(state, views.iter().map(|(name, view)| (name.as_str(), view.data())));
        if found.as_str() != expected {
            return Err(format!("damaged: its SHA-256 is {found}, its header says {expected}"));
        }
        // First the version alone: the state of another one has other fields.
        let Versioned { version } = serde_json::from_str(state).map_err(|error| error.to_string())?;
        if version != VERSION {
            return Err(foreign(version));
        }
        let state: State = serde_json::from_str(state).map_err(|error| error.to_string())?;
        let mut tensors = BTreeMap::new();
        for (name, view) in views {
            if view.dtype() != Dtype::F32 {
                return Err(format!("tensor `{name}` is not F32"));
            }
            let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            tensors.insert(name, values.collect());
        }
        Ok(Self { state, tensors })
    }
}

/// What states of all versions have.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

fn foreign(version: u32) -> String {
    format!("is of version {version}, this version reads {VERSION}")
}

fn digest<'a>(state: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> Digest {
    let mut hasher = Hasher::new().chain(state.as_bytes());
    for (name, data) in tensors {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(&(data.len() as u64).to_le_bytes());
        hasher.update(data);
    }
    hasher.finish()
}

/// More bytes than any checkpoint has of a network with so many elements in so many tensors, so many runs and epochs: what
/// is larger is not read into memory to find that out.
pub fn largest((elements, tensors): (usize, usize), runs: usize, epochs: u32) -> u64 {
    // Weights, two moments and the best epoch of each member, one member a run at most, and a run's weights of the first
    // mini-batch below its level; a row's numbers as text; a tensor's name and place.
    let bytes = runs * (5 * 4 * elements + 1000 * (epochs as usize + tensors));
    bytes as u64 + (1 << 20)
}

/// Where the checkpoints of a group lie, and how often they are due. A path's checkpoint lies in the folder of its lowest
/// level's run.
pub struct Checkpoints {
    store: Store,
    group: Group,
    every: Duration,
    /// `--force`: an old checkpoint is not resumed.
    from_scratch: bool,
    progress: Arc<dyn Progress>,
}

impl Checkpoints {
    /// Checkpoints of this group's paths.
    pub fn new(store: &Store, group: &Group, every: Duration, force: bool, progress: Arc<dyn Progress>) -> Self {
        Self { store: store.clone(), group: group.clone(), every, from_scratch: force, progress }
    }

    /// Is a path that was last on disk so long ago to be written?
    pub fn are_due(&self, age: Duration) -> bool {
        age >= self.every
    }

    fn path(&self, lowest: Level) -> PathBuf {
        self.store.layout().run(&self.group.run(lowest)).join(NAME)
    }

    /// Replaces the checkpoint of the path with this lowest level. One that cannot be written is a warning, and `false`:
    /// the training itself is well.
    pub fn save(&self, lowest: Level, checkpoint: &Checkpoint) -> bool {
        let written = self.store.write(&self.path(lowest), &checkpoint.to_bytes());
        if let Err(error) = &written {
            self.progress.warn(&format!("no checkpoint: {error}"));
        }
        written.is_ok()
    }

    /// The checkpoint in the folder of this level's run, if it is one of that run; it has no more than `largest` bytes.
    pub fn load(&self, lowest: Level, largest: u64) -> Option<Checkpoint> {
        let path = self.path(lowest);
        let reject = |why: &str| {
            self.reject(lowest, why);
            None
        };
        match path.metadata() {
            Ok(found) if found.len() > largest => {
                return reject(&format!("its {} bytes are more than any checkpoint of this run has", found.len()));
            }
            _ => {}
        }
        match self.store.read(&path) {
            Ok(None) => None,
            Ok(Some(bytes)) => match Checkpoint::from_bytes(&bytes) {
                Ok(found) => {
                    let key = self.group.run(lowest).key();
                    if found.state.runs().any(|run| run == key.as_str()) {
                        Some(found)
                    } else {
                        reject("it is of other runs")
                    }
                }
                Err(why) => reject(&why),
            },
            Err(error) => reject(&error.to_string()),
        }
    }

    /// Which of the group's runs a checkpoint holds, those on one path together and with the epochs that it has done, and
    /// which none does. Where several checkpoints hold a run, the most advanced counts.
    pub fn resumable(&self, largest: u64) -> (Vec<(Vec<Level>, u32)>, Vec<Level>) {
        let mut left = self.group.levels().to_vec();
        if self.from_scratch {
            return (Vec::new(), left);
        }
        let has_file = |level: &&Level| self.path(**level).symlink_metadata().is_ok();
        let mut found: Vec<(Level, State)> = Vec::new();
        for &level in self.group.levels().iter().filter(has_file) {
            found.extend(self.load(level, largest).map(|checkpoint| (level, checkpoint.state)));
        }
        found.sort_by_key(|(_, state)| std::cmp::Reverse(state.steps));
        let mut held = Vec::new();
        for (lowest, state) in found {
            if left.contains(&lowest) {
                let holds = |level: &Level| {
                    let key = self.group.run(*level).key();
                    state.runs().any(|run| run == key.as_str())
                };
                let (here, others): (Vec<Level>, Vec<Level>) = left.into_iter().partition(holds);
                left = others;
                held.push((here, state.epochs));
            }
        }
        (held, left)
    }

    /// Says that a checkpoint is not used, and why.
    pub fn reject(&self, lowest: Level, why: &str) {
        let path = self.path(lowest);
        self.progress.warn(&format!("{} is not used: {why}; the training starts from its beginning", path.display()));
    }
}

/// Removes the checkpoint in this run's folder, if there is one, after the runs on its path have their records. One that
/// cannot be removed is a warning: no run with a record looks at it.
pub fn remove(store: &Store, lowest: &RunSpec, progress: &dyn Progress) {
    let path = store.layout().run(lowest).join(NAME);
    if path.symlink_metadata().is_ok()
        && let Err(error) = store.remove(&path)
    {
        progress.warn(&format!("a checkpoint that is no longer needed stays: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let row = RowState { bits: [Some(f64::INFINITY.to_bits()); 14], test_is_whole: true };
        let member = MemberState {
            runs: vec![PathState { run: "a".to_owned(), below: false, first_crossing: Some(3) }],
            rows: vec![row.clone(), RowState { bits: [None; 14], ..row }],
            best: Some(1),
            batch_loss: 0.3_f64.to_bits(),
            last_finite_loss: Some(0.1_f32.to_bits()),
            failure: Some((Cause::Diverged("the training loss is NaN".to_owned()), 7, None)),
        };
        let state = State::new((2, 1), 8, vec![member]);
        let tensors =
            BTreeMap::from([("network.0.weight".to_owned(), vec![1.0, -0.0, f32::NAN]), ("x".to_owned(), vec![])]);
        Checkpoint { state, tensors }
    }

    #[test]
    fn the_same_checkpoint_is_the_same_bytes_every_time() {
        let first = checkpoint().to_bytes();
        assert!((0..20).all(|_| checkpoint().to_bytes() == first));
    }

    #[test]
    fn a_checkpoint_reads_back_bit_for_bit() {
        let (written, bytes) = (checkpoint(), checkpoint().to_bytes());
        let read = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(read.state, written.state);
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        for (name, values) in &written.tensors {
            assert_eq!(bits(values), bits(&read.tensors[name]), "{name}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_of_a_checkpoint_is_detected() {
        let bytes = checkpoint().to_bytes();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            // A header of which only its spacing changed still says the same.
            assert!(
                Checkpoint::from_bytes(&flipped).map_or(true, |read| read.state == checkpoint().state),
                "byte {at}"
            );
            assert!(Checkpoint::from_bytes(&bytes[..at]).is_err(), "{at} bytes");
        }
    }
}
