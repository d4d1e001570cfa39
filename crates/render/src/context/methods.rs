//! Table 1: the paper's conceptual comparison of regularizers.

use flooding_tables::MethodRow;
use serde::Serialize;

use crate::tables::Tables;

/// Table 1.
#[derive(Clone, Debug, Serialize)]
pub struct MethodsContext {
    /// Its rows, as in the paper.
    pub rows: Vec<Method>,
}

/// One regularizer.
#[derive(Clone, Debug, Serialize)]
pub struct Method {
    /// Its name and source.
    pub name: String,
    /// Targets a training loss; independent of domain, task, model.
    pub properties: [bool; 4],
    /// Its main assumption.
    pub assumption: String,
}

impl MethodsContext {
    /// The paper's table.
    pub fn new(tables: &Tables) -> Self {
        let row = |row: &MethodRow| Method {
            name: row.method.clone(),
            properties: [
                row.targets_training_loss,
                row.domain_independent,
                row.task_independent,
                row.model_independent,
            ],
            assumption: row.assumption.clone(),
        };
        Self { rows: tables.methods.iter().flatten().map(row).collect() }
    }
}
