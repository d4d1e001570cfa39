//! The little of CSV that the report's data files need (RFC 4180).

use flooding_core::spreadsheet::inert;

/// A field, quoted where it must be, and never a formula.
pub fn field(text: &str) -> String {
    let text = inert(text);
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
}

/// A line of fields with its end.
pub fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = fields.into_iter().map(field).collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_quotes_are_quoted() {
        assert_eq!(line(["a", "b, c", "d \"e\""]), "a,\"b, c\",\"d \"\"e\"\"\"\n");
    }

    #[test]
    fn no_field_is_a_formula_and_negative_numbers_stay_numbers() {
        assert_eq!(line(["=1+1", "-0.5", "@x,y"]), "'=1+1,-0.5,\"'@x,y\"\n");
    }
}
