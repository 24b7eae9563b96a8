//! The pixels of a baseline JPEG, in one pass over its scan: each row of block groups is decoded, and becomes RGB as soon as the
//! colours below its last rows are known. For coefficients that an encoder writes, the same pixels as zune-jpeg's, bit by bit.

use facelatch_kernels::{Isa, JpegPixels};
use zeroize::Zeroizing;

use super::scan::{Blocks, Component, Scan};

/// Where the coefficients of a block belong, from their zigzag order.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Decodes one picture.
pub(super) struct Pixels {
    kernel: JpegPixels,
    size: (usize, usize),
    /// The next block, in units of its quantisation table.
    block: Zeroizing<[i16; 64]>,
    /// The place of each block of a group: its colour, its column and its row there.
    places: Vec<(usize, usize, usize)>,
    /// Light, and the two colours unless the picture is grey.
    planes: Vec<Plane>,
    /// Two rows of samples of each colour, on their way to the width of the picture.
    wide: [Zeroizing<Vec<u8>>; 2],
    tall: Zeroizing<Vec<u8>>,
    rows: usize,
    rgb: Zeroizing<Vec<u8>>,
}

/// The last rows of samples of a component.
struct Plane {
    steps: [i16; 64],
    /// Blocks of a group across and down.
    across: usize,
    down: usize,
    /// Samples a row, and rows, of the whole picture; both up to the end of its last blocks.
    width: usize,
    height: usize,
    /// Rows of light for each row of this, and pixels for each sample: 1 or 2.
    taller: usize,
    wider: usize,
    /// Those of two rows of block groups, eight and eight: row y is at y modulo their number.
    samples: Zeroizing<Vec<[u8; 8]>>,
}

impl Pixels {
    /// `None` for a picture that is not read here.
    pub(super) fn of(scan: &Scan<'_>) -> Option<Self> {
        let ids: Vec<u8> = scan.components.iter().map(|component| component.id).collect();
        // Without a segment that says otherwise these are grey, or YCbCr.
        let is_usual = matches!(ids[..], [_] | [1, 2, 3] | [0, 1, 2]) && !scan.headers.has_adobe;
        if !is_usual || scan.headers.precision() != Some(8) {
            return None;
        }
        let planes: Vec<Plane> =
            scan.components.iter().map(|one| Plane::of(scan, one)).collect::<Option<_>>()?;
        // The light is whole, and the colours are alike.
        let shapes: Vec<_> = planes.iter().map(|plane| (plane.wider, plane.taller)).collect();
        if !matches!(shapes[..], [(1, 1)]) && !matches!(shapes[..], [(1, 1), blue, red] if blue == red) {
            return None;
        }
        let place = |(colour, plane): (usize, &Plane)| {
            let (across, down) = (plane.across, plane.down);
            (0..across * down).map(move |at| (colour, at % across, at / across))
        };
        let widest = planes[0].width;
        let row = || Zeroizing::new(vec![0; widest]);
        Some(Self {
            kernel: JpegPixels::new(Isa::detect()).ok()?,
            size: scan.size,
            block: Zeroizing::new([0; 64]),
            places: planes.iter().enumerate().flat_map(place).collect(),
            planes,
            wide: [row(), row()],
            tall: row(),
            rows: 0,
            rgb: Zeroizing::new(Vec::with_capacity(scan.size.0 * scan.size.1 * 3)),
        })
    }

    /// RGB, row by row.
    pub(super) fn read(mut self, scan: &Scan<'_>) -> Result<Vec<u8>, String> {
        scan.walk_all(&mut self)?;
        Ok(std::mem::take(&mut self.rgb))
    }

    /// Makes RGB of all rows before this one.
    fn write_rows(&mut self, until: usize) {
        let Self { kernel, planes, wide, tall, rgb, size: (width, _), .. } = self;
        for y in self.rows..until {
            // Row by row, so that what is written once more is still in the cache.
            let at = rgb.len();
            rgb.resize(at + *width * 3, 0);
            let out = &mut rgb[at..];
            let [light, colours @ ..] = &planes[..] else { return };
            let light = light.row(y);
            if colours.is_empty() {
                out.chunks_exact_mut(3).zip(light).for_each(|(rgb, level)| rgb.fill(*level));
                continue;
            }
            let [cb, cr] = wide;
            for (plane, wide) in colours.iter().zip([&mut *cb, &mut *cr]) {
                plane.stretched(kernel, y, tall, wide);
            }
            kernel.rgb(light, cb, cr, out);
        }
        self.rows = until;
    }
}

impl Blocks for Pixels {
    #[inline(always)]
    fn coefficient(&mut self, at: usize, value: i32) {
        self.block[usize::from(ZIGZAG[at & 63] & 63)] = value as i16;
    }

    #[inline(always)]
    fn block(&mut self, (column, row): (usize, usize), number: usize, first: i32, count: usize) {
        let (colour, x, y) = self.places[number];
        let plane = &mut self.planes[colour];
        self.block[0] = first as i16;
        let (x, y) = (column * plane.across + x, row % 2 * plane.down + y);
        let stride = plane.width / 8;
        let out = &mut plane.samples[y * 8 * stride + x..];
        self.kernel.block(&self.block, &plane.steps, count, out, stride);
        if count > 1 {
            *self.block = [0; 64];
        }
    }

    fn end_row(&mut self, row: usize) {
        let (height, light) = (self.size.1, &self.planes[0]);
        let known = (row + 1) * light.down * 8;
        // What is between two rows of colour waits for the second one.
        let waits = self.planes.iter().any(|plane| plane.taller > 1);
        let until = if known >= light.height { height } else { known - usize::from(waits) };
        self.write_rows(until.min(height));
    }
}

impl Plane {
    fn of(scan: &Scan<'_>, component: &Component) -> Option<Self> {
        let Component { across, down, .. } = *component;
        let mut steps = [0; 64];
        for (place, step) in ZIGZAG.iter().zip(scan.steps(component)) {
            steps[usize::from(*place)] = i16::try_from(*step).ok()?;
        }
        let (wider, taller) = (scan.most.0 / across, scan.most.1 / down);
        let is_whole = wider * across == scan.most.0 && taller * down == scan.most.1;
        if steps.contains(&0) || !is_whole || wider > 2 || taller > 2 {
            return None;
        }
        let (width, height) = (scan.groups.0 * across * 8, scan.groups.1 * down * 8);
        let samples = Zeroizing::new(vec![[0; 8]; width * down * 2]);
        Some(Self { steps, across, down, width, height, taller, wider, samples })
    }

    fn row(&self, y: usize) -> &[u8] {
        let stride = self.width / 8;
        self.samples[y % (self.down * 16) * stride..][..stride].as_flattened()
    }

    /// Row `y` of the picture, at its width.
    fn stretched(&self, kernel: &JpegPixels, y: usize, tall: &mut [u8], wide: &mut [u8]) {
        let here = y / self.taller;
        let row = self.row(here);
        let row = if self.taller == 1 {
            row
        } else {
            let other =
                if y.is_multiple_of(2) { here.saturating_sub(1) } else { (here + 1).min(self.height - 1) };
            let tall = &mut tall[..self.width];
            kernel.between(row, self.row(other), tall);
            tall
        };
        if self.wider == 1 {
            wide.copy_from_slice(row);
        } else {
            kernel.widened(row, wide);
        }
    }
}

#[cfg(test)]
mod tests;
