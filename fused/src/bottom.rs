//! A detector looks at a square, and a frame that is wider than it is high leaves the bottom black. What black becomes is
//! known beforehand, so each layer computes only the rows that depend on the frame. The rows below them that a later layer
//! reads, and those of the outputs, are copied from one run on black. The bits stay the same.

use std::ops::Range;

use facelatch_kernels::PIXEL;

use crate::program::{Id, Layer, Program, Step, Value};

/// Heights are rounded up to a multiple of this, so that one [`Bottom`] serves several and only a few are ever made.
const ROWS: usize = 16;

/// Rows that need no computing when the input is black from row `rows` on.
pub(crate) struct Bottom {
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
    pub(crate) fn rows(&self, pixels: &[u8]) -> usize {
        let [_, _, height, width] = self.input_shape;
        let black = |row: &&[u8]| row.iter().fold(0, |bits, byte| bits | byte) == 0;
        let rows = height - pixels.rchunks_exact(width * PIXEL).take_while(black).count();
        rows.next_multiple_of(ROWS).min(height)
    }

    /// Rows of the quantised input that are read, and of each step's result those that are known and read; `None` where a layer
    /// looks at a whole picture.
    pub(crate) fn known(&self, rows: usize) -> Option<(usize, Vec<Range<usize>>)> {
        let mut touched: Vec<usize> = vec![rows; self.values.len()];
        for step in &self.steps {
            let more = |most: usize, &from: &Id| Some(most.max(self.touched(step, from, touched[from])?));
            let most = step.from.iter().try_fold(0, more)?;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use facelatch_kernels::Isa;
    use tract_onnx::prelude::Framework;

    use super::*;

    fn program(name: &str, [height, width]: [usize; 2]) -> Program {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name);
        let bytes = std::fs::read(path).expect("shipped model");
        let proto = tract_onnx::onnx().proto_model_for_read(&mut bytes.as_slice()).expect("shipped model");
        let graph = proto.graph.as_ref().expect("shipped model");
        crate::recognise::recognise(graph, [1, 3, height, width], Isa::Portable).program
    }

    #[test]
    fn a_detector_leaves_the_rows_below_a_frame_out() {
        let program = program("yunet.onnx", [160, 96]);
        let (image_rows, known) = program.known(96).expect("no layer looks at a whole picture");
        assert!((96..160).contains(&image_rows), "{image_rows}");
        assert_eq!(known.len(), program.layers());
        let mut left_out = 0;
        for (step, known) in program.steps.iter().zip(known) {
            let height = program.height(step.to);
            assert!(known.start <= known.end && known.end <= height, "{known:?} of {height}");
            left_out += usize::from(known.start < height);
        }
        assert!(left_out > 0, "every layer is computed whole");
    }

    #[test]
    fn a_network_that_looks_at_a_whole_face_leaves_nothing_out() {
        assert!(program("sface.onnx", [112, 112]).known(64).is_none());
    }
}
