//! `pipeline import`: results that were made elsewhere.

use super::pack::checkpoints as listed;
use super::{print, print_json};
use crate::cli::ImportArgs;
use crate::exchange::{self, Imported};
use crate::exit::{Failure, Outcome};
use crate::project;

pub fn run(args: &ImportArgs) -> Result<Outcome, Failure> {
    let (mut known, store) = project::known_settings(&args.place)?;
    let _lock = store.share()?;
    let imported = exchange::import(&args.sources, &store, &mut known, args.prefer)?.map_err(Failure::exchange)?;
    if args.json {
        print_json(&imported)?;
    } else {
        print(&describe(&imported))?;
    }
    Ok(Outcome::Done)
}

fn describe(imported: &Imported) -> String {
    let Imported { runs, drawn, probes, checkpoints, unplanned, kept, without_weights, machines } = imported;
    let checkpoints = listed(*checkpoints);
    let mut text = format!(
        "imported {runs} runs, {drawn} drawn trials{checkpoints} and {probes} probes; {kept} of what came were here already\n"
    );
    for machine in machines {
        text.push_str(&format!("trained on {machine}\n"));
    }
    if *unplanned > 0 {
        text.push_str(&format!("{unplanned} checkpoints were left out: no profile of this project plans their runs\n"));
    }
    if *without_weights > 0 {
        text.push_str(&format!("the weights of {without_weights} runs did not come with them\n"));
    }
    text
}
