//! Reads the scan of a baseline JPEG block by block, and refuses one that does not contain every block it announces.
//!
//! A camera sends such a frame when packets get lost, and a capture buffer holds one when a short frame overwrites part of an
//! older one. Decoders fill in what is missing.

use super::headers::Headers;
use super::huffman::{BitReader, SLACK_BYTES, Tables};

/// What is made of the blocks of a scan.
pub(super) trait Blocks {
    /// A coefficient of the next block that is not zero, by its place in zigzag order, 1 to 63, in units of its quantisation
    /// table.
    fn coefficient(&mut self, at: usize, value: i32);

    /// A block, after its coefficients: the column and row of its group, its number there, its first coefficient, and how many
    /// there are at most, in zigzag order.
    fn block(&mut self, group: (usize, usize), number: usize, first: i32, count: usize);

    /// A whole row of groups.
    fn end_row(&mut self, _row: usize) {}
}

/// Of the first coefficients alone.
impl<F: FnMut((usize, usize), usize, i32)> Blocks for F {
    fn coefficient(&mut self, _: usize, _: i32) {}

    fn block(&mut self, group: (usize, usize), number: usize, first: i32, _: usize) {
        self(group, number, first);
    }
}

/// What the headers announce, and the compressed blocks.
pub(super) struct Scan<'a> {
    /// Pixels a row, and rows.
    pub(super) size: (usize, usize),
    /// Block groups (MCUs) in a row of groups, and rows of them.
    pub(super) groups: (usize, usize),
    /// In the order of the scan; the first one holds the light.
    pub(super) components: Vec<Component>,
    /// Most blocks of a group across and down that any component has.
    pub(super) most: (usize, usize),
    /// The blocks of a group, component by component.
    pub(super) blocks: Vec<Block>,
    /// What came before the scan.
    pub(super) headers: Headers<'a>,
    pub(super) packed: &'a [u8],
}

/// One colour of a picture.
#[derive(Clone, Copy)]
pub(super) struct Component {
    /// Its number in the headers.
    pub(super) id: u8,
    /// Blocks of a group across and down that are of it.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Its quantisation table.
    pub(super) steps: usize,
}

/// One block of a group: its component, its tables.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) component: usize,
    pub(super) dc: usize,
    pub(super) ac: usize,
}

impl<'a> Scan<'a> {
    /// `None` for a kind of JPEG that is not read here (progressive, or one scan per colour). What follows the scan is taken for a
    /// part of it.
    pub(super) fn read(jpeg: &'a [u8]) -> Result<Option<Self>, String> {
        Headers::read(jpeg).ok_or_else(|| "damaged JPEG: its headers contradict each other".to_owned())
    }

    /// The quantisation table of a component, 64 values in zigzag order; empty if it is missing.
    pub(super) fn steps(&self, component: &Component) -> &[u16] {
        &self.headers.steps[component.steps]
    }

    /// Reads all blocks. Returns the number of bytes left over.
    pub(super) fn walk(&self, blocks: &mut impl Blocks) -> Result<usize, String> {
        let mut bits = BitReader::new(self.packed);
        let tables: &Tables = &self.headers.tables;
        let (across, down) = self.groups;
        let mut last = [0_i32; 4];
        for group in 0..across * down {
            let restart = self.headers.restart;
            if restart > 0 && group > 0 && group % restart == 0 {
                bits.restart().ok_or_else(|| format!("damaged JPEG: no restart at block group {group}"))?;
                last = [0; 4];
            }
            let (column, row) = (group % across, group / across);
            for (number, block) in self.blocks.iter().enumerate() {
                let see = |at, value| blocks.coefficient(at, value);
                let (difference, count) =
                    bits.block(&tables[block.dc], &tables[block.ac], see).ok_or_else(|| {
                        format!("truncated JPEG: it ends in block group {group} of {}", across * down)
                    })?;
                let last = &mut last[block.component & 3];
                *last = last.wrapping_add(difference);
                blocks.block((column, row), number, *last, count);
            }
            if column + 1 == across {
                blocks.end_row(row);
            }
        }
        Ok(bits.left())
    }

    /// The same of a JPEG that ends with its last block.
    pub(super) fn walk_all(&self, blocks: &mut impl Blocks) -> Result<(), String> {
        match self.walk(blocks)? {
            ..=SLACK_BYTES => Ok(()),
            left => Err(format!("damaged JPEG: {left} bytes left over, as from another frame")),
        }
    }
}
