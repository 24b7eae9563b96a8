//! `facelatch-door --check`: what is wrong with a configuration, line by line.

use std::path::Path;
use std::process::ExitCode;

use facelatch_wire::ClientError;
use facelatch_wire::reply::Status;

use crate::config::{self, Config, Door};
use crate::{daemon, gpio, keypad};

/// A line of what is said.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Good(String),
    /// It could not be checked.
    Note(String),
    Fault(String),
}

/// Says what it finds; ends with 1 where something is wrong.
#[expect(clippy::print_stdout, reason = "for the person who typed it")]
pub(crate) fn run(path: &Path) -> ExitCode {
    let config = match config::read(path).and_then(|text| Config::parse(path, &text)) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("facelatch-door: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut code = ExitCode::SUCCESS;
    let found = keypads(&config).chain(lines(&config));
    for finding in found.chain(cameras(&config, daemon::status(&config.socket))) {
        match finding {
            Finding::Good(text) => println!("ok    {text}"),
            Finding::Note(text) => println!("note  {text}"),
            Finding::Fault(text) => {
                println!("FAIL  {text}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn keypads(config: &Config) -> impl Iterator<Item = Finding> {
    config.keypads().map(|(door, keypad)| {
        let key = format!("door {:?}: keypad.device", door.name);
        match keypad::open(&keypad.device) {
            Ok(_) => Finding::Good(format!("{key}: {}", keypad.device.display())),
            Err(error) => Finding::Fault(format!("{key}: {error}")),
        }
    })
}

fn lines(config: &Config) -> impl Iterator<Item = Finding> {
    config.door.iter().flat_map(Door::lines).map(|(key, place)| match gpio::usable(&place) {
        Ok(found) => {
            Finding::Good(format!("{key}: {place} is line {} of {}", found.offset, found.chip.display()))
        }
        Err(error) => Finding::Fault(format!("{key}: {error}")),
    })
}

/// Whether the daemon, and each camera that a door names, is there.
fn cameras(config: &Config, status: Result<Status, ClientError>) -> Vec<Finding> {
    let status = match status {
        Ok(status) => status,
        Err(error) => return vec![Finding::Note(format!("daemon: {}", daemon::told(&error)))],
    };
    let known: Vec<&str> = status.cameras.iter().map(|camera| camera.name.as_str()).collect();
    let named = config.door.iter().filter(|door| !door.camera.is_empty());
    let findings = named.map(|door| {
        let text = format!("door {:?}: camera: ", door.name) + &door.camera;
        if known.contains(&door.camera.as_str()) {
            return Finding::Good(text);
        }
        if known.is_empty() {
            return Finding::Note(format!("{text}: the daemon lists no camera by name; upgrade it"));
        }
        let known = known.join(", ");
        Finding::Fault(format!("{text}: the daemon has no camera of that name; it has: {known}"))
    });
    [Finding::Good("daemon: it answers".to_owned())].into_iter().chain(findings).collect()
}

#[cfg(test)]
mod tests {
    use facelatch_wire::reply::Camera;

    use super::*;

    fn config() -> Config {
        let door = |name: &str, camera: &str| {
            format!("[[door]]\nname = \"{name}\"\ncamera = \"{camera}\"\n[door.strike]\nline = \"{name}\"\n")
        };
        let text = door("front", "porch") + &door("back", "") + &door("side", "yard");
        Config::parse(Path::new("door.toml"), &text).expect("right")
    }

    #[test]
    fn a_camera_that_the_daemon_does_not_have_is_a_fault_that_names_those_it_has() {
        let camera = |name: &str| Camera { name: name.into(), ..Camera::default() };
        let status = Status { cameras: vec![camera("yard"), camera("desk")], ..Status::default() };
        let answers = Finding::Good("daemon: it answers".into());
        let wrong =
            "door \"front\": camera: porch: the daemon has no camera of that name; it has: yard, desk";
        let good = Finding::Good("door \"side\": camera: yard".into());
        assert_eq!(cameras(&config(), Ok(status)), [answers, Finding::Fault(wrong.into()), good]);
    }

    #[test]
    fn the_only_camera_has_a_name_too() {
        let only = Camera { name: "porch".into(), ..Camera::default() };
        let status = Status { cameras: vec![only], ..Status::default() };
        let found = cameras(&config(), Ok(status));
        assert!(matches!(&found[..], [_, Finding::Good(_), Finding::Fault(_)]), "{found:?}");
        let found = cameras(&config(), Ok(Status::default()));
        assert!(matches!(&found[..], [_, Finding::Note(_), Finding::Note(_)]), "an older daemon: {found:?}");
    }

    #[test]
    fn a_daemon_that_does_not_answer_is_a_note() {
        let found = cameras(&config(), Err(ClientError::Timeout));
        assert!(matches!(&found[..], [Finding::Note(why)] if why.starts_with("daemon: ")), "{found:?}");
    }
}
