//! A sanity check: do accuracies spread over trials at least as much as a finite test set makes them?

use flooding_core::plan::Plan;
use flooding_core::spec::DataSpec;
use flooding_tables::{AccuracyRow, MeanStd, SpreadRow};

use crate::published_report::{self, Origins};
use crate::scan::Found;
use crate::stats::spread_as_small_p;

/// Two rows a setting and checkpoint selection with a complete trial: without and with flooding.
pub(crate) fn spread(plan: &Plan, runs: &[Found], origins: &Origins<'_>, rows: &[AccuracyRow]) -> Vec<SpreadRow> {
    let mut found = Vec::new();
    for row in rows {
        let Some(index) = plan.settings.iter().position(|setting| setting.id == row.setting) else { continue };
        let examples = published_report::examples(plan, runs, origins, index);
        let Some(test_examples) = examples.map(|[_, _, test]| test).filter(|n| *n > 0) else { continue };
        let shared_test_set = matches!(plan.settings[index].data, DataSpec::Images(_));
        for (with_flooding, accuracy) in [(false, row.without), (true, row.with)] {
            let Some(accuracy) = accuracy else { continue };
            let printed = row.paper.and_then(|paper| if with_flooding { paper.with } else { paper.without });
            let test_set_std = of_a_share(accuracy.mean / 100.0, test_examples) * 100.0;
            found.push(SpreadRow {
                setting: row.setting.clone(),
                reading: row.reading.clone(),
                checkpoint: row.checkpoint,
                with_flooding,
                test_examples,
                shared_test_set,
                accuracy,
                test_set_std,
                p_smaller: p_smaller(accuracy, test_set_std).filter(|_| !shared_test_set),
                paper_std: printed.and_then(|printed| printed.std),
            });
        }
    }
    found
}

/// The standard deviation of the share of hits among n independent examples.
fn of_a_share(share: f64, n: u32) -> f64 {
    (share * (1.0 - share)).max(0.0).sqrt() / f64::from(n).sqrt()
}

fn p_smaller(accuracy: MeanStd, test_set_std: f64) -> Option<f64> {
    spread_as_small_p(accuracy.std?, test_set_std, accuracy.n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_hits_in_ten_of_20000_spread_by_a_fifth_of_a_point() {
        // sqrt(0.9 * 0.1 / 20000) = 0.00212.
        assert!((of_a_share(0.9, 20_000) - 0.002_121_320_343_56).abs() < 1e-14);
    }
}
