//! A project in a temporary folder, and the built binary over it.

// Each test file uses its own part of this.
#![allow(dead_code)]
// A skipped test says so.
#![allow(clippy::print_stderr)]

pub mod cli;
pub mod forge;
#[cfg(unix)]
pub mod reference;
#[cfg(unix)]
pub mod slurm;
pub mod tiny;
#[cfg(unix)]
pub mod watched;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A copy of the tracked configuration with its own `data/` and `reports/`.
pub struct Project {
    folder: TempDir,
}

impl Project {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy_configuration(folder.path());
        Self { folder }
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    pub fn edit(&self, relative: &str, from: &str, to: &str) {
        let text = self.read(relative);
        assert!(text.contains(from), "{relative} does not say {from:?}");
        fs::write(self.path(relative), text.replacen(from, to, 1)).unwrap();
    }

    /// The binary, in this project's folder, with nothing of the caller's environment that it would look at.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        command.current_dir(self.folder.path()).args(arguments).env_remove("PIPELINE_MIRROR").env_remove("NO_COLOR");
        command
    }

    pub fn pipeline(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().expect("the binary starts"))
    }

    /// The whole smoke profile without any network: MNIST is left out.
    pub fn smoke(&self, more: &[&str]) -> Run {
        self.pipeline(&[&["run", "--profile", "smoke", "--offline"], more].concat())
    }

    /// Every file below `folders` with its bytes, without those that say who ran what when.
    pub fn results(&self, folders: &[&str]) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for folder in folders {
            collect(&self.path(folder), self.folder.path(), &mut files);
        }
        files
    }
}

/// Copies the tracked configuration into an empty folder.
pub fn copy_configuration(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::create_dir(folder.join("data")).unwrap();
    for file in ["pipeline.toml", "data/datasets.toml"] {
        fs::copy(root.join(file), folder.join(file)).unwrap();
    }
}

fn collect(folder: &Path, root: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, root, files);
        } else if path.file_name().is_none_or(|name| name != "provenance.json") {
            files.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}

/// What a run of the binary said and how it ended.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            let said = self.stdout.contains(word) || self.stderr.contains(word);
            assert!(said, "does not say {word:?}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        }
        self
    }
}

/// The folder of real data; `None` (and a word about it) where there is none.
pub fn real_data() -> Option<PathBuf> {
    match std::env::var_os("PIPELINE_TEST_DATA") {
        Some(folder) => Some(PathBuf::from(folder)),
        None if std::env::var_os("PIPELINE_REQUIRE_TEST_DATA").is_some() => panic!("PIPELINE_TEST_DATA is not set"),
        None => {
            eprintln!("skipped: PIPELINE_TEST_DATA is not set");
            None
        }
    }
}

/// The same files with the same bytes; names the first one that differs.
#[track_caller]
pub fn assert_same(left: &BTreeMap<PathBuf, Vec<u8>>, right: &BTreeMap<PathBuf, Vec<u8>>) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    assert!(!left.is_empty());
    for (path, bytes) in left {
        assert!(bytes == &right[path], "{} differs", path.display());
    }
}
