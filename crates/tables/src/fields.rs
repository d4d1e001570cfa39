//! The types that fill a single column, optional ones, and lists.

use flooding_core::config::{Scenario, TableId};
use flooding_core::level::Level;
use flooding_core::spec::RunKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::definition::{BadCell, Cell, Cells, Column, Field, Holds};
use crate::probes::ProbedModel;
use crate::rows::{Checkpoint, ClaimGroup, LevelChoice, Magnitude, Quantity, RunStatus, Verdict};

fn single(column: Column, holds: Holds, columns: &mut Vec<Column>) {
    columns.push(Column { holds, ..column });
}

fn next(cells: &mut Cells) -> Cell {
    cells.next().unwrap_or(Cell::Empty)
}

fn bad<T>(expected: &'static str, found: &Cell) -> Result<T, BadCell> {
    let found = match found {
        Cell::Empty => "an empty cell".to_owned(),
        Cell::Text(text) => format!("`{text}`"),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Flag(flag) => flag.to_string(),
    };
    Err(BadCell { expected, found })
}

impl Field for String {
    const WIDTH: usize = 1;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        single(column, Holds::Text, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        cells.push(Cell::Text(self.clone()));
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        match next(cells) {
            Cell::Text(text) => Ok(text),
            other => bad("text", &other),
        }
    }
}

impl Field for bool {
    const WIDTH: usize = 1;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        single(column, Holds::Flag, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        cells.push(Cell::Flag(*self));
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        match next(cells) {
            Cell::Flag(flag) => Ok(flag),
            other => bad("true or false", &other),
        }
    }
}

impl Field for u64 {
    const WIDTH: usize = 1;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        single(column, Holds::Integer, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        // Counts of this project are far below 2^63.
        cells.push(Cell::Integer(i64::try_from(*self).unwrap_or(i64::MAX)));
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        match next(cells) {
            Cell::Integer(number) if number >= 0 => Ok(number.unsigned_abs()),
            other => bad("a count", &other),
        }
    }
}

impl Field for u32 {
    const WIDTH: usize = 1;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        single(column, Holds::Integer, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        cells.push(Cell::Integer((*self).into()));
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        let count = u64::take(cells)?;
        Self::try_from(count).or_else(|_| bad("a count below 2^32", &Cell::Integer(count.cast_signed())))
    }
}

impl Field for f64 {
    const WIDTH: usize = 1;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        single(column, Holds::Real, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        cells.push(Cell::Real(*self));
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        match next(cells) {
            Cell::Real(number) => Ok(number),
            Cell::Integer(number) => Ok(number as Self),
            other => bad("a number", &other),
        }
    }
}

impl Field for Level {
    const WIDTH: usize = 1;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        single(column, Holds::Real, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        cells.push(Cell::Real(self.value()));
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        let number = f64::take(cells)?;
        Self::try_from(number).or_else(|_| bad("a flood level", &Cell::Real(number)))
    }
}

/// A value that stands in one cell as text.
trait Word: Sized {
    const EXPECTED: &'static str;
    fn to_word(&self) -> String;
    fn of_word(word: &str) -> Option<Self>;
}

fn put_word<T: Word>(word: &T, cells: &mut Vec<Cell>) {
    cells.push(Cell::Text(word.to_word()));
}

fn take_word<T: Word>(cells: &mut Cells) -> Result<T, BadCell> {
    match next(cells) {
        Cell::Text(text) => match T::of_word(&text) {
            Some(word) => Ok(word),
            None => bad(T::EXPECTED, &Cell::Text(text)),
        },
        other => bad(T::EXPECTED, &other),
    }
}

/// The word by which serde knows a variant without fields.
fn variant_word<T: Serialize>(variant: &T) -> String {
    serde_json::to_value(variant).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn variant_of<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::String(word.to_owned())).ok()
}

