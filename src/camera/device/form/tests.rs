use super::*;
use crate::camera::decode::decode_picture;
use crate::camera::scale::{Interpolation, scaled};

fn layout(format: PixelFormat) -> Layout {
    Layout { format, width: 160, height: 120 }
}

/// A photograph of 160 x 120 pixels: brightness and the two colours, each 0..=255.
fn photograph() -> Vec<[u8; 3]> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/faces/obama-1.jpg");
    let (width, height, rgb) = decode_picture(&std::fs::read(path).expect("picture")).expect("decodes");
    let rgb = scaled(&rgb, (width, height), (160, 120), Interpolation::Linear).expect("scales");
    let pixel = |p: &[u8]| {
        let [r, g, b] = [p[0], p[1], p[2]].map(f32::from);
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        [y as u8, (128.0 + (b - y) * 0.56) as u8, (128.0 + (r - y) * 0.71) as u8]
    };
    rgb.chunks_exact(3).map(pixel).collect()
}

/// The photograph as a command writes it, with rows `padding` bytes longer than they should be.
fn written(format: PixelFormat, padding: usize) -> Vec<u8> {
    let photograph = photograph();
    let pair = |p: &[[u8; 3]]| match format {
        PixelFormat::Yuyv => vec![p[0][0], p[0][1], p[1][0], p[0][2]],
        PixelFormat::Uyvy => vec![p[0][1], p[0][0], p[0][2], p[1][0]],
        PixelFormat::Yvyu => vec![p[0][0], p[0][2], p[1][0], p[0][1]],
        _ => vec![p[0][0], p[1][0]],
    };
    let row = |row: &[[u8; 3]]| {
        let mut bytes: Vec<u8> = row.chunks_exact(2).flat_map(pair).collect();
        bytes.resize(bytes.len() + padding, 0);
        bytes
    };
    let mut plane: Vec<u8> = photograph.chunks_exact(160).flat_map(row).collect();
    if matches!(format, PixelFormat::Nv12 | PixelFormat::I420) {
        plane.extend(vec![128; plane.len() / 2]);
    }
    plane
}

/// What is said about the first picture cut from this output.
fn said(format: PixelFormat, output: &[u8]) -> Result<(), String> {
    let layout = layout(format);
    FormCheck::new(layout).picture(&output[..raw_len(layout).expect("raw")])
}

#[test]
fn a_picture_in_the_right_form_passes() {
    for format in PixelFormat::RAW {
        assert_eq!(said(format, &written(format, 0)), Ok(()), "{format}");
    }
}

#[test]
fn padded_rows_are_noticed_and_the_message_says_what_was_expected() {
    for format in PixelFormat::RAW {
        for padding in [16, 128] {
            let why = said(format, &written(format, padding)).expect_err("padded");
            let row = row_len(layout(format));
            let wanted =
                format!("its rows look {} bytes long, and 160 pixels of {format} are {row}", row + padding);
            assert!(why.contains(&wanted), "{why}");
        }
    }
    let why = said(PixelFormat::Yuyv, &written(PixelFormat::Yuyv, 64)).expect_err("padded");
    assert!(why.ends_with("without padding, or set camera.width_px = 192"), "{why}");
}

#[test]
fn pictures_of_another_width_are_noticed() {
    let wide = Layout { width: 200, height: 96, format: PixelFormat::Grey };
    let why = FormCheck::new(wide).picture(&written(PixelFormat::Grey, 0)).expect_err("160 pixels wide");
    assert!(why.contains("its rows look 160 bytes long, and 200 pixels of grey are 200"), "{why}");
}

#[test]
fn brightness_in_the_place_of_colour_is_noticed() {
    for (is, read_as) in [
        (PixelFormat::Uyvy, PixelFormat::Yuyv),
        (PixelFormat::Uyvy, PixelFormat::Yvyu),
        (PixelFormat::Yuyv, PixelFormat::Uyvy),
    ] {
        let why = said(read_as, &written(is, 0)).expect_err("swapped");
        assert_eq!(
            why,
            format!("its pictures look like {is}, and 160x120 {read_as} is 38400 bytes a picture")
        );
    }
}

#[test]
fn dark_flat_and_noisy_pictures_are_in_no_wrong_form() {
    let mut state = 1_u32;
    let mut noise = |levels: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % levels
    };
    for format in PixelFormat::RAW {
        let bytes = raw_len(layout(format)).expect("raw");
        assert_eq!(said(format, &vec![16; bytes]), Ok(()));
        for levels in [3, 256] {
            let picture: Vec<u8> = (0..bytes).map(|_| noise(levels) as u8).collect();
            assert_eq!(said(format, &picture), Ok(()), "{format}, {levels} levels");
        }
    }
}

#[test]
fn a_pattern_in_a_part_of_the_picture_is_no_padding() {
    let mut picture = written(PixelFormat::Grey, 0);
    for (at, level) in picture[..160 * 60].iter_mut().enumerate() {
        // Stripes that lean by 8 pixels a row.
        *level = if (at % 160 + at / 160 * 8) % 64 < 32 { 40 } else { 200 };
    }
    assert_eq!(said(PixelFormat::Grey, &picture), Ok(()));
}

#[test]
fn after_a_good_picture_no_further_one_is_examined() {
    let mut check = FormCheck::new(layout(PixelFormat::Grey));
    let bytes = raw_len(layout(PixelFormat::Grey)).expect("raw");
    assert_eq!(check.picture(&vec![16; bytes]), Ok(()));
    assert_eq!(check.pictures_left, EXAMINED - 1);
    assert_eq!(check.picture(&written(PixelFormat::Grey, 0)), Ok(()));
    assert_eq!(check.pictures_left, 0);
}

#[test]
fn files_and_streams_of_other_formats_are_named() {
    let starts: [(&[u8], &str); 6] = [
        (b"\xFF\xD8\xFF\xE0 and so on for long", "it writes JPEG, and 160x120 yuyv is 38400 bytes a picture"),
        (b"YUV4MPEG2 W640 H480 F30:1", "it writes YUV4MPEG (y4m), and 160x120"),
        (b"P6\n640 480\n255\n........", "it writes PPM, and"),
        (b"\x89PNG\r\n\x1A\n............", "it writes PNG, and"),
        (b"\0\0\0\x01\x67............", "it writes H.264, and"),
        (b"RIFF....AVI LIST........", "it writes AVI, and"),
    ];
    for (start, wanted) in starts {
        let mut check = FormCheck::new(layout(PixelFormat::Yuyv));
        // However it arrives.
        let why = start.iter().find_map(|byte| check.output(&[*byte]).err()).expect("recognised");
        assert!(why.starts_with(wanted), "{why}");
    }
    let mut check = FormCheck::new(layout(PixelFormat::Mjpeg));
    let why = check.output(b"YUV4MPEG2 W640 H480 F30:1").expect_err("recognised");
    assert!(why.ends_with("camera.exec_format = \"mjpeg\" is JPEG pictures one after another"), "{why}");
    assert_eq!(FormCheck::new(layout(PixelFormat::Mjpeg)).output(b"\xFF\xD8\xFF\xE0............"), Ok(()));
}
