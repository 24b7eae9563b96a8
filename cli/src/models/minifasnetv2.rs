//! The numbers of MiniFASNetV2 that were measured, by models/build/minifasnetv2.py: its thresholds, and how it is quantised.

use super::folder::OperatingPoints;
use super::onnx::Scale;

/// Decisions over the mean of three frontal frames, 16 people of as many sources alike, without an attack among them.
pub(super) const POINTS: OperatingPoints = OperatingPoints {
    bpcer: &[0.01, 0.02, 0.05, 0.1, 0.2],
    threshold: &[-1.46, -1.13, -0.28, 0.05, 0.99],
    live_median: 3.38,
};

/// The same with floats.
pub(super) const FLOAT_POINTS: OperatingPoints = OperatingPoints {
    bpcer: &[0.01, 0.02, 0.05, 0.1, 0.2],
    threshold: &[-1.75, -1.16, -0.11, 0.38, 1.0],
    live_median: 3.89,
};

/// Scale and zero of each layer's output but the last, in their order: 0.8 of the range that 99 of 100 faces stay within, of
/// 757. More is clipped, and less is lost in rounding: the log-odds are nearest to those with floats then.
pub(super) const SCALES: [Scale; 48] = [
    Scale { scale: 0.043137, zero: 108 }, // conv1
    Scale { scale: 0.062667, zero: 32 },  // conv2_dw
    Scale { scale: 0.060309, zero: 13 },  // conv_23.conv
    Scale { scale: 0.058931, zero: 33 },  // conv_23.conv_dw
    Scale { scale: 0.074272, zero: 141 }, // conv_23.project
    Scale { scale: 0.02279, zero: 33 },   // conv_3.model.0.conv
    Scale { scale: 0.025573, zero: 24 },  // conv_3.model.0.conv_dw
    Scale { scale: 0.081771, zero: 135 }, // conv_3.model.0.project
    Scale { scale: 0.023311, zero: 42 },  // conv_3.model.1.conv
    Scale { scale: 0.035917, zero: 37 },  // conv_3.model.1.conv_dw
    Scale { scale: 0.085579, zero: 132 }, // conv_3.model.1.project
    Scale { scale: 0.021018, zero: 21 },  // conv_3.model.2.conv
    Scale { scale: 0.031609, zero: 11 },  // conv_3.model.2.conv_dw
    Scale { scale: 0.091565, zero: 135 }, // conv_3.model.2.project
    Scale { scale: 0.01892, zero: 38 },   // conv_3.model.3.conv
    Scale { scale: 0.022985, zero: 16 },  // conv_3.model.3.conv_dw
    Scale { scale: 0.096204, zero: 132 }, // conv_3.model.3.project
    Scale { scale: 0.025243, zero: 7 },   // conv_34.conv
    Scale { scale: 0.039325, zero: 18 },  // conv_34.conv_dw
    Scale { scale: 0.04874, zero: 133 },  // conv_34.project
    Scale { scale: 0.022705, zero: 12 },  // conv_4.model.0.conv
    Scale { scale: 0.032812, zero: 3 },   // conv_4.model.0.conv_dw
    Scale { scale: 0.069841, zero: 131 }, // conv_4.model.0.project
    Scale { scale: 0.020428, zero: 9 },   // conv_4.model.1.conv
    Scale { scale: 0.029615, zero: 7 },   // conv_4.model.1.conv_dw
    Scale { scale: 0.079656, zero: 127 }, // conv_4.model.1.project
    Scale { scale: 0.018856, zero: 14 },  // conv_4.model.2.conv
    Scale { scale: 0.027109, zero: 10 },  // conv_4.model.2.conv_dw
    Scale { scale: 0.085312, zero: 129 }, // conv_4.model.2.project
    Scale { scale: 0.019312, zero: 8 },   // conv_4.model.3.conv
    Scale { scale: 0.031985, zero: 5 },   // conv_4.model.3.conv_dw
    Scale { scale: 0.092778, zero: 128 }, // conv_4.model.3.project
    Scale { scale: 0.020399, zero: 6 },   // conv_4.model.4.conv
    Scale { scale: 0.032397, zero: 3 },   // conv_4.model.4.conv_dw
    Scale { scale: 0.096282, zero: 128 }, // conv_4.model.4.project
    Scale { scale: 0.018817, zero: 4 },   // conv_4.model.5.conv
    Scale { scale: 0.022497, zero: 5 },   // conv_4.model.5.conv_dw
    Scale { scale: 0.098177, zero: 132 }, // conv_4.model.5.project
    Scale { scale: 0.021101, zero: 3 },   // conv_45.conv
    Scale { scale: 0.039773, zero: 1 },   // conv_45.conv_dw
    Scale { scale: 0.04663, zero: 135 },  // conv_45.project
    Scale { scale: 0.025661, zero: 18 },  // conv_5.model.0.conv
    Scale { scale: 0.029645, zero: 5 },   // conv_5.model.0.conv_dw
    Scale { scale: 0.057502, zero: 129 }, // conv_5.model.0.project
    Scale { scale: 0.021272, zero: 25 },  // conv_5.model.1.conv
    Scale { scale: 0.023651, zero: 7 },   // conv_5.model.1.conv_dw
    Scale { scale: 0.062099, zero: 136 }, // conv_5.model.1.project
    Scale { scale: 0.023933, zero: 0 },   // conv_6_sep
];
