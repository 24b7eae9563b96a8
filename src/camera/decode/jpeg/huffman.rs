//! The Huffman codes of a JPEG, and the coefficients behind them.

/// Codes of at most so many bits are looked up at once; nearly all are.
const SHORT: u32 = 9;

/// What a run of zeros is when no other coefficient follows it: longer than any block.
const END: u32 = 128;

/// Bytes that cheap cameras leave between the last block and the next marker (libjpeg: "extraneous bytes before
/// marker"). More than this belongs to another frame.
pub(super) const SLACK_BYTES: usize = 64;

/// For each code length of 1 to 16 bits: the first code, the number of codes, and where their values begin.
pub(super) struct HuffmanTable {
    lengths: [(i32, i32, usize); 16],
    values: Vec<u8>,
    /// By the next [`SHORT`] bits: the length of the code they begin with, above its value. 0 where the code is longer.
    short: Vec<u16>,
    /// The same for a code with the number behind it: that number, the zeros before it, and the bits of both, in the upper half
    /// and the two lower bytes. 0 where they are longer.
    whole: Box<[u32; 1 << SHORT]>,
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
        codes.whole = codes.look_up_whole();
        tables[usize::from(slot >> 4 & 1) * 4 + usize::from(slot & 3)] = codes;
        body = &rest[16 + total..];
    }
    Some(())
}

impl Default for HuffmanTable {
    /// Without a code.
    fn default() -> Self {
        Self {
            lengths: [(0, 0, 0); 16],
            values: Vec::new(),
            short: Vec::new(),
            whole: Box::new([0; 1 << SHORT]),
        }
    }
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

    fn look_up_whole(&self) -> Box<[u32; 1 << SHORT]> {
        let mut whole = Box::new([0; 1 << SHORT]);
        for (bits, (whole, &entry)) in whole.iter_mut().zip(&self.short).enumerate() {
            let (length, (run, size)) = (u32::from(entry >> 8), run_and_size(entry as u8));
            if entry > 0 && length + size <= SHORT {
                let value = signed((bits >> (SHORT - length - size)) as u32, size);
                *whole = (value as u32) << 16 | run << 8 | (length + size);
            }
        }
        whole
    }

    /// A run of zeros, the number after it, and the length of both, which these 32 bits begin with.
    #[inline(never)]
    fn find_whole(&self, ahead: u32) -> Option<(u32, i32, u32)> {
        let (length, symbol) = self.find(ahead >> 16)?;
        let (run, size) = run_and_size(symbol);
        Some((run, signed(ahead >> (32 - length - size), size), length + size))
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

/// The zeros before a coefficient, and the bits of that: the two halves of a symbol.
fn run_and_size(symbol: u8) -> (u32, u32) {
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    (if size == 0 && run < 15 { END } else { run }, size)
}

/// The number in the last `size` bits: one that begins with 0 is negative (ITU-T T.81, F.2.2.1).
#[inline]
fn signed(bits: u32, size: u32) -> i32 {
    let bits = (bits & ((1 << size) - 1)) as i32;
    if size > 0 && bits >> (size - 1) == 0 { bits - (1 << size) + 1 } else { bits }
}

/// [`BitReader::fill`] byte by byte, by value, so that the fields of a reader can stay in registers.
#[cold]
fn filled(bytes: &[u8], mut at: usize, mut held: u64, mut count: u32) -> (usize, u64, u32) {
    while count < 32 {
        let Some(&byte) = bytes.get(at) else { break };
        if byte == 0xFF && bytes.get(at + 1) != Some(&0) {
            break;
        }
        at += if byte == 0xFF { 2 } else { 1 };
        held |= u64::from(byte) << (56 - count);
        count += 8;
    }
    (at, held, count)
}

/// The compressed bits of a scan, without the zeros stuffed after FF.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next `count` bits, the first one highest, and zeros.
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
    #[inline(always)]
    fn fill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(&[a, b, c, d]) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            let word = u32::from_be_bytes([a, b, c, d]);
            // No byte is FF.
            if (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 == 0 {
                self.held |= u64::from(word) << (32 - self.count);
                (self.at, self.count) = (self.at + 4, self.count + 32);
                return;
            }
        }
        (self.at, self.held, self.count) = filled(self.bytes, self.at, self.held, self.count);
    }

    /// A run of zeros, and the coefficient after it.
    #[inline(always)]
    fn next(&mut self, table: &HuffmanTable) -> Option<(u32, i32)> {
        self.fill();
        // What is missing at the end is zeros.
        let (run, value, length) = match table.whole[(self.held >> (64 - SHORT)) as usize] {
            0 => table.find_whole((self.held >> 32) as u32)?,
            entry => (entry >> 8 & 0xFF, entry as i32 >> 16, entry & 0xFF),
        };
        self.count = self.count.checked_sub(length)?;
        self.held <<= length;
        Some((run, value))
    }

    /// Reads one block of 64 coefficients in units of the quantisation table. Returns the difference of its first one to that
    /// of the block before, and the number of those up to the last one that is not zero; `see` gets the others that are not, by
    /// their places in zigzag order.
    #[inline(always)]
    pub(super) fn block(
        &mut self,
        dc: &HuffmanTable,
        ac: &HuffmanTable,
        mut see: impl FnMut(usize, i32),
    ) -> Option<(i32, usize)> {
        let (_, difference) = self.next(dc)?;
        let mut count = 1;
        while count < 64 {
            let (run, value) = self.next(ac)?;
            let at = count + run as usize;
            if at >= 64 {
                return (run == END).then_some((difference, count));
            }
            see(at, value);
            count = at + 1;
        }
        Some((difference, count))
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
