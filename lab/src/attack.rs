//! The object with its picture and the hand that holds it, drawn over what stands behind.

use crate::camera::Camera;
use crate::hand::Hand;
use crate::object::Object;
use crate::path::Path;
use crate::picture::{Light, Picture, curve};
use crate::plane::{Hit, Pose, Surface};
use crate::print::{self, Print};
use crate::random::Random;
use crate::room::Lighting;
use crate::screen::{self, Screen};
use crate::{Shot, Species};

/// How far behind a print with holes the eyes lie, in metres.
const EYES_BEHIND: f32 = 0.025;

/// How far around an object its hand reaches, in metres.
const HAND: f32 = 0.5;

/// A presentation attack.
pub(crate) struct Attack {
    pub(crate) object: Object,
    pub(crate) path: Path,
    shown: Shown,
    /// What is not paper or screen gives back so much light: the bezel.
    bezel: f32,
    /// Share of the light that its surface mirrors, and how sharply.
    gloss: (f32, f32),
    hand: Option<Hand>,
    texture: Light,
    /// Size of the texture: about as many pixels as the camera sees of it.
    pixels: (usize, usize),
    /// Blur in pixels of the camera.
    sigma: f32,
    holes: Option<Holes>,
}

enum Shown {
    Screen(Box<Screen>),
    Print(Print),
}

/// Two holes, and the face behind them.
struct Holes {
    at: [(f32, f32); 2],
    radius: f32,
    face: Light,
}

/// What is the same for a row of the camera.
enum Row {
    Screen(screen::Row),
    Print(print::Row),
}

/// What is the same for a frame.
struct View<'a> {
    surface: Surface,
    texture: &'a Light,
    lighting: &'a Lighting,
    /// Width on the object that an edge is spread over, in metres.
    soft: f32,
}

impl Attack {
    pub(crate) fn new(shot: &Shot<'_>, first: &Picture, camera: &Camera, random: &mut Random) -> Self {
        let object = Object::new(shot.species, (first.width(), first.height()), random);
        let stands = shot.species == Species::Monitor;
        // Share of the height of the frame that the picture takes.
        let fills = match shot.species {
            Species::Monitor => random.within(0.85, 1.4),
            Species::Phone => random.within(0.6, 1.15),
            _ => random.within(0.75, 1.15),
        };
        let distance = camera.focal * 2.0 * object.half.1 / (fills * camera.height as f32);
        let rest = rest(shot.species, distance, object.width, random);
        let path = Path::new(rest, shot.motion, object.width, !stands, random);
        let (shown, gloss) = if shot.species.is_print() {
            let print = Print::new(random);
            let gloss = print.gloss;
            (Shown::Print(print), gloss)
        } else {
            let lies = !stands && object.width > object.height && shot.species == Species::Phone;
            let matt = stands && random.chance(0.6);
            let sharpness = if matt { random.within(20.0, 80.0) } else { random.within(200.0, 2000.0) };
            (Shown::Screen(Box::new(Screen::new(object.pitch, lies, random))), (0.04, sharpness))
        };
        let bezel = if random.chance(0.15) { 0.6 } else { random.within(0.01, 0.04) };
        let hand = (!stands).then(|| Hand::new(&object, random));
        let seen = |half: f32| (camera.focal * 2.0 * half / distance).clamp(16.0, 1400.0) as usize;
        let pixels = (seen(object.half.0), seen(object.half.1));
        let sigma = camera.blur(distance);
        let texture = Light { width: 0, height: 0, values: Vec::new() };
        let mut attack =
            Self { object, path, shown, bezel, gloss, hand, texture, pixels, sigma, holes: None };
        attack.texture = attack.texture(first);
        if shot.species == Species::CutPrint {
            attack.holes = shot.eyes.map(|eyes| attack.holes(first, eyes));
        }
        attack
    }

    /// A frame of the clip as the object's light, or as paper.
    pub(crate) fn texture(&self, picture: &Picture) -> Light {
        let light = match &self.shown {
            Shown::Screen(screen) => Light::of(picture, self.object.part, self.pixels, &screen.curve),
            Shown::Print(_) => Light::of(picture, self.object.part, self.pixels, &curve(2.2, 0.0)),
        };
        let mut light = light.blurred(self.sigma);
        for value in &mut light.values {
            *value = match &self.shown {
                Shown::Screen(screen) => screen.colours(*value),
                Shown::Print(print) => print.colours(*value),
            };
        }
        light
    }

