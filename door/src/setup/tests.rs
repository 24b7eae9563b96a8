use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tempfile::TempDir;

use self::bench::{Bench, Script};
use super::*;
use crate::config::{InputSettings, LineId, Place};

mod bench;

const BEFORE: &str = "[[door]]\nname = \"front\"\n[door.strike]\nline = \"GPIO17\"\n";

const ANSWERS: &str = r#"
strike.hold = false
enroll.name = "alice"
"#;

/// A folder for the configuration.
struct Folder(TempDir);

impl Folder {
    fn new(text: Option<&str>) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        if let Some(text) = text {
            std::fs::write(folder.config(), text).expect("written");
        }
        folder
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("door.toml")
    }

    fn text(&self) -> Option<String> {
        std::fs::read_to_string(self.config()).ok()
    }

    fn run(&self, bench: &mut Bench, answers: &str, undo: bool) -> (Result<(), Stop>, String) {
        let file = self.0.path().join("answers");
        std::fs::write(&file, answers).expect("written");
        let mut script = Script::new(Answers::read(&file, KEYS, |_, _| None).expect("read"), bench);
        let args = SetupArgs { undo, answers: None };
        let ended = begin(&args, &mut script, bench, Files { config: self.config() });
        (ended, script.said.join("\n"))
    }
}

#[test]
fn a_setup_finds_the_levels_and_writes_them_and_a_second_one_suggests_them() {
    let (folder, mut bench) = (Folder::new(None), Bench::new());
    bench.relay_is_on_when_low = true;
    let (ended, said) = folder.run(&mut bench, ANSWERS, false);
    assert_eq!(ended, Ok(()), "{said}");
    assert!(
        said.contains("pinctrl-bcm2711: GPIO17 GPIO22 GPIO23 GPIO27")
            && said.ends_with("takes all of this back.")
    );
    let text = folder.text().expect("a file");
    let config = Config::parse(&folder.config(), &text).expect("right");
    let door = &config.door[0];
    assert_eq!((door.name.as_str(), door.strike.active_low, door.strike.hold), ("front", true, false));
    let inputs = door.inputs();
    let found: Vec<_> =
        inputs.iter().map(|(role, input)| (role.name(), input.place.to_string(), input.active_low)).collect();
    let wanted = [("contact", "line GPIO27".to_owned(), true), ("exit", "line GPIO22".to_owned(), true)];
    assert_eq!(found, wanted);
    assert!(bench.enabled && bench.active && bench.enrolled.len() == 1 && bench.clicks.get() == 1, "{said}");
    let (ended, said) = folder.run(&mut bench, "", false);
    assert_eq!((ended, folder.text()), (Ok(()), Some(text)), "{said}");
    assert_eq!((bench.clicks.get(), bench.enrolled.len()), (2, 1));
    assert!(said.contains("is stopped meanwhile") && bench.active);
    assert_eq!(folder.run(&mut bench, "", true).0, Ok(()));
    assert_eq!((folder.text(), bench.enabled, bench.active), (None, false, false));
    assert!(bench.enrolled.is_empty(), "before the first setup");
}

#[test]
fn what_the_file_has_besides_is_kept_and_another_line_may_be_chosen() {
    const BEFORE: &str = "[[door]]\nname = \"back\"\nrearm_s = 7.0\n[door.strike]\nline = \"GPIO4\"\npulse_s = 5.0\n[door.exit]\nline = \"GPIO23\"\ndebounce_ms = 99\n";
    let (folder, mut bench) = (Folder::new(Some(BEFORE)), Bench::new());
    bench.cameras = &["desk", "yard"];
    let answers = format!(
        "{ANSWERS}camera.name = \"yard\"\nstrike.line = \"pinctrl-bcm2711:5\"\ncontact.line = \"none\"\ntrigger.line = \"GPIO22\"\nenroll.now = false\ntry = false\n"
    );
    let (ended, said) = folder.run(&mut bench, &answers, false);
    assert_eq!(ended, Ok(()), "{said}");
    let config = Config::parse(&folder.config(), &folder.text().expect("a file")).expect("right");
    let door = &config.door[0];
    assert_eq!((door.name.as_str(), door.rearm_s, door.strike.pulse_s), ("back", 7.0, 5.0));
    assert_eq!((door.camera.as_str(), door.motion), ("yard", true));
    assert_eq!(door.strike.place(), Place { chip: "pinctrl-bcm2711".into(), line: LineId::Number(5) });
    let exit = door.exit.as_ref().map(InputSettings::from).expect("an exit");
    assert_eq!((exit.debounce, exit.active_low), (Duration::from_millis(99), false));
    assert!(door.contact.is_none() && door.trigger.is_some());
    assert_eq!(folder.run(&mut bench, "", true).0, Ok(()));
    assert_eq!(folder.text().as_deref(), Some(BEFORE));
}

