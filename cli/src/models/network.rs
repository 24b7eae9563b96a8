//! The tensors of a MiniFASNetV2 to a list of layers: batch normalisations are folded into the weights before them, and all
//! that is linear at the end becomes one matrix.
//!
//! MiniFASNetV2 (minivision, 2020): 80x80 pixels, blue first, 0..=255; a 3x3 convolution, a depthwise one, then blocks of
//! 1x1, 3x3 depthwise and 1x1, of which some add their input; three outputs, of which the second is "live".

use std::collections::BTreeMap;

use super::torch::Tensor;

/// Height and width of its input in pixels.
pub(super) const SIDE_PX: usize = 80;

/// Name of its output.
pub(super) const OUTPUT: &str = "logits";

/// The value of the output that is for a live face.
pub(super) const LIVE: usize = 1;

/// Its blocks: name, stride of the depthwise convolution, whether the input is added.
const BLOCKS: [(&str, usize, bool); 15] = [
    ("conv_23", 2, false),
    ("conv_3.model.0", 1, true),
    ("conv_3.model.1", 1, true),
    ("conv_3.model.2", 1, true),
    ("conv_3.model.3", 1, true),
    ("conv_34", 2, false),
    ("conv_4.model.0", 1, true),
    ("conv_4.model.1", 1, true),
    ("conv_4.model.2", 1, true),
    ("conv_4.model.3", 1, true),
    ("conv_4.model.4", 1, true),
    ("conv_4.model.5", 1, true),
    ("conv_45", 2, false),
    ("conv_5.model.0", 1, true),
    ("conv_5.model.1", 1, true),
];

/// What PyTorch adds to a variance before it divides by its root.
const EPSILON: f64 = 1e-5;

/// A convolution with all that follows it before the next one, or the matrix at the end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    /// Its name, and that of its output.
    pub(super) name: String,
    /// The layer whose output it takes; `None`: the picture.
    pub(super) input: Option<usize>,
    /// Outputs, inputs in a group, height, width.
    pub(super) shape: [usize; 4],
    pub(super) weights: Vec<f64>,
    /// One an output.
    pub(super) bias: Vec<f64>,
    pub(super) stride: usize,
    pub(super) pad: usize,
    pub(super) groups: usize,
    /// The layer whose output is added.
    pub(super) added: Option<usize>,
    /// Slopes of PReLU, one an output; none without it.
    pub(super) slopes: Vec<f32>,
}

impl Layer {
    /// Multiplies output `n` by `gain[n]` and adds `shift[n]`.
    fn scale(&mut self, gain: &[f64], shift: &[f64]) {
        let each = self.weights.len() / gain.len().max(1);
        for (row, gain) in self.weights.chunks_exact_mut(each.max(1)).zip(gain) {
            row.iter_mut().for_each(|weight| *weight *= gain);
        }
        for ((bias, gain), shift) in self.bias.iter_mut().zip(gain).zip(shift) {
            *bias = *bias * gain + shift;
        }
    }
}

/// The layers in their order; the last one is the matrix, over the flattened output of the one before.
///
/// # Errors
/// Text that names what is missing or does not fit.
pub(super) fn layers(tensors: &BTreeMap<String, Tensor>) -> Result<Vec<Layer>, String> {
    let mut made = Making { tensors, layers: Vec::new(), channels: 3 };
    made.add("conv1", 2, 1, true)?;
    made.add("conv2_dw", 1, 1, true)?;
    for (name, stride, adds) in BLOCKS {
        let input = made.layers.len() - 1;
        made.add(&format!("{name}.conv"), 1, 0, true)?;
        made.add(&format!("{name}.conv_dw"), stride, 1, true)?;
        made.add(&format!("{name}.project"), 1, 0, false)?;
        if adds {
            made.last().added = Some(input);
        }
    }
    made.add("conv_6_sep", 1, 0, true)?;
    made.add("conv_6_dw", 1, 0, false)?;
    made.tail()?;
    let finite = |layer: &Layer| layer.weights.iter().chain(&layer.bias).all(|value| value.is_finite());
    match made.layers.iter().find(|layer| !finite(layer)) {
        Some(layer) => Err(format!("{}: weights that are not finite", layer.name)),
        None => Ok(made.layers),
    }
}

struct Making<'a> {
    tensors: &'a BTreeMap<String, Tensor>,
    layers: Vec<Layer>,
    channels: usize,
}

