use super::*;
use crate::detect::attack::rig::{Random, Shape, Stand, bent, head, seen};

const SIZE: (u32, u32) = (640, 480);
const NOISE: f64 = 0.02;

/// A time in milliseconds.
fn at(ms: u64) -> BootTime {
    BootTime(Duration::from_millis(ms))
}

/// Where a challenge went.
#[derive(Debug, PartialEq)]
struct Course {
    end: Presentation,
    unanswered: bool,
    /// When it ended.
    ms: u64,
    /// Frames to be compared.
    compared: u32,
    /// Whether they were told to turn farther.
    told_farther: bool,
}

/// A challenge of a face before a camera of 15 frames a second. `stand` is told the time, what is wanted, and how long that has
/// been wanted, all in milliseconds.
fn run(challenge: Challenge, shape: &Shape, mut stand: impl FnMut(u64, Need, u64) -> Stand) -> Course {
    let (mut challenge, mut random) = (challenge, Random(7));
    let (mut told, mut compared, mut told_farther) = ((Need::LookStraight, 0), 0, false);
    for ms in (0..20_000).step_by(66) {
        let end = challenge.judge(at(ms));
        let unanswered = challenge.is_unanswered(at(ms));
        let course = Course { end, unanswered, ms, compared, told_farther };
        let Presentation::MoreNeeded(need) = end else { return course };
        if unanswered {
            return course;
        }
        told_farther |= need == Need::TurnFarther;
        if need != told.0 {
            told = (need, ms);
        }
        let face = seen(shape, stand(ms, need, ms - told.1), NOISE, &mut random);
        compared += u32::from(challenge.see(at(ms + 1), &face, SIZE) == Moment::Compare);
    }
    panic!("no end");
}

/// Somebody who does as they are told, as fast as this.
struct Person {
    reaction_ms: u64,
    degrees_a_second: f64,
    degrees: f64,
    /// As far as they turn when they are told to turn farther.
    farther: f64,
    yaw: f64,
    pitch: f64,
}

impl Person {
    fn usual() -> Self {
        Self { reaction_ms: 400, degrees_a_second: 90.0, degrees: 40.0, farther: 55.0, yaw: 0.0, pitch: 0.0 }
    }

    fn stand(&mut self, need: Need, since: u64) -> Stand {
        let goal = match need {
            Need::TurnLeft => self.degrees,
            Need::TurnRight => -self.degrees,
            Need::TurnFarther => self.farther.copysign(self.yaw),
            Need::LookStraight | Need::Frames | Need::Infrared | Need::Colour => 0.0,
        };
        let step = self.degrees_a_second * 0.066;
        if since >= self.reaction_ms {
            self.yaw += (goal - self.yaw).clamp(-step, step);
        }
        Stand { pitch: self.pitch, ..Stand::turned(self.yaw) }
    }
}

fn course(seed: u64, shape: &Shape, mut person: Person) -> Course {
    run(Challenge::new(seed, at(0)), shape, |_, need, since| person.stand(need, since))
}

fn is_live(course: &Course) -> bool {
    matches!(course.end, Presentation::Live(_))
}

/// The first question of a challenge, of a face that stays straight.
fn first_question(seed: u64) -> (Need, u64) {
    let mut asked = (Need::LookStraight, 0);
    run(Challenge::new(seed, at(0)), &head(0.42), |ms, need, _| {
        if asked.0 == Need::LookStraight && need != Need::LookStraight {
            asked = (need, ms);
        }
        Stand::straight()
    });
    asked
}

#[test]
fn who_turns_as_asked_is_live_and_soon() {
    // From the first frame to the last answer; the limits hold for the mean.
    for (questions, limit_ms) in [(1, 1600), (2, 2600), (3, 3600)] {
        let mut total = 0;
        for seed in 0..40 {
            let challenge = Challenge::new(seed, at(0)).with_questions(questions);
            let mut person = Person::usual();
            let course = run(challenge, &head(0.42), |_, need, since| person.stand(need, since));
            assert!(is_live(&course), "seed {seed}: {course:?}");
            assert!(
                course.compared > questions,
                "the straight face and all answers are compared: {course:?}"
            );
            total += course.ms;
        }
        assert!(total / 40 <= limit_ms, "{questions} questions: {} ms in the mean", total / 40);
    }
}

