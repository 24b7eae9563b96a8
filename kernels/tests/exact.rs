//! Checks every layer on every instruction set of this CPU against a plain loop, bit for bit.
#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use facelatch_kernels::{
    Add, Bytes, Dense, Depthwise, GlobalDepthwise, Isa, MaxPool, PIXEL, Pointwise, Requant, Stem, Term,
    Window, padded,
};
use proptest::prelude::*;

/// Numbers from a seed; proptest shrinks the shapes, not the bytes.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        // Extremes are common, because that is where sums overflow.
        (0..n)
            .map(|_| {
                if self.next().is_multiple_of(4) {
                    [0, 255][self.next() as usize % 2]
                } else {
                    self.next() as u8
                }
            })
            .collect()
    }

    fn weights(&mut self, n: usize) -> Vec<i8> {
        self.bytes(n).into_iter().map(|b| (b as i8).max(-127)).collect()
    }

    fn float(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() % 65_536) as f32 / 65_536.0
    }
}

/// An owned [`Requant`].
struct Out {
    bias: Vec<i32>,
    pos: Vec<f32>,
    neg: Vec<f32>,
    zero_in: u8,
    zero_out: u8,
}

impl Out {
    /// `fan_in` products in each sum; about half of all outputs are not clamped.
    fn new(noise: &mut Noise, channels: usize, fan_in: usize) -> Out {
        let typical = 60.0 / (64.0 * 96.0 * (fan_in as f32).sqrt());
        let (bound, pos) =
            (20_000, (0..channels).map(|_| noise.float(0.2, 2.0) * typical).collect::<Vec<_>>());
        // One factor serves both signs in two cases: no activation, or a zero point of 0 and no negative factor.
        let (slopes, zero_out): (&[f32], _) = match noise.next() % 4 {
            0 => (&[1.0], noise.next() as u8),
            1 => (&[0.0, 1.0, 0.25], 0),
            _ => (&[0.0, 1.0, 0.25, -0.5, 1.5], [0, noise.next() as u8][noise.next() as usize % 2]),
        };
        Out {
            bias: (0..channels).map(|_| noise.next() as i32 % bound - bound / 2).collect(),
            neg: pos.iter().map(|p| p * slopes[noise.next() as usize % slopes.len()]).collect(),
            pos,
            zero_in: noise.next() as u8,
            zero_out,
        }
    }

    fn view(&self) -> Requant<'_> {
        Requant {
            bias: &self.bias,
            pos: &self.pos,
            neg: &self.neg,
            zero_in: self.zero_in,
            zero_out: self.zero_out,
        }
    }

    fn finish(&self, c: usize, products: i64) -> u8 {
        self.finish_with(c, products, 0.0)
    }

    fn finish_with(&self, c: usize, products: i64, added: f32) -> u8 {
        let sum = i32::try_from(products + i64::from(self.bias[c])).unwrap();
        let scaled = sum as f32 * if sum < 0 { self.neg[c] } else { self.pos[c] } + added;
        (scaled.round_ties_even() as i32 + i32::from(self.zero_out)).clamp(0, 255) as u8
    }
}

fn x_w(x: u8, zero: u8, w: i8) -> i64 {
    (i64::from(x) - i64::from(zero)) * i64::from(w)
}

/// [pixels][channels] to [pixels][padded(channels)] as `isa` stores it; the padding is noise.
fn stored(isa: Isa, x: &[u8], channels: usize, noise: &mut Noise) -> Bytes {
    let n = padded(channels);
    let mut bytes = Bytes::zeroed(x.len() / channels * n);
    for (to, from) in bytes.chunks_exact_mut(n).zip(x.chunks_exact(channels)) {
        to.copy_from_slice(&noise.bytes(n));
        for (to, from) in to.iter_mut().zip(from) {
            *to = from ^ isa.flip();
        }
    }
    bytes
}

/// The inverse of `stored`.
fn plain(isa: Isa, bytes: &[u8], channels: usize) -> Vec<u8> {
    bytes.chunks_exact(padded(channels)).flat_map(|p| p[..channels].iter().map(|b| b ^ isa.flip())).collect()
}

fn window(noise: &mut Noise, height: usize, width: usize, stride: usize) -> Window {
    let mut pad = [0; 4].map(|_: usize| noise.next() as usize % 2);
    (0..2).for_each(|i| {
        if [height, width][i] < 3 {
            (pad[i], pad[i + 2]) = (1, 1)
        }
    });
    Window { height, width, stride, pad }
}

