//! Our numbers beside the paper's: cell by cell, counted, and as one effect over a table.

mod cells;
mod counts;
mod criteria;
mod overall;
mod paired;
#[cfg(test)]
mod tests;

pub(crate) use cells::scorecard;
pub(crate) use counts::counts;
pub(crate) use overall::overall_effects;
pub(crate) use paired::paired;
