//! 1x1 convolution; in: `[pixels][padded(inputs)]` u8, out: `[pixels][padded(outputs)]` u8.
//! Nearly all the work of a MobileNet is here. Also the product behind the stem and the dense layer.

use std::mem::MaybeUninit;

use crate::error::{LayerError, check_len};
use crate::pack::{Order, pack};
use crate::post::{Post, PostPtr, padded};
use crate::simd::{Kernels, Other, Posts, Simd, dispatch, finish_rows, finish_rows_with, of_isa};
use crate::{Bytes, Isa, Requant, Term};

/// Largest channel count accepted; far above any network's.
pub(crate) const MAX_CHANNELS: usize = 1 << 20;

/// Inputs in one pass over all outputs: as bytes, these and one panel of weights fit a first-level cache of 32 KiB.
const BLOCK: usize = 16 * 1024;

/// A 1x1 convolution with everything that follows it, including an optional residual.
#[derive(Clone)]
pub struct Pointwise {
    product: Product,
    post: Post,
    residual: Option<Term>,
}

impl Pointwise {
    /// `weights` is `[outputs][inputs]`, -127..=127; `requant` has `outputs` channels.
    ///
    /// # Errors
    /// When `isa` is not available, a length is wrong or a sum could overflow.
    pub fn new(isa: Isa, inputs: usize, weights: &[i8], requant: &Requant<'_>) -> Result<Self, LayerError> {
        let outputs = requant.bias.len();
        let product = Product::new(isa, inputs, outputs, weights)?;
        let post = Post::new(requant, isa.flip(), weights.chunks_exact(inputs))?;
        Ok(Pointwise { product, post, residual: None })
    }

    /// The same with `(q - term.zero) * term.factor` of another picture added before rounding.
    ///
    /// # Errors
    /// When the factor is out of range.
    pub fn adding(self, term: Term) -> Result<Self, LayerError> {
        if term.factor.abs() < 1000.0 {
            Ok(Pointwise { residual: Some(term), ..self })
        } else {
            Err(LayerError::NotFinite(0))
        }
    }

    /// Any number of pixels; lengths are in bytes and must be whole pixels, as many in as out. `other` is what
    /// [`Pointwise::adding`] adds, as long as the output; empty when nothing is added.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub fn run(&self, x: &[u8], other: &[u8], out: &mut [u8]) {
        let (k, n) = (self.product.k, padded(self.product.outputs));
        let pixels = x.len() / k;
        let panels = n.next_multiple_of(of_isa!(self.product.isa, NR));
        assert!(self.product.packed.len() >= panels * k, "packed weights are short");
        assert!(self.post.channels() >= panels, "requantisation is short");
        assert_eq!(x.len(), pixels * k, "input is not whole pixels");
        assert_eq!(out.len(), pixels * n, "output and input differ in size");
        let flip = i32::from(self.product.isa.flip());
        let other = self.residual.map(|term| {
            assert_eq!(other.len(), out.len(), "residual and output differ in size");
            Other { bytes: other.as_ptr(), zero: i32::from(term.zero) - flip, factor: term.factor }
        });
        let job = &Job {
            x: x.as_ptr(),
            k,
            pixels,
            w: self.product.packed.as_ptr().cast(),
            outputs: self.product.outputs,
            n,
            out: out.as_mut_ptr(),
            post: self.post.at(0),
            other,
        };
        // SAFETY: `x` holds `pixels` rows of k bytes, `out` and `other` as many of n (asserted); the packed
        // weights cover n channels in whole panels of k * NR, and `post` has as many channels (both
        // asserted; n is a multiple of LANES); `Product::new` checked that the CPU has the instructions.
        unsafe { dispatch!(self.product.isa, pointwise(job: &Job)) }
    }
}

/// Packed weights of a matrix product.
#[derive(Clone)]
pub(crate) struct Product {
    isa: Isa,
    /// Bytes of a pixel that are read: the inputs, padded.
    k: usize,
    outputs: usize,
    packed: Bytes,
}

