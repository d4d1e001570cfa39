//! Tensors of run-time size.

use dfdx::prelude::{NoneTape, Tensor};

/// A vector.
pub type T1<D, T = NoneTape> = Tensor<(usize,), f32, D, T>;
/// A matrix; as a batch of inputs `(N examples, numbers of an example)`.
pub type T2<D, T = NoneTape> = Tensor<(usize, usize), f32, D, T>;
/// A batch of activations `(K members, N examples, features)`.
pub type T3<D, T = NoneTape> = Tensor<(usize, usize, usize), f32, D, T>;
