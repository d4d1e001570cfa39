//! Softmax cross-entropy of a fixed linear g on two Gaussians, labels flipped independently.
//!
//! With g(x) = (0, alpha (sum x - m d / 2)) the loss of an example is softplus(W), where W is the negative margin:
//! normal with mean -alpha m d / 2 for a kept label and +alpha m d / 2 for a flipped one (the classes are mirror
//! images), and standard deviation |alpha| sqrt(d). One loss is a one-dimensional integral. The mean of n losses has no
//! closed form; its one-sided moments come from the Laplace transform, see [`super::contour`].

use std::f64::consts::{PI, SQRT_2};

use flooding_core::config::Scenario;
use libm::erfc;
use num_complex::Complex64;

use super::contour::{self, Sides};
use super::quadrature::panel;
use super::{Exact, from_nodes};

/// How many standard deviations of W take part; what lies beyond weighs less than 1e-43.
const REACH: f64 = 14.0;

/// For so large a |W| the softplus is a ramp (or nothing) to double precision.
const SMOOTH: f64 = 45.0;

/// ln(1 + e^w), the loss of an example with negative margin w.
pub(crate) fn softplus(w: f64) -> f64 {
    w.max(0.0) + (-w.abs()).exp().ln_1p()
}

/// The distribution of W: normal around `-centre` for kept labels and around `+centre` for flipped ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Margin {
    /// alpha m d / 2.
    pub(crate) centre: f64,
    /// |alpha| sqrt(d).
    pub(crate) spread: f64,
    /// Probability of a flipped label.
    pub(crate) eps: f64,
}

impl Margin {
    /// The margin of a cross-entropy scenario; `None` for other scenarios.
    pub(crate) fn new(scenario: &Scenario) -> Option<Self> {
        let Scenario::CrossEntropy { alpha, eps, m, d } = *scenario else { return None };
        let d = f64::from(d);
        Some(Self { centre: alpha * m * d / 2.0, spread: alpha.abs() * d.sqrt(), eps })
    }

    /// alpha = 0: every loss is ln 2.
    pub(super) fn is_constant(self) -> bool {
        self.spread == 0.0
    }

    /// The two normal components: mean and probability.
    fn components(self) -> impl Iterator<Item = (f64, f64)> {
        [(-self.centre, 1.0 - self.eps), (self.centre, self.eps)].into_iter().filter(|(_, p)| *p > 0.0)
    }

    /// R and the variance of one loss.
    pub(super) fn moments(self) -> (f64, f64) {
        if self.is_constant() {
            return (softplus(0.0), 0.0);
        }
        let nodes = self.nodes(None);
        let losses: Vec<(f64, f64)> = nodes.iter().map(|(w, p)| (softplus(*w), *p)).collect();
        let risk: f64 = losses.iter().map(|(loss, p)| p * loss).sum();
        (risk, losses.iter().map(|(loss, p)| p * (loss - risk).powi(2)).sum())
    }

    /// The intervals of w that carry probability: one around each component, or one around both where they overlap.
    fn intervals(self) -> Vec<(f64, f64)> {
        let reach = REACH * self.spread;
        let mut intervals: Vec<(f64, f64)> = self.components().map(|(mean, _)| (mean - reach, mean + reach)).collect();
        intervals.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        if let [(low, middle), (next, high)] = intervals[..]
            && next < middle
        {
            intervals = vec![(low, high)];
        }
        intervals
    }

    /// The density of W at a real or complex point.
    fn density(self, w: Complex64) -> Complex64 {
        let scale = self.spread * (2.0 * PI).sqrt();
        let component = |(mean, p): (f64, f64)| {
            let t = (w - mean) / self.spread;
            (-0.5 * t * t).exp() * (p / scale)
        };
        self.components().map(component).sum()
    }

    /// Nodes (w, probability) on the real line; `cut` is a panel boundary.
    fn nodes(self, cut: Option<f64>) -> Vec<(f64, f64)> {
        let mut nodes = Vec::new();
        for (low, high) in self.intervals() {
            let mut bounds = panel_bounds(low, high, self.spread);
            bounds.extend(cut.filter(|cut| (low..high).contains(cut)));
            bounds.sort_unstable_by(f64::total_cmp);
            for pair in bounds.windows(2) {
                panel(pair[0], pair[1], |w, weight| nodes.push((w, weight * self.density(w.into()).re)));
            }
        }
        nodes
    }

