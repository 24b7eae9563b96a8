use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::*;

mod glance;

pub(super) const NOW: BootTime = BootTime(std::time::Duration::ZERO);
pub(super) const MJPEG: Layout = Layout { format: PixelFormat::Mjpeg, width: 64, height: 48 };

fn layout(format: PixelFormat, width: u32, height: u32) -> Layout {
    Layout { format, width, height }
}

/// A slope of colour with some texture, so that every Huffman table is used.
fn slope(width: u16, height: u16) -> Vec<u8> {
    let pixel = |at: u32| {
        let (x, y) = (at % u32::from(width), at / u32::from(width));
        [(x * 3) as u8, (y * 5) as u8, (x * y + (x ^ y) * 7) as u8]
    };
    (0..u32::from(width) * u32::from(height)).flat_map(pixel).collect()
}

pub(super) fn jpeg(width: u16, height: u16, set: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    set(&mut encoder);
    encoder.encode(&slope(width, height), width, height, ColorType::Rgb).expect("encodes");
    bytes
}

pub(super) fn camera_jpeg() -> Vec<u8> {
    jpeg(64, 48, |encoder| encoder.set_sampling_factor(SamplingFactor::R_4_2_2))
}

/// The same JPEG as an AVI camera sends it: without its DHT segments.
fn without_tables(bytes: &[u8]) -> Vec<u8> {
    let (mut kept, mut at) = (bytes[..2].to_vec(), 2);
    while bytes[at + 1] != 0xDA {
        let next = at + 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if bytes[at + 1] != 0xC4 {
            kept.extend_from_slice(&bytes[at..next]);
        }
        at = next;
    }
    kept.extend_from_slice(&bytes[at..]);
    kept
}

pub(super) fn why(refused: Result<Frame, CameraError>) -> String {
    match refused {
        Err(CameraError::BadFrame { why }) => why,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn a_jpeg_keeps_its_colours_whatever_its_sampling() {
    let slope = [[200, 30, 40]; 64 * 48].concat();
    for sampling in [SamplingFactor::R_4_4_4, SamplingFactor::R_4_2_2, SamplingFactor::R_4_2_0] {
        for progressive in [false, true] {
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, 95);
            encoder.set_sampling_factor(sampling);
            encoder.set_progressive(progressive);
            encoder.encode(&slope, 64, 48, ColorType::Rgb).expect("encodes");
            let frame = decode(MJPEG, &bytes, NOW).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!((frame.width(), frame.height()), (64, 48));
            assert!(frame.rgb().iter().zip(&slope).all(|(a, b)| a.abs_diff(*b) <= 3), "{sampling:?}");
        }
    }
}

#[test]
fn the_stale_tail_of_the_capture_buffer_changes_nothing() {
    let clean = camera_jpeg();
    let mut buffer = clean.clone();
    buffer.extend_from_slice(&camera_jpeg()[100..]);
    buffer.resize(buffer.len() + 4096, 0);
    let (a, b) = (decode(MJPEG, &clean, NOW), decode(MJPEG, &buffer, NOW));
    assert!(matches!((a, b), (Ok(a), Ok(b)) if a.rgb() == b.rgb()));
}

#[test]
fn a_jpeg_without_huffman_tables_gets_the_standard_ones() {
    let full = camera_jpeg();
    let bare = without_tables(&full);
    assert!(bare.len() + 400 < full.len());
    let (a, b) = (decode(MJPEG, &full, NOW), decode(MJPEG, &bare, NOW));
    assert!(matches!((a, b), (Ok(a), Ok(b)) if a.rgb() == b.rgb()));
}

#[test]
fn a_grey_jpeg_becomes_three_equal_channels() {
    let mut bytes = Vec::new();
    let grey: Vec<u8> = (0..64 * 48).map(|at| (at % 64 * 4) as u8).collect();
    Encoder::new(&mut bytes, 95).encode(&grey, 64, 48, ColorType::Luma).expect("encodes");
    let frame = decode(MJPEG, &bytes, NOW).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(frame.rgb().len(), 64 * 48 * 3);
    assert!(frame.rgb().chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]));
    assert!(frame.rgb()[63 * 3] > 240 && frame.rgb()[0] < 15);
}

