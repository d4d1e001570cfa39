//! What `pipeline data` does: each tool returns what it found, and prints nothing.

mod card;
mod check;
mod croissant;
pub mod export;
mod font;
mod list;
mod prune;
mod sheet;
mod verify;

pub use card::{Card, card};
pub use check::{Checked, check};
pub use list::{Listing, SetState, list};
pub use prune::{Pruned, prune};
pub use sheet::{Choice, Sheet, SheetError, sheet};
pub use verify::{OwnFiles, Verification, verify, verify_folder, verify_own};

/// How many images each class has.
pub(crate) fn histogram(labels: &[u16], classes: usize) -> Vec<u32> {
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[usize::from(label)] += 1;
    }
    counts
}
