"""A random camera, on batches: light in, the picture that a program gets out.

Both classes pass through it, so that nothing can be learned from what a camera does. Light is linear, pictures are
gamma-encoded; both are (batch, 3, height, width) floats with 1 as white.
"""

import math

import torch
import torch.nn.functional as F


class Random:
    """Draws one number a sample."""

    def __init__(self, seed, device):
        self.device = device
        self.generator = torch.Generator(device=device)
        self.generator.manual_seed(seed)

    def uniform(self, count, low=0.0, high=1.0, *shape):
        u = torch.rand((count, *shape), generator=self.generator, device=self.device)
        return low + (high - low) * u

    def log_uniform(self, count, low, high, *shape):
        return torch.exp(self.uniform(count, math.log(low), math.log(high), *shape))

    def normal(self, count, scale=1.0, *shape):
        return scale * torch.randn((count, *shape), generator=self.generator, device=self.device)

    def chance(self, count, p):
        return (self.uniform(count) < p).float()

    def pick(self, count, limit):
        return torch.randint(limit, (count,), generator=self.generator, device=self.device)


def each(values):
    """One number a sample, ready to multiply pictures with."""
    return values.reshape(-1, 1, 1, 1)


def linear(picture):
    return picture.clamp(0, 1) ** 2.2


def encoded(light):
    return light.clamp(1e-5, 1) ** (1 / 2.2)


def filtered(x, kernels, dim):
    """Convolves each sample with its own one-dimensional kernel; edges are repeated."""
    batch, channels, height, width = x.shape
    taps = kernels.shape[1]
    pad = (taps // 2,) * 2
    x = F.pad(x, (*pad, 0, 0) if dim == 3 else (0, 0, *pad), mode="replicate")
    shape = (1, 1, taps) if dim == 3 else (1, taps, 1)
    weights = kernels.repeat_interleave(channels, 0).reshape(batch * channels, *shape)
    y = F.conv2d(x.reshape(1, batch * channels, *x.shape[2:]), weights, groups=batch * channels)
    return y.reshape(batch, channels, height, width)


def blurred(x, sigma, taps=13):
    """Gaussian, `sigma` pixels a sample."""
    at = torch.arange(taps, device=x.device) - taps // 2
    kernels = torch.exp(-0.5 * (at / sigma.clamp(min=0.05).reshape(-1, 1)) ** 2)
    kernels = kernels / kernels.sum(1, keepdim=True)
    return filtered(filtered(x, kernels, 3), kernels, 2)


def smeared(x, length, taps=13):
    """Motion along the rows, `length` pixels a sample."""
    at = (torch.arange(taps, device=x.device) - taps // 2).abs()
    kernels = (length.reshape(-1, 1) / 2 + 0.5 - at).clamp(0, 1)
    return filtered(x, kernels / kernels.sum(1, keepdim=True), 3)


def smooth_field(random, batch, cells, side, channels=1):
    """A smooth random field of about unit variance."""
    small = random.normal(batch, 1.0, channels, cells, cells)
    return F.interpolate(small, size=(side, side), mode="bicubic", align_corners=False)


def mosaic(light):
    """Through a Bayer pattern and back, bilinearly."""
    height, width = light.shape[2:]
    y, x = torch.meshgrid(torch.arange(height, device=light.device), torch.arange(width, device=light.device),
                          indexing="ij")
    red, blue = (y % 2 == 0) & (x % 2 == 0), (y % 2 == 1) & (x % 2 == 1)
    masks = torch.stack([red, ~(red | blue), blue]).float()[None]
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]], device=light.device).expand(3, 1, 3, 3)
    seen = F.conv2d(F.pad(light * masks, (1,) * 4, mode="reflect"), kernel, groups=3)
    count = F.conv2d(F.pad(masks, (1,) * 4, mode="reflect"), kernel, groups=3)
    return seen / count


LUMA = torch.tensor([[16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
                     [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77],
                     [24, 35, 55, 64, 81, 104, 113, 92], [49, 64, 78, 87, 103, 121, 120, 101],
                     [72, 92, 95, 98, 112, 100, 103, 99]], dtype=torch.float32)
CHROMA = torch.full((8, 8), 99.0)
CHROMA[:4, :4] = torch.tensor([[17.0, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]])
TO_YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def cosines(device):
    k = torch.arange(8, device=device, dtype=torch.float32)
    d = torch.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) / 2
    d[0] /= math.sqrt(2)
    return d


