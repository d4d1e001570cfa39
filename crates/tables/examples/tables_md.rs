//! Prints `docs/tables.md`: `make tables-doc`.

#![allow(clippy::print_stdout)]

fn main() {
    print!("{}", flooding_tables::documentation::markdown());
}
