"""The network: inverted bottlenecks of the layers that our int8 operators run, three logits at the end.

Convolutions without bias before each normalisation, PReLU, residual sums without activation: as MobileNetV2 (Sandler et
al. 2018) has them. The last map is weighed place by place (a global depthwise convolution) instead of averaged.
"""

import torch
from torch import nn

from attack.shape import BLOCKS, CLASSES, LAST, STEM


def conv(inputs, outputs, kernel=1, stride=1, group=1, active=True):
    parts = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=group, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*parts, nn.PReLU(outputs)) if active else nn.Sequential(*parts)


class Block(nn.Module):
    def __init__(self, inputs, inner, outputs, stride):
        super().__init__()
        self.expand = conv(inputs, inner)
        self.depth = conv(inner, inner, 3, stride, inner)
        self.project = conv(inner, outputs, active=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.project(self.depth(self.expand(x)))
        return x + y if self.residual else y


class AttackNet(nn.Module):
    """(batch, 3, side, side) RGB, (pixel - 128) / 128, to logits of live, print, screen."""

    def __init__(self, side):
        super().__init__()
        self.stem = conv(3, STEM, 3, 2)
        blocks, inputs = [], STEM
        for inner, outputs, stride in BLOCKS:
            blocks.append(Block(inputs, inner, outputs, stride))
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.last = conv(inputs, LAST)
        cells = side // 16
        self.pool = nn.Conv2d(LAST, LAST, cells, groups=LAST)
        nn.init.constant_(self.pool.weight, 1 / cells ** 2)
        nn.init.zeros_(self.pool.bias)
        self.drop = nn.Dropout(0.2)
        self.logits = nn.Linear(LAST, CLASSES)

    def forward(self, x):
        x = self.pool(self.last(self.blocks(self.stem(x))))
        return self.logits(self.drop(x.flatten(1)))


def live_log_odds(logits):
    return logits[:, 0] - torch.logsumexp(logits[:, 1:], 1)
