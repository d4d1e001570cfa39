//! Progress on standard error: bars on a terminal, a line now and then elsewhere.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flooding_core::progress::Progress;
use flooding_core::shown;
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

/// The display that suits where standard error goes.
pub fn for_terminal() -> Arc<dyn Progress> {
    if io::stderr().is_terminal() { Arc::new(Bars::default()) } else { Arc::new(Lines::default()) }
}

/// Colour is for terminals, and not for those who set `NO_COLOR` (<https://no-color.org>).
fn coloured() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// One bar for the stage and one for each task in progress.
#[derive(Default)]
struct Bars {
    all: MultiProgress,
    state: Mutex<BarState>,
}

#[derive(Default)]
struct BarState {
    stage: Option<ProgressBar>,
    left: Option<Left>,
    items: BTreeMap<String, ProgressBar>,
}

impl BarState {
    fn remove(&mut self, all: &MultiProgress, id: &str) {
        if let Some(bar) = self.items.remove(id) {
            bar.finish_and_clear();
            all.remove(&bar);
        }
    }

    /// Says how far the stage is.
    fn tell(&self) {
        if let (Some(bar), Some(left)) = (&self.stage, &self.left) {
            bar.set_message(format!("{}s in {}", left.unit, left.times()));
        }
    }
}

/// How long a stage still takes.
struct Left {
    unit: String,
    total: u64,
    /// Tasks that have ended, the failed ones among them.
    ended: u64,
    failed: u64,
    /// Work done and left, where the stage tells: it tells more than numbers of pieces that differ in length.
    work: Option<(f64, f64)>,
    started: Instant,
}

impl Left {
    fn new(unit: &str, total: u64) -> Self {
        Self { unit: unit.to_owned(), total, ended: 0, failed: 0, work: None, started: Instant::now() }
    }

    fn done(&self) -> u64 {
        self.ended - self.failed
    }

    /// Time since the start, and what is left where that can be told.
    fn times(&self) -> String {
        let elapsed = self.started.elapsed();
        let (about, share) = match self.work {
            Some((done, left)) => ("at most about", left / done),
            None => ("about", self.total.saturating_sub(self.ended) as f64 / self.ended as f64),
        };
        match Duration::try_from_secs_f64(elapsed.as_secs_f64() * share) {
            Ok(left) => format!("{}, {about} {} to go", HumanDuration(elapsed), HumanDuration(left)),
            Err(_) => HumanDuration(elapsed).to_string(),
        }
    }
}

impl Bars {
    fn style(coloured_template: &str) -> ProgressStyle {
        let template =
            if coloured() { coloured_template.to_owned() } else { coloured_template.replace(":30.cyan", ":30") };
        ProgressStyle::with_template(&template).expect("the templates are constants").progress_chars("━╸─")
    }
}

impl Progress for Bars {
    fn stage_started(&self, stage: &str, total: u64, unit: &str) {
        let bar = self.all.add(ProgressBar::new(total));
        bar.set_style(Self::style("{prefix:<9} {bar:30.cyan} {pos}/{len} {msg}"));
        bar.set_prefix(stage.to_owned());
        bar.enable_steady_tick(Duration::from_millis(250));
        let mut state = self.state.lock().expect("no display code panics");
        state.left = Some(Left::new(unit, total));
        state.stage = Some(bar);
        state.tell();
    }

    fn item_started(&self, id: &str, steps: u64) {
        let bar = self.all.add(ProgressBar::new(steps));
        bar.set_style(Self::style("          {bar:30.cyan} {pos}/{len} {per_sec} {msg}"));
        bar.set_message(shown::line(id));
        self.state.lock().expect("no display code panics").items.insert(id.to_owned(), bar);
    }

    fn item_advanced(&self, id: &str, done: u64) {
        if let Some(bar) = self.state.lock().expect("no display code panics").items.get(id) {
            bar.set_position(done);
        }
    }

