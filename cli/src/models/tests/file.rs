//! Writes such a file, and computes such a network layer by layer as PyTorch does.

use std::sync::LazyLock;

use super::super::network::SIDE_PX;
use super::super::torch::Tensor;

/// Numbers that look random.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// `0..1`.
    pub(super) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f32 {
        (low + self.unit() * (high - low)) as f32
    }
}

/// One file with two tensors, to be damaged.
pub(super) static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let tensor =
        |shape: &[usize]| Tensor { shape: shape.to_vec(), values: vec![0.5; shape.iter().product()] };
    torch_file(&[
        ("conv1.conv.weight".to_owned(), tensor(&[2, 3, 1, 1])),
        ("bn.bias".to_owned(), tensor(&[2])),
    ])
});

const BLOCKS: [(&str, usize, usize); 15] = [
    ("conv_23", 6, 8),
    ("conv_3.model.0", 5, 8),
    ("conv_3.model.1", 5, 8),
    ("conv_3.model.2", 5, 8),
    ("conv_3.model.3", 5, 8),
    ("conv_34", 6, 9),
    ("conv_4.model.0", 5, 9),
    ("conv_4.model.1", 5, 9),
    ("conv_4.model.2", 5, 9),
    ("conv_4.model.3", 5, 9),
    ("conv_4.model.4", 5, 9),
    ("conv_4.model.5", 5, 9),
    ("conv_45", 6, 7),
    ("conv_5.model.0", 5, 7),
    ("conv_5.model.1", 5, 7),
];

/// The tensors of a network with few channels.
pub(super) fn state() -> Vec<(String, Tensor)> {
    let mut making = Making { random: Random(1), state: Vec::new() };
    making.layer("conv1", [4, 3, 3, 3], true, 1.0 / 255.0);
    making.layer("conv2_dw", [4, 1, 3, 3], true, 1.0);
    let mut channels = 4;
    for (name, inner, outputs) in BLOCKS {
        making.layer(&format!("{name}.conv"), [inner, channels, 1, 1], true, 1.0);
        making.layer(&format!("{name}.conv_dw"), [inner, 1, 3, 3], true, 1.0);
        making.layer(&format!("{name}.project"), [outputs, inner, 1, 1], false, 1.0);
        channels = outputs;
    }
    making.layer("conv_6_sep", [10, channels, 1, 1], true, 1.0);
    making.layer("conv_6_dw", [10, 1, 5, 5], false, 1.0);
    making.tensor("linear.weight", &[6, 10], -0.5, 0.5);
    making.normalisation("bn", 6);
    making.tensor("prob.weight", &[3, 6], -0.5, 0.5);
    making.state
}

struct Making {
    random: Random,
    state: Vec<(String, Tensor)>,
}

impl Making {
    fn tensor(&mut self, name: &str, shape: &[usize], low: f64, high: f64) {
        let values = (0..shape.iter().product()).map(|_| self.random.between(low, high)).collect();
        self.state.push((name.to_owned(), Tensor { shape: shape.to_vec(), values }));
    }

    fn normalisation(&mut self, name: &str, channels: usize) {
        for (part, low, high) in [
            ("weight", 0.5, 1.0),
            ("bias", -0.3, 0.3),
            ("running_mean", -0.2, 0.2),
            ("running_var", 0.5, 1.5),
        ] {
            self.tensor(&format!("{name}.{part}"), &[channels], low, high);
        }
    }

    fn layer(&mut self, name: &str, shape: [usize; 4], activated: bool, scale: f64) {
        let reach = 1.5 * scale / ((shape[1] * shape[2] * shape[3]) as f64).sqrt();
        self.tensor(&format!("{name}.conv.weight"), &shape, -reach, reach);
        self.normalisation(&format!("{name}.bn"), shape[0]);
        if activated {
            self.tensor(&format!("{name}.prelu.weight"), &shape[..1], 0.0, 0.4);
        }
    }
}

/// A picture of any number of channels.
#[derive(Clone)]
struct Planes {
    side: usize,
    values: Vec<f32>,
}

