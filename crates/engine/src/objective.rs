//! What a mini-batch minimises: its mean loss J, the flooded |J - b| + b (equation 1 of the paper), or one of two later
//! objectives that flood each example's loss l by itself: iFlood (Xie et al., ICLR 2022), the mean of |l - b| + b, and
//! `SoftAD` (Holland and Nakatani, `NeurIPS` 2024, equation 7), the mean of b + sqrt((l - b)^2 + 1) - 1.
//!
//! Weight decay sits in the optimiser, outside the flooded loss.

use flooding_core::level::Level;
use flooding_core::spec::Objective;

use crate::evaluate::Logits;
use crate::losses::example_loss;

/// The objective of one member, given its flood level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flooding {
    objective: Objective,
    /// `None` where nothing is flooded: without the objective, or at b = 0.
    level: Option<f32>,
}

impl Flooding {
    /// The objective for this level; b = 0 is the plain loss, bit for bit, whatever the objective.
    pub fn new(objective: Objective, level: Level) -> Self {
        let flooded = match objective {
            Objective::None => false,
            Objective::Flood | Objective::IFlood | Objective::SoftAd => !level.is_zero(),
        };
        Self { objective, level: flooded.then_some(level.value() as f32) }
    }

    /// Is it the losses of single examples that are flooded, and not their mean?
    pub fn is_per_example(self) -> bool {
        match self.objective {
            Objective::None | Objective::Flood => false,
            Objective::IFlood | Objective::SoftAd => self.level.is_some(),
        }
    }

    /// The value that is minimised, given the loss: the batch's mean, or an example's where they are flooded singly.
    pub fn value(self, loss: f32) -> f32 {
        let Some(b) = self.level else { return loss };
        match self.objective {
            Objective::None => loss,
            Objective::Flood | Objective::IFlood => (loss - b).abs() + b,
            Objective::SoftAd => b + (loss - b).hypot(1.0) - 1.0,
        }
    }

    /// Its derivative by that loss: 1 above the level, -1 below it, 0 on it (SoftAD: a smooth step between them); 1
    /// where nothing is flooded.
    pub fn loss_gradient(self, loss: f32) -> f32 {
        let Some(b) = self.level else { return 1.0 };
        match self.objective {
            Objective::None => 1.0,
            Objective::Flood | Objective::IFlood if loss > b => 1.0,
            Objective::Flood | Objective::IFlood if loss < b => -1.0,
            Objective::Flood | Objective::IFlood => 0.0,
            Objective::SoftAd => (loss - b) / (loss - b).hypot(1.0),
        }
    }

    /// Is it the mean loss of a mini-batch that is flooded?
    pub fn floods_the_mean(self) -> bool {
        match self.objective {
            Objective::Flood => self.level.is_some(),
            Objective::None | Objective::IFlood | Objective::SoftAd => false,
        }
    }

    /// Does flooding act at this mean loss? Above the level a flooded run takes the plain run's step.
    pub fn begins_at(self, loss: f32) -> bool {
        self.floods_the_mean() && self.level.is_some_and(|b| loss <= b)
    }

    /// Is this loss below the level?
    pub fn is_below(self, loss: f32) -> bool {
        self.level.is_some_and(|b| loss < b)
    }
}

/// Each member's mean loss, and the gradient of its objective by each example's loss, `(members, examples)`.
pub fn example_loss_gradients(members: &[Flooding], logits: &Logits, labels: &[u16]) -> (Vec<f32>, Vec<f32>) {
    let mut means = Vec::with_capacity(members.len());
    let mut loss_weights = Vec::with_capacity(members.len() * labels.len());
    for (k, member) in members.iter().enumerate() {
        let losses: Vec<f64> = logits.rows(k).zip(labels).map(|(row, &label)| example_loss(row, label)).collect();
        let mean = (losses.iter().sum::<f64>() / labels.len() as f64) as f32;
        means.push(mean);
        // A member whose mean is flooded may stand beside these: its examples share one loss gradient.
        let gradient = |loss: f64| member.loss_gradient(if member.is_per_example() { loss as f32 } else { mean });
        loss_weights.extend(losses.into_iter().map(gradient));
    }
    (means, loss_weights)
}