    fn item_finished(&self, id: &str, _: &str) {
        let mut state = self.state.lock().expect("no display code panics");
        state.remove(&self.all, id);
        if let Some(left) = &mut state.left {
            left.ended += 1;
        }
        if let Some(bar) = &state.stage {
            bar.inc(1);
        }
        state.tell();
    }

    fn item_paused(&self, id: &str) {
        self.state.lock().expect("no display code panics").remove(&self.all, id);
    }

    fn work_left(&self, done: f64, left: f64) {
        let mut state = self.state.lock().expect("no display code panics");
        if let Some(of_stage) = &mut state.left {
            of_stage.work = Some((done, left));
        }
        state.tell();
    }

    fn stage_finished(&self) {
        let mut state = self.state.lock().expect("no display code panics");
        for (_, bar) in std::mem::take(&mut state.items) {
            bar.finish_and_clear();
        }
        if let Some(bar) = state.stage.take() {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    fn warn(&self, message: &str) {
        // A display that cannot print has nobody to tell.
        let _ = self.all.println(format!("warning: {}", shown::message(&shown::without_secrets(message))));
    }
}

/// A line at the start, at the end and every ten seconds of a stage: for logs.
#[derive(Default)]
struct Lines {
    state: Mutex<Option<LineState>>,
}

struct LineState {
    stage: String,
    left: Left,
    last_line: Instant,
    last_item: String,
}

const INTERVAL: Duration = Duration::from_secs(10);

impl LineState {
    fn ended(&mut self, id: &str, note: &str) {
        self.left.ended += 1;
        self.last_item = if note.is_empty() { id.to_owned() } else { format!("{id} ({note})") };
        self.tell();
    }

    /// A line, if the last one is long ago.
    fn tell(&mut self) {
        if self.last_line.elapsed() >= INTERVAL {
            self.last_line = Instant::now();
            let Left { unit, total, .. } = &self.left;
            let done = self.left.done();
            log(&format!("{}: {done}/{total} {unit}s in {}; last: {}", self.stage, self.left.times(), self.last_item));
        }
    }
}

fn log(line: &str) {
    // Where standard error is closed there is no log.
    let _ = writeln!(io::stderr(), "{line}");
}

impl Progress for Lines {
    fn stage_started(&self, stage: &str, total: u64, unit: &str) {
        log(&format!("{stage}: {total} {unit}s"));
        let now = Instant::now();
        *self.state.lock().expect("no display code panics") = Some(LineState {
            stage: stage.to_owned(),
            left: Left::new(unit, total),
            last_line: now,
            last_item: "none".to_owned(),
        });
    }

    fn item_started(&self, _: &str, _: u64) {}

    fn item_advanced(&self, _: &str, _: u64) {}

    fn item_finished(&self, id: &str, note: &str) {
        if let Some(state) = &mut *self.state.lock().expect("no display code panics") {
            state.ended(id, note);
        }
    }

    fn item_failed(&self, id: &str, why: &str) {
        if let Some(state) = &mut *self.state.lock().expect("no display code panics") {
            state.left.failed += 1;
            state.ended(id, why);
        }
    }

    fn work_left(&self, done: f64, left: f64) {
        if let Some(state) = &mut *self.state.lock().expect("no display code panics") {
            state.left.work = Some((done, left));
            state.tell();
        }
    }

    fn stage_finished(&self) {
        if let Some(state) = self.state.lock().expect("no display code panics").take() {
            let Left { unit, total, failed, started, .. } = &state.left;
            let (done, took) = (state.left.done(), HumanDuration(started.elapsed()));
            let failed = if *failed == 0 { String::new() } else { format!("; {failed} failed") };
            log(&format!("{}: {done} of {total} {unit}s in {took}{failed}", state.stage));
        }
    }

    fn warn(&self, message: &str) {
        log(&format!("warning: {}", shown::message(&shown::without_secrets(message))));
    }
}
