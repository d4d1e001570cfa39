//! Checking a published report, and comparing two.

pub mod cells;
pub mod folders;
pub mod sample;
