//! What a folder of class folders holds: the images that are used, and everything that is not, by reason.

use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};

use flooding_core::shown;
use serde::Serialize;

/// Examples that are named of each reason.
const NAMED: usize = 3;
/// Files in a folder that is left out are counted up to here.
const COUNTED: u64 = 100_000;

/// Something that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Why, as a key for programs.
    pub reason: Reason,
    /// How many files and folders.
    pub count: u64,
    /// Files inside those of them that are folders; counting stops at 100,000.
    pub files_within: u64,
    /// The first few, in the order of their names.
    pub examples: Vec<String>,
}

/// Why something in a user's folders is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Images of another format than PNG.
    OtherFormat,
    /// A class folder or an image whose name is not UTF-8.
    NameNotUtf8,
    /// A link that leads nowhere.
    DanglingLink,
    /// A folder inside a class folder.
    NestedFolder,
    /// A pipe, a socket or a device.
    NotAFile,
    /// A PNG file beside the class folders.
    BesideTheClasses,
    /// The name begins with a dot.
    Hidden,
    /// The folder `__MACOSX` of a zip archive made on a Mac.
    MacOsx,
    /// The file name has no image ending.
    NotAnImage,
}

impl Reason {
    const fn what(self) -> (&'static str, &'static str) {
        match self {
            Self::OtherFormat => ("of another image format", "convert to PNG"),
            Self::NameNotUtf8 => ("whose name is not UTF-8", "rename"),
            Self::DanglingLink => ("that is a link to nowhere", "restore what it leads to, or remove the link"),
            Self::NestedFolder => {
                ("that is a folder inside a class folder", "move its images up into the class folder")
            }
            Self::NotAFile => ("that is a pipe, a socket or a device", "remove"),
            Self::BesideTheClasses => ("that is an image outside the class folders", "move into its class's folder"),
            Self::Hidden => ("whose name begins with a dot", "rename if it is an image of the dataset"),
            Self::MacOsx => ("that a Mac's zip archive adds", "remove"),
            Self::NotAnImage => ("whose name has no image ending", "give an image the ending .png"),
        }
    }
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, remedy) = self.reason.what();
        write!(f, "not used: {} {what}", self.count)?;
        if self.files_within > 0 {
            let more = if self.files_within >= COUNTED { "at least " } else { "" };
            write!(f, " ({more}{} files in it)", self.files_within)?;
        }
        let rest = self.count - self.examples.len() as u64;
        write!(f, ": {}", self.examples.join(", "))?;
        if rest > 0 {
            write!(f, " and {rest} more")?;
        }
        write!(f, " ({remedy})")
    }
}

/// Collects what is left out.
#[derive(Default)]
pub(super) struct Remainder(Vec<LeftOut>);

impl Remainder {
    fn add(&mut self, reason: Reason, path: &Path, is_folder: bool) {
        let at = self.0.iter().position(|left| left.reason == reason).unwrap_or_else(|| {
            self.0.push(LeftOut { reason, count: 0, files_within: 0, examples: Vec::new() });
            self.0.len() - 1
        });
        let left = &mut self.0[at];
        left.count += 1;
        if is_folder {
            left.files_within = (left.files_within + files_below(path)).min(COUNTED);
        }
        if left.examples.len() < NAMED {
            left.examples.push(shown::path(path));
        }
    }

    /// One entry a reason, in the order of the reasons.
    pub(super) fn into_list(mut self) -> Vec<LeftOut> {
        self.0.sort_by_key(|left| left.reason);
        self.0
    }
}

/// A class: its folder's name, and the names of its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClassNames {
    pub(super) name: String,
    pub(super) images: Vec<String>,
}

/// The classes of a folder in the order of their names, each with its images likewise.
pub(super) fn classes(folder: &Path, remainder: &mut Remainder) -> io::Result<Vec<ClassNames>> {
    let mut classes = Vec::new();
    for entry in sorted(folder)? {
        let path = entry.path();
        match kind(&entry)? {
            Kind::Folder => match entry.file_name().to_str() {
                None => remainder.add(Reason::NameNotUtf8, &path, true),
                Some("__MACOSX") => remainder.add(Reason::MacOsx, &path, true),
                Some(name) if name.starts_with('.') => remainder.add(Reason::Hidden, &path, true),
                Some(name) => classes.push(ClassNames { name: name.to_owned(), images: images(&path, remainder)? }),
            },
            Kind::File if ending(&path) == Ending::Png => remainder.add(Reason::BesideTheClasses, &path, false),
            other => leave(other, &path, remainder),
        }
    }
    Ok(classes)
}

/// The names of the PNG files in a class's folder, sorted.
fn images(folder: &Path, remainder: &mut Remainder) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in sorted(folder)? {
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        match kind(&entry)? {
            Kind::Folder if !hidden => remainder.add(Reason::NestedFolder, &path, true),
            Kind::File if !hidden && ending(&path) == Ending::Png => match entry.file_name().into_string() {
                Ok(name) => names.push(name),
                Err(_) => remainder.add(Reason::NameNotUtf8, &path, false),
            },
            other => leave(other, &path, remainder),
        }
    }
    Ok(names)
}

/// Something that is not used wherever it lies.
fn leave(kind: Kind, path: &Path, remainder: &mut Remainder) {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let reason = match kind {
        Kind::Dangling => Reason::DanglingLink,
        Kind::Special => Reason::NotAFile,
        _ if hidden => Reason::Hidden,
        Kind::File if ending(path) == Ending::OtherImage => Reason::OtherFormat,
        Kind::File | Kind::Folder => Reason::NotAnImage,
    };
    remainder.add(reason, path, matches!(kind, Kind::Folder));
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Folder,
    Special,
    Dangling,
}

/// What an entry is, links followed.
fn kind(entry: &DirEntry) -> io::Result<Kind> {
    let of = |kind: FileType| match kind {
        kind if kind.is_dir() => Kind::Folder,
        kind if kind.is_file() => Kind::File,
        _ => Kind::Special,
    };
    let own = entry.file_type()?;
    if !own.is_symlink() {
        return Ok(of(own));
    }
    // Circles of links lead nowhere too.
    Ok(fs::metadata(entry.path()).map_or(Kind::Dangling, |metadata| of(metadata.file_type())))
}

#[derive(PartialEq, Eq)]
enum Ending {
    Png,
    OtherImage,
    Other,
}

fn ending(path: &Path) -> Ending {
    const OTHERS: [&str; 18] = [
        "jpg", "jpeg", "jpe", "jfif", "gif", "bmp", "tif", "tiff", "webp", "ppm", "pgm", "pbm", "avif", "heic", "heif",
        "svg", "tga", "jp2",
    ];
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("png") => Ending::Png,
        Some(ending) if OTHERS.contains(&ending) => Ending::OtherImage,
        _ => Ending::Other,
    }
}

fn sorted(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable_by_key(DirEntry::file_name);
    Ok(entries)
}

/// Files below a folder, links not followed; what cannot be listed counts as empty.
fn files_below(folder: &Path) -> u64 {
    let mut count = 0;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else {
                count += 1;
            }
            if count >= COUNTED {
                return count;
            }
        }
    }
    count
}
