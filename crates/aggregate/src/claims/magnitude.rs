//! Is our effect of the paper's size?

use flooding_tables::Magnitude;

use super::block::{PaperEffect, Sampled};
use crate::stats::{CONFIDENCE, Pooled};

/// Two one-sided tests at 5% are the interval at 90%.
const EQUIVALENCE: f64 = 0.9;

/// The paper's effect, pooled over the settings that we have values of; `None` where it lacks one of them.
pub(super) fn paper(sampled: &[Sampled<'_>]) -> Option<Pooled> {
    let effects: Vec<PaperEffect> = sampled.iter().map(|one| one.paper).collect::<Option<_>>()?;
    let summary = |effect: &PaperEffect| match effect {
        PaperEffect::Summary(stratum) => Some(*stratum),
        PaperEffect::Single(_) => None,
    };
    if let Some(strata) = effects.iter().map(summary).collect::<Option<Vec<_>>>() {
        return Pooled::of_strata(&strata);
    }
    let value = |effect: &PaperEffect| match effect {
        PaperEffect::Summary(stratum) => stratum.mean,
        PaperEffect::Single(value) => *value,
    };
    Pooled::of(&effects.iter().map(|effect| vec![value(effect)]).collect::<Vec<_>>())
}

/// Ours against the paper's.
pub(super) fn compare(ours: &Pooled, paper: &Pooled, margin: f64) -> Magnitude {
    let difference = ours.minus(paper);
    let (low, high) = difference.interval(EQUIVALENCE);
    if low > -margin && high < margin {
        return Magnitude::AgreesWithThePaper;
    }
    match difference.interval(CONFIDENCE) {
        (_, high) if high < 0.0 => Magnitude::Smaller,
        (low, _) if low > 0.0 => Magnitude::Larger,
        _ => Magnitude::CannotBeTold,
    }
}

/// What several readings say together; `None` where none says anything.
pub(super) fn combined(all: &[Option<Magnitude>]) -> Option<Magnitude> {
    let mut said = all.iter().flatten();
    let first = *said.next()?;
    Some(if said.all(|other| *other == first) { first } else { Magnitude::DependsOnReading })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooled(effect: f64, error: f64) -> Pooled {
        Pooled { effect, error, df: 80.0, strata: 9, values: 90 }
    }

    #[test]
    fn a_size_is_distinguished_from_the_papers_four_ways() {
        let paper = pooled(3.0, 0.2);
        for (ours, expected) in [
            (pooled(3.2, 0.2), Magnitude::AgreesWithThePaper),
            (pooled(1.0, 0.2), Magnitude::Smaller),
            (pooled(5.0, 0.2), Magnitude::Larger),
            (pooled(2.5, 2.0), Magnitude::CannotBeTold),
        ] {
            assert_eq!(compare(&ours, &paper, 1.0), expected, "{ours:?}");
        }
    }

    #[test]
    fn readings_of_different_sizes_depend_on_the_reading() {
        let (a, b) = (Some(Magnitude::Smaller), Some(Magnitude::Larger));
        assert_eq!(combined(&[a, None, a]), a);
        assert_eq!(combined(&[a, b]), Some(Magnitude::DependsOnReading));
        assert_eq!(combined(&[None]), None);
    }
}
