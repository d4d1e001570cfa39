//! Initial weights, drawn on the host so that every device starts from the same numbers.

use flooding_core::seeds::Stream;
use rand::RngExt as _;
use rand_distr::{Distribution as _, StandardNormal};

use crate::allocation::reserve;

/// PyTorch's default for Linear and Conv2d, weights and biases alike: uniform in +-1/sqrt(`fan_in`).
pub fn uniform(count: usize, fan_in: usize, stream: &mut Stream) -> Vec<f32> {
    let bound = 1.0 / (fan_in as f64).sqrt();
    filled(count, || ((stream.random::<f64>() * 2.0 - 1.0) * bound) as f32)
}

/// PyTorch's `kaiming_normal_` for ReLU: normal with standard deviation sqrt(2 / `fan`).
pub fn kaiming_normal(count: usize, fan: usize, stream: &mut Stream) -> Vec<f32> {
    let std = (2.0 / fan as f64).sqrt();
    let mut draw = || -> f64 { StandardNormal.sample(stream) };
    filled(count, || (draw() * std) as f32)
}

fn filled(count: usize, draw: impl FnMut() -> f32) -> Vec<f32> {
    let mut values = Vec::new();
    reserve(&mut values, count);
    values.extend(std::iter::repeat_with(draw).take(count));
    values
}
