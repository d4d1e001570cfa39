//! The interpretations of the paper that its claims are judged under.

/// The readings that claims are judged under; others are the user's or single factors. Where the second one is named, it
/// stands in for the settings that the first does not change.
pub const READINGS: [(&str, Option<&str>); 3] = [("paper", None), ("demo", None), ("calibrated", Some("demo"))];

/// The reading that stands in where this one has no setting of its own.
pub fn stand_in(reading: &str) -> Option<&'static str> {
    READINGS.into_iter().find(|(name, _)| *name == reading)?.1
}
