use proptest::prelude::*;

use super::super::decode;
use super::super::tests::{MJPEG, NOW, camera_jpeg, check, jpeg};
use super::*;
use crate::camera::orient::Orientation;

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

proptest! {
    #[test]
    fn a_png_with_bytes_changed_never_panics(at: prop::sample::Index, value: u8) {
        let mut bytes = png(png::ColorType::Rgba, png::BitDepth::Eight, &[1, 2, 3, 4, 5, 6, 7, 8]);
        let at = at.index(bytes.len());
        bytes[at] = value;
        check(MJPEG, &bytes);
    }
}
