//! Rigid heads that do as they are told, in landmarks alone: how fast, how far and from how high they may turn, and how noisy
//! their landmarks may be, until a challenge refuses them.
//!
//! They show what the geometry allows. They are no people: nobody misunderstands the question, hesitates or smiles, and each
//! frame shows a face.

use std::time::Duration;

use facelatch::clock::BootTime;
use facelatch::detect::attack::challenge::Challenge;
use facelatch::detect::attack::{Need, Presentation};
use facelatch::detect::{Bbox, Face, Point};
use facelatch::head::project::SplitMix64;

/// The frame, and the eye distance of a straight face in it, in pixels.
const SIZE: (u32, u32) = (640, 480);
const EYES: f64 = 60.0;

/// A challenge that lasts longer than this is not answered.
const LONGEST: Duration = Duration::from_secs(10);

/// Who is told to turn farther turns by so many degrees more.
const FARTHER: f64 = 15.0;

/// How a head turns, and how it is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manner {
    /// Degrees a second.
    pub speed: f64,
    /// Degrees to either side.
    pub reach: f64,
    /// The camera above the head, in degrees.
    pub above: f64,
    /// Noise of each landmark, in eye distances.
    pub noise: f64,
    /// From a question to the first movement.
    pub reaction: Duration,
    /// Frames a second.
    pub fps: f64,
}

/// What others are compared with.
pub const USUAL: Manner = Manner {
    speed: 90.0,
    reach: 40.0,
    above: 0.0,
    noise: 0.02,
    reaction: Duration::from_millis(400),
    fps: 15.0,
};

/// How challenges of one manner ended.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Ends {
    /// Challenges, each of another head.
    pub heads: usize,
    /// Taken for a picture, or for a film.
    pub refused: usize,
    /// Not answered in time.
    pub unanswered: usize,
    /// Of these two, those whose second challenge did not pass either.
    pub turned_away: usize,
    /// Of those passed, from the first frame to the last answer, in all.
    pub took: Duration,
}

/// Each manner once, and what it is called.
pub fn manners() -> Vec<(String, Manner)> {
    let mut all = vec![("90 degrees a second, by 40 degrees, camera level, noise 0.02".to_owned(), USUAL)];
    all.extend(
        [20.0, 30.0, 45.0, 180.0]
            .map(|speed| (format!("{speed:.0} degrees a second"), Manner { speed, ..USUAL })),
    );
    all.extend(
        [25.0, 30.0, 35.0, 55.0].map(|reach| (format!("by {reach:.0} degrees"), Manner { reach, ..USUAL })),
    );
    all.extend([-20.0, 15.0, 25.0, 35.0].map(|above: f64| {
        let side = if above < 0.0 { "below" } else { "above" };
        (format!("camera {:.0} degrees {side}", above.abs()), Manner { above, ..USUAL })
    }));
    all.extend([0.03, 0.04, 0.06].map(|noise| (format!("noise {noise:.2}"), Manner { noise, ..USUAL })));
    all.extend(
        [800, 1500]
            .map(|ms| (format!("{ms} ms to react"), Manner { reaction: Duration::from_millis(ms), ..USUAL })),
    );
    all.extend([5.0, 8.0, 30.0].map(|fps| (format!("{fps:.0} frames a second"), Manner { fps, ..USUAL })));
    let slow = Manner {
        speed: 45.0,
        reach: 35.0,
        above: 25.0,
        noise: 0.03,
        reaction: Duration::from_millis(800),
        ..USUAL
    };
    all.push(("45 degrees a second, by 35, camera 25 above, noise 0.03, 800 ms".to_owned(), slow));
    all
}

