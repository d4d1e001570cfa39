//! Command lines to print: complete, and quoted for a POSIX shell.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

/// A command line of this program, in the making.
#[derive(Clone, Debug)]
pub struct Command(Vec<OsString>);

impl Command {
    /// This program with its first arguments.
    pub fn new<const N: usize>(arguments: [&str; N]) -> Self {
        let mut words = vec![program()];
        words.extend(arguments.map(OsString::from));
        Self(words)
    }

    /// Adds an option and its value.
    pub fn option(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.flag(name);
        self.0.push(value.as_ref().to_owned());
        self
    }

    /// Adds an option without a value.
    pub fn flag(&mut self, name: &str) -> &mut Self {
        self.0.push(OsString::from(format!("--{name}")));
        self
    }

    /// The program and its arguments.
    pub fn words(&self) -> &[OsString] {
        &self.0
    }

    /// Adds where the project is, so that the command means the same in any folder.
    pub fn project(&mut self, config: &Path, data: Option<&Path>, reports: Option<&Path>) -> &mut Self {
        self.option("config", absolute(config));
        for (name, folder) in [("data", data), ("reports", reports)] {
            if let Some(folder) = folder {
                self.option(name, absolute(folder));
            }
        }
        self
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line(&self.0))
    }
}

/// A whole command line.
pub fn line(words: &[OsString]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// The program by the name under which it was started, with its folder where it is not on the search path.
fn program() -> OsString {
    let name = std::env::args_os().next().unwrap_or_else(|| "pipeline".into());
    let has_folder = Path::new(&name).components().count() > 1;
    if has_folder { absolute(Path::new(&name)) } else { name }
}

fn absolute(path: &Path) -> OsString {
    // Without a working folder there is nothing to make it absolute with.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).into_os_string()
}

/// One word. Bytes that are not text and control characters are written as `$'\x1b'`, which POSIX.1-2024 has.
pub fn quoted(word: &OsStr) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(char::is_control) => format!("'{}'", text.replace('\'', "'\\''")),
        _ => escaped(word),
    }
}

fn escaped(word: &OsStr) -> String {
    let mut text = String::from("$'");
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => text.extend(['\\', c]),
                c if c.is_control() => text.extend(c.to_string().bytes().map(octal)),
                c => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().copied().map(octal));
    }
    text + "'"
}

/// Three digits always: a hexadecimal escape would swallow a digit that follows it.
fn octal(byte: u8) -> String {
    format!("\\{byte:03o}")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn a_shell_reads_every_word_back_as_it_was() {
        let words: Vec<OsString> =
            ["plain-1.0", "", "two words", "it's", "$HOME `x` \"y\" \\n *", "Ünïcode 火", "--x=a,b"]
                .map(OsString::from)
                .into_iter()
                .chain([b"caf\xe9".to_vec(), b"a\nb\x1b[31m'\\7".to_vec(), b"\xff1".to_vec()].map(OsString::from_vec))
                .collect();
        let script = format!("printf '%s\\0' {}", line(&words));
        let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        let expected: Vec<u8> = words.iter().flat_map(|word| [word.as_encoded_bytes(), b"\0"].concat()).collect();
        assert_eq!(output.stdout, expected, "{script}");
        assert!(line(&words).bytes().all(|byte| byte >= b' '));
    }
}