#[test]
fn a_jpeg_cut_anywhere_before_its_end_marker_is_refused() {
    for progressive in [false, true] {
        let whole = jpeg(64, 48, |encoder| {
            encoder.set_sampling_factor(SamplingFactor::R_4_2_2);
            encoder.set_progressive(progressive);
        });
        for cut in 0..whole.len() - 2 {
            assert!(decode(MJPEG, &whole[..cut], NOW).is_err(), "cut at {cut} of {}", whole.len());
            assert!(decode_picture(&whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
        }
    }
}

#[test]
fn a_jpeg_without_an_end_marker_is_decoded_if_all_its_blocks_are_there() {
    let whole = camera_jpeg();
    let wanted = decode(MJPEG, &whole, NOW).unwrap_or_else(|why| panic!("{why}"));
    let bare = without_tables(&whole);
    for bytes in [
        whole[..whole.len() - 2].to_vec(),
        whole[..whole.len() - 1].to_vec(),
        bare[..bare.len() - 2].to_vec(),
        // What follows belongs to the next picture, or fills up to a round length.
        [&whole[..whole.len() - 2], &whole].concat(),
        [&whole[..whole.len() - 2], &[0; 60]].concat(),
    ] {
        let frame = decode(MJPEG, &bytes, NOW).unwrap_or_else(|why| panic!("{why}"));
        assert!(frame.rgb() == wanted.rgb());
        let length = picture_len(MJPEG, &bytes).unwrap_or_else(|why| panic!("{why}"));
        assert!(decode(MJPEG, &bytes[..length], NOW).is_ok());
    }
}

/// A buffer that is longer than the picture holds the rest of an older one, or zeros, which would pass for blocks.
#[test]
fn a_jpeg_without_an_end_marker_in_a_longer_buffer_is_refused() {
    let busy = jpeg(320, 240, |_| ());
    let mut flat = Vec::new();
    Encoder::new(&mut flat, 90).encode(&vec![90; 320 * 240 * 3], 320, 240, ColorType::Rgb).expect("encodes");
    let short = &flat[..flat.len() - 2];
    for rest in [&busy[short.len()..], &[0; 9999]] {
        assert!(why(decode(MJPEG, &[short, rest].concat(), NOW)).contains("left over"));
        let cut = &short[..short.len() * 9 / 10];
        assert!(decode(MJPEG, &[cut, rest].concat(), NOW).is_err());
    }
    let progressive = jpeg(64, 48, |encoder| encoder.set_progressive(true));
    let cut = &progressive[..progressive.len() - 2];
    assert!(why(decode(MJPEG, cut, NOW)).contains("no end marker"), "its blocks cannot be counted");
}

/// A camera that loses USB packets still ends its frame; zune-jpeg fills up what is missing.
#[test]
fn a_jpeg_that_lost_its_lower_part_but_not_its_end_marker_is_refused() {
    let whole = jpeg(320, 240, |encoder| encoder.set_sampling_factor(SamplingFactor::R_4_2_2));
    for share in [50, 60, 70, 80, 90, 95, 99] {
        let mut cut = whole[..whole.len() * share / 100].to_vec();
        cut.extend_from_slice(&[0xFF, 0xD9]);
        assert!(why(decode(MJPEG, &cut, NOW)).contains("truncated"), "{share} %");
    }
}

/// A short frame on top of an older one in the same buffer, which nokhwa hands over as one.
#[test]
fn a_jpeg_that_runs_on_into_an_older_one_is_refused() {
    let busy = jpeg(320, 240, |_| ());
    let mut flat = Vec::new();
    Encoder::new(&mut flat, 90).encode(&vec![90; 320 * 240 * 3], 320, 240, ColorType::Rgb).expect("encodes");
    let short = &flat[..flat.len() - 2];
    let mixed = [short, &busy[short.len()..]].concat();
    assert!(decode(MJPEG, &mixed, NOW).is_err());
    let slack = [short, &[0; 3], &[0xFF, 0xD9]].concat();
    assert!(decode(MJPEG, &slack, NOW).is_ok(), "cheap cameras leave some bytes");
}

#[test]
fn restart_intervals_and_odd_sizes_are_whole() {
    for (width, height, interval) in [(321, 241, 1), (40, 40, 7), (33, 200, 0), (64, 48, 1000)] {
        for sampling in [SamplingFactor::R_4_4_4, SamplingFactor::R_4_2_2, SamplingFactor::R_4_2_0] {
            let bytes = jpeg(width, height, |encoder| {
                encoder.set_restart_interval(interval);
                encoder.set_sampling_factor(sampling);
            });
            let whole = decode(MJPEG, &bytes, NOW).err().map(|why| why.to_string());
            assert_eq!(whole, None, "{width}x{height} {interval} {sampling:?}");
            let mut cut = bytes[..bytes.len() * 9 / 10].to_vec();
            cut.extend_from_slice(&[0xFF, 0xD9]);
            assert!(decode(MJPEG, &cut, NOW).is_err(), "{width}x{height} {interval} {sampling:?}");
        }
    }
}

#[test]
fn absurd_and_tiny_sizes_are_refused_before_memory_is_taken() {
    let mut huge = camera_jpeg();
    let sof = huge.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("has a frame header");
    huge[sof + 5..sof + 9].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    assert!(why(decode(MJPEG, &huge, NOW)).contains("65535"));
    assert!(why(decode(MJPEG, &jpeg(1, 1, |_| ()), NOW)).contains("1x1"));
    for format in PixelFormat::RAW {
        assert!(why(decode(layout(format, u32::MAX, u32::MAX), &[0; 9], NOW)).contains("pixels"));
        assert!(why(decode(layout(format, 1, 1), &[0; 9], NOW)).contains("1x1"));
    }
}

#[test]
fn an_empty_buffer_is_refused_and_a_black_one_is_a_frame() {
    for format in [PixelFormat::Mjpeg, PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::Grey] {
        assert!(why(decode(layout(format, 64, 48), &[], NOW)).contains("empty"));
    }
    let black = decode(layout(PixelFormat::Grey, 64, 48), &[0; 64 * 48], NOW);
    assert!(matches!(black, Ok(frame) if frame.rgb().iter().all(|&v| v == 0)));
}

/// Reference values: BT.601 limited range, R = 1.164(Y-16) + 1.596(V-128) and so on.
#[test]
fn raw_colours_are_read_as_bt601_of_limited_range() {
    let red = (81, 90, 240);
    let cases = [((16, 128, 128), [0, 0, 0]), ((235, 128, 128), [255, 255, 255]), (red, [255, 0, 0])];
    for ((y, u, v), wanted) in cases {
        let yuyv = [y, u, y, v].repeat(64 * 48 / 2);
        let uyvy = [u, y, v, y].repeat(64 * 48 / 2);
        let yvyu = [y, v, y, u].repeat(64 * 48 / 2);
        let nv12 = [vec![y; 64 * 48], [u, v].repeat(64 * 48 / 4)].concat();
        let i420 = [vec![y; 64 * 48], vec![u; 64 * 48 / 4], vec![v; 64 * 48 / 4]].concat();
        for (format, bytes) in [
            (PixelFormat::Yuyv, yuyv),
            (PixelFormat::Uyvy, uyvy),
            (PixelFormat::Yvyu, yvyu),
            (PixelFormat::Nv12, nv12),
            (PixelFormat::I420, i420),
        ] {
            let frame = decode(layout(format, 64, 48), &bytes, NOW).unwrap_or_else(|e| panic!("{e}"));
            let near = |p: &[u8]| p.iter().zip(&wanted).all(|(a, b)| a.abs_diff(*b) <= 2);
            assert!(frame.rgb().chunks_exact(3).all(near), "{format:?} {:?}", &frame.rgb()[..3]);
        }
    }
}

#[test]
fn short_raw_frames_and_odd_sides_are_refused() {
    for (format, due) in [
        (PixelFormat::Yuyv, 6144),
        (PixelFormat::Uyvy, 6144),
        (PixelFormat::Nv12, 4608),
        (PixelFormat::Grey, 3072),
    ] {
        assert!(decode(layout(format, 64, 48), &vec![0; due], NOW).is_ok());
        assert!(decode(layout(format, 64, 48), &vec![0; due + 4096], NOW).is_ok(), "padding");
        assert!(why(decode(layout(format, 64, 48), &vec![0; due - 1], NOW)).contains("short"));
    }
    assert!(why(decode(layout(PixelFormat::Yuyv, 33, 48), &[0; 9999], NOW)).contains("odd"));
    assert!(why(decode(layout(PixelFormat::Nv12, 64, 33), &[0; 9999], NOW)).contains("odd"));
}

fn any_format() -> impl Strategy<Value = PixelFormat> {
    prop_oneof![Just(PixelFormat::Mjpeg), prop::sample::select(&PixelFormat::RAW[..])]
}

pub(super) fn check(layout: Layout, bytes: &[u8]) {
    if let Ok(frame) = decode(layout, bytes, NOW) {
        assert_eq!(frame.rgb().len(), frame.width() as usize * frame.height() as usize * 3);
        assert!(check_size(frame.width(), frame.height()).is_ok());
    }
    for stride in [0, 1, 130, usize::MAX] {
        if let Ok(picture) = without_padding(layout, stride, bytes) {
            assert!(picture.len() <= bytes.len());
        }
    }
    if let Ok((width, height, rgb)) = decode_picture(bytes) {
        assert_eq!(rgb.len(), width as usize * height as usize * 3);
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(
        format in any_format(), width in 0..200_u32, height in 0..200_u32, bytes: Vec<u8>,
    ) {
        check(layout(format, width, height), &bytes);
    }

    #[test]
    fn a_jpeg_with_bytes_changed_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
        bare: bool, progressive: bool,
    ) {
        let mut bytes = jpeg(64, 48, |encoder| encoder.set_progressive(progressive));
        if bare {
            bytes = without_tables(&bytes);
        }
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        check(MJPEG, &bytes);
    }
}
