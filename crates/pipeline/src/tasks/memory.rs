//! What a task takes of memory, from its specification and the sizes of its data alone.

use flooding_core::context::Devices;
use flooding_core::dataset::InputShape;
use flooding_core::spec::{DataSpec, RunSpec};
use flooding_engine::cost::Sizes;
use flooding_engine::memory::{Training, cpu, device};
use flooding_fetch::Manifest;
use flooding_fetch::manifest::Entry;

/// Bytes at the peak of one run on the CPU, or of all these runs together on a CUDA device; `None` for a user's own
/// images, whose shape is known only when they are read.
pub fn of_task(runs: &[RunSpec], manifest: &Manifest, devices: &Devices) -> Option<u64> {
    let spec = runs.first()?;
    let (shape, examples) = sizes(spec, manifest)?;
    let training = Training::of(spec, shape, examples);
    Some(if devices.are_cpu() { cpu(&training) } else { device(&training, runs.len()) })
}

/// Shape of an input and number of classes, and how many examples there are.
fn sizes(spec: &RunSpec, manifest: &Manifest) -> Option<((InputShape, usize), Sizes)> {
    match &spec.data {
        DataSpec::Synthetic(data) => {
            let shape = InputShape::Vector(data.distribution.dimension());
            let [train, validation, test] = [data.train, data.validation, data.test].map(|count| count as usize);
            Some(((shape, 2), Sizes { train, validation, test }))
        }
        DataSpec::Images(data) => {
            let Some(Entry::Published(dataset)) = manifest.get(&data.dataset) else { return None };
            let [channels, height, width] = dataset.image.map(|side| side as usize);
            let shape = InputShape::Image { channels, height, width };
            let used = f64::from(data.train_size.map_or(dataset.train, |size| size.min(dataset.train)));
            let validation = (used * data.validation_fraction).round() as usize;
            let test = data.test_size.map_or(dataset.test, |size| size.min(dataset.test)) as usize;
            Some(((shape, dataset.classes.len()), Sizes { train: used as usize - validation, validation, test }))
        }
    }
}
