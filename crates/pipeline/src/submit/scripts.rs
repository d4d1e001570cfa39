//! Job scripts from templates, which are meant to be edited: `templates/cluster/` beside the configuration comes before
//! the templates that this program carries.

use std::path::Path;

use minijinja::{Environment, UndefinedBehavior, Value};

use crate::exit::Failure;

/// The templates that this program carries, by file name.
const CARRIED: [(&str, &str); 4] = [
    ("slurm-prepare.sh", include_str!("../../../../templates/cluster/slurm-prepare.sh")),
    ("slurm-train.sh", include_str!("../../../../templates/cluster/slurm-train.sh")),
    ("slurm-finish.sh", include_str!("../../../../templates/cluster/slurm-finish.sh")),
    ("hyperqueue.toml", include_str!("../../../../templates/cluster/hyperqueue.toml")),
];

/// Fills the template of this name, the edited one where `folder` (the configuration's) has it.
pub fn fill(name: &str, folder: &Path, context: &Value) -> Result<String, Failure> {
    let edited = folder.join("templates/cluster").join(name);
    let carried = CARRIED.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
    let text = match std::fs::read_to_string(&edited) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => carried.to_owned(),
        Err(error) => return Err(Failure::Usage(format!("cannot read the template {}: {error}", edited.display()))),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("json", |value: Value| {
        serde_json::to_string(&value).map_err(|error| {
            minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "no JSON").with_source(error)
        })
    });
    // A text file ends with a newline, which the engine drops.
    let filled = environment.render_str(&text, context).map(|text| text.trim_end().to_owned() + "\n");
    filled.map_err(|error| {
        let path = edited.display();
        Failure::Usage(format!("cannot fill the template {path}: {}", error.display_debug_info()))
    })
}
