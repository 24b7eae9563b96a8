//! The numbers of MiniFASNetV2 that were measured: how its outputs are quantised, and its thresholds. docs/attacks.md.

use super::folder::OperatingPoints;
use super::onnx::Scale;

/// Decisions over the mean of three frontal frames, 16 people of as many sources alike, without an attack among them.
pub(super) const POINTS: OperatingPoints = OperatingPoints {
    bpcer: &[0.01, 0.02, 0.05, 0.1, 0.2],
    threshold: &[-2.06, -1.82, -0.64, -0.13, 0.65],
    live_median: 3.27,
};

/// The same with floats.
pub(super) const FLOAT_POINTS: OperatingPoints = OperatingPoints {
    bpcer: &[0.01, 0.02, 0.05, 0.1, 0.2],
    threshold: &[-1.75, -1.16, -0.11, 0.38, 1.0],
    live_median: 3.89,
};

/// Scale and zero of each layer's output but the last, in their order: from the least to the largest value over 757 faces.
pub(super) const SCALES: [Scale; 48] = [
    Scale { scale: 0.06859, zero: 103 },  // conv1
    Scale { scale: 0.092843, zero: 32 },  // conv2_dw
    Scale { scale: 0.091611, zero: 15 },  // conv_23.conv
    Scale { scale: 0.10462, zero: 28 },   // conv_23.conv_dw
    Scale { scale: 0.12036, zero: 142 },  // conv_23.project
    Scale { scale: 0.032733, zero: 30 },  // conv_3.model.0.conv
    Scale { scale: 0.044131, zero: 19 },  // conv_3.model.0.conv_dw
    Scale { scale: 0.13308, zero: 122 },  // conv_3.model.0.project
    Scale { scale: 0.034565, zero: 46 },  // conv_3.model.1.conv
    Scale { scale: 0.051966, zero: 34 },  // conv_3.model.1.conv_dw
    Scale { scale: 0.13029, zero: 126 },  // conv_3.model.1.project
    Scale { scale: 0.031495, zero: 22 },  // conv_3.model.2.conv
    Scale { scale: 0.051699, zero: 11 },  // conv_3.model.2.conv_dw
    Scale { scale: 0.13063, zero: 133 },  // conv_3.model.2.project
    Scale { scale: 0.027142, zero: 42 },  // conv_3.model.3.conv
    Scale { scale: 0.033958, zero: 16 },  // conv_3.model.3.conv_dw
    Scale { scale: 0.15204, zero: 117 },  // conv_3.model.3.project
    Scale { scale: 0.037319, zero: 7 },   // conv_34.conv
    Scale { scale: 0.059831, zero: 18 },  // conv_34.conv_dw
    Scale { scale: 0.069425, zero: 125 }, // conv_34.project
    Scale { scale: 0.032029, zero: 13 },  // conv_4.model.0.conv
    Scale { scale: 0.04856, zero: 3 },    // conv_4.model.0.conv_dw
    Scale { scale: 0.09891, zero: 137 },  // conv_4.model.0.project
    Scale { scale: 0.029873, zero: 9 },   // conv_4.model.1.conv
    Scale { scale: 0.046584, zero: 6 },   // conv_4.model.1.conv_dw
    Scale { scale: 0.11274, zero: 130 },  // conv_4.model.1.project
    Scale { scale: 0.026832, zero: 15 },  // conv_4.model.2.conv
    Scale { scale: 0.03809, zero: 11 },   // conv_4.model.2.conv_dw
    Scale { scale: 0.11768, zero: 130 },  // conv_4.model.2.project
    Scale { scale: 0.026425, zero: 8 },   // conv_4.model.3.conv
    Scale { scale: 0.04498, zero: 5 },    // conv_4.model.3.conv_dw
    Scale { scale: 0.13333, zero: 129 },  // conv_4.model.3.project
    Scale { scale: 0.030561, zero: 6 },   // conv_4.model.4.conv
    Scale { scale: 0.050618, zero: 3 },   // conv_4.model.4.conv_dw
    Scale { scale: 0.14071, zero: 121 },  // conv_4.model.4.project
    Scale { scale: 0.026306, zero: 4 },   // conv_4.model.5.conv
    Scale { scale: 0.030777, zero: 5 },   // conv_4.model.5.conv_dw
    Scale { scale: 0.14259, zero: 126 },  // conv_4.model.5.project
    Scale { scale: 0.032509, zero: 3 },   // conv_45.conv
    Scale { scale: 0.086988, zero: 1 },   // conv_45.conv_dw
    Scale { scale: 0.068741, zero: 139 }, // conv_45.project
    Scale { scale: 0.036576, zero: 19 },  // conv_5.model.0.conv
    Scale { scale: 0.047206, zero: 4 },   // conv_5.model.0.conv_dw
    Scale { scale: 0.083576, zero: 128 }, // conv_5.model.0.project
    Scale { scale: 0.029409, zero: 27 },  // conv_5.model.1.conv
    Scale { scale: 0.033109, zero: 10 },  // conv_5.model.1.conv_dw
    Scale { scale: 0.096425, zero: 135 }, // conv_5.model.1.project
    Scale { scale: 0.039796, zero: 0 },   // conv_6_sep
];
