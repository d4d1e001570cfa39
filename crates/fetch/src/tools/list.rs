//! `pipeline data ls`.

use flooding_core::store::Store;
use serde::Serialize;

use crate::manifest::{Entry, Manifest};
use crate::state::{FileState, inspect};

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Its name.
    pub name: String,
    /// Its usual name.
    pub title: String,
    /// Training and test images, as published; unknown for a user's own until it is decoded.
    pub images: Option<[u32; 2]>,
    /// Number of classes; unknown for a user's own without names until it is decoded.
    pub classes: Option<usize>,
    /// Bytes of its published files.
    pub bytes: Option<u64>,
    /// What is here of it.
    #[serde(flatten)]
    pub state: SetState,
}

/// What is here of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum SetState {
    /// All of it.
    Whole,
    /// This number of of its files.
    Partial {
        /// Files that are whole.
        whole: usize,
        /// Files published.
        files: usize,
    },
    /// Nothing.
    Missing,
    /// Some file is not the published one.
    Damaged {
        /// What is wrong with the first one.
        why: String,
    },
    /// The user's own files, where they are.
    Own,
}

/// All datasets; quick, because files that were verified before and did not change are not read again.
pub fn list(store: &Store, manifest: &Manifest) -> Vec<Listing> {
    let entries = manifest.names().filter_map(|name| manifest.get(name));
    entries.map(|entry| listing(store, entry)).collect()
}

fn listing(store: &Store, entry: Entry<'_>) -> Listing {
    match entry {
        Entry::Published(dataset) => {
            let mut whole = 0;
            let mut damage = None;
            for file in inspect(store, dataset) {
                match file.state {
                    FileState::Whole { .. } => whole += 1,
                    FileState::Missing => {}
                    FileState::Damaged { why } => damage = damage.or(Some(why)),
                }
            }
            let files = dataset.files.len();
            let state = match damage {
                Some(why) => SetState::Damaged { why },
                None if whole == files => SetState::Whole,
                None if whole == 0 => SetState::Missing,
                None => SetState::Partial { whole, files },
            };
            Listing {
                name: dataset.name.clone(),
                title: dataset.title.clone(),
                images: Some([dataset.train, dataset.test]),
                classes: Some(dataset.classes.len()),
                bytes: Some(dataset.bytes()),
                state,
            }
        }
        Entry::User(files) => {
            let classes = files.class_count();
            let title = "your own".to_owned();
            Listing { name: files.name.clone(), title, images: None, classes, bytes: None, state: SetState::Own }
        }
    }
}
