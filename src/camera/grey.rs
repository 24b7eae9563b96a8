//! A small grey picture of a frame: all that the cues and the watch look at, at a cost that hardly depends on the camera.

use std::iter::StepBy;
use std::ops::Range;

use super::Frame;

/// Pixels of a cell that are read, each way, at most.
const TAPS: usize = 2;

/// Mean light of the cells of a frame, `0.0..=255.0`, row by row; wiped when dropped.
pub struct Grey {
    width: usize,
    light: Vec<f32>,
    scale: f32,
}

impl Grey {
    /// At most `long` cells along the longer side. Each is the mean of at most 2x2 of its pixels.
    pub fn of(frame: &Frame, long: u32) -> Self {
        let (rgb, stride) = (frame.rgb(), frame.width() as usize * 3);
        Self::sampled(frame.width(), frame.height(), long, |x, y| {
            let at = y * stride + x * 3;
            // Weights 2:5:1 stand in for the luma of BT.601 (0.299, 0.587, 0.114).
            (2 * u32::from(rgb[at]) + 5 * u32::from(rgb[at + 1]) + u32::from(rgb[at + 2])) as f32 / 8.0
        })
    }

    /// The same of any picture that gives the light of a pixel by its column and row.
    pub(super) fn sampled(width: u32, height: u32, long: u32, light: impl Fn(usize, usize) -> f32) -> Self {
        let columns: Vec<_> = cells(width, width.max(height), long).map(taps).collect();
        let mut cells_light = Vec::new();
        for rows in cells(height, width.max(height), long).map(taps) {
            cells_light.extend(columns.iter().map(|columns| mean(columns, &rows, &light)));
        }
        Self { width: columns.len(), light: cells_light, scale: columns.len() as f32 / width as f32 }
    }

    /// The same of a picture of which every pixel is read: `light` holds `width` of them a row, each standing for
    /// `1 / scale` pixels of the frame each way.
    pub(super) fn averaged((width, height): (usize, usize), light: &[f32], long: u32, scale: f32) -> Self {
        let longer = width.max(height) as u32;
        let columns: Vec<_> = cells(width as u32, longer, long).collect();
        let mut averaged = Vec::new();
        for rows in cells(height as u32, longer, long) {
            for columns in &columns {
                let row = |y: usize| light[y * width..][columns.clone()].iter().sum::<f32>();
                let sum: f32 = rows.clone().map(row).sum();
                averaged.push(sum / (columns.len() * rows.len()).max(1) as f32);
            }
        }
        let scale = scale * columns.len() as f32 / width as f32;
        Self { width: columns.len(), light: averaged, scale }
    }

    /// Cells a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The light of all cells.
    pub fn light(&self) -> &[f32] {
        &self.light
    }

    /// Cells a pixel of the frame.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// Moves the light of each cell towards that of `other`, by a part of the way.
    pub fn approach(&mut self, other: &Self, part: f32) {
        for (light, new) in self.light.iter_mut().zip(&other.light) {
            *light += part * (new - *light);
        }
    }

    /// Whether the cells of both are in the same places.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.width, self.light.len()) == (other.width, other.light.len())
    }
}

impl Drop for Grey {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.light);
    }
}

/// The pixels of each cell along one side, with at most `long` cells along the `longer` one.
fn cells(side: u32, longer: u32, long: u32) -> impl Iterator<Item = Range<usize>> {
    let longer = longer.max(1);
    let cells = (u64::from(side) * u64::from(long.min(longer)) / u64::from(longer)).max(1) as usize;
    let edge = move |cell: usize| cell * side as usize / cells;
    (0..cells).map(move |cell| edge(cell)..edge(cell + 1))
}

/// Those of them that are read.
fn taps(pixels: Range<usize>) -> StepBy<Range<usize>> {
    let step = pixels.len().div_ceil(TAPS).max(1);
    pixels.step_by(step)
}

/// Mean light of the pixels in these columns and rows.
fn mean(
    columns: &StepBy<Range<usize>>,
    rows: &StepBy<Range<usize>>,
    light: impl Fn(usize, usize) -> f32,
) -> f32 {
    let sum: f32 =
        rows.clone().flat_map(|y| columns.clone().map(move |x| (x, y))).map(|(x, y)| light(x, y)).sum();
    sum / (columns.len() * rows.len()).max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::BootTime;

    fn frame(width: u32, height: u32, light: impl Fn(u32, u32) -> u8) -> Frame {
        let rgb = (0..width * height).flat_map(|i| [light(i % width, i / width); 3]).collect();
        Frame::new(width, height, rgb, BootTime::default()).expect("valid")
    }

    #[test]
    fn a_cell_is_the_mean_of_its_pixels() {
        // Pairs of columns of 100 and 200 in turn.
        let grey = Grey::of(&frame(640, 480, |x, _| if x / 2 % 2 == 0 { 100 } else { 200 }), 160);
        assert_eq!((grey.width(), grey.light().len(), grey.scale()), (160, 160 * 120, 0.25));
        assert!(grey.light().iter().all(|light| *light == 150.0));
    }

    #[test]
    fn every_size_of_frame_has_cells_and_keeps_its_places() {
        for (width, height) in [(32, 32), (33, 47), (4096, 32), (32, 4096), (1920, 1080), (640, 482)] {
            let grey = Grey::of(&frame(width, height, |x, _| (x * 255 / width) as u8), 80);
            assert!(grey.width() <= 80 && grey.light().len() <= 80 * 80, "{width}x{height}");
            let row = &grey.light()[..grey.width()];
            assert!(row.is_sorted(), "{width}x{height}: a ramp");
            assert!(grey.width() == 1 || row[grey.width() - 1] > 230.0, "{width}x{height}: to the border");
        }
    }
}
