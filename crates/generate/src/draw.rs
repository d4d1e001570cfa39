//! The three distributions, and the three sets of a trial.

use std::f64::consts::PI;

use flooding_core::dataset::{Examples, InputShape, Inputs, Splits};
use flooding_core::seeds::{Purpose, Stream, Streams};
use flooding_core::spec::{Distribution, SinusoidInputs, SyntheticSpec};
use rand::RngExt as _;
use rand_distr::StandardNormal;

use crate::noise::flipped;

/// The largest angle of the spiral's grid (paper, Section 4.1: both ends of [0, 4 pi] belong to it).
const LAST_ANGLE: f64 = 4.0 * PI;

/// Draws the training, validation and test set of one trial.
///
/// Class 0 is the paper's positive class: the Gaussian at the origin, the sinusoid's positive side, the arm
/// theta (cos theta, sin theta). Gaussians and spiral have equal halves (the paper gives the spiral's sizes per class
/// and is silent on the Gaussians), class 0 first and with the odd one; the sinusoid's labels follow its inputs.
/// Coordinates are rounded to single precision before they are labelled. Each split has its own stream for inputs
/// (`Purpose::Data`) and for flips (`Purpose::LabelNoise`), with index 0, 1, 2 in this order.
pub fn draw(spec: &SyntheticSpec, streams: &Streams) -> Splits {
    let set = |index: u64, size: u32| {
        let (inputs, clean) = inputs_and_labels(&spec.distribution, size, &mut streams.stream(Purpose::Data, index));
        let noisy = (spec.label_noise > 0.0)
            .then(|| flipped(&clean, spec.label_noise, spec.flip, &mut streams.stream(Purpose::LabelNoise, index)));
        let (labels, clean_labels) = match noisy {
            Some(noisy) => (noisy, Some(clean)),
            None => (clean, None),
        };
        let shape = InputShape::Vector(spec.distribution.dimension());
        Examples { shape, inputs: Inputs::Real(inputs), labels, clean_labels }
    };
    Splits { train: set(0, spec.train), validation: set(1, spec.validation), test: set(2, spec.test), classes: 2 }
}

fn inputs_and_labels(distribution: &Distribution, size: u32, stream: &mut Stream) -> (Vec<f32>, Vec<u16>) {
    match distribution {
        Distribution::Gaussians { dimension, mean } => gaussians(*dimension, *mean, size, stream),
        Distribution::Sinusoid { inputs, w, w_prime } => sinusoid(*inputs, *w, *w_prime, size, stream),
        Distribution::Spiral { tau } => spiral(*tau, size, stream),
    }
}

/// The sizes of class 0 and class 1.
const fn halves(size: u32) -> [u32; 2] {
    [size.div_ceil(2), size / 2]
}

fn normal(stream: &mut Stream) -> f64 {
    stream.sample(StandardNormal)
}

fn gaussians(dimension: u32, mean: f64, size: u32, stream: &mut Stream) -> (Vec<f32>, Vec<u16>) {
    let mut inputs = Vec::with_capacity(size as usize * dimension as usize);
    let mut labels = Vec::with_capacity(size as usize);
    for (class, count) in (0u16..).zip(halves(size)) {
        let centre = f64::from(class) * mean;
        inputs.extend((0..u64::from(count) * u64::from(dimension)).map(|_| (centre + normal(stream)) as f32));
        labels.extend((0..count).map(|_| class));
    }
    (inputs, labels)
}

fn sinusoid(
    kind: SinusoidInputs,
    w: [f64; 2],
    w_prime: [f64; 2],
    size: u32,
    stream: &mut Stream,
) -> (Vec<f32>, Vec<u16>) {
    let mut inputs = Vec::with_capacity(2 * size as usize);
    let mut labels = Vec::with_capacity(size as usize);
    for _ in 0..size {
        let x = match kind {
            SinusoidInputs::Normal => [normal(stream), normal(stream)],
            SinusoidInputs::Disk { radius } => in_disk(radius, stream),
        }
        .map(|coordinate| coordinate as f32);
        let dot = |v: [f64; 2]| f64::from(x[0]) * v[0] + f64::from(x[1]) * v[1];
        labels.push(u16::from(dot(w) + dot(w_prime).sin() <= 0.0));
        inputs.extend(x);
    }
    (inputs, labels)
}

/// Two coordinates of a uniform point on the sphere in four dimensions are uniform in the disk (Archimedes).
fn in_disk(radius: f64, stream: &mut Stream) -> [f64; 2] {
    let g: [f64; 4] = std::array::from_fn(|_| normal(stream));
    let norm = g.iter().map(|v| v * v).sum::<f64>().sqrt();
    [radius * g[0] / norm, radius * g[1] / norm]
}

fn spiral(tau: f64, size: u32, stream: &mut Stream) -> (Vec<f32>, Vec<u16>) {
    let mut inputs = Vec::with_capacity(2 * size as usize);
    let mut labels = Vec::with_capacity(size as usize);
    for (class, count) in (0u16..).zip(halves(size)) {
        for i in 0..count {
            let angle = LAST_ANGLE * f64::from(i) / f64::from((count - 1).max(1));
            let radius = angle + f64::from(class) * PI;
            for direction in [angle.cos(), angle.sin()] {
                inputs.push((radius * direction + tau * normal(stream)) as f32);
            }
            labels.push(class);
        }
    }
    (inputs, labels)
}
