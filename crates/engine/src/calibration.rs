//! Confidence against accuracy: overconfidence is what the paper's introduction sets out from.

use flooding_tables::probes::{CONFIDENCE_BINS, ConfidenceBin};

use crate::backend::{Backend, DeviceError, T3};
use crate::evaluate::{EvaluationSet, Logits};
use crate::nets::Network;

/// Examples that pass through the network at a time.
const CHUNK: usize = 512;

/// The confidences of one member on a set, in [`CONFIDENCE_BINS`] equal bins.
pub fn confidence_bins<B: Backend>(
    backend: &B,
    network: &dyn Network<B>,
    set: &EvaluationSet<B>,
) -> Result<Vec<ConfidenceBin>, DeviceError<B>> {
    let mut bins = vec![ConfidenceBin::default(); CONFIDENCE_BINS];
    let labels = &set.examples().labels;
    let all: Vec<u32> = (0..labels.len() as u32).collect();
    for (indices, labels) in all.chunks(CHUNK).zip(labels.chunks(CHUNK)) {
        let inputs = backend.batch(set.set(), indices, None)?;
        let logits: T3<B::Dev> = network.evaluate(backend, inputs)?;
        for (logits, &label) in Logits::of::<B, _>(&logits).rows(0).zip(labels) {
            add(&mut bins, logits, label);
        }
    }
    Ok(bins)
}

/// Counts one example: its confidence is the softmax probability of the class with the greatest logit, the first of
/// equals.
fn add(bins: &mut [ConfidenceBin], logits: &[f32], label: u16) {
    let mut guess = 0;
    for (class, z) in logits.iter().enumerate() {
        if *z > logits[guess] {
            guess = class;
        }
    }
    let top = f64::from(logits[guess]);
    let confidence = 1.0 / logits.iter().map(|&z| (f64::from(z) - top).exp()).sum::<f64>();
    let place = (confidence * bins.len() as f64).ceil() as usize;
    let bin = &mut bins[place.clamp(1, CONFIDENCE_BINS) - 1];
    bin.examples += 1;
    bin.hits += u64::from(guess == usize::from(label));
    bin.confidence += confidence;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binned(logits: &[f32], label: u16) -> (usize, ConfidenceBin) {
        let mut bins = vec![ConfidenceBin::default(); CONFIDENCE_BINS];
        add(&mut bins, logits, label);
        let at = bins.iter().position(|bin| bin.examples == 1).unwrap();
        (at, bins[at])
    }

    #[test]
    fn a_sure_guess_falls_into_the_last_bin_and_is_a_hit_when_it_is_right() {
        let (at, bin) = binned(&[-40.0, 40.0], 1);
        assert_eq!((at, bin.hits), (CONFIDENCE_BINS - 1, 1));
        assert!((bin.confidence - 1.0).abs() < 1e-12);
        assert_eq!(binned(&[-40.0, 40.0], 0).1.hits, 0);
    }

    #[test]
    fn confidence_is_the_softmax_probability_of_the_guess() {
        // Odds of 3 to 1: 0.75 lies in (11/15, 12/15].
        let (at, bin) = binned(&[3.0_f32.ln(), 0.0], 0);
        assert_eq!(at, 11);
        assert!((bin.confidence - 0.75).abs() < 1e-7);
    }

    #[test]
    fn a_confidence_on_an_edge_belongs_to_the_bin_below_it() {
        // Three equal logits: 1/3 = 5/15 ends the fifth bin.
        assert_eq!(binned(&[1.0, 1.0, 1.0], 0).0, 4);
    }
}
