//! Runs layers in order on shared buffers; in: pixels, out: the tensors that tract or the caller needs.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use facelatch_kernels::{
    Add, Bytes, Dense, Depthwise, GlobalDepthwise, Image, Isa, MaxPool, PIXEL, Pointwise, Quantise, Stem,
    padded,
};

use crate::bottom::{Bottom, Part};

/// Height, width and channels.
pub(crate) type Size = [usize; 3];

/// What a buffer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// The quantised input, an [`Image`].
    Image,
    /// [height][width][padded(channels)] bytes as the kernels store them.
    Bytes(Size),
    /// [height][width][channels] f32.
    Floats(Size),
}

/// Index of a value in the list of values.
pub(crate) type Id = usize;

/// One layer: reads values, writes one.
pub(crate) enum Layer {
    Stem(Box<Stem>),
    Depthwise(Box<Depthwise>),
    /// The same with an f32 result.
    FloatDepthwise(Box<Depthwise>),
    Pointwise(Box<Pointwise>),
    GlobalDepthwise(Box<GlobalDepthwise>),
    MaxPool(MaxPool),
    Add(Add),
    Dense(Box<Dense>),
}

/// A layer and where it reads and writes.
pub(crate) struct Step {
    pub(crate) layer: Layer,
    pub(crate) from: Vec<Id>,
    pub(crate) to: Id,
}

/// One output of the program: a value, and its shape as ONNX has it.
pub(crate) struct Output {
    pub(crate) value: Id,
    pub(crate) shape: Vec<usize>,
    /// Whether that is [1, channels, height, width], which its values are not in memory.
    pub(crate) is_planes: bool,
}

/// Everything between the input and the tensors that leave the kernels.
pub(crate) struct Program {
    pub(crate) isa: Isa,
    pub(crate) input_shape: [usize; 4],
    pub(crate) quantise: Option<Quantise>,
    pub(crate) values: Vec<Value>,
    pub(crate) steps: Vec<Step>,
    pub(crate) outputs: Vec<Output>,
    /// Buffer of each value; set by `share_buffers`.
    slots: Vec<usize>,
    slot_bytes: Vec<usize>,
    /// Buffers no run is using; as many as the most runs that were ever concurrent.
    idle: Mutex<Vec<Buffers>>,
    /// One for each height seen, rounded up (`bottom.rs`); `None` where nothing is known.
    bottoms: Mutex<Vec<(usize, Option<Arc<Bottom>>)>>,
}

/// All buffers of one run.
struct Buffers {
    image: Option<Image>,
    /// Rows of windows of the stem, and sums of layers with f32 results: one of each serves all.
    patches: Bytes,
    sums: Vec<i32>,
    bytes: Vec<Bytes>,
    floats: Vec<Vec<f32>>,
}

impl Program {
    pub(crate) fn new(isa: Isa, input_shape: [usize; 4]) -> Program {
        Program {
            isa,
            input_shape,
            quantise: None,
            values: Vec::new(),
            steps: Vec::new(),
            outputs: Vec::new(),
            slots: Vec::new(),
            slot_bytes: Vec::new(),
            idle: Mutex::new(Vec::new()),
            bottoms: Mutex::new(Vec::new()),
        }
    }

    /// The shape of the input as it is given.
    pub(crate) fn pixels(&self) -> [usize; 4] {
        let [_, _, height, width] = self.input_shape;
        [1, height, width, PIXEL]
    }

