//! The shipped configuration file, written from the table. Only tests need it: see `cargo xtask config`.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::settings::{
    Buzzer, Contact, Exit, Keypad, LampGranted, LampLeft, LampRefused, LampRight, SECTIONS, Tamper, Trigger,
};
use super::{Config, Door, LineId};

/// Columns of a comment.
const WIDTH: usize = 100;

const HEADER: &str = "`sudo facelatch setup door` writes this file; what it does not ask for is added by hand. Configuration of \
    facelatch-door, installed as /etc/facelatch/door.toml. The same text is in facelatch-door.toml(5); docs/door.md shows the \
    wiring. Lines that begin with `#` and no space are an example: take away the `#` of those that you need, and name your own \
    lines. A key that is left out has the value shown, except names and lines. Then: facelatch-door --check; \
    systemctl enable facelatch-door; systemctl restart facelatch-door.";

/// A section of the table.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) keys: &'static [Key],
}

/// A key of the table.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// The lowest value, the highest and their unit; or nothing.
    pub(super) range: &'static [&'static str],
    pub(super) choices: &'static [(&'static str, &'static str)],
}

/// What the type of a setting tells about its values.
pub(super) trait Kind {
    /// Every value and what it means, if there are only a few.
    const CHOICES: &'static [(&'static str, &'static str)] = &[];
}

impl Kind for bool {}
impl Kind for f64 {}
impl Kind for u32 {}
impl Kind for String {}
impl Kind for PathBuf {}
impl Kind for LineId {}

/// A door with everything that a door can have.
pub(super) fn example() -> Config {
    let line = |name: &str| LineId::Name(name.to_owned());
    let mut door = Door { name: "front".to_owned(), ..Door::default() };
    door.strike.line = line("GPIO17");
    door.contact = Some(Contact { line: line("GPIO27"), ..Contact::default() });
    door.exit = Some(Exit { line: line("GPIO22"), ..Exit::default() });
    door.trigger = Some(Trigger { line: line("GPIO23"), ..Trigger::default() });
    door.tamper = Some(Tamper { line: line("GPIO24"), ..Tamper::default() });
    door.lamp_left = Some(LampLeft { line: line("GPIO12"), ..LampLeft::default() });
    door.lamp_right = Some(LampRight { line: line("GPIO13"), ..LampRight::default() });
    door.lamp_granted = Some(LampGranted { line: line("GPIO16"), ..LampGranted::default() });
    door.lamp_refused = Some(LampRefused { line: line("GPIO20"), ..LampRefused::default() });
    door.buzzer = Some(Buzzer { line: line("GPIO21"), ..Buzzer::default() });
    door.keypad = Some(Keypad { device: "/dev/input/by-id/usb-keypad-event-kbd".into() });
    Config { door: vec![door], ..Config::default() }
}

/// The shipped file. Everything but the socket is commented out: no line is a good guess.
pub(super) fn document() -> String {
    let mut file = comment(HEADER);
    let example = toml::to_string(&example()).expect("the example is TOML");
    let mut sections = SECTIONS.iter();
    let first = sections.next().expect("a section without a title");
    let mut keys = first.keys.iter();
    let mut mark = "";
    for line in example.lines().filter(|line| !line.is_empty()) {
        let about = if line.starts_with('[') {
            let section = sections.next().expect("a section of the table");
            assert_eq!((line, keys.next().map(|key| key.name)), (section.title, None));
            keys = section.keys.iter();
            mark = "#";
            comment(section.text)
        } else {
            let key = keys.next().expect("a key of the table");
            assert!(line.starts_with(&format!("{} = ", key.name)), "{line} is not {}", key.name);
            about(key)
        };
        write!(file, "\n{about}{mark}{line}\n").expect("written to memory");
    }
    assert!(sections.next().is_none() && keys.next().is_none(), "the example lacks a section or a key");
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
        writeln!(about, "#   \"{value}\": {}", meaning.trim()).expect("written to memory");
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
