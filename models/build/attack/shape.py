"""The shape of the network, apart from net.py: whoever only reads the trained weights needs no PyTorch."""

# Expansion, outputs, stride. Equal inputs and outputs at stride 1 make a residual.
BLOCKS = ((48, 32, 2), (96, 32, 1), (96, 32, 1), (128, 64, 2), (192, 64, 1), (192, 64, 1), (192, 64, 1),
          (256, 96, 2), (288, 96, 1), (288, 96, 1))
STEM, LAST, CLASSES = 24, 192, 3
