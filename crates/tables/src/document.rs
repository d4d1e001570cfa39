//! Rows as JSON: an array of objects whose keys are the columns' names, in a document that carries its digest.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use flooding_core::store::Document;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::definition::{BadCell, Cell, Column, Table};

/// All rows of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows<T>(pub Vec<T>);

impl<T: Table> Document for Rows<T> {
    const KIND: &'static str = T::NAME;
    const VERSION: u32 = T::VERSION;
}

/// The cells of a row, one a column.
pub(crate) fn cells<T: Table>(row: &T) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(T::WIDTH);
    row.put(&mut cells);
    cells
}

/// The row of these cells, or the column whose cell it cannot be made of.
pub(crate) fn row<T: Table>(cells: Vec<Cell>, columns: &[Column]) -> Result<T, (&str, BadCell)> {
    let mut cells = cells.into_iter();
    T::take(&mut cells).map_err(|bad| {
        let at = (T::WIDTH - cells.len()).saturating_sub(1);
        (columns.get(at).map_or("", |column| column.name.as_str()), bad)
    })
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Real(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Real(number) => Err(S::Error::custom(format!("{number} is not a finite number"))),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyCell;

        impl Visitor<'_> for AnyCell {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true, false or null")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell::Empty)
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Cell, E> {
                Ok(Cell::Flag(flag))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
                Ok(Cell::Integer(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Cell, E> {
                i64::try_from(number).map(Cell::Integer).map_err(E::custom)
            }

            fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
                Ok(Cell::Real(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(AnyCell)
    }
}

/// A row with its columns' names.
struct Named<'a, T> {
    row: &'a T,
    columns: &'a [Column],
}

impl<T: Table> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, cell) in self.columns.iter().zip(cells(self.row)) {
            map.serialize_entry(&column.name, &cell)?;
        }
        map.end()
    }
}

impl<T: Table> Serialize for Rows<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = T::columns();
        let mut rows = serializer.serialize_seq(Some(self.0.len()))?;
        for row in &self.0 {
            rows.serialize_element(&Named { row, columns: &columns })?;
        }
        rows.end()
    }
}

struct RowsVisitor<T>(PhantomData<T>);

impl<'de, T: Table> Visitor<'de> for RowsVisitor<T> {
    type Value = Rows<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rows of the table {}", T::NAME)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Rows<T>, A::Error> {
        let columns = T::columns();
        let mut rows = Vec::new();
        while let Some(row) = sequence.next_element_seed(RowSeed { columns: &columns, row: PhantomData })? {
            rows.push(row);
        }
        Ok(Rows(rows))
    }
}

struct RowSeed<'a, T> {
    columns: &'a [Column],
    row: PhantomData<T>,
}

impl<'de, T: Table> DeserializeSeed<'de> for RowSeed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Table> Visitor<'de> for RowSeed<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a row of the table {}", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut cells: Vec<Option<Cell>> = vec![None; self.columns.len()];
        // Rows are written in the columns' order, so the next name is nearly always the expected one.
        let mut expected = 0;
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            let is_it = |column: &Column| column.name == name;
            let at = if self.columns.get(expected).is_some_and(is_it) {
                expected
            } else {
                let unknown = || A::Error::custom(format!("the table {} has no column `{name}`", T::NAME));
                self.columns.iter().position(is_it).ok_or_else(unknown)?
            };
            cells[at] = Some(map.next_value()?);
            expected = at + 1;
        }
        let absent = |at: usize| A::Error::custom(format!("the column `{}` is missing", self.columns[at].name));
        let cells = cells.into_iter().enumerate().map(|(at, cell)| cell.ok_or_else(|| absent(at)));
        row(cells.collect::<Result<_, _>>()?, self.columns)
            .map_err(|(column, bad)| A::Error::custom(format!("the column `{column}`: {bad}")))
    }
}

impl<'de, T: Table> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowsVisitor(PhantomData))
    }
}
