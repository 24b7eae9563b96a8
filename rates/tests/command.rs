//! Tests the `facelatch-rates` command.

mod common;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use common::rates;

const PEOPLE: &[(&str, &[&str])] = &[
    ("obama", &["obama-1.jpg", "obama-2.jpg", "obama-3.jpg"]),
    ("biden", &["biden.jpg"]),
    ("collins", &["astronaut.jpg"]),
    ("nobody", &["coffee.jpg"]),
];

/// One folder of bundled pictures per person.
fn people(wanted: &[&str]) -> tempfile::TempDir {
    let faces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/faces");
    let folder = tempfile::tempdir().expect("folder");
    for (name, pictures) in PEOPLE.iter().filter(|(name, _)| wanted.contains(name)) {
        std::fs::create_dir(folder.path().join(name)).expect("folder");
        for picture in *pictures {
            std::fs::copy(faces.join(picture), folder.path().join(name).join(picture)).expect("copied");
        }
    }
    folder
}

/// As `rates`, for the verb that keeps nothing.
fn stress(arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_facelatch-rates"))
        .args(arguments)
        .arg(folder)
        .args(["--models", concat!(env!("CARGO_MANIFEST_DIR"), "/../models")])
        .output()
        .expect("runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (run.status.code().expect("an exit code"), text(&run.stdout), text(&run.stderr))
}

#[test]
fn measure_prints_rates_as_json_counts_losses_and_draws() {
    let folder = people(&["obama", "biden", "collins", "nobody"]);
    std::fs::write(folder.path().join("biden/broken.jpg"), "no picture").expect("written");
    let drawn = tempfile::tempdir().expect("folder");
    let svg = drawn.path().to_string_lossy().into_owned();
    let (code, out, err) = rates(&["measure", "--json", "--svg", &svg], folder.path());
    assert_eq!(code, 0, "{err}");
    let measured: Value = serde_json::from_str(&out).expect("JSON");
    let number = |key: &str| measured[key].as_f64();
    assert_eq!(["people", "pictures", "acquired"].map(number), [Some(3.0), Some(7.0), Some(5.0)]);
    assert_eq!(["genuine", "impostor", "eer"].map(number), [Some(3.0), Some(7.0), Some(0.0)]);
    assert_eq!(measured["tar"]["1e-3"], 1.0);
    assert_eq!(["fmr", "fnmr"].map(number), [Some(0.0), Some(0.0)]);
    assert!(number("fmr_upper95").is_some_and(|bound| bound > 0.3), "seven pairs show little: {out}");
    assert!(measured["losses"]["unreadable"][0][0].as_str().is_some_and(|path| path.ends_with("broken.jpg")));
    assert!(measured["losses"]["no_face"][0].as_str().is_some_and(|path| path.ends_with("coffee.jpg")));
    for name in ["det.svg", "scores.svg", "reliability.svg"] {
        let picture = std::fs::read_to_string(drawn.path().join(name)).expect("drawn");
        assert!(picture.starts_with("<svg") && !picture.contains("NaN"), "{name}");
    }
}

/// Two people with two pictures each, and one with a single one.
fn pairs_of_pictures() -> tempfile::TempDir {
    let folder = people(&["obama", "biden", "collins"]);
    let biden = folder.path().join("biden/biden.jpg");
    let mirrored = image::open(&biden).expect("a picture").fliph();
    mirrored.save(biden.with_file_name("mirrored.png")).expect("written");
    folder
}

#[test]
fn stress_prints_a_row_for_each_strength_and_refuses_turned_faces() {
    let folder = pairs_of_pictures();
    let arguments = ["stress", "--kind", "turned", "--templates", "1", "--frames", "1", "--json"];
    let (code, out, err) = stress(&arguments, folder.path());
    assert_eq!(code, 0, "{err}");
    let measured: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(measured["people"], 2, "one of three has a single picture: {out}");
    let rows = measured["rows"].as_array().expect("rows");
    assert_eq!((rows.len(), &rows[0]["kind"], &rows[1]["kind"]), (6, &"none".into(), &"turned".into()));
    let upright = &rows[0];
    assert_eq!((&upright["frames"], &upright["judged"]), (&4.into(), &4.into()), "{upright}");
    assert_eq!(upright["both"]["genuine"]["matches"], 2);
    assert_eq!(upright["both"]["impostor"]["matches"], 0);
    for row in &rows[1..] {
        assert_eq!((&row["judged"], &row["both"]["impostor"]["decisions"]), (&0.into(), &0.into()), "{row}");
        assert_eq!(row["both"]["impostor"]["attempts"], 2);
    }
    let (_, again, _) = stress(&arguments, folder.path());
    assert_eq!(again, out, "the same seed gives the same bytes");
}

#[test]
fn stress_refuses_what_it_cannot_measure() {
    let folder = pairs_of_pictures();
    let refusal = |arguments: &[&str], folder: &Path| {
        let (code, _, err) = stress(arguments, folder);
        assert_eq!(code, 1, "{err}");
        err
    };
    let err = refusal(&["stress", "--kind", "dog"], folder.path());
    assert!(err.contains("dog is no kind of fault") && err.contains("dark glasses"), "{err}");
    let err = refusal(&["stress", "--frames", "0"], folder.path());
    assert!(err.contains("at least one template and one frame"), "{err}");
    let err = refusal(&["stress", "--kind", "turned", "--skip", "1"], folder.path());
    assert!(err.contains("at least two are needed"), "{err}");
    let err = refusal(&["stress"], &folder.path().join("nowhere"));
    assert!(err.contains("nowhere"), "{err}");
    let err = refusal(&["stress"], tempfile::tempdir().expect("folder").path());
    assert!(err.contains("holds no pictures"), "{err}");
}

#[test]
fn measure_leaves_pictures_below_the_limits_out_of_decisions_when_asked() {
    let folder = people(&["obama", "biden"]);
    let blurred = image::open(folder.path().join("obama/obama-1.jpg")).expect("a picture").blur(14.0);
    blurred.save(folder.path().join("obama/blurred.png")).expect("written");
    for (arguments, wanted) in [(&["measure", "--json"][..], 0), (&["measure", "--limits", "--json"], 1)] {
        let (code, out, err) = rates(arguments, folder.path());
        assert_eq!(code, 0, "{err}");
        let measured: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!((&measured["acquired"], &measured["unclear"]), (&5.into(), &wanted.into()), "{out}");
    }
}

#[test]
fn unusable_sets_are_refused_by_name() {
    let empty = tempfile::tempdir().expect("folder");
    let (code, _, err) = rates(&["measure"], empty.path());
    assert!(code == 1 && err.contains("holds no pictures"), "{err}");
    let (code, _, err) = rates(&["measure"], people(&["obama"]).path());
    assert!(code == 1 && err.contains("only one person (obama)"), "{err}");
    let (code, _, err) = rates(&["measure"], people(&["biden", "collins"]).path());
    assert!(code == 1 && err.contains("at least two pictures of one person"), "{err}");
    let (code, _, err) = rates(&["ablate"], people(&["obama", "biden", "collins"]).path());
    assert!(code == 1 && err.contains("cannot be halved"), "{err}");
}

#[test]
fn a_picture_under_two_people_is_named_and_left_out() {
    let folder = people(&["obama", "biden", "collins"]);
    std::fs::copy(folder.path().join("obama/obama-1.jpg"), folder.path().join("collins/x.jpg"))
        .expect("copied");
    let (code, out, err) = rates(&["measure"], folder.path());
    let line = out.lines().find(|line| line.contains("under two people: ")).unwrap_or_default();
    assert!(code == 0 && line.contains("obama-1.jpg") && line.contains("x.jpg"), "{out}{err}");
    assert!(out.contains("pairs       1 genuine, 5 impostor"), "{out}");
}

/// All bundled faces side by side, and a list of their pairs.
fn side_by_side(list: &str) -> (tempfile::TempDir, String) {
    let (named, flat) =
        (people(&["obama", "biden", "collins", "nobody"]), tempfile::tempdir().expect("folder"));
    for (person, pictures) in PEOPLE {
        for picture in *pictures {
            std::fs::copy(named.path().join(person).join(picture), flat.path().join(picture))
                .expect("copied");
        }
    }
    let file = flat.path().join("pairs.txt");
    std::fs::write(&file, list).expect("written");
    (flat, file.to_string_lossy().into_owned())
}

#[test]
fn pairs_of_pictures_side_by_side_are_measured() {
    let list = "obama-1.jpg obama-2.jpg 1\nobama-2.jpg obama-3.jpg 1\nobama-3.jpg biden.jpg 0\ncoffee.jpg biden.jpg 0\n";
    let (folder, file) = side_by_side(list);
    let (code, out, err) = rates(&["measure", "--json", "--pairs", &file], folder.path());
    assert_eq!(code, 0, "{err}");
    let measured: Value = serde_json::from_str(&out).expect("JSON");
    let count = |key: &str| measured[key].as_u64();
    // The astronaut is in no pair.
    assert_eq!(
        ["genuine", "impostor", "people", "pictures"].map(count),
        [Some(2), Some(1), Some(2), Some(5)]
    );
    assert_eq!((measured["fmr"].as_f64(), measured["fnmr"].as_f64()), (Some(0.0), Some(0.0)));
    assert_eq!(measured["fnmr_bounds"]["people"], 1, "two pairs of one person: {out}");
    assert_eq!((&measured["method"]["pairs_left_out"], &measured["decision"]), (&1.into(), &Value::Null));
    let (folder, file) = side_by_side("obama-1.jpg obama-9.jpg 1\nobama-3.jpg biden.jpg 0\n");
    let (code, _, err) = rates(&["measure", "--pairs", &file], folder.path());
    assert!(code == 1 && err.contains("line 1: obama-9.jpg is not in the set"), "{err}");
}

#[test]
fn the_protocol_of_lfw_runs_in_ten_folds_beside_the_rates() {
    let folder = people(&["obama", "biden", "collins"]);
    let mut list = "file_x,file_y,Decision\n".to_owned();
    for (a, b) in [("obama-1", "obama-2"), ("obama-1", "obama-3"), ("obama-2", "obama-3")] {
        list += &format!("{a}.jpg,{b}.jpg,Yes\n");
    }
    for a in ["obama-1", "obama-2", "obama-3"] {
        list += &format!("{a},biden,No\n{a},astronaut,No\n");
    }
    std::fs::write(folder.path().join("pairs.txt"), list + "biden,astronaut,No\n").expect("written");
    let (code, out, err) = rates(&["lfw"], folder.path());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("10 pairs in ten folds, 0 left out: accuracy 1.0000 +- 0.0000"), "{out}");
    assert!(
        out.contains("FMR 0 (0 of 7), FNMR 0 (0 of 3)") && out.contains("3 genuine, 7 impostor"),
        "{out}"
    );
    let (code, out, err) = rates(&["lfw", "--json"], folder.path());
    let both: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &both["protocol"]["pairs"], &both["impostor"]), (0, &10.into(), &7.into()), "{err}");
}

