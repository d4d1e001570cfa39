//! The second descent of the test loss, as a number (see [`DescentRow`]).

use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::seeds::{Purpose, Streams};
use flooding_tables::{DescentRow, Interval};
use rand::RngExt as _;

/// Bootstrap resamples of the trials.
const RESAMPLES: usize = 1000;

/// Where a curve rises highest between two valleys: indices of peak and valley, rise before and fall after.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    peak: usize,
    valley: usize,
    rise: f64,
    fall: f64,
}

impl Shape {
    fn depth(&self) -> f64 {
        self.rise.min(self.fall)
    }
}

/// The second descent of one level: `curves` has one test-loss curve a trial, all at the same `epochs`. `None` for
/// fewer than three epochs or no trial.
pub(crate) fn descent(
    plan: &Plan,
    setting: &Setting,
    level: Level,
    epochs: &[u32],
    curves: &[Vec<f64>],
) -> Option<DescentRow> {
    if epochs.len() < 3 || curves.is_empty() {
        return None;
    }
    let all: Vec<usize> = (0..curves.len()).collect();
    let mean = mean_curve(curves, &all);
    let shape = shape(&mean, 0);
    let intervals = (curves.len() > 1).then(|| {
        let streams = Streams::new(plan.master_seed, &*setting.id, 0);
        let mut stream = streams.stream(Purpose::Bootstrap, u64::from(level.millionths()));
        let mut peaks = Vec::with_capacity(RESAMPLES);
        let mut depths = Vec::with_capacity(RESAMPLES);
        for _ in 0..RESAMPLES {
            let drawn: Vec<usize> = all.iter().map(|_| stream.random_range(0..curves.len())).collect();
            let resampled = self::shape(&mean_curve(curves, &drawn), 0);
            peaks.push(f64::from(epochs[resampled.peak]));
            depths.push(resampled.depth());
        }
        (percentile_interval(peaks), percentile_interval(depths))
    });
    Some(DescentRow {
        setting: setting.id.clone(),
        reading: setting.reading.clone(),
        level,
        trials: curves.len() as u32,
        peak_epoch: epochs[shape.peak],
        peak_loss: mean[shape.peak],
        valley_epoch: epochs[shape.valley],
        valley_loss: mean[shape.valley],
        rise: shape.rise,
        fall: shape.fall,
        depth: shape.depth(),
        peak_epoch_ci: intervals.map(|(peak, _)| peak),
        depth_ci: intervals.map(|(_, depth)| depth),
    })
}

/// How wide the moving average is that a curve is smoothed with before its shape is judged: this share of its points.
const SMOOTHED: usize = 20;

/// Depth of the second descent of one test-loss curve (epoch, loss) over the loss at its peak, counting only peaks from
/// epoch `from` on; 0 where there is none, `None` for fewer than three points or a loss that is not positive.
///
/// The curve is smoothed by a centred moving average over a twentieth of its points: a descent is a movement of the curve,
/// and a single epoch of a loss that swings is none.
pub(crate) fn depth_share(curve: &[(u32, f64)], from: u32) -> Option<f64> {
    if curve.len() < 3 || curve.iter().any(|(_, loss)| !loss.is_finite()) {
        return None;
    }
    let losses = smoothed(&curve.iter().map(|(_, loss)| *loss).collect::<Vec<_>>());
    let begin = curve.iter().position(|(epoch, _)| *epoch >= from).unwrap_or(curve.len());
    let found = shape(&losses, begin);
    (losses[found.peak] > 0.0).then(|| found.depth() / losses[found.peak])
}

/// A centred moving average; towards the ends the window shrinks on both sides alike.
fn smoothed(values: &[f64]) -> Vec<f64> {
    let reach = values.len() / SMOOTHED / 2;
    let at = |i: usize| {
        let reach = reach.min(i).min(values.len() - 1 - i);
        let window = &values[i - reach..=i + reach];
        window.iter().sum::<f64>() / window.len() as f64
    };
    (0..values.len()).map(at).collect()
}