macro_rules! words {
    ($($type:ty => $expected:literal, $to:expr, $of:expr;)+) => {$(
        impl Word for $type {
            const EXPECTED: &'static str = $expected;

            fn to_word(&self) -> String {
                ($to)(self)
            }

            fn of_word(word: &str) -> Option<Self> {
                ($of)(word)
            }
        }

        impl Field for $type {
            const WIDTH: usize = 1;

            fn describe(column: Column, columns: &mut Vec<Column>) {
                single(column, Holds::Text, columns);
            }

            fn put(&self, cells: &mut Vec<Cell>) {
                put_word(self, cells);
            }

            fn take(cells: &mut Cells) -> Result<Self, BadCell> {
                take_word(cells)
            }
        }
    )+};
}

words! {
    RunKey => "a run key", ToString::to_string, |word: &str| Self::try_from(word.to_owned()).ok();
    TableId => "a table of the paper", variant_word, variant_of;
    Checkpoint => "a checkpoint", variant_word, variant_of;
    Verdict => "a verdict", variant_word, variant_of;
    Quantity => "a quantity of the scorecard", variant_word, variant_of;
    LevelChoice => "a way of choosing the level", variant_word, variant_of;
    Magnitude => "a verdict on a size", variant_word, variant_of;
    ClaimGroup => "what a claim is about", variant_word, variant_of;
    RunStatus => "a run's status", variant_word, variant_of;
    ProbedModel => "a model", |model: &Self| model.name().to_owned(), Self::named;
    Scenario => "a scenario", scenario_word, scenario_of;
}

/// Kind and parameters, such as `bernoulli p=0.3`.
pub fn scenario_word(scenario: &Scenario) -> String {
    let Ok(Value::Object(fields)) = serde_json::to_value(scenario) else { return String::new() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let part = |(key, value): (&String, &Value)| {
        if key == "kind" { text(value) } else { format!("{key}={}", text(value)) }
    };
    fields.iter().map(part).collect::<Vec<_>>().join(" ")
}

fn scenario_of(word: &str) -> Option<Scenario> {
    let mut parts = word.split(' ');
    let mut fields = serde_json::Map::new();
    fields.insert("kind".to_owned(), parts.next()?.into());
    for part in parts {
        let (key, value) = part.split_once('=')?;
        fields.insert(key.to_owned(), serde_json::from_str(value).ok()?);
    }
    serde_json::from_value(Value::Object(fields)).ok()
}

/// Empty cells for `None`. A value all of whose cells are empty reads back as `None`.
impl<T: Field> Field for Option<T> {
    const WIDTH: usize = T::WIDTH;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        T::describe(Column { optional: true, ..column }, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        match self {
            Some(value) => value.put(cells),
            None => cells.extend(std::iter::repeat_n(Cell::Empty, T::WIDTH)),
        }
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        let mine = &cells.as_slice()[..T::WIDTH.min(cells.len())];
        if mine.iter().all(|cell| *cell == Cell::Empty) {
            cells.by_ref().take(T::WIDTH).for_each(drop);
            return Ok(None);
        }
        T::take(cells).map(Some)
    }
}

/// Words, separated by spaces in one cell.
impl Field for Vec<String> {
    const WIDTH: usize = 1;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        single(column, Holds::Text, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        cells.push(Cell::Text(self.join(" ")));
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        Ok(String::take(cells)?.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }
}

/// Flood levels, separated by spaces in one cell.
impl Field for Vec<Level> {
    const WIDTH: usize = 1;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        single(column, Holds::Text, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        let levels: Vec<String> = self.iter().map(Level::to_string).collect();
        cells.push(Cell::Text(levels.join(" ")));
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        let level = |word: &String| word.parse().ok().and_then(|number: f64| Level::try_from(number).ok());
        let words = Vec::<String>::take(cells)?;
        let levels = words.iter().map(level).collect::<Option<Self>>();
        levels.map_or_else(|| bad("flood levels", &Cell::Text(words.join(" "))), Ok)
    }
}
