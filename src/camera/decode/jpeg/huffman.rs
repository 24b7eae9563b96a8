//! The Huffman codes of a JPEG, and the coefficients behind them.

/// Codes of at most so many bits are looked up at once; nearly all are.
const SHORT: u32 = 9;

/// What a run of zeros is when no other coefficient follows it: longer than any block.
const END: u32 = 128;

/// Bytes that cheap cameras leave between the last block and the next marker (libjpeg: "extraneous bytes before
/// marker"). More than this belongs to another frame.
pub(super) const SLACK_BYTES: usize = 64;

/// What a code says: its length together with that of the number behind it, the zeros before that number, and the bits of the
/// number alone, from the lowest byte up.
type Symbol = u32;

/// For each code length of 1 to 16 bits: the first code, the number of codes, and where their values begin.
pub(super) struct HuffmanTable {
    lengths: [(i32, i32, usize); 16],
    values: Vec<u8>,
    /// By the next [`SHORT`] bits, the code that they begin with; 0 where it is longer.
    short: Box<[Symbol; 1 << SHORT]>,
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
        codes.look_up();
        tables[usize::from(slot >> 4 & 1) * 4 + usize::from(slot & 3)] = codes;
        body = &rest[16 + total..];
    }
    Some(())
}

impl Default for HuffmanTable {
    /// Without a code.
    fn default() -> Self {
        Self { lengths: [(0, 0, 0); 16], values: Vec::new(), short: Box::new([0; 1 << SHORT]) }
    }
}

impl HuffmanTable {
    /// Fills in `short`.
    fn look_up(&mut self) {
        for (length, (first, count, start)) in (1..=SHORT).zip(&self.lengths) {
            let spare = SHORT - length;
            for (code, value) in (*first..first + count).zip(self.values.get(*start..).unwrap_or_default()) {
                let from = (code as usize) << spare;
                let entries = self.short.get_mut(from..from + (1 << spare)).unwrap_or_default();
                entries.fill(symbol(length, *value));
            }
        }
    }

    /// The code that these 16 bits begin with.
    #[cold]
    fn find_long(&self, ahead: u32) -> Option<Symbol> {
        (1..=16).zip(&self.lengths).find_map(|(length, (first, count, start))| {
            let code = (ahead >> (16 - length)) as i32;
            let value = || self.values.get(start + (code - first) as usize);
            (code - first < *count).then(value).flatten().map(|value| symbol(length, *value))
        })
    }
}

/// Of a code of `length` bits and its value: the zeros and the bits of the number, half a byte each.
fn symbol(length: u32, value: u8) -> Symbol {
    let (run, size) = (u32::from(value >> 4), u32::from(value & 15));
    let run = if size == 0 && run < 15 { END } else { run };
    size << 16 | run << 8 | (length + size)
}

/// The number in the first `size` bits, at most 15: one that begins with 0 is negative (ITU-T T.81, F.2.2.1).
#[inline]
fn signed(bits: u64, size: u32) -> i32 {
    let number = (bits >> 1 >> (63 - size)) as i32;
    let is_negative = !(bits as i64 >> 63) as i32;
    number + (is_negative & (1 - (1 << size)))
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
        let symbol = match table.short[(self.held >> (64 - SHORT)) as usize] {
            0 => table.find_long((self.held >> 48) as u32)?,
            symbol => symbol,
        };
        let (length, run, size) = (symbol & 0xFF, symbol >> 8 & 0xFF, symbol >> 16);
        let value = signed(self.held << (length - size), size);
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