fn mean_curve(curves: &[Vec<f64>], drawn: &[usize]) -> Vec<f64> {
    let mut mean = vec![0.0; curves[0].len()];
    for &i in drawn {
        for (sum, value) in mean.iter_mut().zip(&curves[i]) {
            *sum += value;
        }
    }
    for sum in &mut mean {
        *sum /= drawn.len() as f64;
    }
    mean
}

/// The deepest peak from index `begin` on.
fn shape(curve: &[f64], begin: usize) -> Shape {
    // Index of the least value from each point on; among equals the first.
    let mut least_after: Vec<usize> = (0..curve.len()).collect();
    for i in (0..curve.len() - 1).rev() {
        if curve[least_after[i + 1]] < curve[i] {
            least_after[i] = least_after[i + 1];
        }
    }
    let mut least_before = f64::INFINITY;
    let mut best = Shape { peak: 0, valley: least_after[0], rise: 0.0, fall: curve[0] - curve[least_after[0]] };
    for (i, &value) in curve.iter().enumerate() {
        least_before = least_before.min(value);
        let here =
            Shape { peak: i, valley: least_after[i], rise: value - least_before, fall: value - curve[least_after[i]] };
        if i >= begin && here.depth() > best.depth() {
            best = here;
        }
    }
    best
}

/// The middle 95% of these values, with linear interpolation between order statistics.
fn percentile_interval(mut values: Vec<f64>) -> Interval {
    values.sort_by(f64::total_cmp);
    let at = |q: f64| {
        let place = q * (values.len() - 1) as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(values.len() - 1);
        values[below] + (place - place.floor()) * (values[above] - values[below])
    };
    Interval { low: at(0.025), high: at(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_that_falls_rises_and_falls_again_has_its_peak_valley_and_depth_found() {
        let found = shape(&[5.0, 2.0, 3.0, 4.0, 3.5, 1.0, 1.5], 0);
        assert_eq!(found, Shape { peak: 3, valley: 5, rise: 2.0, fall: 3.0 });
        assert_eq!(found.depth(), 2.0);
    }

    #[test]
    fn curves_that_only_fall_or_only_rise_have_no_second_descent() {
        assert_eq!(shape(&[3.0, 2.0, 1.0], 0).depth(), 0.0);
        assert_eq!(shape(&[1.0, 2.0, 3.0], 0).depth(), 0.0);
        assert_eq!(shape(&[1.0, 1.0, 1.0], 0).depth(), 0.0);
    }

    #[test]
    fn the_deeper_of_two_bumps_counts() {
        assert_eq!(shape(&[2.0, 1.0, 1.5, 1.2, 3.0, 1.1], 0).peak, 4);
    }

    #[test]
    fn a_peak_before_flooding_began_is_no_descent_of_flooding() {
        let curve: Vec<(u32, f64)> = (1..).zip([5.0, 2.0, 4.0, 1.0, 1.0, 1.5, 1.2]).collect();
        let share = |from: u32| depth_share(&curve, from).unwrap();
        assert!((share(1) - 0.5).abs() < 1e-12);
        assert!((share(4) - 0.2).abs() < 1e-12);
        assert_eq!(depth_share(&curve, 7), Some(0.0));
        assert_eq!(depth_share(&curve[..2], 1), None);
    }

    #[test]
    fn noise_of_single_epochs_is_smoothed_away_and_a_long_wave_is_not() {
        let noisy: Vec<(u32, f64)> = (1..=500).map(|e| (e, 1.0 + f64::from(e % 2) * 0.2)).collect();
        let wave: Vec<(u32, f64)> =
            (1..=500).map(|e| (e, 1.0 + 0.2 * (f64::from(e) / 500.0 * std::f64::consts::TAU).sin())).collect();
        assert!(depth_share(&noisy, 1).unwrap() < 0.02);
        assert!(depth_share(&wave, 1).unwrap() > 0.15);
    }

    #[test]
    fn the_middle_of_evenly_spaced_values_is_where_it_should_be() {
        let Interval { low, high } = percentile_interval((0..=1000).rev().map(f64::from).collect());
        assert!((low - 25.0).abs() < 1e-9 && (high - 975.0).abs() < 1e-9);
    }
}
