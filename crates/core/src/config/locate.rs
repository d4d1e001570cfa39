//! From a key to the line it stands on, for messages.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::{ConfigError, InvalidValue};
use crate::shown;

/// A TOML file's text, for finding keys in it.
pub struct Located<'a> {
    path: &'a Path,
    text: &'a str,
}

impl<'a> Located<'a> {
    /// The text that was read from `path`.
    pub fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text }
    }

    /// The error for a senseless value at `key` (a path of table keys and array indices).
    pub(crate) fn invalid(
        &self,
        key: &[&str],
        value: impl std::fmt::Display,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ConfigError {
        ConfigError::Invalid(Box::new(self.invalid_value(key, value, problem, remedy)))
    }

    /// A senseless value at `key` (a path of table keys and array indices), with its line.
    pub fn invalid_value(
        &self,
        key: &[&str],
        value: impl std::fmt::Display,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> InvalidValue {
        InvalidValue {
            path: PathBuf::from(self.path),
            line: self.line(key),
            key: shown::line(&key.join(".")),
            value: shown::line(&value.to_string()),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// The line of the deepest part of `key` that is written down; a default stands on its table's line.
    fn line(&self, key: &[&str]) -> usize {
        let offset = DeTable::parse(self.text).ok().and_then(|root| {
            let mut offset = None;
            let mut value = &DeValue::Table(root.into_inner());
            for part in key {
                let next = match value {
                    DeValue::Table(table) => table.get(*part),
                    DeValue::Array(items) => part.parse().ok().and_then(|i: usize| items.get(i)),
                    _ => None,
                };
                let Some(next) = next else { break };
                offset = Some(next.span().start);
                value = next.get_ref();
            }
            offset
        });
        offset.map_or(1, |offset| self.text[..offset].matches('\n').count() + 1)
    }
}
