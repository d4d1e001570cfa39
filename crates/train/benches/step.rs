//! Times of a training step.
fn main() {}
