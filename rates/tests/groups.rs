//! Tests `facelatch-rates groups` and `facelatch-rates change`.

mod common;

use std::path::Path;

use serde_json::Value;

use common::rates;

/// A folder of bundled pictures under other names.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let faces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/faces");
    let folder = tempfile::tempdir().expect("folder");
    for (picture, name) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        std::fs::copy(faces.join(picture), path).expect("copied");
    }
    folder
}

fn written(text: &str) -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), text).expect("written");
    let path = file.path().to_string_lossy().into_owned();
    (file, path)
}

#[test]
fn names_of_utkface_part_people_by_age_sex_and_race_and_repeats_are_left_out() {
    let folder = folder(&[
        ("obama-1.jpg", "black-males/47_0_1_20170116174509010.jpg.chip.jpg"),
        ("obama-2.jpg", "black-males/48_0_1_20170116174509011.jpg.chip.jpg"),
        ("biden.jpg", "white-males/66_0_0_20170116174509012.jpg.chip.jpg"),
        ("astronaut.jpg", "white-females/43_1_0_20170116174509013.jpg.chip.jpg"),
        ("coffee.jpg", "white-females/40_1_0_20170116174509014.jpg.chip.jpg"),
    ]);
    let (code, out, err) = rates(&["groups", "--json", "--repeats", "0.5"], folder.path());
    assert_eq!(code, 0, "{err}");
    let found: Value = serde_json::from_str(&out).expect("JSON");
    let part = |by: &str| {
        let parts = found["parts"].as_array().expect("parts");
        parts.iter().find(|part| part["by"] == by).unwrap_or_else(|| panic!("{by} in {out}")).clone()
    };
    let men = part("sex, from 16")["rows"][0].clone();
    assert_eq!((&men["group"], &men["people"], &men["repeats"]), (&"men".into(), &3.into(), &1.into()));
    assert_eq!((&men["fmr_bounds"]["trials"], &men["fmr"]), (&2.into(), &0.0.into()));
    let lost = found["acquired"].as_array().expect("rows").iter();
    let women = lost.clone().find(|row| row["group"] == "women").expect("women");
    assert_eq!((&women["pictures"], &women["refused"]["no face"]), (&2.into(), &1.into()), "{out}");
    let (_, text, _) = rates(&["groups"], folder.path());
    assert!(text.contains("Failure to acquire, by age") && text.contains("| men | 3 |"), "{text}");
}

#[test]
fn groups_of_a_file_are_people_of_folders() {
    let folder = folder(&[
        ("obama-1.jpg", "obama/1.jpg"),
        ("obama-2.jpg", "obama/2.jpg"),
        ("biden.jpg", "biden/1.jpg"),
        ("astronaut.jpg", "collins/1.jpg"),
    ]);
    let (_file, path) = written("person,group\nobama,male\nbiden,male\ncollins,female\n");
    let (code, out, err) = rates(&["groups", "--groups", &path, "--frames", "1", "--json"], folder.path());
    assert_eq!(code, 0, "{err}");
    let found: Value = serde_json::from_str(&out).expect("JSON");
    let parts = found["parts"].as_array().expect("parts");
    let compared: Vec<_> = parts.iter().map(|part| part["compared"].as_str().expect("text")).collect();
    assert_eq!(compared, ["single pairs", "decisions of 1 frame"]);
    // Nobody is compared with the one woman.
    assert_eq!(parts[0]["rows"].as_array().map(Vec::len), Some(1));
    let men = &parts[0]["rows"][0];
    assert_eq!((&men["fmr_bounds"]["trials"], &men["fnmr_bounds"]["trials"]), (&2.into(), &1.into()));
    let (_file, path) = written("dora,female\n");
    let (code, _, err) = rates(&["groups", "--groups", &path], folder.path());
    assert!(code == 1 && err.contains("nobody in the set"), "{err}");
    let (code, _, err) = rates(&["groups"], folder.path());
    assert!(code == 1 && err.contains("age_sex_race_time"), "{err}");
}

#[test]
fn change_parts_pairs_by_the_years_between() {
    let folder = folder(&[
        ("obama-1.jpg", "obama/1.jpg"),
        ("obama-2.jpg", "obama/2.jpg"),
        ("biden.jpg", "biden/1.jpg"),
    ]);
    let (_file, path) = written("obama/1,2009\nobama/2,2012.5\nbiden/1,2013\n");
    let (code, out, err) = rates(&["change", "--tags", &path], folder.path());
    assert!(code == 0 && out.contains("| 3 to 5 years | 1 | 0 (0 of 1)"), "{out}{err}");
}