impl Product {
    pub(crate) fn new(isa: Isa, inputs: usize, outputs: usize, weights: &[i8]) -> Result<Self, LayerError> {
        if !isa.is_available() {
            return Err(LayerError::Unavailable(isa));
        }
        if inputs == 0 || inputs > MAX_CHANNELS {
            return Err(LayerError::Dimension("inputs"));
        }
        if outputs == 0 || outputs > MAX_CHANNELS {
            return Err(LayerError::Dimension("outputs"));
        }
        check_len("weights", weights.len(), inputs * outputs)?;
        let isa = isa.for_outputs(outputs);
        let order = Order { nr: of_isa!(isa, NR), kg: of_isa!(isa, KG) };
        let k = padded(inputs);
        // Whole panels up to the padded outputs: `run` walks all that are stored.
        let packed = pack(order, outputs, padded(outputs), k, |n| &weights[n * inputs..][..inputs]);
        Ok(Product { isa, k, outputs, packed })
    }

    /// The bare sums of one pixel; `sums` has at least `outputs` places and is written up to there.
    pub(crate) fn sums_of_one(&self, x: &[u8], sums: &mut [i32]) {
        assert_eq!(x.len(), self.k, "input has the wrong size");
        let room = self.outputs.next_multiple_of(of_isa!(self.isa, NR));
        assert!(sums.len() >= room, "no room for the sums");
        assert!(self.packed.len() >= room * self.k, "packed weights are short");
        let (x, k, w, sums) = (x.as_ptr(), self.k, self.packed.as_ptr().cast::<i8>(), sums.as_mut_ptr());
        // SAFETY: `x` holds k bytes, `packed` room / NR panels, `sums` room values (all asserted or by
        // construction); `Product::new` checked that the CPU has the instructions.
        unsafe {
            dispatch!(self.isa, sums_of(x: *const u8, k: usize, w: *const i8, room: usize, sums: *mut i32))
        }
    }

    /// Bytes of one pixel.
    pub(crate) fn input_len(&self) -> usize {
        self.k
    }

    /// Values that `sums_of_one` needs.
    pub(crate) fn room(&self) -> usize {
        self.outputs.next_multiple_of(of_isa!(self.isa, NR))
    }
}

/// What one call works on.
#[derive(Clone, Copy)]
pub(crate) struct Job {
    pub(crate) x: *const u8,
    pub(crate) k: usize,
    pub(crate) pixels: usize,
    pub(crate) w: *const i8,
    /// Outputs that are wanted; what is written into the rest of a pixel has no meaning.
    pub(crate) outputs: usize,
    /// Bytes of an output pixel.
    pub(crate) n: usize,
    pub(crate) out: *mut u8,
    pub(crate) post: PostPtr,
    /// Laid out like `out`.
    pub(crate) other: Option<Other>,
}

impl Job {
    /// The part of the job whose output begins `bytes` further on.
    ///
    /// # Safety
    /// `bytes` must be inside the output.
    #[inline(always)]
    pub(crate) unsafe fn further(self, bytes: usize) -> Job {
        // SAFETY: `out` and `other` are of one size; the caller promises that it is inside.
        unsafe { Job { out: self.out.add(bytes), other: self.other.map(|o| o.add(bytes)), ..self } }
    }
}

/// Compiled with and without the residual, and for one factor or two, so that no tile has to test for it: one instruction in a
/// hundred on NEON. With a residual, a negative sum may still end above the least byte, so its own factor is needed.
#[inline(always)]
unsafe fn pointwise<S: Kernels>(job: &Job) {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        match job.other {
            None if job.post.one_factor => blocks::<S, true>(&Job { other: None, ..*job }),
            None => blocks::<S, false>(&Job { other: None, ..*job }),
            other @ Some(_) => blocks::<S, false>(&Job { other, ..*job }),
        }
    }
}

