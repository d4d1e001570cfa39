//! Norms of the gradient of a whole set's mean loss (paper, Section 5.2), in evaluation mode.

use flooding_core::record::GradientNorms;

use crate::backend::{Backend, DeviceError};
use crate::evaluate::EvaluationSet;
use crate::layers::{Parameter, Role};
use crate::nets::Network;

/// Examples whose gradient is taken at a time.
const CHUNK: usize = 512;

/// A set and how many of its examples, evenly spaced over it, a loss is the mean over.
pub type Points<'a, B> = (&'a EvaluationSet<B>, usize);

/// Norms of the gradients of the training and the test loss, one a member.
pub fn gradient_norms<B: Backend>(
    backend: &B,
    network: &dyn Network<B>,
    train: Points<'_, B>,
    test: Points<'_, B>,
) -> Result<Vec<GradientNorms>, DeviceError<B>> {
    let train = norms(backend, network, train)?;
    let test = norms(backend, network, test)?;
    let join = |((train_filter, train_tensor), (test_filter, test_tensor))| GradientNorms {
        train_filter,
        train_tensor,
        test_filter,
        test_tensor,
    };
    Ok(train.into_iter().zip(test).map(join).collect())
}

/// For each member: the filter-normalised norm (each filter's gradient times that filter's norm, over the weights of
/// linear and convolutional layers) and the tensor-normalised one (each tensor's gradient times that tensor's norm).
fn norms<B: Backend>(
    backend: &B,
    network: &dyn Network<B>,
    set: Points<'_, B>,
) -> Result<Vec<(f64, f64)>, DeviceError<B>> {
    let gradient = full_gradient(backend, network, set)?;
    let parameters = network.parameters();
    let members = parameters.first().map_or(0, |p| p.members());
    let mut squares = vec![(0.0, 0.0); members];
    for (parameter, gradient) in parameters.iter().zip(&gradient).filter(|(p, _)| p.role == Role::Weight) {
        let weights = parameter.to_host();
        let filter = parameter.len() / parameter.shape[0];
        for (k, square) in squares.iter_mut().enumerate() {
            let of = k * parameter.len()..(k + 1) * parameter.len();
            let (w, g) = (&weights[of.clone()], &gradient[of]);
            let per_filter = w.chunks(filter).zip(g.chunks(filter));
            square.0 += per_filter.map(|(w, g)| sum_squares_f32(w) * sum_squares(g)).sum::<f64>();
            square.1 += sum_squares_f32(w) * sum_squares(g);
        }
    }
    Ok(squares.into_iter().map(|(filter, tensor)| (filter.sqrt(), tensor.sqrt())).collect())
}

/// The gradient of the mean loss by every parameter, all members; zeros for running statistics.
pub fn full_gradient<B: Backend>(
    backend: &B,
    network: &dyn Network<B>,
    (set, points): Points<'_, B>,
) -> Result<Vec<Vec<f64>>, DeviceError<B>> {
    let parameters = network.parameters();
    let examples = set.examples();
    let size = |p: &&Parameter<B::Dev>| vec![0.0; p.members() * p.len()];
    let mut total: Vec<Vec<f64>> = parameters.iter().map(size).collect();
    let chosen = set.spread(points);
    for indices in chosen.chunks(CHUNK) {
        let inputs = backend.batch(set.set(), indices, None)?;
        let logits = network.probe(backend, inputs, backend.record(&parameters)?)?;
        let labels: Vec<u16> = indices.iter().map(|&i| examples.labels[i as usize]).collect();
        let losses = backend.cross_entropy(logits, &labels)?;
        let share = indices.len() as f32 / chosen.len() as f32;
        let members = parameters.first().map_or(0, |p| p.members());
        let mut gradients = backend.backward(losses, &vec![share; members])?;
        for (parameter, total) in parameters.iter().zip(&mut total).filter(|(p, _)| p.role.is_trained()) {
            gradients.try_alloc_for(&parameter.tensor)?;
            let gradient = gradients.get(&parameter.tensor);
            let mut host = vec![0.0; total.len()];
            <B::Dev as dfdx::prelude::CopySlice<f32>>::copy_into(&gradient, &mut host);
            for (total, g) in total.iter_mut().zip(host) {
                *total += f64::from(g);
            }
        }
        backend.recycle(gradients, &parameters);
    }
    Ok(total)
}

fn sum_squares(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum()
}

fn sum_squares_f32(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v) * f64::from(v)).sum()
}