#[test]
fn a_name_that_no_door_can_have_and_a_line_of_another_door_are_refused_before_a_relay_clicks() {
    for (answer, why) in [
        ("name = \"Front Door\"", "door.name"),
        ("name = \"back\"\nstrike.line = \"GPIO17\"", "it has another task already"),
    ] {
        let (folder, mut bench) = (Folder::new(Some(BEFORE)), Bench::new());
        let (ended, said) = folder.run(&mut bench, &format!("{ANSWERS}{answer}"), false);
        assert!(ended.is_err_and(|told| told.0.contains(why)), "{answer}: {said}");
        assert_eq!((bench.clicks.get(), folder.text().as_deref()), (0, Some(BEFORE)), "{answer}");
    }
}

#[test]
fn a_setup_that_is_killed_anywhere_is_taken_back_whole() {
    for (before, enabled, active) in [(None, false, false), (Some(BEFORE), true, true)] {
        let mut kills = 0;
        loop {
            let (folder, mut bench) = (Folder::new(before), Bench::new());
            (bench.enabled, bench.active) = (enabled, active);
            bench.fuse.0.set(Some(kills));
            let ended = catch_unwind(AssertUnwindSafe(|| folder.run(&mut bench, ANSWERS, false)));
            bench.fuse.0.set(None);
            let (undone, said) = folder.run(&mut bench, "", true);
            assert_eq!(undone, Ok(()), "{said}");
            assert_eq!(folder.text().as_deref(), before, "killed at {kills}");
            assert_eq!((bench.enabled, bench.active), (enabled, active), "killed at {kills}");
            assert!(bench.enrolled.is_empty(), "killed at {kills}");
            if ended.is_ok() {
                break;
            }
            kills += 1;
        }
        assert!(kills > 20, "{kills}");
    }
}

#[test]
fn an_undo_that_is_killed_is_finished_by_the_next() {
    for kills in 0.. {
        let (folder, mut bench) = (Folder::new(Some(BEFORE)), Bench::new());
        (bench.enabled, bench.active) = (true, true);
        assert_eq!(folder.run(&mut bench, ANSWERS, false).0, Ok(()));
        bench.fuse.0.set(Some(kills));
        let ended = catch_unwind(AssertUnwindSafe(|| folder.run(&mut bench, "", true)));
        bench.fuse.0.set(None);
        assert_eq!(folder.run(&mut bench, "", true).0, Ok(()));
        assert_eq!((folder.text().as_deref(), bench.active, bench.enrolled.len()), (Some(BEFORE), true, 0));
        if ended.is_ok() {
            break;
        }
    }
}

#[test]
fn a_copy_that_somebody_removed_is_missed_aloud_and_no_text_of_the_setup_takes_its_place() {
    let (folder, mut bench) = (Folder::new(Some(BEFORE)), Bench::new());
    assert_eq!(folder.run(&mut bench, ANSWERS, false).0, Ok(()));
    let copy = files::before(&folder.config());
    std::fs::remove_file(&copy).expect("removed");
    assert_eq!(folder.run(&mut bench, "strike.hold = true", false).0, Ok(()));
    assert!(!copy.exists());
    let now = folder.text();
    let (ended, said) = folder.run(&mut bench, "", true);
    assert!(ended == Ok(()) && said.contains("door.toml stays as it is now"), "{said}");
    assert_eq!(folder.text(), now);
}

#[test]
fn an_enrolment_that_fails_is_tried_again_and_the_service_is_switched_on_without_it() {
    let later = "enrol later: sudo facelatch enroll alice --door";
    for (failing, answer, left, enrolled) in [(1, "", 0, 1), (9, "", 6, 0), (9, "enroll.again = false", 8, 0)]
    {
        let (folder, mut bench) = (Folder::new(None), Bench::new());
        bench.failing = failing;
        let (ended, said) = folder.run(&mut bench, &format!("{ANSWERS}{answer}"), false);
        assert!(ended.is_ok() && bench.enabled && bench.active, "{said}");
        assert!(
            said.contains("ended with exit status: 1") && said.contains(later) == (enrolled == 0),
            "{said}"
        );
        assert_eq!((bench.failing, bench.enrolled.len()), (left, enrolled), "{said}");
        bench.enrolls("alice", 1002);
        let (ended, _) = folder.run(&mut bench, "", true);
        assert!(ended.is_ok());
        assert_eq!(bench.enrolled.len(), enrolled + 1, "who was enrolled after the setup stays");
    }
}

