//! Where a file may come from, in the order it is looked for.

use std::fmt;
use std::path::{Path, PathBuf};

use flooding_core::context::Context;
use flooding_core::shown;
use reqwest::Url;

/// One place where a file may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An address.
    Url(String),
    /// A file in a mirror folder.
    File(PathBuf),
}

/// Without passwords.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(&shown::line(&shown::without_secrets(url))),
            Self::File(path) => f.write_str(&shown::path(path)),
        }
    }
}

/// The user's own mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// An address; a query stays behind each file's path.
    Url(Url),
    /// A folder.
    Folder(PathBuf),
}

/// A mirror that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the mirror `{mirror}` is not used: {problem}; name a folder, or an address that begins with http://, https:// or file://"
)]
pub struct BadMirror {
    /// As given, without passwords.
    pub mirror: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Mirror {
    /// The mirror of `--mirror` or `PIPELINE_MIRROR`; none where that is empty.
    pub fn of(context: &Context) -> Option<Result<Self, BadMirror>> {
        let mirror = context.mirror.as_deref()?;
        match mirror.to_str() {
            Some(text) if text.trim().is_empty() => None,
            Some(text) => Some(Self::parse(text)),
            // An address is text; a folder may have any name.
            None => Some(Ok(Self::Folder(mirror.into()))),
        }
    }

    /// Understands an address (`http`, `https`, `file`, in capitals or not) or the path of a folder, which may be missing.
    ///
    /// # Errors
    /// An address of another scheme, or one that is malformed.
    pub fn parse(text: &str) -> Result<Self, BadMirror> {
        let bad = |problem: &str| BadMirror {
            mirror: shown::line(&shown::without_secrets(text)),
            problem: problem.to_owned(),
        };
        let scheme = scheme(text).unwrap_or_default();
        match scheme.as_str() {
            "" => Ok(Self::Folder(PathBuf::from(text))),
            "http" | "https" => match Url::parse(text) {
                Ok(url) => Ok(Self::Url(url)),
                Err(error) => Err(bad(&format!("it is no address ({error})"))),
            },
            "file" => {
                let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
                path.map(Self::Folder).ok_or_else(|| bad("it names no folder of this machine"))
            }
            other => Err(bad(&format!("the scheme `{other}` is not supported"))),
        }
    }

    /// What is wrong with it before any file is looked for.
    pub fn problem(&self) -> Option<BadMirror> {
        match self {
            Self::Folder(path) if !path.is_dir() => {
                let problem = if path.exists() { "it is not a folder" } else { "there is no such folder" };
                // An address whose scheme was forgotten is a path, too.
                let mut mirror = shown::path(path);
                let host = mirror.find('/').unwrap_or(mirror.len());
                if let Some(at) = mirror[..host].rfind('@') {
                    mirror.replace_range(..at, "***");
                }
                Some(BadMirror { mirror, problem: problem.to_owned() })
            }
            _ => None,
        }
    }

    /// Where the mirror may have the file `name` of `dataset`: in a folder of the dataset's name, or directly. `name`
    /// may be a member's path in an archive; the member may then also lie without the archive's folders.
    pub fn candidates(&self, dataset: &str, name: &str) -> Vec<Source> {
        let mut paths = vec![format!("{dataset}/{name}"), name.to_owned()];
        if let Some((_, base)) = name.rsplit_once('/') {
            paths.extend([format!("{dataset}/{base}"), base.to_owned()]);
        }
        let sources = paths.iter().map(|path| match self {
            Self::Url(base) => Source::Url(below(base, path)),
            Self::Folder(folder) => Source::File(folder.join(Path::new(path))),
        });
        sources.collect()
    }
}

/// The scheme of what looks like an address, in lower case: letters before `://`, or `file:/`.
fn scheme(text: &str) -> Option<String> {
    let (scheme, rest) = text.trim_start().split_once(':')?;
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters);
    let scheme = scheme.to_ascii_lowercase();
    (named && (rest.starts_with("//") || (scheme == "file" && rest.starts_with('/')))).then_some(scheme)
}

/// The address of a file below an address, before its query.
fn below(base: &Url, path: &str) -> String {
    let mut url = base.clone();
    url.set_fragment(None);
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(mirror: &str) -> String {
        match Mirror::parse(mirror).unwrap().candidates("mnist", "a.gz").remove(0) {
            Source::Url(url) => url,
            Source::File(path) => path.display().to_string(),
        }
    }

    #[test]
    fn addresses_in_capitals_with_queries_and_of_files_are_understood() {
        assert_eq!(first("https://host/data"), "https://host/data/mnist/a.gz");
        assert_eq!(first("HTTP://host/data/"), "http://host/data/mnist/a.gz");
        assert_eq!(first("https://host/data?token=abc#x"), "https://host/data/mnist/a.gz?token=abc");
        assert_eq!(first("file:///data/sets"), "/data/sets/mnist/a.gz");
        assert_eq!(first("FILE:/data/with%20blank"), "/data/with blank/mnist/a.gz");
        assert_eq!(first("relative/folder"), "relative/folder/mnist/a.gz");
        assert_eq!(first("/data:x/y"), "/data:x/y/mnist/a.gz");
    }

    #[test]
    fn other_schemes_and_malformed_addresses_are_refused_by_name_without_their_password() {
        for (mirror, words) in [
            ("ftp://me:secret@host/data", "the scheme `ftp` is not supported"),
            ("S3://bucket", "the scheme `s3`"),
            ("https://me:secret@:80/", "no address"),
            ("http://", "no address"),
            ("file://otherhost/data", "no folder of this machine"),
        ] {
            let error = Mirror::parse(mirror).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("http://") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_empty_mirror_is_none() {
        for mirror in ["", "  "] {
            let context = Context { mirror: Some(mirror.into()), ..Context::default() };
            assert!(Mirror::of(&context).is_none());
        }
    }

    #[test]
    fn no_message_shows_the_password_of_a_mirror() {
        let mirror = Mirror::parse("https://me:secret@host/data?token=secret").unwrap();
        for source in mirror.candidates("mnist", "a.gz") {
            assert!(!source.to_string().contains("secret"), "{source}");
        }
    }
}
