use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("facelatch.toml"), text).map_err(|e| e.to_string())
}

/// Two cameras, with these lines for the second one.
fn two(second: &str) -> Result<Config, String> {
    let first = "[[camera]]\nname = \"desk\"\ndevice = \"/dev/video0\"\nrotate = 180\n";
    parse(&format!("{first}[[camera]]\n{second}\n"))
}

/// Two cameras, the second one on a device of its own, with these lines.
fn front(lines: &str) -> Result<Config, String> {
    two(&format!("name = \"front\"\ndevice = \"/dev/video4\"\n{lines}"))
}

#[test]
fn the_first_of_several_cameras_is_the_default() {
    let config = front("width_px = 1280").expect("allowed");
    let named: Vec<_> = config.cameras().map(|camera| (&*camera.name, camera.width_px)).collect();
    assert_eq!(named, [("desk", 640), ("front", 1280)]);
    assert_eq!((config.camera.rotate, config.other_cameras[0].rotate), (180, 0), "each has its own settings");
}

#[test]
fn a_single_camera_is_written_as_before_and_is_called_camera() {
    for text in ["", "[camera]\n", "[[camera]]\n"] {
        let config = parse(text).expect("allowed");
        assert_eq!((&*config.camera.name, config.other_cameras.len()), ("camera", 0), "{text}");
    }
    let why = parse("[[camera]]\nwidth_px = 9\n").expect_err("too narrow");
    assert!(why.contains("camera.width_px = 9 is not allowed; use 160 to 1920 pixels"), "{why}");
    let why = parse("camera = []\n").expect_err("none");
    assert!(why.contains("at least one") && why.contains("line 1"), "{why}");
    let why = parse("camera = 3\n").expect_err("no table");
    assert!(why.contains("expected [camera], or [[camera]] for each"), "{why}");
}

#[test]
fn a_second_camera_in_single_brackets_is_told_what_to_write() {
    for second in ["[camera]", "[[camera]]"] {
        let why =
            parse(&format!("[camera]\nname = \"desk\"\n{second}\nname = \"front\"\n")).expect_err("twice");
        assert!(why.contains("line 3") && why.ends_with("; write [[camera]] for each"), "{why}");
    }
    let why = parse("[store]\n[store]\n").expect_err("twice");
    assert!(!why.contains("camera"), "{why}");
}

#[test]
fn what_is_wrong_names_the_camera_and_the_key() {
    for (line, wanted) in [
        ("width_px = 9", "camera \"front\": width_px = 9 is not allowed; use 160 to 1920 pixels"),
        ("rotate = 45", "camera \"front\": rotate = 45 is not allowed; use 0, 90, 180 or 270"),
        ("exec = [\"rpicam-vid\"]", "camera \"front\": exec = [\"rpicam-vid\"]"),
        (
            "widht_px = 9",
            "unknown key `camera.widht_px` of camera \"front\"; did you mean `camera.width_px`?",
        ),
        ("mirror = 1", "line 8"),
    ] {
        let why = front(line).expect_err(line);
        assert!(why.contains(wanted), "{why}");
    }
    let why = two("widht_px = 9").expect_err("no name either");
    assert!(why.contains("`camera.widht_px` of camera 2;"), "{why}");
}

#[test]
fn names_are_short_plain_and_unique() {
    let long = "a".repeat(32);
    for name in ["front", "a", "0-_z", &long] {
        assert!(two(&format!("name = \"{name}\"\ndevice = \"/dev/video4\"")).is_ok(), "{name}");
    }
    for name in ["", "Front", "front door", "tür", "a/b", &format!("{long}a")] {
        let why = two(&format!("name = \"{name}\"\ndevice = \"/dev/video4\"")).expect_err(name);
        assert!(why.contains(": name = ") && why.contains("a to z"), "{why}");
    }
    let why = two("name = \"desk\"\ndevice = \"/dev/video4\"").expect_err("twice");
    assert!(why.contains("camera \"desk\": name = \"desk\"") && why.contains("no other has"), "{why}");
}

#[test]
fn two_cameras_read_two_devices() {
    for (second, wanted) in [
        (
            "device = \"/dev/video0\"",
            "device = \"/dev/video0\" is not allowed; use another than that of camera \"desk\"",
        ),
        ("", "device = \"auto\" is not allowed; use a path or \"name:TEXT\""),
    ] {
        let why = two(&format!("name = \"front\"\n{second}")).expect_err(second);
        assert!(why.contains("camera \"front\": ") && why.contains(wanted), "{why}");
    }
    for second in ["exec = [\"/usr/bin/rpicam-vid\"]", "replay = \"/tmp/pictures\""] {
        let third = format!("[[camera]]\nname = \"back\"\n{second}");
        assert!(two(&format!("name = \"front\"\n{second}")).is_ok(), "`device` is not used then");
        let twice = two(&format!("name = \"front\"\n{second}\n{third}"));
        assert_eq!(twice.is_ok(), second.starts_with("replay"), "{twice:?}");
    }
    let why =
        front("[attack]\ninfrared = \"/dev/video4\"").expect_err("the infrared camera is the second one");
    assert!(why.contains("attack.infrared = \"/dev/video4\""), "{why}");
}

#[test]
fn there_is_a_limit() {
    let cameras = |count| {
        let camera = |n| format!("[[camera]]\nname = \"c{n}\"\ndevice = \"/dev/video{n}\"\n");
        parse(&(0..count).map(camera).collect::<String>())
    };
    assert_eq!(cameras(MAX_CAMERAS).expect("allowed").cameras().count(), MAX_CAMERAS);
    let why = cameras(MAX_CAMERAS + 1).expect_err("too many");
    assert!(why.contains("camera = 9 is not allowed; use at most 8 cameras"), "{why}");
}

#[test]
fn each_camera_must_be_fast_enough_for_a_challenge() {
    let challenge = "[attack]\nlevel = \"challenge\"";
    let why = front(&format!("replay_fps = 4\n{challenge}")).expect_err("too slow");
    assert!(why.contains("camera \"front\": replay_fps = 4"), "{why}");
    assert!(front(&format!("replay_fps = 5\n{challenge}")).is_ok());
}
