//! Any bytes a camera may send: a frame comes out whole and within its limits, or not at all.
#![no_main]

use facelatch::camera::decode::{
    Layout, PixelFormat, decode, decode_picture, glance, picture_len, without_padding,
};
use facelatch::camera::{GLANCE_CELLS, MAX_SIDE_PX, MIN_SIDE_PX};
use facelatch::clock::BootTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u16, u16, &[u8])| {
    let (kind, width, height, bytes) = input;
    let format = PixelFormat::RAW.get(usize::from(kind % 7)).copied().unwrap_or(PixelFormat::Mjpeg);
    let layout = Layout { format, width: width.into(), height: height.into() };
    if let Ok(len) = picture_len(layout, bytes) {
        assert!(len <= bytes.len());
    }
    // The row padding of a driver, from none to more than a row.
    if let Ok(picture) = without_padding(layout, usize::from(width) * usize::from(kind % 9), bytes) {
        assert!(picture.len() <= bytes.len());
    }
    if let Ok(small) = glance(layout, usize::from(width) * usize::from(kind % 9), bytes, GLANCE_CELLS) {
        assert!((1..=6400).contains(&small.light().len()));
    }
    if let Ok(frame) = decode(layout, bytes, BootTime::default()) {
        let sides = MIN_SIDE_PX..=MAX_SIDE_PX;
        assert!(sides.contains(&frame.width()) && sides.contains(&frame.height()));
        assert_eq!(frame.rgb().len(), frame.width() as usize * frame.height() as usize * 3);
    }
    if let Ok((width, height, rgb)) = decode_picture(bytes) {
        assert!(width <= MAX_SIDE_PX && height <= MAX_SIDE_PX);
        assert_eq!(rgb.len(), width as usize * height as usize * 3);
    }
});
