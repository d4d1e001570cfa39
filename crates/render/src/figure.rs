//! Figures: each is drawn once, as a scene, and becomes SVG for the page, SVG and PDF files, and CSV data.

#![allow(clippy::cast_possible_wrap)] // Lengths and indices on a scene are small.

mod axis;
mod calibration;
mod compared;
mod concept;
mod curves;
mod decimate;
mod flatness;
mod floating;
mod forest;
mod gradients;
mod legend;
mod levels;
mod memorization;
mod panel;
pub mod pdf;
mod scene;
pub mod style;
pub mod svg;
mod theorem;

pub use calibration::calibration;
pub use compared::{compared_curves, levels as compared_levels};
pub use concept::{flooded_objective, with_and_without};
pub use curves::learning_curves;
pub use decimate::RULE as DECIMATION_RULE;
pub use flatness::flatness;
pub use floating::{floating_loss, shown_levels};
pub use forest::forest;
pub use gradients::{Point, Side, gradient_amplitude};
pub use levels::accuracy_by_level;
pub use memorization::memorization;
pub use panel::DrawError;
pub use scene::Scene;
pub use theorem::{mse_against_level, scenario_label};

/// A figure, its words and its data.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Unique in the report; names files and the anchor.
    pub id: String,
    /// Which of the paper's figures it re-derives, such as `Figure 2`; or what it is.
    pub label: String,
    /// What it shows, in a line.
    pub title: String,
    /// What can be seen in it, for those who cannot see it.
    pub description: String,
    /// The drawing.
    pub scene: Scene,
    /// Everything drawn and what thinning left out, as CSV.
    pub csv: Vec<u8>,
    /// The settings whose runs it shows.
    pub settings: Vec<String>,
}