#[test]
fn somebody_who_was_enrolled_again_stays() {
    let (folder, mut bench) = (Folder::new(None), Bench::new());
    assert_eq!(folder.run(&mut bench, ANSWERS, false).0, Ok(()));
    bench.enrolls("alice", 1002);
    let (ended, said) = folder.run(&mut bench, "", true);
    assert!(ended.is_ok() && said.contains("alice was enrolled again"), "{said}");
    assert_eq!(bench.enrolled.len(), 2);
    bench.enrolled.clear();
    bench.enrolls("alice", 7);
    let (_, said) = folder.run(&mut bench, ANSWERS, false);
    assert!(!said.contains("enrolled already"), "nobody is asked, since somebody is enrolled");
    let (_, said) = folder.run(&mut bench, &format!("{ANSWERS}enroll.now = true"), false);
    assert!(said.contains("alice is enrolled already"));
    assert_eq!(folder.run(&mut bench, "", true).0, Ok(()));
    assert_eq!(bench.enrolled.len(), 1, "whom no setup enrolled");
}

#[test]
fn what_cannot_be_used_is_named_and_the_program_that_ran_before_runs_again() {
    let cases = [
        ("strike.line = \"GPIO4\"", "\"onewire\" uses it"),
        ("strike.line = \"GPIO99\"", "there is no such line"),
        ("strike.line = \"5\"", "name its chip as well"),
        ("contact.line = \"GPIO17\"", "it has another task already"),
        ("contact.line = \"GPIO23\"", "did not change and change back"),
        ("exit.line = \"pinctrl-bcm2711:5\"", "no chip has it"),
        ("name = \"Front Door\"", "door.name"),
        ("camera.name = \"cellar\"", "no camera of that name"),
    ];
    for (answer, why) in cases {
        let (folder, mut bench) = (Folder::new(None), Bench::new());
        (bench.active, bench.cameras) = (true, &["desk", "yard"]);
        let (ended, said) = folder.run(&mut bench, &format!("{ANSWERS}{answer}"), false);
        let told = ended.expect_err("refused").0;
        assert!(told.contains(why), "{answer}: {told}: {said}");
        assert!(bench.active && !bench.enabled && folder.text().is_none(), "{answer}");
    }
    let (folder, mut bench) = (Folder::new(None), Bench::new());
    bench.camera = CameraState::Unavailable;
    assert!(folder.run(&mut bench, ANSWERS, false).0.is_err_and(|why| why.0.contains("doctor")));
    bench.unlocks = false;
    let (ended, said) = folder.run(&mut bench, &format!("{ANSWERS}camera.go_on = true"), false);
    assert!(ended.is_ok() && said.contains("did not unlock the door"), "{said}");
    assert_eq!(folder.run(&mut bench, "", true).0, Ok(()));
    assert!(folder.run(&mut bench, "", true).1.contains("there is no setup to take back"));
}

#[test]
fn an_undo_without_the_daemon_leaves_the_exit_button_working() {
    let (folder, mut bench) = (Folder::new(Some(BEFORE)), Bench::new());
    (bench.enabled, bench.active) = (true, true);
    assert_eq!(folder.run(&mut bench, ANSWERS, false).0, Ok(()));
    bench.daemon_is_away = true;
    assert!(folder.run(&mut bench, "", true).0.is_err_and(|why| why.0.contains("does not answer")));
    assert!(bench.active, "it can be done again later, and people want out meanwhile");
    bench.daemon_is_away = false;
    assert_eq!(folder.run(&mut bench, "", true).0, Ok(()));
    assert_eq!((folder.text().as_deref(), bench.active, bench.enrolled.len()), (Some(BEFORE), true, 0));
}

#[test]
fn a_file_that_is_no_utf_8_is_put_back_byte_by_byte_and_one_that_is_no_toml_is_not_replaced() {
    let before =
        [b"# T\xfcr\n[[door]]\nname = \"back\"\n[door.strike]\nline = \"GPIO5\"\n", BEFORE.as_bytes()]
            .concat();
    let (folder, mut bench) = (Folder::new(None), Bench::new());
    std::fs::write(folder.config(), &before).expect("written");
    assert_eq!(folder.run(&mut bench, &format!("{ANSWERS}name = \"front\""), false).0, Ok(()));
    assert!(folder.text().is_some_and(|text| text.contains("GPIO5")), "the other door is kept");
    assert_eq!(folder.run(&mut bench, "", true).0, Ok(()));
    assert!(std::fs::read(folder.config()).is_ok_and(|now| now == before));
    let typo = format!("{BEFORE}[door.exit\n");
    std::fs::write(folder.config(), &typo).expect("written");
    bench.active = true;
    assert!(folder.run(&mut bench, ANSWERS, false).0.is_err_and(|why| why.0.contains("mend or remove it")));
    assert_eq!((folder.text(), bench.active), (Some(typo), true));
}

#[test]
fn the_manual_page_has_every_key() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../man/facelatch-door.8"));
    let page = page.expect("a page");
    let words: Vec<&str> = page.split_whitespace().map(|word| word.trim_end_matches([',', '.'])).collect();
    for key in KEYS {
        assert!(words.contains(key), "{key}");
    }
}
