//! How long a door takes from the first usable frame to the strike, on a clock of the test.

use super::*;

/// Between two frames, in milliseconds.
const FRAME: u64 = 66;

/// What a look takes at most, and how many usable frames it needs.
const LOOK: u64 = 3000;
const FRAMES: u64 = 2;

/// How often the daemon looks for something that moves while it is not asked to look.
const WATCH: u64 = 200;

/// When somebody appears.
const APPEARS: u64 = 1000;

/// A daemon before whose camera somebody appears, who can be judged some time later.
struct Camera {
    usable: u64,
    look_began: Option<u64>,
    good_frames: u64,
}

impl Camera {
    /// What the door hears in this millisecond.
    fn says(&mut self, ms: u64) -> Vec<Message> {
        let is_usable = ms >= self.usable;
        let Some(began) = self.look_began else {
            let moves = ms >= APPEARS && ms.is_multiple_of(WATCH);
            return moves.then_some(Message::Sight { door: 0 }).into_iter().collect();
        };
        self.good_frames += u64::from(is_usable && ms.is_multiple_of(FRAME));
        if self.good_frames < FRAMES && ms < began + LOOK {
            return Vec::new();
        }
        self.look_began = None;
        let outcome = if self.good_frames < FRAMES { Outcome::TooFar } else { Outcome::Match };
        let mut messages = vec![Message::Looked { door: 0, ended: Ok(outcome) }];
        if outcome == Outcome::Match {
            let (kind, verdict, user) = (EventKind::Identify, Some(outcome), Some("alice".into()));
            let event = Event { kind, verdict, user, door: Some("front".into()), ..Event::default() };
            messages.insert(0, Message::Event(event));
        }
        messages
    }
}

/// The millisecond in which the strike's line is ordered to go active.
fn opens(doors: &mut Doors, camera: &mut Camera) -> u64 {
    for ms in APPEARS..20_000 {
        let mut orders = doors.0.tick(at(ms));
        for message in camera.says(ms) {
            orders.extend(doors.0.handle(message, at(ms), Duration::ZERO));
        }
        if orders.contains(&Order::Look(0)) {
            (camera.look_began, camera.good_frames) = (Some(ms), 0);
        }
        if !opened(&orders).is_empty() {
            return ms;
        }
    }
    panic!("it stayed closed")
}

#[test]
fn from_the_first_usable_frame_to_the_line_it_takes_three_frames_and_150_ms_at_most() {
    let mut longest = 0;
    // In sight for some time before, as somebody who comes nearer is; also as long as a look takes.
    for usable in (APPEARS..APPEARS + LOOK + 500).step_by(37) {
        let mut camera = Camera { usable, look_began: None, good_frames: 0 };
        let took = opens(&mut Doors::new(false), &mut camera) - usable.next_multiple_of(FRAME);
        // Where nothing looked yet, the daemon must see it first.
        let unseen = if usable < APPEARS + WATCH { WATCH } else { 0 };
        assert!(took <= 3 * FRAME + 150 + unseen, "usable from {usable} ms on: {took} ms");
        longest = longest.max(took);
    }
    assert!(longest > FRAMES * FRAME, "no look ended at the wrong moment: {longest} ms");
}
