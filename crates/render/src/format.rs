//! Numbers as the report prints them.

use flooding_tables::{Interval, MeanStd};

/// What stands in a cell that has no number.
pub const NONE: &str = "–";

/// `92.13 (0.48)`; `92.13 (n = 1)` where one trial allows no deviation.
pub fn mean_std(value: MeanStd) -> String {
    match value.std {
        Some(std) => format!("{:.2} ({std:.2})", value.mean),
        None => format!("{:.2} (n = {})", value.mean, value.n),
    }
}

/// A number with its sign, as `+1.62` or `−0.30`.
pub fn signed(value: f64) -> String {
    let text = format!("{value:+.2}");
    if text == "-0.00" { "+0.00".to_owned() } else { text.replace('-', "−") }
}

/// `[+0.51, +2.73]`.
pub fn interval(interval: Interval) -> String {
    format!("[{}, {}]", signed(interval.low), signed(interval.high))
}

/// A p-value: three decimals, or an upper bound.
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// Four significant digits, in powers of ten where that is shorter.
pub fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let power = value.abs().log10().floor() as i32;
    if (-3..5).contains(&power) {
        return format!("{value:.*}", (3 - power).max(0) as usize).replace('-', "−");
    }
    let text = format!("{value:.3e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: String = power.chars().map(superscript).collect();
    format!("{}×10{power}", digits.replace('-', "−"))
}

const fn superscript(c: char) -> char {
    match c {
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        '-' => '⁻',
        other => other,
    }
}

/// Bytes with a unit.
pub fn bytes(count: u64) -> String {
    match count {
        0..=9_999 => format!("{count} B"),
        10_000..=9_999_999 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// `1 run`, `2 runs`.
pub fn count(number: u64, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trial_says_so_instead_of_a_deviation() {
        assert_eq!(mean_std(MeanStd { n: 10, mean: 92.134, std: Some(0.476) }), "92.13 (0.48)");
        assert_eq!(mean_std(MeanStd { n: 1, mean: 92.134, std: None }), "92.13 (n = 1)");
    }

    #[test]
    fn small_and_large_numbers_are_readable() {
        assert_eq!(significant(0.001_234_56), "0.001235");
        assert_eq!(significant(-1.234_56e-9), "−1.235×10⁻⁹");
        assert_eq!(significant(0.0), "0");
        assert_eq!(signed(-0.001), "+0.00");
    }
}
