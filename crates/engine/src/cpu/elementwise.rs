//! Loops over a layer's activations, `(examples, features)` in row-major order.

use crate::simd::Kernel;
use crate::simd::lanes::Lanes;

/// `y += bias`, then ReLU where asked.
pub(crate) struct AddBias<'a> {
    pub(crate) y: &'a mut [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) relu: bool,
}

impl Kernel for AddBias<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for row in self.y.chunks_exact_mut(self.bias.len()) {
            for (y, bias) in row.iter_mut().zip(self.bias) {
                let sum = *y + bias;
                // Not `max`: that would turn a NaN into 0 and hide it.
                *y = if self.relu && sum < 0.0 { 0.0 } else { sum };
            }
        }
    }
}

/// The gradient before ReLU: zero where the result was not positive (the derivative at 0 is 0).
pub(crate) struct MaskAndSum<'a> {
    /// Gradient of the result, masked in place.
    pub(crate) gradient: &'a mut [f32],
    /// The result of ReLU; `None` where there was none.
    pub(crate) result: Option<&'a [f32]>,
    /// Gets the sum over examples, row after row.
    pub(crate) sums: &'a mut [f32],
}

impl Kernel for MaskAndSum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let width = self.sums.len();
        match self.result {
            Some(result) => {
                for (gradient, result) in self.gradient.chunks_exact_mut(width).zip(result.chunks_exact(width)) {
                    for ((gradient, result), sum) in gradient.iter_mut().zip(result).zip(self.sums.iter_mut()) {
                        *gradient = if *result > 0.0 { *gradient } else { 0.0 };
                        *sum += *gradient;
                    }
                }
            }
            None => {
                for gradient in self.gradient.chunks_exact(width) {
                    for (gradient, sum) in gradient.iter().zip(self.sums.iter_mut()) {
                        *sum += *gradient;
                    }
                }
            }
        }
    }
}
