//! First convolution, 3x3 over up to four planes; in: an [`Image`], out: `[height][width][padded(outputs)]` u8.
//! A window becomes one row of 48 bytes (three times four neighbouring pixels); a [`Pointwise`] does the rest.

use crate::depthwise::Window;
use crate::error::{LayerError, check_len};
use crate::post::padded;
use crate::{Bytes, Isa, Pointwise, Requant};

/// Bytes of a pixel: red, green, blue and one spare.
pub const PIXEL: usize = 4;
/// Bytes of a window: three rows of four pixels, the fourth with zero weights.
const PATCH: usize = 3 * 4 * PIXEL;

/// A 3x3 convolution over a picture of 1 to 4 channels with everything that follows it.
#[derive(Clone)]
pub struct Stem {
    window: Window,
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
        let mut spread = vec![0_i8; outputs * PATCH];
        for (row, weights) in spread.chunks_exact_mut(PATCH).zip(weights.chunks_exact(channels * 9)) {
            for (c, plane) in weights.chunks_exact(9).enumerate() {
                for (t, &w) in plane.iter().enumerate() {
                    row[(t / 3 * 4 + t % 3) * PIXEL + c] = w;
                }
            }
        }
        let product = Pointwise::new(isa, PATCH, &spread, requant)?;
        Ok(Stem { window, outputs, product, border: requant.zero_in ^ isa.flip() })
    }

    /// An image with the border this layer needs; write pixels into it, then `run`.
    #[must_use]
    pub fn image(&self) -> Image {
        // One more column than the window needs, because a patch takes four pixels of a row.
        let width = self.window.width + 3;
        let bytes = Bytes::filled((self.window.height + 2) * width * PIXEL, self.border);
        Image { bytes, stride: width * PIXEL, height: self.window.height, width: self.window.width }
    }

    /// Scratch for `run`: one row of windows; reuse it between calls.
    #[must_use]
    pub fn scratch(&self) -> Bytes {
        Bytes::zeroed(self.window.output().1 * PATCH)
    }

    /// Writes the rows and columns of [`Window::output`].
    ///
    /// # Panics
    /// When the image or the scratch is not this layer's, or `out` has another length.
    pub fn run(&self, image: &Image, scratch: &mut Bytes, out: &mut [u8]) {
        let (rows, columns) = self.window.output();
        let n = padded(self.outputs);
        assert_eq!(out.len(), rows * columns * n, "output size");
        let [top, left, ..] = self.window.pad;
        for (y, out) in out.chunks_exact_mut(columns * n).enumerate() {
            for (x, patch) in scratch.chunks_exact_mut(PATCH).enumerate() {
                for (dy, part) in patch.chunks_exact_mut(4 * PIXEL).enumerate() {
                    let row = y * self.window.stride + dy + 1 - top;
                    let column = x * self.window.stride + 1 - left;
                    let from = row * image.stride + column * PIXEL;
                    part.copy_from_slice(&image.bytes[from..][..4 * PIXEL]);
                }
            }
            self.product.run(scratch, &[], out);
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
