//! Table 1 of the paper.

use crate::definition::table;

table! {
    "regularizers" version 1,
    /// A row of Table 1: a regularization method and its properties.
    pub struct MethodRow {
        /// regularization method
        method: String => "",
        /// does it target the training loss?
        targets_training_loss: bool => "",
        /// is it independent of the domain?
        domain_independent: bool => "",
        /// is it independent of the task?
        task_independent: bool => "",
        /// is it independent of the model?
        model_independent: bool => "",
        /// its main assumption
        assumption: String => "",
    }
}
