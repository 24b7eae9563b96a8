use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::*;
use crate::camera::MAX_SIDE_PX;
use crate::camera::orient::Orientation;

const NOW: BootTime = BootTime(std::time::Duration::ZERO);
const MJPEG: Layout = Layout { format: PixelFormat::Mjpeg, width: 64, height: 48 };

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

fn jpeg(width: u16, height: u16, set: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    set(&mut encoder);
    encoder.encode(&slope(width, height), width, height, ColorType::Rgb).expect("encodes");
    bytes
}

fn camera_jpeg() -> Vec<u8> {
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

/// The same JPEG with EXIF data.
fn with_exif(bytes: &[u8], tiff: &[u8]) -> Vec<u8> {
    let body = [b"Exif\0\0", tiff].concat();
    let length = (body.len() + 2) as u16;
    [&bytes[..2], &[0xFF, 0xE1], &length.to_be_bytes(), &body, &bytes[2..]].concat()
}

/// A grey PNG of 2 x 1 pixels with EXIF data, before or after its pixels.
fn png_with_exif(tiff: &[u8], after: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut info = png::Info::with_size(2, 1);
    info.exif_metadata = (!after).then(|| tiff.to_vec().into());
    let mut writer = png::Encoder::with_info(&mut bytes, info).expect("info").write_header().expect("header");
    writer.write_image_data(&[7, 9]).expect("pixels");
    if after {
        writer.write_chunk(png::chunk::eXIf, tiff).expect("chunk");
    }
    drop(writer);
    bytes
}

fn png(color: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette(vec![10, 20, 30, 40, 50, 60]);
    }
    let mut writer = encoder.write_header().expect("header");
    writer.write_image_data(data).expect("pixels");
    drop(writer);
    bytes
}

