//! The list of public clips: what `clips.py` builds a folder from, for `facelatch-rates attack` and `live`.

use std::collections::BTreeSet;

const COLUMNS: [&str; 9] = ["source", "species", "clip", "who", "repository", "commit", "path", "from", "to"];
const SPECIES: [&str; 4] = ["live", "phone", "monitor", "screen"];

/// Sources that nothing was fitted on.
const HELD_OUT: [&str; 2] = ["apfol", "wolf-huo"];

fn rows() -> Vec<[&'static str; 9]> {
    let mut lines = include_str!("data/clips/clips.tsv").lines();
    assert_eq!(lines.next().map(|line| line.split('\t').collect::<Vec<_>>()), Some(COLUMNS.to_vec()));
    let row = |line: &'static str| -> [&str; 9] {
        let cells: Vec<&str> = line.split('\t').collect();
        cells.try_into().unwrap_or_else(|cells| panic!("not {} cells: {cells:?}", COLUMNS.len()))
    };
    lines.map(row).collect()
}

#[test]
fn each_clip_names_its_film_once_and_for_ever() {
    let mut names = BTreeSet::new();
    for row in rows() {
        let [source, species, clip, _, repository, commit, path, from, to] = row;
        assert!(names.insert((source, species, clip)), "twice: {row:?}");
        assert!(SPECIES.contains(&species), "{row:?}");
        assert!(repository.split('/').filter(|name| !name.is_empty()).count() == 2, "{row:?}");
        let is_hash = commit.len() == 40 && commit.bytes().all(|digit| digit.is_ascii_hexdigit());
        assert!(is_hash && !path.is_empty(), "{row:?}");
        let seconds = |text: &str, none: f64| if text.is_empty() { Ok(none) } else { text.parse() };
        let (from, to) = (seconds(from, 0.0).expect("seconds"), seconds(to, f64::MAX).expect("seconds"));
        assert!(0.0 <= from && from < to, "{row:?}");
    }
}

#[test]
fn sources_kept_back_have_live_clips_and_attacks() {
    let rows = rows();
    for source in HELD_OUT {
        let of_kind = |live: bool| rows.iter().any(|row| row[0] == source && (row[1] == "live") == live);
        assert!(of_kind(true) && of_kind(false), "{source}");
    }
}
