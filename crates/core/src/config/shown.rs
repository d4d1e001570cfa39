//! Text from a file, for a message on a terminal: it must not move the cursor, turn the line round, or fill the screen.

/// At most so many characters of a value, or of a line of the parser's message.
const LONGEST: usize = 200;

/// One line, cut, with control characters written out.
pub(super) fn line(text: &str) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push_str("...");
            break;
        }
        match c {
            // Overrides of the direction of writing make text read as another one.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.extend(c.escape_unicode()),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// As [`line`], line by line.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_or_turn_the_line_is_written_out() {
        assert_eq!(line("red \u{1b}[31m\n\u{202e}"), "red \\u{1b}[31m\\n\\u{202e}");
        assert_eq!(lines("one\ntwo \u{7}\nümlaut"), "one\ntwo \\u{7}\nümlaut");
    }

    #[test]
    fn long_lines_are_cut() {
        assert_eq!(line(&"x".repeat(5000)), format!("{}...", "x".repeat(LONGEST)));
    }
}
