//! Checks that layers, scans and rotations stay inside the slices they are given: each slice ends, or begins, at a page that cannot be touched.
//! Bit-exact tests do not see a read whose value is multiplied by zero, and valgrind knows neither AVX512 nor NEON.
#![cfg(all(target_os = "linux", not(miri)))]

use std::ffi::{c_int, c_long, c_void};
use std::ops::{Deref, DerefMut};

use facelatch_kernels::{
    Add, ByteScan, Dense, Depthwise, GlobalDepthwise, Isa, MaxPool, PIXEL, Pointwise, Quantise, Requant,
    Rotations, Scan, Squares, Stem, Term, Window, padded,
};

unsafe extern "C" {
    fn mmap(
        at: *mut c_void,
        len: usize,
        access: c_int,
        flags: c_int,
        file: c_int,
        from: c_long,
    ) -> *mut c_void;
    fn mprotect(at: *mut c_void, len: usize, access: c_int) -> c_int;
}

/// A multiple of every page size of Linux.
const PAGE: usize = 65_536;

/// Values between two pages that cannot be touched, at the end of the room or at its start. Never given back.
struct Guarded<T: 'static>(&'static mut [T]);

impl<T: Copy> Guarded<T> {
    fn new(values: &[T], at_end: bool) -> Guarded<T> {
        let (len, room) = (size_of_val(values), size_of_val(values).next_multiple_of(PAGE));
        // SAFETY: a fresh private mapping (3 is read and write, 0x22 private and anonymous), whose first and last page are
        // closed; the slice lies between them, aligned, since its length is a multiple of its alignment. T has no invalid
        // values here.
        unsafe {
            let start = mmap(std::ptr::null_mut(), room + 2 * PAGE, 3, 0x22, -1, 0).cast::<u8>();
            assert!(start.addr().is_multiple_of(4096), "mmap");
            assert_eq!(mprotect(start.cast(), PAGE, 0), 0);
            assert_eq!(mprotect(start.add(PAGE + room).cast(), PAGE, 0), 0);
            let first = start.add(PAGE + if at_end { room - len } else { 0 }).cast::<T>();
            std::ptr::copy_nonoverlapping(values.as_ptr(), first, values.len());
            Guarded(std::slice::from_raw_parts_mut(first, values.len()))
        }
    }
}

impl<T> Deref for Guarded<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0
    }
}

impl<T> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0
    }
}

/// Each instruction set, with slices of both kinds.
fn everywhere(check: impl Fn(Isa, bool)) {
    for isa in Isa::all_available() {
        check(isa, true);
        check(isa, false);
    }
}

/// The same factor for both signs, and another: kernels are compiled for either.
const FACTORS: [f32; 2] = [POS, 5.0e-4];
const POS: f32 = 1.0e-3;

