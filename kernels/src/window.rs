//! A 3x3 window that slides over a picture.

use crate::error::LayerError;

/// Height, width, stride and padding of a 3x3 window that slides over a picture. Pixels outside the picture
/// have the value of the zero point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Input rows.
    pub height: usize,
    /// Input columns.
    pub width: usize,
    /// 1 or 2, in both directions.
    pub stride: usize,
    /// Rows or columns added: top, left, bottom, right; each 0 or 1.
    pub pad: [usize; 4],
}

/// Largest height and width accepted.
const MAX_SIDE: usize = 1 << 14;

impl Window {
    /// Output rows and columns.
    #[must_use]
    pub fn output(&self) -> (usize, usize) {
        let [top, left, bottom, right] = self.pad;
        (
            (self.height + top + bottom).saturating_sub(3) / self.stride + 1,
            (self.width + left + right).saturating_sub(3) / self.stride + 1,
        )
    }

    /// Output rows, from the top, that depend on the first `rows` of the input; may come to more than there are.
    #[must_use]
    pub fn touched(&self, rows: usize) -> usize {
        (rows + self.pad[0]).div_ceil(self.stride)
    }

    /// Input rows, from the top, that the first `rows` of the output depend on; may come to more than there are.
    #[must_use]
    pub fn read(&self, rows: usize) -> usize {
        if rows == 0 { 0 } else { ((rows - 1) * self.stride + 3).saturating_sub(self.pad[0]) }
    }

    pub(crate) fn check(&self) -> Result<(), LayerError> {
        let [top, left, bottom, right] = self.pad;
        let side = |size: usize, before: usize, after: usize| {
            (1..=MAX_SIDE).contains(&size) && before <= 1 && after <= 1 && size + before + after >= 3
        };
        if !(1..=2).contains(&self.stride) {
            return Err(LayerError::Dimension("stride"));
        }
        if !side(self.height, top, bottom) {
            return Err(LayerError::Dimension("height"));
        }
        if !side(self.width, left, right) {
            return Err(LayerError::Dimension("width"));
        }
        Ok(())
    }
}

/// Panics unless `len` is that of whole rows, at most `rows`.
pub(crate) fn check_rows(len: usize, row: usize, rows: usize) {
    assert!(
        len.is_multiple_of(row) && len / row <= rows,
        "output size: {len} is not up to {rows} rows of {row}"
    );
}
