//! From an effect with its interval to agreement, disagreement, or neither.

use serde::Deserialize;

use crate::stats::{CONFIDENCE, Pooled, proportion_interval};

/// How a measure decides.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    /// The pooled effect is above 0. It is contradicted by an effect shown to be smaller than `smallest`, the smallest
    /// effect worth the claim.
    Superior { smallest: f64 },
    /// The pooled effect is not below -`margin`. Differences that are zero by construction are left out.
    NotInferior { margin: f64 },
    /// The share of trials is above this one.
    MoreThan { share: f64 },
    /// A rising trend; contradicted by a rise from the lowest to the highest group that is shown to be smaller.
    Trend { smallest: f64 },
    /// Every dataset; contradicted where none is.
    Every,
    /// Every check passes; contradicted where one fails.
    AllPass,
}

/// What the evidence says of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Agrees,
    Disagrees,
    Open,
}

impl Rule {
    /// Decides on a pooled effect.
    pub fn on_effect(self, pooled: &Pooled) -> Direction {
        let (low, high) = pooled.interval(CONFIDENCE);
        match self {
            Self::Superior { smallest } if low > 0.0 || high < smallest => {
                if low > 0.0 {
                    Direction::Agrees
                } else {
                    Direction::Disagrees
                }
            }
            Self::NotInferior { margin } if low > -margin => Direction::Agrees,
            Self::NotInferior { margin } if high < -margin => Direction::Disagrees,
            _ => Direction::Open,
        }
    }

    /// Decides on a share of trials.
    pub fn on_share(self, hits: u32, n: u32) -> Direction {
        let Self::MoreThan { share } = self else { return Direction::Open };
        let (low, high) = proportion_interval(hits, n);
        match (low > share, high < share) {
            (true, _) => Direction::Agrees,
            (_, true) => Direction::Disagrees,
            _ => Direction::Open,
        }
    }

    /// Decides on a trend: its one-sided p-value, and the upper end of the rise's interval.
    pub fn on_trend(self, p: f64, high: f64) -> Direction {
        let Self::Trend { smallest } = self else { return Direction::Open };
        match (p < (1.0 - CONFIDENCE) / 2.0, high < smallest) {
            (true, _) => Direction::Agrees,
            (_, true) => Direction::Disagrees,
            _ => Direction::Open,
        }
    }

    /// Decides on a count of cells or checks.
    pub fn on_count(self, hits: usize, n: usize) -> Direction {
        match self {
            Self::Every if hits == n => Direction::Agrees,
            Self::Every if hits == 0 => Direction::Disagrees,
            Self::AllPass => {
                if hits == n {
                    Direction::Agrees
                } else {
                    Direction::Disagrees
                }
            }
            _ => Direction::Open,
        }
    }
}
