//! Axes: ranges with round ticks, linear or logarithmic.

/// One axis of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows.
    pub label: String,
    /// Drawn range: of the values, or of their decimal logarithms.
    pub range: (f64, f64),
    /// Are the values drawn by their decimal logarithms?
    pub log: bool,
    /// Where ticks stand, in drawn coordinates, with their labels.
    pub ticks: Vec<(f64, String)>,
}

/// The least value that a logarithmic axis draws; smaller ones lie on its edge.
pub const LOG_FLOOR: f64 = 1e-6;

impl Axis {
    /// A linear axis that holds `values` with a margin of 4%, and about `count` ticks.
    pub fn linear(label: &str, values: impl IntoIterator<Item = f64>, count: usize) -> Self {
        let (low, high) = extent(values);
        let margin = 0.04 * (high - low);
        Self::between(label, low - margin, high + margin, count)
    }

    /// A linear axis from `low` to `high` exactly.
    pub fn between(label: &str, low: f64, high: f64, count: usize) -> Self {
        let step = round_step((high - low) / count.max(1) as f64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last)
            .map(|i| {
                let value = i as f64 * step;
                (value, format!("{value:.decimals$}"))
            })
            .collect();
        Self { label: label.to_owned(), range: (low, high), log: false, ticks }
    }

    /// A logarithmic axis that holds the positive ones of `values`.
    pub fn logarithmic(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let logs = values.into_iter().filter(|v| v.is_finite() && *v > 0.0).map(|v| v.max(LOG_FLOOR).log10());
        let (low, high) = extent(logs);
        let margin = 0.04 * (high - low);
        let (low, high) = (low - margin, high + margin);
        // Less than two decades: 1, 2, 5; else whole decades, thinned to at most seven.
        let within = if high - low < 2.0 { &[1.0, 2.0, 5.0][..] } else { &[1.0] };
        let decades = (low.floor() as i32)..=(high.ceil() as i32);
        let stride = (((high - low) / 7.0).ceil() as i32).max(1);
        let ticks = decades
            .filter(|d| d % stride == 0 || within.len() > 1)
            .flat_map(|d| within.iter().map(move |m| m * 10f64.powi(d)))
            .map(|value| (value.log10(), plain(value)))
            .filter(|(at, _)| (low..=high).contains(at))
            .collect();
        Self { label: label.to_owned(), range: (low, high), log: true, ticks }
    }

    /// A value in drawn coordinates.
    pub fn place(&self, value: f64) -> f64 {
        let at = if self.log { value.max(LOG_FLOOR).log10() } else { value };
        at.clamp(self.range.0, self.range.1)
    }
}

fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|v| v.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let least = (0.01 * high.abs()).max(1e-9);
    if high - low < least { (low - least, high + least) } else { (low, high) }
}

fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * power >= raw * 0.999).unwrap_or(10.0);
    step * power
}

fn plain(value: f64) -> String {
    if (0.001..10_000.0).contains(&value) {
        let decimals = (-value.log10().floor()).max(0.0) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("1e{}", value.log10().round())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn a_logarithmic_axis_of_less_than_a_decade_still_has_ticks() {
        assert_eq!(labels(&Axis::logarithmic("loss", [0.3, 0.9])), ["0.5"]);
        assert_eq!(labels(&Axis::logarithmic("loss", [0.15, 2.5])), ["0.2", "0.5", "1", "2"]);
    }

    #[test]
    fn linear_ticks_are_round_and_inside() {
        assert_eq!(labels(&Axis::between("b", 0.0, 0.5, 5)), ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
    }

    #[test]
    fn constant_and_missing_values_still_make_an_axis() {
        assert!(Axis::linear("x", [100.0, 100.0], 4).range.0 < 100.0);
        assert_eq!(Axis::logarithmic("x", [f64::NAN, 0.0]).range.0, -0.04);
    }
}