    /// The exact quantities of a cell.
    pub(super) fn exact(self, n: u32, level: f64) -> Exact {
        let (risk, variance) = self.moments();
        let mse_empirical = variance / f64::from(n);
        if level <= 0.0 {
            // A softplus is positive, so no empirical risk is below zero.
            let accuracy = super::CLOSED_FORM_ACCURACY;
            let mse_flooded = mse_empirical;
            return Exact { risk, mse_empirical, mse_flooded, gain: 0.0, shortfall: 0.0, prob_below: 0.0, accuracy };
        }
        if n == 1 {
            return self.single(risk, mse_empirical, level);
        }
        let size = f64::from(n);
        let sides = contour::sides(self, n, size * level, risk, variance);
        let Sides { below, above, accuracy } = sides;
        // (R~ - R)^2 is (distance to b + b - R)^2 on both sides of b: above it by definition, below by reflection.
        let offset = size * (level - risk);
        let square = |moment: [f64; 3]| moment[2] + 2.0 * offset * moment[1] + offset * offset * moment[0];
        let mirrored = |moment: [f64; 3]| moment[2] - 2.0 * offset * moment[1] + offset * offset * moment[0];
        let scale = size * size;
        let mse_flooded = (square(below) + square(above)) / scale;
        // Far above b the square is the difference of larger numbers.
        let sum = [below, above].map(|m| m[2] + 2.0 * offset.abs() * m[1] + offset * offset * m[0]);
        let condition = (sum[0] + sum[1]) / (scale * mse_flooded);
        Exact {
            risk,
            mse_empirical,
            mse_flooded,
            gain: (mirrored(below) - square(below)) / scale,
            shortfall: below[1] / size,
            prob_below: below[0].min(1.0),
            accuracy: accuracy * condition.max(1.0),
        }
    }

    /// One loss: the level is a threshold on W.
    fn single(self, risk: f64, mse_empirical: f64, level: f64) -> Exact {
        // softplus(w) < b where w < ln(e^b - 1).
        let cut = level + (-(-level).exp_m1()).ln();
        let (below, above): (Vec<_>, Vec<_>) = self.nodes(Some(cut)).into_iter().partition(|(w, _)| *w < cut);
        let shortfall = below.iter().map(|(w, p)| p * (level - softplus(*w))).sum();
        let deviations = |side: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
            side.into_iter().map(|(w, p)| (softplus(w) - risk, p)).collect()
        };
        let (mse_flooded, gain) = from_nodes(level - risk, &deviations(below), &deviations(above));
        let tail = |mean: f64| 0.5 * erfc((mean - cut) / (self.spread * SQRT_2));
        let prob_below = self.components().map(|(mean, p)| p * tail(mean)).sum();
        let accuracy = super::CLOSED_FORM_ACCURACY;
        Exact { risk, mse_empirical, mse_flooded, gain, shortfall, prob_below, accuracy }
    }

    /// By how much the path of integration (and the contour) may turn into the complex plane without cancellation.
    pub(super) fn angle(self) -> f64 {
        0.55_f64.min(self.spread / (1.0 + self.centre.abs()))
    }

    /// Nodes (loss, weight) of a path on which e^(-z loss) neither grows nor oscillates faster than a panel resolves,
    /// for all |z| from half of `reach` up to it in the upper half plane. With `decays` these z lie left of the imaginary
    /// axis by at most three quarters of [`angle`](Self::angle), and the path ends where nothing is left.
    ///
    /// The loss is an analytic function of w, so the path may leave the real line: it runs at Im w = -angle for
    /// Re w < 0 and falls off linearly beyond, which turns the losses into the fourth quadrant.
    pub(super) fn path(self, reach: f64, decays: bool) -> Vec<(Complex64, Complex64)> {
        const PER_PANEL: f64 = 12.0;
        const DECAYED: f64 = 45.0;
        let angle = self.angle();
        let tangent = angle.tan();
        // On the worst z the real part of z loss is at least this part of |z| |loss|.
        let decay = (0.1 * angle).sin();
        let mut nodes = Vec::new();
        for (low, high) in self.intervals() {
            for pair in panel_bounds(low, high, self.spread).windows(2) {
                let (mut at, end) = (pair[0], pair[1]);
                while at < end && !(decays && reach * softplus(at) * decay > DECAYED) {
                    let mut next = end;
                    // The sigmoid is the softplus' derivative.
                    while reach * sigmoid(next) * (next - at) > PER_PANEL {
                        next = f64::midpoint(at, next);
                    }
                    panel(at, next, |v, weight| {
                        let beyond = v.max(0.0);
                        let w = Complex64::new(v, -angle - tangent * beyond);
                        let step = Complex64::new(1.0, if v < 0.0 { 0.0 } else { -tangent });
                        nodes.push((complex_softplus(w), self.density(w) * step * weight));
                    });
                    at = next;
                }
            }
        }
        nodes
    }
}

fn sigmoid(w: f64) -> f64 {
    1.0 / (1.0 + (-w).exp())
}

/// Panel boundaries from `low` to `high`: 0 is one, and near it no panel is wider than the softplus allows.
fn panel_bounds(low: f64, high: f64, spread: f64) -> Vec<f64> {
    let coarse = 3.0 * spread;
    let mut bounds = vec![low];
    let mut at = low;
    while at < high {
        let width = if at < -SMOOTH {
            coarse.min(-SMOOTH - at).max(coarse.min(1e-9))
        } else if at < SMOOTH {
            coarse.min(3.0)
        } else {
            coarse
        };
        let next = (at + width).min(high);
        at = if at < 0.0 && next > 0.0 { 0.0 } else { next };
        bounds.push(at);
    }
    bounds
}

fn complex_softplus(w: Complex64) -> Complex64 {
    if w.re > 0.0 { w + ln_1p((-w).exp()) } else { ln_1p(w.exp()) }
}

/// ln(1 + z), precise for small z.
fn ln_1p(z: Complex64) -> Complex64 {
    Complex64::new(0.5 * (2.0 * z.re + z.norm_sqr()).ln_1p(), z.im.atan2(1.0 + z.re))
}