/// Loops over blocks of pixels that stay in the first-level cache, then panels of outputs, then tiles.
#[inline(always)]
unsafe fn blocks<S: Kernels, const ONE_FACTOR: bool>(job: &Job) {
    let job = &Job { post: PostPtr { one_factor: ONE_FACTOR, ..job.post }, ..*job };
    let block = S::MR * (BLOCK / (job.k * S::MR)).max(1);
    let mut wide = Wide::for_inputs(if S::WIDE { block * job.k } else { 0 });
    let mut first = 0;
    while first < job.pixels {
        let pixels = block.min(job.pixels - first);
        let mut n = 0;
        // SAFETY: rows first..first + pixels, for which `wide` has room; panel n / NR, channels n.. below job.n.
        unsafe {
            let x = job.x.add(first * job.k);
            let x = if S::WIDE { wide.fill(x, pixels * job.k) } else { x };
            while n < job.outputs {
                let panel = Job {
                    x,
                    pixels,
                    w: job.w.add(n * job.k),
                    post: job.post.add(n),
                    ..job.further(first * job.n + n)
                };
                S::panel(&panel, S::NR.min(job.n - n));
                n += S::NR;
            }
        }
        first += pixels;
    }
}

/// `width` <= NR outputs of some pixels, in tiles of nearly equal size: first the larger ones.
#[inline(always)]
pub(crate) unsafe fn one_panel<S: Simd>(job: &Job, width: usize) {
    let count = job.pixels.div_ceil(S::MR);
    let (size, larger) = (job.pixels / count, job.pixels % count);
    // SAFETY: a panel is NR channels, of which `post` has whole ones.
    let posts = &unsafe { Posts::<S>::new(job.post, S::NR) };
    let mut job = *job;
    for (size, count) in [(size + 1, larger), (size, count - larger)] {
        if count == 0 {
            continue;
        }
        // SAFETY: the tiles' sizes sum to `pixels`; a size is at most MR, since `count` was rounded up.
        unsafe {
            match size {
                1 => tiles::<S, 1>(&mut job, width, posts, count),
                2 => tiles::<S, 2>(&mut job, width, posts, count),
                3 if S::MR >= 3 => tiles::<S, 3>(&mut job, width, posts, count),
                4 if S::MR >= 4 => tiles::<S, 4>(&mut job, width, posts, count),
                5 if S::MR >= 5 => tiles::<S, 5>(&mut job, width, posts, count),
                6 if S::MR >= 6 => tiles::<S, 6>(&mut job, width, posts, count),
                7 if S::MR >= 7 => tiles::<S, 7>(&mut job, width, posts, count),
                8 if S::MR >= 8 => tiles::<S, 8>(&mut job, width, posts, count),
                9 if S::MR >= 9 => tiles::<S, 9>(&mut job, width, posts, count),
                10 if S::MR >= 10 => tiles::<S, 10>(&mut job, width, posts, count),
                11 if S::MR >= 11 => tiles::<S, 11>(&mut job, width, posts, count),
                12 if S::MR >= 12 => tiles::<S, 12>(&mut job, width, posts, count),
                _ => unreachable!("a tile has 1 to MR pixels"),
            }
        }
    }
}

/// `count` tiles of `M` pixels; `job` goes on behind them.
#[inline(always)]
unsafe fn tiles<S: Simd, const M: usize>(job: &mut Job, width: usize, posts: &Posts<S>, count: usize) {
    for _ in 0..count {
        // SAFETY: what the caller promises; `x` moves to the end of its pixels at most.
        unsafe {
            one_tile::<S, M>(job, width, posts);
            job.x = job.x.add(M * stride::<S>(job.k));
        }
        // Behind the last tile of a panel there may be no output: a pointer that is not read.
        job.out = job.out.wrapping_add(M * job.n);
        job.other = job.other.map(|o| Other { bytes: o.bytes.wrapping_add(M * job.n), ..o });
    }
}