#[test]
fn search_enrols_some_and_takes_the_others_and_a_folder_of_strangers_for_strangers() {
    let folder = people(&["obama", "biden", "collins"]);
    let strangers = people(&["biden", "collins"]);
    std::fs::rename(strangers.path().join("biden"), strangers.path().join("joe")).expect("renamed");
    let more = strangers.path().to_string_lossy().into_owned();
    let arguments =
        ["search", "--enrolled", "2", "--frames", "1", "--galleries", "4", "--strangers", &more, "--json"];
    let (code, out, err) = rates(&arguments, folder.path());
    assert_eq!(code, 0, "{err}");
    let searched: Value = serde_json::from_str(&out).expect("JSON");
    let (shipped, number) = (&searched[0]["shipped"], |v: &Value| v.as_u64());
    assert_eq!((number(&searched[0]["enrolled"]), number(&searched[0]["judged_as"])), (Some(2), Some(2)));
    // One of three is not enrolled, and the two in the other folder never are.
    assert_eq!(number(&shipped["fpir"]["trials"]), Some(4 * 3), "{out}");
    assert_eq!(number(&shipped["fnir"]["people"]), Some(1), "one has pictures for both: {out}");
    assert_eq!(number(&shipped["fnir"]["errors"]), Some(0), "{out}");
    let (code, _, err) = rates(&["search", "--least", "6"], folder.path());
    assert!(code == 1 && err.contains("--least 6 is more than --templates 5"), "{err}");
}

