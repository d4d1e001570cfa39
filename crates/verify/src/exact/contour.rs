//! One-sided moments of a sum of n positive losses, from the Laplace transform of one.
//!
//! With M(z) = E[e^(-z L)], entire here, and S the sum,
//!
//! ```text
//! E[(B - S)+^k] = 1/(2 pi i)  integral over Re z = c > 0  of  e^(z B) M(z)^n  k! / z^(k+1)  dz,
//! E[(S - B)+^k] = the same over Re z = -c < 0 with  k! / (-z)^(k+1).
//! ```
//!
//! The line crosses the real axis at the saddle point, so that the integrand is never much larger than the result and
//! even a far tail keeps its digits, and is bent to the left into a hyperbola, along which e^(z B) decays. On it the
//! trapezoidal rule converges geometrically; the step is halved until nothing changes. Both sides are computed
//! independently (unless one has nearly all the mass), and must add up to what the mean and the variance of S demand:
//! that is the error estimate.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use num_complex::Complex64;

use super::cross_entropy::Margin;

/// Moments 0, 1 and 2 of the distance to B on either side.
pub(super) struct Sides {
    /// Pr[S < B], E[(B - S)+], E[(B - S)+^2].
    pub(super) below: [f64; 3],
    /// Pr[S > B], E[(S - B)+], E[(S - B)+^2].
    pub(super) above: [f64; 3],
    /// The largest relative error seen.
    pub(super) accuracy: f64,
}

/// Relative change at which halving the step stops, for one loss; the n-th power of the transform multiplies it by n.
const CONVERGED: f64 = 1e-15;

/// The least accuracy claimed.
const FLOOR: f64 = 1e-13;

/// Probability of a side below which the other is computed as its complement.
const NEGLIGIBLE: f64 = 1e-6;

/// Length of the hyperbola's parameter without a contribution after which none is expected: losses that are nearly
/// multiples of one number make the transform's power come back after a gap.
const QUIET: f64 = 2.0;

/// Halvings of the first step, 1/2, before giving up; the accuracy then says so.
const HALVINGS: u32 = 10;

/// The logarithm of the Laplace transform, with its quadrature nodes by octave of |z|.
struct Transform {
    margin: Margin,
    nodes: BTreeMap<(i32, bool), Vec<(Complex64, Complex64)>>,
}

impl Transform {
    fn ln(&mut self, z: Complex64) -> Complex64 {
        let octave = z.norm().log2().ceil().clamp(-40.0, 1000.0) as i32;
        let margin = self.margin;
        // Near the negative real axis e^(-z loss) grows, and the path must be followed to its end.
        let decays = -z.re <= 0.75 * margin.angle() * z.im;
        let nodes = self.nodes.entry((octave, decays)).or_insert_with(|| margin.path(f64::from(octave).exp2(), decays));
        nodes.iter().map(|(loss, weight)| (-z * loss).exp() * weight).sum::<Complex64>().ln()
    }
}

/// Both sides of B for the sum of n losses with this mean and variance.
pub(super) fn sides(margin: Margin, n: u32, total: f64, risk: f64, variance: f64) -> Sides {
    let size = f64::from(n);
    let mut transform = Transform { margin, nodes: BTreeMap::new() };
    let scale = 1.0 / (total + size * risk + (size * variance).sqrt());
    let (below, change_below) = invert(&mut transform, size, total, scale, 1.0);
    let (above, change_above) = invert(&mut transform, size, total, scale, -1.0);
    let excess = total - size * risk;
    let sums = [1.0, excess, size * variance + excess * excess];
    // Beside a tail, what holds nearly all mass is what the tail leaves: its own contour would have to resolve
    // cancellations that the tail's does not have.
    if below[0] < NEGLIGIBLE || above[0] < NEGLIGIBLE {
        let rest = |tail: [f64; 3], sign: f64| [sums[0] - tail[0], tail[1] + sign * excess, sums[2] - tail[2]];
        return if below[0] <= above[0] {
            Sides { below, above: rest(below, -1.0), accuracy: change_below.max(FLOOR) }
        } else {
            Sides { below: rest(above, 1.0), above, accuracy: (change_above.min(1.0) * above[0]).max(FLOOR) }
        };
    }
    let residuals = [
        below[0] + above[0] - sums[0],
        (below[1] - above[1] - sums[1]) / (below[1] + above[1]),
        (below[2] + above[2]) / sums[2] - 1.0,
    ];
    let residual = residuals.iter().fold(0.0, |worst: f64, r| worst.max(r.abs()));
    Sides { below, above, accuracy: residual.max(change_below).max(change_above).max(FLOOR) }
}

