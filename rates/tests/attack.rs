//! Clips of bundled pictures before the daemon's own pipeline; only the network that tells live faces from attacks is scripted.

use std::path::Path;
use std::sync::Arc;

use facelatch::camera::Frame;
use facelatch::detect::Face;
use facelatch::detect::attack::{FrameScore, Score};
use facelatch::model::ModelError;
use facelatch::pipeline::Networks;
use facelatch_rates::RatesError;
use facelatch_rates::attack::kept::Kept;
use facelatch_rates::attack::rates::{Summary, Threshold};
use facelatch_rates::attack::report::Report;
use facelatch_rates::attack::tries::{Person, Plan};
use facelatch_rates::attack::{clips, measure, scoring};
use facelatch_testkit::world::networks;

/// The upper left pixel tells what the network would: its red, as log-odds.
struct Painted;

impl FrameScore for Painted {
    fn id(&self) -> &str {
        "scripted"
    }

    fn score(&self, frame: &Frame, _: &Face) -> Result<Score, ModelError> {
        Ok(Score(f32::from(frame.rgb()[0]) - 100.0))
    }
}

fn load() -> Result<Networks, RatesError> {
    Ok(Networks { passive: scoring(Arc::new(Painted)), ..networks() })
}

/// A clip of pictures at so many frames a second, each with this score painted into it.
fn clip(folder: &Path, at: &str, fps: &str, pictures: &[(&str, u8)]) {
    let clip = folder.join(at);
    std::fs::create_dir_all(&clip).expect("folder");
    std::fs::write(clip.join("fps"), fps).expect("written");
    let faces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/faces");
    for (number, (picture, score)) in pictures.iter().enumerate() {
        let mut picture = image::open(faces.join(picture)).expect("a picture").into_rgb8();
        picture.put_pixel(0, 0, image::Rgb([100 + score, number as u8, 0]));
        picture.save(clip.join(format!("{number:04}.png"))).expect("written");
    }
}

/// The owner, live and as a picture of them that fools the network once; somebody else's picture; nobody.
fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let owner = |pictures, score| vec![("obama-1.jpg", score); pictures];
    // An enrolment takes three frames, too.
    let live = [owner(3, 9), owner(10, 8)].concat();
    clip(folder.path(), "hall/live/one", "10", &live);
    clip(folder.path(), "hall/phone/film", "10", &owner(10, 2));
    clip(folder.path(), "hall/print/stranger", "10", &[("astronaut.jpg", 9); 10]);
    clip(folder.path(), "yard/live/nobody", "2", &[("coffee.jpg", 9); 6]);
    folder
}

const PLAN: Plan = Plan { templates: 1, frames: 3, every_s: 1.0, challenge: None };

fn measured(folder: &Path, cache: &Path) -> Vec<Person> {
    let clips = clips::load(folder, |_| true).expect("loads");
    let kept = Kept::open(cache.to_owned(), "a test").expect("opens");
    measure(&clips, &PLAN, &load, &kept, &mut |_, _| ()).expect("measured")
}

#[test]
fn clips_are_enrolled_judged_and_compared_as_the_daemon_does() {
    let (folder, cache) = (scene(), tempfile::tempdir().expect("folder"));
    let people = measured(folder.path(), cache.path());
    let [hall, yard] = people.as_slice() else { panic!("two people") };
    assert_eq!((hall.enrolled.as_deref(), yard.enrolled.as_deref()), (Some(&[9.0][..]), None));
    let of = |person: &Person, species: &str| {
        let shown = person.presentations.iter().find(|shown| shown.species == species).expect("shown");
        shown.tries.iter().map(|one| (one.scores.last().copied(), one.matched)).collect::<Vec<_>>()
    };
    assert_eq!(of(hall, "live"), [(Some(8.0), Some(true))], "the frames of the enrolment are not judged");
    assert_eq!(of(hall, "phone"), [(Some(2.0), Some(true))]);
    assert_eq!(of(hall, "print"), [(Some(9.0), Some(false))], "live to the network, and another person");
    assert_eq!(of(yard, "live"), [(None, None)], "nobody there");

    let everyone: Vec<&Person> = people.iter().collect();
    let summary = Summary::of(&everyone, Threshold { score: 5.0, margin: 1.0, live_median: None });
    let counts = |rate: &facelatch_rates::attack::rates::Rate| (rate.bounds.errors, rate.bounds.trials);
    assert_eq!((counts(&summary.live.bpcer), counts(&summary.live.bpnrr)), ((0, 1), (1, 2)));
    let [phone, print] = summary.species.as_slice() else { panic!("two species") };
    assert_eq!(
        (counts(&phone.apcer), counts(&phone.iapar), counts(&phone.iapar_off)),
        ((0, 1), (0, 1), (1, 1))
    );
    assert_eq!((counts(&print.apcer), counts(&print.iapar)), ((1, 1), (0, 1)));

    let threshold = Threshold { score: 5.0, margin: 1.0, live_median: None };
    let report =
        Report::of(("painted".to_owned(), "ab".to_owned()), people, PLAN, (0.05, 1.0, Some(threshold)));
    let text = report.markdown();
    for part in ["Worst species: print, APCER 100.0 %", "| phone | 1 | 1 | 1 | 0 (0 of 1) |", "| yard |"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn scores_are_kept_for_the_same_clips_only() {
    let (folder, cache) = (scene(), tempfile::tempdir().expect("folder"));
    std::fs::remove_dir_all(folder.path().join("hall")).expect("removed");
    let first = measured(folder.path(), cache.path());
    let files = || std::fs::read_dir(cache.path()).expect("folder").count();
    assert_eq!(files(), 1);
    let clips = clips::load(folder.path(), |_| true).expect("loads");
    let kept = Kept::open(cache.path().to_owned(), "a test").expect("opens");
    let unable = || Err(RatesError::Asked("not asked again".to_owned()));
    let again = measure(&clips, &PLAN, &unable, &kept, &mut |_, _| ()).expect("kept");
    assert_eq!(format!("{again:?}"), format!("{first:?}"));
    let other = Kept::open(cache.path().to_owned(), "another way").expect("opens");
    assert!(measure(&clips, &PLAN, &unable, &other, &mut |_, _| ()).is_err());
    std::fs::write(&clips[0].frames[0], "another picture").expect("written");
    assert!(measure(&clips, &PLAN, &unable, &kept, &mut |_, _| ()).is_err(), "of the same name");
}
