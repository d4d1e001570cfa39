//! Table 1: the paper's conceptual comparison of regularisers.

use serde::Serialize;

/// Table 1.
#[derive(Clone, Debug, Serialize)]
pub struct MethodsContext {
    /// Its rows, as in the paper.
    pub rows: Vec<Method>,
}

/// One regulariser.
#[derive(Clone, Debug, Serialize)]
pub struct Method {
    /// Its name and source.
    pub name: &'static str,
    /// Targets a training loss; independent of domain, task, model.
    pub properties: [bool; 4],
    /// Its main assumption.
    pub assumption: &'static str,
}

const ROWS: [(&str, [bool; 4], &str); 10] = [
    ("ℓ2 regularization (Tikhonov, 1943)", [false, true, true, true], "Optimal model parameters are close to 0"),
    ("Weight decay (Hanson & Pratt, 1988)", [false, true, true, true], "Optimal model parameters are close to 0"),
    ("Early stopping (Morgan & Bourlard, 1990)", [false, true, true, true], "Overfitting occurs in later epochs"),
    ("ℓ1 regularization (Tibshirani, 1996)", [false, true, true, true], "Optimal model has to be sparse"),
    ("Dropout (Srivastava et al., 2014)", [false, true, true, false], "Existence of complex co-adaptations"),
    (
        "Batch normalization (Ioffe & Szegedy, 2015)",
        [false, true, true, false],
        "Existence of internal covariate shift",
    ),
    ("Label smoothing (Szegedy et al., 2016)", [false, true, false, true], "True posterior is not a one-hot vector"),
    ("Mixup (Zhang et al., 2018)", [false, false, false, true], "Linear relationship between x and y"),
    (
        "Image augmentation (Shorten & Khoshgoftaar, 2019)",
        [false, false, true, true],
        "Input is invariant to the translations",
    ),
    ("Flooding (the paper’s method)", [true, true, true, true], "Learning until zero loss is harmful"),
];

impl MethodsContext {
    /// The paper's table; nothing in it is measured.
    pub fn new() -> Self {
        let row = |(name, properties, assumption)| Method { name, properties, assumption };
        Self { rows: ROWS.into_iter().map(row).collect() }
    }
}
