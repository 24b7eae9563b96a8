use std::path::Path;

use facelatch::embed::Embedding;
use facelatch::head::Head;

use super::*;
use crate::set::set_of;

fn at(degrees: f32) -> Embedding {
    let (y, x) = degrees.to_radians().sin_cos();
    Embedding::new(vec![x, y]).expect("unit")
}

fn head() -> Head {
    Head::new(Path::new("test"), 4.0, vec![-9.0, -9.0], 0.9).expect("works")
}

fn run(degrees: &[f32]) -> Run {
    Run { frames: degrees.iter().map(|d| at(*d)).collect() }
}

/// Two people with two and three templates, and what they show of themselves.
struct Scene {
    templates: [Vec<Embedding>; 2],
    runs: Vec<(u32, Run)>,
}

fn scene() -> Scene {
    let degrees = |of: &[f32]| of.iter().map(|d| at(*d)).collect();
    let first = (0..20).map(|n| (0, run(&[n as f32, n as f32 + 1.0, n as f32 + 2.0])));
    let second = [(1, run(&[90.0, 91.0, 30.0])), (1, run(&[90.0]))];
    Scene {
        templates: [degrees(&[0.0, 5.0]), degrees(&[80.0, 90.0, 100.0])],
        runs: first.chain(second).collect(),
    }
}

fn users(scene: &Scene) -> Vec<User<'_>> {
    let mut users = Vec::new();
    for (person, templates) in (0..).zip(&scene.templates) {
        users.push(User { person, group: Group::Clips, templates: templates.iter().collect() });
    }
    users
}

#[test]
fn decisions_are_the_daemons_vote_over_frames_and_templates() {
    let (scene, head) = (scene(), head());
    let (users, probes) = (users(&scene), scene.runs.iter().map(|(p, run)| (*p, run)).collect::<Vec<_>>());
    let scores = Scores::of(&probes, &users, &head);
    let all = consecutive(&probes, &users, &scores, 3);
    assert_eq!((all.clips.genuine.len(), all.clips.impostor.len()), (21, 21), "the short run gives none");
    let mut expected = Vec::new();
    for (probe, run) in probes.iter().filter(|(_, run)| run.frames.len() == 3) {
        for (user, templates) in (0..).zip(&scene.templates) {
            let z = |f: usize, t: usize| head.log_odds(&run.frames[f], &templates[t]);
            expected.push(((user, *probe), vote::combine(3, templates.len(), z).expect("evidence").0));
        }
    }
    let mut found: Vec<_> = [&all.clips.genuine[..], &all.clips.impostor].concat();
    found.sort_by_key(|trial| trial.people);
    expected.sort_by_key(|(people, _)| *people);
    for (trial, (people, z)) in found.iter().zip(&expected) {
        assert_eq!(trial.people, *people);
        assert!((trial.z - z).abs() < 1e-4, "{people:?}: {} {z}", trial.z);
    }
    assert_eq!(consecutive(&probes, &users, &scores, 1).clips.genuine.len(), 22);
}

#[test]
fn frames_far_apart_come_from_runs_far_apart() {
    let (scene, head) = (scene(), head());
    let (users, probes) = (users(&scene), scene.runs.iter().map(|(p, run)| (*p, run)).collect::<Vec<_>>());
    let scores = Scores::of(&probes, &users, &head);
    let all = apart(&probes, &users, &scores, 3);
    // The second person has one long run, which cannot be spread.
    assert_eq!((all.clips.genuine.len(), all.clips.impostor.len()), (20, 20));
    let first: Vec<f32> = [0, 6, 13].map(|run| scores.of_run(run, 0).next().expect("a frame")).to_vec();
    assert!((all.clips.genuine[0].z - first.iter().sum::<f32>() / 3.0).abs() < 1e-4);
}

#[test]
fn people_of_the_background_are_further_users_in_two_groups() {
    let looks = |n: usize| (0..n).map(|i| vec![0.0, 1.0 + i as f32]).collect();
    let mut set = set_of(&[("many", looks(3)), ("few", looks(1)), ("unfit", looks(1))]);
    set.samples[4].believed = false;
    let more = background(&set, 7, 2);
    let told: Vec<_> = more.iter().map(|user| (user.person, user.group, user.templates.len())).collect();
    assert_eq!(told, [(7, Group::Background, 2), (8, Group::BackgroundFew, 1)]);
    let (scene, head) = (scene(), head());
    let probes: Vec<_> = scene.runs.iter().map(|(p, run)| (*p, run)).collect();
    let everybody: Vec<User<'_>> = users(&scene).into_iter().chain(more).collect();
    let scores = Scores::of(&probes, &everybody, &head);
    let threshold = head.threshold().log_odds().0;
    let decided = consecutive(&probes, &everybody, &scores, 1).decided(threshold);
    let trials = |rates: &Rates| (rates.fmr_bounds.trials, rates.fmr_bounds.errors);
    let by_group: Vec<_> = decided.background.iter().map(|(group, rates)| (*group, trials(rates))).collect();
    assert_eq!(by_group, [(Group::Background, (22, 2)), (Group::BackgroundFew, (22, 2))]);
    assert_eq!((trials(&decided.clips), trials(&decided.everybody)), ((22, 0), (66, 4)));
    assert_eq!((decided.clips.fnmr_bounds.trials, decided.everybody.fnmr_bounds.trials), (22, 0));
}
