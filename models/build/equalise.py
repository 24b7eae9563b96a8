"""Give every channel of a tensor the same range, by moving scale into the weights around it.

y / s before and w * s after is the same network, since PReLU lets a positive factor through. A
depthwise reader has one weight scale a channel, so there it costs nothing; a 1x1 reader shares one
weight scale among its inputs, so there the strength is searched.
"""

import numpy as np


def groups(layers):
    """Tensors that must share a scale, because a residual sum joins them."""
    group = {layer.y: layer.y for layer in layers[:-1]}
    for layer in layers[:-1]:
        if layer.residual:
            group[layer.y] = group[layer.residual]
    out = {}
    for tensor, head in group.items():
        out.setdefault(head, []).append(tensor)
    return list(out.values())


def apply(layers, tensors, s):
    for layer in layers:
        if layer.y in tensors:
            layer.w = layer.w / s[:, None, None, None]
            layer.b = layer.b / s
        if layer.x in tensors:
            layer.w = layer.w * (s[:, None, None, None] if layer.depthwise else s[None, :, None, None])


def channel_scale(low, high):
    """(s, share): s makes every channel fit -(1 - share)..share with the least waste."""
    best = None
    for share in np.arange(0.30, 0.99, 0.02):
        s = np.maximum(high / share, -low / (1 - share)).clip(1e-6)
        waste = np.log(s).mean()
        if best is None or waste < best[0]:
            best = (waste, s, share)
    return best[1:]
