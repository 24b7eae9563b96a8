//! A glance beside the whole picture.

use super::*;
use crate::camera::GLANCE_CELLS;

fn glanced(layout: Layout, bytes: &[u8]) -> Result<Grey, CameraError> {
    glance(layout, 0, bytes, GLANCE_CELLS)
}

/// A frame scaled by `side`, in grey, with as many cells as a glance has.
fn scaled(frame: &Frame, side: u32) -> Grey {
    let (width, height) = (frame.width().div_ceil(side), frame.height().div_ceil(side));
    let mut sums = vec![(0.0, 0.0_f32); (width * height) as usize];
    for (at, rgb) in frame.rgb().chunks_exact(3).enumerate() {
        let (x, y) = (at as u32 % frame.width(), at as u32 / frame.width());
        let (sum, pixels) = &mut sums[(y / side * width + x / side) as usize];
        *sum += 0.299 * f32::from(rgb[0]) + 0.587 * f32::from(rgb[1]) + 0.114 * f32::from(rgb[2]);
        *pixels += 1.0;
    }
    let light: Vec<f32> = sums.iter().map(|(sum, pixels)| sum / pixels).collect();
    Grey::averaged((width as usize, height as usize), &light, GLANCE_CELLS, 1.0)
}

fn mean_error(small: &Grey, wanted: &Grey) -> f32 {
    assert!(small.is_like(wanted));
    let errors = small.light().iter().zip(wanted.light()).map(|(light, wanted)| (light - wanted).abs());
    errors.sum::<f32>() / wanted.light().len() as f32
}

fn bundled() -> impl Iterator<Item = (String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/faces");
    let files =
        std::fs::read_dir(folder).expect("the bundled pictures").map(|entry| entry.expect("entry").path());
    let pictures = files.filter(|path| path.extension().is_some_and(|kind| kind == "jpg"));
    pictures.map(|path| (path.display().to_string(), std::fs::read(path).expect("picture")))
}

#[test]
fn the_bundled_pictures_are_what_their_pixels_say() {
    let mut count = 0;
    for (name, bytes) in bundled() {
        let (frame, small) =
            (decode(MJPEG, &bytes, NOW).expect("whole"), glanced(MJPEG, &bytes).expect("small"));
        assert!(small.width().max(small.light().len() / small.width()) <= 80, "{name}");
        let error = mean_error(&small, &scaled(&frame, 8));
        assert!(error < 1.0, "{name}: {error}");
        count += 1;
    }
    assert!(count > 15, "{count} pictures");
}

#[test]
fn every_sampling_restart_and_size_is_read() {
    let samplings = [
        SamplingFactor::R_4_4_4,
        SamplingFactor::R_4_2_2,
        SamplingFactor::R_4_2_0,
        SamplingFactor::R_4_4_0,
        SamplingFactor::R_4_1_1,
    ];
    for (sampling, (width, height)) in
        samplings.into_iter().zip([(64, 48), (100, 75), (333, 47), (64, 481), (1280, 720)])
    {
        for restart in [0, 1, 5] {
            let bytes = smooth(width, height, |encoder| {
                encoder.set_sampling_factor(sampling);
                if restart > 0 {
                    encoder.set_restart_interval(restart);
                }
            });
            let (frame, small) =
                (decode(MJPEG, &bytes, NOW).expect("whole"), glanced(MJPEG, &bytes).expect("small"));
            let error = mean_error(&small, &scaled(&frame, 8));
            assert!(error < 1.0, "{sampling:?}, {width}x{height}, restart {restart}: {error}");
        }
    }
}

/// A slope of grey, as a JPEG.
fn smooth(width: u16, height: u16, set: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let (w, h) = (u32::from(width), u32::from(height));
    let pixels: Vec<u8> =
        (0..w * h).flat_map(|at| [(at % w * 150 / w + at / w * 100 / h) as u8; 3]).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    set(&mut encoder);
    encoder.encode(&pixels, width, height, ColorType::Rgb).expect("encodes");
    bytes
}

#[test]
fn one_colour_no_tables_and_an_old_tail_make_no_difference() {
    let full = camera_jpeg();
    let wanted = glanced(MJPEG, &full).expect("small");
    let tail = [&full[..], &camera_jpeg()[100..]].concat();
    for bytes in [without_tables(&full), tail, full[..full.len() - 2].to_vec()] {
        assert!(glanced(MJPEG, &bytes).is_ok_and(|small| small.light() == wanted.light()));
    }
    let mut grey = Vec::new();
    let pixels: Vec<u8> = (0..64 * 48).map(|at| (at % 64 * 4) as u8).collect();
    Encoder::new(&mut grey, 95).encode(&pixels, 64, 48, ColorType::Luma).expect("encodes");
    let small = glanced(MJPEG, &grey).expect("small");
    assert!((small.light()[0] - 14.0).abs() < 2.0 && (small.light()[7] - 238.0).abs() < 2.0);
}

#[test]
fn a_progressive_picture_is_decoded_whole() {
    let bytes = jpeg(64, 48, |encoder| encoder.set_progressive(true));
    let small = glanced(MJPEG, &bytes).expect("small");
    assert_eq!((small.width(), small.light().len()), (64, 64 * 48), "as many cells as there are pixels");
}

