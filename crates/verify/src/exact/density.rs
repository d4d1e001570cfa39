//! Empirical risks with a known density: means of exponential and of Gaussian losses.

use std::f64::consts::{PI, SQRT_2};

use libm::erfc;

use super::quadrature::{Density, normalise};
use super::{CLOSED_FORM_ACCURACY, Exact, from_nodes};

/// Beyond this number of standard deviations a normal density is below the smallest double.
const FAR: f64 = 38.6;

/// Gaussian losses: R^ is normal with mean mu and standard deviation s / sqrt(n).
pub(super) fn gaussian(mu: f64, s: f64, n: u32, level: f64) -> Exact {
    let sigma = s / f64::from(n).sqrt();
    let z = (level - mu) / sigma;
    let standard =
        Density { log: |t: f64| -0.5 * t * t, slope: |t: f64| -t, mode: 0.0, support: (-FAR, FAR), width: 0.5 };
    let mut sides = standard.sides(z);
    normalise(&mut sides);
    for (t, _) in sides.iter_mut().flatten() {
        *t *= sigma;
    }
    let (mse_flooded, gain) = from_nodes(level - mu, &sides[0], &sides[1]);
    let (prob_below, shortfall) = normal_shortfall(z);
    Exact {
        risk: mu,
        mse_empirical: sigma * sigma,
        mse_flooded,
        gain,
        shortfall: sigma * shortfall,
        prob_below,
        accuracy: CLOSED_FORM_ACCURACY,
    }
}

/// Phi(z) and E[(z - Z)+] = z Phi(z) + phi(z) for a standard normal Z.
fn normal_shortfall(z: f64) -> (f64, f64) {
    let below = 0.5 * erfc(-z / SQRT_2);
    let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
    if z > -3.0 {
        return (below, z * below + density);
    }
    // The two terms cancel in the far tail; there Laplace's continued fraction for the ratio below / density,
    // 1 / (x + 1 / (x + 2 / (x + ...))) with x = -z, gives the difference as 1 - x ratio without loss.
    let x = -z;
    let mut tail = x;
    for k in (2..400).rev() {
        tail = x + f64::from(k) / tail;
    }
    // ratio = 1 / (x + 1 / tail), so 1 - x ratio = (1 / tail) / (x + 1 / tail).
    (below, density / (x * tail + 1.0))
}

/// Exponential losses: R^ is a gamma variable of shape n and mean theta.
pub(super) fn exponential(theta: f64, n: u32, level: f64) -> Exact {
    let size = f64::from(n);
    let rate = size * level / theta;
    let mode = size - 1.0;
    let log = |y: f64| {
        if n == 1 {
            return -y;
        }
        let u = (y - mode) / mode;
        mode * (u.ln_1p() - u)
    };
    let slope = |y: f64| mode / y - 1.0;
    let spread = FAR * size.sqrt();
    // Below these the density underflows; slope and logarithm need a positive argument.
    let least = (mode - spread).max(mode * (-800.0 / mode - 1.0).exp()).max(1e-300);
    let support = (least, mode + spread + 750.0);
    let mut sides = Density { log, slope, mode, support, width: 0.5 * size.sqrt() }.sides(rate);
    normalise(&mut sides);
    for (y, _) in sides.iter_mut().flatten() {
        *y = theta * (*y - size) / size;
    }
    let (mse_flooded, gain) = from_nodes(level - theta, &sides[0], &sides[1]);
    let (prob_below, excess) = poisson_excess(rate, n);
    Exact {
        risk: theta,
        mse_empirical: theta * theta / size,
        mse_flooded,
        gain,
        shortfall: theta * excess / size,
        prob_below,
        accuracy: CLOSED_FORM_ACCURACY,
    }
}

/// Pr[N >= n] and E[(N - n)+] for a Poisson variable N of this mean.
///
/// A gamma variable of shape n lies below x as often as N of mean x reaches n, and (x/n) P(n, x) - P(n+1, x), the
/// shortfall in units of theta, is E[(N - n)+] / n: sums of positive terms that keep every digit in the far tail, where
/// the difference of two incomplete gamma functions has none left.
fn poisson_excess(mean: f64, n: u32) -> (f64, f64) {
    let size = f64::from(n);
    if mean <= 0.0 {
        return (0.0, 0.0);
    }
    if mean > size + FAR * mean.sqrt() + 750.0 {
        return (1.0, mean - size);
    }
    let mode = mean.floor();
    let (mut total, mut reached, mut excess) = (0.0, 0.0, 0.0);
    let mut add = |k: f64, weight: f64| {
        total += weight;
        if k >= size {
            reached += weight;
            excess += weight * (k - size);
        }
        weight < 1e-22 * reached && weight * (k - size) < 1e-22 * excess
    };
    let (mut k, mut weight) = (mode, 1.0);
    // A subnormal weight would stop shrinking, and the sum would take as long as n is large.
    while weight >= f64::MIN_POSITIVE {
        let negligible = add(k, weight);
        if negligible && k > size {
            break;
        }
        k += 1.0;
        weight *= mean / k;
    }
    let (mut k, mut weight) = (mode, 1.0);
    while k > 0.0 && weight > 1e-30 {
        weight *= k / mean;
        k -= 1.0;
        add(k, weight);
    }
    (reached / total, excess / total)
}
