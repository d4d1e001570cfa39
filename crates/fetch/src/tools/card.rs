//! `pipeline data card`: what a dataset is, for people (Markdown) and for machines (Croissant).

use std::fmt::Write as _;

use flooding_core::store::Store;

use super::{croissant, histogram};
use crate::download::Grouped;
use crate::load::{Images, LoadError, load};
use crate::manifest::{Dataset, Entry, Manifest};

/// A dataset's card in both forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// For people.
    pub markdown: String,
    /// For machines: Croissant 1.1, a JSON-LD document.
    pub croissant: String,
}

/// What both forms tell.
pub(super) struct Facts<'a> {
    pub(super) dataset: &'a Dataset,
    /// Training and test images of each class; `None` while the files are not here.
    pub(super) counts: Option<[Vec<u32>; 2]>,
}

/// The card of a published dataset. Class counts are counted in the decoded files and left out while they are not
/// here; everything else is the manifest's.
///
/// # Errors
/// An unknown name, a user's own dataset (nobody else can fetch it), or files that are damaged.
pub fn card(name: &str, store: &Store, manifest: &Manifest) -> Result<Card, LoadError> {
    let Some(Entry::Published(dataset)) = manifest.get(name) else {
        let published = manifest.names().filter(|name| matches!(manifest.get(name), Some(Entry::Published(_))));
        let known = published.collect::<Vec<_>>().join(", ");
        return Err(LoadError::Unknown { dataset: name.to_owned(), known });
    };
    let counts = match load(name, store, manifest) {
        Ok(images) => Some(count(&images)),
        Err(LoadError::Unavailable { .. }) => None,
        Err(error) => return Err(error),
    };
    let facts = Facts { dataset, counts };
    Ok(Card { markdown: markdown(&facts), croissant: croissant::document(&facts) })
}

fn count(images: &Images) -> [Vec<u32>; 2] {
    [&images.train, &images.test].map(|set| histogram(&set.labels, images.classes.len()))
}

fn markdown(facts: &Facts<'_>) -> String {
    let dataset = facts.dataset;
    let [channels, height, width] = dataset.image;
    let mut text = format!("# {}\n\n{}\n\n", dataset.title, dataset.description);
    let mut row = |name: &str, value: &str| writeln!(text, "- **{name}**: {value}").expect("a string takes everything");
    row("Images", &format!("{} to train, {} to test", Grouped(dataset.train.into()), Grouped(dataset.test.into())));
    row("Size", &format!("{height} x {width} pixels, {}", if channels == 1 { "grey" } else { "red, green, blue" }));
    row("Classes", &dataset.classes.len().to_string());
    row("Homepage", &format!("<{}>", dataset.homepage));
    let licence = dataset.licence_url.as_ref().map_or_else(String::new, |url| format!(" (<{url}>)"));
    row("Licence", &format!("{}{licence}", dataset.licence));
    text.push_str("\n## Files\n\n| file | bytes | SHA-256 |\n|---|---:|---|\n");
    for file in &dataset.files {
        writeln!(text, "| `{}` | {} | `{}` |", file.name, Grouped(file.bytes), file.sha256).expect("as above");
        for member in &file.members {
            writeln!(text, "| &nbsp;&nbsp;`{}` | {} | `{}` |", member.name, Grouped(member.bytes), member.sha256)
                .expect("as above");
        }
    }
    text.push_str("\n## Classes\n\n");
    if let Some([train, test]) = &facts.counts {
        text.push_str("| label | class | training images | test images |\n|---:|---|---:|---:|\n");
        for (label, class) in dataset.classes.iter().enumerate() {
            let [train, test] = [train, test].map(|counts| Grouped(counts[label].into()));
            writeln!(text, "| {label} | {class} | {train} | {test} |").expect("as above");
        }
    } else {
        let classes: Vec<String> = dataset.classes.iter().enumerate().map(|(i, c)| format!("{i} {c}")).collect();
        writeln!(text, "{}\n\n(Images a class are counted once the files are here.)", classes.join(", "))
            .expect("as above");
    }
    write!(text, "\n## Citation\n\n```bibtex\n{}\n```\n", dataset.citation.trim()).expect("as above");
    text
}
