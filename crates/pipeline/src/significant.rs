//! Numbers for people: at most six significant digits.

/// Six significant digits, without trailing zeros; powers of ten below 1e-4 and from 1e15 on.
pub fn significant(value: f64) -> String {
    rounded(value, 5)
}

/// A p-value in three significant digits.
pub fn p_value(p: f64) -> String {
    rounded(p, 2)
}

/// One digit before the point and `digits` behind it, in the shortest form.
fn rounded(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let Ok(rounded) = text.parse::<f64>() else { return text };
    // Rounding can carry to infinity at the end of the range.
    let rounded = if value.is_finite() && rounded.is_infinite() { value } else { rounded };
    if rounded == 0.0 {
        "0".to_owned()
    } else if !rounded.is_finite() || (1e-4..1e15).contains(&rounded.abs()) {
        format!("{rounded}")
    } else {
        format!("{rounded:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_at_most_six_digits_and_p_values_three() {
        assert_eq!(significant(0.1 + 0.2), "0.3");
        assert_eq!(significant(1.234_567_89), "1.23457");
        assert_eq!(significant(-123_456.7), "-123457");
        assert_eq!(significant(1.234_567_89e-7), "1.23457e-7");
        assert_eq!(significant(2.5e300), "2.5e300");
        assert_eq!(p_value(0.006_712), "0.00671");
        assert_eq!(p_value(6.712e-9), "6.71e-9");
        assert_eq!(p_value(1.0), "1");
    }
}
