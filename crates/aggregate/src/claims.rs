//! The paper's claims (`claims.toml`) and their verdicts.
//!
//! A claim is judged on the paper's own settings, levels and objective. Its evidence is split into blocks: a table of
//! the paper under one reading. Each block gets its own verdict; the claim's verdict follows from them.

mod accuracy;
mod benchmark;
mod block;
mod decide;
mod definition;
mod judge;
mod magnitude;
pub mod operating;
mod probed;
mod rule;
mod theory;
mod training;
mod trend;
mod words;

pub(crate) use block::Evidence;
pub(crate) use judge::judge;
