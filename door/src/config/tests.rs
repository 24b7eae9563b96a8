use super::settings::{Level, SECTIONS};
use super::*;

/// If set, the shipped file is written instead of compared: `cargo xtask config`.
const WRITE: &str = "FACELATCH_WRITE_CONFIG";

const FRONT: &str = "[[door]]\nname = \"front\"\n[door.strike]\nline = \"GPIO17\"\n";

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("door.toml"), text).map_err(|error| error.to_string())
}

fn refused(text: &str, wanted: &str) {
    let why = parse(text).expect_err(text);
    assert!(why.starts_with("configuration door.toml: ") && why.contains(wanted), "{why}");
}

/// The lines of the shipped file that are an example, as a person would take them.
fn taken(shipped: &str) -> String {
    let lines = shipped.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_file_is_current_and_its_example_is_a_door() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/door.toml");
    let current = document::document();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &current).expect("config/door.toml can be written");
    }
    let shipped = std::fs::read_to_string(&path).expect("config/door.toml can be read");
    assert!(shipped == current, "config/door.toml is out of date; run `cargo xtask config`");
    assert_eq!(parse(&taken(&shipped)), Ok(document::example()));
    refused(&shipped, "no door is set up; run `sudo facelatch setup door`, or write a section [[door]]");
}

#[test]
fn what_is_left_out_is_as_the_shipped_file_shows() {
    let door = &parse(FRONT).expect("the least").door[0];
    let example = &document::example().door[0];
    assert_eq!(
        (&door.strike, door.face, door.held_open_s),
        (&example.strike, example.face, example.held_open_s)
    );
    assert!(door.inputs().is_empty() && door.signals().is_empty() && !door.motion && door.camera.is_empty());
    let config = parse(&format!("{FRONT}pulse_s = 1\nchip = \"x\"\n[door.exit]\nline = 4\nchip = \"x\"\n"));
    let door = &config.expect("a whole number of seconds").door[0];
    assert_eq!(door.strike.pulse(), Duration::from_secs(1));
    assert_eq!(door.exit.as_ref().map(|exit| exit.active), Some(Level::Low));
}

#[test]
fn every_range_is_checked_at_both_ends() {
    let mut ranges = 0;
    for section in SECTIONS {
        for key in section.keys {
            let [low, high, _] = key.range else { continue };
            ranges += 1;
            let with = |value: &str| {
                let mut text = "[[door]]\nname = \"front\"\n".to_owned();
                if section.title == "[[door]]" {
                    text += &format!("{} = {value}\n", key.name);
                }
                text += "[door.strike]\nline = \"A\"\n";
                match section.title {
                    "[[door]]" => {}
                    "[door.strike]" => text += &format!("{} = {value}\n", key.name),
                    title => text += &format!("{title}\nline = \"B\"\n{} = {value}\n", key.name),
                }
                parse(&text)
            };
            assert!(
                with(low).is_ok() && with(high).is_ok(),
                "{}: {:?} {:?}",
                key.name,
                with(low),
                with(high)
            );
            let beyond = |value: &str, by: f64| (value.parse::<f64>().expect("a number") + by).to_string();
            for outside in [beyond(low, -1.0), beyond(high, 1.0)] {
                let why = with(&outside).expect_err(&format!("{} = {outside}", key.name));
                assert!(outside.starts_with('-') || why.contains(&format!("use {low} to {high}")), "{why}");
            }
        }
    }
    assert!(ranges >= 7, "only {ranges}");
}

#[test]
fn a_pulse_of_no_time_or_a_minute_is_refused_by_name() {
    for pulse in ["0", "0.0", "60", "nan", "inf"] {
        refused(&format!("{FRONT}pulse_s = {pulse}\n"), "door \"front\": strike.pulse_s = ");
    }
    refused(&format!("{FRONT}pulse_s = 60\n"), "use 0.5 to 10.0 seconds");
    refused(&format!("{FRONT}pulse_s = \"3\"\n"), "line 5");
    refused(&format!("{FRONT}pulse_s = \"3\"\n"), "expected a number");
    refused(&format!("{FRONT}[door.exit]\nline = \"A\"\ndebounce_ms = -1\n"), "expected a whole number");
}

