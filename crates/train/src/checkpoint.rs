//! Checkpoints of long trainings: everything that the next epoch depends on, in one file that is replaced as a whole.
//!
//! The file is safetensors: `network.NAME` (all members' weights), `first.NAME` and `second.NAME` (the optimiser's
//! state), `best.K.NAME` and `below.K.NAME` (what member K keeps for later), all F32; the rest is JSON in its metadata,
//! after a SHA-256 over everything. A damaged checkpoint, or another run's, is told and not used.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flooding_core::digest::{Digest, Hasher};
use flooding_core::progress::Progress;
use flooding_core::spec::RunSpec;
use flooding_core::store::Store;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

/// Raised when the shape of a checkpoint changes; others are not used.
const VERSION: u32 = 3;
/// The only key of the metadata, which the safetensors package writes in no particular order: with two, the same
/// checkpoint would be other bytes every time.
const METADATA: &str = "checkpoint";
const NAME: &str = "checkpoint.safetensors";

/// A training after a whole epoch, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// All that is not a tensor.
    pub state: State,
    /// Numbers by the names above.
    pub tensors: BTreeMap<String, Vec<f32>>,
}

/// What a checkpoint holds besides tensors. Floats are kept as their bits: a loss may be infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    /// The keys of the runs that are trained together.
    runs: Vec<String>,
    /// Epochs done.
    pub epochs: u32,
    /// Steps done.
    pub steps: u64,
    /// One a run.
    pub members: Vec<MemberState>,
}

/// Where one member is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberState {
    /// One an epoch.
    pub rows: Vec<RowState>,
    /// Index of the best row.
    pub best: Option<usize>,
    /// Are there weights of the first mini-batch below the level?
    pub below: bool,
    /// The first step at which the loss was at or below the level.
    pub first_crossing: Option<u64>,
    /// Bits of the last finite loss.
    pub last_finite_loss: Option<u32>,
    /// Cause, step, and bits of the last finite loss of a member that failed.
    pub failure: Option<(String, u64, Option<u32>)>,
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
    /// The state of these runs after so many epochs and steps.
    pub fn new(runs: &[RunSpec], epochs: u32, steps: u64, members: Vec<MemberState>) -> Self {
        Self { version: VERSION, runs: keys(runs), epochs, steps, members }
    }
}

fn keys(runs: &[RunSpec]) -> Vec<String> {
    runs.iter().map(|run| run.key().to_string()).collect()
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

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; what is wrong with anything else is told in a sentence.
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
        let state: State = serde_json::from_str(state).map_err(|error| error.to_string())?;
        if state.version != VERSION {
            return Err(foreign(state.version));
        }
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

/// Where the checkpoint of runs that are trained together lies, and when the next one is due.
pub struct Checkpoints {
    store: Store,
    path: PathBuf,
    every: Duration,
    /// `--force`: an old checkpoint is not gone on with.
    from_scratch: bool,
    last: Mutex<Instant>,
    progress: Arc<dyn Progress>,
}

impl Checkpoints {
    /// Checkpoints of `runs`, the first of them one interval from now: runs shorter than that leave none.
    pub fn new(store: &Store, runs: &[RunSpec], every: Duration, force: bool, progress: Arc<dyn Progress>) -> Self {
        let (store, path, last) = (store.clone(), path(store, &runs[0]), Mutex::new(Instant::now()));
        Self { store, path, every, from_scratch: force, last, progress }
    }

    /// Is it time for the next one?
    pub fn is_due(&self) -> bool {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= self.every
    }

    /// Replaces the last checkpoint. A checkpoint that cannot be written is a warning: the training itself is well.
    pub fn save(&self, checkpoint: &Checkpoint) {
        if let Err(error) = self.store.write(&self.path, &checkpoint.to_bytes()) {
            self.progress.warn(&format!("no checkpoint: {error}"));
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The checkpoint that these runs can go on from, if there is one; it has no more than `largest` bytes.
    pub fn load(&self, runs: &[RunSpec], largest: u64) -> Option<Checkpoint> {
        if self.from_scratch {
            return None;
        }
        let warn = |why: String| {
            let path = self.path.display();
            self.progress.warn(&format!("{path} is not used: {why}; the training starts from its beginning"));
            None
        };
        match self.path.metadata() {
            Ok(found) if found.len() > largest => {
                return warn(format!("its {} bytes are more than any checkpoint of this run has", found.len()));
            }
            _ => {}
        }
        match self.store.read(&self.path) {
            Ok(None) => None,
            Ok(Some(bytes)) => match Checkpoint::from_bytes(&bytes) {
                Ok(found) if found.state.runs == keys(runs) => Some(found),
                Ok(_) => warn("it is of other runs".to_owned()),
                Err(why) => warn(why),
            },
            Err(error) => warn(error.to_string()),
        }
    }

    /// Says that a checkpoint does not fit the network after all.
    pub fn reject(&self, why: &str) {
        self.progress.warn(&format!("{} is not used: {why}", self.path.display()));
    }
}

fn path(store: &Store, first: &RunSpec) -> PathBuf {
    store.layout().run(first).join(NAME)
}

/// Removes the checkpoint of runs that have their records, if there is one. One that cannot be removed is a warning: no
/// run with a record looks at it.
pub fn remove(store: &Store, first: &RunSpec, progress: &dyn Progress) {
    let path = path(store, first);
    if path.symlink_metadata().is_ok()
        && let Err(error) = store.remove(&path)
    {
        progress.warn(&format!("a checkpoint that nobody needs any more stays: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let row = RowState { bits: [Some(f64::INFINITY.to_bits()); 14], test_is_whole: true };
        let member = MemberState {
            rows: vec![row.clone(), RowState { bits: [None; 14], ..row }],
            best: Some(1),
            below: false,
            first_crossing: Some(3),
            last_finite_loss: Some(0.1_f32.to_bits()),
            failure: Some(("the training loss is NaN".to_owned(), 7, None)),
        };
        let state = State { version: VERSION, runs: vec!["a".to_owned()], epochs: 2, steps: 8, members: vec![member] };
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
    fn every_flipped_bit_and_every_truncation_of_a_checkpoint_is_found_out() {
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
