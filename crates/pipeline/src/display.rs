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

/// One bar for the stage and one for each piece of work in progress.
#[derive(Default)]
struct Bars {
    all: MultiProgress,
    state: Mutex<BarState>,
}

#[derive(Default)]
struct BarState {
    stage: Option<ProgressBar>,
    items: BTreeMap<String, ProgressBar>,
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
        bar.set_style(Self::style("{prefix:<9} {bar:30.cyan} {pos}/{len} {msg} · {elapsed} gone, {eta} to go"));
        bar.set_prefix(stage.to_owned());
        bar.set_message(format!("{unit}s"));
        bar.enable_steady_tick(Duration::from_millis(250));
        self.state.lock().expect("no display code panics").stage = Some(bar);
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
        if let Some(bar) = state.items.remove(id) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        if let Some(bar) = &state.stage {
            bar.inc(1);
        }
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
        let _ = self.all.println(format!("warning: {}", shown::message(message)));
    }
}

/// A line at the start, at the end and every ten seconds of a stage: for logs.
#[derive(Default)]
struct Lines {
    state: Mutex<Option<LineState>>,
}

struct LineState {
    stage: String,
    unit: String,
    total: u64,
    done: u64,
    started: Instant,
    last_line: Instant,
    last_item: String,
}

const INTERVAL: Duration = Duration::from_secs(10);

impl LineState {
    fn line(&self) -> String {
        let Self { stage, unit, total, done, last_item, .. } = self;
        let elapsed = self.started.elapsed();
        let eta = match u32::try_from(*done) {
            Ok(done) if done > 0 => {
                let left = elapsed / done * u32::try_from(total.saturating_sub(self.done)).unwrap_or(u32::MAX);
                format!(", about {} to go", HumanDuration(left))
            }
            _ => String::new(),
        };
        format!("{stage}: {done}/{total} {unit}s in {}{eta}; last: {last_item}", HumanDuration(elapsed))
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
            unit: unit.to_owned(),
            total,
            done: 0,
            started: now,
            last_line: now,
            last_item: "none".to_owned(),
        });
    }

    fn item_started(&self, _: &str, _: u64) {}

    fn item_advanced(&self, _: &str, _: u64) {}

    fn item_finished(&self, id: &str, note: &str) {
        if let Some(state) = &mut *self.state.lock().expect("no display code panics") {
            state.done += 1;
            state.last_item = if note.is_empty() { id.to_owned() } else { format!("{id} ({note})") };
            if state.last_line.elapsed() >= INTERVAL {
                state.last_line = Instant::now();
                log(&state.line());
            }
        }
    }

    fn stage_finished(&self) {
        if let Some(state) = self.state.lock().expect("no display code panics").take() {
            log(&format!(
                "{}: {} of {} {}s in {}",
                state.stage,
                state.done,
                state.total,
                state.unit,
                HumanDuration(state.started.elapsed())
            ));
        }
    }

    fn warn(&self, message: &str) {
        log(&format!("warning: {}", shown::message(message)));
    }
}
