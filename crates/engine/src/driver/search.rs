//! Where CUDA's libraries are looked for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The names and paths to try, in this order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) paths: Vec<PathBuf>,
    /// Why `CUDA_PATH` is not among them, where it is set and is not.
    pub(crate) ignored: Option<String>,
}

impl Places {
    /// Of a library with these names: where the loader looks, then in the toolkit that `CUDA_PATH` names, then in the usual
    /// one. A path from the working folder is not among them: whoever may write there would choose the code that runs.
    pub(crate) fn of(names: &[&str], cuda_path: Option<&OsStr>) -> Self {
        let toolkit = cuda_path.map(Path::new);
        let ignored = toolkit.filter(|path| !path.is_absolute()).map(|path| match path.to_str() {
            Some("") => "CUDA_PATH is empty and ignored".to_owned(),
            _ => format!("CUDA_PATH={} is ignored, because it is not an absolute path", path.display()),
        });
        let absolute = toolkit.filter(|path| path.is_absolute()).map(|path| path.join("lib64"));
        let folders = [PathBuf::new()].into_iter().chain(absolute).chain([PathBuf::from("/usr/local/cuda/lib64")]);
        let paths = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))).collect();
        Self { paths, ignored }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(cuda_path: Option<&str>) -> (Vec<String>, Option<String>) {
        let Places { paths, ignored } = Places::of(&["libcuda.so.1", "libcuda.so"], cuda_path.map(OsStr::new));
        (paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect(), ignored)
    }

    #[test]
    fn the_loader_is_asked_first_then_the_named_toolkit_then_the_usual_one() {
        let (paths, ignored) = places(Some("/opt/cuda"));
        let expected = [
            "libcuda.so.1",
            "libcuda.so",
            "/opt/cuda/lib64/libcuda.so.1",
            "/opt/cuda/lib64/libcuda.so",
            "/usr/local/cuda/lib64/libcuda.so.1",
            "/usr/local/cuda/lib64/libcuda.so",
        ];
        assert_eq!((&*paths, ignored), (&expected.map(str::to_owned)[..], None));
    }

    #[test]
    fn an_empty_or_relative_cuda_path_leads_nowhere_and_is_named() {
        for (path, why) in [
            ("", "CUDA_PATH is empty and ignored"),
            ("cuda", "CUDA_PATH=cuda is ignored, because it is not an absolute path"),
            ("./cuda", "CUDA_PATH=./cuda is ignored, because it is not an absolute path"),
        ] {
            let (paths, ignored) = places(Some(path));
            assert_eq!((&paths, ignored.as_deref()), (&places(None).0, Some(why)));
            assert!(paths.iter().all(|path| path.starts_with('/') || !path.contains('/')), "{paths:?}");
        }
        assert_eq!(places(None).1, None);
    }
}
