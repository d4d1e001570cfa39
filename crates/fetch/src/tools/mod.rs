//! What `pipeline data` does: each tool returns what it found, and prints nothing.

mod add;
mod card;
mod croissant;
pub mod export;
mod font;
mod list;
mod prune;
mod sheet;
mod verify;

pub use add::{Checked, check};
pub use card::{Card, card};
pub use list::{Listing, SetState, list};
pub use prune::{Pruned, prune};
pub use sheet::{Choice, SheetError, sheet};
pub use verify::{Verification, verify, verify_folder};

/// How many images each class has.
pub(crate) fn histogram(labels: &[u16], classes: usize) -> Vec<u32> {
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[usize::from(label)] += 1;
    }
    counts
}
