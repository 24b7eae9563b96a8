//! A JPEG at an eighth of its size, in grey, without decoding a pixel: the first coefficient of a block is its mean light.

use super::scan::{Component, Scan};
use crate::camera::CameraError;
use crate::camera::grey::Grey;

/// The JPEG at the start of `bytes`, at most `long` cells along the longer side; `check` gets its size before memory is
/// allocated. What follows it is not looked at. `None` for a kind of JPEG that only a whole decode can read (progressive).
pub(in crate::camera::decode) fn light(
    bytes: &[u8],
    long: u32,
    check: impl Fn(u32, u32) -> Result<(), CameraError>,
) -> Result<Option<Grey>, CameraError> {
    let bad = |why| CameraError::BadFrame { why };
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return Err(bad("no JPEG: it does not begin with FF D8".to_owned()));
    }
    let Some(scan) = Scan::read(bytes).map_err(bad)? else { return Ok(None) };
    let (width, height) = scan.size;
    check(width as u32, height as u32)?;
    // Blocks that show something of the picture: its last groups may reach beyond it.
    let blocks = |pixels: usize, first: usize, most: usize| (pixels * first).div_ceil(most).div_ceil(8);
    let Component { across, down, .. } = scan.components[0];
    let (columns, rows) = (blocks(width, across, scan.most.0), blocks(height, down, scan.most.1));
    let mut light = zeroize::Zeroizing::new(vec![0.0; columns * rows]);
    // A first coefficient is eight times the mean, which is counted from the middle of the range.
    let step = f32::from(scan.steps(&scan.components[0]).first().copied().unwrap_or_default()) / 8.0;
    scan.walk(&mut |group: (usize, usize), block: usize, value: i32| {
        let (column, row) = (group.0 * across + block % across, group.1 * down + block / across);
        if block < across * down && column < columns && row < rows {
            light[row * columns + column] = (value as f32 * step + 128.0).clamp(0.0, 255.0);
        }
    })
    .map_err(bad)?;
    Ok(Some(Grey::averaged((columns, rows), &light, long, columns as f32 / width as f32)))
}
