//! Does the selected level grow with the label noise?

use flooding_core::spec::DataSpec;
use flooding_tables::Checkpoint;

use super::block::{Block, Judged};
use crate::paper::TABLE2_TRIALS;
use crate::stats::{Pooled, Sample, Stratum, Trend};

/// What the datasets of a block say together.
pub(super) struct Growth<'a> {
    pub trend: Trend,
    /// Mean level at the highest noise minus that at the lowest, pooled over datasets.
    pub rise: Pooled,
    /// The same of the paper.
    pub paper: Option<Pooled>,
    pub settings: Vec<Judged<'a>>,
    /// Each dataset with its mean levels by rising noise.
    pub details: Vec<String>,
    pub trials: u32,
    /// The least number of trials of a setting.
    pub least_trials: u32,
}

fn noise(judged: &Judged<'_>) -> f64 {
    match &judged.setting.data {
        DataSpec::Synthetic(data) => data.label_noise,
        DataSpec::Images(_) => 0.0,
    }
}

/// `None` where no dataset has two noise rates with a spread of levels.
pub(super) fn growth<'a>(block: &Block<'a>, checkpoint: Checkpoint) -> Option<Growth<'a>> {
    let mut names: Vec<&str> = block.settings.iter().map(|judged| &*judged.setting.row[0]).collect();
    names.dedup();
    let (mut trends, mut rises, mut papers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut settings, mut details, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let mut of_set: Vec<Judged> =
            block.settings.iter().filter(|judged| judged.setting.row[0] == name).copied().collect();
        of_set.retain(|judged| !judged.choices(checkpoint).is_empty());
        of_set.sort_by(|a, b| noise(a).total_cmp(&noise(b)));
        let levels: Vec<Vec<f64>> = (of_set.iter())
            .map(|judged| judged.choices(checkpoint).iter().map(|choice| choice.level.value()).collect())
            .collect();
        let (Some(lowest), Some(highest)) = (of_set.first(), of_set.last()) else { continue };
        let Some(trend) = Trend::of(&levels) else { continue };
        let sample = |judged: &Judged<'_>| {
            let printed = judged.row(checkpoint)?.paper?.selected_level?;
            Some(Sample { n: TABLE2_TRIALS, mean: printed.mean, std: printed.std? })
        };
        papers.extend(sample(highest).zip(sample(lowest)).map(|(high, low)| Stratum::difference(high, low)));
        let ends = [&levels[levels.len() - 1], &levels[0]].map(|values| Sample::of(values));
        if ends.iter().any(|sample| sample.n < 2) {
            continue;
        }
        rises.push(Stratum::difference(ends[0], ends[1]));
        trends.push(trend);
        let means: Vec<String> = levels.iter().map(|values| format!("{:.3}", Sample::of(values).mean)).collect();
        details.push(format!("{name} {}", means.join(" → ")));
        counts.extend(levels.iter().map(|values| values.len() as u32));
        settings.extend(of_set);
    }
    Some(Growth {
        trend: Trend::stratified(&trends)?,
        rise: Pooled::of_strata(&rises)?,
        paper: Pooled::of_strata(&papers),
        settings,
        details,
        trials: counts.iter().sum(),
        least_trials: counts.iter().copied().min().unwrap_or(0),
    })
}
