//! An estimated difference, its standard error, and what follows from the two.

use super::scale::Scale;
use super::special::{critical_t, two_sided_p};
use super::{CONFIDENCE, normal};

/// A difference with its standard error, both divided by the same power of two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub difference: f64,
    /// 0 if the inputs do not vary.
    pub error: f64,
    /// Degrees of freedom of Student's distribution.
    pub df: f64,
    /// The distance within which the difference equals another number: the rounding of its inputs.
    pub tolerance: f64,
    pub scale: Scale,
}

impl Estimate {
    /// The same estimate on another scale.
    pub fn on(self, scale: Scale) -> Self {
        let moved = |value| self.scale.moved(value, scale);
        Self {
            difference: moved(self.difference),
            error: moved(self.error),
            tolerance: moved(self.tolerance),
            scale,
            ..self
        }
    }

    /// A scale for this estimate and another one, by the larger of their differences and errors.
    pub fn scale_with(self, other: Self) -> Scale {
        let own = |estimate: Self| estimate.scale.joint_of(estimate.difference.abs().max(estimate.error));
        own(self).max(own(other)).unwrap_or(self.scale)
    }

    pub fn is_zero(&self) -> bool {
        self.difference.abs() <= self.tolerance
    }

    /// The difference in standard errors; 0 or infinite without an error.
    pub fn t(&self) -> f64 {
        match (self.error == 0.0, self.is_zero()) {
            (true, true) => 0.0,
            (true, false) => f64::INFINITY.copysign(self.difference),
            _ => self.difference / self.error,
        }
    }

    /// Two-sided p-value by Student's distribution.
    pub fn p_by_t(&self) -> f64 {
        two_sided_p(self.t(), self.df)
    }

    /// Two-sided p-value by the normal distribution.
    pub fn p_by_normal(&self) -> f64 {
        normal::two_sided_p(self.t())
    }

    /// 95% interval by Student's distribution, on the estimate's scale.
    pub fn interval_by_t(&self) -> (f64, f64) {
        if self.error == 0.0 { self.around(0.0) } else { self.around(critical_t(1.0 - CONFIDENCE, self.df)) }
    }

    /// 95% interval by the normal distribution, on the estimate's scale.
    pub fn interval_by_normal(&self) -> (f64, f64) {
        self.around(normal::Z_95)
    }

    fn around(&self, errors: f64) -> (f64, f64) {
        let half = errors * self.error;
        (self.difference - half, self.difference + half)
    }

    /// The larger of the two one-sided p-values against +margin and -margin (Schuirmann 1987): small if the true
    /// difference lies between the two. `margin` is not scaled.
    pub fn p_equivalent(&self, margin: f64) -> f64 {
        let (size, margin) = (self.difference.abs(), self.scale.of(margin));
        if self.error == 0.0 {
            // A difference that equals the margin but for rounding is not below it.
            let below = self.is_zero() || margin - size > self.tolerance;
            return if below { 0.0 } else { 1.0 };
        }
        // The side on which the difference lies is the one that is harder to exclude.
        let t = (margin - size) / self.error;
        let tail = two_sided_p(t, self.df) / 2.0;
        if t >= 0.0 { tail } else { 1.0 - tail }
    }
}

/// Does the interval, ends included, contain the number? Both may be off by `tolerance`.
pub(super) fn contains((low, high): (f64, f64), number: f64, tolerance: f64) -> bool {
    low - tolerance <= number && number <= high + tolerance
}

/// Welch's (Satterthwaite's) degrees of freedom of the sum of two independent errors, each with its own; `without` if
/// both are 0. Shares instead of squares: errors of 1e-200 must not vanish in their product.
pub(super) fn satterthwaite(parts: [(f64, f64); 2], without: f64) -> (f64, f64) {
    let [(a, df_a), (b, df_b)] = parts;
    let error = a.hypot(b);
    if error == 0.0 {
        return (0.0, without);
    }
    let share = |part: f64| (part / error).powi(2);
    (error, 1.0 / (share(a).powi(2) / df_a + share(b).powi(2) / df_b))
}
