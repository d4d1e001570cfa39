//! The report for machines: a Workflow Run `RO-Crate` (<https://w3id.org/ro/wfrun/workflow/0.5>).

use flooding_core::digest::Digest;
use flooding_tables::Overview;
use serde_json::{Value, json};

use crate::{Files, RenderError, Tables};

/// Where the metadata lie; the specification fixes the name.
pub const FILE: &str = "ro-crate-metadata.json";
/// The configuration beside it: the workflow that ran.
pub const WORKFLOW: &str = "pipeline.toml";

const PAPER: &str = "https://proceedings.mlr.press/v119/ishida20a.html";
const PROFILES: [(&str, &str, &str); 3] = [
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
];

/// Adds the configuration and the metadata over all `files`; nothing where nothing was run.
pub fn add(files: &mut Files, tables: &Tables) -> Result<(), RenderError> {
    let Some(overview) = &tables.overview else { return Ok(()) };
    files.insert(WORKFLOW.to_owned(), overview.configuration.clone().into_bytes());
    let crate_metadata = json!({
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": graph(files, overview, tables.published.as_deref()),
    });
    let mut text = serde_json::to_vec_pretty(&crate_metadata)
        .map_err(|source| RenderError::Json { file: FILE.to_owned(), source })?;
    text.push(b'\n');
    files.insert(FILE.to_owned(), text);
    Ok(())
}

fn reference(id: &str) -> Value {
    json!({ "@id": id })
}

fn graph(files: &Files, overview: &Overview, published: Option<&str>) -> Vec<Value> {
    let parts: Vec<Value> = files.keys().map(|name| reference(name)).collect();
    let results: Vec<Value> = files.keys().filter(|name| *name != WORKFLOW).map(|name| reference(name)).collect();
    let data: Vec<String> =
        overview.datasets.iter().map(|set| format!("#data-{}", crate::slug::slug(&set.name))).collect();
    let profiles: Vec<Value> = PROFILES.iter().map(|(id, ..)| reference(id)).collect();
    let mut graph = vec![
        json!({
            "@id": FILE,
            "@type": "CreativeWork",
            "about": reference("./"),
            "conformsTo": [reference("https://w3id.org/ro/crate/1.1"), reference(PROFILES[2].0)],
        }),
        json!({
            "@id": "./",
            "@type": "Dataset",
            "name": format!("Flooding, reproduced: profile {}", overview.profile),
            "description": format!(
                "A reproduction of \"Do We Need Zero Training Loss After Achieving Zero Training Error?\" (ICML 2020). {}",
                overview.summary
            ),
            "datePublished": published,
            "license": reference("https://spdx.org/licenses/MIT.html"),
            "conformsTo": profiles,
            "mainEntity": reference(WORKFLOW),
            "hasPart": parts,
            "mentions": reference("#run"),
            "citation": reference(PAPER),
        }),
        json!({
            "@id": "https://spdx.org/licenses/MIT.html",
            "@type": "CreativeWork",
            "name": "MIT OR Apache-2.0",
            "description": "This software and its output may be used under the MIT licence or the Apache licence 2.0.",
        }),
        json!({
            "@id": PAPER,
            "@type": "ScholarlyArticle",
            "name": "Do We Need Zero Training Loss After Achieving Zero Training Error?",
            "author": "Takashi Ishida, Ikko Yamane, Tomoya Sakai, Gang Niu, Masashi Sugiyama",
            "datePublished": "2020",
        }),
        json!({ "@id": "#toml", "@type": "ComputerLanguage", "name": "TOML", "url": reference("https://toml.io/") }),
        json!({ "@id": "https://toml.io/", "@type": "WebPage", "name": "TOML" }),
        run(overview, &results, &data),
    ];
    graph.extend(
        PROFILES
            .iter()
            .map(|(id, name, version)| json!({ "@id": id, "@type": "CreativeWork", "name": name, "version": version })),
    );
    graph.extend(overview.datasets.iter().zip(&data).map(|(set, id)| {
        let digests: Vec<Value> = set
            .files
            .iter()
            .map(|(name, size, sha256)| json!(format!("{name}: {size} bytes, SHA-256 {sha256}")))
            .collect();
        json!({
            "@id": id,
            "@type": "CreativeWork",
            "name": set.name,
            "description": digests,
            "license": set.licence,
            "creditText": set.citation,
        })
    }));
    graph.extend(files.iter().map(|(name, bytes)| file(name, bytes, overview)));
    graph
}

fn run(overview: &Overview, results: &[Value], data: &[String]) -> Value {
    let machines: Vec<String> = overview
        .made_by
        .iter()
        .map(|made| {
            format!(
                "version {}, commit {}, {}, {} on {}",
                made.version, made.commit, made.rustc, made.device, made.processor
            )
        })
        .collect();
    let inputs: Vec<Value> = data.iter().map(|id| reference(id)).collect();
    // One alone stands without a list, as RO-Crate recommends.
    let objects = if let [one] = inputs.as_slice() { one.clone() } else { Value::from(inputs) };
    json!({
        "@id": "#run",
        "@type": "CreateAction",
        "name": command(overview),
        "description": format!(
            "Master seed {}; {} of {} planned runs complete. {}.",
            overview.master_seed,
            overview.runs.1,
            overview.runs.0,
            machines.join("; ")
        ),
        "instrument": reference(WORKFLOW),
        "object": objects,
        "result": results,
    })
}

fn file(name: &str, bytes: &[u8], overview: &Overview) -> Value {
    let format = match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html",
        "csv" => "text/csv",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "tex" => "application/x-tex",
        "toml" => "application/toml",
        _ => "application/octet-stream",
    };
    let mut entity = json!({
        "@id": name,
        "@type": "File",
        "name": name,
        "encodingFormat": format,
        "contentSize": bytes.len().to_string(),
        "sha256": Digest::of(bytes).as_str(),
    });
    if name == WORKFLOW {
        entity["@type"] = json!(["File", "SoftwareSourceCode", "ComputationalWorkflow"]);
        entity["name"] = json!("pipeline.toml: the configuration that ran");
        entity["programmingLanguage"] = reference("#toml");
        entity["version"] = json!(overview.made_by.first().map_or("", |made| &made.version));
    }
    entity
}

/// The command that made the plan, with its options.
fn command(overview: &Overview) -> String {
    let options: String = overview.options.iter().map(|(name, value)| format!(" --{name} {value}")).collect();
    format!("pipeline run --profile {}{options}", overview.profile)
}
