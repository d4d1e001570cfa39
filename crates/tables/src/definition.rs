//! What a table is: named columns with a unit and a meaning, and typed rows that become cells and come back from them.

use std::borrow::Cow;
use std::vec::IntoIter;

/// A table: its rows are of one type, whose fields define the columns. See the crate's documentation for how to add one.
pub trait Table: Field {
    /// The stem of its files, and the kind of its JSON document.
    const NAME: &'static str;
    /// Raised whenever a column is added, removed, renamed or changes its meaning.
    const VERSION: u32;
    /// What a row is.
    const ABOUT: &'static str;

    /// Its columns, in order.
    fn columns() -> Vec<Column> {
        let mut columns = Vec::with_capacity(Self::WIDTH);
        Self::describe(Column::default(), &mut columns);
        columns
    }
}

/// One column, the same in Parquet, CSV, JSON and `docs/tables.md`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its name in every format.
    pub name: String,
    /// What its cells hold.
    pub holds: Holds,
    /// May a cell be empty?
    pub optional: bool,
    /// The unit of its numbers, such as `%` or `nat`; empty for a pure number and for text.
    pub unit: &'static str,
    /// What it means.
    pub meaning: Cow<'static, str>,
}

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holds {
    /// Text.
    #[default]
    Text,
    /// Whole numbers.
    Integer,
    /// Real numbers.
    Real,
    /// True or false.
    Flag,
}

impl Holds {
    /// As `docs/tables.md` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Flag => "true/false",
        }
    }
}

/// The value of one column in one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// No value.
    Empty,
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A real number.
    Real(f64),
    /// True or false.
    Flag(bool),
}

/// A cell that does not hold what its column promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} is not {expected}")]
pub struct BadCell {
    /// What a cell of this column holds.
    pub expected: &'static str,
    /// What this one holds.
    pub found: String,
}

/// The cells of a row, from which its fields take theirs in order.
pub type Cells = IntoIter<Cell>;

/// A type that fills one or more columns.
pub trait Field: Sized {
    /// How many columns it fills.
    const WIDTH: usize;

    /// Adds its columns; `column` has the name, unit and meaning that the field around it gives.
    fn describe(column: Column, columns: &mut Vec<Column>);

    /// Adds its cells, one a column.
    fn put(&self, cells: &mut Vec<Cell>);

    /// Takes its cells.
    fn take(cells: &mut Cells) -> Result<Self, BadCell>;
}

impl Column {
    /// The column of a field inside this one: `with` and `mean` become `with_mean`.
    #[must_use]
    pub fn inner(&self, field: &str, unit: &'static str, meaning: &'static str) -> Self {
        Self {
            name: if self.name.is_empty() { field.to_owned() } else { format!("{}_{field}", self.name) },
            holds: Holds::default(),
            optional: self.optional,
            unit: if unit.is_empty() { self.unit } else { unit },
            meaning: if self.meaning.is_empty() {
                Cow::Borrowed(meaning)
            } else {
                Cow::Owned(format!("{}: {meaning}", self.meaning))
            },
        }
    }
}

/// Defines a struct whose fields fill columns: `field: Type => "unit"`, with the meaning as its documentation. A field
/// of a type that itself fills several columns puts its name before theirs. [`table`] makes a table of one.
macro_rules! columns {
    (
        $(#[doc = $about:literal])+
        $(#[derive($($derived:ident),+)])?
        pub struct $name:ident {
            $($(#[doc = $meaning:literal])+ $field:ident: $type:ty => $unit:literal,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq $($(, $derived)+)?)]
        // Each flag is a column.
        #[allow(clippy::struct_excessive_bools)]
        pub struct $name {
            $($(#[doc = $meaning])+ pub $field: $type,)+
        }

        impl $crate::definition::Field for $name {
            const WIDTH: usize = 0 $(+ <$type as $crate::definition::Field>::WIDTH)+;

            fn describe(column: $crate::definition::Column, columns: &mut Vec<$crate::definition::Column>) {
                $(
                    let inner = column.inner(stringify!($field), $unit, concat!($($meaning),+).trim());
                    <$type as $crate::definition::Field>::describe(inner, columns);
                )+
            }

            fn put(&self, cells: &mut Vec<$crate::definition::Cell>) {
                $($crate::definition::Field::put(&self.$field, cells);)+
            }

            fn take(cells: &mut $crate::definition::Cells) -> Result<Self, $crate::definition::BadCell> {
                Ok(Self { $($field: $crate::definition::Field::take(cells)?,)+ })
            }
        }
    };
}

/// Defines a table: the struct of its rows, as [`columns`] does, with the table's name and version before it.
macro_rules! table {
    (
        $table:literal version $version:literal,
        $(#[doc = $about:literal])+
        pub struct $name:ident $fields:tt
    ) => {
        $crate::definition::columns! { $(#[doc = $about])+ pub struct $name $fields }

        impl $crate::definition::Table for $name {
            const NAME: &'static str = $table;
            const VERSION: u32 = $version;
            const ABOUT: &'static str = concat!($($about, "\n"),+);
        }
    };
}

pub(crate) use {columns, table};
