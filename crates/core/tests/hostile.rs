//! Configurations that mean no good: every number and every text of the tracked one replaced by what nobody expects
//! there. They become a plan or a message; nothing panics, and no message moves the cursor.

#[path = "support/hostile.rs"]
mod hostile;

use std::collections::BTreeMap;
use std::path::Path;

use flooding_core::config::{Config, ConfigError};
use flooding_core::digest::Digest;
use flooding_core::plan::{Overrides, Plan, Resolver};
use flooding_core::record::History;
use hostile::{NUMBERS, TEXTS, damaged, numbers, replaced, texts};

const TRACKED: &str = include_str!("../../../pipeline.toml");

fn plan_of(text: &str) -> Result<Plan, ConfigError> {
    let path = Path::new("pipeline.toml");
    let names = ["mnist", "kmnist", "svhn", "cifar10", "cifar100"];
    let catalogue: BTreeMap<String, Digest> = names.map(|name| (name.to_owned(), Digest::of(name.as_bytes()))).into();
    let config = Config::parse(text, path)?;
    Resolver::new(&config, text, path, &catalogue).plan("full", &Overrides::default())
}

/// A plan of bearable size, or a message that names the file and fits a terminal.
fn plan_or_message(text: &str, what: &str) {
    match plan_of(text) {
        Ok(plan) => {
            let runs: u64 = plan.settings.iter().map(|s| u64::from(s.trials) * s.levels.len() as u64).sum();
            assert!(runs <= 1_000_000, "{what}: {runs} runs");
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains("pipeline.toml") || message.contains("profile"), "{what}: {message}");
            assert!(message.len() < 4000 && !message.contains(|c: char| c.is_control() && c != '\n'), "{message:?}");
        }
    }
}

/// Comments hold numbers and quotes.
fn without_comments() -> String {
    TRACKED.lines().map(|line| line.split('#').next().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_number_in_the_place_of_another_makes_the_resolver_panic() {
    let text = without_comments();
    let places = numbers(&text);
    assert!(places.len() > 100, "{} numbers", places.len());
    for place in &places {
        for number in NUMBERS {
            plan_or_message(&replaced(&text, place, number), &format!("{} -> {number}", &text[place.clone()]));
        }
    }
}

#[test]
fn no_text_in_the_place_of_another_makes_the_resolver_panic() {
    let text = without_comments();
    let places = texts(&text);
    assert!(places.len() > 200, "{} texts", places.len());
    // A stride without a common factor: all places, and all that may stand there.
    let all = places.iter().flat_map(|place| TEXTS.map(|other| (place, other)));
    for (place, other) in all.step_by(5) {
        plan_or_message(&replaced(&text, place, other), &format!("{} -> {other}", &text[place.clone()]));
    }
}

#[test]
fn no_damage_to_the_configuration_makes_the_parser_panic() {
    for bytes in damaged(TRACKED.as_bytes(), 53) {
        if let Ok(text) = std::str::from_utf8(&bytes) {
            plan_or_message(text, "damaged");
        }
    }
}

#[test]
fn data_that_another_reading_draws_are_not_looked_for_among_the_images() {
    let text = TRACKED.replacen("[reading.paper.data.spiral]", "[reading.paper.data.spirals]", 1);
    let message = plan_of(&text).unwrap_err().to_string();
    for word in ["profile.", "readings = paper", "spiral", "not among this reading's data"] {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn no_number_in_a_history_makes_its_reader_panic_and_what_is_read_is_written_back() {
    let text = include_str!("archive/run-record-v1/history.csv");
    for place in numbers(text) {
        for number in NUMBERS {
            if let Ok(history) = History::from_csv(&replaced(text, &place, number)) {
                let written = history.to_csv();
                assert_eq!(History::from_csv(&written).unwrap().to_csv(), written);
            }
        }
    }
}
