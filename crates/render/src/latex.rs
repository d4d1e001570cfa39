//! Tables and a report for LaTeX: booktabs, and a `\newcommand` for every number.

mod accuracy;
mod escape;

pub use escape::escape;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, Value};
use serde::Serialize;

use crate::RenderError;
use crate::context::ReportContext;
use crate::figure::Figure;
use crate::tables::Tables;
use crate::templates::Templates;

use accuracy::LatexTable;

#[derive(Serialize)]
struct Document<'a> {
    report: &'a ReportContext,
    figures: Vec<Graphic<'a>>,
}

#[derive(Serialize)]
struct Graphic<'a> {
    file: String,
    label: &'a str,
    title: &'a str,
    description: &'a str,
    scale: &'a str,
}

/// The files under `reports/latex/`, by name.
pub fn files(
    tables: &Tables,
    report: &ReportContext,
    figures: &[Figure],
    templates: &Templates,
) -> Result<Vec<(&'static str, String)>, RenderError> {
    let environment = environment(templates)?;
    let render = |name: &'static str, context: Value| {
        let failed = |source| RenderError::Template { name, source };
        environment.get_template(name).and_then(|template| template.render(context)).map_err(failed)
    };
    let captions = report.figures.iter().flat_map(|section| &section.figures).chain(&report.theorem_figures);
    let graphics = figures.iter().zip(captions).map(|(figure, caption)| Graphic {
        file: format!("../figures/{}.pdf", figure.id),
        label: &figure.label,
        title: &figure.title,
        description: &figure.description,
        scale: &caption.scale,
    });
    let document = Document { report, figures: graphics.collect() };
    let rows = tables.accuracy.as_deref().unwrap_or_default();
    let mut files = vec![("table1.tex", render("table1.tex", Value::from(Serde(&report.methods)))?)];
    for (name, table) in ["table2.tex", "table3.tex"].into_iter().zip(&report.accuracy) {
        let table = LatexTable::new(table, rows);
        files.push((name, render("accuracy.tex", Value::from(Serde(&table)))?));
    }
    for name in ["report.tex", "article.tex", "metadata.yaml"] {
        files.push((name, render(name, Value::from(Serde(&document)))?));
    }
    Ok(files)
}

fn environment(templates: &Templates) -> Result<Environment<'_>, RenderError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_syntax(crate::html::syntax());
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("latex".into()));
    environment.set_formatter(latex_formatter);
    environment.add_filter("code", |text: &str| code(text));
    for (name, source) in templates.latex() {
        environment.add_template(name, source).map_err(|source| RenderError::Template { name, source })?;
    }
    Ok(environment)
}

/// Plain text in which `` `words` `` become typewriter text.
fn code(text: &str) -> Value {
    let mut latex = String::new();
    for (index, part) in text.split('`').enumerate() {
        let part = escape(part);
        if index % 2 == 1 {
            latex.extend([r"\texttt{", &part, "}"]);
        } else {
            latex.push_str(&part);
        }
    }
    Value::from_safe_string(latex)
}

/// Every value printed by a template is escaped, unless it was marked as LaTeX already.
fn latex_formatter(out: &mut Output, _: &mut State, value: &Value) -> Result<(), minijinja::Error> {
    let written =
        if value.is_safe() { out.write_str(&value.to_string()) } else { out.write_str(&escape(&value.to_string())) };
    written.map_err(|_| minijinja::Error::new(minijinja::ErrorKind::WriteFailure, "cannot write"))
}
