use super::settings::SECTIONS;
use super::*;

/// If set, the shipped file is written instead of compared: `cargo xtask config`.
const WRITE: &str = "FACELATCH_WRITE_CONFIG";

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("facelatch.toml"), text).map_err(|e| e.to_string())
}

#[test]
fn the_shipped_file_is_current_and_equals_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/facelatch.toml");
    let current = document::document();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &current).expect("config/facelatch.toml can be written");
    }
    let shipped = std::fs::read_to_string(&path).expect("config/facelatch.toml can be read");
    assert!(shipped == current, "config/facelatch.toml is out of date; run `cargo xtask config`");
    assert_eq!(parse(&shipped), Ok(Config::default()));
    let ranges = SECTIONS.iter().flat_map(|section| section.keys).filter(|key| !key.range.is_empty());
    assert_eq!(ranges.count(), shipped.lines().filter(|line| line.starts_with("# Range: ")).count());
}

#[test]
fn every_range_is_checked_at_both_ends() {
    for section in SECTIONS {
        for key in section.keys {
            let [low, high, _] = key.range else { continue };
            // Keeps the other one of two that must be in order out of the way.
            let other = match key.name {
                "min_light" => "max_light = 255.0",
                "max_light" => "min_light = 0.0",
                "first_wait_s" => "longest_wait_s = 86400",
                "longest_wait_s" => "first_wait_s = 30",
                "free_misses" => "stop_at = 100",
                "free_attacks" => "stop_at = 100",
                "stop_at" => "free_misses = 1\nfree_attacks = 1",
                _ => "",
            };
            let name = format!("{}.{}", section.name, key.name);
            let with = |value: &str| parse(&format!("[{}]\n{} = {value}\n{other}\n", section.name, key.name));
            let beyond = |value: &str, by: f64| match value.parse::<i64>() {
                Ok(whole) => (whole + by.signum() as i64).to_string(),
                Err(_) => format!("{:?}", value.parse::<f64>().expect("a number") + by),
            };
            assert!(with(low).is_ok(), "{name} = {low}");
            assert!(with(high).is_ok(), "{name} = {high}");
            // A number below zero is refused by its type.
            let allowed = format!("use {low} to {high}");
            for outside in [beyond(low, -0.001), beyond(high, 0.001)] {
                let why = with(&outside).expect_err(&format!("{name} = {outside}"));
                assert!(outside.starts_with('-') || why.contains(&allowed), "{name} = {outside}: {why}");
            }
        }
    }
}

#[test]
fn a_path_that_is_needed_must_not_be_empty() {
    let why = parse("[serve]\nsocket = \"\"\n").expect_err("empty");
    assert!(why.contains("serve.socket = \"\" is not allowed; use a path"), "{why}");
    assert!(parse("[store]\nfolder = \"\"\n").is_err() && parse("[models]\nfolder = \"\"\n").is_err());
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let why = parse("[quality]\nmin_light = 230.0\n").expect_err("above max_light");
    assert!(
        why.contains("quality.min_light = 230.0")
            && why.contains("at most quality.max_light, which is 225.0"),
        "{why}"
    );
    assert!(parse("[quality]\nmin_light = 200.0\nmax_light = 100.0\n").is_err());
    let why =
        parse("[lockout]\nfirst_wait_s = 600\nlongest_wait_s = 300\n").expect_err("longer than the longest");
    assert!(
        why.contains("lockout.first_wait_s = 600") && why.contains("lockout.longest_wait_s, which is 300"),
        "{why}"
    );
}

#[test]
fn fewer_frames_or_templates_than_the_shipped_heads_were_fitted_for_are_noted() {
    let notes = |text: &str| parse(text).expect("allowed").notes();
    assert_eq!(notes(""), [""; 0]);
    assert_eq!(notes("[decision]\nframes = 4\ntemplates = 9\n"), [""; 0]);
    assert!(notes("[decision]\nframes = 1\n")[0].contains("decision.frames = 1, decision.templates = 5"));
    assert_eq!(notes("[decision]\ntemplates = 4\n").len(), 1);
    assert_eq!(notes("[decision]\nframes = 1\n[models]\nhead = \"/own.head.toml\"\n"), [""; 0]);
}

