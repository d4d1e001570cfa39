//! Every change that the store makes on disk, numbered, for those who want to watch: the crash tests end the process
//! at each of them in turn.
//!
//! Without an observer (every ordinary process) this costs one load of a pointer an operation.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

type Observer = dyn Fn(&Operation<'_>) + Send + Sync;

static OBSERVER: OnceLock<Box<Observer>> = OnceLock::new();
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A moment of one change on disk.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// Counted from 1 in the order in which operations begin. With one job the order is always the same.
    pub number: u64,
    /// What is done.
    pub kind: OperationKind,
    /// How far it is.
    pub phase: Phase,
    /// The final name of the file concerned.
    pub path: &'a Path,
    /// The file that is written before it gets its final name; `None` where there is none (yet).
    pub temporary: Option<&'a Path>,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// A whole file is written: [`Phase::Before`], `Begun`, `Written`, `After`.
    Write,
    /// A piece is added to a partial file: `Before`, `Written`, `After`.
    Append,
    /// A partial file that is whole gets its final name: `Before`, `After`.
    Publish,
    /// A file is removed: `Before`, `After`.
    Remove,
    /// The holder's name is written into a lock file: `Before`, `After`.
    Lock,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing has been done.
    Before,
    /// The temporary file is there, and empty.
    Begun,
    /// All bytes were handed to the operating system; nothing is synced or renamed.
    Written,
    /// All is done and durable.
    After,
}

/// Has `observer` called at every phase of every operation of this process; `false` if there is an observer already.
pub fn observe(observer: impl Fn(&Operation<'_>) + Send + Sync + 'static) -> bool {
    OBSERVER.set(Box::new(observer)).is_ok()
}

/// An operation in progress; without an observer it has no number and does nothing.
#[derive(Debug)]
pub(super) struct Step {
    number: Option<u64>,
    kind: OperationKind,
}

impl Step {
    /// Begins an operation on `path`.
    pub(super) fn begin(kind: OperationKind, path: &Path) -> Self {
        let number = OBSERVER.get().map(|_| NEXT.fetch_add(1, Ordering::Relaxed));
        let step = Self { number, kind };
        step.tell(Phase::Before, path, None);
        step
    }

    /// Tells the observer how far it is.
    pub(super) fn tell(&self, phase: Phase, path: &Path, temporary: Option<&Path>) {
        if let (Some(observer), Some(number)) = (OBSERVER.get(), self.number) {
            observer(&Operation { number, kind: self.kind, phase, path, temporary });
        }
    }
}
