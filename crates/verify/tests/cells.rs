//! Single cells against independent references (`scripts/theorem_reference.py`), and their edges.

use flooding_core::config::Scenario;
use flooding_core::context::Context;
use flooding_verify::{TheoremCell, VerifyError, cell, risk};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    scenario: Scenario,
    n: u32,
    b: f64,
    values: Values,
}

#[derive(Deserialize)]
struct Values {
    risk: f64,
    mse_empirical: f64,
    mse_flooded: f64,
    gain: f64,
    shortfall: f64,
    prob_below: f64,
}

fn exact(scenario: &Scenario, n: u32, b: f64) -> flooding_verify::Exact {
    cell(scenario, n, b, None, 1, &Context::default()).unwrap().exact
}

const CROSS_ENTROPY: Scenario = Scenario::CrossEntropy { alpha: 1.0, eps: 0.1, m: 1.0, d: 10 };

#[test]
fn exact_values_agree_with_forty_digit_references_to_1e_10() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference.json")).unwrap();
    assert!(cases.len() >= 40);
    for Case { scenario, n, b, values } in cases {
        let ours = exact(&scenario, n, b);
        let near = |name: &str, ours: f64, reference: f64, size: f64| {
            assert!(
                (ours - reference).abs() <= 1e-10 * size,
                "{scenario:?} n={n} b={b}: {name} {ours:e} {reference:e}"
            );
        };
        near("risk", ours.risk, values.risk, values.risk.abs());
        near("mse_empirical", ours.mse_empirical, values.mse_empirical, values.mse_empirical);
        near("mse_flooded", ours.mse_flooded, values.mse_flooded, values.mse_flooded);
        near("shortfall", ours.shortfall, values.shortfall, values.shortfall);
        near("prob_below", ours.prob_below, values.prob_below, values.prob_below);
        // At b = R, where R is no binary fraction, the gain is rounding on both sides.
        near("gain", ours.gain, values.gain, values.gain.abs() + 1e-5 * values.mse_empirical * values.prob_below);
        assert!(ours.accuracy <= 1e-10, "{scenario:?} n={n} b={b}: {:e}", ours.accuracy);
    }
}

#[test]
fn the_gain_is_four_times_the_distance_to_the_risk_times_the_shortfall() {
    for scenario in [
        Scenario::Bernoulli { p: 0.3 },
        Scenario::ShiftedBernoulli { p: 0.7, c: 0.1 },
        Scenario::Exponential { theta: 0.5 },
        Scenario::Gaussian { mu: 0.5, s: 0.2 },
        CROSS_ENTROPY,
    ] {
        for n in [1, 2, 10, 100] {
            for multiple in [0.1, 0.5, 0.9, 1.01, 2.0, 20.0] {
                let b = multiple * risk(&scenario);
                let e = exact(&scenario, n, b);
                let predicted = 4.0 * (e.risk - b) * e.shortfall;
                let difference = e.mse_empirical - e.mse_flooded;
                assert!((e.gain - predicted).abs() <= 1e-10 * predicted.abs(), "{scenario:?} {n} {multiple} {e:?}");
                // The two errors themselves know nothing of the identity.
                let size = e.mse_empirical + e.mse_flooded;
                assert!((difference - predicted).abs() <= 1e-11 * size, "{scenario:?} {n} {multiple} {e:?}");
            }
        }
    }
}

#[test]
fn certain_losses_have_no_error_and_flooding_can_only_hurt_above_them() {
    let certain = [
        (Scenario::Bernoulli { p: 0.0 }, 0.0),
        (Scenario::Bernoulli { p: 1.0 }, 1.0),
        (Scenario::Constant { c: 0.5 }, 0.5),
        (Scenario::Gaussian { mu: 0.5, s: 0.0 }, 0.5),
        (Scenario::CrossEntropy { alpha: 0.0, eps: 0.1, m: 1.0, d: 10 }, std::f64::consts::LN_2),
    ];
    for (scenario, loss) in certain {
        for n in [1, 7] {
            for b in [0.0, loss, 2.0] {
                let e = exact(&scenario, n, b);
                let distance = (b - loss).max(0.0);
                assert!((e.risk - loss).abs() < 1e-15, "{scenario:?}: {e:?}");
                assert_eq!((e.mse_empirical, e.prob_below), (0.0, f64::from(u8::from(b > loss))), "{scenario:?} {b}");
                assert!((e.mse_flooded - 4.0 * distance * distance).abs() < 1e-14, "{scenario:?} {b}: {e:?}");
                assert!((e.shortfall - distance).abs() < 1e-15, "{scenario:?} {b}: {e:?}");
            }
        }
    }
}

