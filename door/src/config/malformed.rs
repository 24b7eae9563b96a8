//! Why a text is no configuration, in words of TOML and not of this program's types.

/// What the parser found, for the person who wrote the file.
pub(super) fn why(text: &str, error: &toml::de::Error) -> String {
    let is_single = |file: toml::Table| file.get("door").is_some_and(toml::Value::is_table);
    if text.parse().is_ok_and(is_single) {
        return "[door] is one section only: write [[door]], also for one door".to_owned();
    }
    let words = error.to_string().replace("expected f64", "expected a number");
    with_suggestion(words.replace("expected u32", "expected a whole number").trim_end())
}

/// An unknown key has one that it may have been meant for, or else all that there are.
fn with_suggestion(words: &str) -> String {
    let parts = words.rsplit_once("unknown field `").map(|(place, rest)| (place, rest.split_once('`')));
    let Some((place, Some((typed, known)))) = parts else { return words.to_owned() };
    let near =
        known.split('`').skip(1).step_by(2).map(|key| (strsim::damerau_levenshtein(typed, key), key)).min();
    match near {
        Some((distance, near)) if distance <= 3 => {
            format!("{place}unknown key `{typed}`; did you mean `{near}`?")
        }
        _ => format!("{place}unknown key `{typed}`{known}"),
    }
}