/// What the network gives for planes of 0..=255.
pub(super) fn forward(state: &[(String, Tensor)], planes: &[f32]) -> Vec<f32> {
    let of = |name: &str| -> &Tensor { &state.iter().find(|(n, _)| n == name).expect(name).1 };
    let layer = |input: &Planes, name: &str, stride: usize, pad: usize| {
        let made = convolve(input, of(&format!("{name}.conv.weight")), stride, pad);
        let each = made.side * made.side;
        let mut made =
            Planes { side: made.side, values: normalise(&of, &format!("{name}.bn"), made.values, each) };
        if let Some((_, slopes)) = state.iter().find(|(n, _)| *n == format!("{name}.prelu.weight")) {
            for (plane, slope) in made.values.chunks_mut(each).zip(&slopes.values) {
                plane.iter_mut().filter(|v| **v < 0.0).for_each(|v| *v *= slope);
            }
        }
        made
    };
    let mut now = Planes { side: SIDE_PX, values: planes.to_vec() };
    now = layer(&now, "conv1", 2, 1);
    now = layer(&now, "conv2_dw", 1, 1);
    for (name, _, _) in BLOCKS {
        let stride = if name.contains("model") { 1 } else { 2 };
        let inner = layer(&now, &format!("{name}.conv"), 1, 0);
        let inner = layer(&inner, &format!("{name}.conv_dw"), stride, 1);
        let made = layer(&inner, &format!("{name}.project"), 1, 0);
        now = match stride {
            1 => Planes {
                side: made.side,
                values: made.values.iter().zip(&now.values).map(|(a, b)| a + b).collect(),
            },
            _ => made,
        };
    }
    now = layer(&now, "conv_6_sep", 1, 0);
    now = layer(&now, "conv_6_dw", 1, 0);
    let matrix = |name: &str, input: &[f32]| -> Vec<f32> {
        let rows = of(name).values.chunks(input.len());
        rows.map(|row| row.iter().zip(input).map(|(a, b)| a * b).sum()).collect()
    };
    let hidden = normalise(&of, "bn", matrix("linear.weight", &now.values), 1);
    matrix("prob.weight", &hidden)
}

fn normalise<'a>(of: &dyn Fn(&str) -> &'a Tensor, name: &str, mut values: Vec<f32>, each: usize) -> Vec<f32> {
    let part = |part: &str| &of(&format!("{name}.{part}")).values;
    for (channel, values) in values.chunks_mut(each).enumerate() {
        let deviation = (part("running_var")[channel] + 1e-5).sqrt();
        for value in values {
            *value = (*value - part("running_mean")[channel]) / deviation * part("weight")[channel]
                + part("bias")[channel];
        }
    }
    values
}

fn convolve(input: &Planes, weights: &Tensor, stride: usize, pad: usize) -> Planes {
    let [outputs, inputs, kernel, _] = weights.shape[..] else { panic!("four sides") };
    let side = (input.side + 2 * pad - kernel) / stride + 1;
    let mut values = Vec::new();
    for output in 0..outputs {
        // One input: depthwise.
        let first = if inputs == 1 { output } else { 0 };
        for cell in 0..side * side {
            let (row, column) = (cell / side * stride, cell % side * stride);
            let mut sum = 0.0;
            for (at, weight) in weights.values[output * inputs * kernel * kernel..]
                .iter()
                .take(inputs * kernel * kernel)
                .enumerate()
            {
                let (channel, row, column) = (
                    first + at / (kernel * kernel),
                    row + at % (kernel * kernel) / kernel,
                    column + at % kernel,
                );
                let inside = |place: usize| place.checked_sub(pad).filter(|place| *place < input.side);
                if let (Some(row), Some(column)) = (inside(row), inside(column)) {
                    sum += weight * input.values[(channel * input.side + row) * input.side + column];
                }
            }
            values.push(sum);
        }
    }
    Planes { side, values }
}

/// The file that `torch.save` made of these tensors before version 1.6, on several graphics cards.
pub(super) fn torch_file(state: &[(String, Tensor)]) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.".to_vec();
    // {"little_endian": True}
    file.extend(b"\x80\x02}q\x00(X\x0d\x00\x00\x00little_endianq\x01\x88u.");
    let mut batches = state.to_vec();
    let counter = Tensor { shape: Vec::new(), values: vec![0.0] };
    batches.insert(1, ("conv1.bn.num_batches_tracked".to_owned(), counter));

    file.extend(b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(");
    for (index, (name, tensor)) in batches.iter().enumerate() {
        text(&mut file, &format!("module.{name}"));
        file.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut file, "storage");
        let kind = if name.ends_with("tracked") { "LongStorage" } else { "FloatStorage" };
        file.extend(format!("ctorch\n{kind}\n").bytes());
        text(&mut file, &format!("{index}"));
        text(&mut file, "cuda:0");
        number(&mut file, tensor.values.len());
        file.extend(b"NtQK\x00(");
        tensor.shape.iter().for_each(|side| number(&mut file, *side));
        file.extend(b"t(");
        for from in 1..=tensor.shape.len() {
            number(&mut file, tensor.shape[from..].iter().product());
        }
        file.extend(b"t\x89h\x00)RtR");
    }
    file.extend(b"u}");
    text(&mut file, "_metadata");
    file.extend(b"h\x00)Rsb.");

    file.extend(b"\x80\x02]q\x00(");
    (0..batches.len()).for_each(|index| text(&mut file, &format!("{index}")));
    file.extend(b"e.");
    for (name, tensor) in &batches {
        file.extend((tensor.values.len() as u64).to_le_bytes());
        match name.ends_with("tracked") {
            true => file.extend(9_i64.to_le_bytes()),
            false => file.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes())),
        }
    }
    file
}

fn text(file: &mut Vec<u8>, text: &str) {
    file.push(b'X');
    file.extend((text.len() as u32).to_le_bytes());
    file.extend(text.bytes());
}

fn number(file: &mut Vec<u8>, number: usize) {
    file.push(b'J');
    file.extend((number as u32).to_le_bytes());
}
