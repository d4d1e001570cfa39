//! Columns of CSV files (RFC 4180) for the t-test of the command line.

use flooding_aggregate::stats::{Kind, StatsError, columns_of_csv};

fn refusal(text: &str) -> String {
    columns_of_csv(text, "x", "y", Kind::Welch).unwrap_err().to_string()
}

#[test]
fn two_columns_of_a_csv_are_read_with_empty_fields_quotes_and_faults_told_apart() {
    let text = "name,\"x, in m\",y\n\"a,b\",1.5,2\nc,,3\nd,4,\n\ne,5,6\n";
    assert_eq!(columns_of_csv(text, "x, in m", "y", Kind::Welch), Ok((vec![1.5, 4.0, 5.0], vec![2.0, 3.0, 6.0])));
    assert_eq!(columns_of_csv(text, "x, in m", "y", Kind::Paired), Ok((vec![1.5, 5.0], vec![2.0, 6.0])));
    let unknown = columns_of_csv(text, "z", "y", Kind::Welch).unwrap_err().to_string();
    assert!(unknown.contains("name, x, in m, y"), "{unknown}");
    let fault = columns_of_csv(text, "name", "y", Kind::Welch).unwrap_err();
    assert_eq!(fault, StatsError::NotANumber { line: 2, column: "name".into(), text: "a,b".into() });
}

#[test]
fn quoted_fields_may_hold_line_breaks_commas_and_doubled_quotes() {
    let text = "name,x,y\r\n\"two\r\nlines\",1,2\r\n\"a \"\"b\"\", c\",3,4\r\n";
    assert_eq!(columns_of_csv(text, "x", "y", Kind::Paired), Ok((vec![1.0, 3.0], vec![2.0, 4.0])));
    // Lines are those of the file, also behind a quoted line break.
    let fault = "name,x,y\n\"two\nlines\",1,2\nc,z,4\n";
    assert!(refusal(fault).contains("line 4, column `x`: `z`"), "{}", refusal(fault));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_column() {
    assert_eq!(columns_of_csv("\u{feff}x,y\n1,2\n", "x", "y", Kind::Welch), Ok((vec![1.0], vec![2.0])));
    assert_eq!(columns_of_csv("\u{feff}\"x\",y\n1,2\n", "x", "y", Kind::Welch), Ok((vec![1.0], vec![2.0])));
}

#[test]
fn rows_that_are_longer_or_shorter_than_the_header_are_refused_with_their_line() {
    assert!(refusal("x,y\n1,2\n3\n").contains("line 3: 1 field(s) where the header has 2"));
    assert!(refusal("x,y\n1,2,\n").contains("line 2: 3 field(s)"));
}

#[test]
fn of_two_columns_with_the_same_name_neither_is_taken() {
    assert!(refusal("x,y,x\n1,2,3\n").contains("2 columns `x`"));
}

#[test]
fn quotes_out_of_place_are_refused_with_line_and_character() {
    for (text, place) in [
        ("x,y\n1,2\n3,4\"\n5,6\n", "line 3, character 4: a quote inside"),
        ("x,y\n1,\"2\" \n", "line 2, character 6: text behind a closing quote"),
        ("x,y\n1,2\n3,\"4\n5,6\n", "line 3, character 3: this quote is never closed"),
        ("x,\"y\n1,2\n", "line 1, character 3: this quote is never closed"),
    ] {
        assert!(refusal(text).contains(place), "{text:?}: {}", refusal(text));
    }
}

#[test]
fn an_empty_text_has_no_columns() {
    assert!(refusal("").contains("no column `x`"));
}

#[test]
fn a_file_with_other_separators_or_nothing_in_it_is_named_as_such() {
    for text in ["x;y\n1;2\n", "x\ty\n1\t2\n"] {
        assert!(refusal(text).contains("separate the fields by commas"), "{}", refusal(text));
    }
    for text in ["", "\n\n", "\u{feff}"] {
        assert!(refusal(text).contains("the file is empty"), "{}", refusal(text));
    }
}
