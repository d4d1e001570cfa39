//! Losses along filter-normalised random directions (paper, Section 5.3; Li et al. 2018).

use flooding_core::seeds::Stream;
use rand::RngExt as _;
use rand_distr::StandardNormal;

use crate::backend::{Backend, DeviceError};
use crate::layers::{Parameter, Role};
use crate::nets::Network;
use crate::probe::Points;
use crate::weights::Weights;

/// Added to a filter's norm before dividing by it.
const EPSILON: f64 = 1e-10;

/// A direction in the space of a network's weights: for each of its tensors, in its order, a number for each number of
/// the tensor, or nothing where the tensor stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Direction {
    moves: Vec<Vec<f32>>,
}

impl Direction {
    /// Standard normal in every weight of a linear or convolutional layer, nothing elsewhere.
    pub fn draw<B: Backend>(network: &dyn Network<B>, stream: &mut Stream) -> Self {
        Self::new(network, |_, len| stream.sample_iter(StandardNormal).take(len).collect())
    }

    /// The direction that `moves` gives for each weight, from its name and size.
    pub fn new<B: Backend>(network: &dyn Network<B>, mut moves: impl FnMut(&str, usize) -> Vec<f32>) -> Self {
        let of = |p: &&Parameter<B::Dev>| {
            if p.role == Role::Weight { moves(&p.name, p.len()) } else { Vec::new() }
        };
        Self { moves: network.parameters().iter().map(of).collect() }
    }

    /// How far each of the network's tensors moves; nothing for one that stays.
    pub fn moves(&self) -> &[Vec<f32>] {
        &self.moves
    }

    /// The same direction with each filter scaled to the norm of the filter that it moves:
    /// `d / (||d|| + 1e-10) * ||w||`.
    pub fn filter_normalised(&self, weights: &Weights) -> Self {
        let normalise = |d: &[f32], shape: &[usize], w: &[f32]| -> Vec<f32> {
            let filter = w.len() / shape.first().copied().unwrap_or(1);
            let scaled = d.chunks(filter).zip(w.chunks(filter)).flat_map(|(d, w)| {
                let factor = norm(w) / (norm(d) + EPSILON);
                d.iter().map(move |&d| (f64::from(d) * factor) as f32)
            });
            scaled.collect()
        };
        let pairs = self.moves.iter().zip(weights.iter());
        Self { moves: pairs.map(|(d, (_, shape, w))| normalise(d, shape, w)).collect() }
    }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
}

/// The mean loss of each set at `weights + alpha * direction`, a list of losses a set; the network (of one member) has
/// `weights` again afterwards.
pub fn losses_along<B: Backend>(
    backend: &B,
    network: &mut dyn Network<B>,
    (weights, direction): (&Weights, &Direction),
    alphas: &[f64],
    sets: &[Points<'_, B>],
) -> Result<Vec<Vec<f64>>, DeviceError<B>> {
    let mut losses = vec![Vec::with_capacity(alphas.len()); sets.len()];
    let mut moved = Vec::new();
    weights.restore(network, 0);
    for &alpha in alphas {
        let alpha = alpha as f32;
        let tensors = weights.iter().zip(&direction.moves);
        for (parameter, ((_, _, w), d)) in network.parameters_mut().into_iter().zip(tensors) {
            if !d.is_empty() {
                moved.clear();
                moved.extend(w.iter().zip(d).map(|(w, d)| w + alpha * d));
                parameter.set_member(0, &moved);
            }
        }
        for ((set, points), losses) in sets.iter().zip(&mut losses) {
            losses.extend(set.measure_points(backend, network, *points)?.iter().map(|measure| measure.loss));
        }
    }
    weights.restore(network, 0);
    Ok(losses)
}
