//! Splits a stream of bytes into pictures: JPEGs by their markers, raw pictures by their size. Pure.

use zeroize::Zeroizing;

use super::super::CameraError;
use super::super::decode::{Ending, Layout, PixelFormat, Span, raw_len};
use super::capture::RawFrame;

/// Longest JPEG that is accepted, in bytes.
const MAX_JPEG_BYTES: usize = 8 << 20;

/// Most bytes between two JPEGs, or before the first.
const MAX_SKIPPED_BYTES: usize = 256 << 10;

/// First bytes of a JPEG: its start marker, and the first byte of the next marker.
const START: &[u8] = &[0xFF, 0xD8, 0xFF];
/// The marker at the end of a JPEG, which some cameras leave out.
const END: &[u8] = &[0xFF, 0xD9];

/// Splits the output of one command.
pub(super) struct FrameSplitter {
    layout: Layout,
    pending: Zeroizing<Vec<u8>>,
    /// The end of the first picture may have arrived and has not been examined yet.
    may_be_over: bool,
    /// Pictures that came out whole.
    whole: u64,
    /// Bytes since the last picture that belong to none.
    skipped: usize,
}

impl FrameSplitter {
    pub(super) fn new(layout: Layout) -> Self {
        Self { layout, pending: Zeroizing::default(), may_be_over: false, whole: 0, skipped: 0 }
    }

    /// Appends what the command wrote next.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        // The first byte of the marker may have arrived with the previous bytes.
        let from = self.pending.len().saturating_sub(1);
        self.pending.extend_from_slice(bytes);
        self.may_be_over |= self.layout.format == PixelFormat::Mjpeg && may_end(&self.pending[from..]);
    }

    /// The next picture; `None` until it is complete. [`CameraError::BadFrame`]: one was dropped.
    pub(super) fn next_frame(&mut self) -> Option<Result<RawFrame, CameraError>> {
        let Some(wanted) = raw_len(self.layout) else { return self.next_jpeg() };
        (self.pending.len() >= wanted).then(|| Ok(self.frame(wanted)))
    }

    /// Pictures so far, and the bytes after them.
    pub(super) fn count(&self) -> (u64, usize) {
        (self.whole, self.pending.len())
    }

    /// Whether so much came that is no JPEG that none will come.
    pub(super) fn is_lost(&self) -> bool {
        self.skipped > MAX_SKIPPED_BYTES
    }

    fn next_jpeg(&mut self) -> Option<Result<RawFrame, CameraError>> {
        self.skip_to_start();
        if self.may_be_over && self.pending.len() >= START.len() {
            let damage = match Span::of(&self.pending) {
                Ok(Span { ending: Ending::Bytes { segment }, .. }) => {
                    // Its last segment does not contain the end of one picture and the start of another.
                    let over = find(&self.pending[segment..], &[END, START].concat()).is_some();
                    over.then(|| (segment, "truncated JPEG: it ends in its headers".to_owned()))
                }
                // Without an end marker, the decoder sees whether it is whole.
                Ok(span) => return Some(Ok(self.frame(span.end))),
                Err(damage) => Some((damage.at, damage.why)),
            };
            // Only this picture is lost.
            if let Some((at, why)) = damage
                && let Some(next) = find(&self.pending[at.max(1)..], START)
            {
                self.pending.drain(..at.max(1) + next);
                return Some(Err(CameraError::BadFrame { why }));
            }
            self.may_be_over = false;
        }
        if self.pending.len() > MAX_JPEG_BYTES {
            self.pending.clear();
            let why = format!("the JPEG does not end within {MAX_JPEG_BYTES} bytes");
            return Some(Err(CameraError::BadFrame { why }));
        }
        None
    }

    /// Drops whatever precedes the place where a JPEG may begin.
    fn skip_to_start(&mut self) {
        let begun = self.pending.len() < START.len() && START.starts_with(&self.pending);
        if !begun && !self.pending.starts_with(START) {
            let start = find(&self.pending, START);
            let surplus = start.unwrap_or(self.pending.len().saturating_sub(START.len() - 1));
            self.skipped += surplus;
            self.pending.drain(..surplus);
        }
    }

    fn frame(&mut self, length: usize) -> RawFrame {
        let bytes = self.pending.drain(..length).collect();
        self.may_be_over = self.layout.format == PixelFormat::Mjpeg && may_end(&self.pending);
        (self.whole, self.skipped) = (self.whole + 1, 0);
        RawFrame { layout: self.layout, bytes }
    }
}

