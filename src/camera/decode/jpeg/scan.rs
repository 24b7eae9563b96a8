//! Checks that a JPEG contains every block it announces, without decoding a pixel.
//!
//! Even in strict mode zune-jpeg fills in missing blocks if an end marker follows. A camera sends such a frame when
//! packets get lost, and a capture buffer holds one when a short frame overwrites part of an older one. So the
//! Huffman codes are read once more and the blocks counted.

/// Bytes that cheap cameras leave between the last block and the next marker (libjpeg: "extraneous bytes before
/// marker"). More than this belongs to another frame.
const SLACK_BYTES: usize = 64;

/// Checks the scan of a baseline JPEG that begins at SOI, ends at EOI and contains its tables.
///
/// `Ok(false)` for pictures in several scans (progressive, or one scan per colour), which are not checked: no camera sends
/// them.
pub(super) fn check(jpeg: &[u8]) -> Result<bool, String> {
    let Some(header) = ScanHeader::read(jpeg).ok_or("damaged JPEG: its headers contradict each other")?
    else {
        return Ok(false);
    };
    let mut bits = BitReader { bytes: header.packed, at: 0, held: 0, count: 0 };
    for mcu in 0..header.mcus {
        if header.restart > 0 && mcu > 0 && mcu % header.restart == 0 {
            bits.restart().ok_or_else(|| format!("damaged JPEG: no restart at block group {mcu}"))?;
        }
        for (dc, ac) in &header.blocks {
            let whole = bits.block(&header.tables[*dc], &header.tables[*ac]);
            whole
                .ok_or_else(|| format!("truncated JPEG: it ends in block group {mcu} of {}", header.mcus))?;
        }
    }
    let left = header.packed.len() - bits.at.min(header.packed.len());
    if left > SLACK_BYTES {
        return Err(format!("damaged JPEG: {left} bytes left over, as from another frame"));
    }
    Ok(true)
}

/// What the headers announce about the scan.
struct ScanHeader<'a> {
    /// Block groups (MCUs) in the picture.
    mcus: usize,
    /// Groups between two restart markers; 0 for none.
    restart: usize,
    /// DC and AC table of each block of a group.
    blocks: Vec<(usize, usize)>,
    /// Four DC tables, then four AC tables.
    tables: [HuffmanTable; 8],
    packed: &'a [u8],
}

impl<'a> ScanHeader<'a> {
    /// `None`: the headers contradict each other. `Some(None)`: a kind of JPEG that is not checked here.
    fn read(jpeg: &'a [u8]) -> Option<Option<Self>> {
        let (mut at, mut restart, mut frame) = (2, 0, None);
        let mut tables: [HuffmanTable; 8] = Default::default();
        loop {
            while jpeg.get(at..at + 2)? == [0xFF, 0xFF] {
                at += 1;
            }
            let (marker, length) = (*jpeg.get(at + 1)?, word(jpeg, at + 2)?);
            let body = jpeg.get(at + 4..at + 2 + length)?;
            at += 2 + length;
            match marker {
                0xC0 | 0xC1 => frame = Some(body),
                0xC4 => read_tables(body, &mut tables)?,
                0xC2..=0xCF => return Some(None),
                0xDD => restart = word(body, 0)?,
                0xDA => {
                    let (frame, packed) = (frame?, jpeg.get(at..jpeg.len() - 2)?);
                    let Some((mcus, blocks)) = groups(frame, body)? else { return Some(None) };
                    return Some(Some(Self { mcus, restart, blocks, tables, packed }));
                }
                _ => {}
            }
        }
    }
}

/// How many groups there are, and the DC and AC table of each block in one.
type Groups = (usize, Vec<(usize, usize)>);

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])))
}

