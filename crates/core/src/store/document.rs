//! JSON documents that carry their kind, their format's version and their own digest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Layout, Store, StoreError, readable};
use crate::digest::Digest;
use crate::files;

/// A type that is stored as a separate document.
pub trait Document: Serialize + DeserializeOwned {
    /// What the document is, such as `run-record`.
    const KIND: &'static str;
    /// Raised when the shape changes; older versions are refused by name.
    const VERSION: u32;

    /// Digests of the files whose checksums the document records, by their path in its own folder.
    fn files(&self) -> BTreeMap<String, Digest> {
        BTreeMap::new()
    }

    /// Why the document does not belong at `path`; `None` where it does, or may be anywhere.
    fn misplaced(&self, _layout: &Layout, _path: &Path) -> Option<String> {
        None
    }
}

/// What a document is, and in which version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// [`Document::KIND`].
    pub name: &'static str,
    /// [`Document::VERSION`].
    pub version: u32,
}

impl Kind {
    /// That of a type.
    pub const fn of<T: Document>() -> Self {
        Self { name: T::KIND, version: T::VERSION }
    }
}

/// What can be asked of a document of a registered type by someone who does not know the type.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// The kind of the type's documents.
    pub kind: Kind,
    inspect: fn(&[u8], &Path, &Layout) -> Result<Inspected, DocumentError>,
}

/// What a document says of itself and its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// [`Document::files`].
    pub files: BTreeMap<String, Digest>,
    /// [`Document::misplaced`].
    pub misplaced: Option<String>,
}

impl Registered {
    /// Registers a type.
    pub const fn of<T: Document>() -> Self {
        Self { kind: Kind::of::<T>(), inspect: inspect::<T> }
    }

    /// Reads the bytes of a document of this kind, as its type does; an error where they are not such a document.
    pub fn inspect(&self, bytes: &[u8], path: &Path, layout: &Layout) -> Result<Inspected, DocumentError> {
        (self.inspect)(bytes, path, layout)
    }
}

fn inspect<T: Document>(bytes: &[u8], path: &Path, layout: &Layout) -> Result<Inspected, DocumentError> {
    let document: T = parse_document(bytes, path)?;
    Ok(Inspected { files: document.files(), misplaced: document.misplaced(layout, path) })
}

/// Why a document cannot be used; always names the path.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The store could not read or write it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not JSON, or not of the shape that its version promises.
    #[error("{path}: not a valid {kind}: {source}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
        /// The parser's word.
        source: serde_json::Error,
    },
    /// The body is not the one that was written.
    #[error("{path}: damaged: its body's SHA-256 is {found}, its header says {expected}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// According to the header.
        expected: Digest,
        /// Of the bytes that are there.
        found: Digest,
    },
    /// What stands around the body is not what was written.
    #[error("{path}: damaged: its header is not as it was written", path = path.display())]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// No document of ours is so large.
    #[error("{path}: {bytes} bytes are more than any document of this project has: remove it", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Another kind of document, or another version of it.
    #[error("{path}: holds {found}, and this version reads {expected}: move it away or use the version that wrote it", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Kind and version that this code reads.
        expected: String,
        /// Kind and version of the file.
        found: String,
    },
}

/// A document whose type is not known beforehand.
#[derive(Clone, Debug, PartialEq)]
pub struct AnyDocument {
    /// What it is.
    pub kind: String,
    /// Its format's version.
    pub version: u32,
    /// What it says.
    pub body: serde_json::Value,
}

