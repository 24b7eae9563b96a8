//! Decodes one JPEG, which stale bytes may follow, to RGB.
//!
//! Terms: **SOI** and **EOI** are the markers that begin and end a JPEG, **SOF** holds its size, **DHT** its Huffman
//! tables, **SOS** begins the compressed pixels, **RST** occurs within them.

mod headers;
mod huffman;
mod light;
mod pixels;
mod scan;

use zeroize::Zeroize;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::{CameraError, MAX_SIDE_PX, Wiped};
pub(super) use light::light;
use pixels::Pixels;
use scan::Scan;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DHT: u8 = 0xC4;
const RST: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;

/// Progressive pictures consist of scans, each of which costs a pass; cameras send one.
const MAX_SCANS: usize = 32;

pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rgb: Vec<u8>,
    /// What the APP1 segment holds after `Exif` and two zeros; empty without one.
    pub(super) exif: Vec<u8>,
}

/// Decodes the JPEG at the start of `bytes`; `check` gets its size before memory is allocated. One without an end marker
/// is decoded if all its blocks are there.
pub(super) fn decode(
    bytes: &[u8],
    check: impl Fn(u32, u32) -> Result<(), CameraError>,
) -> Result<Picture, String> {
    let span = Span::of(bytes).map_err(|damage| damage.why)?;
    let check = |width: usize, height: usize| {
        check(width as u32, height as u32).map_err(|refusal| match refusal {
            CameraError::BadFrame { why } => why,
            other => other.to_string(),
        })
    };
    let scan = Scan::read(span.without_end(bytes))?;
    if let Some(scan) = &scan {
        let (width, height) = scan.size;
        check(width, height)?;
        if let Some(pixels) = Pixels::of(scan) {
            let (width, height) = (width as u32, height as u32);
            return Ok(Picture { width, height, rgb: pixels.read(scan)?, exif: scan.headers.exif.to_vec() });
        }
        scan.walk_all(&mut |_: (usize, usize), _: usize, _: i32| {})?;
    } else if span.ending != Ending::Marker {
        return Err(format!("truncated JPEG: no end marker in {} bytes", bytes.len()));
    }
    decode_unusual(&span.completed(bytes), check)
}

/// Decodes what [`Pixels`] does not: progressive pictures, scans of one colour each, rare samplings and colours.
fn decode_unusual(
    whole: &[u8],
    check: impl Fn(usize, usize) -> Result<(), String>,
) -> Result<Picture, String> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE_PX as usize)
        .set_max_height(MAX_SIDE_PX as usize)
        .jpeg_set_max_scans(MAX_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(whole), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or("JPEG without a size")?;
    check(width, height)?;
    let mut rgb = vec![0; width * height * 3];
    if decoder.output_buffer_size() != Some(rgb.len()) {
        return Err("JPEG whose colours cannot be converted to RGB".to_owned());
    }
    fill(&mut decoder, &mut rgb)?;
    let exif = decoder.exif().cloned().unwrap_or_default();
    Ok(Picture { width: width as u32, height: height as u32, rgb, exif })
}

/// Decodes into `rgb`, where after an error nothing is left of the picture.
fn fill(decoder: &mut JpegDecoder<ZCursor<&[u8]>>, rgb: &mut [u8]) -> Result<(), String> {
    let decoded = decoder.decode_into(rgb).map_err(damaged);
    if decoded.is_err() {
        rgb.zeroize();
    }
    decoded
}

fn damaged(why: zune_jpeg::errors::DecodeErrors) -> String {
    format!("damaged JPEG: {why}")
}

/// How far a JPEG reaches, by its markers alone.
pub(in crate::camera) struct Span {
    /// Bytes from SOI to where it ends.
    pub(in crate::camera) end: usize,
    pub(in crate::camera) ending: Ending,
    has_tables: bool,
}

/// What a JPEG ends with. Some cameras leave the marker out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::camera) enum Ending {
    /// EOI.
    Marker,
    /// The SOI of another JPEG.
    Another,
    /// The bytes end, in a segment that begins at byte `segment`: there may be more to come.
    Bytes { segment: usize },
}

/// Bytes that are no JPEG.
pub(in crate::camera) struct Damage {
    /// Where they stop being one.
    #[cfg_attr(
        not(all(feature = "camera", target_os = "linux")),
        expect(dead_code, reason = "only a stream is searched for the next")
    )]
    pub(in crate::camera) at: usize,
    pub(in crate::camera) why: String,
}