#[test]
fn slow_tall_small_and_flat_nosed_people_pass_as_well() {
    let people: [(&str, f64, Person); 5] = [
        ("slow", 0.42, Person { reaction_ms: 900, degrees_a_second: 40.0, ..Person::usual() }),
        ("above the camera", 0.42, Person { pitch: 20.0, ..Person::usual() }),
        ("below the camera", 0.42, Person { pitch: -20.0, ..Person::usual() }),
        ("flat nose", 0.34, Person { degrees: 45.0, ..Person::usual() }),
        ("far turned", 0.5, Person { degrees: 55.0, ..Person::usual() }),
    ];
    for (who, depth, person) in people {
        let passed =
            (0..40).filter(|seed| is_live(&course(*seed, &head(depth), Person { ..person }))).count();
        assert!(passed >= 37, "{who}: {passed} of 40");
    }
}

#[test]
fn who_turns_too_little_is_told_so_and_passes() {
    for seed in 0..40 {
        let course = course(seed, &head(0.42), Person { degrees: 24.0, ..Person::usual() });
        assert!(is_live(&course) && course.told_farther, "seed {seed}: {course:?}");
    }
}

#[test]
fn who_turns_far_enough_at_once_is_not_told_to_turn_farther() {
    let told = (0..40).filter(|seed| course(*seed, &head(0.42), Person::usual()).told_farther);
    assert_eq!(told.count(), 0);
}

#[test]
fn who_turns_too_little_all_the_same_gives_no_answer_and_is_no_film() {
    for seed in 0..40 {
        let course = course(seed, &head(0.42), Person { degrees: 24.0, farther: 24.0, ..Person::usual() });
        assert!(course.unanswered && course.told_farther, "seed {seed}: {course:?}");
        // Straight face and first question in 1 s at most, then one question that nobody answers.
        assert!(course.ms <= 1000 + 3000 + 1500 + 66, "{course:?}");
    }
}

#[test]
fn a_head_that_is_on_its_way_when_time_is_up_may_finish() {
    let slow = Person { degrees_a_second: 20.0, ..Person::usual() };
    let courses: Vec<_> = (0..60).map(|seed| course(seed, &head(0.42), Person { ..slow })).collect();
    let passed = courses.iter().filter(|course| is_live(course)).count();
    assert!(passed >= 57, "{passed} of 60");
    // The usual limit would end them at 1 s, an answer after 2.2, and 3 s more.
    assert!(courses.iter().any(|course| is_live(course) && course.ms > 6200), "none needed the time");
}

#[test]
fn extra_time_is_for_a_head_that_moves_and_is_given_once() {
    let mut question = Question::new((Pose::Right, Pose::Left), -0.3, at(0), Duration::from_millis(1500));
    assert!(!question.is_past(at(3000)) && question.is_past(at(3001)));
    for ms in (100..8000).step_by(100) {
        question.see(at(ms), -0.3 + 0.0003 * ms as f64);
    }
    assert!(question.is_begun());
    assert!(!question.is_past(at(4500)) && question.is_past(at(4501)), "however long it moves");
    assert_eq!(question.extra_used(at(4000)), Duration::from_millis(1000));
    let mut still = Question::new((Pose::Right, Pose::Left), -0.3, at(0), Duration::from_millis(1500));
    for ms in (100..3000).step_by(100) {
        // It moves the wrong way.
        still.see(at(ms), -0.3 - 0.0003 * ms as f64);
    }
    assert!(!still.is_begun() && still.is_past(at(3001)));
}

#[test]
fn question_and_moment_are_random() {
    let questions: Vec<_> = (0..200).map(first_question).collect();
    let left = questions.iter().filter(|(need, _)| *need == Need::TurnLeft).count();
    assert!((70..=130).contains(&left), "{left} of 200 to the left");
    let (soonest, latest) = questions.iter().fold((u64::MAX, 0), |(a, b), (_, ms)| (a.min(*ms), b.max(*ms)));
    assert!(latest - soonest > 350, "asked from {soonest} to {latest} ms");
}

#[test]
fn the_other_side_first_is_no_answer() {
    for seed in 0..40 {
        let mut person = Person::usual();
        let course = run(Challenge::new(seed, at(0)), &head(0.42), |_, need, since| {
            let other = match need {
                Need::TurnLeft => Need::TurnRight,
                Need::TurnRight => Need::TurnLeft,
                need => need,
            };
            person.stand(other, since)
        });
        assert_eq!(course.end, Presentation::Attack(Species::Film), "seed {seed}");
    }
}

#[test]
fn a_turn_before_anybody_can_have_read_the_question_is_a_film() {
    for seed in 0..20 {
        let (asked, ms) = first_question(seed);
        let yaw = if asked == Need::TurnLeft { 40.0 } else { -40.0 };
        let film = |now, _, _| Stand::turned(if now < ms + 60 { 0.0 } else { yaw });
        // One question: a film that turned too soon gives no answer to a second one, either.
        let course = run(Challenge::new(seed, at(0)).with_questions(1), &head(0.42), film);
        assert_eq!(course.end, Presentation::Attack(Species::Film), "seed {seed}");
    }
}