    pub(crate) fn layers(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn value(&mut self, value: Value) -> Id {
        self.values.push(value);
        self.values.len() - 1
    }

    /// Drops unused steps, then gives values with disjoint lifetimes the same buffer: a buffer that was just read is warm
    /// in the cache.
    pub(crate) fn finish(&mut self) {
        let mut needed: Vec<bool> = vec![false; self.values.len()];
        self.outputs.iter().for_each(|output| needed[output.value] = true);
        let mut keep = vec![false; self.steps.len()];
        for (keep, step) in keep.iter_mut().zip(&self.steps).rev() {
            *keep = needed[step.to];
            step.from.iter().for_each(|&id| needed[id] |= *keep);
        }
        let mut flags = keep.into_iter();
        self.steps.retain(|_| flags.next().unwrap_or(false));

        let mut last_read = vec![0; self.values.len()];
        for (time, step) in self.steps.iter().enumerate() {
            step.from.iter().for_each(|&id| last_read[id] = time);
        }
        self.outputs.iter().for_each(|output| last_read[output.value] = usize::MAX);
        self.slots = vec![usize::MAX; self.values.len()];
        self.slot_bytes.clear();
        let mut free_from: Vec<usize> = Vec::new();
        for (time, step) in self.steps.iter().enumerate() {
            let Value::Bytes(size) = self.values[step.to] else { continue };
            let slot = free_from.iter().position(|&free| free <= time).unwrap_or(free_from.len());
            if slot == free_from.len() {
                free_from.push(0);
                self.slot_bytes.push(0);
            }
            // A step must not write where it reads, so a buffer becomes free only after its last reader.
            free_from[slot] = last_read[step.to].saturating_add(1);
            self.slot_bytes[slot] = self.slot_bytes[slot].max(bytes_of(size));
            self.slots[step.to] = slot;
        }
    }

    fn buffers(&self) -> Buffers {
        let mut buffers = Buffers {
            image: None,
            patches: Bytes::default(),
            sums: Vec::new(),
            bytes: self.slot_bytes.iter().map(|n| Bytes::zeroed(*n)).collect(),
            floats: Vec::new(),
        };
        for value in &self.values {
            let values = if let Value::Floats(size) = value { size.iter().product() } else { 0 };
            buffers.floats.push(vec![0.0; values]);
        }
        for step in &self.steps {
            match &step.layer {
                Layer::Stem(stem) => {
                    buffers.image = Some(stem.image());
                    buffers.patches = stem.scratch();
                }
                Layer::Dense(layer) => longer(&mut buffers.sums, layer.scratch()),
                Layer::FloatDepthwise(layer) => longer(&mut buffers.sums, layer.scratch()),
                _ => {}
            }
        }
        buffers
    }

    /// Runs on `pixels`, [height][width][PIXEL], and passes each output to `give` with its index.
    pub(crate) fn run<E>(
        &self,
        pixels: &[u8],
        mut give: impl FnMut(usize, Given<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let bottom = self.bottom(self.rows(pixels));
        let mut buffers = self.take();
        if let (Some(quantise), Some(image)) = (&self.quantise, &mut buffers.image) {
            let (height, width) = image.size();
            let rows = bottom.as_ref().map_or(height, |bottom| bottom.image_rows);
            quantise.run(&pixels[..rows * width * PIXEL], image);
        }
        for (i, step) in self.steps.iter().enumerate() {
            self.step(step, &mut buffers, bottom.as_ref().map(|bottom| &bottom.parts[i]));
        }
        let mut result = Ok(());
        for (place, output) in self.outputs.iter().enumerate() {
            let given = match self.values[output.value] {
                Value::Floats(_) => Given::Floats(&buffers.floats[output.value]),
                Value::Bytes(size) => {
                    Given::Bytes(&buffers.bytes[self.slots[output.value]][..bytes_of(size)], self.isa.flip())
                }
                Value::Image => continue,
            };
            result = result.and_then(|()| give(place, given));
        }
        self.give_back(buffers);
        result
    }

    /// A poisoned lock is harmless: buffers hold no state between runs.
    fn take(&self) -> Buffers {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| self.buffers())
    }

    fn give_back(&self, buffers: Buffers) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(buffers);
    }

