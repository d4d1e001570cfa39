//! Names of settings as file names, anchors and LaTeX macros.

use flooding_core::digest::Digest;

/// A text as a file name or an HTML id: letters, digits, `-` and `_`; where that loses something, a few digits of the
/// text's digest keep different texts apart.
pub fn slug(text: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.chars().all(good) {
        return text.to_owned();
    }
    let kept: String = text.chars().map(|c| if good(c) { c } else { '-' }).collect();
    format!("{}-{}", kept.trim_matches('-'), &Digest::of(text.as_bytes()).as_str()[..6])
}

/// A text as part of a LaTeX macro's name, which may hold letters only: `cifar10-aug` is `CifarOneZeroAug`.
pub fn macro_name(text: &str) -> String {
    const DIGITS: [&str; 10] = ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
    let mut name = String::new();
    let mut start = true;
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            name.push(if start { c.to_ascii_uppercase() } else { c });
            start = false;
        } else {
            if let Some(digit) = c.to_digit(10) {
                name.push_str(DIGITS[digit as usize]);
            }
            start = true;
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_and_others_stay_apart() {
        assert_eq!(slug("spiral-high"), "spiral-high");
        assert_ne!(slug("a b"), slug("a&b"));
        assert!(slug("a_b & <c> %").starts_with("a_b---"), "{}", slug("a_b & <c> %"));
    }

    #[test]
    fn macro_names_hold_letters_only() {
        assert_eq!(macro_name("cifar10-aug"), "CifarOneZeroAug");
    }
}