/// The share of challenges that a film passes which was made to pass: it turns to both sides, and waits for questions.
#[test]
fn the_best_film_passes_by_chance_only() {
    for (questions, chance) in [(1, 0.5), (2, 0.25), (3, 0.125)] {
        let tries = 160;
        let passed = (0..tries).filter(|seed| {
            // Left, straight, left: from each pose to one of the two others, always after any question can have come.
            let film = |now: u64, _, _| {
                let turns = [(1700, 0.0, 40.0), (3700, 40.0, 0.0), (5700, 0.0, 40.0)];
                let turn = turns.into_iter().rev().find(|(start, ..)| now >= *start);
                let yaw = |(start, from, to): (u64, f64, f64)| {
                    from + (to - from) * ((now - start) as f64 / 400.0).min(1.0)
                };
                Stand::turned(turn.map_or(0.0, yaw))
            };
            let challenge = Challenge::new(seed * 7919, at(0)).with_questions(questions);
            is_live(&run(challenge, &head(0.42), film))
        });
        let share = passed.count() as f64 / tries as f64;
        let spread = (chance * (1.0 - chance) / tries as f64).sqrt();
        assert!((share - chance).abs() < 4.0 * spread, "{questions} questions: {share}");
    }
}

#[test]
fn a_film_that_stops_where_the_question_does_not_suit_it_counts_as_an_attack() {
    let tries = 100;
    let courses = (0..tries).map(|seed| {
        let film = |now, _, _| Stand::turned(if now < 1700 { 0.0 } else { 40.0 });
        run(Challenge::new(seed, at(0)), &head(0.42), film)
    });
    for course in courses {
        assert_eq!((course.end, course.unanswered), (Presentation::Attack(Species::Film), false));
    }
}

#[test]
fn a_still_face_gives_no_answer_and_is_no_attack() {
    for seed in 0..20 {
        let course = run(Challenge::new(seed, at(0)), &head(0.42), |_, _, _| Stand::straight());
        assert!(course.unanswered && matches!(course.end, Presentation::MoreNeeded(_)), "{course:?}");
    }
}

#[test]
fn a_picture_that_is_tilted_as_asked_is_flat() {
    for seed in 0..40 {
        let person = Person { degrees: 50.0, ..Person::usual() };
        let course = course(seed, &head(0.0), person);
        assert_eq!(course.end, Presentation::Attack(Species::Flat), "seed {seed}");
    }
}

#[test]
fn a_print_that_is_bent_and_turned_as_asked_is_not_live() {
    for radius in [-3.0, 3.0, 5.0] {
        let passed = (0..40).filter(|seed| {
            is_live(&course(*seed, &bent(radius), Person { degrees: 45.0, ..Person::usual() }))
        });
        assert_eq!(passed.count(), 0, "radius {radius}");
    }
}

/// Whether two frames without noise, turned as asked until the nose is at this parallax, are an answer; and the score then.
fn answered(depth: f64, parallax: f64) -> (bool, Score) {
    let mut random = Random(1);
    let mut face = |yaw| seen(&head(depth), Stand::turned(yaw), 0.0, &mut random);
    let mut challenge = Challenge::new(1, at(0));
    for ms in [100, 200, 300] {
        challenge.see(at(ms), &face(0.0), SIZE);
    }
    let side = if challenge.judge(at(1400)) == Presentation::MoreNeeded(Need::TurnLeft) { 1.0 } else { -1.0 };
    let yaw = (parallax / depth).atan().to_degrees();
    for ms in [1600, 1700] {
        challenge.see(at(ms), &face(side * yaw), SIZE);
    }
    assert_eq!(challenge.held.1, 2, "far enough, and long enough: {depth}");
    (challenge.answered == 1, challenge.evidence.score())
}

#[test]
fn a_turn_is_an_answer_from_log_odds_of_two_on() {
    let turns: Vec<_> = (200..420).map(|depth| answered(f64::from(depth) / 1000.0, 0.3)).collect();
    assert!(turns.iter().all(|(is_answer, Score(score))| *is_answer == (*score >= 2.0)), "{turns:?}");
    let near = |range: std::ops::Range<f32>| turns.iter().any(|(_, Score(score))| range.contains(score));
    assert!(near(1.9..2.0) && near(2.0..2.1), "{turns:?}");
}

