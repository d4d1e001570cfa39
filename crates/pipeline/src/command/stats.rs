//! `pipeline stats`: the tables' own tests, on any numbers.

use std::fmt::Display;
use std::path::Path;
use std::{fs, io};

use flooding_aggregate::stats::{Comparison, Kind, Replication, Summary, TTest, columns_of_csv, compare, ttest};
use serde_json::{Map, Value};

use super::{print, print_json};
use crate::cli::{CompareArgs, StatsCommand, TTestArgs};
use crate::exit::{Failure, Outcome};
use crate::significant::{p_value, significant};

pub fn run(command: &StatsCommand) -> Result<Outcome, Failure> {
    match command {
        StatsCommand::Ttest(args) => run_ttest(args),
        StatsCommand::Compare(args) => run_compare(args),
    }
}

fn run_ttest(args: &TTestArgs) -> Result<Outcome, Failure> {
    let (a, b) = samples(args, args.kind)?;
    let test = ttest(args.kind, &a, &b)?;
    if args.json {
        print_json(&test)?;
    } else {
        print(&describe_ttest(&test))?;
    }
    Ok(Outcome::Done)
}

fn run_compare(args: &CompareArgs) -> Result<Outcome, Failure> {
    let paper = match (&args.paper_a, &args.paper_b) {
        (Some(a), Some(b)) => Some((summary("--paper-a", "a", a)?, summary("--paper-b", "b", b)?)),
        _ => None,
    };
    let margin = args.margin.as_deref().map(|text| number("--margin", text, text)).transpose()?;
    let comparison = compare(&numbers("--a", &args.a)?, &numbers("--b", &args.b)?, paper, margin)?;
    if args.json {
        print_json(&json(&comparison)?)?;
    } else {
        print(&describe_comparison(&comparison))?;
    }
    Ok(Outcome::Done)
}

fn samples(args: &TTestArgs, kind: Kind) -> Result<(Vec<f64>, Vec<f64>), Failure> {
    let Some(path) = &args.csv else {
        return Ok((numbers("--a", &args.a)?, numbers("--b", &args.b)?));
    };
    let text = read(path)?;
    columns_of_csv(&text, &args.a, &args.b, kind)
        .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
}

fn numbers(option: &str, list: &str) -> Result<Vec<f64>, Failure> {
    if list.trim().is_empty() {
        return Err(Failure::Usage(format!("{option} is empty: write numbers separated by commas, such as 1.0,2.5,3")));
    }
    list.split(',').map(|text| number(option, list, text)).collect()
}

fn number(option: &str, list: &str, text: &str) -> Result<f64, Failure> {
    let problem = || Failure::Usage(format!("{option} {list}: `{text}` is not a number (write 1.0,2.5,3)"));
    text.trim().parse().map_err(|_| problem())
}

fn summary(option: &str, sample: &'static str, text: &str) -> Result<Summary, Failure> {
    let fields = numbers(option, text)?;
    let [mean, std, n] = fields[..] else {
        let found = fields.len();
        return Err(Failure::Usage(format!(
            "{option} {text}: {found} number(s) where MEAN,STD,N are three (write 87.64,1.60,10)"
        )));
    };
    Summary::new(sample, mean, std, n).map_err(|error| Failure::Usage(format!("{option} {text}: {error}")))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::InvalidData => "it is not UTF-8 text (save it as CSV in UTF-8)".to_owned(),
            _ => error.to_string(),
        };
        Failure::Usage(format!("cannot read {}: {why}", path.display()))
    })
}

fn describe_ttest(test: &TTest) -> String {
    let TTest { t, df, p, difference, ci_low, ci_high, constant } = *test;
    let mut lines = Lines::default();
    lines.value("difference (a - b)", significant(difference));
    lines.interval("95% interval", (ci_low, ci_high));
    lines.value("t", significant(t));
    lines.value("degrees of freedom", significant(df));
    lines.value("p (two-sided)", p_value(p));
    if constant {
        lines.note("the values do not vary by more than rounding: the standard error is 0");
    }
    lines.0
}

