//! What a door's camera sees: who comes, how, and when. Ten frames a second of 640x480 pixels.

use std::sync::{Arc, OnceLock};

use facelatch_lab::{Motion, Picture, Shot, Species};

use super::canvas::{Canvas, Cutout};

/// Frames a second.
pub const FPS: f32 = 10.0;

/// Width and height.
pub const SIZE: (u32, u32) = (640, 480);

/// A picture is shown for so many frames: a head moves.
const EACH: usize = 4;

/// The room is empty for so long at first, in seconds.
const EMPTY: f32 = 1.5;

/// Who comes, and what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Somebody enrolled comes up to the door, stands there, and goes.
    WalkUp,
    /// The same by somebody who is not enrolled.
    Stranger,
    /// Somebody enrolled passes close by, in less than a second.
    Hurries,
    /// Somebody enrolled passes and looks elsewhere.
    LooksAway,
    /// Somebody enrolled passes far away.
    FarAway,
    /// Somebody enrolled comes with a stranger beside them.
    Two,
    /// A poster with the face of somebody enrolled is carried before the camera.
    OwnPoster,
    /// A poster with a stranger's face is.
    Poster,
}

impl Kind {
    /// All, with their names in the table.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::WalkUp, "somebody enrolled walks up"),
        (Self::Stranger, "a stranger walks up"),
        (Self::Hurries, "somebody enrolled passes in less than a second"),
        (Self::LooksAway, "somebody enrolled passes, their head turned"),
        (Self::FarAway, "somebody enrolled passes far away"),
        (Self::Two, "somebody enrolled beside a stranger"),
        (Self::OwnPoster, "a poster of somebody enrolled"),
        (Self::Poster, "a poster of a stranger"),
    ];

    /// Length of the film in frames.
    pub fn frames(self) -> usize {
        let seconds = match self {
            Self::WalkUp | Self::Stranger | Self::Two => 10.5,
            Self::Hurries => 3.5,
            Self::LooksAway => 5.0,
            Self::FarAway => 6.0,
            Self::OwnPoster | Self::Poster => 6.5,
        };
        (seconds * FPS) as usize
    }
}

/// A film. Without `Debug`: it shows people.
pub struct Film {
    kind: Kind,
    room: Arc<Picture>,
    seed: u64,
    people: Vec<Person>,
    /// The frames of a poster, drawn at the first.
    drawn: OnceLock<Result<Vec<Picture>, String>>,
}

struct Person {
    cutouts: Vec<Cutout>,
    clothes: [u8; 3],
}

impl Film {
    /// Of these people, whose pictures are shown in turn: two for [`Kind::Two`], otherwise one.
    pub fn new(kind: Kind, room: Arc<Picture>, seed: u64, people: Vec<Vec<Cutout>>) -> Self {
        let mut random = facelatch::head::project::SplitMix64(seed);
        let dressed = |cutouts| Person { cutouts, clothes: [0; 3].map(|_| 20 + random.below(140) as u8) };
        Self { kind, room, seed, people: people.into_iter().map(dressed).collect(), drawn: OnceLock::new() }
    }

    /// Which.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The pixels of a frame.
    ///
    /// # Errors
    /// A text where a picture cannot be drawn.
    pub fn frame(&self, index: usize) -> Result<Vec<u8>, String> {
        let time = index as f32 / FPS;
        let noise = self.seed.wrapping_mul(1000).wrapping_add(index as u64);
        let canvas = match self.kind {
            Kind::OwnPoster | Kind::Poster if time >= EMPTY => return self.poster(index),
            // The shutter is open for a thirtieth of a second.
            Kind::Hurries => {
                let open = (0..6).map(|n| self.seen(index, time + n as f32 / 180.0));
                let open: Vec<Canvas> = open.collect::<Result<_, _>>()?;
                Canvas::mean(&open).ok_or("no time passes")?
            }
            _ => self.seen(index, time)?,
        };
        Ok(canvas.developed(noise))
    }

    fn seen(&self, index: usize, time: f32) -> Result<Canvas, String> {
        let mut canvas = Canvas::of(&self.room);
        for (number, person) in self.people.iter().enumerate() {
            if let Some((at, wide)) = place(self.kind, number, time - EMPTY)
                && let Some(cutout) = person.cutouts.get(index / EACH % person.cutouts.len().max(1))
            {
                canvas.person(cutout, at, wide, person.clothes)?;
            }
        }
        Ok(canvas)
    }

