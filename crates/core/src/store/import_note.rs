//! What an import leaves beside a run whose weights did not come with it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Document, Store};

/// `import.json` beside an imported record: the files that the record names and that stayed behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportNote {
    /// Their names.
    pub left_out: Vec<String>,
}

impl ImportNote {
    /// The note's name inside a run's folder.
    pub const NAME: &'static str = "import.json";
}

impl Document for ImportNote {
    const KIND: &'static str = "run-import";
    const VERSION: u32 = 1;
}

impl Store {
    /// Did an import leave this file of a run's folder out, so that it is not missed there?
    pub fn was_left_out(&self, folder: &Path, name: &str) -> bool {
        let note = self.read_document::<ImportNote>(&folder.join(ImportNote::NAME));
        note.ok().flatten().is_some_and(|note| note.left_out.iter().any(|left_out| left_out == name))
    }
}
