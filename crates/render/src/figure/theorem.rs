//! Theorem 1: mean squared errors of the empirical and the flooded risk against b, for several sample sizes.

use flooding_core::config::Scenario;
use flooding_tables::{TheoremRow, to_csv};

use super::axis::Axis;
use super::legend::{Sample, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Canvas, Group};
use super::style::Style;
use super::{Figure, Scene};
use crate::slug::slug;

/// Panels per figure: sample sizes beyond these are in the data file only.
const PANELS: usize = 6;
const COLUMNS: usize = 3;
/// Above b = R the ratio grows without bound; a panel shows it up to here.
const HIGHEST: f64 = 2.0;

/// Description of a scenario.
pub fn scenario_label(scenario: &Scenario) -> String {
    match scenario {
        Scenario::Bernoulli { p } => format!("zero-one loss, p = {p}"),
        Scenario::ShiftedBernoulli { p, c } => format!("zero-one loss plus {c}, p = {p}"),
        Scenario::Constant { c } => format!("constant loss {c}"),
        Scenario::Exponential { theta } => format!("exponential loss, mean {theta}"),
        Scenario::Gaussian { mu, s } => format!("normal loss, mean {mu}, s.d. {s}"),
        Scenario::CrossEntropy { alpha, eps, m, d } => {
            format!("cross-entropy on two Gaussians, slope {alpha}, label noise {eps}, m = {m}, d = {d}")
        }
    }
}

/// A panel for each sample size of the rows of one scenario; `None` where the empirical risk has no error at all.
pub fn mse_against_level(index: usize, scenario: &Scenario, rows: &[&TheoremRow]) -> Result<Option<Figure>, DrawError> {
    if rows.iter().any(|row| row.mse_empirical.exact <= 0.0) {
        return Ok(None);
    }
    let label = scenario_label(scenario);
    Ok(Some(Figure {
        id: slug(&format!("theorem-1-{}", index + 1)),
        label: "Theorem 1".to_owned(),
        title: format!("Mean squared error against the flood level: {label}"),
        description: format!(
            "One panel a sample size n, all with the same axes: the mean squared error of the flooded risk (line, exact; crosses, \
             Monte Carlo) over that of the empirical risk (dotted, 1) against b, as far as the ratio is at most \
             {HIGHEST}. The dashed line is b = R; the shaded levels are those where flooding has the smaller error; a \
             filled circle marks the best level computed. Scenario: {label}."
        ),
        scene: draw(rows)?,
        csv: to_csv(rows.iter().copied()),
        settings: Vec::new(),
    }))
}

fn draw(rows: &[&TheoremRow]) -> Result<Scene, DrawError> {
    let mut sizes: Vec<u32> = rows.iter().map(|row| row.sample_size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes.truncate(PANELS);
    let lines = sizes.len().div_ceil(COLUMNS) as u32;
    let canvas = Canvas::new(940, 30 + lines * 210 + 12);
    let x = Axis::between("flood level b", 0.0, rows.iter().map(|row| row.level).fold(0.0, f64::max) * 1.02, 5);
    let y = Axis::between("MSE over MSE without", 0.0, HIGHEST, 4);
    legend(
        &canvas,
        (58, 18),
        &[
            (Style::Baseline, Sample::Line, "without flooding"),
            (Style::Series(0), Sample::Line, "flooded, exact"),
            (Style::Series(1), Sample::Cross, "flooded, Monte Carlo"),
            (Style::Guide, Sample::Line, "b = R"),
            (Style::Series(0), Sample::Dot, "best level"),
        ],
    );
    for (index, n) in sizes.iter().enumerate() {
        let mut cells: Vec<&&TheoremRow> = rows.iter().filter(|row| row.sample_size == *n).collect();
        cells.sort_by(|a, b| a.level.total_cmp(&b.level));
        let frame = Frame {
            x: 4 + (index % COLUMNS) as i32 * 310,
            y: 30 + (index / COLUMNS) as i32 * 210,
            width: 310,
            height: 210,
        };
        let mut panel = Panel::new(&canvas, frame, &format!("n = {n}"), &x, &y)?;
        let helped: Vec<_> =
            cells.iter().filter(|r| r.gain.exact > 0.0).map(|r| (r.level, y.range.0, y.range.1)).collect();
        if helped.len() > 1 {
            let group = Group { level: None, title: "levels where flooding has the smaller error".to_owned() };
            canvas.group(group, || panel.band(Style::Band(2), &helped))?;
        }
        if let Some(first) = cells.first() {
            panel.vertical(first.risk)?;
        }
        let ratios = |of: fn(&TheoremRow) -> f64| {
            cut(&cells.iter().map(|r| (r.level, of(r) / r.mse_empirical.exact)).collect::<Vec<_>>())
        };
        panel.line(Style::Baseline, 10, &[(0.0, 1.0), (x.range.1, 1.0)])?;
        panel.line(Style::Series(0), 16, &ratios(|r| r.mse_flooded.exact))?;
        let simulated = cells.iter().map(|r| (r.level, r.mse_flooded.mc / r.mse_empirical.exact));
        let simulated: Vec<_> = simulated.filter(|(_, ratio)| *ratio <= HIGHEST).collect();
        panel.crosses(&canvas, Style::Series(1), 32, &simulated);
        let best = cells.iter().min_by(|a, b| a.mse_flooded.exact.total_cmp(&b.mse_flooded.exact));
        if let Some(best) = best.filter(|best| best.gain.exact > 0.0) {
            panel.circles(
                Style::Series(0),
                42,
                true,
                &[(best.level, best.mse_flooded.exact / best.mse_empirical.exact)],
            )?;
        }
    }
    Ok(canvas.finish())
}

/// A line up to where it first leaves the panel.
fn cut(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut line: Vec<(f64, f64)> = Vec::new();
    for &(x, y) in points {
        if y <= HIGHEST {
            line.push((x, y));
            continue;
        }
        if let Some(&(from_x, from_y)) = line.last() {
            let share = (HIGHEST - from_y) / (y - from_y);
            line.push((from_x + share * (x - from_x), HIGHEST));
        }
        break;
    }
    line
}
