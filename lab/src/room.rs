//! What stands behind the object, and the light on all of it.

use crate::picture::Light;
use crate::plane::{Vector, dot, unit};
use crate::random::{Random, lattice};

/// The light of the room: from all sides, and from one lamp far away.
pub(crate) struct Lighting {
    /// From all sides, on what is level with the camera.
    even: f32,
    /// From the lamp, on what faces it.
    lamp: f32,
    /// Where the lamp is.
    towards: Vector,
    /// Red, green and blue.
    colour: [f32; 3],
    /// How bright the lamp itself is, where something mirrors it.
    glare: f32,
}

impl Lighting {
    pub(crate) fn new(random: &mut Random) -> Self {
        let level = random.within(0.6, 1.2);
        let lamp = random.within(0.2, 0.75);
        let warm = random.within(-0.03, 0.06);
        // Half of the lamps stand where something that faces the camera may mirror them.
        let (x, y) = if random.chance(0.5) {
            (random.within(-0.5, 0.5), random.within(-0.7, -0.05))
        } else {
            (random.within(-1.5, 1.5), random.within(-2.5, -0.8))
        };
        Self {
            even: level * (1.0 - lamp),
            lamp: level * lamp * 1.3,
            towards: unit([x, y, -1.0]),
            colour: [1.0 + warm, 1.0, 1.0 - 1.5 * warm],
            glare: random.within(5.0, 40.0),
        }
    }

    /// On a surface with this normal.
    pub(crate) fn on(&self, normal: Vector, colour: usize) -> f32 {
        (self.even + self.lamp * dot(normal, self.towards).max(0.0)) * self.colour[colour]
    }

    /// What a glossy surface mirrors of lamp and room to one who looks along `ray`. `gloss`: its share, and its sharpness.
    pub(crate) fn mirrored(&self, normal: Vector, ray: Vector, gloss: (f32, f32), colour: usize) -> f32 {
        let twice = 2.0 * dot(normal, ray);
        let reflected = unit([0, 1, 2].map(|i| ray[i] - twice * normal[i]));
        let off = (1.0 - dot(reflected, self.towards)) * gloss.1;
        let spot = if off < 12.0 { self.glare * (-off).exp() } else { 0.0 };
        gloss.0 * (spot + 0.5 * self.even) * self.colour[colour]
    }
}

/// A wall with some furniture before it, of this size: the room, where no picture of one is given.
pub(crate) fn drawn(width: usize, height: usize, lighting: &Lighting, random: &mut Random) -> Light {
    let wall = random.within(0.25, 0.7);
    let tint = [0; 3].map(|_| random.within(0.85, 1.1));
    let slope = (random.within(-0.35, 0.35), random.within(-0.3, 0.1));
    let (w, h) = (width as f32, height as f32);
    let mut boxes: Vec<([f32; 4], [f32; 3])> = Vec::new();
    // A door or a window, then what stands on shelves.
    let left = random.within(-0.1, 0.9) * w;
    let bright = if random.chance(0.4) { random.within(0.8, 1.6) } else { random.within(0.08, 0.4) };
    boxes.push(([left, random.within(-0.2, 0.3) * h, random.within(0.15, 0.4) * w, h], [bright; 3]));
    for _ in 0..random.bits() % 14 {
        let size = (random.within(0.02, 0.14) * w, random.within(0.04, 0.22) * h);
        let place = (random.within(0.0, 1.0) * w, (random.within(0.0, 4.0).floor() + 1.0) * h / 4.0);
        let grey = random.within(0.05, 0.7);
        boxes.push((
            [place.0, place.1 - size.1, size.0, size.1],
            [0; 3].map(|_| grey * random.within(0.6, 1.3)),
        ));
    }
    Light::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let inside =
            |[left, top, wide, high]: [f32; 4]| x >= left && x < left + wide && y >= top && y < top + high;
        let shade = 1.0 + slope.0 * (x / w - 0.5) + slope.1 * (y / h - 0.5);
        let grain = 1.0 + 0.03 * (lattice((x / 2.0) as i32, (y / 2.0) as i32) - 0.5);
        let surface = boxes.iter().rev().find(|(part, _)| inside(*part));
        let own = surface.map_or([0, 1, 2].map(|c| wall * tint[c]), |(_, colour)| *colour);
        [0, 1, 2].map(|c| own[c] * shade * grain * lighting.on([0.0, 0.0, -1.0], c))
    })
}