/// Calls `f(output y, output x, tap, input index or None outside)` for each tap of each window.
fn each_tap(w: &Window, mut f: impl FnMut(usize, usize, usize, Option<usize>)) {
    let (rows, columns) = w.output();
    for (y, x, t) in (0..rows * columns * 9).map(|i| (i / 9 / columns, i / 9 % columns, i % 9)) {
        let row = (y * w.stride + t / 3).checked_sub(w.pad[0]).filter(|r| *r < w.height);
        let column = (x * w.stride + t % 3).checked_sub(w.pad[1]).filter(|c| *c < w.width);
        f(y, x, t, row.zip(column).map(|(r, c)| r * w.width + c));
    }
}

fn check_pointwise(seed: u64, pixels: usize, inputs: usize, outputs: usize) {
    let mut noise = Noise(seed);
    let (x, w) = (noise.bytes(pixels * inputs), noise.weights(inputs * outputs));
    let out = Out::new(&mut noise, outputs, inputs);
    let mut want = Vec::new();
    for x in x.chunks_exact(inputs) {
        for (c, w) in w.chunks_exact(inputs).enumerate() {
            want.push(out.finish(c, x.iter().zip(w).map(|(x, w)| x_w(*x, out.zero_in, *w)).sum()));
        }
    }
    for isa in Isa::all_available() {
        let layer = Pointwise::new(isa, inputs, &w, &out.view()).unwrap();
        let mut got = Bytes::zeroed(pixels * padded(outputs));
        layer.run(&stored(isa, &x, inputs, &mut noise), &[], &mut got);
        assert_eq!(plain(isa, &got, outputs), want, "{isa}");
    }
}

fn check_residual(seed: u64, pixels: usize, inputs: usize, outputs: usize) {
    let mut noise = Noise(seed);
    let (x, w) = (noise.bytes(pixels * inputs), noise.weights(inputs * outputs));
    let (other, out) = (noise.bytes(pixels * outputs), Out::new(&mut noise, outputs, inputs));
    let term = Term { zero: noise.next() as u8, factor: noise.float(-2.0, 2.0) };
    let mut want = Vec::new();
    for (x, other) in x.chunks_exact(inputs).zip(other.chunks_exact(outputs)) {
        for (c, w) in w.chunks_exact(inputs).enumerate() {
            let products = x.iter().zip(w).map(|(x, w)| x_w(*x, out.zero_in, *w)).sum();
            let added = (i32::from(other[c]) - i32::from(term.zero)) as f32 * term.factor;
            want.push(out.finish_with(c, products, added));
        }
    }
    for isa in Isa::all_available() {
        let layer = Pointwise::new(isa, inputs, &w, &out.view()).unwrap().adding(term).unwrap();
        let mut got = Bytes::zeroed(pixels * padded(outputs));
        let (x, other) = (stored(isa, &x, inputs, &mut noise), stored(isa, &other, outputs, &mut noise));
        layer.run(&x, &other, &mut got);
        assert_eq!(plain(isa, &got, outputs), want, "{isa}");
    }
}

fn check_depthwise(seed: u64, (height, width, channels): (usize, usize, usize), stride: usize) {
    let mut noise = Noise(seed);
    let window = window(&mut noise, height, width, stride);
    let (x, w) = (noise.bytes(height * width * channels), noise.weights(channels * 9));
    let out = Out::new(&mut noise, channels, 9);
    let (rows, columns) = window.output();
    let mut sums = vec![0; rows * columns * channels];
    each_tap(&window, |oy, ox, t, from| {
        for c in 0..channels {
            let x = from.map_or(out.zero_in, |i| x[i * channels + c]);
            sums[(oy * columns + ox) * channels + c] += x_w(x, out.zero_in, w[c * 9 + t]);
        }
    });
    let want: Vec<u8> = sums.iter().enumerate().map(|(i, s)| out.finish(i % channels, *s)).collect();
    let float =
        |(i, s): (usize, &i64)| (s + i64::from(out.bias[i % channels])) as i32 as f32 * out.pos[i % channels];
    let floats: Vec<f32> = sums.iter().enumerate().map(float).collect();
    for isa in Isa::all_available() {
        let layer = Depthwise::new(isa, window, &w, &out.view()).unwrap();
        let mut got = Bytes::zeroed(rows * columns * padded(channels));
        layer.run(&stored(isa, &x, channels, &mut noise), &mut got);
        assert_eq!(plain(isa, &got, channels), want, "{isa} {window:?}");
        let mut upper = Bytes::zeroed(rows / 2 * columns * padded(channels));
        layer.run(&stored(isa, &x, channels, &mut noise), &mut upper);
        assert_eq!(plain(isa, &upper, channels), want[..rows / 2 * columns * channels], "{isa} {window:?}");
        let mut got = vec![0.0; floats.len()];
        layer.run_floats(&stored(isa, &x, channels, &mut noise), &mut layer.scratch(), &mut got);
        assert_eq!(got, floats, "{isa} {window:?}");
    }
}

