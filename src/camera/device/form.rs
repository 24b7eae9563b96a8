//! Notices that a command writes something else than `camera.exec_format`, `width_px` and `height_px` say, and says what
//! was expected. Raw pictures have no mark of their own: read in the wrong form they are noise, in which no face is found.
//! Pure.

use super::super::decode::{Layout, PixelFormat, raw_len, row_len};

/// Enough of the output to recognise a file format by.
const HEAD_BYTES: usize = 16;
/// Raw pictures that are examined until one has enough contrast to tell.
const EXAMINED: u32 = 30;
/// Pairs of bytes compared for each possible length of a row, in each band of the picture.
const SAMPLES: usize = 512;
/// Bands of rows that are judged apart: what is in the picture rarely looks like padding in all of them.
const BANDS: usize = 4;
/// Mean difference of unrelated bytes below which a band is too flat to tell.
const FLAT: u32 = 4;

/// How video files and streams begin, besides JPEG, and what they are.
const FORMATS: [(&[u8], &str); 10] = [
    (b"\x89PNG", "PNG"),
    (b"YUV4MPEG2", "YUV4MPEG (y4m)"),
    (b"P5\n", "PGM"),
    (b"P6\n", "PPM"),
    (b"RIFF", "AVI"),
    (b"\x1A\x45\xDF\xA3", "Matroska"),
    (b"FLV\x01", "FLV"),
    (b"BM", "BMP"),
    (b"\0\0\0\x01\x67", "H.264"),
    (b"\0\0\0\x01\x40", "H.265"),
];
const JPEG: &[u8] = b"\xFF\xD8\xFF";

/// Watches one run of a command.
pub(super) struct FormCheck {
    layout: Layout,
    /// The first bytes, until there are [`HEAD_BYTES`].
    head: Vec<u8>,
    pictures_left: u32,
}

impl FormCheck {
    pub(super) fn new(layout: Layout) -> Self {
        Self { layout, head: Vec::new(), pictures_left: EXAMINED }
    }

    /// What the command must write.
    pub(super) fn expected(&self) -> String {
        let Layout { format, width, height } = self.layout;
        match raw_len(self.layout) {
            Some(bytes) => format!("{width}x{height} {format} is {bytes} bytes a picture"),
            None => "camera.exec_format = \"mjpeg\" is JPEG pictures one after another".to_owned(),
        }
    }

    /// Looks at what the command wrote next, while its first bytes are not known.
    ///
    /// # Errors
    /// What the output is instead, as a part of a sentence.
    pub(super) fn output(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.head.len() >= HEAD_BYTES {
            return Ok(());
        }
        self.head.extend(bytes.iter().take(HEAD_BYTES - self.head.len()));
        if self.head.len() < HEAD_BYTES {
            return Ok(());
        }
        let known = FORMATS.iter().find(|(start, _)| self.head.starts_with(start)).map(|(_, name)| *name);
        let jpeg = self.layout.format != PixelFormat::Mjpeg && self.head.starts_with(JPEG);
        match known.or(jpeg.then_some("JPEG")) {
            Some(other) => Err(format!("it writes {other}, and {}", self.expected())),
            None => Ok(()),
        }
    }

    /// Looks at a picture, until one had enough contrast to tell.
    ///
    /// # Errors
    /// In which form the pictures seem to be instead, as a part of a sentence.
    pub(super) fn picture(&mut self, picture: &[u8]) -> Result<(), String> {
        if self.pictures_left == 0 || self.layout.format == PixelFormat::Mjpeg {
            return Ok(());
        }
        self.pictures_left -= 1;
        if let Some(row) = likely_row(self.layout, picture) {
            self.pictures_left = 0;
            if row != row_len(self.layout) {
                return Err(self.other_rows(row));
            }
        }
        if is_swapped(self.layout.format, picture) {
            let other = if self.layout.format == PixelFormat::Uyvy { "yuyv" } else { "uyvy" };
            return Err(format!("its pictures look like {other}, and {}", self.expected()));
        }
        Ok(())
    }

    fn other_rows(&self, row: usize) -> String {
        let Layout { format, width, .. } = self.layout;
        let (wanted, pixels) = (row_len(self.layout), row * width as usize / row_len(self.layout));
        format!(
            "its rows look {row} bytes long, and {width} pixels of {format} are {wanted}: make it write {width} pixels a \
             row without padding, or set camera.width_px = {pixels}"
        )
    }
}

/// The length of a row in the first plane, in bytes: the distance at which bytes are most alike. `None` for a picture
/// that is too flat to tell.
fn likely_row(layout: Layout, picture: &[u8]) -> Option<usize> {
    let row = row_len(layout);
    let plane = picture.get(..row * layout.height as usize)?;
    let bands = plane.chunks_exact((plane.len() / BANDS).max(1));
    let mut found = bands.filter_map(|band| likely_row_in(row, layout.format == PixelFormat::Grey, band));
    let first = found.next()?;
    // Bands that disagree show something in the picture, not its form.
    Some(if found.all(|other| other == first) { first } else { row })
}

fn likely_row_in(row: usize, any_length: bool, band: &[u8]) -> Option<usize> {
    let room = band.len().checked_sub(2 * row)?;
    // An odd step, so that columns and colours all have their turn.
    let step = (room / SAMPLES).max(1) | 1;
    let difference = |apart: usize| {
        let pairs = band[..room].iter().zip(&band[apart..]).step_by(step);
        pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>()
    };
    let lengths = (row / 2 + row % 2..2 * row).step_by(if any_length { 1 } else { 2 });
    let differences: Vec<(u32, usize)> = lengths.map(|apart| (difference(apart), apart)).collect();
    let compared = room.div_ceil(step) as u32;
    let mean =
        differences.iter().map(|(sum, _)| u64::from(*sum)).sum::<u64>() / differences.len().max(1) as u64;
    if mean < u64::from(compared * FLAT) {
        return None;
    }
    let (least, apart) = differences.into_iter().min()?;
    // A picture in the right form is most alike at `row`, or nearly so where its edges lean.
    Some(if difference(row) > 2 * least + compared { apart } else { row })
}

/// Whether brightness stands where colour should: colour varies less from pixel to pixel in every picture.
fn is_swapped(format: PixelFormat, picture: &[u8]) -> bool {
    let (brightness, colour) = match format {
        PixelFormat::Yuyv | PixelFormat::Yvyu => (0, 1),
        PixelFormat::Uyvy => (1, 0),
        _ => return false,
    };
    let quads = picture.as_chunks::<4>().0;
    let varies = |at: usize| {
        let pairs = quads.iter().zip(quads.iter().skip(1)).step_by((quads.len() / (4 * SAMPLES)).max(1));
        pairs
            .map(|(a, b)| u64::from(a[at].abs_diff(b[at])) + u64::from(a[at + 2].abs_diff(b[at + 2])))
            .sum::<u64>()
    };
    let compared = quads.len().min(4 * SAMPLES) as u64;
    varies(colour) > 2 * varies(brightness) + 2 * compared
}

#[cfg(test)]
mod tests;
