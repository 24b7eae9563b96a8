//! Questions to the person at the terminal, or to a file of answers.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;

/// Why a setup ended early, in words for the person.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Stop(pub String);

impl From<facelatch_wire::ClientError> for Stop {
    fn from(error: facelatch_wire::ClientError) -> Self {
        Self(error.to_string())
    }
}

/// Answers questions. Each has a key, which a file of answers has as well.
pub trait Person {
    /// Tells them something.
    fn say(&mut self, text: &str);

    /// The answer to a question; the default if they leave it open.
    ///
    /// # Errors
    /// Nobody answers.
    fn answer(&mut self, key: &str, question: &str, default: Option<&str>) -> Result<String, Stop>;

    /// An answer cannot be used. Whoever can be asked again may return.
    ///
    /// # Errors
    /// They cannot.
    fn wrong(&mut self, key: &str, why: &str) -> Result<(), Stop>;

    /// Waits until they have done something.
    ///
    /// # Errors
    /// Nobody answers.
    fn wait(&mut self, what: &str) -> Result<(), Stop>;
}

/// Whether this says yes, or no.
///
/// # Errors
/// It says neither; what to answer.
pub fn yes_or_no(answer: &str) -> Result<bool, String> {
    match answer.to_lowercase().as_str() {
        "y" | "yes" | "true" => Ok(true),
        "n" | "no" | "false" => Ok(false),
        _ => Err("answer yes or no".to_owned()),
    }
}

/// Asks until the answer is yes or no.
///
/// # Errors
/// Nobody answers.
pub fn yes(person: &mut dyn Person, key: &str, question: &str, default: bool) -> Result<bool, Stop> {
    loop {
        let word = if default { "yes" } else { "no" };
        match yes_or_no(&person.answer(key, question, Some(word))?) {
            Ok(yes) => return Ok(yes),
            Err(why) => person.wrong(key, &why)?,
        }
    }
}

/// Says what is wrong with the camera, and asks whether to go on without it.
///
/// # Errors
/// They will not, or nobody answers.
pub fn go_on_without_camera(person: &mut dyn Person, wrong: &str) -> Result<(), Stop> {
    person.say(wrong);
    if yes(person, "camera.go_on", "Go on without it?", false)? {
        return Ok(());
    }
    Err(Stop("mend that first, then run it again; `sudo facelatch doctor` may know more".to_owned()))
}

/// Somebody at a terminal.
pub struct Terminal;

impl Person for Terminal {
    fn say(&mut self, text: &str) {
        // Whoever closes the terminal ends the next question.
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    fn answer(&mut self, _: &str, question: &str, default: Option<&str>) -> Result<String, Stop> {
        let mut out = std::io::stdout();
        let shown = default.map_or_else(String::new, |default| format!(" [{default}]"));
        let asked = write!(out, "{question}{shown}: ").and_then(|()| out.flush());
        let mut line = String::new();
        let read = asked.and_then(|()| std::io::stdin().lock().read_line(&mut line));
        match read {
            Ok(1..) if line.trim().is_empty() => Ok(default.unwrap_or_default().to_owned()),
            Ok(1..) => Ok(line.trim().to_owned()),
            _ => {
                let fix = "run it in a terminal, or with a file of answers: `--yes FILE`, for a door `--answers FILE`";
                Err(Stop(format!("nobody answers; {fix}")))
            }
        }
    }

    fn wrong(&mut self, _: &str, why: &str) -> Result<(), Stop> {
        self.say(why);
        Ok(())
    }

    fn wait(&mut self, what: &str) -> Result<(), Stop> {
        self.answer("", &format!("{what}, then press Enter"), None).map(drop)
    }
}

/// A TOML file with a value for each key whose default does not do: `strike.line = "GPIO17"`.
#[derive(Default)]
pub struct Answers(BTreeMap<String, String>);

impl Answers {
    /// Reads the file; no key may be in it but these, and no answer that is wrong.
    ///
    /// # Errors
    /// It cannot be read, or has another key or a wrong answer.
    pub fn read(
        path: &Path,
        keys: &[&str],
        wrong: impl Fn(&str, &str) -> Option<String>,
    ) -> Result<Self, Stop> {
        let failed = |why: String| Stop(format!("answers {}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| failed(error.to_string()))?;
        let mut answers = BTreeMap::new();
        flatten("", table, &mut answers);
        if let Some(key) = answers.keys().find(|key| !keys.contains(&key.as_str())) {
            return Err(failed(format!("unknown key {key}; the keys are {}", keys.join(", "))));
        }
        let first = answers.iter().find_map(|(key, answer)| Some((key, wrong(key, answer)?)));
        first.map_or(Ok(Self(answers.clone())), |(key, why)| Err(failed(format!("{key}: {why}"))))
    }
}

/// Collects the values of a table by their dotted keys.
fn flatten(section: &str, table: toml::Table, answers: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = format!("{section}{key}");
        match value {
            toml::Value::Table(table) => flatten(&format!("{key}."), table, answers),
            toml::Value::String(word) => drop(answers.insert(key, word)),
            toml::Value::Array(words) if words.iter().all(toml::Value::is_str) => {
                let words: Vec<&str> = words.iter().filter_map(toml::Value::as_str).collect();
                drop(answers.insert(key, words.join(",")));
            }
            other => drop(answers.insert(key, other.to_string())),
        }
    }
}

impl Person for Answers {
    fn say(&mut self, text: &str) {
        Terminal.say(text);
    }