/// All numbers under their names; what was not asked for, or is not defined, is null.
fn json(comparison: &Comparison) -> Result<Map<String, Value>, Failure> {
    let object = |value: Result<Value, serde_json::Error>| match value.map_err(Failure::stage)? {
        Value::Object(object) => Ok::<_, Failure>(object),
        _ => Ok(Map::new()),
    };
    let mut all = object(serde_json::to_value(comparison))?;
    match &comparison.replication {
        Some(replication) => all.extend(object(serde_json::to_value(replication))?),
        None => all.extend(Replication::KEYS.map(|key| (key.to_owned(), Value::Null))),
    }
    Ok(all)
}

fn describe_comparison(comparison: &Comparison) -> String {
    let c = comparison;
    let mut lines = Lines::default();
    lines.value("trials", c.n);
    lines.value("difference (a - b)", significant(c.difference));
    lines.interval("95% interval, paired t", (c.ci_low, c.ci_high));
    lines.interval("95% interval, BCa bootstrap", (c.bca_low, c.bca_high));
    lines.value("p, paired t", p_value(c.p_paired));
    let flip = c.p_sign_flip.map_or("not available: more than 20 trials".to_owned(), p_value);
    lines.value("p, exact sign flip", flip);
    lines.value("probability of improvement", significant(c.probability_of_improvement));
    lines.value("  over the trials", significant(c.paired_improvement));
    if let (Some(margin), Some(p)) = (c.margin, c.equivalent_p) {
        lines.value(&format!("p, difference beyond {}", significant(margin)), p_value(p));
    }
    if let Some(r) = &c.replication {
        lines.heading("against the published summaries");
        describe_replication(&mut lines, r, c.margin);
    }
    if c.constant {
        lines.note("the differences do not vary by more than rounding: their standard error is 0");
    }
    lines.0
}

fn describe_replication(lines: &mut Lines, r: &Replication, margin: Option<f64>) {
    let yes = |holds: bool| if holds { "yes" } else { "no" };
    lines.value("published difference", significant(r.paper_difference));
    lines.interval("  95% interval, Welch", (r.paper_ci_low, r.paper_ci_high));
    lines.value("  p, Welch", p_value(r.paper_t_p));
    lines.value("same direction", yes(r.same_direction));
    lines.value("published in our interval", yes(r.paper_in_our_ci));
    lines.value("ours in the published one", yes(r.ours_in_paper_ci));
    lines.interval("prediction interval, normal", (r.prediction_low, r.prediction_high));
    lines.value("  ours in it", yes(r.ours_in_prediction_interval));
    lines.interval("prediction interval, t", (r.prediction_t_low, r.prediction_t_high));
    lines.value("  ours in it", yes(r.ours_in_prediction_t_interval));
    lines.value("ours - published", significant(r.difference_from_paper));
    lines.value("  p, no difference", p_value(r.p_orig));
    if let (Some(margin), Some(p)) = (margin, r.equivalent_to_paper_p) {
        lines.value(&format!("  p, beyond {}", significant(margin)), p_value(p));
    }
    match (r.combined_difference, r.combined_low.zip(r.combined_high), r.combined_p) {
        (Some(difference), Some(interval), Some(p)) => {
            lines.value("combined difference", significant(difference));
            lines.interval("  95% interval, normal", interval);
            lines.value("  p, normal", p_value(p));
        }
        _ => lines.value("combined difference", "not available: neither varies"),
    }
}

/// Lines of a name and a value.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn value(&mut self, name: &str, value: impl Display) {
        self.0.push_str(&format!("{name:<30}{value}\n"));
    }

    fn interval(&mut self, name: &str, (low, high): (f64, f64)) {
        self.value(name, format_args!("{} to {}", significant(low), significant(high)));
    }

    fn heading(&mut self, text: &str) {
        self.0.push_str(&format!("\n{text}\n"));
    }

    fn note(&mut self, text: &str) {
        self.0.push_str(&format!("note: {text}\n"));
    }
}