impl Span {
    /// Walks the segments by their lengths, so that an EOI in a thumbnail does not count.
    pub(in crate::camera) fn of(bytes: &[u8]) -> Result<Self, Damage> {
        if bytes.get(..2) != Some(&[0xFF, SOI]) {
            return Err(Damage { at: 0, why: "no JPEG: it does not begin with FF D8".to_owned() });
        }
        let (mut at, mut segment, mut has_tables, mut has_scan) = (2, 0, false, false);
        loop {
            let open = Self { end: bytes.len(), ending: Ending::Bytes { segment }, has_tables };
            let marker = loop {
                match (bytes.get(at), bytes.get(at + 1)) {
                    (Some(0xFF), Some(0xFF)) => at += 1,
                    (Some(0xFF), Some(&marker)) => break marker,
                    (Some(_), Some(_)) => {
                        return Err(Damage { at, why: format!("damaged JPEG: no marker at byte {at}") });
                    }
                    _ => return Ok(open),
                }
            };
            if marker == EOI {
                return Ok(Self { end: at + 2, ending: Ending::Marker, ..open });
            }
            if marker == SOI && has_scan {
                return Ok(Self { end: at, ending: Ending::Another, ..open });
            }
            if marker == SOI {
                return Err(Damage { at, why: format!("truncated JPEG: another one begins at byte {at}") });
            }
            (segment, at) = (at, at + 2);
            has_tables |= marker == DHT;
            let open = Self { ending: Ending::Bytes { segment }, has_tables, ..open };
            let Some(length) = bytes.get(at..at + 2) else { return Ok(open) };
            at += usize::from(u16::from_be_bytes([length[0], length[1]]));
            if marker == SOS {
                has_scan = true;
                let Some(end) = end_of_scan(bytes, at) else { return Ok(open) };
                at = end;
            }
        }
    }

    /// The bytes from SOI to where EOI is, or should be.
    fn without_end<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let end: &[u8] = if self.ending == Ending::Marker { &[0xFF, EOI] } else { &[] };
        &bytes[..self.end - end.len()]
    }

    /// The bytes from SOI to EOI, with what the camera left out: the standard Huffman tables, the EOI.
    fn completed(&self, bytes: &[u8]) -> Wiped {
        let tables = if self.has_tables { Vec::new() } else { standard_tables() };
        let (begin, rest) = self.without_end(bytes).split_at(2);
        Wiped([begin, &tables, rest, &[0xFF, EOI]].concat())
    }
}

/// The first marker at or after `from` that ends a scan: not a stuffed FF 00 and not RST.
fn end_of_scan(bytes: &[u8], from: usize) -> Option<usize> {
    // FF is rare: blocks without it are passed over as wholes.
    const BLOCK: usize = 32;
    let packed = bytes.get(from..)?;
    let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF) && !RST.contains(&pair[1]);
    (0..packed.len()).step_by(BLOCK).find_map(|at| {
        let block = &packed[at..packed.len().min(at + BLOCK)];
        if !block.iter().fold(false, |any, byte| any | (*byte == 0xFF)) {
            return None;
        }
        let pairs = &packed[at..packed.len().min(at + BLOCK + 1)];
        pairs.windows(2).position(ends).map(|offset| from + at + offset)
    })
}

/// One DHT segment with the tables K.3 to K.6 of ITU-T T.81 (JPEG), which MJPEG takes for granted.
fn standard_tables() -> Vec<u8> {
    const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    const LUMA_FIRST: [u8; 32] = [
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22,
        0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
    ];
    const CHROMA_FIRST: [u8; 38] = [
        0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13,
        0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62,
        0x72, 0xD1, 0x0A, 0x16,
    ];
    let luma = with_rest(&LUMA_FIRST, &[0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A]);
    let chroma = with_rest(&CHROMA_FIRST, &[0x24, 0x34, 0xE1, 0x25, 0xF1]);
    let tables: [(u8, [u8; 16], &[u8]); 4] = [
        (0x00, [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], &DC_VALUES),
        (0x01, [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &DC_VALUES),
        (0x10, [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125], &luma),
        (0x11, [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119], &chroma),
    ];
    let mut body = Vec::new();
    for (class_and_slot, codes_of_length, values) in tables {
        body.push(class_and_slot);
        body.extend_from_slice(&codes_of_length);
        body.extend_from_slice(values);
    }
    let length = (body.len() + 2) as u16;
    let mut segment = vec![0xFF, DHT];
    segment.extend_from_slice(&length.to_be_bytes());
    segment.append(&mut body);
    segment
}

/// The 162 values of an AC table: the frequent ones in their given order, then all others in ascending order.
fn with_rest(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut values: Vec<u8> = first.iter().chain(second).copied().collect();
    // Run 0..=15 in the high digit, size 1..=10 in the low; besides 00 (end) and F0 (16 zeros).
    let others = (0..=0xFF_u8).filter(|value| (1..=10).contains(&(value & 0x0F)) && !values.contains(value));
    let others: Vec<u8> = others.collect();
    values.extend(others);
    values
}
