//! Theorem 1 (Section 5.4, Appendix A): exact values beside Monte Carlo, over a grid of loss distributions, sample sizes
//! and flood levels, and the verdict on each statement.
//!
//! The theorem sharpens to an identity: MSE(R^) - MSE(R~) = 4 (R - b) E[(b - R^)+].

mod agreement;
mod batches;
mod cell;
mod checks;
mod error;
mod exact;
mod grid;
mod monte_carlo;
mod stage;

pub use cell::{MonteCarloJson, TheoremCell, cell};
pub use error::VerifyError;
pub use exact::{Exact, flooded, risk};
pub use monte_carlo::Mean;
pub use stage::{DOCUMENTS, VERIFY_REVISION, prepare};
