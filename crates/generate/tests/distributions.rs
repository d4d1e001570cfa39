//! What is drawn follows the paper's Section 4.1.

use std::f64::consts::PI;

use flooding_core::dataset::{Examples, Inputs, Splits};
use flooding_core::seeds::Streams;
use flooding_core::spec::{Distribution, Flip, SinusoidInputs, SyntheticSpec};
use flooding_generate::draw;

const GAUSSIANS: Distribution = Distribution::Gaussians { dimension: 10, mean: 1.0 };
const SINUSOID: Distribution =
    Distribution::Sinusoid { inputs: SinusoidInputs::Normal, w: [1.0, 0.0], w_prime: [0.0, 1.0] };
const DISK: Distribution =
    Distribution::Sinusoid { inputs: SinusoidInputs::Disk { radius: 2.0 }, w: [1.5, 0.0], w_prime: [0.0, 1.5] };

fn spec(distribution: Distribution, test: u32, label_noise: f64, flip: Flip) -> SyntheticSpec {
    SyntheticSpec { distribution, train: 100, validation: 100, test, label_noise, flip }
}

fn splits(spec: &SyntheticSpec) -> Splits {
    draw(spec, &Streams::new(7, "test", 0))
}

fn clean(distribution: Distribution, test: u32) -> Splits {
    splits(&spec(distribution, test, 0.0, Flip::Exact))
}

fn rows(examples: &Examples) -> impl Iterator<Item = (Vec<f64>, u16)> + '_ {
    let Inputs::Real(values) = &examples.inputs else { panic!("synthetic inputs are real") };
    let rows = values.chunks(examples.shape.len()).map(|row| row.iter().map(|&v| f64::from(v)).collect());
    rows.zip(examples.clean().iter().copied())
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n)
}

fn flips(examples: &Examples) -> usize {
    examples.labels.iter().zip(examples.clean()).filter(|(noisy, clean)| noisy != clean).count()
}

#[test]
fn each_gaussian_has_its_mean_and_unit_variance_in_every_coordinate() {
    let splits = clean(GAUSSIANS, 20_000);
    for class in [0u16, 1] {
        let points: Vec<_> = rows(&splits.test).filter(|(_, label)| *label == class).collect();
        assert_eq!(points.len(), 10_000);
        for k in 0..10 {
            let (mean, variance) = moments(&points.iter().map(|(x, _)| x[k]).collect::<Vec<_>>());
            // Five standard errors.
            assert!((mean - f64::from(class)).abs() < 0.05, "class {class}, coordinate {k}: mean {mean}");
            assert!((variance - 1.0).abs() < 0.0708, "class {class}, coordinate {k}: variance {variance}");
        }
    }
}

#[test]
fn the_linear_rule_reaches_the_bayes_accuracy_of_two_gaussians() {
    let splits = clean(GAUSSIANS, 200_000);
    let right = rows(&splits.test).filter(|(x, label)| u16::from(x.iter().sum::<f64>() > 5.0) == *label).count();
    // Phi(sqrt(10) / 2) = 0.94307; the standard error is 0.0005.
    assert!((right as f64 / 200_000.0 - 0.943_07).abs() < 0.0026, "{right}");
}

#[test]
fn coordinates_of_a_gaussian_are_not_correlated() {
    let splits = clean(GAUSSIANS, 20_000);
    let points: Vec<_> = rows(&splits.test).filter(|(_, label)| *label == 0).collect();
    for (i, j) in [(0, 1), (3, 9), (8, 9)] {
        let covariance = points.iter().map(|(x, _)| x[i] * x[j]).sum::<f64>() / points.len() as f64;
        assert!(covariance.abs() < 0.05, "{i}, {j}: {covariance}");
    }
}

#[test]
fn the_sinusoids_labels_are_the_sign_of_its_formula() {
    let splits = clean(SINUSOID, 5_000);
    for examples in [&splits.train, &splits.validation, &splits.test] {
        for (x, label) in rows(examples) {
            assert_eq!(label == 0, x[0] + x[1].sin() > 0.0, "{x:?}");
        }
    }
    let (mean, variance) = moments(&rows(&splits.test).map(|(x, _)| x[1]).collect::<Vec<_>>());
    assert!(mean.abs() < 0.071 && (variance - 1.0).abs() < 0.1, "{mean} {variance}");
}

#[test]
fn the_demos_sinusoid_is_uniform_in_its_disk() {
    let splits = clean(DISK, 20_000);
    let mut in_annulus = [0u32; 4];
    let mut in_quadrant = [0u32; 4];
    for (x, label) in rows(&splits.test) {
        assert_eq!(label == 0, 1.5 * x[0] + (1.5 * x[1]).sin() > 0.0, "{x:?}");
        let area = (x[0] * x[0] + x[1] * x[1]) / 4.0;
        assert!(area <= 1.0 + 1e-6, "{x:?}");
        // Annuli of equal area, quadrants of equal angle.
        in_annulus[((4.0 * area) as usize).min(3)] += 1;
        in_quadrant[usize::from(x[0] > 0.0) + 2 * usize::from(x[1] > 0.0)] += 1;
    }
    for count in in_annulus.into_iter().chain(in_quadrant) {
        // Five standard errors of a binomial count with mean 5,000.
        assert!(count.abs_diff(5_000) < 307, "{in_annulus:?} {in_quadrant:?}");
    }
}

