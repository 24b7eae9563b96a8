//! The segments of a JPEG before its scan.

use super::huffman::{Tables, read_tables};
use super::scan::{Block, Component, Scan};
use super::{DHT, standard_tables};

/// As far as they matter.
#[derive(Default)]
pub(super) struct Headers<'a> {
    frame: Option<&'a [u8]>,
    /// Groups between two restart markers; 0 for none.
    pub(super) restart: usize,
    pub(super) tables: Tables,
    has_tables: bool,
    /// The quantisation tables, 64 values each in zigzag order; empty for one that is missing.
    pub(super) steps: [Vec<u16>; 4],
    /// Whether a segment of Adobe's says what the components mean.
    pub(super) has_adobe: bool,
    /// What the APP1 segment holds after `Exif` and two zeros; empty without one.
    pub(super) exif: &'a [u8],
}

impl<'a> Headers<'a> {
    /// `None`: they contradict each other. `Some(None)`: the picture is progressive, or consists of several scans.
    pub(super) fn read(jpeg: &'a [u8]) -> Option<Option<Scan<'a>>> {
        let (mut at, mut headers) = (2, Self::default());
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
                0xE1 => headers.exif = body.strip_prefix(b"Exif\0\0").unwrap_or(headers.exif),
                0xEE => headers.has_adobe = true,
                _ => {}
            }
        }
    }

    fn scan(mut self, header: &[u8], packed: &'a [u8]) -> Option<Option<Scan<'a>>> {
        let frame = self.frame?;
        let size = (word(frame, 3)?, word(frame, 1)?);
        let parts = frame.get(6..)?.chunks_exact(3).take(usize::from(*frame.get(5)?));
        let in_frame: Vec<Component> = parts.map(Component::read).collect();
        let in_scan = usize::from(*header.first()?);
        if in_scan != in_frame.len() {
            return Some(None);
        }
        let (mut components, mut blocks, mut most) = (Vec::new(), Vec::new(), (1, 1));
        for chosen in header.get(1..1 + in_scan * 2)?.chunks_exact(2) {
            let mut component = *in_frame.iter().find(|component| component.id == chosen[0])?;
            // With one component there is one block per group, whatever the sampling factors say.
            if in_scan == 1 {
                (component.across, component.down) = (1, 1);
            }
            let Component { across, down, .. } = component;
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return None;
            }
            most = (most.0.max(across), most.1.max(down));
            let (dc, ac) = (usize::from(chosen[1] >> 4) & 3, 4 + (usize::from(chosen[1]) & 3));
            let block = Block { component: components.len(), dc, ac };
            blocks.extend(std::iter::repeat_n(block, across * down));
            components.push(component);
        }
        if components.is_empty() {
            return None;
        }
        if !self.has_tables {
            read_tables(&standard_tables()[4..], &mut self.tables)?;
        }
        let groups = (size.0.div_ceil(8 * most.0), size.1.div_ceil(8 * most.1));
        Some(Some(Scan { size, groups, components, most, blocks, headers: self, packed }))
    }

    /// Bits of a sample.
    pub(super) fn precision(&self) -> Option<u8> {
        self.frame?.first().copied()
    }
}

impl Component {
    /// Of three bytes in a SOF segment.
    fn read(part: &[u8]) -> Self {
        let (across, down) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
        Self { id: part[0], across, down, steps: usize::from(part[2] & 3) }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])))
}

/// Reads the body of a DQT segment; `None` if it contradicts itself.
fn read_steps(mut body: &[u8], steps: &mut [Vec<u16>; 4]) -> Option<()> {
    while let Some((&slot, rest)) = body.split_first() {
        let wide = slot >> 4 > 0;
        let (values, rest) = rest.split_at_checked(if wide { 128 } else { 64 })?;
        steps[usize::from(slot & 3)] = if wide {
            values.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
        } else {
            values.iter().map(|&value| u16::from(value)).collect()
        };
        body = rest;
    }
    Some(())
}
