//! From a direction and the scale behind it to a verdict, and from the readings' verdicts to the claim's.

use flooding_tables::Verdict;

use super::rule::Direction;

/// How much was run behind a direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Settings with enough trials and levels.
    pub settings: usize,
    /// Settings of the paper.
    pub rows: usize,
    /// Were all of them run as in the paper?
    pub full: bool,
}

/// The verdict of one block. A block most of whose settings were not run is not tested.
pub(super) fn verdict(direction: Direction, scale: Scale) -> Verdict {
    if 2 * scale.settings < scale.rows || scale.settings == 0 {
        return Verdict::NotTested;
    }
    match (direction, scale.full && scale.settings == scale.rows) {
        (Direction::Agrees, true) => Verdict::Confirmed,
        (Direction::Agrees, false) => Verdict::ConsistentAtThisScale,
        (Direction::Disagrees, true) => Verdict::Contradicted,
        (Direction::Disagrees, false) => Verdict::InconsistentAtThisScale,
        (Direction::Open, _) => Verdict::Inconclusive,
    }
}

/// The verdict over all blocks; `whole`: has every table of the claim's domain a block?
pub(super) fn combined(blocks: &[Verdict], whole: bool) -> Verdict {
    let tested: Vec<Verdict> =
        blocks.iter().copied().filter(|v| !matches!(v, Verdict::NotTested | Verdict::NotRun)).collect();
    let all = |of: fn(Verdict) -> bool| tested.iter().all(|verdict| of(*verdict));
    let full = |firm: Verdict| whole && tested.len() == blocks.len() && tested.iter().all(|verdict| *verdict == firm);
    if blocks.is_empty() {
        Verdict::NotRun
    } else if tested.is_empty() {
        Verdict::NotTested
    } else if all(Verdict::agrees) {
        if full(Verdict::Confirmed) { Verdict::Confirmed } else { Verdict::ConsistentAtThisScale }
    } else if all(Verdict::disagrees) {
        if full(Verdict::Contradicted) { Verdict::Contradicted } else { Verdict::InconsistentAtThisScale }
    } else if tested.iter().any(|verdict| verdict.agrees() || verdict.disagrees()) {
        Verdict::DependsOnReading
    } else {
        Verdict::Inconclusive
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{
        Confirmed, ConsistentAtThisScale, Contradicted, DependsOnReading, Inconclusive, InconsistentAtThisScale,
        NotRun, NotTested,
    };

    #[test]
    fn only_the_whole_grid_confirms_or_contradicts_and_half_of_the_rows_are_not_enough_to_test() {
        for (direction, settings, full, expected) in [
            (Direction::Agrees, 9, true, Confirmed),
            (Direction::Agrees, 9, false, ConsistentAtThisScale),
            (Direction::Agrees, 8, true, ConsistentAtThisScale),
            (Direction::Disagrees, 9, true, Contradicted),
            (Direction::Disagrees, 6, false, InconsistentAtThisScale),
            (Direction::Open, 9, true, Inconclusive),
            (Direction::Agrees, 4, true, NotTested),
            (Direction::Agrees, 0, true, NotTested),
        ] {
            assert_eq!(verdict(direction, Scale { settings, rows: 9, full }), expected, "{direction:?} {settings}");
        }
    }

    #[test]
    fn a_claim_is_as_firm_as_its_weakest_reading_and_depends_on_the_reading_where_they_differ() {
        for (blocks, whole, expected) in [
            (vec![Confirmed, Confirmed], true, Confirmed),
            (vec![Confirmed, Confirmed], false, ConsistentAtThisScale),
            (vec![Confirmed, ConsistentAtThisScale], true, ConsistentAtThisScale),
            (vec![Confirmed, NotTested], true, ConsistentAtThisScale),
            (vec![Confirmed, Contradicted], true, DependsOnReading),
            (vec![Confirmed, Inconclusive], true, DependsOnReading),
            (vec![Contradicted, Contradicted], true, Contradicted),
            (vec![InconsistentAtThisScale, NotTested], true, InconsistentAtThisScale),
            (vec![Inconclusive, NotTested], true, Inconclusive),
            (vec![NotTested], true, NotTested),
            (vec![], true, NotRun),
        ] {
            assert_eq!(combined(&blocks, whole), expected, "{blocks:?}");
        }
    }
}
