//! Changes of single keys of the daemon's configuration; comments and all else stay as they are.

use facelatch_setup::ask::Stop;
use toml_edit::{DocumentMut, Item, Table, Value};

/// What the configuration says of the first camera.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Camera {
    /// Its device; empty if that is left to the default.
    pub(super) device: String,
    pub(super) rotate: i64,
    /// Pictures come from a command or from a folder, not from a device.
    pub(super) is_other: bool,
}

/// Reads it.
pub(super) fn camera(text: &str) -> Result<Camera, Stop> {
    let mut document = parse(text)?;
    let Some(table) = first_camera(&mut document) else { return Ok(Camera::default()) };
    let word = |key: &str| table.get(key).and_then(Item::as_str).unwrap_or_default().to_owned();
    let exec = table.get("exec").and_then(Item::as_array).is_some_and(|words| !words.is_empty());
    Ok(Camera {
        device: word("device"),
        rotate: table.get("rotate").and_then(Item::as_integer).unwrap_or(0),
        is_other: exec || !word("replay").is_empty(),
    })
}

/// The text with this key of the first camera set.
pub(super) fn with(text: &str, key: &str, value: impl Into<Value>) -> Result<String, Stop> {
    let mut document = parse(text)?;
    if document.get("camera").is_none() {
        document.insert("camera", Item::Table(Table::new()));
    }
    let Some(table) = first_camera(&mut document) else {
        return Err(Stop("configuration: [camera] is no table; mend it first".to_owned()));
    };
    let mut value = value.into();
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(now) => {
            *value.decor_mut() = now.decor().clone();
            *now = value;
        }
        None => drop(table.insert(key, Item::Value(value))),
    }
    Ok(document.to_string())
}

fn parse(text: &str) -> Result<DocumentMut, Stop> {
    text.parse().map_err(|error| Stop(format!("configuration: mend it first: {error}")))
}

fn first_camera(document: &mut DocumentMut) -> Option<&mut Table> {
    match document.get_mut("camera")? {
        Item::Table(table) => Some(table),
        Item::ArrayOfTables(tables) => tables.get_mut(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../config/facelatch.toml");

    #[test]
    fn one_key_is_changed_and_every_comment_stays() {
        let changed = with(SHIPPED, "rotate", 180).expect("changed");
        let differing: Vec<_> = SHIPPED.lines().zip(changed.lines()).filter(|(was, is)| was != is).collect();
        assert_eq!(differing, [("rotate = 0", "rotate = 180")]);
        assert_eq!(SHIPPED.lines().count(), changed.lines().count());
        let exec: Value = ["/usr/bin/rpicam-vid", "-n"].into_iter().collect();
        let changed = with(&changed, "exec", exec).expect("changed");
        assert_eq!(camera(&changed), Ok(Camera { device: "auto".to_owned(), rotate: 180, is_other: true }));
    }

    #[test]
    fn the_first_of_several_cameras_is_meant_and_none_is_added() {
        let several = "[[camera]]\nname = \"a\"\nrotate = 0 # here\n\n[[camera]]\nname = \"b\"\n";
        let changed = with(several, "rotate", 90).expect("changed");
        assert_eq!(changed, "[[camera]]\nname = \"a\"\nrotate = 90 # here\n\n[[camera]]\nname = \"b\"\n");
        assert_eq!(with("", "device", "auto").as_deref(), Ok("[camera]\ndevice = \"auto\"\n"));
        assert_eq!(camera(""), Ok(Camera::default()));
        assert!(with("[camera\n", "rotate", 90).is_err_and(|why| why.0.contains("mend")));
        assert!(with("camera = 1\n", "rotate", 90).is_err());
    }
}