    fn answer(&mut self, key: &str, question: &str, default: Option<&str>) -> Result<String, Stop> {
        let answer = self.0.get(key).cloned().or_else(|| default.map(str::to_owned));
        let answer = answer.ok_or_else(|| Stop(format!("answers: {key} is missing ({question})")))?;
        self.say(&format!("{question}: {answer}"));
        Ok(answer)
    }

    fn wrong(&mut self, key: &str, why: &str) -> Result<(), Stop> {
        Err(Stop(format!("answers: {key}: {why}")))
    }

    fn wait(&mut self, what: &str) -> Result<(), Stop> {
        self.say(what);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_answers_by_key_and_leaves_the_rest_to_the_defaults() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("answers.toml");
        std::fs::write(&file, "strike.line = \"GPIO17\"\nstrike.click = false\n[exit]\nline = 3\n")
            .expect("written");
        const KEYS: &[&str] = &["strike.line", "strike.click", "exit.line", "contact.line"];
        let mut answers = Answers::read(&file, KEYS, |_, _| None).expect("read");
        let mut answer = |key: &str, default| answers.answer(key, "?", default);
        assert_eq!(answer("strike.line", None).as_deref(), Ok("GPIO17"));
        assert_eq!(answer("exit.line", None).as_deref(), Ok("3"));
        assert_eq!(answer("contact.line", Some("none")).as_deref(), Ok("none"));
        assert!(answer("contact.line", None).expect_err("missing").0.contains("contact.line is missing"));
        assert_eq!(yes(&mut answers, "strike.click", "?", true), Ok(false));
        assert!(yes(&mut answers, "strike.line", "?", true).expect_err("no word").0.contains("yes or no"));
        let refused = |text: &str, wanted: &str| {
            std::fs::write(&file, text).expect("written");
            let why = Answers::read(&file, KEYS, |key, answer| (key == "exit.line").then(|| answer.into()))
                .err()
                .expect("refused")
                .0;
            assert!(why.contains("answers.toml: ") && why.contains(wanted), "{why}");
        };
        refused("exit.line = [\"3\", \"4\"]", "answers.toml: exit.line: 3,4");
        refused("strike = ", "line 1");
        refused(
            "contact.line = \"none\"\ncontact.lin = \"none\"\n",
            "unknown key contact.lin; the keys are ",
        );
        refused("strike = \"GPIO17\"", "unknown key strike;");
        refused("[strike.line]\nchip = \"x\"\n", "unknown key strike.line.chip;");
    }
}
