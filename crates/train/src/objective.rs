//! What a mini-batch minimises: nothing but its mean loss J, or the flooded |J - b| + b (equation 1 of the paper).
//!
//! Weight decay sits in the optimiser, outside the flooded loss.

use flooding_core::level::Level;
use flooding_core::spec::Objective;

/// The objective of one member, given its flood level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flooding {
    /// `None` where nothing is flooded: without the objective, or at b = 0.
    level: Option<f32>,
}

impl Flooding {
    /// The objective for this level; b = 0 is the plain loss, bit for bit.
    pub fn new(objective: Objective, level: Level) -> Self {
        let flooded = objective == Objective::Flood && !level.is_zero();
        Self { level: flooded.then_some(level.value() as f32) }
    }

    /// The value that is minimised: |J - b| + b.
    pub fn value(self, loss: f32) -> f32 {
        self.level.map_or(loss, |b| (loss - b).abs() + b)
    }

    /// Its derivative by J: 1 above the level, -1 below it, 0 on it; 1 where nothing is flooded.
    pub fn slope(self, loss: f32) -> f32 {
        match self.level {
            None => 1.0,
            Some(b) if loss > b => 1.0,
            Some(b) if loss < b => -1.0,
            Some(_) => 0.0,
        }
    }

    /// Is this loss below the level?
    pub fn is_below(self, loss: f32) -> bool {
        self.level.is_some_and(|b| loss < b)
    }
}