fn requant<R>(channels: usize, neg: f32, f: impl FnOnce(&Requant<'_>) -> R) -> R {
    let (bias, pos, neg) = (vec![0; channels], vec![POS; channels], vec![neg; channels]);
    f(&Requant { bias: &bias, pos: &pos, neg: &neg, zero_in: 3, zero_out: 5 })
}

fn bytes(len: usize, at_end: bool) -> Guarded<u8> {
    Guarded::new(&vec![7; len], at_end)
}

#[test]
fn pointwise_layers_stay_inside() {
    everywhere(|isa, at_end| {
        for (pixels, inputs, outputs) in [(1, 16, 16), (5, 48, 32), (13, 80, 16), (40, 512, 48), (25, 32, 8)]
        {
            let weights = vec![1; inputs * outputs];
            let (x, n) = (bytes(pixels * inputs, at_end), padded(outputs));
            let (other, mut out) = (bytes(pixels * n, at_end), bytes(pixels * n, at_end));
            for neg in FACTORS {
                let layer = requant(outputs, neg, |q| Pointwise::new(isa, inputs, &weights, q).unwrap());
                layer.run(&x, &[], &mut out);
                let layer = layer.adding(Term { zero: 1, factor: 0.5 }).unwrap();
                layer.run(&x, &other, &mut out);
            }
        }
    });
}

#[test]
fn depthwise_layers_stay_inside() {
    everywhere(|isa, at_end| {
        // One block, several, some that reach into the padding, and 64 channels with something left.
        for (height, width, channels, stride, pad) in [
            (3, 3, 16, 1, [0; 4]),
            (1, 1, 32, 1, [1; 4]),
            (6, 5, 10, 2, [0, 0, 1, 1]),
            (7, 7, 48, 1, [1; 4]),
            (2, 2, 64, 1, [1; 4]),
            (4, 6, 50, 2, [1; 4]),
            (3, 9, 210, 1, [0, 1, 0, 0]),
        ] {
            let window = Window { height, width, stride, pad };
            let ((rows, columns), n) = (window.output(), padded(channels));
            let (x, mut out) = (bytes(height * width * n, at_end), bytes(rows * columns * n, at_end));
            let mut floats = Guarded::new(&vec![0.0_f32; rows * columns * channels], at_end);
            for neg in FACTORS {
                let weights = vec![1; channels * 9];
                let layer = requant(channels, neg, |q| Depthwise::new(isa, window, &weights, q).unwrap());
                layer.run(&x, &mut out);
                layer.run_floats(&x, &mut Guarded::new(&layer.scratch(), at_end), &mut floats);
            }
        }
    });
}

#[test]
fn whole_pictures_stay_inside() {
    everywhere(|isa, at_end| {
        let dense = Dense::new(isa, 48, &[1; 48 * 5], &[0; 5], &[1.0; 5], 3).unwrap();
        let mut out = Guarded::new(&[0.0_f32; 5], at_end);
        dense.run(&bytes(48, at_end), &mut Guarded::new(&dense.scratch(), at_end), &mut out);
        for neg in FACTORS {
            let global = requant(32, neg, |q| GlobalDepthwise::new(isa, 9, &[1; 9 * 32], q).unwrap());
            global.run(&bytes(9 * 32, at_end), &mut bytes(32, at_end));
        }
        let pool = MaxPool::new(isa, 4, 6, 16).unwrap();
        pool.run(&bytes(4 * 6 * 16, at_end), &mut bytes(2 * 3 * 16, at_end));
        let term = Term { zero: 1, factor: 0.5 };
        let add = Add::new(isa, [4, 6, 16], 2, [term; 2], 3).unwrap();
        add.run(&bytes(4 * 6 * 16, at_end), &bytes(2 * 3 * 16, at_end), &mut bytes(4 * 6 * 16, at_end));
    });
}

/// The image and the scratch are the layer's own, without pages around them.
#[test]
fn first_layers_stay_inside() {
    let window = Window { height: 3, width: 11, stride: 1, pad: [1; 4] };
    everywhere(|isa, at_end| {
        for (planes, neg) in [(3, FACTORS[0]), (4, FACTORS[1])] {
            let weights = vec![1; 16 * planes * 9];
            let stem = requant(16, neg, |q| Stem::new(isa, window, planes, &weights, q).unwrap());
            let mut image = stem.image();
            let picture = Guarded::new(&[9_u8; 3 * 11 * PIXEL], at_end);
            Quantise::new(isa, 1.0, 0).unwrap().run(&picture, &mut image);
            stem.run(&image, &mut stem.scratch(), &mut bytes(3 * 11 * 16, at_end));
        }
    });
}

#[test]
fn scans_stay_inside() {
    everywhere(|isa, at_end| {
        for length in [1, 16, 53, 128] {
            let values = |count: usize| Guarded::new(&vec![0.25_f32; count * length], at_end);
            let scan = Scan::new(isa, &vec![-1.0; length]).unwrap();
            scan.run(&values(1), &values(9), &mut Guarded::new(&[0.0; 9], at_end));
            scan.between(&values(6), &values(9), &mut Guarded::new(&[0.0; 54], at_end));
            let squares = Squares::new(isa, length).unwrap();
            squares.run(&values(6), &values(9), &mut Guarded::new(&[0.0; 54], at_end));
        }
        let scan = ByteScan::new(isa, &[1.0; 48], 1.0).unwrap();
        scan.run(&bytes(48, at_end), &bytes(3 * 48, at_end), &mut Guarded::new(&[0.0; 3], at_end));
    });
}

#[test]
fn rotations_stay_inside() {
    everywhere(|isa, at_end| {
        for (side, count) in [(1, 1), (4, 3), (128, 64)] {
            let rotations = Rotations::new(isa, side, vec![1.0; 2 * side * count]).unwrap();
            let values = Guarded::new(&vec![0.25_f32; side], at_end);
            rotations.apply(&values, &mut Guarded::new(&vec![0.0; side * count], at_end));
        }
    });
}