#[test]
fn a_lost_track_ends_the_challenge_once_it_was_asked_and_begins_it_anew_before() {
    let mut random = Random(1);
    let mut face = |yaw| seen(&head(0.42), Stand::turned(yaw), 0.0, &mut random);
    let mut challenge = Challenge::new(1, at(0));
    for ms in [100, 200, 300] {
        challenge.see(at(ms), &face(0.0), SIZE);
    }
    challenge.lost();
    assert!(!challenge.is_asked());
    assert_eq!(challenge.judge(at(5000)), Presentation::MoreNeeded(Need::LookStraight), "nobody is known");
    for ms in [5100, 5200, 5300] {
        challenge.see(at(ms), &face(0.0), SIZE);
    }
    assert!(matches!(challenge.judge(at(6400)), Presentation::MoreNeeded(Need::TurnLeft | Need::TurnRight)));
    assert!(challenge.is_asked());
    challenge.lost();
    assert_eq!(challenge.judge(at(6500)), Presentation::Attack(Species::Swap));
    assert_eq!(challenge.see(at(6600), &face(0.0), SIZE), Moment::Pass);
}

#[test]
fn a_face_is_compared_again_and_again_on_the_way() {
    let mut random = Random(1);
    let mut face = |yaw| seen(&head(0.42), Stand::turned(yaw), 0.0, &mut random);
    let mut challenge = Challenge::new(1, at(0));
    let straight = [100, 200, 300].map(|ms| challenge.see(at(ms), &face(0.0), SIZE));
    assert_eq!(straight, [Moment::Pass, Moment::Pass, Moment::Compare]);
    let side = if challenge.judge(at(1400)) == Presentation::MoreNeeded(Need::TurnLeft) { 1.0 } else { -1.0 };
    // Parallax 0.02, 0.08, 0.10, 0.16, 0.22: the second frame still counts as straight.
    let way = [(1600, 3.0), (1700, 11.0), (1800, 13.0), (1900, 21.0), (2000, 27.5)];
    let seen = way.map(|(ms, yaw)| challenge.see(at(ms), &face(side * yaw), SIZE));
    let (pass, compare) = (Moment::Pass, Moment::Compare);
    assert_eq!(seen, [pass, compare, pass, compare, compare]);
    // In the pose itself only the frame that counts is compared.
    let seen = [2100, 2200].map(|ms| challenge.see(at(ms), &face(side * 40.0), SIZE));
    assert_eq!(seen, [pass, compare]);
}

#[test]
fn another_person_in_the_middle_is_an_attack() {
    let mut challenge = Challenge::new(1, at(0));
    challenge.swapped();
    assert_eq!(challenge.judge(at(1)), Presentation::Attack(Species::Swap));
}

#[test]
fn frames_out_of_order_and_faces_cut_by_the_border_say_nothing() {
    let mut random = Random(1);
    let face = seen(&head(0.42), Stand::straight(), 0.0, &mut random);
    let outside = Face { landmarks: face.landmarks.map(|p| Point { x: p.x + 400.0, ..p }), ..face };
    let broken = Face { landmarks: [Point { x: f32::NAN, y: 1.0 }; 5], ..face };
    let nothing = Face { landmarks: [Point::default(); 5], ..face };
    // None of these counts as one of the three straight frames.
    for (ms, unusable) in [(500, face), (1000, face), (1100, outside), (1100, broken), (1100, nothing)] {
        let mut challenge = Challenge::new(1, at(1000));
        let seen = [(ms, unusable), (1400, face), (1500, face), (1450, face), (1600, face)]
            .map(|(ms, face)| challenge.see(at(ms), &face, SIZE));
        let pass = Moment::Pass;
        assert_eq!(seen, [pass, pass, pass, pass, Moment::Compare], "{ms} {unusable:?}");
    }
}

#[test]
fn who_turns_before_the_question_is_asked_once_they_look_straight_again() {
    let mut person = Person::usual();
    let course = run(Challenge::new(3, at(0)), &head(0.42), |ms, need, since| {
        if (200..900).contains(&ms) { Stand::turned(40.0) } else { person.stand(need, since) }
    });
    assert!(is_live(&course), "{course:?}");
}

#[test]
fn a_camera_that_stalls_ends_without_an_answer() {
    let mut random = Random(1);
    let face = seen(&head(0.42), Stand::straight(), 0.0, &mut random);
    let mut challenge = Challenge::new(1, at(0));
    assert_eq!(challenge.judge(at(60_000)), Presentation::MoreNeeded(Need::LookStraight));
    for ms in [100, 200, 300] {
        challenge.see(at(ms), &face, SIZE);
    }
    assert!(!challenge.is_unanswered(at(1400)));
    let asked = challenge.judge(at(1400));
    assert!(!challenge.is_unanswered(at(1400)));
    assert_eq!(challenge.judge(at(4500)), asked);
    assert!(challenge.is_unanswered(at(4500)));
}
