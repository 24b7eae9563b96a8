//! How the object moves: what the hand does on purpose, and its tremor.

use std::f32::consts::{PI, TAU};

use crate::plane::Pose;
use crate::random::Random;

/// What is done with the object on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// It is held still.
    Still,
    /// It is moved from side to side.
    Swaying,
    /// It is tilted to a side and back, as if the head turned.
    Tilting,
    /// It is bent about its vertical and flattened again, as if the head turned.
    Bending,
}

impl Motion {
    /// All of them, by the names that the command knows.
    pub const ALL: [(&'static str, Self); 4] = [
        ("still", Self::Still),
        ("swaying", Self::Swaying),
        ("tilting", Self::Tilting),
        ("bending", Self::Bending),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, motion)| *motion == self).map_or("", |(name, _)| name)
    }
}

/// A pose for every moment.
pub(crate) struct Path {
    rest: Pose,
    motion: Motion,
    /// Oscillations of x, y, z (in metres), yaw, pitch and roll (in radians).
    tremor: [[Oscillation; 3]; 6],
    /// How far it goes on purpose: in metres, radians or 1/m, with a sign.
    reach: f32,
    /// When it begins to go, and how long that takes, in seconds.
    begin: f32,
    takes: f32,
}

#[derive(Clone, Copy)]
struct Oscillation {
    reach: f32,
    hz: f32,
    phase: f32,
}

impl Path {
    /// `width`: of the object, in metres. `held`: by a hand, which trembles.
    pub(crate) fn new(rest: Pose, motion: Motion, width: f32, held: bool, random: &mut Random) -> Self {
        let reach = random.sign()
            * match motion {
                Motion::Still => 0.0,
                Motion::Swaying => random.within(0.06, 0.14) * rest.at[2],
                Motion::Tilting => random.within(25.0, 48.0).to_radians(),
                Motion::Bending => random.within(0.7, 1.25) / (width / 2.0),
            };
        let amount = if held { random.within(0.6, 1.5) } else { 0.0 };
        // A hand: slow sway, corrections, and the physiological tremor of 8 to 12 Hz.
        let bands = [(0.2, 0.6, 1.0), (1.0, 3.0, 0.25), (8.0, 12.0, 0.05)];
        let tremor = [0.004, 0.004, 0.005, 0.02, 0.02, 0.012].map(|largest| {
            bands.map(|(low, high, share)| Oscillation {
                reach: amount * largest * share * random.within(0.5, 1.0),
                hz: random.within(low, high),
                phase: random.within(0.0, TAU),
            })
        });
        Self { rest, motion, tremor, reach, begin: random.within(0.4, 0.9), takes: random.within(0.5, 0.9) }
    }

    /// The pose at this time, in seconds.
    pub(crate) fn at(&self, time: f32) -> Pose {
        let mut pose = self.rest;
        let [x, y, z, yaw, pitch, roll] = self
            .tremor
            .map(|of| of.iter().map(|o| o.reach * (TAU * o.hz * time + o.phase).sin()).sum::<f32>());
        pose.at = [pose.at[0] + x, pose.at[1] + y, pose.at[2] + z];
        (pose.yaw, pose.pitch, pose.roll) = (pose.yaw + yaw, pose.pitch + pitch, pose.roll + roll);
        match self.motion {
            Motion::Still => {}
            Motion::Swaying => {
                let wave = (PI * (time - self.begin) / self.takes).sin();
                pose.at[0] += self.reach * wave;
                pose.yaw += 0.12 * wave;
            }
            Motion::Tilting => pose.yaw += self.reach * self.there_and_back(time),
            Motion::Bending => pose.bend += self.reach * self.there_and_back(time),
        }
        pose
    }

    /// From 0 to 1, a rest, and back to 0; then again.
    fn there_and_back(&self, time: f32) -> f32 {
        let cycle = self.begin + 2.5 * self.takes;
        let within = time.rem_euclid(cycle) - self.begin;
        let share = if within < self.takes { within / self.takes } else { 2.5 - within / self.takes };
        (1.0 - (PI * share.clamp(0.0, 1.0)).cos()) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Pose = Pose { at: [0.0, 0.0, 0.4], yaw: 0.0, pitch: 0.0, roll: 0.0, bend: 0.0, axis: 0.0 };

    fn poses(motion: Motion, held: bool) -> Vec<Pose> {
        let path = Path::new(REST, motion, 0.2, held, &mut Random::new(5, 0));
        (0..90).map(|i| path.at(i as f32 / 30.0)).collect()
    }

    fn most(poses: &[Pose], of: impl Fn(&Pose) -> f32) -> f32 {
        poses.iter().map(|pose| of(pose).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn what_stands_is_still_and_what_is_held_trembles() {
        assert_eq!(poses(Motion::Still, false), [REST; 90]);
        let held = poses(Motion::Still, true);
        assert!((0.001..0.02).contains(&most(&held, |pose| pose.at[0])));
        assert!((0.2..6.0).contains(&most(&held, |pose| pose.yaw).to_degrees()));
    }

    #[test]
    fn each_motion_goes_there_and_comes_back() {
        let tilting = poses(Motion::Tilting, false);
        assert!((24.0..49.0).contains(&most(&tilting, |pose| pose.yaw).to_degrees()));
        assert!(tilting.iter().rev().take(45).any(|pose| pose.yaw.abs() < 0.1), "back");
        assert!((6.0..13.0).contains(&most(&poses(Motion::Bending, false), |pose| pose.bend)));
        assert!((0.02..0.06).contains(&most(&poses(Motion::Swaying, false), |pose| pose.at[0])));
    }
}