#[test]
fn what_is_done_about_attacks_is_told_and_nothing_comes_with_advice() {
    let note = |text: &str| parse(text).expect("allowed").attack.note();
    assert_eq!(note(""), "attacks: level passive, network attack, bpcer 0.05");
    let challenge = note("[attack]\nlevel = \"challenge\"\nbpcer = 0.1\n");
    assert_eq!(challenge, "attacks: level challenge, network attack, bpcer 0.1");
    let off = note("[attack]\nlevel = \"off\"\n");
    assert!(off.contains("compared like a face; set it to"), "{off}");
}

#[test]
fn a_typo_gets_a_suggestion() {
    let error = parse("[decision]\nframse = 3\n").expect_err("typo");
    assert!(error.ends_with("unknown key `decision.framse`; did you mean `decision.frames`?"), "{error}");
    assert!(parse("[desicion]\n").expect_err("typo").contains("did you mean `decision`?"));
    assert!(parse("[x]\n").expect_err("unknown").contains("known are access, attack, camera"));
    for text in ["[door]\n", "[[door]]\nname = \"front\"\n"] {
        let error = parse(text).expect_err("another file's");
        assert!(error.ends_with("`door`; doors are in /etc/facelatch/door.toml"), "{error}");
    }
}

#[test]
fn wrong_types_and_half_files_name_the_line() {
    assert!(parse("[decision]\nframes = \"3\"\n").expect_err("type").contains("line 2"));
    assert!(parse("[decision\n").expect_err("half").contains("line 1"));
    assert!(parse("[quality]\nmin_light = nan\n").is_err());
}

#[test]
fn a_camera_is_turned_by_whole_quarters() {
    for degrees in [0, 90, 180, 270] {
        let config = parse(&format!("[camera]\nrotate = {degrees}\nmirror = true\n")).expect("allowed");
        assert!(config.camera.rotate == degrees && config.camera.mirror);
    }
    let why = parse("[camera]\nrotate = 45\n").expect_err("an eighth");
    assert!(why.contains("camera.rotate = 45 is not allowed; use 0, 90, 180 or 270"), "{why}");
}

#[test]
fn settings_that_would_make_everybody_an_attack_are_refused() {
    let why = parse("[camera]\nreplay_fps = 4\n[attack]\nlevel = \"challenge\"\n").expect_err("too few");
    assert!(why.contains("camera.replay_fps = 4") && why.contains("everybody would be turned away"), "{why}");
    for text in [
        "[camera]\nreplay_fps = 5\n[attack]\nlevel = \"challenge\"\n",
        "[camera]\nreplay_fps = 4\n[attack]\nlevel = \"passive\"\n",
        "[attack]\nlevel = \"challenge\"\n",
    ] {
        assert!(parse(text).is_ok(), "{text}");
    }
    for text in [
        "[attack]\nbpcer = 0.0\n",
        "[attack]\nbpcer = 1.0\n",
        "[attack]\nbpcer = nan\n",
        "[attack]\nlevel = \"high\"\n",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn an_infrared_camera_is_a_device_beside_the_first_one() {
    let with = |infrared: &str| {
        parse(&format!("[camera]\ndevice = \"/dev/video0\"\n[attack]\ninfrared = \"{infrared}\"\n"))
    };
    for allowed in ["", "/dev/video2", "/dev/v4l/by-id/usb-IR-index0"] {
        assert!(with(allowed).is_ok(), "{allowed}");
    }
    for (refused, allowed) in
        [("auto", "the path of a device"), ("/dev/video0", "another camera than camera.device")]
    {
        let why = with(refused).expect_err("refused");
        assert!(why.contains("attack.infrared = ") && why.contains(allowed), "{why}");
    }
}

#[test]
fn a_hook_must_be_an_absolute_path() {
    assert!(
        parse("[latch]\nkind = \"hook\"\nhook = \"door.sh\"\n").expect_err("relative").contains("absolute")
    );
    assert!(parse("[latch]\nkind = \"hook\"\nhook = \"/usr/bin/door\"\n").is_ok());
}