#[test]
fn a_spiral_without_noise_lies_on_its_two_arms_at_an_inclusive_grid_of_angles() {
    let splits = clean(Distribution::Spiral { tau: 0.0 }, 200);
    let mut seen = [0usize; 2];
    for (x, label) in rows(&splits.train) {
        let class = usize::from(label);
        let angle = 4.0 * PI * seen[class] as f64 / 49.0;
        let radius = angle + if label == 1 { PI } else { 0.0 };
        assert!((x[0] - radius * angle.cos()).abs() < 1e-5 && (x[1] - radius * angle.sin()).abs() < 1e-5, "{x:?}");
        seen[class] += 1;
    }
    assert_eq!(seen, [50, 50]);
}

#[test]
fn the_spirals_noise_has_standard_deviation_tau() {
    let noisy = splits(&spec(Distribution::Spiral { tau: 0.5 }, 20_000, 0.0, Flip::Exact));
    let exact = clean(Distribution::Spiral { tau: 0.0 }, 20_000);
    let noise: Vec<f64> =
        rows(&noisy.test).zip(rows(&exact.test)).flat_map(|((a, _), (b, _))| [a[0] - b[0], a[1] - b[1]]).collect();
    let (mean, variance) = moments(&noise);
    assert!(mean.abs() < 0.0125 && (variance - 0.25).abs() < 0.009, "{mean} {variance}");
}

#[test]
fn an_odd_size_gives_the_extra_example_to_class_0() {
    for distribution in [GAUSSIANS, Distribution::Spiral { tau: 0.5 }] {
        let labels = clean(distribution, 7).test.labels;
        assert_eq!(labels, [0, 0, 0, 0, 1, 1, 1]);
    }
}

#[test]
fn a_spiral_of_one_point_sits_at_the_first_angle() {
    let splits = clean(Distribution::Spiral { tau: 0.0 }, 1);
    assert_eq!(splits.test.inputs, Inputs::Real(vec![0.0, 0.0]));
}

#[test]
fn exact_noise_flips_the_whole_part_of_n_times_rate_in_every_set_and_keeps_clean_labels() {
    for (rate, of_100, of_20_001) in [(0.01, 1, 200), (0.05, 5, 1_000), (0.1, 10, 2_000), (0.29, 28, 5_800)] {
        let noisy = splits(&spec(GAUSSIANS, 20_001, rate, Flip::Exact));
        let counts = [&noisy.train, &noisy.validation, &noisy.test].map(flips);
        // 0.29 * 100 is a little less than 29 in double precision, and int() truncates.
        assert_eq!(counts, [of_100, of_100, of_20_001], "{rate}");
        assert_eq!(noisy.test.clean(), clean(GAUSSIANS, 20_001).test.labels);
    }
}

#[test]
fn exact_noise_can_hit_every_label_and_both_classes_alike() {
    let mut hits = vec![0u32; 100];
    for trial in 0..2_000 {
        let noisy = draw(&spec(GAUSSIANS, 2, 0.1, Flip::Exact), &Streams::new(7, "test", trial));
        for (hit, (noisy, clean)) in hits.iter_mut().zip(noisy.train.labels.iter().zip(noisy.train.clean())) {
            *hit += u32::from(noisy != clean);
        }
    }
    // Binomial with mean 200 and standard deviation 13.4; 100 counts.
    assert!(hits.iter().all(|hit| hit.abs_diff(200) < 67), "{hits:?}");
}

#[test]
fn independent_noise_flips_about_the_rate_and_not_an_exact_count() {
    let count = |trial| {
        let spec = spec(SINUSOID, 20_000, 0.1, Flip::Independent);
        flips(&draw(&spec, &Streams::new(7, "test", trial)).test)
    };
    let counts: Vec<usize> = (0..4).map(count).collect();
    assert!(counts.iter().all(|count| count.abs_diff(2_000) < 212), "{counts:?}");
    assert!(counts.windows(2).any(|pair| pair[0] != pair[1]), "{counts:?}");
}

#[test]
fn without_noise_there_are_no_separate_clean_labels_and_full_noise_flips_everything() {
    assert_eq!(clean(SINUSOID, 10).test.clean_labels, None);
    for flip in [Flip::Exact, Flip::Independent] {
        assert_eq!(flips(&splits(&spec(SINUSOID, 10, 1.0, flip)).test), 10);
    }
}

#[test]
fn noise_never_changes_inputs_and_a_larger_test_set_never_changes_the_training_set() {
    let base = splits(&spec(DISK, 1_000, 0.1, Flip::Exact));
    assert_eq!(base.train.inputs, splits(&spec(DISK, 1_000, 0.0, Flip::Exact)).train.inputs);
    assert_eq!(base.train, splits(&spec(DISK, 5, 0.1, Flip::Exact)).train);
}

#[test]
fn the_three_sets_settings_and_trials_differ() {
    let spec = spec(GAUSSIANS, 100, 0.0, Flip::Exact);
    let base = splits(&spec);
    assert_ne!(base.train.inputs, base.validation.inputs);
    assert_ne!(base.train.inputs, base.test.inputs);
    assert_ne!(base, draw(&spec, &Streams::new(7, "test", 1)));
    assert_ne!(base, draw(&spec, &Streams::new(7, "other", 0)));
    assert_ne!(base, draw(&spec, &Streams::new(8, "test", 0)));
}
