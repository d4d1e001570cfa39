//! The check of Theorem 1.

use flooding_core::config::Scenario;

use crate::definition::{columns, table};

table! {
    "theorem" version 1,
    /// One cell of the check of Theorem 1: a loss distribution, a sample size and a flood level.
    pub struct TheoremRow {
        /// distribution of one example's loss, with its parameters
        scenario: Scenario => "",
        /// losses averaged by an empirical risk
        sample_size: u32 => "losses",
        /// flood level b
        level: f64 => "loss",
        /// true risk R
        risk: f64 => "loss",
        /// mean squared error of the empirical risk
        mse_empirical: Estimate => "squared loss",
        /// mean squared error of the flooded empirical risk
        mse_flooded: Estimate => "squared loss",
        /// mean squared error of the empirical risk minus that of the flooded one
        gain: Estimate => "squared loss",
        /// expected shortfall of the empirical risk below b, E[(b - empirical risk)+]
        shortfall: Estimate => "loss",
        /// probability that the empirical risk is below b
        prob_below: Estimate => "probability",
    }
}

columns! {
    /// An exact value and its Monte Carlo estimate.
    #[derive(Copy)]
    pub struct Estimate {
        /// by closed form or quadrature
        exact: f64 => "",
        /// Monte Carlo estimate
        mc: f64 => "",
        /// standard error of the Monte Carlo estimate
        se: f64 => "",
    }
}

table! {
    "theorem_checks" version 1,
    /// One statement of Theorem 1 or its proof, checked over all cells that bear on it.
    pub struct TheoremCheck {
        /// what is checked, such as `identity gain = 4 (R - b) E[(b - R^)+]`
        statement: String => "",
        /// where in the paper
        source: String => "",
        /// did it hold?
        passed: bool => "",
        /// cells checked
        cells: u32 => "cells",
        /// the statistic
        detail: String => "",
    }
}
