//! A shot before the camera, frame by frame.

use crate::attack::Attack;
use crate::camera::{Camera, Gains};
use crate::picture::{Light, Part, Picture, curve, middle_part};
use crate::plane::Pose;
use crate::random::Random;
use crate::room::{self, Lighting};
use crate::{Shot, Species};

/// What each part of the room draws its random numbers by.
const CAMERA: u64 = 1;
const LIGHTING: u64 = 2;
const ROOM: u64 = 3;
const ATTACK: u64 = 4;
const NOISE: u64 = 1000;

/// What a camera sees of a [`Shot`].
pub struct Rendering<'a> {
    shot: Shot<'a>,
    camera: Camera,
    lighting: Lighting,
    /// What stands behind the object.
    backdrop: Light,
    attack: Option<Attack>,
    gains: Gains,
}

/// What is true of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    /// When it was taken, in seconds from the first.
    pub time: f32,
    /// How the object was held; none where there is none.
    pub pose: Option<Pose>,
    /// The corners of the object, bezel or border included, in pixels of the frame: from the upper left one clockwise, as
    /// seen on the object.
    pub corners: Option<[[f32; 2]; 4]>,
}

impl<'a> Rendering<'a> {
    /// Prepares a shot.
    ///
    /// # Errors
    /// A message when the clip is empty or its frames differ in size, or a size, rate or the eyes are missing or out of
    /// range.
    pub fn new(shot: &Shot<'a>) -> Result<Self, String> {
        let first = checked(shot)?;
        let (width, height) = (shot.size.0 as usize, shot.size.1 as usize);
        let camera = Camera::new(shot.size, &mut Random::new(shot.seed, CAMERA));
        let lighting = Lighting::new(&mut Random::new(shot.seed, LIGHTING));
        let backdrop = match shot.background {
            Some(picture) => fitted(picture, &camera),
            None => room::drawn(width, height, &lighting, &mut Random::new(shot.seed, ROOM)),
        };
        // What is farther away than a door is all alike to a lens this small.
        let backdrop = backdrop.blurred(camera.blur(2.5));
        let attack = (shot.species != Species::Live)
            .then(|| Attack::new(shot, first, &camera, &mut Random::new(shot.seed, ATTACK)));
        let mut rendering = Self { shot: shot.clone(), camera, lighting, backdrop, attack, gains: [1.0; 3] };
        rendering.gains = rendering.camera.gains(mean(&rendering.sensor(0.0), shot.size.0 as usize));
        Ok(rendering)
    }

    /// The frame of this number, from 0.
    ///
    /// # Errors
    /// None that [`Rendering::new`] has not found.
    pub fn frame(&self, index: usize) -> Result<Picture, String> {
        let mut random = Random::new(self.shot.seed, NOISE + index as u64);
        self.camera.developed(self.sensor(self.time(index)), self.gains, &mut random)
    }

    /// What is true of it.
    pub fn truth(&self, index: usize) -> Truth {
        let time = self.time(index);
        let pose = self.attack.as_ref().map(|attack| attack.path.at(time));
        let corners = self.attack.as_ref().map(|attack| attack.corners(time, &self.camera));
        Truth { time, pose, corners }
    }

    /// Where a pixel of the clip's frames is seen in a frame: exact, and without rendering it. Whole numbers are the upper
    /// left corners of pixels, in both.
    pub fn place(&self, index: usize, [x, y]: [f32; 2]) -> [f32; 2] {
        match &self.attack {
            Some(attack) => attack.place(self.time(index), [x, y], &self.camera),
            None => {
                let [left, top, wide, high] = self.part();
                let (width, height) = (self.camera.width as f32, self.camera.height as f32);
                [(x - left) / wide * width, (y - top) / high * height]
            }
        }
    }

    /// Quality that a camera like this one would write a frame with as JPEG, 1 to 100.
    pub fn quality(&self) -> u8 {
        self.camera.quality
    }

    /// Width of a pixel of the screen in metres; `None` where there is no screen.
    pub fn pitch(&self) -> Option<f32> {
        self.attack.as_ref().map(|attack| attack.object.pitch).filter(|pitch| *pitch > 0.0)
    }

