//! Clips of bundled pictures: enrolled by the daemon's pipeline, their later frames compared with everybody.

use std::path::Path;

use facelatch_rates::acquire::Bench;
use facelatch_rates::attack::clips;
use facelatch_rates::bench::Names;
use facelatch_rates::live::enrol::Enroller;
use facelatch_rates::live::runs::Frames;
use facelatch_rates::live::{Plan, measure, report};
use facelatch_testkit::world::networks;

/// A clip at two frames a second.
fn clip(folder: &Path, at: &str, pictures: &[&str]) {
    let clip = folder.join(at);
    std::fs::create_dir_all(&clip).expect("folder");
    std::fs::write(clip.join("fps"), "2").expect("written");
    let faces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/faces");
    for (number, picture) in pictures.iter().enumerate() {
        std::fs::copy(faces.join(picture), clip.join(format!("{number:04}.jpg"))).expect("copied");
    }
}

#[test]
fn people_are_enrolled_from_one_clip_and_tried_in_another_or_later_in_it() {
    let (folder, cache) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    clip(folder.path(), "hall/live/one", &["obama-1.jpg"; 2]);
    clip(folder.path(), "hall/live/two", &["obama-2.jpg", "obama-3.jpg", "obama-2.jpg"]);
    clip(folder.path(), "yard/live/one", &["astronaut.jpg"; 6]);
    clip(folder.path(), "yard/phone/film", &["obama-1.jpg"; 2]);
    clip(folder.path(), "shed/live/nobody", &["coffee.jpg"; 2]);
    let clips = clips::load(folder.path(), |_| true).expect("loads");
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let names = Names { embedder: "sface", detector: Some("yunet"), central: false };
    let bench = Bench::load(&models, names).expect("loads");
    let mut enroller = Enroller::new(networks());
    let plan = Plan { templates: 1, gap_s: 1.0, every_s: 1.0, work_s: 0.0, deadline_s: 4.0 };
    let frames = Frames::embed(&clips, &bench, cache.path(), &mut |_, _| ()).expect("embedded");
    let live = measure(&clips, plan, &frames, &mut enroller, None).expect("measured");

    let people = &live.people;
    assert_eq!((people.all, people.enrolled, people.other_clip, people.later), (3, 2, 1, 1));
    assert_eq!((people.refused.len(), &people.without_probes[..]), (1, &["shed".to_owned()][..]));
    let counted = |size: usize| {
        let decided = live.decided.iter().find(|decided| decided.size == size).expect("measured");
        let rates = decided.clips;
        (rates.fnmr_bounds.trials, rates.fnmr_bounds.errors, rates.fmr_bounds.trials, rates.fmr_bounds.errors)
    };
    assert_eq!((counted(3), counted(1)), ((2, 0, 2, 0), (2, 0, 2, 0)), "each as themselves and as the other");
    assert_eq!(counted(5).0, 0, "too short");
    assert_eq!(live.genuine, None);
    let text = report::markdown(&live);
    for part in ["3 people; 2 enrolled", "Probes of 1 come from other clips", "Could not be enrolled: shed"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}
