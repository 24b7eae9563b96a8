//! A hand that holds the object: fingers as rounded strokes, a thumb before it and the rest behind.

use crate::object::Object;
use crate::random::Random;

/// One hand.
pub(crate) struct Hand {
    /// Red, green and blue of the skin.
    skin: [f32; 3],
    before: Vec<Stroke>,
    behind: Vec<Stroke>,
}

/// A thick line with round ends, in metres on the object.
struct Stroke {
    from: (f32, f32),
    to: (f32, f32),
    radius: f32,
}

/// What of a hand is seen at a place.
pub(crate) struct Seen {
    /// How far inside its outline, in metres; negative outside.
    pub(crate) inside: f32,
    /// How much light its roundness leaves, `0..=1`.
    pub(crate) shade: f32,
}

const NOTHING: Seen = Seen { inside: f32::NEG_INFINITY, shade: 1.0 };

impl Hand {
    /// Holds the left or right edge of the object, or its lower one.
    pub(crate) fn new(object: &Object, random: &mut Random) -> Self {
        let side = random.sign();
        let low = random.chance(0.4);
        // Out of the object, and along its edge.
        let (out, along) = if low { ((0.0, 1.0), (side, 0.0)) } else { ((side, 0.0), (0.0, 1.0)) };
        let hold = if low {
            (-side * random.within(0.3, 0.45) * object.width, object.height / 2.0)
        } else {
            (side * object.width / 2.0, random.within(0.0, 0.35) * object.height)
        };
        let at = |outward: f32, onward: f32| {
            (hold.0 + outward * out.0 + onward * along.0, hold.1 + outward * out.1 + onward * along.1)
        };
        let size = random.within(0.85, 1.15);
        let stroke =
            |from: (f32, f32), to: (f32, f32), radius: f32| Stroke { from, to, radius: size * radius };
        let reach = random.within(0.014, 0.03);
        let thumb = stroke(at(0.03, 0.02), at(-reach, random.within(-0.02, 0.005)), 0.0095);
        let finger =
            |i: i32| stroke(at(-0.03, 0.019 * i as f32 - 0.03), at(0.012, 0.019 * i as f32 - 0.03), 0.0085);
        let mut behind: Vec<Stroke> = (0..4).map(finger).collect();
        behind.push(stroke(at(0.035, 0.0), at(0.045, 0.055), 0.03));
        let arm = at(0.05, 0.05);
        behind.push(stroke(arm, (arm.0 + 0.1 * out.0, arm.1 + 0.4), 0.033));
        let tone = random.within(0.0, 1.0);
        let skin =
            [(0.62, 0.13), (0.36, 0.06), (0.26, 0.035)].map(|(light, dark)| light + tone * (dark - light));
        Self { skin, before: vec![thumb], behind }
    }

    pub(crate) fn skin(&self, colour: usize) -> f32 {
        self.skin[colour]
    }

    /// What lies before the object.
    pub(crate) fn before(&self, u: f32, v: f32) -> Seen {
        seen(&self.before, u, v)
    }

    /// What lies behind it.
    pub(crate) fn behind(&self, u: f32, v: f32) -> Seen {
        seen(&self.behind, u, v)
    }
}

/// The nearest of the strokes.
fn seen(strokes: &[Stroke], u: f32, v: f32) -> Seen {
    strokes
        .iter()
        .map(|stroke| stroke.seen(u, v))
        .fold(NOTHING, |best, next| if next.inside > best.inside { next } else { best })
}

impl Stroke {
    fn seen(&self, u: f32, v: f32) -> Seen {
        let (x, y) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let (dx, dy) = (u - self.from.0, v - self.from.1);
        let share = ((dx * x + dy * y) / (x * x + y * y)).clamp(0.0, 1.0);
        let distance = (dx - share * x).hypot(dy - share * y);
        let round = (1.0 - (distance / self.radius).powi(2)).max(0.0).sqrt();
        Seen { inside: self.radius - distance, shade: 0.5 + 0.5 * round }
    }
}
