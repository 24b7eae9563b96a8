use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::{decode, decode_unusual, fill};
use super::*;
use crate::camera::decode::tests::jpeg;

/// What zune-jpeg makes of it, which is another decoder.
fn wanted(bytes: &[u8]) -> Vec<u8> {
    decode_unusual(bytes, |_, _| Ok(())).unwrap_or_else(|why| panic!("{why}")).rgb
}

fn got(bytes: &[u8]) -> Vec<u8> {
    decode(bytes, |_, _| Ok(())).unwrap_or_else(|why| panic!("{why}")).rgb
}

fn is_read(bytes: &[u8]) -> bool {
    Scan::read(bytes).expect("sound").is_some_and(|scan| Pixels::of(&scan).is_some())
}

/// Of blocks that end at a side, and of such that do not.
const SIZES: [(u16, u16); 7] = [(64, 48), (33, 33), (100, 75), (47, 200), (333, 47), (640, 8), (8, 640)];

/// Where the SOF segment begins.
fn frame_header(bytes: &[u8]) -> usize {
    bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("a SOF segment")
}

#[test]
fn the_pixels_of_every_usual_picture_are_zunes_bit_by_bit() {
    let samplings =
        [SamplingFactor::R_4_4_4, SamplingFactor::R_4_2_2, SamplingFactor::R_4_2_0, SamplingFactor::R_4_4_0];
    for sampling in samplings {
        for (width, height) in SIZES {
            for restart in [0, 3] {
                let bytes = jpeg(width, height, |encoder: &mut Encoder<_>| {
                    encoder.set_sampling_factor(sampling);
                    if restart > 0 {
                        encoder.set_restart_interval(restart);
                    }
                });
                assert!(is_read(&bytes), "{sampling:?}");
                assert!(got(&bytes) == wanted(&bytes), "{sampling:?}, {width}x{height}, restart {restart}");
            }
        }
    }
}

/// The sampling factors of the only component say nothing.
#[test]
fn the_pixels_of_grey_pictures_are_zunes_bit_by_bit() {
    for (width, height) in SIZES {
        let grey: Vec<u8> =
            (0..height).flat_map(|y| (0..width).map(move |x| (x * 3 + y * 5 + (x ^ y) * 7) as u8)).collect();
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes, 90).encode(&grey, width, height, ColorType::Luma).expect("encodes");
        let sof = frame_header(&bytes);
        for sampling in [0x11, 0x22] {
            bytes[sof + 11] = sampling;
            assert!(is_read(&bytes), "{sampling:x}");
            assert!(got(&bytes) == wanted(&bytes), "{sampling:x}, {width}x{height}");
        }
    }
}

#[test]
fn the_bundled_pictures_are_zunes_bit_by_bit() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/faces");
    for name in ["obama-3.jpg", "far.jpg", "black.jpg", "two-faces.jpg"] {
        let bytes = std::fs::read(format!("{folder}/{name}")).expect("bundled");
        assert!(is_read(&bytes), "{name}");
        assert!(got(&bytes) == wanted(&bytes), "{name}");
    }
}

#[test]
fn unusual_pictures_are_left_to_zune() {
    let rare = jpeg(64, 48, |encoder| encoder.set_sampling_factor(SamplingFactor::R_4_1_1));
    let progressive = jpeg(64, 48, |encoder| encoder.set_progressive(true));
    // Adobe's way to say that the components are RGB.
    let mut adobe = jpeg(64, 48, |_| {});
    adobe.splice(2..2, *b"\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00\x01");
    for bytes in [rare, progressive, adobe] {
        assert!(!is_read(&bytes));
        assert!(got(&bytes) == wanted(&bytes));
    }
}

#[test]
fn of_a_picture_that_zune_cannot_decode_to_its_end_nothing_is_left() {
    let mut bytes = jpeg(64, 480, |encoder| encoder.set_sampling_factor(SamplingFactor::R_4_1_1));
    let (end, damage) = (bytes.len(), [0xFF, 0x00].repeat(16));
    bytes[end - 200..end - 200 + damage.len()].copy_from_slice(&damage);
    let decoder = || {
        let options =
            DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::RGB);
        JpegDecoder::new_with_options(ZCursor::new(&bytes[..]), options)
    };
    // As if zune had left the picture there.
    let mut rgb = vec![7; 64 * 480 * 3];
    assert!(decoder().decode_into(&mut rgb.clone()).is_err());
    assert!(fill(&mut decoder(), &mut rgb).is_err());
    assert!(rgb.iter().all(|byte| *byte == 0));
}

/// Its steps are said to be in a table that is not there.
#[test]
fn a_picture_without_its_quantisation_table_is_refused() {
    let mut bytes = jpeg(64, 48, |_| {});
    let sof = frame_header(&bytes);
    bytes[sof + 12] = 3;
    assert!(!is_read(&bytes));
    assert!(decode(&bytes, |_, _| Ok(())).is_err());
}