    /// What is known of a picture of so many rows; found out at the first one.
    fn bottom(&self, rows: usize) -> Option<Arc<Bottom>> {
        if rows == 0 || rows == self.input_shape[2] {
            return None;
        }
        // Held while one is made, so that no other thread makes it too.
        let mut bottoms = self.bottoms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bottom)) = bottoms.iter().find(|(height, _)| *height == rows) {
            return bottom.clone();
        }
        let bottom = self.known(rows).map(|(image_rows, known)| {
            let parts = self.on_black(known);
            Arc::new(Bottom { image_rows, parts })
        });
        bottoms.push((rows, bottom.clone()));
        bottom
    }

    /// These rows of each step's result, when the input is black.
    fn on_black(&self, known: Vec<Range<usize>>) -> Vec<Part> {
        let mut buffers = self.take();
        if let (Some(quantise), Some(image)) = (&self.quantise, &mut buffers.image) {
            let (height, width) = image.size();
            quantise.run(&vec![0; height * width * PIXEL], image);
        }
        let parts = self.steps.iter().zip(known).map(|(step, rows)| {
            self.step(step, &mut buffers, None);
            let mut part = Part { first: rows.start, ..Part::default() };
            match self.values[step.to] {
                Value::Bytes(size) => {
                    let row = bytes_of(size) / size[0];
                    let whole = self.bytes(&buffers.bytes, step.to);
                    part.bytes = whole[rows.start * row..rows.end * row].to_vec();
                }
                Value::Floats([_, width, channels]) => {
                    let row = width * channels;
                    part.floats = buffers.floats[step.to][rows.start * row..rows.end * row].to_vec();
                }
                Value::Image => {}
            }
            part
        });
        let parts = parts.collect();
        self.give_back(buffers);
        parts
    }

    /// The whole result, or the part above what is known, which is copied.
    fn step(&self, step: &Step, buffers: &mut Buffers, known: Option<&Part>) {
        let rows_of = |height: usize| known.map_or(height, |known| known.first);
        if let Value::Floats([height, width, channels]) = self.values[step.to] {
            let x = self.bytes(&buffers.bytes, step.from[0]);
            let (out, rest) = buffers.floats[step.to].split_at_mut(rows_of(height) * width * channels);
            match &step.layer {
                Layer::Dense(layer) => layer.run(first(x, rows_of(height), height), &mut buffers.sums, out),
                Layer::FloatDepthwise(layer) => layer.run_floats(x, &mut buffers.sums, out),
                _ => unreachable!("the others write bytes"),
            }
            if let Some(known) = known {
                rest[..known.floats.len()].copy_from_slice(&known.floats);
            }
            return;
        }
        let slot = self.slots[step.to];
        let mut whole = std::mem::take(&mut buffers.bytes[slot]);
        let Value::Bytes(size) = self.values[step.to] else { unreachable!("no layer writes an image") };
        let rows = rows_of(size[0]);
        let (out, rest) = whole.split_at_mut(bytes_of(size) / size[0] * rows);
        let from = |i: usize| self.bytes(&buffers.bytes, step.from[i]);
        match &step.layer {
            Layer::Stem(stem) => {
                if let Some(image) = &buffers.image {
                    stem.run(image, &mut buffers.patches, out);
                }
            }
            Layer::Depthwise(layer) => layer.run(from(0), out),
            Layer::Pointwise(layer) => {
                let other = if step.from.len() > 1 { from(1) } else { &[] };
                layer.run(first(from(0), rows, size[0]), first(other, rows, size[0]), out);
            }
            Layer::GlobalDepthwise(layer) => layer.run(from(0), out),
            Layer::MaxPool(layer) => layer.run(from(0), out),
            Layer::Add(layer) => layer.run(from(0), from(1), out),
            Layer::Dense(_) | Layer::FloatDepthwise(_) => {}
        }
        if let Some(known) = known {
            rest[..known.bytes.len()].copy_from_slice(&known.bytes);
        }
        buffers.bytes[slot] = whole;
    }

    fn bytes<'b>(&self, all: &'b [Bytes], id: Id) -> &'b [u8] {
        let Value::Bytes(size) = self.values[id] else { return &[] };
        &all[self.slots[id]][..bytes_of(size)]
    }
}

/// An output as the kernels left it.
pub(crate) enum Given<'a> {
    /// [pixels][channels]
    Floats(&'a [f32]),
    /// [pixels][padded(channels)], each byte `q ^ flip`.
    Bytes(&'a [u8], u8),
}

/// The first `rows` of `height` rows.
fn first(x: &[u8], rows: usize, height: usize) -> &[u8] {
    &x[..x.len() / height * rows]
}

/// Keeps the longer one.
fn longer(sums: &mut Vec<i32>, other: Vec<i32>) {
    if other.len() > sums.len() {
        *sums = other;
    }
}

fn bytes_of([height, width, channels]: Size) -> usize {
    height * width * padded(channels)
}
