//! Reads the scan of a baseline JPEG block by block, without decoding a pixel: to check that it contains every block it
//! announces, and for the mean light of each.
//!
//! Even in strict mode zune-jpeg fills in missing blocks if an end marker follows. A camera sends such a frame when
//! packets get lost, and a capture buffer holds one when a short frame overwrites part of an older one. So the
//! Huffman codes are read once more and the blocks counted.

use super::huffman::{BitReader, SLACK_BYTES, Tables, read_tables};
use super::{DHT, standard_tables};

/// Checks the scan of a baseline JPEG that begins at SOI, ends at EOI and contains its tables.
///
/// `Ok(false)` for pictures in several scans (progressive, or one scan per colour), which are not checked: no camera sends
/// them.
pub(super) fn check(jpeg: &[u8]) -> Result<bool, String> {
    let Some(scan) = Scan::read(&jpeg[..jpeg.len() - 2])? else { return Ok(false) };
    let left = scan.walk(|_, _, _| {})?;
    if left > SLACK_BYTES {
        return Err(format!("damaged JPEG: {left} bytes left over, as from another frame"));
    }
    Ok(true)
}

/// What the headers announce, and the compressed blocks.
pub(super) struct Scan<'a> {
    /// Pixels a row, and rows.
    pub(super) size: (usize, usize),
    /// Block groups (MCUs) in a row of groups, and rows of them.
    pub(super) groups: (usize, usize),
    /// Blocks of a group across and down that are of the first component, which holds the light. They come first.
    pub(super) first: (usize, usize),
    /// The same of the component with most of them.
    pub(super) most: (usize, usize),
    /// What the first coefficient of a block of the first component is multiplied by.
    pub(super) step: i32,
    /// Groups between two restart markers; 0 for none.
    restart: usize,
    blocks: Vec<Block>,
    tables: Tables,
    packed: &'a [u8],
}

/// One block of a group: its component, and its tables.
#[derive(Clone, Copy)]
struct Block {
    component: usize,
    dc: usize,
    ac: usize,
}

/// The segments before the scan, as far as they matter.
#[derive(Default)]
struct Headers<'a> {
    frame: Option<&'a [u8]>,
    restart: usize,
    tables: Tables,
    has_tables: bool,
    /// The first value of each quantisation table.
    steps: [i32; 4],
}

impl<'a> Scan<'a> {
    /// `None` for a kind of JPEG that is not read here. What follows the scan is taken for a part of it.
    pub(super) fn read(jpeg: &'a [u8]) -> Result<Option<Self>, String> {
        let read = Self::read_headers(jpeg);
        read.ok_or_else(|| "damaged JPEG: its headers contradict each other".to_owned())
    }

    fn read_headers(jpeg: &'a [u8]) -> Option<Option<Self>> {
        let (mut at, mut headers) = (2, Headers::default());
        loop {
            while jpeg.get(at..at + 2)? == [0xFF, 0xFF] {
                at += 1;
            }
            let (marker, length) = (*jpeg.get(at + 1)?, word(jpeg, at + 2)?);
            let body = jpeg.get(at + 4..at + 2 + length)?;
            at += 2 + length;
            match marker {
                0xC0 | 0xC1 => headers.frame = Some(body),
                DHT => {
                    headers.has_tables = true;
                    read_tables(body, &mut headers.tables)?;
                }
                0xC2..=0xCF => return Some(None),
                0xDB => read_steps(body, &mut headers.steps)?,
                0xDD => headers.restart = word(body, 0)?,
                0xDA => return headers.scan(body, jpeg.get(at..)?),
                _ => {}
            }
        }
    }

    /// Reads all blocks. `seen` gets the column and row of each block's group, its number there, and its first coefficient in
    /// units of its quantisation table. Returns the number of bytes left over.
    pub(super) fn walk(&self, mut seen: impl FnMut((usize, usize), usize, i32)) -> Result<usize, String> {
        let mut bits = BitReader::new(self.packed);
        let (across, down) = self.groups;
        let mut last = [0_i32; 4];
        for group in 0..across * down {
            if self.restart > 0 && group > 0 && group % self.restart == 0 {
                bits.restart().ok_or_else(|| format!("damaged JPEG: no restart at block group {group}"))?;
                last = [0; 4];
            }
            for (at, block) in self.blocks.iter().enumerate() {
                let difference = bits.block(&self.tables[block.dc], &self.tables[block.ac]);
                let difference = difference.ok_or_else(|| {
                    format!("truncated JPEG: it ends in block group {group} of {}", across * down)
                })?;
                let last = &mut last[block.component & 3];
                *last = last.wrapping_add(difference);
                seen((group % across, group / across), at, *last);
            }
        }
        Ok(bits.left())
    }
}

impl Headers<'_> {
    /// `None`: they contradict each other. `Some(None)`: the picture consists of several scans.
    fn scan<'a>(mut self, header: &[u8], packed: &'a [u8]) -> Option<Option<Scan<'a>>> {
        let frame = self.frame?;
        let size = (word(frame, 3)?, word(frame, 1)?);
        let parts = frame.get(6..)?.chunks_exact(3).take(usize::from(*frame.get(5)?));
        // Number, blocks across and down, quantisation table.
        let components: Vec<_> = parts
            .map(|part| (part[0], usize::from(part[1] >> 4), usize::from(part[1] & 15), part[2] & 3))
            .collect();
        let in_scan = usize::from(*header.first()?);
        if in_scan != components.len() {
            return Some(None);
        }
        let (mut blocks, mut most, mut first, mut step) = (Vec::new(), (1, 1), None, 0);
        for (component, chosen) in header.get(1..1 + in_scan * 2)?.chunks_exact(2).enumerate() {
            let (_, across, down, table) = components.iter().find(|(id, ..)| *id == chosen[0])?;
            // With one component there is one block per group, whatever the sampling factors say.
            let (across, down) = if in_scan == 1 { (1, 1) } else { (*across, *down) };
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return None;
            }
            most = (most.0.max(across), most.1.max(down));
            if first.is_none() {
                (first, step) = (Some((across, down)), self.steps[usize::from(*table)]);
            }
            let (dc, ac) = (usize::from(chosen[1] >> 4) & 3, 4 + (usize::from(chosen[1]) & 3));
            blocks.extend(std::iter::repeat_n(Block { component, dc, ac }, across * down));
        }
        if !self.has_tables {
            read_tables(&standard_tables()[4..], &mut self.tables)?;
        }
        let groups = (size.0.div_ceil(8 * most.0), size.1.div_ceil(8 * most.1));
        let (first, Self { restart, tables, .. }) = (first?, self);
        Some(Some(Scan { size, groups, first, most, step, restart, blocks, tables, packed }))
    }
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])))
}

/// Reads the body of a DQT segment; `None` if it contradicts itself.
fn read_steps(mut body: &[u8], steps: &mut [i32; 4]) -> Option<()> {
    while let Some((&slot, rest)) = body.split_first() {
        let wide = slot >> 4 > 0;
        let first = if wide { word(rest, 0)? } else { usize::from(*rest.first()?) };
        steps[usize::from(slot & 3)] = first as i32;
        body = rest.get(if wide { 128 } else { 64 }..)?;
    }
    Some(())
}
