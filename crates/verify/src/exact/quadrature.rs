//! Gauss-Legendre quadrature on panels, and a walk over panels that ends where the density does.

use std::sync::LazyLock;

/// Points a panel; integrates polynomials up to degree 39 exactly.
const POINTS: usize = 20;

/// Nodes and weights on [-1, 1]: roots of the Legendre polynomial by Newton's method.
static RULE: LazyLock<[(f64, f64); POINTS]> = LazyLock::new(|| {
    let n = POINTS as f64;
    std::array::from_fn(|i| {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 0.0;
        for _ in 0..8 {
            let (mut previous, mut value) = (1.0, x);
            for k in 2..=POINTS {
                let k = k as f64;
                (previous, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * previous) / k);
            }
            slope = n * (x * value - previous) / (x * x - 1.0);
            x -= value / slope;
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    })
});

/// Calls `visit(x, weight)` for the nodes of the panel between `a` and `b`; weights are positive in either direction.
pub(super) fn panel(a: f64, b: f64, mut visit: impl FnMut(f64, f64)) {
    let (middle, half) = (f64::midpoint(a, b), 0.5 * (b - a));
    for (x, weight) in *RULE {
        visit(middle + half * x, weight * half.abs());
    }
}

/// A one-dimensional density known up to a factor, with one mode.
pub(super) struct Density<F, G> {
    /// Logarithm, zero at the mode.
    pub(super) log: F,
    /// Its derivative.
    pub(super) slope: G,
    /// Where it is largest.
    pub(super) mode: f64,
    /// Outside of these it underflows.
    pub(super) support: (f64, f64),
    /// The widest panel on which it is smooth.
    pub(super) width: f64,
}

impl<F: Fn(f64) -> f64, G: Fn(f64) -> f64> Density<F, G> {
    /// Nodes and unnormalised masses on each side of `at`.
    pub(super) fn sides(&self, at: f64) -> [Vec<(f64, f64)>; 2] {
        let at = at.clamp(self.support.0, self.support.1);
        [self.walk(at, self.support.0), self.walk(at, self.support.1)]
    }

    /// Panels from `start` towards `end`, narrow where the density changes fast, until nothing more can matter.
    fn walk(&self, start: f64, end: f64) -> Vec<(f64, f64)> {
        const NEGLIGIBLE: f64 = 60.0;
        let direction = if end < start { -1.0 } else { 1.0 };
        let ahead = (self.mode - start) * direction > 0.0;
        let peak = if ahead { 0.0 } else { (self.log)(start) };
        let mut nodes = Vec::new();
        let mut at = start;
        while (end - at) * direction > 0.0 {
            let past = (at - self.mode) * direction >= 0.0;
            if past && (self.log)(at) < peak - NEGLIGIBLE {
                break;
            }
            let width = self.width.min(4.0 / (self.slope)(at).abs());
            let next = if (end - at) * direction <= width { end } else { at + direction * width };
            panel(at, next, |x, weight| nodes.push((x, weight * (self.log)(x).exp())));
            at = next;
        }
        nodes
    }
}

/// Scales the masses of both sides so that they sum to one.
pub(super) fn normalise(sides: &mut [Vec<(f64, f64)>; 2]) {
    let total: f64 = sides.iter().flatten().map(|(_, mass)| mass).sum();
    for (_, mass) in sides.iter_mut().flatten() {
        *mass /= total;
    }
}
