//! The flat object: how large it is, and where on it the picture is.

use crate::Species;
use crate::picture::{Part, middle_part};
use crate::random::Random;

/// Sizes in metres; places from the middle of the object.
pub(crate) struct Object {
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// Radius of its corners.
    corner: f32,
    /// What lies about the picture: bezel or border. The picture's area is the rest.
    edge: f32,
    /// Half the width and height of the picture.
    pub(crate) half: (f32, f32),
    /// Which part of the clip's frames it shows.
    pub(crate) part: Part,
    /// Width of a screen's pixel; 0 for a print.
    pub(crate) pitch: f32,
}

/// A kind of object, in millimetres: longer and shorter side of what shows the picture, edge, corner; pixels a side.
struct Make(f32, f32, f32, f32, f32);

const PHONES: [Make; 3] = [
    Make(146.0, 68.0, 3.0, 8.0, 2400.0),
    Make(110.0, 62.0, 4.0, 6.0, 1280.0),
    Make(141.0, 65.0, 3.5, 8.0, 2340.0),
];
const TABLETS: [Make; 3] = [
    Make(197.0, 148.0, 10.0, 8.0, 2048.0),
    Make(217.0, 136.0, 9.0, 7.0, 1920.0),
    Make(202.0, 126.0, 14.0, 9.0, 1280.0),
];
const MONITORS: [Make; 3] = [
    Make(310.0, 174.0, 9.0, 1.0, 1920.0),
    Make(344.0, 194.0, 12.0, 1.0, 1366.0),
    Make(527.0, 296.0, 14.0, 1.0, 1920.0),
];
const PAPERS: [Make; 4] = [
    Make(297.0, 210.0, 5.0, 0.0, 0.0),
    Make(210.0, 148.0, 4.0, 0.0, 0.0),
    Make(178.0, 127.0, 0.0, 0.0, 0.0),
    Make(148.0, 102.0, 3.0, 0.0, 0.0),
];

impl Object {
    /// An object of a kind for frames of this size.
    pub(crate) fn new(species: Species, size: (u32, u32), random: &mut Random) -> Self {
        let shape = size.0 as f32 / size.1 as f32;
        let makes: &[Make] = match species {
            Species::Phone => &PHONES,
            Species::Tablet => &TABLETS,
            Species::Monitor => &MONITORS,
            _ => &PAPERS,
        };
        let Make(long, short, edge, corner, pixels) = makes[random.bits() as usize % makes.len()];
        let lies =
            species == Species::Monitor || (shape > 1.0 && (species != Species::Phone || random.chance(0.5)));
        let (wide, high) = if lies { (long, short) } else { (short, long) };
        let (wide, high, edge) = (wide / 1000.0, high / 1000.0, edge / 1000.0);
        let print = species.is_print();
        // The edge of a print is part of the paper, that of a screen is added to it.
        let area = if print { (wide - 2.0 * edge, high - 2.0 * edge) } else { (wide, high) };
        let fills = print || random.chance(0.5);
        let shown = if fills { area.0 / area.1 } else { shape };
        let half = (area.0.min(area.1 * shown) / 2.0, area.1.min(area.0 / shown) / 2.0);
        let added = if print { 0.0 } else { 2.0 * edge };
        Self {
            width: wide + added,
            height: high + added,
            corner: corner / 1000.0,
            edge,
            half,
            part: middle_part(size, half.0 / half.1),
            pitch: if pixels > 0.0 { long / 1000.0 / pixels } else { 0.0 },
        }
    }

    /// How far inside the outline a place is, in metres; negative outside.
    pub(crate) fn inside(&self, u: f32, v: f32) -> f32 {
        let (x, y) = (u.abs() - self.width / 2.0 + self.corner, v.abs() - self.height / 2.0 + self.corner);
        self.corner - x.max(0.0).hypot(y.max(0.0)) - x.max(y).min(0.0)
    }

    /// How far inside the area of the screen, or of what was printed on.
    pub(crate) fn inside_edge(&self, u: f32, v: f32) -> f32 {
        (self.width / 2.0 - self.edge - u.abs()).min(self.height / 2.0 - self.edge - v.abs())
    }

    /// How far inside the picture.
    pub(crate) fn inside_picture(&self, u: f32, v: f32) -> f32 {
        (self.half.0 - u.abs()).min(self.half.1 - v.abs())
    }

    /// From a pixel of the clip's frames to the object.
    pub(crate) fn of_clip(&self, x: f32, y: f32) -> (f32, f32) {
        let [left, top, width, height] = self.part;
        (((x - left) / width * 2.0 - 1.0) * self.half.0, ((y - top) / height * 2.0 - 1.0) * self.half.1)
    }
}
