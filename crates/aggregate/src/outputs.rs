//! Writes the tables, and last the manifest that holds their digests.

use std::collections::BTreeMap;

use flooding_core::digest::Digest;
use flooding_core::store::{Document, Store};
use flooding_core::work::Gap;
use flooding_tables::{Rows, Table};

use crate::error::AggregateError;
use crate::manifest::{self, Manifest};

/// The files written so far.
pub(crate) struct Outputs<'a> {
    store: &'a Store,
    digests: BTreeMap<String, Digest>,
}

impl<'a> Outputs<'a> {
    /// Removes the old manifest: were this process killed half way, it would describe files that are gone.
    pub fn begin(store: &'a Store) -> Result<Self, AggregateError> {
        store.remove(&manifest::path(store))?;
        Ok(Self { store, digests: BTreeMap::new() })
    }

    pub fn document<T: Document>(&mut self, name: &str, value: &T) -> Result<(), AggregateError> {
        let file = format!("{name}.json");
        let digest = self.store.write_document(&self.store.layout().tables().join(&file), value)?;
        self.digests.insert(file, digest);
        Ok(())
    }

    pub fn table<T: Table>(&mut self, rows: Vec<T>) -> Result<(), AggregateError> {
        self.digests.extend(flooding_tables::write(self.store, &self.store.layout().tables(), &Rows(rows))?);
        Ok(())
    }

    pub fn finish(self, inputs: BTreeMap<String, Digest>, gaps: &[Gap]) -> Result<(), AggregateError> {
        let manifest = Manifest { inputs, outputs: self.digests, gaps: gaps.to_vec() };
        self.store.write_document(&manifest::path(self.store), &manifest)?;
        Ok(())
    }
}
