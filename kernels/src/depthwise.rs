//! Depthwise 3x3 convolution; in: `[height][width][padded(channels)]` u8, out: the same with its own height and width.

use crate::error::{LayerError, check_len};
use crate::pointwise::MAX_CHANNELS;
use crate::post::{Post, PostPtr, padded};
use crate::simd::{Kernels, Simd, dispatch, finish_rows};
use crate::{Bytes, Isa, Requant};

/// Height, width, stride and padding of a 3x3 window that slides over a picture. Pixels outside the picture
/// have the value of the zero point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Input rows.
    pub height: usize,
    /// Input columns.
    pub width: usize,
    /// 1 or 2, in both directions.
    pub stride: usize,
    /// Rows or columns added: top, left, bottom, right; each 0 or 1.
    pub pad: [usize; 4],
}

/// Largest height and width accepted.
const MAX_SIDE: usize = 1 << 14;

impl Window {
    /// Output rows and columns.
    #[must_use]
    pub fn output(&self) -> (usize, usize) {
        let [top, left, bottom, right] = self.pad;
        (
            (self.height + top + bottom).saturating_sub(3) / self.stride + 1,
            (self.width + left + right).saturating_sub(3) / self.stride + 1,
        )
    }

    pub(crate) fn check(&self) -> Result<(), LayerError> {
        let [top, left, bottom, right] = self.pad;
        let side = |size: usize, before: usize, after: usize| {
            (1..=MAX_SIDE).contains(&size) && before <= 1 && after <= 1 && size + before + after >= 3
        };
        if !(1..=2).contains(&self.stride) {
            return Err(LayerError::Dimension("stride"));
        }
        if !side(self.height, top, bottom) {
            return Err(LayerError::Dimension("height"));
        }
        if !side(self.width, left, right) {
            return Err(LayerError::Dimension("width"));
        }
        Ok(())
    }
}

/// A depthwise 3x3 convolution with everything that follows it.
#[derive(Clone)]
pub struct Depthwise {
    isa: Isa,
    window: Window,
    /// Bytes of a pixel.
    n: usize,
    /// `[9][n]`
    taps: Bytes,
    post: Post,
    /// A pixel of zero points, for rows outside the picture.
    outside: Bytes,
}

impl Depthwise {
    /// `weights` is `[channels][3][3]`, -127..=127; `requant` has `channels` channels.
    ///
    /// # Errors
    /// When `isa` is not available, a length is wrong or a sum could overflow.
    pub fn new(isa: Isa, window: Window, weights: &[i8], requant: &Requant<'_>) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        window.check()?;
        let channels = requant.bias.len();
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(LayerError::Dimension("channels"));
        }
        check_len("weights", weights.len(), channels * 9)?;
        let post = Post::new(requant, isa.flip(), weights.chunks_exact(9))?;
        let n = padded(channels);
        let mut taps = Bytes::zeroed(9 * n);
        for (c, row) in weights.chunks_exact(9).enumerate() {
            for (t, &w) in row.iter().enumerate() {
                taps[t * n + c] = w as u8;
            }
        }
        let outside = Bytes::filled(n, requant.zero_in ^ isa.flip());
        Ok(Depthwise { isa, window, n, taps, post, outside })
    }

    /// Reads height * width pixels and writes those of [`Window::output`].
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub fn run(&self, x: &[u8], out: &mut [u8]) {
        let (rows, columns) = self.window.output();
        assert_eq!(x.len(), self.window.height * self.window.width * self.n, "input size");
        assert_eq!(out.len(), rows * columns * self.n, "output size");
        assert!(self.taps.len() >= 9 * self.n && self.outside.len() >= self.n, "packed weights are short");
        assert!(self.post.channels() >= self.n, "requantisation is short");
        let (stride, [top, left, ..]) = (self.window.stride, self.window.pad);
        let row_bytes = self.window.width * self.n;
        for (y, out) in out.chunks_exact_mut(columns * self.n).enumerate() {
            let rows: [Row; 3] = std::array::from_fn(|dy| match (y * stride + dy).checked_sub(top) {
                Some(y) if y < self.window.height => {
                    Row { x: x[y * row_bytes..][..row_bytes].as_ptr(), step: self.n }
                }
                _ => Row { x: self.outside.as_ptr(), step: 0 },
            });
            let line = &Line {
                rows,
                width: self.window.width,
                left,
                columns,
                n: self.n,
                taps: self.taps.as_ptr().cast(),
                outside: self.outside.as_ptr(),
                out: out.as_mut_ptr(),
                post: self.post.at(0),
            };
            // SAFETY: each row holds `width` pixels `step` bytes apart (one pixel with step 0 outside), `taps`
            // 9 rows of n, `outside` n bytes, `out` `columns` pixels, `post` at least n channels, n is a
            // multiple of CHANNELS; `new` checked that the CPU has the instructions.
            unsafe {
                if stride == 1 {
                    dispatch!(self.isa, line_by_1(line: &Line))
                } else {
                    dispatch!(self.isa, line_by_2(line: &Line))
                }
            }
        }
    }
}

/// One input row: pixel i at `x + i * step`.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) x: *const u8,
    pub(crate) step: usize,
}

/// Inputs of one output row.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(crate) rows: [Row; 3],
    pub(crate) width: usize,
    pub(crate) left: usize,
    pub(crate) columns: usize,
    pub(crate) n: usize,
    pub(crate) taps: *const i8,
    pub(crate) outside: *const u8,
    pub(crate) out: *mut u8,
    pub(crate) post: PostPtr,
}

#[inline(always)]
unsafe fn line_by_1<S: Kernels>(line: &Line) {
    // SAFETY: the same contract.
    unsafe { S::line::<1>(line) }
}

#[inline(always)]
unsafe fn line_by_2<S: Kernels>(line: &Line) {
    // SAFETY: the same contract.
    unsafe { S::line::<2>(line) }
}

/// Blocks of channels, then columns from left to right: a column is read once and used by all windows that see it.
#[inline(always)]
pub(crate) unsafe fn one_line<S: Simd, const STRIDE: usize>(line: &Line) {
    for c in (0..line.n).step_by(S::DEPTH) {
        // SAFETY: c + DEPTH <= n, so every access stays inside its pixel; `column` reads only columns of
        // the picture or the pixel of zero points.
        unsafe {
            let outside = S::column([line.outside.add(c); 3]);
            let column = |i: usize| match i.checked_sub(line.left) {
                Some(i) if i < line.width => S::column(line.rows.map(|row| row.x.add(i * row.step + c))),
                _ => outside,
            };
            let taps = S::taps(line.taps.add(c), line.n);
            let mut window = [outside, column(0), column(1)];
            for x in 0..line.columns {
                if STRIDE == 1 {
                    window = if x == 0 {
                        [window[1], window[2], column(2)]
                    } else {
                        [window[1], window[2], column(x + 2)]
                    };
                } else {
                    window = if x == 0 {
                        [window[1], window[2], column(2)]
                    } else {
                        [window[2], column(2 * x + 1), column(2 * x + 2)]
                    };
                }
                let sums = S::window(window, &taps);
                finish_rows::<S, S::Block, 1>(
                    &[sums],
                    S::DEPTH,
                    line.post.add(c),
                    line.out.add(x * line.n + c),
                    0,
                );
            }
        }
    }
}