#[test]
fn threshold_prints_rates_of_decisions_over_thresholds() {
    let folder = pairs_of_pictures();
    let arguments = ["threshold", "--templates", "1", "--frames", "1"];
    let (code, out, err) = rates(&arguments, folder.path());
    assert_eq!(code, 0, "{err}");
    let rows = out.lines().filter(|line| line.starts_with("| given |")).count();
    assert!(rows == 16 && out.contains("| 3.500 | 0 (0 of "), "{out}");
    let (code, _, err) = rates(&["threshold"], folder.path());
    assert!(code == 1 && err.contains("5 + 3 pictures"), "{err}");
}

#[test]
fn import_writes_a_head_that_measure_accepts_and_refuses_one_without_a_bias() {
    let folder = tempfile::tempdir().expect("folder");
    let head = folder.path().join("torch.head.toml").to_string_lossy().into_owned();
    let import = |source: &Path, threshold: &str| {
        Command::new(env!("CARGO_BIN_EXE_facelatch-rates"))
            .args(["import", "--threshold", threshold, "--output", &head])
            .arg(source)
            .args(["--models", concat!(env!("CARGO_MANIFEST_DIR"), "/../models")])
            .output()
            .expect("runs")
    };
    let layer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import/torch.npz");
    let done = import(&layer, "0.9");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let (code, out, err) = rates(&["measure", "--head", &head], people(&["obama", "biden"]).path());
    assert!(code == 0 && out.contains("p >= 0.900000"), "{out}{err}");

    let without = folder.path().join("without.json");
    let text = format!("{{\"kernel\": {:?}, \"bias\": 0}}", vec![-1.0; 128]);
    std::fs::write(&without, text).expect("written");
    let refused = import(&without, "0.6");
    let err = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && err.contains("identical pair scores 0.5000"), "{err}");
    std::fs::write(&without, "{\"kernel\": [-1, -1], \"bias\": 4}").expect("written");
    let err = String::from_utf8_lossy(&import(&without, "0.6").stderr).into_owned();
    assert!(err.contains("alpha has 2 values, h has 128"), "{err}");
}