/// Challenges of so many heads, drawn from `seed`.
pub fn ends(manner: &Manner, heads: usize, seed: u64) -> Ends {
    let mut ends = Ends { heads, ..Ends::default() };
    for head in 0..heads as u64 {
        let mut random = SplitMix64((seed + head).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let head = Head::draw(&mut random);
        match challenge(manner, &head, &mut random) {
            Some((Presentation::Live(_), took)) => {
                ends.took += took;
                continue;
            }
            Some(_) => ends.refused += 1,
            None => ends.unanswered += 1,
        }
        let second = challenge(manner, &head, &mut random);
        ends.turned_away += usize::from(!matches!(second, Some((Presentation::Live(_), _))));
    }
    ends
}

/// One challenge: how it ended, and when. `None` without an answer.
fn challenge(manner: &Manner, head: &Head, random: &mut SplitMix64) -> Option<(Presentation, Duration)> {
    let bits = (random.uniform() * 2_f64.powi(53)) as u64;
    let mut challenge = Challenge::new(bits, BootTime::default());
    let step = Duration::from_secs_f64(1.0 / manner.fps);
    let (mut yaw, mut told, mut since) = (0.0_f64, Need::LookStraight, Duration::ZERO);
    let (mut goal, mut side, mut now) = (0.0, 0.0, Duration::ZERO);
    while now < LONGEST {
        now += step;
        let at = BootTime(now);
        let need = match challenge.judge(at) {
            Presentation::MoreNeeded(_) if challenge.is_unanswered(at) => return None,
            Presentation::MoreNeeded(need) => need,
            end => return Some((end, now)),
        };
        if need != told {
            (told, since) = (need, now);
        }
        let is_ready = now >= since + manner.reaction;
        if is_ready {
            (goal, side) = match told {
                Need::TurnLeft => (manner.reach, 1.0),
                Need::TurnRight => (-manner.reach, -1.0),
                Need::TurnFarther => (side * (manner.reach + FARTHER), side),
                Need::LookStraight | Need::Frames | Need::Infrared | Need::Colour => (0.0, side),
            };
        }
        // Whoever is told to turn farther does not stop to listen.
        if is_ready || told == Need::TurnFarther {
            let most = manner.speed / manner.fps;
            yaw += (goal - yaw).clamp(-most, most);
        }
        let face = head.seen(yaw, manner, random);
        // Taken a moment after the question, as a frame is that the camera gives next.
        challenge.see(BootTime(now + Duration::from_millis(1)), &face, SIZE);
    }
    None
}

/// Five points in eye distances: right, down, away from the camera; and how far off the head is.
struct Head {
    points: [[f64; 3]; 5],
    distance: f64,
}

impl Head {
    /// The depth of its nose is within what was measured of people (0.26 to 0.63, `detect/attack/turn.rs`).
    fn draw(random: &mut SplitMix64) -> Self {
        let mut within = |from: f64, to: f64| from + (to - from) * random.uniform();
        let (depth, nose, mouth, half) =
            (within(0.26, 0.63), within(0.5, 0.7), within(1.0, 1.25), within(0.34, 0.45));
        let points = [
            [-0.5, 0.0, 0.0],
            [0.5, 0.0, 0.0],
            [within(-0.03, 0.03), nose, -depth],
            [-half, mouth, 0.0],
            [half, mouth, 0.0],
        ];
        Self { points, distance: within(6.0, 16.0) }
    }

    fn seen(&self, yaw: f64, manner: &Manner, random: &mut SplitMix64) -> Face {
        let ((sy, cy), (sp, cp)) = (yaw.to_radians().sin_cos(), manner.above.to_radians().sin_cos());
        let landmarks = self.points.map(|[x, y, z]| {
            // Turned to the person's left, a face looks to the right of the picture.
            let (x, z) = (x * cy - z * sy, x * sy + z * cy);
            let (y, z) = (y * cp - z * sp, y * sp + z * cp);
            let scale = EYES * self.distance / (self.distance + z);
            let noise = EYES * manner.noise;
            Point {
                x: (320.0 + scale * x + noise * normal(random)) as f32,
                y: (200.0 + scale * y + noise * normal(random)) as f32,
            }
        });
        Face { bbox: Bbox { x: 230.0, y: 120.0, w: 180.0, h: 240.0 }, landmarks, confidence: 0.9 }
    }
}

/// Of mean 0 and spread 1 (Box and Muller).
fn normal(random: &mut SplitMix64) -> f64 {
    let radius = (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.uniform()).cos()
}

/// As a Markdown table.
pub fn markdown(rows: &[(String, Ends)]) -> String {
    let mut text =
        "| heads that turn | challenges | refused | no answer | seconds in the mean | after a second try |\n\
                    | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for (name, ends) in rows {
        let share = |part: usize| 100.0 * part as f64 / ends.heads.max(1) as f64;
        let passed = ends.heads - ends.refused - ends.unanswered;
        let took = ends.took.as_secs_f64() / passed.max(1) as f64;
        text.push_str(&format!(
            "| {name} | {} | {} ({:.1} %) | {} ({:.1} %) | {took:.1} | {} ({:.1} %) |\n",
            ends.heads,
            ends.refused,
            share(ends.refused),
            ends.unanswered,
            share(ends.unanswered),
            ends.turned_away,
            share(ends.turned_away),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_that_turn_as_usual_pass_and_those_that_hardly_turn_do_not() {
        let usual = ends(&USUAL, 40, 5);
        assert!(usual.refused + usual.unanswered <= 4, "{usual:?}");
        assert!(usual.turned_away < usual.refused + usual.unanswered, "a second try helps: {usual:?}");
        let timid = ends(&Manner { reach: 3.0, ..USUAL }, 40, 5);
        assert_eq!((timid.refused + timid.unanswered, timid.turned_away), (40, 40), "{timid:?}");
        assert_eq!(usual, ends(&USUAL, 40, 5), "the same seed, the same heads");
    }
}
