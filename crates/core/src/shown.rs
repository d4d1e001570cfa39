//! Text that others wrote (names, paths, parts of files, answers of servers), made fit for a terminal: it must not move
//! the cursor, reorder the line, fill the screen or give a password away.

use std::fmt::Write as _;
use std::path::Path;

/// Characters of a value, or of a line of a parser's message.
const LINE: usize = 200;
/// Characters of a path; the longest path of Linux has 4,096 bytes.
const PATH: usize = 4096;
/// Characters of a whole message.
const MESSAGE: usize = 20_000;

/// One line of at most 200 characters, control characters escaped.
pub fn line(text: &str) -> String {
    bounded(text, LINE, true)
}

/// As [`line()`], line by line.
pub fn lines(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A path on one line, whatever its name holds.
pub fn path(path: &Path) -> String {
    bounded(&path.to_string_lossy(), PATH, true)
}

/// A message as it goes to a terminal: its own line breaks stay, everything else that would move the cursor is escaped.
pub fn message(text: &str) -> String {
    bounded(text, MESSAGE, false)
}

/// Text of any length, such as a table: escaped as a [`message`] is, and not cut.
pub fn text(text: &str) -> String {
    bounded(text, usize::MAX, false)
}

/// JSON whose strings hold no character that a terminal obeys; to a parser it is the same document.
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_obeyed(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The same text without what gives access: names and passwords before the `@` of an address, and its query.
pub fn without_secrets(text: &str) -> String {
    const ENDS: [char; 8] = [' ', '\n', '\t', '"', '\'', '`', '<', '>'];
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let address = &after[..after.find(ENDS).unwrap_or(after.len())];
        let mut public = address;
        if let Some(at) = end_of_credentials(address) {
            shown.push_str("***");
            public = &address[at..];
        }
        match public.find('?') {
            Some(query) if query + 1 < public.len() => {
                shown.push_str(&public[..=query]);
                shown.push_str("***");
                // What closes a sentence is not part of the query.
                let end = public.trim_end_matches([')', ',', ';', ':', '.']).len();
                shown.push_str(&public[end.max(query + 1)..]);
            }
            _ => shown.push_str(public),
        }
        rest = &after[address.len()..];
    }
    shown.push_str(rest);
    shown
}

/// Where the `@` stands that ends an address's user name and password; `address` begins after `://`.
fn end_of_credentials(address: &str) -> Option<usize> {
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    if authority.contains('@') {
        // A password with a slash in it ends at a later one.
        return address[..address.find(['?', '#']).unwrap_or(address.len())].rfind('@');
    }
    // What is no port is the beginning of a password with a character in it that should have been escaped.
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    if port.bytes().all(|b| b.is_ascii_digit()) || authority.ends_with(']') { None } else { address.rfind('@') }
}

fn bounded(text: &str, most: usize, one_line: bool) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == most {
            shown.push_str("...");
            break;
        }
        match c {
            '\n' if !one_line => shown.push(c),
            c if c.is_ascii_control() => shown.extend(c.escape_default()),
            c if is_obeyed(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Control characters, and those that reorder or break the line they stand in.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_or_reorder_the_line_is_escaped() {
        assert_eq!(line("red \u{1b}[31m\n\u{202e}\u{9b}"), "red \\u{1b}[31m\\n\\u{202e}\\u{9b}");
        assert_eq!(lines("one\ntwo \u{7}\nümlaut"), "one\ntwo \\u{7}\nümlaut");
        assert_eq!(message("a\nb\r\u{1b}[2J"), "a\nb\\r\\u{1b}[2J");
        assert_eq!(path(Path::new("a\nb.png")), "a\\nb.png");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(line(&"x".repeat(5000)), format!("{}...", "x".repeat(LINE)));
        assert!(message(&"x".repeat(400_000_000 / 1000)).len() < MESSAGE + 4);
        assert_eq!(text(&"x".repeat(30_000)).len(), 30_000);
    }

    #[test]
    fn json_without_control_characters_is_the_same_document() {
        let document = serde_json::json!({ "name": "a\u{9b}31m\u{202e}b\u{7f}\u{1b}", "猫": 1 });
        let shown = json(&serde_json::to_string_pretty(&document).unwrap());
        assert!(!shown.contains(|c: char| c != '\n' && is_obeyed(c)), "{shown:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), document);
    }

    #[test]
    fn user_names_passwords_and_queries_of_addresses_are_masked() {
        for (text, shown) in [
            ("https://me:secret@host.org/a?token=abc: 404", "https://***@host.org/a?***: 404"),
            (
                "tried HTTPS://secret@host (http://h/?k=v), http://h/x",
                "tried HTTPS://***@host (http://h/?***), http://h/x",
            ),
            ("socks5h://me:p@ss/w@proxy:1080", "socks5h://***@proxy:1080"),
            ("htps://me:secret@host", "htps://***@host"),
            ("http://me:a/b?c@host/f", "http://***@host/f"),
            ("https://host:80/@scope/a@b http://[::1]/a@b", "https://host:80/@scope/a@b http://[::1]/a@b"),
            ("`https://h/a?X-Sig=1&b=2` failed", "`https://h/a?***` failed"),
            ("no address, a@b.org, 1 ? 2", "no address, a@b.org, 1 ? 2"),
            ("https://host/path/file.gz", "https://host/path/file.gz"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
