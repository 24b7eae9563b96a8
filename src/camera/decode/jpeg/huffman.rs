//! The Huffman codes of a JPEG, read without decoding a pixel.

/// Codes of at most so many bits are looked up at once; nearly all are.
const SHORT: u32 = 9;

/// Bytes that cheap cameras leave between the last block and the next marker (libjpeg: "extraneous bytes before
/// marker"). More than this belongs to another frame.
pub(super) const SLACK_BYTES: usize = 64;

/// For each code length of 1 to 16 bits: the first code, the number of codes, and where their values begin.
#[derive(Default)]
pub(super) struct HuffmanTable {
    lengths: [(i32, i32, usize); 16],
    values: Vec<u8>,
    /// By the next [`SHORT`] bits: the length of the code they begin with, above its value. 0 where the code is longer.
    short: Vec<u16>,
}

/// Four tables for DC, then four for AC, as a DHT segment numbers them.
pub(super) type Tables = [HuffmanTable; 8];

/// Reads the body of a DHT segment; `None` if it contradicts itself.
pub(super) fn read_tables(mut body: &[u8], tables: &mut Tables) -> Option<()> {
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
        codes.short = codes.look_up();
        tables[usize::from(slot >> 4 & 1) * 4 + usize::from(slot & 3)] = codes;
        body = &rest[16 + total..];
    }
    Some(())
}

impl HuffmanTable {
    fn look_up(&self) -> Vec<u16> {
        let mut short = vec![0; 1 << SHORT];
        for (length, (first, count, start)) in (1..=SHORT).zip(&self.lengths) {
            let spare = SHORT - length;
            for (code, value) in (*first..first + count).zip(self.values.get(*start..).unwrap_or_default()) {
                let from = (code as usize) << spare;
                let entries = short.get_mut(from..from + (1 << spare)).unwrap_or_default();
                entries.fill((length as u16) << 8 | u16::from(*value));
            }
        }
        short
    }

    /// Length and value of the code that these 16 bits begin with.
    #[inline]
    fn find(&self, ahead: u32) -> Option<(u32, u8)> {
        match self.short.get((ahead >> (16 - SHORT)) as usize) {
            Some(&entry) if entry > 0 => Some((u32::from(entry >> 8), entry as u8)),
            _ => self.find_long(ahead),
        }
    }

    #[cold]
    fn find_long(&self, ahead: u32) -> Option<(u32, u8)> {
        (1..=16).zip(&self.lengths).find_map(|(length, (first, count, start))| {
            let code = (ahead >> (16 - length)) as i32;
            let value = || self.values.get(start + (code - first) as usize);
            (code - first < *count).then(value).flatten().map(|value| (length, *value))
        })
    }
}

/// The compressed bits of a scan, without the zeros stuffed after FF.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next `count` bits, the last one lowest.
    held: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, count: 0 }
    }

    /// Bytes that were not read.
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at) + self.count as usize / 8
    }

    /// Holds at least 32 bits, or all up to the next marker or the end: a code and the number behind it have as many.
    #[inline]
    fn fill(&mut self) {
        while self.count < 32 {
            if let Some(&[a, b, c, d]) = self.bytes.get(self.at..self.at + 4) {
                let word = u32::from_be_bytes([a, b, c, d]);
                // No byte is FF.
                if (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 == 0 {
                    (self.held, self.count) = (self.held << 32 | u64::from(word), self.count + 32);
                    self.at += 4;
                    return;
                }
            }
            let Some(&byte) = self.bytes.get(self.at) else { return };
            if byte == 0xFF && self.bytes.get(self.at + 1) != Some(&0) {
                return;
            }
            self.at += if byte == 0xFF { 2 } else { 1 };
            (self.held, self.count) = (self.held << 8 | u64::from(byte), self.count + 8);
        }
    }

    /// The next 16 bits, and zeros for those that are missing at the end.
    fn ahead(&self) -> u32 {
        let bits = match self.count.checked_sub(16) {
            Some(beyond) => self.held >> beyond,
            None => self.held << (16 - self.count),
        };
        bits as u32 & 0xFFFF
    }

    /// Reads one block of 64 coefficients: the difference of its first one to that of the block before, in units of the
    /// quantisation table. The others are skipped.
    pub(super) fn block(&mut self, dc: &HuffmanTable, ac: &HuffmanTable) -> Option<i32> {
        self.fill();
        let (length, size) = dc.find(self.ahead())?;
        let size = u32::from(size.min(16));
        self.count = self.count.checked_sub(length + size)?;
        let bits = (self.held >> self.count) as i32 & ((1 << size) - 1);
        // A number that begins with 0 is negative (ITU-T T.81, F.2.2.1).
        let negative = size > 0 && bits >> (size - 1) == 0;
        let difference = if negative { bits - (1 << size) + 1 } else { bits };
        let mut at = 1;
        while at < 64 {
            self.fill();
            // A run of zeros before a coefficient, and the bits of that.
            let (length, symbol) = ac.find(self.ahead())?;
            let (run, size) = (symbol >> 4, symbol & 15);
            self.count = self.count.checked_sub(length + u32::from(size))?;
            if size == 0 && run < 15 {
                break;
            }
            at += run + 1;
        }
        (at <= 64).then_some(difference)
    }

    /// Skips a restart marker, which is at most [`SLACK_BYTES`] ahead.
    pub(super) fn restart(&mut self) -> Option<()> {
        (self.held, self.count) = (0, 0);
        let ahead = self.bytes.get(self.at..)?;
        let is_restart = |pair: &[u8]| pair[0] == 0xFF && (0xD0..=0xD7).contains(&pair[1]);
        let skipped = ahead.windows(2).take(SLACK_BYTES).position(is_restart)?;
        self.at += skipped + 2;
        Some(())
    }
}
