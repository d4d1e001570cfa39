//! Opening what should be a file. Whoever opens a pipe waits for its writer, perhaps for ever, and a device may never end.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Serialize as _, Serializer};

/// Opens a file, and nothing that merely has a file's place.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a file")));
    }
    let file = File::open(path)?;
    Ok((file, metadata))
}

/// The text of a file of at most so many bytes.
pub fn read_text(path: &Path, largest: u64) -> io::Result<String> {
    let (file, metadata) = open(path)?;
    let mut text = String::new();
    if metadata.len() > largest || file.take(largest + 1).read_to_string(&mut text)? as u64 > largest {
        let problem = format!("it has {} bytes, more than {largest}", metadata.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(text)
}

/// A path as text for JSON. What is not UTF-8 in it becomes U+FFFD: a result must not be lost because of a file's name.
///
/// # Errors
/// The serializer's own.
pub fn serialize_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    path.to_string_lossy().serialize(serializer)
}

/// As [`serialize_path`], for many.
///
/// # Errors
/// The serializer's own.
pub fn serialize_paths<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_device_are_not_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(open(folder.path()).unwrap_err().to_string().contains("a folder"));
        #[cfg(unix)]
        assert!(read_text(Path::new("/dev/zero"), 10).unwrap_err().to_string().contains("a device"));
    }

    #[test]
    fn a_text_is_read_up_to_its_limit_and_refused_beyond_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "twelve bytes").unwrap();
        assert_eq!(read_text(&path, 12).unwrap(), "twelve bytes");
        assert!(read_text(&path, 11).unwrap_err().to_string().contains("12 bytes, more than 11"));
    }
}
