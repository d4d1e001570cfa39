//! What a run costs beside others, before it starts: for the order of the work and for its division.

use flooding_core::spec::{DataSpec, ModelSpec, RunSpec};

/// A run's share of the work, roughly: epochs x training examples x operations of an example.
pub fn cost(spec: &RunSpec) -> f64 {
    let (examples, inputs) = match &spec.data {
        DataSpec::Synthetic(data) => (f64::from(data.train), data.distribution.dimension() as f64),
        DataSpec::Images(data) => (f64::from(data.train_size.unwrap_or(60_000)), 3072.0),
    };
    let operations = match &spec.model {
        ModelSpec::Mlp { hidden, .. } => {
            let mut fan_in = inputs;
            let mut sum = 0.0;
            for &units in hidden {
                sum += fan_in * f64::from(units);
                fan_in = f64::from(units);
            }
            sum
        }
        ModelSpec::CifarResnet { blocks, width } => f64::from(*blocks) * f64::from(width * width) * 55_000.0,
        ModelSpec::Resnet18 { width } => f64::from(width * width) * 9_000.0,
    };
    f64::from(spec.epochs) * examples * operations
}
