//! `pipeline compare`: is a published report what its runs say, do its runs come out the same here, and where do two
//! reports differ?

use std::path::Path;

use flooding_core::context::Context;
use flooding_core::store::Store;
use flooding_tables::AccuracyRow;
use serde::Serialize;

use super::{print, print_json};
use crate::cli::CompareReportsArgs;
use crate::compare::cells::{self, CellDifference};
use crate::compare::folders::{self, Differences};
use crate::compare::sample::{self, Agreement, Sampled};
use crate::exit::{Failure, Outcome};
use crate::published::{self, Published};
use crate::source::StoredExamples;
use crate::{display, interrupt, project};

pub fn run(args: &CompareReportsArgs) -> Result<Outcome, Failure> {
    match &args.folders[..] {
        [one, other] if args.sample.is_none() => two(one, other, args.json),
        [folder] => certificate(folder, args),
        _ => Err(Failure::Usage("--sample goes with one published report".to_owned())),
    }
}

fn two(one: &Path, other: &Path, json: bool) -> Result<Outcome, Failure> {
    let differences = folders::compare(one, other).map_err(|error| Failure::Usage(error.to_string()))?;
    if json {
        print_json(&differences)?;
    } else {
        print(&describe(&differences))?;
    }
    Ok(if differences.is_empty() { Outcome::Done } else { Outcome::Incomplete })
}

fn describe(differences: &Differences) -> String {
    let Differences { compared, cells, verdicts, levels, alone } = differences;
    let mut text = String::new();
    for name in alone {
        text.push_str(&format!("{name}\n"));
    }
    for cell in cells {
        text.push_str(&format!("cell {}\n", cell_line(cell)));
    }
    for change in verdicts {
        text.push_str(&format!("verdict {}: {} and {}\n", change.what, change.one, change.other));
    }
    for change in levels {
        text.push_str(&format!("selected level {}: {} and {}\n", change.what, change.one, change.other));
    }
    text.push_str(&format!(
        "{} of {compared} cells, {} verdicts and {} selected levels differ; {} rows are on one side alone\n",
        cells.len(),
        verdicts.len(),
        levels.len(),
        alone.len()
    ));
    text
}

fn cell_line(cell: &CellDifference) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "empty".to_owned(), |value| format!("{value:.6}"));
    let by = cell.one.zip(cell.other).map_or_else(String::new, |(one, other)| format!(", by {:+.3e}", other - one));
    format!("{}, {}: {} and {}{by}", cell.row, cell.column, number(cell.one), number(cell.other))
}

/// What was found about a published report.
#[derive(Serialize)]
struct Certificate {
    published: Published,
    cells_checked: usize,
    cells_that_do_not_follow: Vec<CellDifference>,
    trained_by_a_gpu: usize,
    seed: u64,
    sample: Vec<Sampled>,
}

fn certificate(folder: &Path, args: &CompareReportsArgs) -> Result<Outcome, Failure> {
    let (published, rows) = published::open(folder).map_err(Failure::published)?;
    let tables = folders::tables_of(folder).map_err(|error| Failure::Usage(error.to_string()))?;
    let accuracy: Vec<AccuracyRow> = folders::rows(&tables).map_err(|error| Failure::Usage(error.to_string()))?;
    let (cells_checked, cells_that_do_not_follow) = cells::check(&accuracy, &rows);
    let Some(sample) = retrained(folder, &rows, args)? else { return Ok(Outcome::Interrupted) };
    let trained_by_a_gpu = rows.iter().filter(|row| published::by_gpu(row)).count();
    let certificate =
        Certificate { published, cells_checked, cells_that_do_not_follow, trained_by_a_gpu, seed: args.seed, sample };
    if args.json {
        print_json(&certificate)?;
    } else {
        print(&text(&certificate))?;
    }
    let differs = |sampled: &Sampled| !matches!(sampled.agreement, Agreement::Identical | Agreement::Rounding);
    let good = certificate.cells_that_do_not_follow.is_empty() && !certificate.sample.iter().any(differs);
    Ok(if good { Outcome::Done } else { Outcome::Incomplete })
}

fn retrained(
    folder: &Path,
    rows: &[flooding_tables::PublishedRunRow],
    args: &CompareReportsArgs,
) -> Result<Option<Vec<Sampled>>, Failure> {
    let Some(count) = args.sample.filter(|&count| count > 0) else { return Ok(Some(Vec::new())) };
    let datasets = project::published_datasets(&folder.join(published::CONFIGURATION), &args.data)?;
    let specifications = sample::specifications(folder, &datasets.catalogue()).map_err(Failure::stage)?;
    let store = Store::read_only(&args.data, folder);
    let context = Context {
        jobs: args.jobs.map_or_else(project::cores, usize::from),
        stop: interrupt::stop_flag(),
        progress: display::for_terminal(),
        ..Context::default()
    };
    let drawn = sample::draw(rows, count, args.seed);
    sample::retrain(&drawn, &specifications, StoredExamples::new(&store, &datasets, &*context.progress), &context)
        .map_err(Failure::Stage)
}

fn text(certificate: &Certificate) -> String {
    let Certificate { published, cells_checked, cells_that_do_not_follow, trained_by_a_gpu, seed, sample } =
        certificate;
    let mut text = format!(
        "{} of {} runs of profile {}; all {} files match their digests\n",
        published.complete,
        published.planned,
        published.profile,
        published.files.len()
    );
    for cell in cells_that_do_not_follow {
        text.push_str(&format!("does not follow from the runs: {}\n", cell_line(cell)));
    }
    text.push_str(&format!(
        "{} of {cells_checked} cells of the accuracy tables follow from the runs\n",
        cells_checked - cells_that_do_not_follow.len()
    ));
    if *trained_by_a_gpu > 0 {
        text.push_str(&format!(
            "trained by a GPU, whose sums have no fixed order, and so not drawn: {trained_by_a_gpu} of {} runs\n",
            published.complete
        ));
    }
    let mut counts = [0; 4];
    for sampled in sample {
        let (index, what) = match &sampled.agreement {
            Agreement::Identical => (0, "identical to the bit".to_owned()),
            Agreement::Rounding => (1, "equal to rounding".to_owned()),
            Agreement::Different { last, best } => {
                let pair = |(published, now): (f64, f64)| format!("{published:.2}% published, {now:.2}% here");
                (2, format!("different: last epoch {}; best validation epoch {}", pair(*last), pair(*best)))
            }
            Agreement::NotTrained { why } => (3, format!("not trained again: {why}")),
        };
        counts[index] += 1;
        text.push_str(&format!("{} (key {}): {what}\n", sampled.run, sampled.key));
    }
    if !sample.is_empty() {
        let [identical, rounding, different, not] = counts;
        text.push_str(&format!(
            "of {} runs drawn with seed {seed}: {identical} identical to the bit, {rounding} equal to rounding, {different} \
             different, {not} not trained again\n",
            sample.len()
        ));
    }
    if counts[2] > 0 {
        text.push_str(
            "Runs of another kind of processor agree to rounding at first and drift apart over hundreds of epochs: compare \
             the processors (`--json`) before suspecting the numbers.\n",
        );
    }
    text
}
