//! Where training gets its examples: generated files for synthetic settings, decoded originals for images.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use flooding_core::dataset::{Source, SourceError, Splits};
use flooding_core::progress::Progress;
use flooding_core::spec::{DataSpec, RunSpec};
use flooding_core::store::Store;
use flooding_fetch::{Images, Manifest};

/// Examples out of the store, each trial's sets made once and shared by its levels.
pub struct StoredExamples<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    progress: &'a dyn Progress,
    images: Mutex<HashMap<String, Arc<Images>>>,
    /// The splits of the groups in progress; older ones are dropped as soon as no run uses them.
    splits: Mutex<HashMap<(String, u32), std::sync::Weak<Splits>>>,
}

impl<'a> StoredExamples<'a> {
    /// Examples out of `store`, image datasets as `manifest` describes them; `progress` hears what a dataset leaves out.
    pub fn new(store: &'a Store, manifest: &'a Manifest, progress: &'a dyn Progress) -> Self {
        Self { store, manifest, progress, images: Mutex::default(), splits: Mutex::default() }
    }

    fn make(&self, spec: &RunSpec) -> Result<Splits, SourceError> {
        let dataset = spec.data.name().to_owned();
        match &spec.data {
            DataSpec::Synthetic(_) => match flooding_generate::load(spec, self.store) {
                Ok(Some(splits)) => Ok(splits),
                Ok(None) => Err(SourceError::Unavailable {
                    dataset,
                    why: "not generated yet: run `pipeline stage generate` first".to_owned(),
                }),
                Err(error) => Err(SourceError::Broken { dataset, source: Box::new(error) }),
            },
            DataSpec::Images(_) => {
                let images = self.images(&dataset)?;
                Ok(flooding_fetch::splits(spec, &images))
            }
        }
    }

    /// The decoded originals; kept, because every trial splits the same ones.
    fn images(&self, dataset: &str) -> Result<Arc<Images>, SourceError> {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(images) = images.get(dataset) {
            return Ok(Arc::clone(images));
        }
        let loaded = Arc::new(flooding_fetch::load(dataset, self.store, self.manifest)?);
        for left in &loaded.left_out {
            self.progress.warn(&format!("{dataset}: {left}"));
        }
        images.insert(dataset.to_owned(), Arc::clone(&loaded));
        Ok(loaded)
    }
}

impl Source for StoredExamples<'_> {
    fn splits(&self, spec: &RunSpec) -> Result<Arc<Splits>, SourceError> {
        let group = (spec.setting.clone(), spec.trial);
        let mut splits = self.splits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(splits) = splits.get(&group).and_then(std::sync::Weak::upgrade) {
            return Ok(splits);
        }
        let made = Arc::new(self.make(spec)?);
        splits.insert(group, Arc::downgrade(&made));
        Ok(made)
    }
}
