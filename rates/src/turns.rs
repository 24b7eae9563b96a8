//! Heads that turn, and pictures that are turned instead: which of them the challenge takes for an answer.
//!
//! A turn is a straight face and what came after, played to a [`Challenge`] of one question as if it had been asked for just
//! then, to either side. Live turns are cut from clips; pictures of people are put on a [`sheet`], bent, and turned from 15 to 55
//! degrees.

pub mod heads;
pub mod sheet;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use facelatch::camera::Frame;
use facelatch::clock::BootTime;
use facelatch::detect::attack::challenge::Challenge;
use facelatch::detect::attack::track::{Seen, Track};
use facelatch::detect::attack::turn::View;
use facelatch::detect::attack::{Need, Presentation};
use facelatch::detect::{Detector, Face, geometry};
use facelatch::head::project::SplitMix64;

use super::bound::clopper_pearson_upper;
use super::{RatesError, cores, picture};
use sheet::{Bend, Hold, Sheet};

/// From the question to the first frame that is played.
const REACTION: Duration = Duration::from_millis(300);

/// Between two frames of a picture that is turned.
const STEP: Duration = Duration::from_millis(66);

/// The nose of a straight face is at most this far from the middle of the eyes, in eye distances.
const STRAIGHT: f32 = 0.15;

/// A turn is cut from a clip where the parallax of the nose gets beyond this, within so many seconds of a straight face, and
/// lasts until it is below, but no longer than so many seconds.
const TURNED: f64 = 0.12;
const SLOWEST_S: f64 = 1.0;
const LONGEST_S: f64 = 1.5;

/// A straight face and the frames after it.
pub struct Turn {
    straight: [Face; 3],
    after: Vec<(Duration, Face)>,
    size: (u32, u32),
}

/// Turns of one kind, and how many of them were taken for answers of a head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Turns.
    pub turns: usize,
    /// Taken for a head.
    pub heads: usize,
    /// People, or clips.
    pub people: usize,
    /// Of them, those with a turn taken for a head.
    pub people_heads: usize,
}

/// Kinds of turns, by name.
pub type Table = BTreeMap<String, Row>;

impl Turn {
    /// Whether the challenge takes it for the answer, when its side is asked for.
    pub fn is_answer(&self) -> bool {
        let mut asked = Vec::new();
        for seed in 0..64 {
            let mut challenge = Challenge::new(seed, BootTime::default()).with_questions(1);
            let mut now = BootTime::default();
            for face in &self.straight {
                now = now.after(STEP);
                challenge.see(now, face, self.size);
            }
            // By then the question has come.
            now = now.after(Duration::from_secs(2));
            let Presentation::MoreNeeded(need @ (Need::TurnLeft | Need::TurnRight)) = challenge.judge(now)
            else {
                return false;
            };
            if asked.contains(&need) {
                continue;
            }
            asked.push(need);
            for (after, face) in &self.after {
                let at = now.after(REACTION + *after);
                challenge.see(at, face, self.size);
                if let Presentation::Live(_) = challenge.judge(at) {
                    return true;
                }
            }
            if asked.len() == 2 {
                break;
            }
        }
        false
    }

    /// The largest parallax of the nose, in eye distances.
    fn parallax(&self) -> f64 {
        let views =
            self.after.iter().filter_map(|(_, face)| View::between(&self.straight[2].landmarks, face));
        views.map(|view| view.parallax.x.abs()).fold(0.0, f64::max)
    }
}

impl Row {
    fn add(&mut self, turns: &[bool]) {
        let heads = turns.iter().filter(|head| **head).count();
        self.turns += turns.len();
        self.heads += heads;
        self.people += usize::from(!turns.is_empty());
        self.people_heads += usize::from(heads > 0);
    }
}

/// Pictures of people on sheets, by how the sheet is bent. `folders` holds a folder for each person; of each, the first picture
/// is taken.
///
/// # Errors
/// [`RatesError`]: a folder that cannot be read, a network that fails.
pub fn sheets(detector: &Detector, folders: &[PathBuf], seed: u64) -> Result<Table, RatesError> {
    let mut table = Table::new();
    let jobs = folders.iter().zip(seed..);
    cores::each(
        jobs,
        |(folder, seed)| of_person(detector, folder, seed),
        |found| {
            for (kind, turns) in found? {
                table.entry(kind).or_default().add(&turns);
            }
            Ok(())
        },
    )?;
    Ok(table)
}

