//! The tiny project, and the built binary over it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Run, tiny};

/// A tiny project.
pub struct Tiny(pub TempDir);

impl Tiny {
    pub fn new() -> Self {
        Self(tiny::project())
    }

    /// One whose runs are done.
    pub fn finished() -> Self {
        let project = Self::new();
        project.run(&[]).exits(0);
        project
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    pub fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("pipeline.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(self.path("pipeline.toml"), text.replacen(from, to, 1)).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        command.current_dir(self.0.path()).args(arguments).env_remove("PIPELINE_MIRROR").stdin(Stdio::null());
        command
    }

    pub fn pipeline(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().expect("the binary starts"))
    }

    pub fn run(&self, more: &[&str]) -> Run {
        self.pipeline(&[&tiny::RUN, more].concat())
    }

    /// Everything that must be the same however one got there.
    pub fn results(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        results_in(self.0.path())
    }

    /// The first file of this name below `folder`.
    pub fn find(&self, folder: &str, name: &str) -> PathBuf {
        let files = tiny::files(self.0.path()).into_iter();
        let mut matching = files.filter(|path| path.starts_with(folder) && path.ends_with(name));
        self.0.path().join(matching.next().unwrap_or_else(|| panic!("no {name} in {folder}")))
    }
}

/// The same of a project's folder, or of a part of one.
pub fn results_in(project: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_result = |path: &PathBuf| {
        !path.starts_with("data/claims")
            && !["provenance.json", "verified.json", ".lock"].iter().any(|name| path.file_name().unwrap() == *name)
    };
    let files = tiny::files(project).into_iter().filter(is_result);
    files.map(|path| (path.clone(), fs::read(project.join(path)).unwrap())).collect()
}