fn why(refused: Result<Frame, CameraError>) -> String {
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
fn a_jpeg_cut_anywhere_is_refused() {
    let whole = camera_jpeg();
    for cut in 0..whole.len() {
        assert!(decode(MJPEG, &whole[..cut], NOW).is_err(), "cut at {cut} of {}", whole.len());
    }
    assert!(why(decode(MJPEG, &whole[..whole.len() - 2], NOW)).contains("no end marker"));
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
    for format in [PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Grey] {
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
fn yuyv_nv12_and_i420_are_read_as_bt601_of_limited_range() {
    let red = (81, 90, 240);
    let cases = [((16, 128, 128), [0, 0, 0]), ((235, 128, 128), [255, 255, 255]), (red, [255, 0, 0])];
    for ((y, u, v), wanted) in cases {
        let yuyv = [y, u, y, v].repeat(64 * 48 / 2);
        let nv12 = [vec![y; 64 * 48], [u, v].repeat(64 * 48 / 4)].concat();
        let i420 = [vec![y; 64 * 48], vec![u; 64 * 48 / 4], vec![v; 64 * 48 / 4]].concat();
        for (format, bytes) in
            [(PixelFormat::Yuyv, yuyv), (PixelFormat::Nv12, nv12), (PixelFormat::I420, i420)]
        {
            let frame = decode(layout(format, 64, 48), &bytes, NOW).unwrap_or_else(|e| panic!("{e}"));
            let near = |p: &[u8]| p.iter().zip(&wanted).all(|(a, b)| a.abs_diff(*b) <= 2);
            assert!(frame.rgb().chunks_exact(3).all(near), "{format:?} {:?}", &frame.rgb()[..3]);
        }
    }
}

#[test]
fn short_raw_frames_and_odd_sides_are_refused() {
    for (format, due) in [(PixelFormat::Yuyv, 6144), (PixelFormat::Nv12, 4608), (PixelFormat::Grey, 3072)] {
        assert!(decode(layout(format, 64, 48), &vec![0; due], NOW).is_ok());
        assert!(decode(layout(format, 64, 48), &vec![0; due + 4096], NOW).is_ok(), "padding");
        assert!(why(decode(layout(format, 64, 48), &vec![0; due - 1], NOW)).contains("short"));
    }
    assert!(why(decode(layout(PixelFormat::Yuyv, 33, 48), &[0; 9999], NOW)).contains("odd"));
    assert!(why(decode(layout(PixelFormat::Nv12, 64, 33), &[0; 9999], NOW)).contains("odd"));
}

#[test]
fn png_files_of_every_kind_become_rgb() {
    use png::{BitDepth, ColorType};
    let cases: [(ColorType, BitDepth, &[u8], [u8; 6]); 8] = [
        (ColorType::Rgb, BitDepth::Eight, &[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
        (ColorType::Rgb, BitDepth::Sixteen, &[1, 9, 2, 9, 3, 9, 4, 9, 5, 9, 6, 9], [1, 2, 3, 4, 5, 6]),
        (ColorType::Rgba, BitDepth::Eight, &[100, 2, 3, 0, 100, 5, 6, 255], [0, 0, 0, 100, 5, 6]),
        (ColorType::Grayscale, BitDepth::Eight, &[7, 9], [7, 7, 7, 9, 9, 9]),
        (ColorType::Grayscale, BitDepth::One, &[0b0100_0000], [0, 0, 0, 255, 255, 255]),
        (ColorType::Grayscale, BitDepth::Sixteen, &[7, 1, 9, 1], [7, 7, 7, 9, 9, 9]),
        (ColorType::GrayscaleAlpha, BitDepth::Eight, &[200, 255, 200, 0], [200, 200, 200, 0, 0, 0]),
        (ColorType::Indexed, BitDepth::Eight, &[1, 0], [40, 50, 60, 10, 20, 30]),
    ];
    for (color, depth, data, wanted) in cases {
        let read = decode_picture(&png(color, depth, data));
        assert_eq!(read, Ok((2, 1, wanted.to_vec())), "{color:?} {depth:?}");
    }
}

#[test]
fn a_picture_file_is_turned_by_its_exif_orientation_and_a_frame_of_a_camera_is_not() {
    let upright = camera_jpeg();
    let (_, _, rgb) = decode_picture(&upright).expect("decodes");
    for (value, degrees, mirror) in [(1, 0, false), (3, 180, false), (6, 90, false), (7, 270, true)] {
        let turned = with_exif(&upright, &exif::tests::tiff(value == 6, value));
        let wanted = Orientation::new(degrees, mirror).turned(64, 48, &rgb);
        assert_eq!(decode_picture(&turned), Ok(wanted), "{value}");
        let frame = decode(MJPEG, &turned, NOW).unwrap_or_else(|why| panic!("{why}"));
        assert!(frame.width() == 64 && frame.rgb() == rgb, "{value}");
    }
    for after in [false, true] {
        let turned = decode_picture(&png_with_exif(&exif::tests::tiff(true, 8), after));
        assert_eq!(turned, Ok((1, 2, vec![9, 9, 9, 7, 7, 7])), "after the pixels: {after}");
    }
}

#[test]
fn damaged_exif_data_is_no_reason_to_refuse_a_picture() {
    let upright = camera_jpeg();
    let plain = decode_picture(&upright);
    for tiff in [&b""[..], b"MM", b"MM\0*\xFF\xFF\xFF\xFF", b"II*\0\x08\0\0\0\xFF\xFF", &[0; 999]] {
        assert_eq!(decode_picture(&with_exif(&upright, tiff)), plain, "{tiff:?}");
        assert_eq!(decode_picture(&png_with_exif(tiff, false)), Ok((2, 1, vec![7, 7, 7, 9, 9, 9])));
    }
}

#[test]
fn a_png_cut_anywhere_is_refused() {
    let whole = png(png::ColorType::Rgb, png::BitDepth::Eight, &[1, 2, 3, 4, 5, 6]);
    for cut in 0..whole.len() {
        assert!(decode_picture(&whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
    }
}

#[test]
fn picture_files_that_are_too_large_or_of_another_kind_say_so() {
    let too_large = jpeg(4097, 33, |_| ());
    let text = |read: Result<_, UnreadablePicture>| read.map(|_| ()).unwrap_err().to_string();
    assert!(text(decode_picture(&too_large)).contains("4097"));
    let mut png_4097 = Vec::new();
    let mut encoder = png::Encoder::new(&mut png_4097, MAX_SIDE_PX + 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    let pixels = vec![0; MAX_SIDE_PX as usize + 1];
    encoder.write_header().expect("header").write_image_data(&pixels).expect("pixels");
    assert!(text(decode_picture(&png_4097)).contains("at most 4096 pixels"));
    assert_eq!(text(decode_picture(b"GIF89a")), "neither JPEG nor PNG");
    assert_eq!(text(decode_picture(b"")), "the file is empty");
}

fn any_format() -> impl Strategy<Value = PixelFormat> {
    prop_oneof![
        Just(PixelFormat::Mjpeg),
        Just(PixelFormat::Yuyv),
        Just(PixelFormat::Nv12),
        Just(PixelFormat::I420),
        Just(PixelFormat::Grey)
    ]
}

fn check(layout: Layout, bytes: &[u8]) {
    if let Ok(frame) = decode(layout, bytes, NOW) {
        assert_eq!(frame.rgb().len(), frame.width() as usize * frame.height() as usize * 3);
        assert!(check_size(frame.width(), frame.height()).is_ok());
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

    #[test]
    fn a_png_with_bytes_changed_never_panics(at: prop::sample::Index, value: u8) {
        let mut bytes = png(png::ColorType::Rgba, png::BitDepth::Eight, &[1, 2, 3, 4, 5, 6, 7, 8]);
        let at = at.index(bytes.len());
        bytes[at] = value;
        check(MJPEG, &bytes);
    }
}
