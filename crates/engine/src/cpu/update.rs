//! The optimisers' steps, each one pass over a tensor.

use crate::backend::{AdamStep, SgdStep};
use crate::simd::Kernel;
use crate::simd::lanes::Lanes;

/// Adam as PyTorch has it: epsilon is added after the root and after the bias correction.
pub(crate) struct Adam<'a> {
    pub(crate) step: AdamStep,
    pub(crate) parameter: &'a mut [f32],
    pub(crate) first: &'a mut [f32],
    pub(crate) second: &'a mut [f32],
    pub(crate) gradient: &'a [f32],
}

impl Kernel for Adam<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let AdamStep { lr, beta1, beta2, epsilon, weight_decay, t } = self.step;
        let correction = |beta: f64| 1.0 - beta.powf(t as f64);
        let size = (lr / correction(beta1)) as f32;
        let root = (1.0 / correction(beta2).sqrt()) as f32;
        let (beta2, rest1, rest2) = (beta2 as f32, (1.0 - beta1) as f32, (1.0 - beta2) as f32);
        let (epsilon, decay) = (epsilon as f32, weight_decay as f32);
        let state = self.first.iter_mut().zip(self.second);
        for ((p, g), (m, v)) in self.parameter.iter_mut().zip(self.gradient).zip(state) {
            let g = g + decay * *p;
            *m += (g - *m) * rest1;
            *v = *v * beta2 + g * g * rest2;
            *p -= size * (*m / (v.sqrt() * root + epsilon));
        }
    }
}

/// SGD with classic momentum: the velocity starts at zero, so the first one is the gradient.
pub(crate) struct Sgd<'a> {
    pub(crate) step: SgdStep,
    pub(crate) parameter: &'a mut [f32],
    pub(crate) velocity: &'a mut [f32],
    pub(crate) gradient: &'a [f32],
}

impl Kernel for Sgd<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let SgdStep { lr, momentum, weight_decay } = self.step;
        let (lr, momentum, decay) = (lr as f32, momentum as f32, weight_decay as f32);
        for ((p, g), v) in self.parameter.iter_mut().zip(self.gradient).zip(self.velocity) {
            *v = momentum * *v + (g + decay * *p);
            *p -= lr * *v;
        }
    }
}
