//! The CPU's own operations: each layer keeps what it computes until the way back has passed it, buffers go back to a
//! list of their thread instead of the allocator, and gradients of maps are written into the buffers of maps that are no
//! longer needed.

use super::{NUMBER, Training};
use crate::nets::Layer;

/// Channels and inputs to which the convolution's weight gradient is rounded up, and the most of it that is summed in
/// several parts.
const PADDED: usize = 16;
const PARTS: f64 = 8.0;
const LARGE: f64 = 65_536.0;

/// Peak bytes of training one run on the CPU, checkpoint included.
pub fn cpu(training: &Training) -> u64 {
    let parameters = training.trainable();
    let moments = training.moments;
    // Weights, gradients, moments, and the weights of the best epoch; for the probes those of one moment more.
    let held = parameters * (3.0 + moments + f64::from(u8::from(training.weights)));
    // A checkpoint copies weights, moments and best weights, turns them into bytes, and those into a file.
    let kept = 2.0 + moments + f64::from(u8::from(training.weights));
    let checkpoint = parameters * (3.0 * kept + 1.0);

    let batch = training.batch as f64;
    let mut maps = training.input as f64 * batch * 3.0 + forward(training, batch);
    let last = training.last_batch() as f64;
    if last < batch / 2.0 {
        // Its maps are too small for the large buffers.
        maps += forward(training, last);
    }
    let largest = largest_map(training);
    let chunk = training.chunk() as f64;
    let measuring = training.input as f64 * chunk * 3.0 + largest * chunk * 5.0;
    let gradients = largest * batch * 3.0 + training.layers.iter().map(weight_gradient).fold(0.0, f64::max);
    ((held + checkpoint + maps + measuring + gradients) * NUMBER) as u64
}

/// What one pass leaves for the way back.
fn forward(training: &Training, examples: f64) -> f64 {
    training.layers.iter().map(|layer| map(layer) * examples * copies(layer)).sum()
}

/// Numbers of an example's result.
fn map(layer: &Layer) -> f64 {
    match *layer {
        Layer::Linear { outputs, .. } => outputs as f64,
        Layer::Conv { outputs, to, .. } | Layer::Shortcut { outputs, to } => outputs as f64 * to as f64,
        Layer::Pool { channels, to, .. } => channels as f64 * to as f64,
        Layer::Average { channels, .. } => channels as f64,
    }
}

/// How often it is there: before and after a normalisation; with the winners of a max pooling.
fn copies(layer: &Layer) -> f64 {
    match layer {
        Layer::Linear { norm: true, .. } | Layer::Conv { .. } | Layer::Pool { .. } => 2.0,
        Layer::Linear { norm: false, .. } | Layer::Shortcut { .. } | Layer::Average { .. } => 1.0,
    }
}

fn largest_map(training: &Training) -> f64 {
    training.layers.iter().map(map).fold(training.input as f64, f64::max)
}

/// Scratch of a convolution's weight gradient.
fn weight_gradient(layer: &Layer) -> f64 {
    let Layer::Conv { inputs, outputs, window, .. } = *layer else { return 0.0 };
    let padded = (window.taps() * outputs.next_multiple_of(PADDED) * inputs.next_multiple_of(PADDED)) as f64;
    if padded <= LARGE { padded * PARTS } else { padded }
}