    fn holes(&self, first: &Picture, eyes: [[f32; 2]; 2]) -> Holes {
        let at = eyes.map(|[x, y]| self.object.of_clip(x, y));
        let radius = 0.24 * (at[1].0 - at[0].0).hypot(at[1].1 - at[0].1);
        let face = Light::of(first, self.object.part, self.pixels, &curve(2.2, 0.0)).blurred(self.sigma);
        Holes { at, radius, face }
    }

    pub(crate) fn place(&self, time: f32, [x, y]: [f32; 2], camera: &Camera) -> [f32; 2] {
        let (u, v) = self.object.of_clip(x, y);
        camera.seen(Surface::new(&self.path.at(time)).place(u, v))
    }

    pub(crate) fn corners(&self, time: f32, camera: &Camera) -> [[f32; 2]; 4] {
        let surface = Surface::new(&self.path.at(time));
        let (u, v) = (self.object.width / 2.0, self.object.height / 2.0);
        [(-u, -v), (u, -v), (u, v), (-u, v)].map(|(u, v)| camera.seen(surface.place(u, v)))
    }

    /// Draws it over what falls on the sensor; with another frame than the first, if one is given.
    pub(crate) fn draw(
        &self,
        sensor: &mut [f32],
        other: Option<&Light>,
        time: f32,
        camera: &Camera,
        lighting: &Lighting,
    ) {
        let surface = Surface::new(&self.path.at(time));
        let soft = (1.0 + 2.0 * self.sigma) * surface.place(0.0, 0.0)[2] / camera.focal;
        let view = View { surface, texture: other.unwrap_or(&self.texture), lighting, soft };
        let [left, top, right, bottom] = self.bounds(&view.surface, camera);
        for y in top..bottom {
            let row = self.row(&view.surface, (left + right) as f32 / 2.0, y, time, camera);
            for x in left..right {
                let ray = camera.ray(x as f32, y as f32);
                let value = &mut sensor[y * camera.width + x];
                if let Some(hit) = view.surface.hit(ray) {
                    *value = self.over(*value, &view, (&hit, ray), &row, Camera::filter(x, y));
                }
            }
        }
    }

    /// The part of the picture that object and hand may be seen in: left, top, right, bottom.
    fn bounds(&self, surface: &Surface, camera: &Camera) -> [usize; 4] {
        let more = if self.hand.is_some() { HAND } else { 0.02 };
        let (u, v) = (self.object.width / 2.0, self.object.height / 2.0);
        let mut bounds = [f32::MAX, f32::MAX, 0.0, 0.0];
        for i in 0..5 {
            for j in 0..5 {
                let share = |k: i32| k as f32 / 2.0 - 1.0;
                let place = surface.place(share(i) * (u + more), share(j) * (v + more));
                if place[2] < 0.05 {
                    return [0, 0, camera.width, camera.height];
                }
                let [x, y] = camera.seen(place);
                bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
            }
        }
        let within = |value: f32, side: usize| value.clamp(0.0, side as f32) as usize;
        let [left, top, right, bottom] = bounds;
        [
            within(left, camera.width),
            within(top, camera.height),
            within(right + 1.0, camera.width),
            within(bottom + 1.0, camera.height),
        ]
    }

    fn row(&self, surface: &Surface, x: f32, y: usize, time: f32, camera: &Camera) -> Row {
        let at = |dx: f32, dy: f32| surface.hit(camera.ray(x + dx, y as f32 + dy)).map(|hit| [hit.u, hit.v]);
        let still = [[1.0; 2]; 2];
        let steps = at(0.0, 0.0)
            .zip(at(1.0, 0.0))
            .zip(at(0.0, 1.0))
            .map_or(still, |((here, right), below)| [0, 1].map(|i| [right[i] - here[i], below[i] - here[i]]));
        match &self.shown {
            Shown::Screen(screen) => {
                Row::Screen(screen.row(steps, camera.fill, self.sigma, camera.shutter(time, y)))
            }
            Shown::Print(print) => Row::Print(print.row(steps, camera.fill, self.sigma)),
        }
    }

