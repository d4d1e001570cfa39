//! Batch normalisation with ReLU over `(examples, features)` in row-major order: sums run down the rows, in order.

use crate::simd::Kernel;
use crate::simd::lanes::Lanes;

/// The batch's statistics, one a feature.
pub(crate) struct Statistics {
    pub(crate) mean: Vec<f32>,
    /// Biased: divided by the number of examples.
    pub(crate) variance: Vec<f32>,
}

/// Mean, then biased variance around it.
pub(crate) struct Measure<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) features: usize,
}

impl Kernel for Measure<'_> {
    type Output = Statistics;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Statistics {
        let scale = 1.0 / (self.x.len() / self.features) as f32;
        let mut mean = vec![0.0f32; self.features];
        for row in self.x.chunks_exact(self.features) {
            for (mean, x) in mean.iter_mut().zip(row) {
                *mean += x;
            }
        }
        for mean in &mut mean {
            *mean *= scale;
        }
        let mut variance = vec![0.0f32; self.features];
        for row in self.x.chunks_exact(self.features) {
            for ((variance, mean), x) in variance.iter_mut().zip(&mean).zip(row) {
                let off = x - mean;
                *variance += off * off;
            }
        }
        for variance in &mut variance {
            *variance *= scale;
        }
        Statistics { mean, variance }
    }
}

/// `y = relu((x - mean) * gain + shift)`, where gain is the scale over the standard deviation.
pub(crate) struct Apply<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) mean: &'a [f32],
    pub(crate) gain: &'a [f32],
    pub(crate) shift: &'a [f32],
    pub(crate) y: &'a mut [f32],
}

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let width = self.mean.len();
        for (row, out) in self.x.chunks_exact(width).zip(self.y.chunks_exact_mut(width)) {
            let constants = self.mean.iter().zip(self.gain).zip(self.shift);
            for ((x, y), ((mean, gain), shift)) in row.iter().zip(out).zip(constants) {
                let value = (x - mean) * gain + shift;
                *y = if value < 0.0 { 0.0 } else { value };
            }
        }
    }
}

/// Backward of [`Apply`] with the batch's own statistics.
pub(crate) struct Backward<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a [f32],
    pub(crate) dy: &'a [f32],
    pub(crate) mean: &'a [f32],
    /// One over the standard deviation.
    pub(crate) inverse: &'a [f32],
    pub(crate) scale: &'a [f32],
    /// Gets the gradient of x, or has it added.
    pub(crate) dx: &'a mut [f32],
    pub(crate) add: bool,
    /// Are the statistics the batch's, so that they have a gradient too?
    pub(crate) own_statistics: bool,
}

impl Kernel for Backward<'_> {
    /// Gradients of scale and shift.
    type Output = (Vec<f32>, Vec<f32>);

    #[inline(always)]
    fn run<L: Lanes>(self) -> (Vec<f32>, Vec<f32>) {
        let width = self.mean.len();
        let (mut dscale, mut dshift) = (vec![0.0f32; width], vec![0.0f32; width]);
        let rows = self.x.chunks_exact(width).zip(self.y.chunks_exact(width)).zip(self.dy.chunks_exact(width));
        for ((x, y), dy) in rows.clone() {
            let sums = dscale.iter_mut().zip(&mut dshift);
            let constants = self.mean.iter().zip(self.inverse);
            for ((((x, y), dy), (dscale, dshift)), (mean, inverse)) in x.iter().zip(y).zip(dy).zip(sums).zip(constants)
            {
                let dy = if *y > 0.0 { *dy } else { 0.0 };
                *dscale += dy * ((x - mean) * inverse);
                *dshift += dy;
            }
        }
        let share = if self.own_statistics { 1.0 / (self.x.len() / width) as f32 } else { 0.0 };
        let gain: Vec<f32> = self.scale.iter().zip(self.inverse).map(|(scale, inverse)| scale * inverse).collect();
        for (((x, y), dy), dx) in rows.zip(self.dx.chunks_exact_mut(width)) {
            let constants = self.mean.iter().zip(self.inverse).zip(&gain).zip(dscale.iter().zip(&dshift));
            for ((((x, y), dy), dx), (((mean, inverse), gain), (dscale, dshift))) in
                x.iter().zip(y).zip(dy).zip(dx).zip(constants)
            {
                let dy = if *y > 0.0 { *dy } else { 0.0 };
                let value = gain * (dy - share * (dshift + (x - mean) * inverse * dscale));
                *dx = if self.add { *dx + value } else { value };
            }
        }
        (dscale, dshift)
    }
}