impl Making<'_> {
    fn last(&mut self) -> &mut Layer {
        let last = self.layers.len() - 1;
        &mut self.layers[last]
    }

    /// A tensor of four sides (missing ones are 1) of at most 1024.
    fn tensor(&self, name: &str) -> Result<([usize; 4], Vec<f64>), String> {
        let tensor = self.tensors.get(&format!("module.{name}")).ok_or_else(|| format!("{name}: missing"))?;
        let mut shape = [1; 4];
        let sides = shape.get_mut(..tensor.shape.len()).ok_or_else(|| format!("{name}: too many sides"))?;
        sides.copy_from_slice(&tensor.shape);
        if shape.iter().any(|side| !(1..=1024).contains(side)) {
            return Err(format!("{name}: an odd shape, {shape:?}"));
        }
        Ok((shape, tensor.values.iter().map(|value| f64::from(*value)).collect()))
    }

    /// A tensor of one side.
    fn row(&self, name: &str, length: usize) -> Result<Vec<f64>, String> {
        match self.tensor(name)? {
            ([got, 1, 1, 1], values) if got == length => Ok(values),
            (shape, _) => Err(format!("{name}: shape {shape:?}, not {length}")),
        }
    }

    /// Gain and shift of a batch normalisation.
    fn normalisation(&self, name: &str, length: usize) -> Result<(Vec<f64>, Vec<f64>), String> {
        let row = |part: &str| self.row(&format!("{name}.{part}"), length);
        let (weight, bias) = (row("weight")?, row("bias")?);
        let (mean, variance) = (row("running_mean")?, row("running_var")?);
        let gain: Vec<f64> = weight.iter().zip(&variance).map(|(w, v)| w / (v + EPSILON).sqrt()).collect();
        let shift =
            bias.iter().zip(&mean).zip(&gain).map(|((bias, mean), gain)| bias - mean * gain).collect();
        Ok((gain, shift))
    }

    fn add(&mut self, name: &str, stride: usize, pad: usize, activated: bool) -> Result<(), String> {
        let (shape, weights) = self.tensor(&format!("{name}.conv.weight"))?;
        let [outputs, inputs, ..] = shape;
        // Depthwise, or of all channels.
        let groups = if inputs == 1 { self.channels } else { 1 };
        if inputs * groups != self.channels || (groups > 1 && outputs != groups) {
            return Err(format!("{name}: weights {shape:?} for {} channels", self.channels));
        }
        let slopes = match activated {
            true => self.row(&format!("{name}.prelu.weight"), outputs)?,
            false => Vec::new(),
        };
        let (gain, shift) = self.normalisation(&format!("{name}.bn"), outputs)?;
        let mut layer = Layer {
            name: name.to_owned(),
            input: self.layers.len().checked_sub(1),
            shape,
            weights,
            bias: vec![0.0; outputs],
            stride,
            pad,
            groups,
            added: None,
            slopes: slopes.iter().map(|slope| *slope as f32).collect(),
        };
        layer.scale(&gain, &shift);
        self.layers.push(layer);
        self.channels = outputs;
        Ok(())
    }

    /// The depthwise convolution over the whole picture, two matrices and the normalisation between them, as one matrix.
    fn tail(&mut self) -> Result<(), String> {
        let pooled = self.layers.pop().ok_or("no layers")?;
        let [channels, _, height, width] = pooled.shape;
        let (shape, linear) = self.tensor("linear.weight")?;
        let [hidden, inputs, 1, 1] = shape else { return Err(format!("linear: shape {shape:?}")) };
        let (gain, shift) = self.normalisation("bn", hidden)?;
        let (shape, prob) = self.tensor("prob.weight")?;
        let [outputs, width_of_prob, 1, 1] = shape else { return Err(format!("prob: shape {shape:?}")) };
        if inputs != channels || width_of_prob != hidden {
            return Err(format!(
                "linear, prob: {inputs} and {width_of_prob} inputs for {channels} and {hidden}"
            ));
        }
        let cells = height * width;
        let (mut weights, mut bias) = (Vec::with_capacity(outputs * channels * cells), Vec::new());
        for prob in prob.chunks_exact(hidden) {
            let mut sum: f64 = prob.iter().zip(&shift).map(|(p, shift)| p * shift).sum();
            for channel in 0..channels {
                let column = linear.iter().skip(channel).step_by(channels);
                let weight: f64 = prob.iter().zip(&gain).zip(column).map(|((p, gain), w)| p * gain * w).sum();
                sum += weight * pooled.bias[channel];
                weights.extend(pooled.weights[channel * cells..][..cells].iter().map(|tap| tap * weight));
            }
            bias.push(sum);
        }
        let shape = [outputs, channels, height, width];
        self.layers.push(Layer { name: OUTPUT.to_owned(), shape, weights, bias, groups: 1, ..pooled });
        Ok(())
    }
}
