//! Table 1: the paper's conceptual comparison of regularizers; nothing in it is measured.

use flooding_tables::MethodRow;

/// Name and source; targets a training loss, independent of domain, task, model; main assumption.
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

/// The paper's Table 1.
pub(crate) fn methods() -> Vec<MethodRow> {
    let row = |(method, [training_loss, domain, task, model], assumption): (&str, [bool; 4], &str)| MethodRow {
        method: method.to_owned(),
        targets_training_loss: training_loss,
        domain_independent: domain,
        task_independent: task,
        model_independent: model,
        assumption: assumption.to_owned(),
    };
    ROWS.map(row).into()
}
