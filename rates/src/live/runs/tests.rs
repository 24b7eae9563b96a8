use super::*;

/// A clip of ten frames a second. Each letter is a frame: the same letter the same face, `-` no face that may be judged.
struct Film(Clip, Frames);

fn film(letters: &str) -> Film {
    let text = || "x".to_owned();
    let paths: Vec<PathBuf> = (0..letters.len()).map(|n| PathBuf::from(n.to_string())).collect();
    let look = |(path, letter): (&PathBuf, char)| {
        let (y, x) = (letter as u8 as f32 - 97.0).sin_cos();
        (letter != '-').then(|| (path.clone(), Embedding::new(vec![x, y]).expect("unit")))
    };
    let frames = Frames::of(paths.iter().zip(letters.chars()).filter_map(look));
    Film(
        Clip { source: text(), species: text(), name: text(), person: text(), fps: 10.0, frames: paths },
        frames,
    )
}

/// Frames of each run.
fn lengths(letters: &str, from: usize, plan: &Plan) -> Vec<usize> {
    let Film(clip, frames) = film(letters);
    // Faces match if they are the same.
    let head = Head::new(Path::new("test"), 4.0, vec![-20.0, -20.0], 0.9).expect("works");
    of_clip(&clip, from, &frames, &head, plan).iter().map(|run| run.frames.len()).collect()
}

const PLAN: Plan = Plan { templates: 1, gap_s: 0.0, every_s: 1.0, work_s: 0.0, deadline_s: 0.8 };

#[test]
fn a_run_begins_each_second_and_takes_five_judged_frames() {
    assert_eq!(lengths(&"a".repeat(25), 0, &PLAN), [5, 5, 5]);
    assert_eq!(lengths(&"a".repeat(25), 11, &PLAN), [5, 4], "cut off by the end, with enough frames");
    assert_eq!(lengths("a--a-a-aaaaaaaaa", 0, &PLAN), [4, 5], "by the deadline");
}

#[test]
fn a_run_without_frames_in_time_counts_and_one_that_the_end_cuts_off_does_not() {
    assert_eq!(lengths("a-------a-aaa", 0, &PLAN), [1, 3]);
    assert_eq!(lengths("-----------aa", 0, &PLAN), [0]);
}

#[test]
fn another_face_begins_the_run_again() {
    assert_eq!(lengths("aabbbb------", 0, &PLAN), [4]);
}

#[test]
fn frames_that_come_while_the_board_works_are_lost() {
    let slow = Plan { work_s: 0.2, deadline_s: 2.0, ..PLAN };
    assert_eq!(lengths("a-a-a-a-a-aaaaaaaaaaaaaaaaaaaaaa", 0, &slow), [5, 5, 5]);
    assert_eq!(lengths("-a-a-a-a-a-a-a-a-a-a-a", 0, &slow), [0], "those that come meanwhile are not seen");
}
