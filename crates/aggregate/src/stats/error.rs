//! Why numbers cannot be tested or compared.

/// Why two samples cannot be tested or compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// Fewer values than the test needs.
    #[error("sample {sample} has {n} value(s), a t-test needs at least 2: add trials")]
    TooFew {
        /// `a`, `b`, or `a - b` for the pairs.
        sample: &'static str,
        /// How many there are.
        n: usize,
    },
    /// NaN or infinite.
    #[error("value {position} of sample {sample} is {value}: only finite numbers can be compared")]
    NotFinite {
        /// `a` or `b`.
        sample: &'static str,
        /// Counted from 1.
        position: usize,
        /// The value.
        value: f64,
    },
    /// A result beyond the range of double precision.
    #[error("{what} exceeds the range of double precision (about 1.8e308): divide all values by a common factor")]
    Overflow {
        /// What could not be represented.
        what: &'static str,
    },
    /// A negative or non-finite standard deviation, or a mean that is not finite.
    #[error("the summary of sample {sample} (mean {mean}, standard deviation {std}) is not that of any sample")]
    BadSummary {
        /// `a` or `b`.
        sample: &'static str,
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        std: f64,
    },
    /// A summary whose size is not a whole number of at least 2.
    #[error("the summary of sample {sample} has N = {n}: a sample size is a whole number of at least 2")]
    BadSize {
        /// `a` or `b`.
        sample: &'static str,
        /// The size as given.
        n: f64,
    },
    /// A margin of equivalence that is not a positive number.
    #[error("the margin is {0}: an equivalence test needs a finite margin above 0, in the unit of the values")]
    BadMargin(f64),
    /// Pairs of samples of different sizes.
    #[error("pairs need one b for each a: there are {a} and {b} values; lists that are not pairs go to `stats ttest`")]
    Unpaired {
        /// Values in a.
        a: usize,
        /// Values in b.
        b: usize,
    },
    /// A paired test from means and standard deviations alone.
    #[error("a paired test needs the pairs themselves, not their means and standard deviations")]
    PairsUnknown,
    /// A kind of test that does not exist.
    #[error("`{0}` is no t-test: choose student, welch or paired")]
    UnknownKind(String),
    /// A column that the CSV does not have.
    #[error("there is no column `{name}`; the columns are: {known}")]
    NoColumn {
        /// As asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A column name that occurs more than once.
    #[error("there are {count} columns `{name}`: rename all but one")]
    AmbiguousColumn {
        /// As asked for.
        name: String,
        /// How many there are.
        count: usize,
    },
    /// A CSV cell that is not a number.
    #[error("line {line}, column `{column}`: `{text}` is not a number (leave a missing value empty)")]
    NotANumber {
        /// Counted from 1, the header included.
        line: u64,
        /// The column.
        column: String,
        /// The cell.
        text: String,
    },
    /// A row with more or fewer fields than the header.
    #[error("line {line}: {fields} field(s) where the header has {header}: complete or remove the row")]
    Ragged {
        /// Counted from 1.
        line: u64,
        /// Fields of the row.
        fields: u64,
        /// Fields of the header.
        header: u64,
    },
    /// Quotes that are not those of RFC 4180.
    #[error("line {line}, character {character}: {fault}")]
    Quote {
        /// Counted from 1.
        line: u64,
        /// Counted from 1 within the line.
        character: u64,
        /// What is wrong and what to do.
        fault: &'static str,
    },
    /// A file that the CSV reader cannot read at all.
    #[error("not a CSV file: {0}")]
    Csv(String),
}
