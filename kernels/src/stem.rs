//! First convolution, 3x3 over up to four planes; in: an [`Image`], out: `[height][width][padded(outputs)]` u8.
//! A window becomes one row of bytes, its nine pixels without spare ones; a [`Pointwise`] does the rest.

use crate::error::{LayerError, check_len};
use crate::post::padded;
use crate::window::{Window, check_rows};
use crate::{Bytes, Isa, Pointwise, Requant};

/// Bytes of a pixel: red, green, blue and one spare.
pub const PIXEL: usize = 4;

/// A 3x3 convolution over a picture of 1 to 4 channels with everything that follows it.
#[derive(Clone)]
pub struct Stem {
    window: Window,
    channels: usize,
    outputs: usize,
    product: Pointwise,
    border: u8,
}

impl Stem {
    /// `weights` is `[outputs][channels][3][3]`, -127..=127; `requant` has `outputs` channels.
    ///
    /// # Errors
    /// When `isa` is not available, a length is wrong or a sum could overflow.
    pub fn new(
        isa: Isa,
        window: Window,
        channels: usize,
        weights: &[i8],
        requant: &Requant<'_>,
    ) -> Result<Self, LayerError> {
        window.check()?;
        if !(1..=PIXEL).contains(&channels) {
            return Err(LayerError::Dimension("channels"));
        }
        let outputs = requant.bias.len();
        check_len("weights", weights.len(), outputs * channels * 9)?;
        let mut pixels = vec![0_i8; weights.len()];
        for (row, weights) in pixels.chunks_exact_mut(channels * 9).zip(weights.chunks_exact(channels * 9)) {
            for (c, plane) in weights.chunks_exact(9).enumerate() {
                for (t, &w) in plane.iter().enumerate() {
                    row[t * channels + c] = w;
                }
            }
        }
        let product = Pointwise::new(isa, channels * 9, &pixels, requant)?;
        Ok(Stem { window, channels, outputs, product, border: requant.zero_in ^ isa.flip() })
    }

    /// An image with the border this layer needs; write pixels into it, then `run`.
    #[must_use]
    pub fn image(&self) -> Image {
        let width = self.window.width + 2;
        let bytes = Bytes::filled((self.window.height + 2) * width * PIXEL, self.border);
        Image { bytes, stride: width * PIXEL, height: self.window.height, width: self.window.width }
    }

    /// Scratch for `run`: one row of windows; reuse it between calls.
    #[must_use]
    pub fn scratch(&self) -> Bytes {
        Bytes::zeroed(self.window.output().1 * padded(self.channels * 9))
    }

    /// How it slides.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Writes the rows and columns of [`Window::output`], or as many rows as `out` holds.
    ///
    /// # Panics
    /// When the image or the scratch is not this layer's, or `out` is not whole rows, or more than there are.
    pub fn run(&self, image: &Image, scratch: &mut Bytes, out: &mut [u8]) {
        let (rows, columns) = self.window.output();
        let n = padded(self.outputs);
        check_rows(out.len(), columns * n, rows);
        for (y, out) in out.chunks_exact_mut(columns * n).enumerate() {
            match self.channels {
                1 => self.patches::<1>(image, y, scratch),
                2 => self.patches::<2>(image, y, scratch),
                3 => self.patches::<3>(image, y, scratch),
                _ => self.patches::<4>(image, y, scratch),
            }
            self.product.run(scratch, &[], out);
        }
    }

    /// The windows of output row `y`, for `C` channels.
    fn patches<const C: usize>(&self, image: &Image, y: usize, scratch: &mut [u8]) {
        let (stride, [top, left, ..]) = (self.window.stride, self.window.pad);
        let rows: [&[u8]; 3] = std::array::from_fn(|dy| {
            let row = y * stride + dy + 1 - top;
            &image.bytes[row * image.stride..][..image.stride]
        });
        for (x, patch) in scratch.chunks_exact_mut(padded(9 * C)).enumerate() {
            let column = (x * stride + 1 - left) * PIXEL;
            for (dy, row) in rows.iter().enumerate() {
                for (dx, pixel) in row[column..][..3 * PIXEL].as_chunks::<PIXEL>().0.iter().enumerate() {
                    // Spare bytes are overwritten by the next pixel; behind the last, weights are zero.
                    patch[(3 * dy + dx) * C..][..PIXEL].copy_from_slice(pixel);
                }
            }
        }
    }
}

/// Height by width pixels of [`PIXEL`] bytes, with a border of zero points.
#[derive(Clone)]
pub struct Image {
    bytes: Bytes,
    stride: usize,
    height: usize,
    width: usize,
}

impl Image {
    /// Height and width in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// The pixels of row `y`, [width][PIXEL].
    ///
    /// # Panics
    /// When `y` is not below the height.
    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        assert!(y < self.height, "row {y} of {}", self.height);
        &mut self.bytes[(y + 1) * self.stride + PIXEL..][..self.width * PIXEL]
    }
}