    /// What is seen where a ray meets the object or passes it.
    fn over(&self, behind: f32, view: &View<'_>, at: (&Hit, [f32; 3]), row: &Row, colour: usize) -> f32 {
        let cover = |inside: f32| (inside / view.soft + 0.5).clamp(0.0, 1.0);
        let mix = |under: f32, over: f32, share: f32| under + share * (over - under);
        let (u, v) = (at.0.u, at.0.v);
        let outline = cover(self.object.inside(u, v));
        let skin = |seen: crate::hand::Seen, hand: &Hand, under: f32| {
            let light = hand.skin(colour) * seen.shade * view.lighting.on([0.0, 0.0, -1.0], colour);
            mix(under, light, cover(seen.inside))
        };
        let mut value = behind;
        if let Some(hand) = self.hand.as_ref().filter(|_| outline < 1.0) {
            value = skin(hand.behind(u, v), hand, value);
        }
        if outline > 0.0 {
            value = mix(value, self.light(view, at, row, colour), outline);
        }
        match &self.hand {
            Some(hand) => skin(hand.before(u, v), hand, value),
            None => value,
        }
    }

    /// The light from a place of the object.
    fn light(&self, view: &View<'_>, (hit, ray): (&Hit, [f32; 3]), row: &Row, colour: usize) -> f32 {
        let cover = |inside: f32| (inside / view.soft + 0.5).clamp(0.0, 1.0);
        let (u, v) = (hit.u, hit.v);
        let normal = view.surface.normal(hit);
        let falls = view.lighting.on(normal, colour);
        let (area, picture) = (cover(self.object.inside_edge(u, v)), cover(self.object.inside_picture(u, v)));
        let texel = self.texel(view.texture, u, v, colour);
        let own = match (&self.shown, row) {
            (Shown::Screen(screen), Row::Screen(row)) => {
                let lit = picture * screen.light(texel, colour, (u, v), row);
                area * (lit + 0.01 * falls) + (1.0 - area) * self.bezel * falls
            }
            (Shown::Print(print), Row::Print(row)) => {
                let paper = print.blank(colour);
                falls * (paper + picture * (print.light(texel, colour, (u, v), row) - paper))
            }
            _ => 0.0,
        };
        let whole = own + view.lighting.mirrored(normal, ray, self.gloss, colour);
        self.holes.as_ref().and_then(|holes| self.through(holes, view, hit, colour)).unwrap_or(whole)
    }

    /// What is seen through a hole.
    fn through(&self, holes: &Holes, view: &View<'_>, hit: &Hit, colour: usize) -> Option<f32> {
        let is_in = |(u, v): &(f32, f32)| ((hit.u - u) / 1.4).hypot((hit.v - v) / 0.8) < holes.radius;
        holes.at.iter().find(|at| is_in(at))?;
        let (du, dv) = view.surface.parallax(hit, EYES_BEHIND);
        let light = self.texel(&holes.face, hit.u + du, hit.v + dv, colour);
        // It lies in the shade of the print.
        Some(0.7 * light * view.lighting.on([0.0, 0.0, -1.0], colour))
    }

    fn texel(&self, texture: &Light, u: f32, v: f32, colour: usize) -> f32 {
        let (wide, high) = self.object.half;
        let x = (u / wide + 1.0) / 2.0 * self.pixels.0 as f32 - 0.5;
        let y = (v / high + 1.0) / 2.0 * self.pixels.1 as f32 - 0.5;
        texture.at(x, y, colour)
    }
}

/// How an object is held before it is moved.
fn rest(species: Species, distance: f32, width: f32, random: &mut Random) -> Pose {
    let care = if species == Species::Monitor { 0.6 } else { 1.0 };
    let mut angle = |degrees: f32| (care * random.within(-degrees, degrees)).to_radians();
    let (yaw, pitch, roll, axis) = (angle(9.0), angle(10.0), angle(5.0), angle(12.0));
    let across = random.within(-0.05, 0.05) * distance;
    let down = random.within(-0.05, 0.05) * distance;
    // No sheet is quite flat.
    let curl = match species {
        Species::BentPrint => match random.within(0.0, 4.0) as u32 {
            0 => -random.within(0.4, 0.95),
            // As tight as around a bottle.
            1 => random.within(0.95, 1.4),
            _ => random.within(0.4, 0.95),
        },
        Species::Print | Species::CutPrint => random.within(-0.06, 0.06),
        _ => 0.0,
    };
    Pose { at: [across, down, distance], yaw, pitch, roll, bend: curl / (width / 2.0), axis }
}
