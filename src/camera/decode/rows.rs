//! Raw pictures in a buffer: how long they are, and where their rows are.
//!
//! A driver may pad each row (`bytesperline` of Video4Linux). Padding is dropped as the picture is copied, so that
//! nothing later has to know of it.

use super::{Layout, PixelFormat, bad};
use crate::camera::CameraError;

/// Rows, and bytes a row without padding, of each plane; empty for JPEG.
fn planes(layout: Layout) -> Vec<(usize, usize)> {
    let (width, height) = (layout.width as usize, layout.height as usize);
    match layout.format {
        PixelFormat::Mjpeg => Vec::new(),
        PixelFormat::Yuyv | PixelFormat::Uyvy | PixelFormat::Yvyu => vec![(height, width * 2)],
        PixelFormat::Nv12 => vec![(height, width), (height / 2, width)],
        PixelFormat::I420 => vec![(height, width), (height / 2, width / 2), (height / 2, width / 2)],
        PixelFormat::Grey => vec![(height, width)],
    }
}

/// How many bytes a picture takes without padding; `None` for JPEG, which contains its own end.
pub fn raw_len(layout: Layout) -> Option<usize> {
    let planes = planes(layout);
    (!planes.is_empty()).then(|| planes.iter().map(|(rows, bytes)| rows * bytes).sum())
}

/// Bytes a row of the first plane without padding; 0 for JPEG.
pub fn row_len(layout: Layout) -> usize {
    planes(layout).first().map_or(0, |(_, bytes)| *bytes)
}

/// How many bytes a picture takes whose rows begin `stride` bytes apart, at least [`row_len`]; the last one may come without
/// padding. 0 for JPEG.
pub fn padded_len(layout: Layout, stride: usize) -> usize {
    let row = row_len(layout);
    let rows =
        planes(layout).into_iter().map(|(rows, bytes)| (rows, bytes, stride / (row / bytes.max(1)).max(1)));
    let (all, padding) = rows
        .fold((0, 0), |(all, _), (rows, bytes, stride)| (all + rows * stride, stride.saturating_sub(bytes)));
    all - padding
}

/// Copies the picture at the start of a capture buffer whose rows begin `stride` bytes apart (in the first plane; where a
/// plane has half the width, half as many). What is below [`row_len`] means no padding, as drivers that do not know say 0.
///
/// # Errors
/// [`CameraError::BadFrame`] when the picture is not complete.
pub fn without_padding(layout: Layout, stride: usize, buffer: &[u8]) -> Result<Vec<u8>, CameraError> {
    let row = row_len(layout);
    if stride <= row || row == 0 {
        return Ok(buffer[..super::picture_len(layout, buffer)?].to_vec());
    }
    let mut picture = Vec::with_capacity(raw_len(layout).unwrap_or_default());
    let mut rest = buffer;
    for (rows, bytes) in planes(layout) {
        let stride = stride / (row / bytes.max(1)).max(1);
        for _ in 0..rows {
            let Some(row) = rest.get(..bytes) else {
                let Layout { width, height, format } = layout;
                return bad(&format!(
                    "short: {} bytes are no {width}x{height} pixels of {format} in rows of {stride} bytes",
                    buffer.len()
                ));
            };
            picture.extend_from_slice(row);
            // The last row may come without padding.
            rest = rest.get(stride..).unwrap_or_default();
        }
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(format: PixelFormat) -> Layout {
        Layout { format, width: 32, height: 34 }
    }

    /// A tight picture, and the same with rows `stride` apart.
    fn padded(layout: Layout, stride: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut tight, mut padded) = (Vec::new(), Vec::new());
        for (rows, bytes) in planes(layout) {
            let stride = stride * bytes / row_len(layout);
            for _ in 0..rows {
                let row: Vec<u8> = (0..bytes).map(|i| ((tight.len() + i) * 7 % 251) as u8).collect();
                tight.extend_from_slice(&row);
                padded.extend_from_slice(&row);
                padded.resize(padded.len() + stride - bytes, 255);
            }
        }
        (tight, padded)
    }

    #[test]
    fn padding_is_dropped_from_every_plane() {
        for format in PixelFormat::RAW {
            let layout = layout(format);
            let row = row_len(layout);
            for stride in [row + 2, row + 64, row * 2] {
                let (tight, padded) = padded(layout, stride);
                let last = stride * planes(layout).last().expect("a plane").1 / row;
                let padding = last - planes(layout).last().expect("a plane").1;
                for end in [padded.len(), padded.len() - padding] {
                    let read = without_padding(layout, stride, &padded[..end]);
                    assert!(read.is_ok_and(|read| read == tight), "{format} in rows of {stride}");
                }
                let short = without_padding(layout, stride, &padded[..padded.len() - padding - 1]);
                let why = short.expect_err("a byte is missing").to_string();
                assert!(why.contains(&format!("{format} in rows of")), "{why}");
            }
        }
    }

    #[test]
    fn rows_without_padding_are_taken_as_they_are() {
        for format in PixelFormat::RAW {
            let (tight, _) = padded(layout(format), row_len(layout(format)));
            for stride in [0, 1, row_len(layout(format))] {
                let followed = [&tight[..], &[1, 2, 3]].concat();
                assert!(
                    without_padding(layout(format), stride, &followed).is_ok_and(|read| read == tight),
                    "{format}"
                );
            }
        }
    }
}