#[test]
fn no_flooding_changes_nothing_for_losses_that_are_not_negative() {
    let shifted = Scenario::ShiftedBernoulli { p: 0.3, c: 0.2 };
    for (scenario, b) in [
        (Scenario::Bernoulli { p: 0.3 }, 0.0),
        (Scenario::Exponential { theta: 0.5 }, 0.0),
        (CROSS_ENTROPY, 0.0),
        // Nothing lies below c.
        (shifted.clone(), 0.15),
        (shifted, 0.2),
    ] {
        for n in [1, 10] {
            let e = exact(&scenario, n, b);
            assert_eq!((e.gain, e.shortfall, e.prob_below), (0.0, 0.0, 0.0), "{scenario:?} n={n}");
            assert!((e.mse_flooded - e.mse_empirical).abs() <= 1e-13 * e.mse_empirical, "{scenario:?} n={n}: {e:?}");
        }
    }
}

#[test]
fn a_value_that_equals_the_level_but_for_rounding_is_not_below_it() {
    // 0.2 + 0.7 is a little less than 0.9 in double precision.
    let e = exact(&Scenario::ShiftedBernoulli { p: 0.5, c: 0.2 }, 10, 0.9);
    let below = (0..7).map(|k| [1., 10., 45., 120., 210., 252., 210.][k] / 1024.0).sum::<f64>();
    assert!((e.prob_below - below).abs() < 1e-14, "{}", e.prob_below);
    // At b = R exactly, with R on the lattice.
    let tie = exact(&Scenario::Bernoulli { p: 0.3 }, 10, 0.3);
    assert_eq!(tie.gain, 0.0);
    assert!(tie.prob_below > 0.38 && tie.prob_below < 0.39, "{}", tie.prob_below);
}

#[test]
fn large_samples_keep_the_identities_and_say_how_accurate_they_are() {
    for scenario in [Scenario::Bernoulli { p: 0.3 }, Scenario::Exponential { theta: 0.5 }, CROSS_ENTROPY] {
        let b = 0.99 * risk(&scenario);
        let e = exact(&scenario, 20_000, b);
        let predicted = 4.0 * (e.risk - b) * e.shortfall;
        assert!((e.gain - predicted).abs() <= 1e-9 * predicted, "{scenario:?}: {e:?}");
        let difference = e.mse_empirical - e.mse_flooded;
        assert!(
            (difference - predicted).abs() <= e.accuracy.max(1e-11) * e.mse_empirical * 10.0,
            "{scenario:?}: {e:?}"
        );
    }
}

#[test]
fn monte_carlo_agrees_with_the_exact_values_within_five_standard_errors() {
    for scenario in [
        Scenario::Bernoulli { p: 0.3 },
        Scenario::Exponential { theta: 0.5 },
        Scenario::Gaussian { mu: 0.5, s: 0.2 },
        CROSS_ENTROPY,
    ] {
        for (n, multiple) in [(1, 0.5), (10, 0.75), (65, 1.1)] {
            let b = multiple * risk(&scenario);
            let TheoremCell { exact, monte_carlo } =
                cell(&scenario, n, b, Some(200_000), 3, &Context::default()).unwrap();
            let mc = monte_carlo.unwrap();
            for (name, exact, mean, error) in [
                ("mse_empirical", exact.mse_empirical, mc.mse_empirical_mc, mc.mse_empirical_se),
                ("mse_flooded", exact.mse_flooded, mc.mse_flooded_mc, mc.mse_flooded_se),
                ("gain", exact.gain, mc.gain_mc, mc.gain_se),
                ("shortfall", exact.shortfall, mc.shortfall_mc, mc.shortfall_se),
                ("prob_below", exact.prob_below, mc.prob_below_mc, mc.prob_below_se),
            ] {
                assert!((mean - exact).abs() <= 5.0 * error + 1e-14, "{scenario:?} {n} {name}: {exact} {mean} {error}");
            }
        }
    }
}

