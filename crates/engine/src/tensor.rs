//! Tensors of run-time size.

use dfdx::prelude::{Device, GatherTo as _, NoneTape, Tensor};

/// A vector.
pub type T1<D, T = NoneTape> = Tensor<(usize,), f32, D, T>;
/// A matrix; as a batch of inputs `(N examples, numbers of an example)`.
pub type T2<D, T = NoneTape> = Tensor<(usize, usize), f32, D, T>;
/// A batch of activations `(K members, N examples, features)`.
pub type T3<D, T = NoneTape> = Tensor<(usize, usize, usize), f32, D, T>;
/// Positions on an axis.
pub(crate) type Positions<D> = Tensor<(usize,), usize, D>;

/// Positions, on the device.
pub(crate) fn positions<D: Device<f32>>(device: &D, of: &[usize]) -> Result<Positions<D>, D::Err> {
    device.try_tensor_from_vec(of.to_vec(), (of.len(),))
}

/// The rows at these positions: `(rows, numbers)` to `(positions, numbers)`. Nothing passes over the host.
pub(crate) fn rows_at<D: Device<f32>>(rows: &T2<D>, of: &Positions<D>) -> Result<T2<D>, D::Err> {
    rows.clone().try_gather(of.clone())
}