fn check_stem(seed: u64, (height, width, channels): (usize, usize, usize), outputs: usize, stride: usize) {
    let mut noise = Noise(seed);
    let window = window(&mut noise, height, width, stride);
    let (x, w) = (noise.bytes(height * width * channels), noise.weights(outputs * channels * 9));
    let out = Out::new(&mut noise, outputs, channels * 9);
    let (rows, columns) = window.output();
    let mut sums = vec![0; rows * columns * outputs];
    each_tap(&window, |oy, ox, t, from| {
        for (n, c) in (0..outputs * channels).map(|i| (i / channels, i % channels)) {
            let x = from.map_or(out.zero_in, |i| x[i * channels + c]);
            sums[(oy * columns + ox) * outputs + n] += x_w(x, out.zero_in, w[(n * channels + c) * 9 + t]);
        }
    });
    let want: Vec<u8> = sums.iter().enumerate().map(|(i, s)| out.finish(i % outputs, *s)).collect();
    for isa in Isa::all_available() {
        let layer = Stem::new(isa, window, channels, &w, &out.view()).unwrap();
        let mut image = layer.image();
        for (y, row) in x.chunks_exact(width * channels).enumerate() {
            for (to, from) in image.row_mut(y).chunks_exact_mut(PIXEL).zip(row.chunks_exact(channels)) {
                to.copy_from_slice(&noise.bytes(PIXEL));
                to.iter_mut().zip(from).for_each(|(to, from)| *to = from ^ isa.flip());
            }
        }
        let mut got = Bytes::zeroed(rows * columns * padded(outputs));
        layer.run(&image, &mut layer.scratch(), &mut got);
        assert_eq!(plain(isa, &got, outputs), want, "{isa} {window:?}");
    }
}

fn check_dense(seed: u64, inputs: usize, outputs: usize) {
    let mut noise = Noise(seed);
    let (x, w) = (noise.bytes(inputs), noise.weights(inputs * outputs));
    let out = Out::new(&mut noise, outputs, inputs);
    let sum = |(c, w): (usize, &[i8])| {
        let products: i64 = x.iter().zip(w).map(|(x, w)| x_w(*x, out.zero_in, *w)).sum();
        (products + i64::from(out.bias[c])) as i32 as f32 * out.pos[c]
    };
    let want: Vec<f32> = w.chunks_exact(inputs).enumerate().map(sum).collect();
    for isa in Isa::all_available() {
        let layer = Dense::new(isa, inputs, &w, &out.bias, &out.pos, out.zero_in).unwrap();
        let mut got = vec![0.0; outputs];
        layer.run(&stored(isa, &x, inputs, &mut noise), &mut layer.scratch(), &mut got);
        assert_eq!(got, want, "{isa}");
    }
}

fn check_global(seed: u64, cells: usize, channels: usize) {
    let mut noise = Noise(seed);
    let (x, w) = (noise.bytes(cells * channels), noise.weights(cells * channels));
    let out = Out::new(&mut noise, channels, cells);
    let sum = |c| (0..cells).map(|t| x_w(x[t * channels + c], out.zero_in, w[c * cells + t])).sum();
    let want: Vec<u8> = (0..channels).map(|c| out.finish(c, sum(c))).collect();
    for isa in Isa::all_available() {
        let layer = GlobalDepthwise::new(isa, cells, &w, &out.view()).unwrap();
        let mut got = Bytes::zeroed(padded(channels));
        layer.run(&stored(isa, &x, channels, &mut noise), &mut got);
        assert_eq!(plain(isa, &got, channels), want, "{isa}");
    }
}