#[test]
fn raw_pictures_are_read_where_they_are_padded_or_not() {
    for format in PixelFormat::RAW {
        let layout = layout(format, 160, 120);
        let bytes: Vec<u8> =
            (0..raw_len(layout).expect("raw")).map(|at| (at * 31 % 219 + 16) as u8).collect();
        let small = glanced(layout, &bytes).unwrap_or_else(|why| panic!("{format}: {why}"));
        assert_eq!((small.width(), small.light().len()), (80, 80 * 60));
        // With 2x2 pixels a cell, each is read.
        let grey = Frame::new(160, 120, luma(layout, &bytes), NOW).expect("frame");
        assert!(mean_error(&small, &scaled(&grey, 2)) < 1.0, "{format}");
        let stride = row_len(layout) + 32;
        let padded = padded(layout, stride, &bytes);
        assert_eq!(without_padding(layout, stride, &padded).expect("whole"), bytes);
        let again = glance(layout, stride, &padded, GLANCE_CELLS).expect("padded");
        assert_eq!(again.light(), small.light(), "{format}");
        for short in [&padded[..padded.len() - 33], &[]] {
            assert!(why_not(glance(layout, stride, short, GLANCE_CELLS)).starts_with("short"), "{format}");
        }
    }
    let odd = Layout { width: 161, ..layout(PixelFormat::Yuyv, 160, 120) };
    assert_eq!(why_not(glanced(odd, &[0; 99_999])), "YUYV of odd width");
    let absurd = layout(PixelFormat::Grey, 5000, 5000);
    assert!(why_not(glanced(absurd, &[])).contains("each side must be"));
}

/// The light of each pixel, as three bytes.
fn luma(layout: Layout, bytes: &[u8]) -> Vec<u8> {
    let at = |pixel: usize| match layout.format {
        PixelFormat::Yuyv | PixelFormat::Yvyu => bytes[pixel * 2],
        PixelFormat::Uyvy => bytes[pixel * 2 + 1],
        _ => bytes[pixel],
    };
    let full = |level: u8| (f32::from(level) - 16.0) * 255.0 / 219.0;
    let light = |level| if layout.format == PixelFormat::Grey { level } else { full(level).round() as u8 };
    (0..160 * 120).flat_map(|pixel| [light(at(pixel)); 3]).collect()
}

fn padded(layout: Layout, stride: usize, bytes: &[u8]) -> Vec<u8> {
    let Layout { width, height, format } = layout;
    let (w, h) = (width as usize, height as usize);
    let planes = match format {
        PixelFormat::Nv12 => vec![(h, w, stride), (h / 2, w, stride)],
        PixelFormat::I420 => vec![(h, w, stride), (h / 2, w / 2, stride / 2), (h / 2, w / 2, stride / 2)],
        _ => vec![(h, row_len(layout), stride)],
    };
    let (mut out, mut rest) = (Vec::new(), bytes);
    for (rows, row, stride) in planes {
        for _ in 0..rows {
            out.extend_from_slice(&rest[..row]);
            out.resize(out.len() + stride - row, 255);
            rest = &rest[row..];
        }
    }
    out
}

fn why_not(refused: Result<Grey, CameraError>) -> String {
    match refused {
        Err(CameraError::BadFrame { why }) => why,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn a_jpeg_cut_before_its_last_blocks_is_refused() {
    let whole = camera_jpeg();
    for cut in 0..whole.len() - 3 {
        assert!(glanced(MJPEG, &whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
    }
    assert!(glanced(MJPEG, &whole[..whole.len() - 2]).is_ok(), "all blocks are there");
}

proptest! {
    #[test]
    fn no_damage_makes_it_panic_and_every_size_is_bounded(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(), kind in 0_usize..4,
    ) {
        let mut bytes = match kind {
            0 => camera_jpeg(),
            1 => without_tables(&camera_jpeg()),
            2 => jpeg(64, 48, |encoder| { encoder.set_restart_interval(2); }),
            _ => jpeg(64, 48, |encoder| encoder.set_progressive(true)),
        };
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Headers are damaged as often as the rest.
        bytes.truncate(if cut.index(3) == 0 { cut.index(bytes.len()) } else { bytes.len() });
        if let Ok(small) = glanced(MJPEG, &bytes) {
            prop_assert!(small.light().len() <= 80 * 80 && small.width() > 0);
            prop_assert!(small.light().iter().all(|light| (0.0..=255.0).contains(light)));
        }
    }

    #[test]
    fn the_codes_found_at_once_are_those_found_bit_by_bit(body in prop::collection::vec(any::<u8>(), 17..300)) {
        // Damaged pictures are refused alike however their codes are found.
        let mut bytes = camera_jpeg();
        bytes.truncate(bytes.len() / 2);
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&[0xFF, 0xD9]);
        let whole = decode(MJPEG, &bytes, NOW).is_ok();
        prop_assert!(!whole || glanced(MJPEG, &bytes).is_ok());
    }
}
