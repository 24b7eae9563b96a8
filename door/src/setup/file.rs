//! The configuration that a setup writes: what was chosen, in place of what the door had, and all else as it was.

use crate::config::{LineId, Place};

/// What was chosen for a door.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    pub(super) name: String,
    /// Which camera looks at it, if there are several.
    pub(super) camera: Option<String>,
    pub(super) strike: Relay,
    pub(super) hold: bool,
    pub(super) contact: Option<Switch>,
    pub(super) exit: Option<Switch>,
    pub(super) trigger: Option<Switch>,
    pub(super) motion: bool,
}

/// A relay's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relay {
    pub(super) place: Place,
    pub(super) active_low: bool,
}

/// A switch's line, and the level that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Switch {
    pub(super) place: Place,
    pub(super) active_high: bool,
    /// It drives its line by itself.
    pub(super) drives: bool,
}

/// The text of the file.
pub(super) fn text(before: &str, chosen: &Chosen) -> String {
    let mut file: toml::Table = before.parse().unwrap_or_default();
    let doors = file.entry("door").or_insert_with(|| toml::Value::Array(Vec::new()));
    if let toml::Value::Array(doors) = doors {
        let name = toml::Value::from(chosen.name.as_str());
        let number = doors.iter().position(|door| door.get("name") == Some(&name)).unwrap_or_else(|| {
            doors.push(toml::Table::new().into());
            doors.len() - 1
        });
        if let Some(toml::Value::Table(door)) = doors.get_mut(number) {
            put(door, chosen);
        }
    }
    let body = toml::to_string(&file).unwrap_or_default();
    format!("# Written by `facelatch setup door`. Each key is explained in facelatch-door.toml(5).\n\n{body}")
}

fn put(door: &mut toml::Table, chosen: &Chosen) {
    door.insert("name".to_owned(), chosen.name.as_str().into());
    door.insert("motion".to_owned(), chosen.motion.into());
    if let Some(camera) = &chosen.camera {
        door.insert("camera".to_owned(), camera.as_str().into());
    }
    let mut relay = section(door, "strike");
    line(&mut relay, &chosen.strike.place);
    relay.insert("active_low".to_owned(), chosen.strike.active_low.into());
    relay.insert("hold".to_owned(), chosen.hold.into());
    door.insert("strike".to_owned(), relay.into());
    let switches = [("contact", &chosen.contact), ("exit", &chosen.exit), ("trigger", &chosen.trigger)];
    for (name, switch) in switches {
        let mut table = section(door, name);
        let Some(switch) = switch else { continue };
        line(&mut table, &switch.place);
        table.insert("active".to_owned(), if switch.active_high { "high" } else { "low" }.into());
        if switch.drives || table.contains_key("bias") {
            table.insert("bias".to_owned(), if switch.drives { "none" } else { "pull-up" }.into());
        }
        door.insert(name.to_owned(), table.into());
    }
}

/// A section that the door has, taken out of it; an empty one otherwise.
fn section(door: &mut toml::Table, name: &str) -> toml::Table {
    match door.remove(name) {
        Some(toml::Value::Table(section)) => section,
        _ => toml::Table::new(),
    }
}

fn line(section: &mut toml::Table, Place { chip, line }: &Place) {
    section.insert("chip".to_owned(), chip.as_str().into());
    section.insert(
        "line".to_owned(),
        match line {
            LineId::Name(name) => name.as_str().into(),
            LineId::Number(number) => i64::from(*number).into(),
        },
    );
}
