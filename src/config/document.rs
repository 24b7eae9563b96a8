//! The shipped configuration file, written from the table. Only tests need it: see `cargo xtask config`.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::settings::SECTIONS;
use super::{Config, Millis, Seconds};

/// Columns of a comment.
const WIDTH: usize = 100;

const HEADER: &str = "Configuration of facelatchd, installed as /etc/facelatch/facelatch.toml. All values below are the \
    defaults, and you may delete any line to get its default. The same text is in facelatch.toml(5). After a change: \
    systemctl restart facelatchd.";

/// A section of the table.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) keys: &'static [Key],
}

/// A key of the table.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// The lowest value, the highest and their unit (empty for a plain number); or nothing.
    pub(super) range: &'static [&'static str],
    pub(super) choices: &'static [(&'static str, &'static str)],
}

/// What the type of a setting tells about its values.
pub(super) trait Kind {
    /// Every value and what it means, if there are only a few.
    const CHOICES: &'static [(&'static str, &'static str)] = &[];
}

impl Kind for bool {}
impl Kind for f32 {}
impl Kind for u32 {}
impl Kind for Millis {}
impl Kind for Seconds {}
impl Kind for String {}
impl Kind for PathBuf {}
impl Kind for Vec<String> {}

/// The shipped file.
pub(super) fn document() -> String {
    let mut file = comment(HEADER);
    let defaults = toml::to_string(&Config::default()).expect("the defaults are TOML");
    let mut keys = SECTIONS.iter().flat_map(|section| section.keys);
    let mut sections = SECTIONS.iter();
    for line in defaults.lines().filter(|line| !line.is_empty()) {
        let about = if line.starts_with('[') {
            let section = sections.next().expect("a section of the table");
            assert_eq!(line, format!("[{}]", section.name));
            comment(section.text)
        } else {
            let key = keys.next().expect("a key of the table");
            assert!(line.starts_with(&format!("{} = ", key.name)), "{line} is not {}", key.name);
            about(key)
        };
        write!(file, "\n{about}{line}\n").expect("written to memory");
    }
    file
}

/// The comment above a key.
fn about(key: &Key) -> String {
    let mut about = comment(key.text);
    if let [low, high, unit] = key.range {
        about += &comment(&format!("Range: {low} to {high} {unit}"));
    }
    for (value, meaning) in key.choices {
        // Indented, so that the manual page keeps one line for each.
        writeln!(about, "#   \"{}\": {}", value.to_lowercase(), meaning.trim()).expect("written to memory");
    }
    about
}

/// Text, wrapped, with a `#` before each line.
fn comment(text: &str) -> String {
    let (mut lines, mut line) = (String::new(), "#".to_owned());
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            lines += &line;
            lines += "\n";
            line = "#".to_owned();
        }
        line += " ";
        line += word;
    }
    lines + &line + "\n"
}
