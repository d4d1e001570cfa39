//! A claim of the paper with the verdicts of the stored tables.

use flooding_core::spec::RunSpec;
use flooding_tables::Rows;

use super::stored::Known;
use super::{Explained, repeat, setting};
use crate::exit::Failure;

/// `None` where the tables judge no such claim.
pub fn explain(id: &str, known: &Known) -> Result<Option<Explained>, Failure> {
    let claims: Vec<_> = known.claims()?.into_iter().filter(|claim| claim.id == id).collect();
    let Some(first) = claims.first() else { return Ok(None) };
    let mut text = format!("{id} ({})\n{}\n", first.source, first.claim);
    let mut settings: Vec<&String> = Vec::new();
    for claim in &claims {
        let verdict = serde_json::to_value(claim.verdict).map_err(Failure::stage)?;
        text.push_str(&format!("verdict: {}\n  {}\n", verdict.as_str().unwrap_or_default(), claim.statistic));
        settings.extend(claim.settings.iter().filter(|id| !settings.contains(id)).collect::<Vec<_>>());
    }
    if !first.rule.is_empty() {
        text.push_str(&format!("rule: {}\n", first.rule));
    }
    let (mut runs, mut commands) = (Vec::new(), Vec::new());
    for id in settings {
        let specs = known.runs_of(id)?;
        commands.extend(repeat::command(known.project, &specs));
        runs.extend(specs.iter().map(RunSpec::key));
    }
    if !runs.is_empty() {
        text.push_str(&setting::how_to_repeat(&commands, runs.len()));
    }
    Ok(Some(Explained { text, runs, commands, claims: Some(Rows(claims)), ..Explained::default() }))
}