/// Turns of one person's picture, by kind.
fn of_person(detector: &Detector, folder: &Path, seed: u64) -> Result<Vec<(String, Vec<bool>)>, RatesError> {
    let Some(frame) =
        pictures(folder)?.first().and_then(|path| picture::frame(&picture::read(path).ok()?).ok())
    else {
        return Ok(Vec::new());
    };
    let Some(face) = detector.detect(&frame)?.first().copied() else { return Ok(Vec::new()) };
    if geometry::yaw(&face) > STRAIGHT {
        return Ok(Vec::new());
    }
    let [left, right, _, mouth_left, mouth_right] = face.landmarks.map(|p| (f64::from(p.x), f64::from(p.y)));
    let mean =
        |k: fn(&(f64, f64)) -> f64| [left, right, mouth_left, mouth_right].iter().map(k).sum::<f64>() / 4.0;
    let eyes = f64::from(geometry::eye_distance(&face));
    let sheet = Sheet { picture: &frame, centre: (mean(|p| p.0), mean(|p| p.1)), eyes };
    let mut random = SplitMix64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut found = Vec::new();
    for (kind, bend) in kinds() {
        let mut turns = Vec::new();
        for side in [-1.0, 1.0] {
            turns.extend(turned(detector, &sheet, bend, side, &mut random)?.map(|turn| turn.is_answer()));
        }
        found.push((kind, turns));
    }
    Ok(found)
}

fn kinds() -> Vec<(String, Bend)> {
    let mut kinds = vec![("flat".to_owned(), Bend::Flat)];
    for radius in [6.0, 4.0, 3.0, 2.0, 1.5, 1.0] {
        kinds.push((format!("bent upright, radius {radius:.1}"), Bend::Upright(radius)));
    }
    kinds.extend([2.0, 1.0].map(|radius| (format!("bent lying, radius {radius:.1}"), Bend::Lying(radius))));
    kinds.extend([0.2, 0.4].map(|depth| (format!("waved, depth {depth:.1}"), Bend::Waves(depth))));
    kinds.extend([20.0, 40.0].map(|angle| (format!("folded by {angle:.0} degrees"), Bend::Folded(angle))));
    kinds
}

/// The sheet straight, then turned. `None` where no face is found in it when it is straight.
fn turned(
    detector: &Detector,
    sheet: &Sheet<'_>,
    bend: Bend,
    side: f64,
    random: &mut SplitMix64,
) -> Result<Option<Turn>, RatesError> {
    let mut within = |from: f64, to: f64| from + (to - from) * random.uniform();
    let held = Hold {
        yaw: 0.0,
        pitch: within(-0.2, 0.2),
        roll: within(-0.1, 0.1),
        distance: within(5.0, 13.0),
        pixels: within(40.0, 75.0),
    };
    let look = |degrees: f64| -> Result<Option<Face>, RatesError> {
        let hold = Hold { yaw: (side * degrees).to_radians(), ..held };
        let frame = sheet.seen(bend, &hold).map_err(|e| RatesError::Asked(e.to_string()))?;
        Ok(detector.detect(&frame)?.first().copied())
    };
    let straight = [look(-1.0)?, look(0.0)?, look(1.0)?];
    let [Some(a), Some(b), Some(c)] = straight else { return Ok(None) };
    let mut after = Vec::new();
    for degrees in (15..=55).step_by(5) {
        // Held still for two frames at each angle.
        if let Some(face) = look(f64::from(degrees))? {
            after.extend([0, 1].map(|n| (STEP * (after.len() as u32 + n), face)));
        }
    }
    Ok(Some(Turn { straight: [a, b, c], after, size: (480, 480) }))
}

/// Turns in live clips, by the largest parallax of the nose. A clip is a folder of pictures and a file `fps`.
///
/// # Errors
/// [`RatesError`]: a folder that cannot be read, a network that fails.
pub fn live(detector: &Detector, clips: &[PathBuf]) -> Result<Table, RatesError> {
    let mut table = Table::new();
    cores::each(
        clips.iter(),
        |clip| turns(detector, clip),
        |found| {
            let mut kinds: BTreeMap<String, Vec<bool>> = BTreeMap::new();
            for turn in found? {
                let bins = [
                    (0.2, "0.12 to 0.20"),
                    (0.25, "0.20 to 0.25"),
                    (0.35, "0.25 to 0.35"),
                    (0.5, "0.35 to 0.50"),
                ];
                let parallax = turn.parallax();
                let name = bins
                    .iter()
                    .find(|(limit, _)| parallax < *limit)
                    .map_or("0.50 and more", |(_, name)| name);
                kinds.entry(format!("live, parallax {name}")).or_default().push(turn.is_answer());
            }
            for (kind, turns) in kinds {
                table.entry(kind).or_default().add(&turns);
            }
            Ok(())
        },
    )?;
    Ok(table)
}

/// The turns of one clip: three straight frames, then the nose leaves the plane.
fn turns(detector: &Detector, clip: &Path) -> Result<Vec<Turn>, RatesError> {
    let fps = std::fs::read_to_string(clip.join("fps")).map_err(RatesError::file(clip))?;
    let fps: f64 = fps.trim().parse().map_err(|_| RatesError::data(clip, "fps is no number"))?;
    let (mut track, mut faces, mut size) = (Track::default(), Vec::new(), (0, 0));
    for (path, n) in pictures(clip)?.iter().zip(1_u32..) {
        let Ok(picture) = picture::read(path) else { continue };
        let (width, height) = picture.dimensions();
        let at = Duration::from_secs_f64(f64::from(n) / fps);
        let Ok(frame) = Frame::new(width, height, picture.into_raw(), BootTime(at)) else { continue };
        size = (width, height);
        match track.see(&frame, &detector.detect(&frame)?) {
            Seen::Face(face) => faces.push(Some((at, face))),
            Seen::Nothing => {}
            Seen::Lost(_) => faces.push(None),
        }
    }
    let tracks =
        faces.split(Option::is_none).map(|track| track.iter().flatten().copied().collect::<Vec<_>>());
    Ok(tracks.flat_map(|track| cut(&track, size)).collect())
}

