//! Reads a quantised convolution or Gemm from an ONNX node into plain vectors.

use facelatch_kernels::{Requant, Window};
use tract_onnx::pb::NodeProto;

use crate::graph::{text, whole_number, whole_numbers};
use crate::recognise::{Form, Read, Walk};

/// Weights, scales and geometry of one Conv or Gemm.
pub(crate) struct Conv {
    pub(crate) read: Read,
    pub(crate) weights: Vec<i8>,
    /// Scale of the sums, s_in * s_weight, per output.
    pub(crate) sum_scale: Vec<f64>,
    /// Bias, in units of `sum_scale`.
    pub(crate) bias: Vec<i32>,
    /// Shape of the weights: [outputs, inputs / group, height, width], or two numbers of a Gemm.
    pub(crate) shape: Vec<usize>,
    pub(crate) group: usize,
    pub(crate) stride: usize,
    pub(crate) pad: [usize; 4],
}

impl Conv {
    /// Reads a Conv whose input is known and whose weights are s8 with one scale per output.
    pub(crate) fn read(walk: &Walk<'_>, node: &NodeProto) -> Option<Conv> {
        let mut conv = Conv::numbers(walk, node)?;
        let numbers = |name: &str| -> Option<Vec<usize>> {
            whole_numbers(node, name)?.into_iter().map(|v| usize::try_from(v).ok()).collect()
        };
        if conv.shape.len() != 4 || conv.read.known.form != Form::Planes {
            return None;
        }
        let same = |what: &[usize]| what.windows(2).all(|pair| pair[0] == pair[1]);
        let strides = numbers("strides").unwrap_or(vec![1, 1]);
        let dilations = numbers("dilations").unwrap_or(vec![1, 1]);
        let plain_pads = matches!(text(node, "auto_pad"), None | Some(b"NOTSET" | b""));
        if !same(&strides) || dilations != [1, 1] || !plain_pads {
            return None;
        }
        conv.stride = *strides.first()?;
        conv.pad = numbers("pads").unwrap_or(vec![0; 4]).try_into().ok()?;
        conv.group = usize::try_from(whole_number(node, "group").unwrap_or(1)).ok()?;
        Some(conv)
    }

    /// The inputs of a Conv or Gemm: [x, weights, bias].
    pub(crate) fn numbers(walk: &Walk<'_>, node: &NodeProto) -> Option<Conv> {
        let (x, w, b) = match node.input.as_slice() {
            [x, w] => (x, w, None),
            [x, w, b] => (x, w, Some(b)),
            _ => return None,
        };
        let (graph, read) = (&walk.graph, walk.read(x)?);
        let dequantise = graph.made_by(w, "DequantizeLinear")?;
        let (w, scale, zero) = match dequantise.input.as_slice() {
            [w, scale] => (w, scale, None),
            [w, scale, zero] => (w, scale, Some(zero)),
            _ => return None,
        };
        // Weights have no zero point, and one scale per output (axis 0).
        if zero.is_some_and(|zero| graph.signed_bytes(zero).is_none_or(|z| z.iter().any(|z| *z != 0))) {
            return None;
        }
        let (weights, shape) = (graph.signed_bytes(w)?, graph.shape(w)?);
        let outputs = *shape.first()?;
        let mut scale = graph.floats(scale)?;
        if scale.len() == 1 {
            scale = vec![scale[0]; outputs];
        } else if whole_number(dequantise, "axis").unwrap_or(1) != 0 {
            return None;
        }
        let bias = b.map_or(Some(vec![0.0; outputs]), |b| graph.floats(b))?;
        if scale.len() != outputs || bias.len() != outputs {
            return None;
        }
        let sum_scale: Vec<f64> = scale.iter().map(|s| f64::from(*s) * f64::from(read.scale)).collect();
        // An activation looks at the sign of the sums.
        if !sum_scale.iter().all(|scale| *scale > 0.0) {
            return None;
        }
        let whole = |(bias, scale): (&f32, &f64)| {
            let value = (f64::from(*bias) / scale).round();
            (value.abs() < f64::from(i32::MAX)).then_some(value as i32)
        };
        let bias = bias.iter().zip(&sum_scale).map(whole).collect::<Option<_>>()?;
        Some(Conv { read, weights, sum_scale, bias, shape, group: 1, stride: 1, pad: [0; 4] })
    }

    /// The window of a 3x3 layer.
    pub(crate) fn window(&self) -> Window {
        let [height, width, _] = self.read.known.size;
        Window { height, width, stride: self.stride, pad: self.pad }
    }

    /// What turns its sums into an f32 result, per output.
    pub(crate) fn float_scale(&self) -> Vec<f32> {
        self.sum_scale.iter().map(|scale| *scale as f32).collect()
    }

    /// The requantisation of its sums: `slope` per output, 1 for no activation.
    pub(crate) fn rescale(&self, slope: &[f32], scale_out: f32, zero_out: u8) -> Rescale {
        let pos = |scale: &f64| (scale / f64::from(scale_out)) as f32;
        let pos: Vec<f32> = self.sum_scale.iter().map(pos).collect();
        let neg = pos.iter().zip(slope).map(|(pos, slope)| pos * slope).collect();
        Rescale { bias: self.bias.clone(), pos, neg, zero_in: self.read.zero, zero_out }
    }
}

/// An owned [`Requant`].
pub(crate) struct Rescale {
    bias: Vec<i32>,
    pos: Vec<f32>,
    neg: Vec<f32>,
    zero_in: u8,
    zero_out: u8,
}

impl Rescale {
    pub(crate) fn view(&self) -> Requant<'_> {
        let Rescale { bias, pos, neg, zero_in, zero_out } = self;
        Requant { bias, pos, neg, zero_in: *zero_in, zero_out: *zero_out }
    }
}
