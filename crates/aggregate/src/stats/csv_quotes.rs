//! Quotes by RFC 4180. The CSV reader takes whatever it is given, and a quote out of place swallows rows.

use super::StatsError;

/// Where a character stands within its field.
#[derive(Clone, Copy)]
enum At {
    Start,
    Bare,
    Quoted,
    /// Behind a quote inside a quoted field: its end, or the first half of a doubled quote.
    Closed,
}

/// Refuses a quote inside a field that does not begin with one, text behind a closing quote, and a quote that is never
/// closed; the error names line and character.
pub(super) fn check_quotes(text: &str) -> Result<(), StatsError> {
    let (mut line, mut character, mut at) = (1, 0, At::Start);
    let mut opened = (1, 1);
    let fault = |(line, character), fault| Err(StatsError::Quote { line, character, fault });
    for c in text.chars() {
        character += 1;
        at = match (at, c) {
            (At::Start, '"') => {
                opened = (line, character);
                At::Quoted
            }
            (At::Quoted, '"') => At::Closed,
            (At::Closed, '"') | (At::Quoted, _) => At::Quoted,
            (_, ',' | '\r' | '\n') => At::Start,
            (At::Closed, _) => {
                return fault(
                    (line, character),
                    "text behind a closing quote; double a quote that belongs to the text",
                );
            }
            (At::Bare, '"') => {
                let remedy = "a quote inside a field without quotes; put the field in quotes and double this one";
                return fault((line, character), remedy);
            }
            (At::Start | At::Bare, _) => At::Bare,
        };
        if c == '\n' {
            (line, character) = (line + 1, 0);
        }
    }
    match at {
        At::Quoted => fault(opened, "this quote is never closed"),
        _ => Ok(()),
    }
}