fn check_pool_and_add(seed: u64, height: usize, width: usize, channels: usize) {
    let mut noise = Noise(seed);
    let (small, large) = (noise.bytes(height * width * channels), noise.bytes(4 * height * width * channels));
    let terms = [0, 1].map(|_| Term { zero: noise.next() as u8, factor: noise.float(-1.5, 1.5) });
    let zero = noise.next() as u8;
    let at = |y: usize, x: usize, c: usize| large[(y * 2 * width + x) * channels + c];
    let (mut pooled, mut sums) = (Vec::new(), Vec::new());
    for (y, x, c) in (0..small.len()).map(|i| (i / channels / width, i / channels % width, i % channels)) {
        pooled.push(at(2 * y, 2 * x, c).max(at(2 * y, 2 * x + 1, c)).max(at(2 * y + 1, 2 * x, c)).max(at(
            2 * y + 1,
            2 * x + 1,
            c,
        )));
    }
    for (y, x, c) in
        (0..large.len()).map(|i| (i / channels / width / 2, i / channels % (2 * width), i % channels))
    {
        let term = |q: u8, t: Term| (i32::from(q) - i32::from(t.zero)) as f32 * t.factor;
        let sum = term(at(y, x, c), terms[0]) + term(small[(y / 2 * width + x / 2) * channels + c], terms[1]);
        sums.push((sum.round_ties_even() as i32 + i32::from(zero)).clamp(0, 255) as u8);
    }
    for isa in Isa::all_available() {
        let (s, l) = (stored(isa, &small, channels, &mut noise), stored(isa, &large, channels, &mut noise));
        let (mut got_small, mut got_large) = (s.clone(), l.clone());
        MaxPool::new(isa, 2 * height, 2 * width, channels).unwrap().run(&l, &mut got_small);
        assert_eq!(plain(isa, &got_small, channels), pooled, "{isa}");
        let add = Add::new(isa, [2 * height, 2 * width, channels], 2, terms, zero).unwrap();
        add.run(&l, &s, &mut got_large);
        assert_eq!(plain(isa, &got_large, channels), sums, "{isa}");
    }
}

/// Miri takes a thousand times as long.
const CASES: u32 = if cfg!(miri) { 4 } else { 150 };

/// A bound on a size; less under Miri, and still several panels and tiles of the portable kernel.
const fn below(most: usize) -> usize {
    if cfg!(miri) { most / 4 + 2 } else { most }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pointwise_equals_the_plain_loop(seed: u64, pixels in 1..below(40), inputs in 1..below(150), outputs in 1..below(90)) {
        check_pointwise(seed, pixels, inputs, outputs);
    }

    #[test]
    fn a_residual_is_added_before_rounding(
        seed: u64, pixels in 1..below(40), inputs in 1..below(150), outputs in 1..below(90),
    ) {
        check_residual(seed, pixels, inputs, outputs);
    }

    #[test]
    fn depthwise_equals_the_plain_loop(
        seed: u64, height in 1..9_usize, width in 1..below(12), channels in 1..below(70), stride in 1..3_usize,
    ) {
        check_depthwise(seed, (height, width, channels), stride);
    }

    #[test]
    fn stem_equals_the_plain_loop(
        seed: u64, height in 1..9_usize, width in 1..below(12), channels in 1..5_usize,
        outputs in 1..below(40), stride in 1..3_usize,
    ) {
        check_stem(seed, (height, width, channels), outputs, stride);
    }

    #[test]
    fn global_depthwise_equals_the_plain_loop(seed: u64, cells in 1..below(60), channels in 1..below(70)) {
        check_global(seed, cells, channels);
    }

    #[test]
    fn pooling_and_adding_equal_the_plain_loops(
        seed: u64, height in 1..6_usize, width in 1..6_usize, channels in 1..below(40),
    ) {
        check_pool_and_add(seed, height, width, channels);
    }

    #[test]
    fn dense_equals_the_plain_loop(seed: u64, inputs in 1..below(700), outputs in 1..below(140)) {
        check_dense(seed, inputs, outputs);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes hours")]
fn the_shapes_of_sface_equal_the_plain_loop() {
    check_pointwise(1, 49, 1024, 64);
    check_pointwise(2, 196, 512, 32);
    check_residual(6, 196, 128, 64);
    check_depthwise(3, (14, 14, 512), 2);
    check_depthwise(4, (7, 7, 1024), 1);
    check_dense(5, 50_176, 16);
}

#[test]
#[cfg_attr(miri, ignore = "takes hours")]
fn layers_of_very_many_inputs_equal_the_plain_loop() {
    // More inputs in a tile, and in a pixel, than AVX2 widens at once on the stack.
    check_pointwise(7, 7, 3000, 20);
    check_residual(8, 2, 17_000, 5);
    check_dense(9, 17_000, 5);
}
