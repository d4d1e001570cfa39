//! Opening and reading what should be a file. Whoever opens a pipe waits for its writer, perhaps for ever, and a device may
//! never end.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Serialize as _, Serializer};

use crate::memory;

/// Opens a file for reading; what merely has a file's place is refused by name. Links are followed.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    open_with(&mut File::options(), path, false)
}

/// As [`open`], and a link in the place of the file itself is refused.
pub fn open_no_link(path: &Path) -> io::Result<(File, Metadata)> {
    open_with(&mut File::options(), path, true)
}

/// Opens (or makes) a file that is read and written in place; a link in its place is refused.
pub fn open_in_place(path: &Path) -> io::Result<(File, Metadata)> {
    open_with(File::options().write(true).create(true).truncate(false), path, true)
}

fn open_with(options: &mut OpenOptions, path: &Path, refuse_link: bool) -> io::Result<(File, Metadata)> {
    // Looked at first, because opening a device can have side effects; and again when it is open, because a name
    // may have changed its meaning in between.
    let metadata = if refuse_link { fs::symlink_metadata(path) } else { fs::metadata(path) };
    match metadata {
        Ok(metadata) => check_kind(&metadata)?,
        // To be made, or to be told by opening.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Without waiting: a pipe that has taken the file's place since is then an error below.
        options.custom_flags(libc::O_NONBLOCK | if refuse_link { libc::O_NOFOLLOW } else { 0 });
    }
    let file = options.read(true).open(path)?;
    let metadata = file.metadata()?;
    check_kind(&metadata)?;
    Ok((file, metadata))
}

fn check_kind(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let what = match metadata {
        metadata if metadata.is_dir() => "a folder",
        metadata if metadata.is_symlink() => "a symbolic link",
        _ => "a pipe or a device",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a file")))
}

/// All bytes of a file, as many as it has when it is opened: one that is larger than the available memory is refused, and
/// so is one that grows meanwhile.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_at_most(path, u64::MAX)
}

/// As [`read`], of a file of at most `largest` bytes.
pub fn read_at_most(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open(path)?;
    if metadata.len() > largest {
        return Err(too_large(metadata.len(), largest));
    }
    read_opened(file, &metadata)
}

/// All bytes of a file that has just been opened.
pub fn read_opened(mut file: File, metadata: &Metadata) -> io::Result<Vec<u8>> {
    let size = metadata.len();
    let lacking = |error| io::Error::new(io::ErrorKind::OutOfMemory, error);
    memory::check(size).map_err(lacking)?;
    let mut bytes = memory::reserve(size.saturating_add(1)).map_err(lacking)?;
    // One byte more than there should be, so that a single read tells that the file ends there.
    bytes.resize(size as usize + 1, 0);
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if filled as u64 == size {
            break;
        }
    }
    if filled as u64 > size {
        return Err(io::Error::other(format!("it grew beyond {size} bytes while it was read")));
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The text of a file of at most `largest` bytes.
pub fn read_text(path: &Path, largest: u64) -> io::Result<String> {
    let (file, metadata) = open(path)?;
    let mut text = String::new();
    if metadata.len() > largest || file.take(largest + 1).read_to_string(&mut text)? as u64 > largest {
        return Err(too_large(metadata.len(), largest));
    }
    Ok(text)
}

/// Removes a file; `false` if it was not there (any more).
pub fn remove_if_there(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
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

fn too_large(size: u64, largest: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it has {size} bytes, more than {largest}"))
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

    #[test]
    fn a_file_larger_than_the_memory_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge");
        File::create(&path).unwrap().set_len(1 << 43).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("8796093022208 bytes of memory"), "{error}");
        fs::write(&path, "twelve bytes").unwrap();
        assert_eq!(read(&path).unwrap(), b"twelve bytes");
        assert!(read_at_most(&path, 11).unwrap_err().to_string().contains("more than 11"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_for_reading_and_refused_where_a_file_is_used_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(read(&link).unwrap(), b"precious");
        for opened in [open_no_link(&link), open_in_place(&link)] {
            assert!(opened.unwrap_err().to_string().contains("a symbolic link"));
        }
        assert!(open_in_place(&target).is_ok() && open_in_place(&folder.path().join("new")).is_ok());
    }
}
