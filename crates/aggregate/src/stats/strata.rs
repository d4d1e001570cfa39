//! One effect over several settings: the bootstrap stratified over settings of rliable (Agarwal et al. 2021).

use flooding_core::seeds::{Purpose, Streams};
use rand::RngExt as _;

use super::sample::Sample;

/// Resamples behind an interval.
const RESAMPLES: u32 = 20_000;

/// The seed of the resamples; the same strata give the same interval.
const SEED: u64 = 2021;

/// A mean over settings, each counting the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overall {
    /// The mean of the settings' means.
    pub effect: f64,
    /// Its 95% percentile interval: trials are resampled within each setting. `None` if no setting has two trials.
    pub interval: Option<(f64, f64)>,
}

/// The mean over settings of these values, one list a setting and none of them empty; `None` without a setting.
pub fn overall(settings: &[Vec<f64>]) -> Option<Overall> {
    if settings.is_empty() || settings.iter().any(Vec::is_empty) {
        return None;
    }
    let count = settings.len() as f64;
    let effect = settings.iter().map(|values| Sample::of(values).mean).sum::<f64>() / count;
    let drawn = settings.iter().any(|values| values.len() > 1).then(|| {
        let mut stream = Streams::new(SEED, "overall effect", 0).stream(Purpose::Bootstrap, settings.len() as u64);
        let mut one = || {
            let mean = |values: &Vec<f64>| {
                let n = values.len() as u32;
                (0..n).map(|_| values[stream.random_range(0..n) as usize]).sum::<f64>() / f64::from(n)
            };
            settings.iter().map(mean).sum::<f64>() / count
        };
        let mut means: Vec<f64> = (0..RESAMPLES).map(|_| one()).collect();
        means.sort_by(f64::total_cmp);
        let at = |share: f64| means[((share * f64::from(RESAMPLES)).ceil() as usize).clamp(1, means.len()) - 1];
        (at(0.025), at(0.975))
    });
    Some(Overall { effect, interval: drawn })
}
