//! Powers of two that keep squares and sums in range, and the rounding within which numbers count as equal.
//!
//! Multiplying by a power of two is exact, so results do not depend on the unit of the input: values near 1e-160 or
//! 1e155, whose squares do not exist in double precision, give the same p-values as values near 1.

/// Four units in the last place of a number of magnitude 1: what decimal input and one subtraction may lose.
const ULPS: f64 = 4.0 * f64::EPSILON;

/// The distance within which two numbers are equal, given the largest magnitude among the inputs.
pub(super) fn tolerance(largest: f64) -> f64 {
    ULPS * largest
}

/// The largest magnitude; 0 for no values.
pub(super) fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |largest, value| value.abs().max(largest))
}

/// Numbers divided by 2^exponent. A greater scale is one for greater numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scale {
    exponent: i32,
}

impl Scale {
    /// The scale on which `largest` lies in [1, 2); all numbers as they are if it is 0.
    pub fn unit(largest: f64) -> Self {
        Self { exponent: if largest == 0.0 { 0 } else { libm::ilogb(largest) } }
    }

    /// The scale on which `largest` lies in [2^400, 2^401): sums of a few such numbers stay finite, and numbers that
    /// are smaller by 2^1400 keep all their digits.
    pub fn joint(largest: f64) -> Self {
        Self { exponent: Self::unit(largest).exponent - 400 }
    }

    /// The joint scale of numbers up to one that is given on this scale; `None` if that is 0.
    pub fn joint_of(self, scaled: f64) -> Option<Self> {
        (scaled != 0.0).then(|| Self { exponent: Self::joint(scaled).exponent + self.exponent })
    }

    pub fn of(self, value: f64) -> f64 {
        libm::ldexp(value, -self.exponent)
    }

    pub fn all(self, values: &[f64]) -> Vec<f64> {
        values.iter().map(|value| self.of(*value)).collect()
    }

    /// The number that `scaled` stands for.
    pub fn back(self, scaled: f64) -> f64 {
        libm::ldexp(scaled, self.exponent)
    }

    /// A number on this scale, on another one.
    pub fn moved(self, scaled: f64, to: Self) -> f64 {
        libm::ldexp(scaled, self.exponent - to.exponent)
    }
}
