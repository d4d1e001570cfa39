//! The modules of a crate stand on each other without a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which of the crate's top modules each of them names, tests inside the sources included.
fn imports(sources: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut folders = vec![sources.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(sources).unwrap().with_extension("");
            let module = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
            if ["lib", "main"].contains(&&*module) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
            let named = code.split("crate::").skip(1).map(|rest| {
                rest.chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_' || c.is_ascii_digit())
                    .collect::<String>()
            });
            let known = modules.entry(module.clone()).or_default();
            known.extend(named.filter(|name| !name.is_empty() && *name != module));
        }
    }
    modules
}

/// The modules that are left when those that stand on nothing that is left are taken away, again and again.
fn circle(mut modules: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let free: Vec<String> = modules
            .iter()
            .filter(|(_, on)| !on.iter().any(|m| modules.contains_key(m)))
            .map(|(m, _)| m.clone())
            .collect();
        if free.is_empty() {
            return modules;
        }
        for module in free {
            modules.remove(&module);
        }
    }
}

#[test]
fn no_module_of_the_engine_or_of_training_looks_up() {
    for name in ["engine", "train"] {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name).join("src");
        let modules = imports(&sources);
        assert!(modules.len() > 5, "{name}: {modules:?}");
        let left = circle(modules);
        assert!(left.is_empty(), "the crate `{name}` has a circle among these: {left:#?}");
    }
}

#[test]
fn a_circle_is_seen_whatever_stands_on_it() {
    let of = |on: &[&str]| on.iter().map(|m| (*m).to_owned()).collect::<BTreeSet<_>>();
    let modules = [("a", of(&["b"])), ("b", of(&["c"])), ("c", of(&["b"])), ("d", of(&[]))];
    let left = circle(modules.into_iter().map(|(m, on)| (m.to_owned(), on)).collect());
    assert_eq!(left.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
}
