//! dfdx's public operations on any device: every operation on the tape keeps its operands, and every intermediate result
//! keeps a gradient until the way back is over. The gathered columns of the convolutions dominate.

use super::{NUMBER, Training};
use crate::nets::Layer;

/// Numbers that one layer takes, a member.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    /// On the tape until the way back has passed.
    kept: f64,
    /// Gradients, from then on.
    gradients: f64,
    /// Only while the layer is computed.
    passing: f64,
    /// Altogether, when nothing is kept.
    measured: f64,
    /// The largest single tensor.
    largest: f64,
}

/// Peak bytes on the device of training `members` together, the dataset included.
pub fn device(training: &Training, members: usize) -> u64 {
    let parameters = training.trainable();
    // Weights, moments, the weights of the best epoch, and for the probes those of one moment more.
    let held = parameters * (2.0 + training.moments + f64::from(u8::from(training.weights)));
    // A linear layer's weights are transposed, and have a gradient that way, too.
    let is_linear = |layer: &&Layer| matches!(layer, Layer::Linear { .. });
    let transposed: f64 = training.layers.iter().filter(is_linear).map(|layer| layer.trainable()).sum();
    let gradients = parameters + transposed;
    let largest_layer = training.layers.iter().map(|layer| layer.trainable()).fold(0.0, f64::max);

    let batch = training.batch as f64;
    let inputs = training.input as f64;
    let uses: Vec<Use> = training.layers.iter().map(|layer| of_layer(layer, batch)).collect();
    let passing = uses.iter().map(|layer| layer.passing).fold(0.0, f64::max);
    // On the way back a layer's gradients come before what it kept goes.
    let mut now = 2.0 * inputs * batch + uses.iter().map(|layer| layer.kept).sum::<f64>();
    let mut step = now + passing;
    for layer in uses.iter().rev() {
        now += layer.gradients;
        step = step.max(now);
        now -= layer.kept;
    }

    let chunk = training.chunk() as f64;
    let measuring = training.layers.iter().map(|layer| of_layer(layer, chunk).measured).fold(0.0, f64::max);
    let most = (gradients + step.max(largest_layer)).max(inputs * chunk * 2.0 + measuring);

    let members = members as f64;
    let images = training.examples.all().iter().sum::<usize>() as f64;
    // The sets, and batches on their way, which are shared by all members; a batch may be moved and mirrored.
    let shared = inputs * (images + 6.0 * batch + 2.0 * chunk) + indices(training, members);
    ((members * (held + most) + shared) * NUMBER) as u64
}

/// Numbers of the largest tensor of a group of K members.
pub fn largest_tensor(training: &Training, members: usize) -> u64 {
    let examples = training.batch.max(training.chunk()) as f64;
    let of_layer = |layer: &Layer| of_layer(layer, examples).largest.max(layer.trainable());
    (training.layers.iter().map(of_layer).fold(0.0, f64::max) * members as f64) as u64
}

fn of_layer(layer: &Layer, examples: f64) -> Use {
    match *layer {
        Layer::Linear { inputs, outputs, norm } => {
            let (inputs, outputs) = (inputs as f64 * examples, outputs as f64 * examples);
            let times = if norm { 8.0 } else { 3.0 };
            Use {
                kept: times * outputs,
                gradients: inputs + times * outputs,
                passing: 3.0 * outputs,
                measured: inputs + 3.0 * outputs,
                largest: inputs.max(outputs),
            }
        }
        Layer::Conv { inputs, outputs, window, from, to, .. } => {
            let out = outputs as f64 * to as f64 * examples;
            let columns = inputs as f64 * window.taps() as f64 * to as f64 * examples;
            let map = inputs as f64 * from as f64 * examples;
            Use {
                kept: columns + 3.0 * out,
                gradients: columns + 9.0 * out,
                passing: map + 3.0 * out,
                // The input is there twice where a shortcut needs it later.
                measured: 2.0 * map + columns + 2.0 * out,
                largest: columns.max(out).max(map),
            }
        }
        Layer::Pool { channels, window, from, to } => {
            let out = channels as f64 * to as f64 * examples;
            let (taps, map) = (out * window.taps() as f64, channels as f64 * from as f64 * examples);
            Use {
                kept: 3.0 * taps,
                gradients: 4.0 * taps + 2.0 * out,
                passing: 6.0 * taps,
                measured: map + 9.0 * taps,
                largest: taps.max(map),
            }
        }
        Layer::Shortcut { outputs, to } => {
            let out = outputs as f64 * to as f64 * examples;
            Use { kept: out, gradients: out, passing: 0.0, measured: 3.0 * out, largest: out }
        }
        Layer::Average { channels, from } => {
            let map = channels as f64 * from as f64 * examples;
            Use { kept: map, gradients: map, passing: map, measured: 2.0 * map, largest: map }
        }
    }
}

/// Tables of what gathers read, and masks: two numbers' worth an entry, for every size of batch that is met.
fn indices(training: &Training, members: f64) -> f64 {
    let mut sizes = vec![training.batch, training.last_batch()];
    sizes.extend(
        training.examples.all().into_iter().flat_map(|set| [set.min(training.chunk()), set % training.chunk().max(1)]),
    );
    sizes.sort_unstable();
    sizes.dedup();
    let images: f64 = sizes.iter().map(|&size| size as f64).sum();
    let mut tables: Vec<(usize, usize, usize)> = Vec::new();
    let mut numbers = 0.0;
    for layer in &training.layers {
        match *layer {
            Layer::Conv { window, from, to, .. } | Layer::Pool { window, from, to, .. } => {
                if !tables.contains(&(window.kernel, from, to)) {
                    tables.push((window.kernel, from, to));
                    numbers += to as f64 * (2.0 * window.taps() as f64 + members);
                }
            }
            Layer::Shortcut { outputs, to } => numbers += 2.0 * outputs as f64 * to as f64,
            Layer::Average { from, .. } => numbers += 2.0 * from as f64,
            Layer::Linear { .. } => {}
        }
    }
    if numbers > 0.0 {
        numbers += 2.0 * members * training.input as f64;
    }
    numbers * images
}