    fn poster(&self, index: usize) -> Result<Vec<u8>, String> {
        let drawn = self.drawn.get_or_init(|| self.posters()).as_ref().map_err(Clone::clone)?;
        let frame = index.checked_sub((EMPTY * FPS) as usize).and_then(|at| drawn.get(at));
        Ok(frame.ok_or("the film has ended")?.rgb().to_vec())
    }

    /// The first picture of the first person as a print, held in a hand.
    fn posters(&self) -> Result<Vec<Picture>, String> {
        let shown = self.people.first().and_then(|person| person.cutouts.first()).ok_or("nobody is shown")?;
        let (width, height) = shown.picture.dimensions();
        let clip = [Picture::new(width, height, shown.picture.as_raw().clone())?];
        let mut shot = Shot::new(&clip, Species::Print, self.seed);
        (shot.motion, shot.fps, shot.size) = (Motion::Swaying, FPS, SIZE);
        shot.background = Some(&self.room);
        facelatch_lab::render(&shot, self.kind.frames() - (EMPTY * FPS) as usize)
    }
}

/// Where a face is so many seconds after the room was empty, and how wide, in pixels; `None` while nobody is in sight.
fn place(kind: Kind, number: usize, time: f32) -> Option<((f32, f32), f32)> {
    let width = SIZE.0 as f32;
    // From one side to the other.
    let passes = |wide: f32, takes: f32, y: f32| {
        let reach = 2.0 * wide;
        let x = -reach + (width + 2.0 * reach) * time / takes;
        (0.0..takes).contains(&time).then_some(((x, y), wide))
    };
    match kind {
        Kind::WalkUp | Kind::Stranger => comes(time, 200.0).map(|wide| ((sway(time) + 320.0, 230.0), wide)),
        Kind::Two => {
            let x = if number == 0 { 215.0 } else { 425.0 };
            comes(time, 120.0).map(|wide| ((sway(time) + x, 230.0), wide))
        }
        Kind::Hurries => passes(90.0, 0.9, 220.0),
        Kind::LooksAway => passes(110.0, 2.5, 230.0),
        Kind::FarAway => passes(26.0, 4.0, 250.0),
        Kind::OwnPoster | Kind::Poster => None,
    }
}

/// How wide the face of somebody is who comes in three seconds, stands for four, and goes: at last `nearest`.
fn comes(time: f32, nearest: f32) -> Option<f32> {
    const FIRST: f32 = 20.0;
    let share = match time {
        t if t < 0.0 => return None,
        t if t < 3.0 => t / 3.0,
        t if t < 7.0 => 1.0,
        t if t < 8.5 => (8.5 - t) / 1.5,
        _ => return None,
    };
    // They walk evenly, and what they measure in the picture is one by their distance.
    Some(1.0 / ((1.0 - share) / FIRST + share / nearest))
}

fn sway(time: f32) -> f32 {
    4.0 * (2.5 * time).sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_comes_stands_and_goes() {
        let wide = |time: f32| place(Kind::WalkUp, 0, time).map(|(_, wide)| wide.round());
        assert_eq!([wide(-0.1), wide(0.0), wide(5.0), wide(9.0)], [None, Some(20.0), Some(200.0), None]);
        assert!(wide(1.5).is_some_and(|wide| (30.0..45.0).contains(&wide)));
        assert!(
            place(Kind::Two, 0, 5.0)
                .zip(place(Kind::Two, 1, 5.0))
                .is_some_and(|(a, b)| b.0.0 - a.0.0 > 200.0)
        );
    }

    #[test]
    fn who_passes_is_in_sight_for_as_long_as_is_said() {
        for (kind, seconds) in [(Kind::Hurries, 0.9), (Kind::LooksAway, 2.5), (Kind::FarAway, 4.0)] {
            let seen = (0..1000).filter(|ms| place(kind, 0, *ms as f32 / 100.0).is_some()).count();
            assert!((seen as f32 / 100.0 - seconds).abs() < 0.02, "{kind:?}: {seen}");
            assert!(kind.frames() as f32 / FPS > EMPTY + seconds);
        }
    }

    #[test]
    fn frames_differ_by_noise_at_least_and_are_the_same_each_time() {
        let room = Arc::new(facelatch_lab::room(SIZE, 7).expect("a room"));
        let film = Film::new(Kind::WalkUp, room, 3, vec![vec![]]);
        let frames: Vec<Vec<u8>> = (0..2).map(|index| film.frame(index).expect("drawn")).collect();
        assert!(frames[0] != frames[1] && frames[0] == film.frame(0).expect("drawn"));
        assert_eq!(frames[0].len(), 640 * 480 * 3);
    }
}
