//! What `--only` and a profile's `settings` match.

/// Does a shell-style pattern (`*`, `?`, `[...]`) match the whole of `text`? A malformed pattern matches only itself.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    pattern == text || globset::Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(text))
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn patterns_match_whole_names() {
        assert!(glob_matches("spiral-*", "spiral-high"));
        assert!(glob_matches("spiral-high", "spiral-high"));
        assert!(!glob_matches("spiral", "spiral-high"));
        assert!(!glob_matches("[", "spiral-high"));
    }
}
