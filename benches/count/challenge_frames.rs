//! One tracked face in a challenge, frame after frame, to count what a frame costs:
//! `valgrind --tool=callgrind target/release/examples/challenge_frames N` with two N; the difference is that of the frames.

use std::time::Duration;

use facelatch::camera::Frame;
use facelatch::clock::BootTime;
use facelatch::detect::attack::challenge::Challenge;
use facelatch::detect::attack::track::{Seen, Track};
use facelatch::detect::{Bbox, Face, Point};

fn main() {
    let frames: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let (mut track, mut challenge) =
        (Track::default(), Challenge::new(1, BootTime::default()).with_questions(9));
    let mut seen = 0_u64;
    for n in 1..=frames {
        let at = BootTime(Duration::from_millis(66 * n));
        // A head that turns slowly to one side, so that each frame but the first ones is evidence.
        let nose = if n < 5 { 0.0 } else { 9.0 };
        let point = |x, y| Point { x, y };
        let landmarks = [
            point(290.0, 200.0),
            point(350.0, 200.0),
            point(320.0 + nose, 236.0),
            point(296.0, 269.0),
            point(344.0, 269.0),
        ];
        let bbox = Bbox { x: 230.0, y: 120.0, w: 180.0, h: 240.0 };
        let face = Face { bbox, landmarks, confidence: 0.9 };
        let Ok(frame) = Frame::new(640, 480, vec![(n % 251) as u8; 640 * 480 * 3], at) else { return };
        if let Seen::Face(face) = track.see(&frame, &[face]) {
            challenge.see(at, &face, (640, 480));
            seen += 1;
        }
        std::hint::black_box(challenge.judge(at));
    }
    std::hint::black_box(seen);
}