/// No document is as large as this; a larger file is not read into memory to find that out.
const LARGEST: u64 = 1 << 31;

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    kind: String,
    version: u32,
    sha256: Digest,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl Envelope<'_> {
    /// Is the body the one that was written, and is there nothing around it but the header? So no changed byte goes
    /// unnoticed, not even one that leaves the meaning of the JSON as it was.
    fn check(&self, path: &Path, file: &[u8]) -> Result<(), DocumentError> {
        let body = self.body.get();
        let found = Digest::of(body.as_bytes());
        if found != self.sha256 {
            return Err(DocumentError::Damaged { path: path.to_owned(), expected: self.sha256.clone(), found });
        }
        let whole = || Some(file.strip_prefix(self.header()?.as_bytes())?.strip_prefix(body.as_bytes())? == b"}\n");
        if whole() == Some(true) { Ok(()) } else { Err(DocumentError::Altered { path: path.to_owned() }) }
    }

    /// Everything before the body, as `write_document` writes it.
    fn header(&self) -> Option<String> {
        let (version, sha256) = (self.version, &self.sha256);
        let kind = serde_json::to_string(&self.kind).ok()?;
        Some(format!(r#"{{"kind":{kind},"version":{version},"sha256":"{sha256}","body":"#))
    }
}

/// Checks the bytes of a document and takes its body; `path` is for messages.
pub fn parse_document<T: Document>(bytes: &[u8], path: &Path) -> Result<T, DocumentError> {
    let malformed = |source| DocumentError::Malformed { path: path.to_owned(), kind: T::KIND, source };
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(malformed)?;
    if (envelope.kind.as_str(), envelope.version) != (T::KIND, T::VERSION) {
        return Err(DocumentError::Foreign {
            path: path.to_owned(),
            expected: format!("{} of version {}", T::KIND, T::VERSION),
            found: format!("{} of version {}", envelope.kind, envelope.version),
        });
    }
    envelope.check(path, bytes)?;
    serde_json::from_str(envelope.body.get()).map_err(malformed)
}

/// The body of a sound document of this type and its digest, by the text alone: to look at many documents without reading
/// each as JSON.
///
/// # Errors
/// Bytes that this version would not write; then it is the digest of all of them, which tells them from others as well.
pub fn document_body<T: Document>(bytes: &[u8]) -> Result<(&[u8], Digest), Digest> {
    let header = format!(r#"{{"kind":"{}","version":{},"sha256":""#, T::KIND, T::VERSION);
    let sound = || {
        let (sha256, rest) = bytes.strip_prefix(header.as_bytes())?.split_at_checked(64)?;
        let body = rest.strip_prefix(br#"","body":"#)?.strip_suffix(b"}\n")?;
        let digest = Digest::of(body);
        (digest.as_str().as_bytes() == sha256).then_some((body, digest))
    };
    sound().ok_or_else(|| Digest::of(bytes))
}

/// As [`parse_document`], for a document whose type is not known beforehand.
pub fn parse_any_document(bytes: &[u8], path: &Path) -> Result<AnyDocument, DocumentError> {
    let malformed = |source| DocumentError::Malformed { path: path.to_owned(), kind: "document", source };
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(malformed)?;
    envelope.check(path, bytes)?;
    let body = serde_json::from_str(envelope.body.get()).map_err(malformed)?;
    Ok(AnyDocument { kind: envelope.kind, version: envelope.version, body })
}

/// The bytes of a document: a header that lets any reader check it, and the value. `path` is for messages.
pub fn document_bytes<T: Document>(path: &Path, value: &T) -> Result<Vec<u8>, DocumentError> {
    let malformed = |source| DocumentError::Malformed { path: path.to_owned(), kind: T::KIND, source };
    let body = serde_json::to_string(value).map_err(malformed)?;
    let sha256 = Digest::of(body.as_bytes());
    let body = RawValue::from_string(body).map_err(malformed)?;
    let envelope = Envelope { kind: T::KIND.to_owned(), version: T::VERSION, sha256, body: &body };
    let mut text = serde_json::to_string(&envelope).map_err(malformed)?;
    text.push('\n');
    Ok(text.into_bytes())
}

impl Store {
    /// Writes `value` with a header that lets any reader check it; returns the digest of the whole file.
    pub fn write_document<T: Document>(&self, path: &Path, value: &T) -> Result<Digest, DocumentError> {
        Ok(self.write(path, &document_bytes(path, value)?)?)
    }

    /// Reads and checks a document; `None` where there is none.
    pub fn read_document<T: Document>(&self, path: &Path) -> Result<Option<T>, DocumentError> {
        self.read_document_bytes(path)?.map(|bytes| parse_document(&bytes, path)).transpose()
    }

    /// Reads and checks a document of any kind and version; `None` where there is none.
    pub fn read_any_document(&self, path: &Path) -> Result<Option<AnyDocument>, DocumentError> {
        self.read_document_bytes(path)?.map(|bytes| parse_any_document(&bytes, path)).transpose()
    }

    /// The bytes of a document, which no document's size exceeds; `None` where there is none.
    pub fn read_document_bytes(&self, path: &Path) -> Result<Option<Vec<u8>>, DocumentError> {
        let Some((file, metadata)) = readable(path, files::open(path))? else { return Ok(None) };
        if metadata.len() > LARGEST {
            return Err(DocumentError::TooLarge { path: path.to_owned(), bytes: metadata.len() });
        }
        Ok(readable(path, files::read_opened(file, &metadata))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        text: String,
        number: f64,
    }

    impl Document for Note {
        const KIND: &'static str = "note";
        const VERSION: u32 = 1;
    }

    fn written() -> (tempfile::TempDir, Store, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
        let path = store.layout().data().join("note.json");
        store.write_document(&path, &Note { text: "b & <c>".into(), number: 0.1 }).unwrap();
        (folder, store, path)
    }

    #[test]
    fn a_document_reads_back_as_it_was_written() {
        let (_folder, store, path) = written();
        let note: Note = store.read_document(&path).unwrap().unwrap();
        assert_eq!(note, Note { text: "b & <c>".into(), number: 0.1 });
    }

    #[test]
    fn one_changed_byte_of_the_body_is_detected() {
        let (_folder, store, path) = written();
        let text = String::from_utf8(store.read(&path).unwrap().unwrap()).unwrap();
        store.write(&path, text.replace("0.1", "0.2").as_bytes()).unwrap();
        assert!(matches!(store.read_document::<Note>(&path), Err(DocumentError::Damaged { .. })));
    }

    #[test]
    fn a_document_of_any_kind_is_checked_without_knowing_its_type() {
        let (_folder, store, path) = written();
        let document = store.read_any_document(&path).unwrap().unwrap();
        assert_eq!((document.kind.as_str(), document.version), ("note", 1));
        assert_eq!(document.body["number"], 0.1);
        let text = String::from_utf8(store.read(&path).unwrap().unwrap()).unwrap();
        store.write(&path, text.replace("0.1", "0.2").as_bytes()).unwrap();
        assert!(matches!(store.read_any_document(&path), Err(DocumentError::Damaged { .. })));
    }

    #[test]
    fn a_file_of_absurd_size_is_refused_without_reading_it() {
        let (_folder, store, path) = written();
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(matches!(store.read_document::<Note>(&path), Err(DocumentError::TooLarge { .. })));
    }

    #[test]
    fn every_changed_byte_and_every_missing_one_is_detected() {
        let (_folder, store, path) = written();
        let whole = store.read(&path).unwrap().unwrap();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                std::fs::write(&path, &changed).unwrap();
                assert!(store.read_document::<Note>(&path).is_err(), "bit {bit} of byte {at}");
            }
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(store.read_document::<Note>(&path).is_err(), "{at} bytes");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_in_the_place_of_a_document_is_an_error_not_a_wait() {
        let (_folder, store, path) = written();
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let error = store.read_document::<Note>(&path).unwrap_err().to_string();
        assert!(error.contains("it is not a file"), "{error}");
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let (_folder, store, path) = written();
        let text = String::from_utf8(store.read(&path).unwrap().unwrap()).unwrap();
        store.write(&path, text.replace("\"version\":1", "\"version\":7").as_bytes()).unwrap();
        let error = store.read_document::<Note>(&path).unwrap_err().to_string();
        assert!(error.contains("note of version 7"), "{error}");
    }
}
