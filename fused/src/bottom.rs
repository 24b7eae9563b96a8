//! What the lower part of a black input becomes is known beforehand: a detector looks at a square, and a frame that is wider than
//! high leaves its bottom black. So of each layer only the rows that depend on the frame are computed, and the few below
//! them that are read, and those of the outputs, are copied from a run on black. The bits stay the same.

use std::ops::Range;

use crate::program::{Id, Layer, Program, Step, Value};

/// Frames are taken for as high as the next multiple: one [`Bottom`] serves several heights, and there are few.
const ROWS: usize = 16;

/// Rows that need no computing when the input is black from row `rows` on.
pub(crate) struct Bottom {
    pub(crate) rows: usize,
    /// Rows of the quantised input that are read.
    pub(crate) image_rows: usize,
    /// One for each step.
    pub(crate) parts: Vec<Part>,
}

/// The lower rows of a step's result; in either form.
#[derive(Default)]
pub(crate) struct Part {
    /// The first of them: those above are computed.
    pub(crate) first: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) floats: Vec<f32>,
}

impl Program {
    /// Rows of the input, from the top, that are not known to be black; 0 and all of them mean that nothing can be saved.
    pub(crate) fn rows(&self, planes: &[f32]) -> usize {
        let [_, _, height, width] = self.input_shape;
        let black = |row: &&[f32]| row.iter().fold(0, |bits, value| bits | value.to_bits()) == 0;
        let rows = planes
            .chunks_exact(height * width)
            .map(|plane| height - plane.rchunks_exact(width).take_while(black).count());
        rows.max().unwrap_or(height).next_multiple_of(ROWS).min(height)
    }

    /// Rows of the quantised input that are read, and of each step's result those that are known and read; `None` where a layer
    /// looks at a whole picture.
    pub(crate) fn known(&self, rows: usize) -> Option<(usize, Vec<Range<usize>>)> {
        let mut touched: Vec<usize> = vec![rows; self.values.len()];
        for step in &self.steps {
            let of = |&from: &Id| self.touched(step, from, touched[from]);
            let most = step.from.iter().map(of).collect::<Option<Vec<_>>>()?.into_iter().max()?;
            touched[step.to] = most.min(self.height(step.to));
        }
        let mut read = touched.clone();
        self.outputs.iter().for_each(|output| read[output.value] = self.height(output.value));
        for step in self.steps.iter().rev() {
            for &from in &step.from {
                let rows = self.read(step, from, touched[step.to]).min(self.height(from));
                read[from] = read[from].max(rows);
            }
        }
        let image = self.values.iter().position(|value| *value == Value::Image)?;
        Some((read[image], self.steps.iter().map(|step| touched[step.to]..read[step.to]).collect()))
    }

    /// Rows of the step's result, from the top, that depend on the first `rows` of `from`; `None` where all do.
    fn touched(&self, step: &Step, from: Id, rows: usize) -> Option<usize> {
        match &step.layer {
            Layer::Stem(stem) => Some(stem.window().touched(rows)),
            Layer::Depthwise(layer) | Layer::FloatDepthwise(layer) => Some(layer.window().touched(rows)),
            Layer::MaxPool(_) => Some(rows.div_ceil(2)),
            Layer::GlobalDepthwise(_) => None,
            Layer::Pointwise(_) | Layer::Add(_) | Layer::Dense(_) => match self.repeat(step, from) {
                0 => None,
                repeat => Some(rows * repeat),
            },
        }
    }

    /// Rows of `from`, from the top, that the first `rows` of the step's result depend on.
    fn read(&self, step: &Step, from: Id, rows: usize) -> usize {
        match &step.layer {
            Layer::Stem(stem) => stem.window().read(rows),
            Layer::Depthwise(layer) | Layer::FloatDepthwise(layer) => layer.window().read(rows),
            Layer::MaxPool(_) => 2 * rows,
            Layer::GlobalDepthwise(_) => usize::MAX,
            Layer::Pointwise(_) | Layer::Add(_) | Layer::Dense(_) => {
                rows.div_ceil(self.repeat(step, from).max(1))
            }
        }
    }

    /// How many rows of the result a row of `from` becomes; 0 where a row of the result is of several.
    fn repeat(&self, step: &Step, from: Id) -> usize {
        self.height(step.to) / self.height(from)
    }

    fn height(&self, id: Id) -> usize {
        match self.values[id] {
            Value::Image => self.input_shape[2],
            Value::Bytes([height, ..]) | Value::Floats([height, ..]) => height,
        }
    }
}
