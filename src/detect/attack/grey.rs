//! A small grey picture of a frame: all that the cues look at, at a cost that hardly depends on the camera.

use crate::camera::Frame;

/// Pixels of a cell that are read, each way, at most.
const TAPS: usize = 4;

/// Mean light of the cells of a frame, `0.0..=255.0`, row by row; wiped when dropped.
pub struct Grey {
    width: usize,
    light: Vec<f32>,
    scale: f32,
}

impl Grey {
    /// At most `long` cells along the longer side. Each is the mean of at most 4x4 of its pixels.
    pub fn of(frame: &Frame, long: u32) -> Self {
        let (width, height) = (frame.width(), frame.height());
        let longer = width.max(height).max(1);
        let cells =
            |side: u32| (u64::from(side) * u64::from(long.min(longer)) / u64::from(longer)).max(1) as usize;
        let (columns, rows) = (taps(cells(width), width as usize), taps(cells(height), height as usize));
        let stride = width as usize * 3;
        let mut light = Vec::with_capacity(columns.len() * rows.len());
        for ys in &rows {
            light.extend(columns.iter().map(|xs| mean(frame.rgb(), stride, xs, ys)));
        }
        Self { width: columns.len(), light, scale: columns.len() as f32 / width as f32 }
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

/// The pixels that are read of each of `cells` cells along a side of `length` pixels.
fn taps(cells: usize, length: usize) -> Vec<Vec<usize>> {
    let edge = |cell: usize| cell * length / cells;
    let pixels = |cell: usize| {
        let (from, to) = (edge(cell), edge(cell + 1));
        (from..to).step_by((to - from).div_ceil(TAPS).max(1)).collect()
    };
    (0..cells).map(pixels).collect()
}

/// Mean luma of the pixels in these columns and rows.
fn mean(rgb: &[u8], stride: usize, columns: &[usize], rows: &[usize]) -> f32 {
    let mut sum = 0;
    for y in rows {
        for x in columns {
            let at = y * stride + x * 3;
            // Weights 2:5:1 stand in for the luma of BT.601 (0.299, 0.587, 0.114).
            sum += 2 * u32::from(rgb[at]) + 5 * u32::from(rgb[at + 1]) + u32::from(rgb[at + 2]);
        }
    }
    sum as f32 / (8 * columns.len() * rows.len()).max(1) as f32
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
        // Columns of 100 and 200 in turn.
        let grey = Grey::of(&frame(640, 480, |x, _| if x % 2 == 0 { 100 } else { 200 }), 160);
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
