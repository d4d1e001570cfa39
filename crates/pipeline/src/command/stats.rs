//! `pipeline stats ttest`: the tables' own test, on any two lists of numbers.

use std::fs;
use std::path::Path;

use flooding_aggregate::stats::{Kind, TTest, columns_of_csv, ttest};

use super::{print, print_json};
use crate::cli::{StatsCommand, TTestArgs};
use crate::exit::{Failure, Outcome};

pub fn run(command: &StatsCommand) -> Result<Outcome, Failure> {
    let StatsCommand::Ttest(args) = command;
    let kind = args.kind;
    let (a, b) = samples(args, kind)?;
    let test = ttest(kind, &a, &b).map_err(|error| Failure::Usage(error.to_string()))?;
    if args.json {
        print_json(&test)?;
    } else {
        print(&describe(&test))?;
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
    let number = |text: &str| {
        let problem = || Failure::Usage(format!("{option} {list}: `{text}` is not a number (write 1.0,2.5,3)"));
        text.trim().parse().map_err(|_| problem())
    };
    list.split(',').map(number).collect()
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))
}

fn describe(test: &TTest) -> String {
    let TTest { t, df, p, difference, ci_low, ci_high } = test;
    format!(
        "difference (a - b)  {difference}\n95% interval        {ci_low} to {ci_high}\n\
         t                   {t}\ndegrees of freedom  {df}\np (two-sided)       {p:e}\n"
    )
}