#[test]
fn a_door_needs_a_name_of_its_own_and_a_line() {
    refused("", "no door is set up");
    refused("[[door]]\n[door.strike]\nline = \"A\"\n", "door.name = \"\"");
    refused("[[door]]\nname = \"the front\"\n", "lower-case letters");
    refused(
        "[[door]]\nname = \"front\"\n",
        "door \"front\": strike.line = \"\" is not allowed; use the name of a line",
    );
    refused("[[door]]\nname = \"front\"\n[door.strike]\nline = 17\n", "together with `chip`");
    refused(
        "[[door]]\nname = \"front\"\n[door.strike]\nline = true\n",
        "expected the name of a line, or its number",
    );
    refused(&FRONT.replace("[[door]]", "[door]"), "write [[door]], also for one");
    refused(&format!("{FRONT}{FRONT}"), "each door needs its own");
}

#[test]
fn no_line_has_two_tasks() {
    for section in ["exit", "lamp_left", "lamp_right", "lamp_granted", "lamp_refused", "buzzer"] {
        refused(
            &format!("{FRONT}[door.{section}]\nline = \"GPIO17\"\n"),
            "line = \"GPIO17\" is not allowed; use another line: door \"front\": strike.line has it",
        );
        let text = format!("{FRONT}[door.{section}]\nline = \"GPIO18\"\n");
        assert_eq!(
            parse(&text).expect(section).door[0].lines()[1].0,
            format!("door \"front\": {section}.line")
        );
    }
}

#[test]
fn several_doors_open_by_face_and_only_those_ask_for_looks() {
    let second =
        FRONT.replace("front", "back").replace("17", "18").replace("name", "camera = \"yard\"\nname");
    let config = parse(&format!("{FRONT}{second}")).expect("two doors");
    assert_eq!((config.door[0].camera.as_str(), config.door[1].camera.as_str()), ("", "yard"));
    let second = second.replace("name", "face = false\nname");
    assert!(parse(&format!("{FRONT}{second}")).is_ok());
    refused(
        &format!("{FRONT}{second}[door.trigger]\nline = \"GPIO5\"\n"),
        "door \"back\": trigger is not allowed where face = false",
    );
    refused(
        &format!("{FRONT}{}", second.replace("name", "motion = true\nname")),
        "door \"back\": motion is not allowed where face = false",
    );
}

#[test]
fn a_typo_names_the_line_and_what_is_known() {
    refused(
        &format!("{FRONT}seconds = 3\n"),
        "unknown key `seconds`, expected one of `chip`, `line`, `active_low`, `hold`, `pulse_s`",
    );
    refused(&format!("{FRONT}pulses_s = 3\n"), "unknown key `pulses_s`; did you mean `pulse_s`?");
    refused(&format!("{FRONT}[door.contakt]\n"), "unknown key `contakt`; did you mean `contact`?");
    refused(&format!("{FRONT}[door.contact]\nline = \"A\"\nactive = \"open\"\n"), "`low` or `high`");
    refused("[[door\n", "line 1");
}

#[test]
fn a_keypad_is_a_device_of_its_own() {
    let keypad = |device: &str| format!("{FRONT}[door.keypad]\ndevice = \"{device}\"\n");
    let good = keypad("/dev/input/by-id/usb-a");
    let config = parse(&good).expect("right");
    assert_eq!(config.keypads().map(|(door, _)| door.name.as_str()).collect::<Vec<_>>(), ["front"]);
    for bad in ["", "event3"] {
        refused(&keypad(bad), "door \"front\": keypad.device = ");
    }
    let back = good
        .replace("front", "back")
        .replace("17", "18")
        .replace("[door.strike]", "face = false\n[door.strike]");
    refused(
        &format!("{good}{back}"),
        "door \"back\": keypad.device = \"/dev/input/by-id/usb-a\" is not allowed; use another device",
    );
    assert!(parse(&format!("{good}{}", back.replace("usb-a", "usb-b"))).is_ok(), "two keypads");
}
