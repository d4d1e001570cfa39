//! The statistics that decide: t-tests, intervals, effect sizes, power, Holm's correction, and the comparison with
//! published numbers. Pure functions of numbers; nothing here knows about runs or tables.

mod against_summary;
mod bootstrap;
mod compare;
mod csv;
mod csv_quotes;
mod error;
mod estimate;
mod exact;
mod holm;
mod improvement;
mod normal;
mod pairs;
mod power;
mod proportion;
mod replication;
mod sample;
mod scale;
mod special;
mod spread;
mod strata;
mod stratified;
mod summary;
mod trend;
mod ttest;

pub use against_summary::{compare_mean, prediction_of_one};
pub use compare::{Comparison, compare};
pub use csv::columns_of_csv;
pub use error::StatsError;
pub use holm::holm;
pub use normal::Z_95;
pub use power::{SIGNIFICANCE, power};
pub use proportion::proportion_interval;
pub use replication::Replication;
pub use sample::{CONFIDENCE, Sample, cohens_d, mean_interval};
pub use special::{critical_t, noncentral_two_sided, two_sided_p};
pub use spread::{Corrected, corrected_interval, spread_as_small_p};
pub use strata::{Overall, overall};
pub use stratified::{Pooled, Stratum};
pub use summary::Summary;
pub use trend::Trend;
pub use ttest::{Kind, TTest, ttest, ttest_from_summary};