/// The moments on one side (`sign` 1: below, -1: above) and their relative change at the last halving of the step.
fn invert(transform: &mut Transform, size: f64, total: f64, scale: f64, sign: f64) -> ([f64; 3], f64) {
    let crossing = saddle(transform, size, total, scale, sign);
    let exponent = |transform: &mut Transform, z: Complex64| z * total + size * transform.ln(z);
    let peak = exponent(transform, Complex64::new(crossing, 0.0)).re;
    // Beyond the smallest double, or so far out that the transform itself underflows.
    if peak.is_nan() || peak < -740.0 {
        return ([0.0; 3], 0.0);
    }
    let angle = 0.5 * transform.margin.angle();
    let mut sum = [0.0; 3];
    let mut term = |u: f64, sum: &mut [f64; 3]| {
        let reach = crossing.abs();
        let z = Complex64::new(crossing + reach * angle.sin() * (1.0 - u.cosh()), reach * angle.cos() * u.sinh());
        let step = Complex64::new(-reach * angle.sin() * u.sinh(), reach * angle.cos() * u.cosh());
        let common = (exponent(transform, z) - peak).exp() * step;
        let pole = sign * z;
        let moments = [common / pole, common / (pole * pole), 2.0 * common / (pole * pole * pole)];
        let half = if u == 0.0 { 0.5 } else { 1.0 };
        for (sum, moment) in sum.iter_mut().zip(&moments) {
            *sum += half * moment.im;
        }
        moments[0].norm()
    };
    // Nodes at odd multiples of the step (all multiples the first time), until they have added nothing for long.
    let mut scan = |from: f64, stride: f64, sum: &mut [f64; 3]| {
        let (mut u, mut largest, mut loud) = (from, 0.0_f64, from);
        while u - loud < QUIET && u < 60.0 {
            let size = term(u, sum);
            largest = largest.max(size);
            if size > 1e-18 * largest {
                loud = u;
            }
            u += stride;
        }
    };
    let mut step = 0.5;
    scan(0.0, step, &mut sum);
    let mut last = sum.map(|s| s * step);
    let mut change = f64::INFINITY;
    for _ in 0..HALVINGS {
        scan(step / 2.0, step, &mut sum);
        step /= 2.0;
        let now = sum.map(|s| s * step);
        change = now.iter().zip(&last).fold(0.0, |worst: f64, (a, b)| worst.max((a / b - 1.0).abs()));
        last = now;
        if change < FLOOR.max(CONVERGED * size) {
            break;
        }
    }
    let factor = peak.exp() / PI;
    (last.map(|s| (s * factor).max(0.0)), change)
}

/// Where e^(z B) M(z)^n / z^2 is smallest on the half of the real axis that `sign` names.
fn saddle(transform: &mut Transform, size: f64, total: f64, scale: f64, sign: f64) -> f64 {
    let mut height = |ln_c: f64| {
        let c = ln_c.exp();
        let z = Complex64::new(sign * c, 0.0);
        let height = (z * total + size * transform.ln(z)).re - 2.0 * ln_c;
        // So far out that the transform under- or overflows, the other terms have long decided.
        if height.is_finite() { height } else { f64::INFINITY }
    };
    // Golden section in the logarithm; the function is convex in c, so it has one minimum.
    let ratio = 0.5 * (5.0_f64.sqrt() - 1.0);
    let (mut low, mut high) = (scale.ln() - 3.0, scale.ln() + if sign > 0.0 { 60.0 } else { 8.0 });
    let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_a, mut at_b) = (height(a), height(b));
    while high - low > 1e-3 {
        if at_a < at_b || (at_a == at_b && sign > 0.0) {
            (high, b, at_b) = (b, a, at_a);
            a = high - ratio * (high - low);
            at_a = height(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + ratio * (high - low);
            at_b = height(b);
        }
    }
    sign * (0.5 * (low + high)).exp()
}
