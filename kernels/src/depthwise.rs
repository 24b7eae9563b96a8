//! Depthwise 3x3 convolution; in: `[height][width][padded(channels)]` u8, out: the same with its own height and width.

use std::ops::Range;

use crate::error::{LayerError, check_len};
use crate::pointwise::MAX_CHANNELS;
use crate::post::{CHANNELS, Post, PostPtr, padded};
use crate::simd::{Blocks, Kernels, Posts, Simd, Straight, dispatch, of_isa};
use crate::window::{Window, check_rows};
use crate::{Bytes, Isa, Requant};

/// A depthwise 3x3 convolution with everything that follows it.
#[derive(Clone)]
pub struct Depthwise {
    isa: Isa,
    window: Window,
    channels: usize,
    /// Bytes of a pixel.
    n: usize,
    /// `[9][n]`
    taps: Bytes,
    post: Post,
    /// The same in the order of the kernels' sums.
    ordered: Post,
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
        let channel = of_isa!(isa, CHANNEL);
        let ordered = post.ordered(|sum| channel(sum, n));
        let mut taps = Bytes::zeroed(9 * n);
        for (c, row) in weights.chunks_exact(9).enumerate() {
            for (t, &w) in row.iter().enumerate() {
                taps[t * n + c] = w as u8;
            }
        }
        let outside = Bytes::filled(n, requant.zero_in ^ isa.flip());
        Ok(Depthwise { isa, window, channels, n, taps, post, ordered, outside })
    }

    /// How it slides.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Reads height * width pixels and writes those of [`Window::output`], or as many rows of them as `out` holds.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub fn run(&self, x: &[u8], out: &mut [u8]) {
        let (rows, columns) = self.check(x);
        check_rows(out.len(), columns * self.n, rows);
        for (y, out) in out.chunks_exact_mut(columns * self.n).enumerate() {
            let line = &self.line(x, y, out.as_mut_ptr());
            // SAFETY: `line`'s promise; `out` holds `columns` pixels; `new` checked that the CPU has the instructions.
            unsafe {
                if self.window.stride == 1 {
                    dispatch!(self.isa, line_by_1(line: &Line))
                } else {
                    dispatch!(self.isa, line_by_2(line: &Line))
                }
            }
        }
    }

    /// Places that `run_floats` needs for the sums of a row; reuse them between calls.
    #[must_use]
    pub fn scratch(&self) -> Vec<i32> {
        vec![0; self.window.output().1 * self.n]
    }

    /// As `run`, without rounding: `(sum + bias) * pos`, whatever its sign, in pixels of as many f32 as there are channels.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub fn run_floats(&self, x: &[u8], scratch: &mut [i32], out: &mut [f32]) {
        let (rows, columns) = self.check(x);
        check_rows(out.len(), columns * self.channels, rows);
        let scratch = &mut scratch[..columns * self.n];
        let (bias, pos) = (&self.post.bias[..self.channels], &self.post.pos[..self.channels]);
        for (y, out) in out.chunks_exact_mut(columns * self.channels).enumerate() {
            let (line, sums) = (&self.line(x, y, std::ptr::null_mut()), scratch.as_mut_ptr());
            // SAFETY: `line`'s promise, and nothing is written to its `out`; `sums` holds n for each of `columns` pixels;
            // `new` checked that the CPU has the instructions.
            unsafe {
                if self.window.stride == 1 {
                    dispatch!(self.isa, sums_by_1(line: &Line, sums: *mut i32))
                } else {
                    dispatch!(self.isa, sums_by_2(line: &Line, sums: *mut i32))
                }
            }
            for (out, sums) in out.chunks_exact_mut(self.channels).zip(scratch.chunks_exact(self.n)) {
                for (((y, sum), bias), pos) in out.iter_mut().zip(sums).zip(bias).zip(pos) {
                    *y = sum.wrapping_add(*bias) as f32 * pos;
                }
            }
        }
    }

    /// Output rows and columns, for an input of the right size.
    fn check(&self, x: &[u8]) -> (usize, usize) {
        assert_eq!(x.len(), self.window.height * self.window.width * self.n, "input size");
        assert!(self.taps.len() >= 9 * self.n && self.outside.len() >= self.n, "packed weights are short");
        let channels = self.post.channels().min(self.ordered.channels());
        assert!(channels >= self.n, "requantisation is short");
        self.window.output()
    }

    /// Output row `y`. Each input row holds `width` pixels `step` bytes apart (one pixel with step 0 outside), `taps` 9 rows of
    /// n, `outside` n bytes, `post` and `ordered` at least n channels; n is a multiple of CHANNELS.
    fn line(&self, x: &[u8], y: usize, out: *mut u8) -> Line {
        let (stride, [top, left, ..]) = (self.window.stride, self.window.pad);
        let row_bytes = self.window.width * self.n;
        let rows = std::array::from_fn(|dy| match (y * stride + dy).checked_sub(top) {
            Some(y) if y < self.window.height => {
                Row { x: x[y * row_bytes..][..row_bytes].as_ptr(), step: self.n }
            }
            _ => Row { x: self.outside.as_ptr(), step: 0 },
        });
        Line {
            rows,
            width: self.window.width,
            left,
            columns: self.window.output().1,
            channels: self.channels,
            n: self.n,
            taps: self.taps.as_ptr().cast(),
            outside: self.outside.as_ptr(),
            out,
            post: self.post.at(0),
            ordered: self.ordered.at(0),
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
    /// Channels that are wanted, at most n.
    pub(crate) channels: usize,
    /// Bytes of a pixel, of input and output.
    pub(crate) n: usize,
    pub(crate) taps: *const i8,
    pub(crate) outside: *const u8,
    pub(crate) out: *mut u8,
    pub(crate) post: PostPtr,
    /// The same in the order of [`Blocks::channel`].
    pub(crate) ordered: PostPtr,
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

#[inline(always)]
unsafe fn sums_by_1<S: Kernels>(line: &Line, sums: *mut i32) {
    // SAFETY: the same contract.
    unsafe { S::line_sums::<1>(line, sums) }
}

#[inline(always)]
unsafe fn sums_by_2<S: Kernels>(line: &Line, sums: *mut i32) {
    // SAFETY: the same contract.
    unsafe { S::line_sums::<2>(line, sums) }
}

/// What becomes of the sums of windows.
///
/// # Safety
/// As for [`Simd`].
trait Finish<S: Simd, B: Blocks<S>>: Copy {
    /// `M` pixels from output `x` on, of the channels `c..c + DEPTH`, whose `posts` these are.
    unsafe fn pixels<const M: usize>(
        self,
        line: &Line,
        sums: &[B::Sums; M],
        posts: &Posts<S>,
        c: usize,
        x: usize,
    );
}

/// Activations in `line.out`.
#[derive(Clone, Copy)]
struct Activations;

impl<S: Simd, B: Blocks<S>> Finish<S, B> for Activations {
    #[inline(always)]
    unsafe fn pixels<const M: usize>(
        self,
        line: &Line,
        sums: &[B::Sums; M],
        posts: &Posts<S>,
        c: usize,
        x: usize,
    ) {
        // SAFETY: c + DEPTH <= n, and M pixels from x on are in the row (the caller).
        unsafe {
            B::finish(sums, posts, line.out.add(x * line.n + c), line.n);
        }
    }
}

/// The bare sums, n for each pixel.
#[derive(Clone, Copy)]
struct Sums(*mut i32);

impl<S: Simd> Finish<S, Straight> for Sums {
    #[inline(always)]
    unsafe fn pixels<const M: usize>(
        self,
        line: &Line,
        sums: &[S::Block; M],
        _: &Posts<S>,
        c: usize,
        x: usize,
    ) {
        for (m, block) in sums.iter().enumerate() {
            for (v, &sums) in block.as_ref().iter().enumerate() {
                // SAFETY: `self.0` has n sums for each pixel; c + DEPTH <= n, and M pixels from x on are in the row (the
                // caller).
                unsafe { S::store(sums, self.0.add((x + m) * line.n + c + v * S::LANES)) }
            }
        }
    }
}

/// Compiled for one factor and for two.
#[inline(always)]
pub(crate) unsafe fn one_line<S: Simd, const STRIDE: usize>(line: &Line) {
    // SAFETY: the same contract.
    unsafe {
        if line.post.one_factor {
            both::<S, STRIDE, true>(line);
        } else {
            both::<S, STRIDE, false>(line);
        }
    }
}

#[inline(always)]
pub(crate) unsafe fn sums_of_line<S: Simd, const STRIDE: usize>(line: &Line, sums: *mut i32) {
    // SAFETY: the same contract.
    unsafe { windows::<S, Straight, Sums, STRIDE>(line, 0..line.channels, line.post, Sums(sums)) }
}

/// The largest blocks, and what is left in the smallest.
#[inline(always)]
unsafe fn both<S: Simd, const STRIDE: usize, const ONE_FACTOR: bool>(line: &Line) {
    let depth = <S::Blocks as Blocks<S>>::DEPTH;
    // A block may reach into the padding.
    let (whole, post) = (line.n / depth * depth, PostPtr { one_factor: ONE_FACTOR, ..line.ordered });
    // SAFETY: the same contract; what is no whole block is in order.
    unsafe {
        windows::<S, S::Blocks, Activations, STRIDE>(line, 0..whole.min(line.channels), post, Activations);
        // Of blocks no larger than what channels are padded to, none is left.
        if depth > CHANNELS {
            windows::<S, Straight, Activations, STRIDE>(line, whole..line.channels, post, Activations);
        }
    }
}

/// Blocks of channels, then columns from left to right: a column is read once and used by all windows that see it.
#[inline(always)]
unsafe fn windows<S: Simd, B: Blocks<S>, F: Finish<S, B>, const STRIDE: usize>(
    line: &Line,
    channels: Range<usize>,
    post: PostPtr,
    finish: F,
) {
    // Outputs, from the left, whose last column is inside the picture.
    let inside = match (line.width + line.left).checked_sub(3) {
        Some(last) => (last / STRIDE + 1).min(line.columns),
        None => 0,
    };
    for c in channels.step_by(B::DEPTH) {
        // SAFETY: c + DEPTH <= n, of which DEPTH is a divisor, so every access stays inside its pixel; of the picture,
        // `width` columns are taken at most: all but the border's.
        unsafe {
            let outside = B::column([line.outside.add(c); 3]);
            let (taps, posts) = (B::taps(line.taps.add(c), line.n), &Posts::<S>::new(post.add(c), B::DEPTH));
            let mut next = line.rows;
            for row in &mut next {
                row.x = row.x.add(c);
            }
            // What `slide` moves to the left: the columns before the first output's last, or last two.
            let mut window = [outside; 3];
            if line.left == 0 {
                window[2] = take::<S, B>(&mut next);
            }
            if STRIDE == 1 {
                window[1] = window[2];
                window[2] = if line.width + line.left > 1 { take::<S, B>(&mut next) } else { outside };
            }
            let mut x = 0;
            // Where a block is one vector, four pixels together: writing them is then cheaper.
            while B::DEPTH == S::LANES && x + 4 <= inside {
                window = slide::<S, B, STRIDE>(window, &mut next);
                let mut sums = [B::window(window, &taps); 4];
                for sums in sums.iter_mut().skip(1) {
                    window = slide::<S, B, STRIDE>(window, &mut next);
                    *sums = B::window(window, &taps);
                }
                finish.pixels(line, &sums, posts, c, x);
                x += 4;
            }
            // Three by three, after which each column is in its place again.
            while B::DEPTH > S::LANES && x + 3 <= inside {
                // Not as a loop, which would stay one.
                let first = slide::<S, B, STRIDE>(window, &mut next);
                finish.pixels(line, &[B::window(first, &taps)], posts, c, x);
                let second = slide::<S, B, STRIDE>(first, &mut next);
                finish.pixels(line, &[B::window(second, &taps)], posts, c, x + 1);
                window = slide::<S, B, STRIDE>(second, &mut next);
                finish.pixels(line, &[B::window(window, &taps)], posts, c, x + 2);
                x += 3;
            }
            while x < line.columns {
                window = if x < inside {
                    slide::<S, B, STRIDE>(window, &mut next)
                } else if STRIDE == 1 {
                    [window[1], window[2], outside]
                } else {
                    [window[2], take::<S, B>(&mut next), outside]
                };
                finish.pixels(line, &[B::window(window, &taps)], posts, c, x);
                x += 1;
            }
        }
    }
}

/// The next column of the picture.
#[inline(always)]
unsafe fn take<S: Simd, B: Blocks<S>>(next: &mut [Row; 3]) -> B::Column {
    // SAFETY: the caller promises that there is one.
    let column = unsafe { B::column([next[0].x, next[1].x, next[2].x]) };
    for row in next {
        row.x = row.x.wrapping_add(row.step);
    }
    column
}

/// The window of the next output.
#[inline(always)]
unsafe fn slide<S: Simd, B: Blocks<S>, const STRIDE: usize>(
    window: [B::Column; 3],
    next: &mut [Row; 3],
) -> [B::Column; 3] {
    // SAFETY: the caller promises that there are as many columns.
    unsafe {
        if STRIDE == 1 {
            [window[1], window[2], take::<S, B>(next)]
        } else {
            let middle = take::<S, B>(next);
            [window[2], middle, take::<S, B>(next)]
        }
    }
}