    fn time(&self, index: usize) -> f32 {
        index as f32 / self.shot.fps
    }

    fn part(&self) -> Part {
        let clip = &self.shot.clip[0];
        middle_part((clip.width(), clip.height()), self.camera.width as f32 / self.camera.height as f32)
    }

    /// What falls on the sensor.
    fn sensor(&self, time: f32) -> Vec<f32> {
        let width = self.camera.width;
        let shown = (time * self.shot.clip_fps) as usize % self.shot.clip.len();
        let Some(attack) = &self.attack else {
            let scene = fitted(&self.shot.clip[shown], &self.camera).blurred(self.camera.blur(0.8));
            return filtered(&scene, width);
        };
        let mut sensor = filtered(&self.backdrop, width);
        let film = self.shot.film && !self.shot.species.is_print() && shown > 0;
        let other = film.then(|| attack.texture(&self.shot.clip[shown]));
        attack.draw(&mut sensor, other.as_ref(), time, &self.camera, &self.lighting);
        sensor
    }
}

/// The room of a seed with nobody in it, as its camera sees it.
pub(crate) fn empty((width, height): (u32, u32), seed: u64) -> Result<Picture, String> {
    checked_size((width, height))?;
    let camera = Camera::new((width, height), &mut Random::new(seed, CAMERA));
    let lighting = Lighting::new(&mut Random::new(seed, LIGHTING));
    let room = room::drawn(width as usize, height as usize, &lighting, &mut Random::new(seed, ROOM));
    let sensor = filtered(&room.blurred(camera.blur(2.5)), width as usize);
    let gains = camera.gains(mean(&sensor, width as usize));
    camera.developed(sensor, gains, &mut Random::new(seed, NOISE))
}

/// Mean of red, green and blue on a sensor of this width.
fn mean(sensor: &[f32], width: usize) -> [f32; 3] {
    let mut sums = [(0.0, 1e-6); 3];
    for (i, value) in sensor.iter().enumerate() {
        let (sum, count) = &mut sums[Camera::filter(i % width, i / width)];
        // What is brighter than white counts as white, as where the sensor is full.
        *sum += f64::from(value.min(1.2));
        *count += 1.0;
    }
    sums.map(|(sum, count)| (sum / count) as f32)
}

/// A picture as light that fills the sensor.
fn fitted(picture: &Picture, camera: &Camera) -> Light {
    let shape = camera.width as f32 / camera.height as f32;
    let part = middle_part((picture.width(), picture.height()), shape);
    Light::of(picture, part, (camera.width, camera.height), &curve(2.2, 0.0))
}

/// What each pixel takes of it.
fn filtered(light: &Light, width: usize) -> Vec<f32> {
    light.values.iter().enumerate().map(|(i, value)| value[Camera::filter(i % width, i / width)]).collect()
}

/// The first frame of a shot that can be rendered.
fn checked<'a>(shot: &Shot<'a>) -> Result<&'a Picture, String> {
    let first = shot.clip.first().ok_or("the clip has no frame")?;
    let size = (first.width(), first.height());
    if let Some(other) = shot.clip.iter().find(|picture| (picture.width(), picture.height()) != size) {
        let (width, height) = (other.width(), other.height());
        return Err(format!("frames of {}x{} and of {width}x{height} in one clip", size.0, size.1));
    }
    checked_size(shot.size)?;
    for rate in [shot.fps, shot.clip_fps] {
        if !(0.1..=1000.0).contains(&rate) {
            return Err(format!("{rate} frames a second; it must be 0.1 to 1000"));
        }
    }
    if shot.species == Species::CutPrint && shot.eyes.is_none() {
        return Err("a print with holes for the eyes needs to know where they are".to_owned());
    }
    Ok(first)
}

fn checked_size((width, height): (u32, u32)) -> Result<(), String> {
    match [width, height].iter().find(|side| !(32..=4096).contains(*side) || *side % 2 == 1) {
        Some(side) => Err(format!("a side of {side} pixels; it must be even, and 32 to 4096")),
        None => Ok(()),
    }
}
