//! Croissant 1.1 (<https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html>): the files with their digests,
//! the splits and the classes with their counts.

use serde_json::{Value, json};

use super::card::Facts;
use crate::manifest::PublishedFile;

pub(super) fn document(facts: &Facts<'_>) -> String {
    let dataset = facts.dataset;
    let mut distribution = Vec::new();
    for file in &dataset.files {
        distribution.push(file_object(file, &dataset.mirrors));
        for member in &file.members {
            distribution.push(json!({
                "@type": "cr:FileObject",
                "@id": member.name,
                "name": member.name,
                "containedIn": { "@id": file.name },
                "contentUrl": member.name,
                "contentSize": format!("{} B", member.bytes),
                "encodingFormat": "application/octet-stream",
                "sha256": member.sha256,
            }));
        }
    }
    let mut document = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": dataset.name,
        "alternateName": dataset.title,
        "description": dataset.description,
        "url": dataset.homepage,
        "license": dataset.licence_url.as_ref().unwrap_or(&dataset.licence),
        "citeAs": dataset.citation.trim(),
        "version": "1.0.0",
        "distribution": distribution,
        "recordSet": [splits(facts), classes(facts)],
    });
    if let Some(date) = published(&dataset.citation) {
        document["datePublished"] = date.into();
    }
    serde_json::to_string_pretty(&document).expect("plain JSON") + "\n"
}

fn file_object(file: &PublishedFile, mirrors: &[String]) -> Value {
    let format = match file.name.rsplit('.').next() {
        Some("gz") => "application/gzip",
        Some("mat") => "application/x-matlab-data",
        _ => "application/octet-stream",
    };
    json!({
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": mirrors.first().map_or_else(|| file.name.clone(), |base| format!("{base}{}", file.name)),
        "contentSize": format!("{} B", file.bytes),
        "encodingFormat": format,
        "sha256": file.sha256,
    })
}

fn splits(facts: &Facts<'_>) -> Value {
    let dataset = facts.dataset;
    json!({
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The original training and test sets.",
        "dataType": "cr:Split",
        "key": { "@id": "splits/name" },
        "field": [
            field("splits/name", "sc:Text", "Name of the split."),
            field("splits/images", "sc:Integer", "Number of images."),
        ],
        "data": [
            { "splits/name": "train", "splits/images": dataset.train },
            { "splits/name": "test", "splits/images": dataset.test },
        ],
    })
}

/// The classes, with how many images each has where the files are here to be counted.
fn classes(facts: &Facts<'_>) -> Value {
    let mut fields = vec![
        field("classes/label", "sc:Integer", "The label, from 0."),
        field("classes/name", "sc:Text", "Name of the class."),
    ];
    if facts.counts.is_some() {
        fields.push(field("classes/train", "sc:Integer", "Training images of the class."));
        fields.push(field("classes/test", "sc:Integer", "Test images of the class."));
    }
    let row = |(label, name): (usize, &String)| {
        let mut row = json!({ "classes/label": label, "classes/name": name });
        if let Some([train, test]) = &facts.counts {
            row["classes/train"] = train[label].into();
            row["classes/test"] = test[label].into();
        }
        row
    };
    json!({
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "description": "The classes and their labels.",
        "dataType": "sc:Enumeration",
        "key": { "@id": "classes/label" },
        "field": fields,
        "data": facts.dataset.classes.iter().enumerate().map(row).collect::<Vec<_>>(),
    })
}

fn field(id: &str, kind: &str, description: &str) -> Value {
    let name = id.rsplit('/').next();
    json!({ "@type": "cr:Field", "@id": id, "name": name, "description": description, "dataType": kind })
}

/// The year of a BibTeX entry.
fn published(citation: &str) -> Option<String> {
    let line = citation.lines().find(|line| line.trim_start().starts_with("year"))?;
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    (digits.len() == 4).then_some(digits)
}

/// The context that the specification prescribes for version 1.1: a key that it lacks is dropped by every reader.
fn context() -> Value {
    json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "arrayShape": "cr:arrayShape",
        "citeAs": "cr:citeAs",
        "column": "cr:column",
        "conformsTo": "dct:conformsTo",
        "containedIn": "cr:containedIn",
        "data": { "@id": "cr:data", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
        "description": { "@container": "@language" },
        "equivalentProperty": "cr:equivalentProperty",
        "examples": { "@id": "cr:examples", "@type": "@json" },
        "extract": "cr:extract",
        "field": "cr:field",
        "fileObject": "cr:fileObject",
        "fileProperty": "cr:fileProperty",
        "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes",
        "isArray": "cr:isArray",
        "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath",
        "key": "cr:key",
        "md5": "cr:md5",
        "name": { "@container": "@language" },
        "parentField": "cr:parentField",
        "path": "cr:path",
        "recordSet": "cr:recordSet",
        "references": "cr:references",
        "regex": "cr:regex",
        "repeated": "cr:repeated",
        "replace": "cr:replace",
        "samplingRate": "cr:samplingRate",
        "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField",
        "transform": "cr:transform",
    })
}

#[cfg(test)]
mod tests {
    use super::document as document_of;
    use super::*;

    /// Every key of the document that is no keyword and no value's own.
    fn keys<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
            Value::Object(object) => {
                for (key, value) in object {
                    found.push(key);
                    // The rows of a record set are nested JSON.
                    if key != "data" {
                        keys(value, found);
                    }
                }
            }
            _ => {}
        }
    }

    #[test]
    fn the_context_knows_every_key_that_is_not_schema_orgs_own() {
        const SCHEMA_ORG: [&str; 14] = [
            "alternateName",
            "contentSize",
            "contentUrl",
            "datePublished",
            "description",
            "distribution",
            "encodingFormat",
            "license",
            "name",
            "sha256",
            "url",
            "version",
            "citation",
            "creator",
        ];
        let text = include_str!("../../../../data/datasets.toml");
        let manifest = crate::Manifest::parse(text, std::path::Path::new("datasets.toml")).unwrap();
        for name in manifest.names() {
            let Some(crate::manifest::Entry::Published(dataset)) = manifest.get(name) else { panic!("published") };
            let counts = Some([vec![1; dataset.classes.len()], vec![1; dataset.classes.len()]]);
            let mut document: Value = serde_json::from_str(&document_of(&Facts { dataset, counts })).unwrap();
            let context = document.as_object_mut().unwrap().remove("@context").unwrap();
            let mut found = Vec::new();
            keys(&document, &mut found);
            for key in found.into_iter().filter(|key| !key.starts_with('@') && !SCHEMA_ORG.contains(key)) {
                assert!(context.get(key).is_some(), "{name}: the context has no `{key}`");
            }
        }
    }
}