#[inline(always)]
unsafe fn one_tile<S: Simd, const M: usize>(job: &Job, width: usize, posts: &Posts<S>) {
    // SAFETY: M pixels of k bytes, a panel of weights; then M rows of `width` bytes, a whole panel or what is left of n: either
    // is a multiple of LANES.
    unsafe {
        let sums = S::tile::<M>(job.x, stride::<S>(job.k), job.w, job.k);
        match job.other {
            None => finish_rows::<S, S::Row, M>(&sums, width, posts, job.out, job.n),
            Some(other) => {
                finish_rows_with::<S, S::Row, M>(&sums, width, job.post, other, (job.out, job.n));
            }
        }
    }
}

/// Bytes of a pixel of `k` inputs as tiles read it.
#[inline(always)]
const fn stride<S: Simd>(k: usize) -> usize {
    if S::WIDE { 2 * k } else { k }
}

#[inline(always)]
unsafe fn sums_of<S: Kernels>(x: *const u8, k: usize, w: *const i8, room: usize, sums: *mut i32) {
    // SAFETY: the caller's promises, passed on.
    unsafe { S::sums(x, k, w, room, sums) }
}

#[inline(always)]
pub(crate) unsafe fn one_pixel<S: Simd>(x: *const u8, k: usize, w: *const i8, room: usize, sums: *mut i32) {
    if S::WIDE {
        // SAFETY: the caller's promises, passed on.
        return unsafe { one_wide_pixel::<S>(x, k, w, room, sums) };
    }
    for n in (0..room).step_by(S::NR) {
        // SAFETY: `room` is whole panels (the caller); each panel has k * NR weights.
        unsafe {
            let [row] = S::tile::<1>(x, k, w.add(n * k), k);
            for (v, &vector) in row.as_ref().iter().enumerate() {
                S::store(vector, sums.add(n + v * S::LANES));
            }
        }
    }
}

/// As many inputs at a time as `Wide` holds without an allocation.
#[inline(always)]
unsafe fn one_wide_pixel<S: Simd>(x: *const u8, k: usize, w: *const i8, room: usize, sums: *mut i32) {
    let mut wide = Wide::for_inputs(BLOCK.min(k));
    for first in (0..k).step_by(BLOCK) {
        let inputs = BLOCK.min(k - first);
        for n in (0..room).step_by(S::NR) {
            // SAFETY: inputs first..first + inputs (both multiples of 16) of x and of each panel of k * NR weights; a
            // row is NR = LANES * its length sums, of which there is room (the caller).
            unsafe {
                let x = if n == 0 { wide.fill(x.add(first), inputs) } else { wide.start() };
                let [row] = S::tile::<1>(x, 2 * inputs, w.add(n * k + first * S::NR), inputs);
                for (v, &vector) in row.as_ref().iter().enumerate() {
                    let to = sums.add(n + v * S::LANES);
                    S::store(if first == 0 { vector } else { S::plus(vector, to) }, to);
                }
            }
        }
    }
}

/// Bytes widened to 16 bits.
#[repr(C, align(64))]
struct Wide {
    few: [MaybeUninit<u16>; BLOCK],
    /// In place of `few` where a tile has more: no network here has such a layer.
    many: Vec<MaybeUninit<u16>>,
}

impl Wide {
    #[inline(always)]
    fn for_inputs(inputs: usize) -> Wide {
        let many = if inputs > BLOCK { vec![MaybeUninit::uninit(); inputs] } else { Vec::new() };
        Wide { few: [MaybeUninit::uninit(); BLOCK], many }
    }

    #[inline(always)]
    fn start(&mut self) -> *const u8 {
        if self.many.is_empty() { self.few.as_ptr().cast() } else { self.many.as_ptr().cast() }
    }

    /// The `inputs` bytes at `x` in 16 bits each.
    ///
    /// # Safety
    /// There are that many, and no more than this was made for.
    #[inline(always)]
    unsafe fn fill(&mut self, x: *const u8, inputs: usize) -> *const u8 {
        let to = if self.many.is_empty() { &mut self.few[..inputs] } else { &mut self.many[..inputs] };
        for (i, to) in to.iter_mut().enumerate() {
            // SAFETY: the caller promises `inputs` bytes.
            to.write(u16::from(unsafe { *x.add(i) }));
        }
        self.start()
    }
}
