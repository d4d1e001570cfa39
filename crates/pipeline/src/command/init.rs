//! `pipeline init`: a project in an empty folder.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::print;
use crate::cli::InitArgs;
use crate::exit::{Failure, Outcome};

/// The configuration and the published datasets, as this program was built with them.
const CONFIGURATION: [(&str, &str); 2] = [
    ("pipeline.toml", include_str!("../../../../pipeline.toml")),
    ("data/datasets.toml", include_str!("../../../../data/datasets.toml")),
];

pub fn run(args: &InitArgs) -> Result<Outcome, Failure> {
    let mut files: Vec<(PathBuf, &str)> =
        CONFIGURATION.iter().map(|(name, text)| (args.folder.join(name), *text)).collect();
    if args.templates {
        let folder = args.folder.join("templates");
        files.extend(flooding_render::TEMPLATES.iter().map(|(name, text)| (folder.join(name), *text)));
    }
    if let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        let problem =
            format!("{} is there already: nothing was written; remove it or name another folder", path.display());
        return Err(Failure::Usage(problem));
    }
    let mut text = String::new();
    for (path, contents) in &files {
        write(path, contents).map_err(|source| Failure::stage(WriteError { path: path.clone(), source }))?;
        text.push_str(&format!("{}\n", path.display()));
    }
    print(&text)?;
    Ok(Outcome::Done)
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}", path = path.display())]
struct WriteError {
    path: PathBuf,
    source: std::io::Error,
}

fn write(path: &Path, contents: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Never over what someone else wrote since it was looked for.
    fs::File::create_new(path)?.write_all(contents.as_bytes())
}
