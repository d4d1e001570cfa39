//! The statistics that decide: t-tests, intervals, effect sizes, power, and Holm's correction. Pure functions of
//! numbers; nothing here knows about runs or tables.

mod csv;
mod proportion;
mod special;
mod stratified;
mod trend;
mod ttest;

pub use csv::columns_of_csv;
pub use proportion::proportion_interval;
pub use special::{critical_t, noncentral_two_sided, two_sided_p};
pub use stratified::{Pooled, Stratum};
pub use trend::Trend;
pub use ttest::{Kind, Sample, TTest, ttest, ttest_from_summary};

/// Confidence of every interval in the tables.
pub const CONFIDENCE: f64 = 0.95;

/// Significance level of the bold rule (the paper's 1%) and of the power beside it.
pub const SIGNIFICANCE: f64 = 0.01;

/// Why two samples cannot be tested.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// Fewer values than the test needs.
    #[error("sample {sample} has {n} value(s), a t-test needs at least 2: add trials")]
    TooFew {
        /// `a`, `b`, or `a - b` for the pairs.
        sample: &'static str,
        /// How many there are.
        n: usize,
    },
    /// NaN or infinite.
    #[error("value {position} of sample {sample} is {value}: t-tests need finite numbers")]
    NotFinite {
        /// `a` or `b`.
        sample: &'static str,
        /// Counted from 1.
        position: usize,
        /// The value.
        value: f64,
    },
    /// A negative or non-finite standard deviation, or a mean that is not finite.
    #[error("the summary of sample {sample} (mean {mean}, standard deviation {std}) is not that of any sample")]
    BadSummary {
        /// `a` or `b`.
        sample: &'static str,
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        std: f64,
    },
    /// A paired test of samples of different sizes.
    #[error("a paired test needs one b for each a: there are {a} and {b} values (use student or welch)")]
    Unpaired {
        /// Values in a.
        a: usize,
        /// Values in b.
        b: usize,
    },
    /// A paired test from means and standard deviations alone.
    #[error("a paired test needs the pairs themselves, not their means and standard deviations")]
    PairsUnknown,
    /// A kind of test that does not exist.
    #[error("`{0}` is no t-test: choose student, welch or paired")]
    UnknownKind(String),
    /// A column that the CSV does not have.
    #[error("there is no column `{name}`; the columns are: {known}")]
    NoColumn {
        /// As asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A CSV cell that is not a number.
    #[error("line {line}, column `{column}`: `{text}` is not a number (leave a missing value empty)")]
    NotANumber {
        /// Counted from 1, the header included.
        line: usize,
        /// The column.
        column: String,
        /// The cell.
        text: String,
    },
}

/// Holm's step-down correction over a family of p-values; absent ones stay absent and do not count.
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p.iter().enumerate().filter_map(|(i, p)| p.map(|p| (i, p))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut corrected = vec![None; p.len()];
    let mut least: f64 = 0.0;
    let family = order.len();
    for (rank, (i, p)) in order.into_iter().enumerate() {
        least = least.max((p * (family - rank) as f64).min(1.0));
        corrected[i] = Some(least);
    }
    corrected
}

/// The two-sided 95% interval of a mean; `None` for fewer than two values.
pub fn mean_interval(sample: Sample) -> Option<(f64, f64)> {
    (sample.n >= 2).then(|| {
        let n = f64::from(sample.n);
        let half = critical_t(1.0 - CONFIDENCE, n - 1.0) * sample.std / n.sqrt();
        (sample.mean - half, sample.mean + half)
    })
}

/// Cohen's d of a minus b with the pooled standard deviation; `None` where that is zero or a sample has one value.
pub fn cohens_d(a: Sample, b: Sample) -> Option<f64> {
    if a.n < 2 || b.n < 2 {
        return None;
    }
    let weight = |s: Sample| f64::from(s.n - 1);
    let pooled = ((weight(a) * a.std.powi(2) + weight(b) * b.std.powi(2)) / (weight(a) + weight(b))).sqrt();
    (pooled > 0.0).then(|| (a.mean - b.mean) / pooled)
}

/// Power of the two-sided unpaired Student test at `significance` to see a true effect of `d` (Cohen's) with samples of
/// `n_a` and `n_b` values, at least two each.
pub fn power(d: f64, n_a: u32, n_b: u32, significance: f64) -> f64 {
    let (n_a, n_b) = (f64::from(n_a), f64::from(n_b));
    let df = n_a + n_b - 2.0;
    let delta = d * (n_a * n_b / (n_a + n_b)).sqrt();
    noncentral_two_sided(critical_t(significance, df), df, delta)
}