/// `None`: the headers contradict each other. `Some(None)`: the picture consists of several scans.
fn groups(frame: &[u8], scan: &[u8]) -> Option<Option<Groups>> {
    let (height, width) = (word(frame, 1)?, word(frame, 3)?);
    let components = frame.get(6..)?.chunks_exact(3).take(usize::from(*frame.get(5)?));
    let components: Vec<(u8, usize, usize)> =
        components.map(|part| (part[0], usize::from(part[1] >> 4), usize::from(part[1] & 15))).collect();
    let in_scan = usize::from(*scan.first()?);
    if in_scan != components.len() {
        return Some(None);
    }
    let (mut blocks, mut widest, mut highest) = (Vec::new(), 1, 1);
    for chosen in scan.get(1..1 + in_scan * 2)?.chunks_exact(2) {
        let (_, across, down) = components.iter().find(|(id, ..)| *id == chosen[0])?;
        // With one component there is one block per group, whatever the sampling factors say.
        let (across, down) = if in_scan == 1 { (1, 1) } else { (*across, *down) };
        if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
            return None;
        }
        (widest, highest) = (widest.max(across), highest.max(down));
        let tables = (usize::from(chosen[1] >> 4) & 3, 4 + (usize::from(chosen[1]) & 3));
        blocks.extend(std::iter::repeat_n(tables, across * down));
    }
    Some(Some((width.div_ceil(8 * widest) * height.div_ceil(8 * highest), blocks)))
}

/// For each code length of 1 to 16 bits: the first code, the number of codes, and where their values begin.
#[derive(Default)]
struct HuffmanTable {
    lengths: [(i32, i32, usize); 16],
    values: Vec<u8>,
}

fn read_tables(mut body: &[u8], tables: &mut [HuffmanTable; 8]) -> Option<()> {
    while let Some((&slot, rest)) = body.split_first() {
        let counts = rest.get(..16)?;
        let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
        let mut codes =
            HuffmanTable { values: rest.get(16..16 + total)?.to_vec(), ..HuffmanTable::default() };
        let (mut code, mut start) = (0, 0);
        for (length, &count) in codes.lengths.iter_mut().zip(counts) {
            *length = (code, i32::from(count), start);
            start += usize::from(count);
            code = (code + i32::from(count)) << 1;
        }
        tables[usize::from(slot >> 4 & 1) * 4 + usize::from(slot & 3)] = codes;
        body = &rest[16 + total..];
    }
    Some(())
}

/// The compressed bits of a scan, without the zeros stuffed after FF.
struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl BitReader<'_> {
    /// Holds at least `wanted` (up to 16) bits; `None` at a marker or the end.
    fn fill(&mut self, wanted: u32) -> Option<()> {
        while self.count < wanted {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if byte == 0xFF {
                if self.bytes.get(self.at) != Some(&0) {
                    self.at -= 1;
                    return None;
                }
                self.at += 1;
            }
            self.held = self.held << 8 | u32::from(byte);
            self.count += 8;
        }
        Some(())
    }

    fn take(&mut self, wanted: u32) -> Option<i32> {
        self.fill(wanted)?;
        self.count -= wanted;
        Some((self.held >> self.count) as i32 & ((1 << wanted) - 1))
    }

    fn symbol(&mut self, codes: &HuffmanTable) -> Option<u8> {
        let mut code = 0;
        for (first, count, start) in &codes.lengths {
            code = code << 1 | self.take(1)?;
            if code - first < *count {
                return codes.values.get(start + (code - first) as usize).copied();
            }
        }
        None
    }

    /// Skips one block of 64 coefficients.
    fn block(&mut self, dc: &HuffmanTable, ac: &HuffmanTable) -> Option<()> {
        let size = self.symbol(dc)?;
        self.take(u32::from(size.min(16)))?;
        let mut at = 1;
        while at < 64 {
            let symbol = self.symbol(ac)?;
            let (run, size) = (symbol >> 4, symbol & 15);
            match (run, size) {
                (15, 0) => at += 16,
                (_, 0) => break,
                _ => {
                    self.take(u32::from(size))?;
                    at += usize::from(run) + 1;
                }
            }
        }
        (at <= 64).then_some(())
    }

    /// Skips a restart marker, which is at most [`SLACK_BYTES`] ahead.
    fn restart(&mut self) -> Option<()> {
        (self.held, self.count) = (0, 0);
        let ahead = self.bytes.get(self.at..)?;
        let is_restart = |pair: &[u8]| pair[0] == 0xFF && (0xD0..=0xD7).contains(&pair[1]);
        let skipped = ahead.windows(2).take(SLACK_BYTES).position(is_restart)?;
        self.at += skipped + 2;
        Some(())
    }
}
