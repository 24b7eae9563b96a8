//! Why a text is no configuration, in words of TOML and not of this program's types.

/// What the parser found, for the person who wrote the file.
pub(super) fn why(text: &str, error: &toml::de::Error) -> String {
    let is_single = |file: toml::Table| file.get("door").is_some_and(toml::Value::is_table);
    if text.parse().is_ok_and(is_single) {
        return "[door] is one section only: write [[door]], also for one door".to_owned();
    }
    let words = error.to_string().replace("expected f64", "expected a number");
    words.replace("expected u32", "expected a whole number").trim_end().to_owned()
}
