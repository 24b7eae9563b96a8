//! The orientation in the EXIF data of a picture file; untrusted input, of which nothing else is read.

use crate::camera::orient::Orientation;

/// The tag that holds the orientation, 1 to 8.
const ORIENTATION: u16 = 0x0112;
/// A 16-bit number.
const SHORT: u16 = 3;
/// Bytes of one entry: tag, type, count and value.
const ENTRY: usize = 12;

/// How to turn the picture upright. `tiff` begins with the byte order, as in an APP1 segment after `Exif` and two zeros
/// and in the chunk `eXIf` of a PNG. Data that is damaged, or without an orientation, turns nothing.
pub(super) fn orientation(tiff: &[u8]) -> Orientation {
    let (degrees, mirror) = match value(tiff) {
        Some(2) => (0, true),
        Some(3) => (180, false),
        Some(4) => (180, true),
        Some(5) => (90, true),
        Some(6) => (90, false),
        Some(7) => (270, true),
        Some(8) => (270, false),
        _ => (0, false),
    };
    Orientation::new(degrees, mirror)
}

/// The value of the tag in the first directory: one number of 16 bits.
fn value(tiff: &[u8]) -> Option<u16> {
    let big = match tiff.get(..4)? {
        [b'M', b'M', 0, 42] => true,
        [b'I', b'I', 42, 0] => false,
        _ => return None,
    };
    let short = |bytes: &[u8], at: usize| {
        let two: [u8; 2] = bytes.get(at..)?.first_chunk().copied()?;
        Some(if big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    };
    let long = |bytes: &[u8], at: usize| {
        let four: [u8; 4] = bytes.get(at..)?.first_chunk().copied()?;
        Some(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    };
    let directory = tiff.get(usize::try_from(long(tiff, 4)?).ok()?..)?;
    let entries = directory.get(2..)?.chunks_exact(ENTRY).take(usize::from(short(directory, 0)?));
    let mut found = entries.filter(|entry| short(entry, 0) == Some(ORIENTATION));
    let entry = found.next()?;
    (short(entry, 2)? == SHORT && long(entry, 4)? == 1).then(|| short(entry, 8))?
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// EXIF data with a resolution before and an unknown tag after the orientation.
    pub(in crate::camera::decode) fn tiff(big: bool, value: u16) -> Vec<u8> {
        let short = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let long = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let entry = |tag: u16, value: u16| {
            [&short(tag)[..], &short(SHORT), &long(1), &short(value), &[0, 0]].concat()
        };
        let order: &[u8] = if big { b"MM" } else { b"II" };
        let head = [order, &short(42), &long(10), &[7, 7], &short(3)].concat();
        [head, entry(0x011A, 6), entry(ORIENTATION, value), entry(0xFFFF, 8), long(0).to_vec()].concat()
    }

    #[test]
    fn all_eight_values_are_read_in_both_byte_orders() {
        let wanted = [
            (0, false),
            (0, true),
            (180, false),
            (180, true),
            (90, true),
            (90, false),
            (270, true),
            (270, false),
        ];
        for big in [false, true] {
            for (value, (degrees, mirror)) in (1..).zip(wanted) {
                assert_eq!(orientation(&tiff(big, value)), Orientation::new(degrees, mirror), "{value}");
            }
        }
    }

    #[test]
    fn what_is_damaged_or_unknown_turns_nothing() {
        for value in [0, 9, 0x0600, u16::MAX] {
            assert!(orientation(&tiff(false, value)).is_upright(), "{value}");
        }
        let whole = tiff(true, 6);
        let end_of_entry = 10 + 2 + 2 * ENTRY;
        assert!(!orientation(&whole[..end_of_entry]).is_upright());
        for cut in 0..end_of_entry {
            assert!(orientation(&whole[..cut]).is_upright(), "cut at {cut}");
        }
        let changed = |at: usize, value: u8| {
            let mut bytes = whole.clone();
            bytes[at] = value;
            orientation(&bytes).is_upright()
        };
        // Byte order, magic number, far directory, no entries, another type, two values.
        for (at, value) in [(0, b'X'), (3, 43), (4, 0xFF), (11, 0), (27, 4), (31, 2)] {
            assert!(changed(at, value), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(big: bool, rest: Vec<u8>) {
            orientation(&rest);
            let order: &[u8] = if big { b"MM\0\x2A" } else { b"II\x2A\0" };
            orientation(&[order, &rest].concat());
        }

        #[test]
        fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut bytes = tiff(false, 6);
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            orientation(&bytes);
        }
    }
}