fn cut(track: &[(Duration, Face)], size: (u32, u32)) -> Vec<Turn> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some([a, b, c]) = track.get(from..from + 3) {
        let straight = [a.1, b.1, c.1];
        let beyond = |face: &Face| {
            View::between(&c.1.landmarks, face).is_some_and(|view| view.parallax.x.abs() >= TURNED)
        };
        let since = |at: Duration| (at - c.0).as_secs_f64();
        let rest = &track[from + 3..];
        let start =
            rest.iter().take_while(|(at, _)| since(*at) < SLOWEST_S).position(|(_, face)| beyond(face));
        let Some(start) = start.filter(|_| straight.iter().all(|face| geometry::yaw(face) <= STRAIGHT))
        else {
            from += 1;
            continue;
        };
        let turn = |(n, (at, face)): &(usize, &(Duration, Face))| {
            *n < start || beyond(face) && since(*at) < SLOWEST_S + LONGEST_S
        };
        let after: Vec<_> =
            rest.iter().enumerate().take_while(turn).map(|(_, (at, face))| (*at - c.0, *face)).collect();
        from += 3 + after.len();
        found.push(Turn { straight, after, size });
    }
    found
}

/// The pictures in a folder, in the order of their names.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>, RatesError> {
    let entries = std::fs::read_dir(folder).map_err(RatesError::file(folder))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| {
        path.extension().is_some_and(|e| ["jpg", "jpeg", "png", "pgm", "gif"].iter().any(|k| e == *k))
    });
    paths.sort();
    Ok(paths)
}

/// As a Markdown table, with upper bounds at 95 %.
pub fn markdown(table: &Table) -> String {
    let mut text =
        "| turns of | people or clips | turns | taken for a head | people or clips with one (95 % bound) |\n\
                    | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for (kind, row) in table {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        text.push_str(&format!(
            "| {kind} | {} | {} | {} ({:.1} %) | {:.1} % ({:.1} %) |\n",
            row.people,
            row.turns,
            row.heads,
            share(row.heads, row.turns),
            share(row.people_heads, row.people),
            100.0 * clopper_pearson_upper(row.people_heads, row.people, 0.95),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use facelatch::detect::{Bbox, Point};

    /// A face whose nose is this far to the right of the middle, in pixels; its eyes are 60 apart.
    fn face(nose: f32) -> Face {
        let point = |x, y| Point { x, y };
        let landmarks = [
            point(290.0, 200.0),
            point(350.0, 200.0),
            point(320.0 + nose, 236.0),
            point(296.0, 269.0),
            point(344.0, 269.0),
        ];
        Face { bbox: Bbox { x: 230.0, y: 120.0, w: 180.0, h: 240.0 }, landmarks, confidence: 0.9 }
    }

    #[test]
    fn turns_are_cut_between_straight_faces() {
        let noses = [0.0, 0.0, 0.0, 0.0, 4.0, 12.0, 20.0, 20.0, 12.0, 3.0, 0.0, 0.0, 0.0, -9.0, -20.0, -1.0];
        let track: Vec<_> = (0_u32..).zip(noses).map(|(n, nose)| (STEP * n, face(nose))).collect();
        let turns = cut(&track, (640, 480));
        let largest: Vec<f64> = turns.iter().map(Turn::parallax).collect();
        assert_eq!(largest.len(), 2, "{largest:?}");
        for found in largest {
            assert!((found - 20.0 / 60.0).abs() < 0.01, "{found}");
        }
    }

    #[test]
    fn a_nose_that_moves_as_that_of_a_head_answers_and_a_still_one_does_not() {
        let turn = |nose: f32| Turn {
            straight: [face(0.0); 3],
            after: (0..8).map(|n| (STEP * n, face(nose))).collect(),
            size: (640, 480),
        };
        assert!(turn(22.0).is_answer() && turn(-22.0).is_answer());
        assert!(!turn(3.0).is_answer());
    }

    #[test]
    fn rows_count_turns_and_people() {
        let mut row = Row::default();
        row.add(&[true, false]);
        row.add(&[]);
        row.add(&[false, false]);
        assert_eq!(row, Row { turns: 4, heads: 1, people: 2, people_heads: 1 });
        let table = markdown(&Table::from([("flat".to_owned(), row)]));
        assert!(table.ends_with("| flat | 2 | 4 | 1 (25.0 %) | 50.0 % (97.5 %) |\n"), "{table}");
    }
}
