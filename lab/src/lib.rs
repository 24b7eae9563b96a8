//! A laboratory of flat presentation attacks: frames of a live clip, shown as a print or on a screen before a camera.
//!
//! [`Rendering`] is what the camera sees of a [`Shot`], frame by frame, and what is true of each frame ([`Truth`]).
//! Everything random comes from a seed. It is a test generator: pictures that look like an attack and obey its geometry. A
//! rate measured on them alone says nothing about real attacks.
//!
//! Modelled: perspective of a plane or a cylinder; a hand's tremor and what it does on purpose; blur by distance; the
//! pixel grid of a screen and the dots of a print through the camera's own pixels (so that moire arises); gamma, colours,
//! black level and backlight of a screen, its flicker against the rolling shutter; inks and paper; shading and glare that
//! move with the object; bezel, border, hand; colour filter, noise, white balance, exposure, sharpening, gamma.
//!
//! Not modelled: shadows of the object and of the hand, the room that a screen mirrors (only its lamp), diamond-shaped
//! sub-pixels of OLED, chromatic aberration and distortion of the lens, motion blur, rolling shutter against the motion,
//! focus that hunts, denoising of the camera, creases, curls that are no cylinder, a body behind the object.
#![forbid(unsafe_code)]

mod attack;
mod camera;
mod grid;
mod hand;
mod object;
mod path;
mod picture;
mod plane;
mod print;
mod random;
mod rendering;
mod room;
mod screen;

pub use path::Motion;
pub use picture::{Picture, learned};
pub use plane::Pose;
pub use rendering::{Rendering, Truth};

/// What the camera sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Species {
    /// The clip itself, through the same camera: no attack.
    Live,
    /// A flat print on paper.
    Print,
    /// A print that is bent about its vertical, as around a head.
    BentPrint,
    /// A print with holes for the eyes, through which eyes are seen that lie behind it. Needs [`Shot::eyes`].
    CutPrint,
    /// A phone.
    Phone,
    /// A tablet.
    Tablet,
    /// A monitor or a laptop, which stands.
    Monitor,
}

impl Species {
    /// All of them, by the names that the command knows.
    pub const ALL: [(&'static str, Self); 7] = [
        ("live", Self::Live),
        ("print", Self::Print),
        ("bent-print", Self::BentPrint),
        ("cut-print", Self::CutPrint),
        ("phone", Self::Phone),
        ("tablet", Self::Tablet),
        ("monitor", Self::Monitor),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, species)| *species == self).map_or("", |(name, _)| name)
    }

    /// Whether it is paper.
    pub fn is_print(self) -> bool {
        matches!(self, Self::Print | Self::BentPrint | Self::CutPrint)
    }
}

/// What is shown, and how.
#[derive(Clone)]
pub struct Shot<'a> {
    /// Frames of the clip, at least one, all of one size.
    pub clip: &'a [Picture],
    /// What they are shown on.
    pub species: Species,
    /// What is done with it.
    pub motion: Motion,
    /// A screen shows all frames, at their own rate; otherwise the first. Prints show the first.
    pub film: bool,
    /// Frames a second of the clip.
    pub clip_fps: f32,
    /// The eyes in the first frame, in pixels.
    pub eyes: Option<[[f32; 2]; 2]>,
    /// What stands behind the object; without it, a drawn room.
    pub background: Option<&'a Picture>,
    /// Width and height of the camera's frames, each `32..=4096` and even.
    pub size: (u32, u32),
    /// Frames a second of the camera.
    pub fps: f32,
    /// Everything random comes from it.
    pub seed: u64,
}

impl<'a> Shot<'a> {
    /// A still picture, held still before a drawn room, 640x480 at 15 frames a second.
    pub fn new(clip: &'a [Picture], species: Species, seed: u64) -> Self {
        Self {
            clip,
            species,
            motion: Motion::Still,
            film: false,
            clip_fps: 15.0,
            eyes: None,
            background: None,
            size: (640, 480),
            fps: 15.0,
            seed,
        }
    }
}

/// The first frames that the camera sees.
///
/// # Errors
/// Those of [`Rendering::new`].
pub fn render(shot: &Shot<'_>, frames: usize) -> Result<Vec<Picture>, String> {
    let rendering = Rendering::new(shot)?;
    (0..frames).map(|index| rendering.frame(index)).collect()
}

/// The drawn room of a seed with nobody in it.
///
/// # Errors
/// A message when a side is odd or outside `32..=4096`.
pub fn room(size: (u32, u32), seed: u64) -> Result<Picture, String> {
    rendering::empty(size, seed)
}

#[cfg(test)]
mod tests;