def rounded_blocks(plane, table, scale):
    """(batch, height, width) through the quantised cosine transform of JPEG (ITU-T T.81)."""
    batch, height, width = plane.shape
    d = cosines(plane.device)
    blocks = plane.reshape(batch, height // 8, 8, width // 8, 8).permute(0, 1, 3, 2, 4)
    step = (table.to(plane.device)[None] * scale.reshape(-1, 1, 1)).clamp(min=1).reshape(batch, 1, 1, 8, 8)
    blocks = d.T @ (torch.round(d @ blocks @ d.T / step) * step) @ d
    return blocks.permute(0, 1, 3, 2, 4).reshape(batch, height, width)


def jpeg(picture, quality):
    """`quality` as in libjpeg, one a sample; sides divisible by 16."""
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    ycc = torch.einsum("ij,bjhw->bihw", TO_YCC.to(picture.device), picture.clamp(0, 1) * 255)
    luma = rounded_blocks(ycc[:, 0] - 128, LUMA, scale) + 128
    small = F.avg_pool2d(ycc[:, 1:], 2)
    batch = len(picture)
    small = rounded_blocks(small.reshape(-1, *small.shape[2:]), CHROMA, scale.repeat_interleave(2))
    chroma = F.interpolate(small.reshape(batch, 2, *small.shape[1:]), scale_factor=2, mode="bilinear",
                           align_corners=False)
    ycc = torch.cat([luma[:, None], chroma], 1)
    return (torch.einsum("ij,bjhw->bihw", torch.linalg.inv(TO_YCC).to(picture.device), ycc) / 255).clamp(0, 1)


def kept(condition, changed, original):
    """`changed` for the samples where `condition` is 1."""
    return torch.where(each(condition) > 0.5, changed, original)


def exposed(light, random):
    """Automatic exposure: the mean, or the middle, brought to about a fifth, with an error."""
    batch, side = len(light), light.shape[2]
    grey = light.mean(1)
    middle = grey[:, side // 3:-side // 3, side // 3:-side // 3]
    weight = random.uniform(batch)
    level = (1 - weight) * grey.mean((1, 2)) + weight * middle.mean((1, 2))
    wanted = random.log_uniform(batch, 0.07, 0.42)
    return light * each(wanted / level.clamp(min=1e-3))


def coloured(light, random):
    """White balance with an error, then a colour matrix that saturates more or less."""
    batch = len(light)
    gains = torch.exp(random.normal(batch, 0.07, 3))
    light = light * gains.reshape(batch, 3, 1, 1)
    grey = light.mean(1, keepdim=True)
    return (grey + (light - grey) * each(random.uniform(batch, 0.55, 1.4))).clamp(min=0)


def noisy(light, random, flaws):
    """Photon and read noise, some of it smoothed as by a camera's own filter."""
    batch = len(light)
    strength = flaws * random.log_uniform(batch, 1e-4, 6e-3) * random.chance(batch, 0.85)
    sigma = torch.sqrt(each(strength) * light.clamp(min=0) * 0.3 + (each(strength) * 1.5) ** 2)
    noise = random.normal(batch, 1.0, *light.shape[1:])
    grain = random.uniform(batch, 0.0, 1.3)
    soft = blurred(noise, grain, 7) * each((1 + 2 * grain).clamp(1, 3))
    return light + soft * sigma


def toned(light, random):
    """Gamma, a contrast curve, haze, and what a camera does against blur."""
    batch = len(light)
    picture = encoded(light)
    curve = picture * picture * (3 - 2 * picture)
    picture = picture + each(random.uniform(batch, -0.35, 0.7)) * (curve - picture)
    haze = random.uniform(batch, 0.0, 0.14) * random.chance(batch, 0.35)
    picture = picture * (1 - each(haze)) + each(haze) * random.uniform(batch, 0.4, 1.0, 3).reshape(batch, 3, 1, 1)
    soft = blurred(picture, random.uniform(batch, 0.5, 1.4), 7)
    amount = random.uniform(batch, 0.0, 1.6) * random.chance(batch, 0.6)
    return (picture + each(amount) * (picture - soft)).clamp(0, 1)


def resampled(picture, random):
    """Smaller and back: a picture that was scaled up, or a small mode of the camera."""
    side = picture.shape[2]
    small = max(48, int(side * float(random.uniform(1, 0.45, 1.0)))) // 16 * 16
    there = F.interpolate(picture, size=(small, small), mode="bilinear", antialias=True, align_corners=False)
    back = F.interpolate(there, size=(side, side), mode="bicubic", align_corners=False).clamp(0, 1)
    return kept(random.chance(len(picture), 0.3), back, picture)


def shoot(light, random, best=25, flaws=1.0):
    """One picture of the light on the sensor; `best` is the least quality of its JPEG, `flaws` scales blur and noise."""
    batch, side = len(light), light.shape[2]
    light = exposed(light, random)
    light = blurred(light, random.log_uniform(batch, 0.25, 1.9) * flaws * side / 224)
    light = kept(random.chance(batch, 0.15), smeared(light, random.uniform(batch, 1, 7) * flaws), light)
    y = torch.linspace(-1, 1, side, device=light.device)
    radius = (y[:, None] ** 2 + y[None] ** 2)[None, None]
    light = light * (1 - each(random.uniform(batch, 0, 0.22)) * radius / 2)
    light = kept(random.chance(batch, 0.6), mosaic(light), light)
    light = noisy(light, random, flaws)
    picture = toned(coloured(light, random), random)
    picture = resampled(picture, random)
    picture = jpeg(picture, random.uniform(batch, best, 97))
    again = jpeg(resampled(picture, random), random.uniform(batch, best, 90))
    return kept(random.chance(batch, 0.5), again, picture)
