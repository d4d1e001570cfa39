//! The page: templates filled with contexts.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value};
use pulldown_latex::config::DisplayMode;
use pulldown_latex::{Parser, RenderConfig, Storage, push_mathml};
use serde::Serialize;

use crate::RenderError;
use crate::context::ReportContext;
use crate::figure::style::{Theme, rules, variables};
use crate::templates::{FIGURE_STYLE, Templates};

#[derive(Serialize)]
struct Page<'a> {
    #[serde(flatten)]
    report: &'a ReportContext,
    light: String,
    dark: String,
    rules: String,
    figure_style: &'a str,
}

/// The whole page as one file that needs no other.
pub fn page(report: &ReportContext, templates: &Templates) -> Result<String, RenderError> {
    let environment = environment(templates)?;
    let page = Page {
        report,
        light: variables(Theme::Light),
        dark: variables(Theme::Dark),
        rules: rules(),
        figure_style: templates.get(FIGURE_STYLE),
    };
    let failed = |source| RenderError::Template { name: "report.html", source };
    environment
        .get_template("report.html")
        .and_then(|template| template.render(Value::from(Serde(page))))
        .map_err(failed)
}

fn environment(templates: &Templates) -> Result<Environment<'_>, RenderError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_syntax(syntax());
    // The style sheet and the script are trusted and hold no values.
    environment.set_auto_escape_callback(|name| if is_html(name) { AutoEscape::Html } else { AutoEscape::None });
    environment.add_filter("math", |source: &str| math(source, DisplayMode::Inline));
    environment.add_filter("display", |source: &str| math(source, DisplayMode::Block));
    environment.add_filter("code", |text: &str| code(text));
    for (name, source) in templates.page() {
        environment.add_template(name, source).map_err(|source| RenderError::Template { name, source })?;
    }
    Ok(environment)
}

fn is_html(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|ending| ending == "html")
}

/// Lines that hold a block alone leave no blank line behind.
pub fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().expect("the delimiters are the default ones")
}

/// `LaTeX` as MathML, with its source as the annotation.
fn math(source: &str, display_mode: DisplayMode) -> Result<Value, minijinja::Error> {
    let storage = Storage::new();
    let config = RenderConfig { display_mode, annotation: Some(source), ..RenderConfig::default() };
    let mut mathml = String::new();
    push_mathml(&mut mathml, Parser::new(source, &storage), config).map_err(|error| {
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "cannot write MathML").with_source(error)
    })?;
    Ok(Value::from_safe_string(mathml))
}

/// Plain text in which `` `words` `` become code.
fn code(text: &str) -> Value {
    let mut html = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            html.extend(["<code>", &crate::figure::svg::escape(part), "</code>"]);
        } else {
            html.push_str(&crate::figure::svg::escape(&typographic(part)));
        }
    }
    Value::from_safe_string(html)
}

/// The apostrophes and quotation marks of a printed page, for those of a keyboard.
fn typographic(text: &str) -> String {
    let mut before = ' ';
    let mut printed = String::with_capacity(text.len());
    for c in text.chars() {
        let opens = before.is_whitespace() || matches!(before, '(' | '[' | '“');
        printed.push(match c {
            '\'' if opens => '‘',
            '\'' => '’',
            '"' if opens => '“',
            '"' => '”',
            _ => c,
        });
        before = c;
    }
    printed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_are_those_of_print_and_code_stays_as_it_is() {
        let html = code(r#"The paper's text ("it's so") and `a "b" 'c'`."#).to_string();
        assert_eq!(html, "The paper’s text (“it’s so”) and <code>a &quot;b&quot; 'c'</code>.");
    }
}
