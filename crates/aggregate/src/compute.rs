//! What computing took, by the paper's tables and by machine, from provenance.

use std::collections::{BTreeMap, BTreeSet};

use flooding_core::clock;
use flooding_core::config::TableId;
use flooding_core::record::Provenance;
use flooding_tables::ComputeRow;

/// A machine that made runs of a table.
type Machine = (String, String, Option<u32>, Option<u32>);

/// What the runs of a group took, counted once where they share it.
#[derive(Default)]
struct Took {
    runs: u64,
    /// Setting, trial, and milliseconds: levels that took the same path to the end have the time of that path each.
    paths: BTreeSet<(String, u32, u64)>,
    /// From when to when a path was in progress, in seconds since 1970.
    busy: Vec<(f64, f64)>,
}

/// Adds up what is known of complete runs.
#[derive(Default)]
pub(crate) struct Account {
    groups: BTreeMap<(Option<TableId>, Machine), Took>,
}

impl Account {
    /// One complete run of a setting's trial.
    pub fn add(&mut self, table: Option<TableId>, setting: &str, trial: u32, made: &Provenance) {
        let machine = (made.device.clone(), made.processor.clone(), made.cores, made.memory);
        let took = self.groups.entry((table, machine)).or_default();
        took.runs += 1;
        let milliseconds = (made.seconds.max(0.0) * 1e3).round() as u64;
        if took.paths.insert((setting.to_owned(), trial, milliseconds))
            && let Some(end) = clock::seconds_of(&made.finished)
        {
            took.busy.push((end as f64 - made.seconds, end as f64));
        }
    }

    /// One row a table and machine; settings of no table come last.
    pub fn rows(self) -> Vec<ComputeRow> {
        let row =
            |((table, (device, processor, cores, memory)), took): ((Option<TableId>, Machine), Took)| ComputeRow {
                table,
                device,
                processor,
                cores,
                memory,
                runs: took.runs,
                hours: whole(took.paths.iter().map(|(_, _, milliseconds)| *milliseconds as f64 / 1e3).sum()),
                elapsed_hours: (!took.busy.is_empty()).then(|| whole(covered(took.busy))),
            };
        let mut rows: Vec<ComputeRow> = self.groups.into_iter().map(row).collect();
        rows.sort_by_key(|row| row.table.is_none());
        rows
    }
}

/// Whole hours: see [`ComputeRow`].
fn whole(seconds: f64) -> u64 {
    (seconds / 3600.0) as u64
}

/// The length of the union of intervals.
fn covered(mut intervals: Vec<(f64, f64)>) -> f64 {
    intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut reached) = (0.0, f64::NEG_INFINITY);
    for (start, end) in intervals {
        sum += (end - start.max(reached)).max(0.0);
        reached = reached.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(finished: &str, hours: f64, cores: Option<u32>) -> Provenance {
        Provenance {
            version: String::new(),
            commit: String::new(),
            rustc: String::new(),
            device: "cpu".to_owned(),
            processor: "A processor".to_owned(),
            finished: finished.to_owned(),
            seconds: hours * 3600.0,
            training_seconds: 0.0,
            cores,
            memory: None,
        }
    }

    #[test]
    fn levels_that_share_their_path_to_the_end_are_counted_once() {
        let mut account = Account::default();
        for _ in 0..3 {
            account.add(Some(TableId::Table2), "spiral", 0, &made("2020-07-13T10:00:00Z", 2.0, None));
        }
        // Another trial that took as long is another path.
        account.add(Some(TableId::Table2), "spiral", 1, &made("2020-07-13T10:00:00Z", 2.0, None));
        let rows = account.rows();
        assert_eq!((rows.len(), rows[0].runs, rows[0].hours, rows[0].elapsed_hours), (1, 4, 4, Some(2)));
    }

    #[test]
    fn pauses_count_for_nothing_and_overlaps_once() {
        let mut account = Account::default();
        for (finished, hours) in
            [("2020-07-13T10:00:00Z", 1.0), ("2020-07-13T10:30:00Z", 1.5), ("2020-07-14T10:00:00Z", 0.5)]
        {
            account.add(None, "mine", 0, &made(finished, hours, Some(2)));
        }
        let rows = account.rows();
        assert_eq!((rows[0].hours, rows[0].elapsed_hours), (3, Some(2)));
    }

    #[test]
    fn machines_and_tables_stand_apart_and_short_runs_take_no_hour() {
        let mut account = Account::default();
        account.add(None, "mine", 0, &made("2020-07-13T10:00:00Z", 0.9, Some(2)));
        account.add(Some(TableId::Table3), "mnist", 0, &made("", 1.5, Some(2)));
        account.add(Some(TableId::Table3), "mnist", 1, &made("2020-07-13T10:00:00Z", 1.5, Some(4)));
        let rows = account.rows();
        let short = |row: &ComputeRow| (row.table, row.cores, row.hours, row.elapsed_hours);
        assert_eq!(
            rows.iter().map(short).collect::<Vec<_>>(),
            [
                (Some(TableId::Table3), Some(2), 1, None),
                (Some(TableId::Table3), Some(4), 1, Some(1)),
                (None, Some(2), 0, Some(0)),
            ]
        );
    }
}