/// Whether a marker is there that ends a picture: its own, or the first one of the next.
fn may_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == END || pair == &START[..2])
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MJPEG: Layout = Layout { format: PixelFormat::Mjpeg, width: 0, height: 0 };

    /// A JPEG as far as markers go, with an end marker inside a segment, as a thumbnail has one.
    fn jpeg(fill: u8) -> Vec<u8> {
        let fill = fill & 0x7F;
        let head = [0xFF, 0xD8, 0xFF, 0xE0, 0, 6, 0xFF, 0xD9, fill, fill, 0xFF, 0xDA, 0, 2];
        [&head[..], &[fill; 40], &[0xFF, 0x00, fill, 0xFF, 0xD9]].concat()
    }

    /// Everything that comes out of these pieces; `None` for a picture that was dropped.
    fn split(layout: Layout, pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<Option<Vec<u8>>> {
        let mut splitter = FrameSplitter::new(layout);
        let mut out = Vec::new();
        for piece in pieces {
            splitter.push(&piece);
            out.extend(
                std::iter::from_fn(|| splitter.next_frame())
                    .map(|next| next.ok().map(|frame| frame.bytes.clone())),
            );
        }
        out
    }

    #[test]
    fn raw_pictures_are_split_by_their_exact_size() {
        let layout = Layout { format: PixelFormat::I420, width: 32, height: 32 };
        let stream: Vec<u8> = [vec![1; 1536], vec![2; 1536], vec![3; 700]].concat();
        let out = split(layout, stream.chunks(500).map(<[u8]>::to_vec));
        assert_eq!(out, [Some(vec![1; 1536]), Some(vec![2; 1536])]);
    }

    #[test]
    fn what_stands_between_pictures_is_skipped() {
        let stream = [b"banner\n".to_vec(), jpeg(1), vec![0; 99], jpeg(2)].concat();
        assert_eq!(split(MJPEG, [stream]), [Some(jpeg(1)), Some(jpeg(2))]);
        let bytewise = [jpeg(0), jpeg(0)].concat().into_iter().map(|byte| vec![byte]);
        assert_eq!(split(MJPEG, bytewise), [Some(jpeg(0)), Some(jpeg(0))]);
    }

    #[test]
    fn a_damaged_picture_is_lost_and_the_next_is_not() {
        let mut damaged = jpeg(1);
        damaged[10] = 0;
        assert_eq!(split(MJPEG, [damaged, jpeg(2), jpeg(3)]), [None, Some(jpeg(2)), Some(jpeg(3))]);
    }

    #[test]
    fn pictures_without_end_markers_end_where_the_next_begins() {
        let bare = |fill| jpeg(fill)[..jpeg(fill).len() - 2].to_vec();
        let stream = [bare(1), bare(2), jpeg(3), bare(4), jpeg(5)].concat();
        for size in [1, 7, 1000] {
            let out = split(MJPEG, stream.chunks(size).map(<[u8]>::to_vec));
            assert_eq!(out, [bare(1), bare(2), jpeg(3), bare(4), jpeg(5)].map(Some), "{size}");
        }
    }

    #[test]
    fn a_picture_cut_in_its_header_is_lost_and_the_next_is_not() {
        // Cut between a marker and its length, so that what follows is taken for a length of 65,496.
        let stream = [&jpeg(1)[..12], &jpeg(2), &jpeg(3)[..4], &jpeg(4), &jpeg(5)].concat();
        assert_eq!(split(MJPEG, [stream]), [None, Some(jpeg(2)), None, Some(jpeg(4)), Some(jpeg(5))]);
    }

    #[test]
    fn a_picture_without_end_is_given_up_before_it_fills_the_memory() {
        let mut splitter = FrameSplitter::new(MJPEG);
        splitter.push(&jpeg(1)[..20]);
        let mut lost = 0;
        for _ in 0..=MAX_JPEG_BYTES / 65_536 {
            splitter.push(&[7; 65_536]);
            lost += usize::from(splitter.next_frame().is_some_and(|next| next.is_err()));
        }
        assert!(lost == 1 && splitter.pending.len() <= 65_536, "{lost}, {}", splitter.pending.len());
    }

    proptest! {
        #[test]
        fn however_the_stream_is_chunked_the_same_pictures_come_out(
            fills in prop::collection::vec(any::<u8>(), 1..5), size in 1_usize..200,
        ) {
            let pictures: Vec<Vec<u8>> = fills.iter().map(|fill| jpeg(*fill)).collect();
            let out = split(MJPEG, pictures.concat().chunks(size).map(<[u8]>::to_vec));
            prop_assert_eq!(out, pictures.into_iter().map(Some).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_panic_and_every_picture_is_bounded(
            pieces in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0xFF), Just(0xD8), Just(0xD9), any::<u8>()], 0..64), 0..32),
        ) {
            for bytes in split(MJPEG, pieces).into_iter().flatten() {
                prop_assert!(bytes.starts_with(&START[..2]) && bytes.len() <= 32 * 64);
            }
        }
    }
}