#[test]
fn draws_depend_on_the_seed_and_not_on_the_number_of_threads() {
    let of = |seed, jobs| {
        let context = Context { jobs, ..Context::default() };
        cell(&CROSS_ENTROPY, 5, 0.4, Some(300_000), seed, &context).unwrap()
    };
    assert_eq!(of(1, 1), of(1, 3));
    assert_ne!(of(1, 1), of(2, 1));
}

#[test]
fn the_cross_entropy_margin_is_that_of_ten_dimensional_inputs() {
    use flooding_core::seeds::{Purpose, Streams};
    use rand::RngExt as _;
    use rand_distr::StandardNormal;
    let mut stream = Streams::new(5, "inputs", 0).stream(Purpose::Data, 0);
    let draws = 400_000;
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..draws {
        let class = stream.random_bool(0.5);
        let x: f64 = (0..10).map(|_| stream.sample::<f64, _>(StandardNormal) + f64::from(u8::from(class))).sum();
        let label = class ^ stream.random_bool(0.1);
        // Softmax cross-entropy on the logits (0, sum x - 5).
        let logits = [0.0, x - 5.0];
        let loss = (logits[0].exp() + logits[1].exp()).ln() - logits[usize::from(label)];
        sum += loss;
        squares += loss * loss;
    }
    let mean = sum / f64::from(draws);
    let variance = squares / f64::from(draws) - mean * mean;
    let e = exact(&CROSS_ENTROPY, 1, 0.3);
    assert!((mean - e.risk).abs() < 5.0 * (variance / f64::from(draws)).sqrt(), "{mean} {}", e.risk);
    assert!((variance / e.mse_empirical - 1.0).abs() < 0.05, "{variance} {}", e.mse_empirical);
}

#[test]
fn json_has_the_promised_keys() {
    let value = serde_json::to_value(
        cell(&Scenario::Bernoulli { p: 0.3 }, 10, 0.2, Some(1000), 1, &Context::default()).unwrap(),
    )
    .unwrap();
    for key in ["risk", "mse_empirical", "mse_flooded", "gain", "shortfall", "prob_below"] {
        assert!(value[key].is_number(), "{key}");
    }
    for key in ["mse_empirical", "mse_flooded", "gain", "shortfall"] {
        assert!(value[format!("{key}_mc")].is_number() && value[format!("{key}_se")].is_number(), "{key}");
    }
    let plain = cell(&Scenario::Bernoulli { p: 0.3 }, 10, 0.2, None, 1, &Context::default()).unwrap();
    assert!(serde_json::to_value(plain).unwrap().get("gain_mc").is_none());
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let refused =
        |scenario: Scenario, n, b, draws| cell(&scenario, n, b, draws, 1, &Context::default()).unwrap_err().to_string();
    let fair = Scenario::Bernoulli { p: 0.5 };
    assert!(refused(Scenario::Bernoulli { p: 1.5 }, 1, 0.1, None).starts_with("p = 1.5"));
    assert!(refused(Scenario::Exponential { theta: 0.0 }, 1, 0.1, None).starts_with("theta = 0"));
    assert!(refused(fair.clone(), 0, 0.1, None).starts_with("n = 0"));
    assert!(refused(fair.clone(), 1, f64::NAN, None).starts_with("b = NaN"));
    assert!(refused(fair.clone(), 1, -0.1, None).starts_with("b = -0.1"));
    assert!(refused(fair, 1, 0.1, Some(1)).starts_with("draws = 1"));
}

#[test]
fn a_raised_stop_flag_interrupts_the_draws() {
    let context = Context::default();
    context.stop.raise();
    let error = cell(&CROSS_ENTROPY, 5, 0.4, Some(1_000_000_000), 1, &context).unwrap_err();
    assert!(matches!(error, VerifyError::Interrupted));
}

#[test]
fn a_cell_of_four_billion_losses_stops_when_it_is_asked_to() {
    for scenario in [Scenario::Bernoulli { p: 0.3 }, Scenario::Exponential { theta: 0.5 }, CROSS_ENTROPY] {
        let context = Context::default();
        let stop = context.stop.clone();
        let signal = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(100));
            stop.raise();
        });
        let started = std::time::Instant::now();
        let result = cell(&scenario, u32::MAX, 0.25, Some(1000), 1, &context);
        assert!(matches!(result, Err(VerifyError::Interrupted)), "{scenario:?}");
        // One mean of these takes minutes.
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
        signal.join().unwrap();
    }
}