#[test]
fn lab_writes_frames_and_what_is_true_of_them_and_refuses_what_it_cannot() {
    let faces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/faces");
    let folder = tempfile::tempdir().expect("folder");
    let lab = |clip: &str, arguments: &[&str], output: &str| {
        let run = Command::new(env!("CARGO_BIN_EXE_facelatch-rates"))
            .arg("lab")
            .arg(faces.join(clip))
            .args(arguments)
            .args(["--models", concat!(env!("CARGO_MANIFEST_DIR"), "/../models"), "--frames", "2"])
            .arg("--output")
            .arg(folder.path().join(output))
            .output()
            .expect("runs");
        (run.status.success(), String::from_utf8_lossy(&run.stderr).into_owned())
    };
    for (species, motion) in [("live", "still"), ("phone", "tilting"), ("cut-print", "swaying")] {
        let (done, err) = lab("obama-1.jpg", &["--species", species, "--motion", motion], species);
        assert!(done, "{err}");
        let truth = std::fs::read_to_string(folder.path().join(species).join("truth.toml")).expect("written");
        let truth: toml::Table = truth.parse().expect("TOML");
        let frames = truth["frame"].as_array().expect("frames");
        assert_eq!((truth["species"].as_str(), frames.len()), (Some(species), 2));
        assert_eq!(frames[0].get("held").is_some(), species != "live", "{truth}");
        assert_eq!(truth.get("screen_pixel_m").is_some(), species == "phone");
        for frame in frames {
            let file = folder.path().join(species).join(frame["file"].as_str().expect("a name"));
            let seen = facelatch_rates::lab::read(&file).expect("a picture");
            assert_eq!((seen.width(), seen.height()), (640, 480));
        }
        assert_eq!(std::fs::read_to_string(folder.path().join(species).join("fps")).expect("read"), "15\n");
    }
    // What it writes is a clip.
    let clip = facelatch_rates::lab::Clip::load(&folder.path().join("phone")).expect("a clip");
    assert_eq!((clip.frames.len(), clip.fps), (2, 15.0));
    let refused = [
        (lab("obama-1.jpg", &["--species", "live"], "live"), "not empty"),
        (lab("obama-1.jpg", &["--species", "mask"], "mask"), "bent-print"),
        (lab("coffee.jpg", &["--species", "cut-print"], "coffee"), "eyes"),
        (lab("nothing.jpg", &["--species", "print"], "nothing"), "nothing.jpg"),
        (lab("obama-1.jpg", &["--species", "print", "--fps", "0"], "slow"), "frames a second"),
    ];
    for ((done, err), why) in refused {
        assert!(!done && err.contains(why), "{why}: {err}");
    }
}

#[test]
fn attack_reads_a_network_of_ones_own_and_takes_no_scores_of_other_networks() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let (clips, own) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    let clip = clips.path().join("hall/live/one");
    std::fs::create_dir_all(&clip).expect("folder");
    std::fs::write(clip.join("fps"), "2").expect("written");
    for number in 0..6 {
        let face = models.join("../tests/data/faces/obama-1.jpg");
        std::fs::copy(face, clip.join(format!("{number:04}.jpg"))).expect("copied");
    }
    let list = std::fs::read_to_string(models.join("MODELS.toml")).expect("a list");
    let (_, entry) = list.split_once("\n[attack]").expect("an entry");
    let entry = entry.replace("[attack.operating", "[mine.operating").replace("attack.onnx", "mine.onnx");
    std::fs::write(own.path().join("MODELS.toml"), format!("[mine]{entry}")).expect("written");
    std::fs::copy(models.join("attack.onnx"), own.path().join("mine.onnx")).expect("copied");

    let cache = tempfile::tempdir().expect("folder");
    let run = |arguments: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_facelatch-rates"))
            .args(["attack", "--templates", "1", "--json", "--models"])
            .args([&models, clips.path(), Path::new("--cache"), cache.path()])
            .args(arguments)
            .current_dir(own.path())
            .output()
            .expect("runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let report: Value = serde_json::from_slice(&run.stdout).expect("JSON");
        let kept = std::fs::read_dir(cache.path()).expect("folder").count();
        (report[0]["model"].as_str().expect("a name").to_owned(), kept)
    };
    assert_eq!(run(&[]), ("attack".to_owned(), 1));
    assert_eq!(run(&["--model", "mine", "--own-models", "."]), ("mine".to_owned(), 1), "the same file");
    assert_eq!(run(&["--embedder", "mobilefacenet"]), ("attack".to_owned(), 2));
}
