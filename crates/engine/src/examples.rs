//! What a trained network makes of single examples, and what it remembers of them.

use crate::backend::{Backend, DeviceError, T3};
use crate::evaluate::{EvaluationSet, Logits};
use crate::losses::example_loss;
use crate::nets::Network;

/// Examples that pass through the network at a time.
const CHUNK: usize = 512;

/// Batches after which a running statistic with momentum 0.1 holds less than 0.6% of what it began with.
const BATCHES: usize = 50;

/// The loss of every example of a set, in its order, in evaluation mode; the network's first member.
pub fn example_losses<B: Backend>(
    backend: &B,
    network: &dyn Network<B>,
    set: &EvaluationSet<B>,
) -> Result<Vec<f64>, DeviceError<B>> {
    let labels = &set.examples().labels;
    let all: Vec<u32> = (0..labels.len() as u32).collect();
    let mut losses = Vec::with_capacity(all.len());
    for (indices, labels) in all.chunks(CHUNK).zip(labels.chunks(CHUNK)) {
        let inputs = backend.batch(set.set(), indices, None)?;
        let logits: T3<B::Dev> = network.evaluate(backend, inputs)?;
        let logits = Logits::of::<B, _>(&logits);
        losses.extend(logits.rows(0).zip(labels).map(|(logits, &label)| example_loss(logits, label)));
    }
    Ok(losses)
}

/// Estimates the running statistics of batch normalisation again for the weights as they are: passes over the set in
/// training mode, in batches of `batch` examples in its order, at least 50 of them. The weights stay.
///
/// A network caught in mid-epoch has statistics of weights that it no longer has. Without batch normalisation nothing
/// happens.
pub fn estimate_statistics<B: Backend>(
    backend: &B,
    network: &mut dyn Network<B>,
    set: &EvaluationSet<B>,
    batch: usize,
) -> Result<(), DeviceError<B>> {
    if network.same_in_both_modes() {
        return Ok(());
    }
    let all: Vec<u32> = (0..set.examples().len() as u32).collect();
    // A smaller last batch would weigh as much as a whole one.
    let whole: Vec<&[u32]> = all.chunks(batch).filter(|chunk| chunk.len() == batch.min(all.len())).collect();
    let passes = BATCHES.div_ceil(whole.len().max(1));
    for indices in whole.iter().cycle().take(passes * whole.len()) {
        let inputs = backend.batch(set.set(), indices, None)?;
        let tape = backend.record(&network.parameters())?;
        drop(network.train(backend, inputs, tape)?);
    }
    Ok(())
}
