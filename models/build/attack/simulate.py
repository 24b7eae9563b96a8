"""People before a camera, and pictures of people before a camera, from the crops of crops.py.

A scene is linear light on a square CANVAS whose face is FACE pixels. A live picture is a scene through a camera. An
attack is a scene through a first camera, shown on a screen or printed, and that through a camera again. What a screen
does: a grid of coloured cells sampled by another grid (moire), its gamma, white, black and reflections; what a print
does: ink and paper, dots, streaks, bending, gloss. Half of the attacks show an edge of what they are shown on.
"""

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import camera
from camera import Random, blurred, each, encoded, kept, linear, smooth_field

CANVAS, FACE = 288, 90
FIELD = 2.7  # side of what is judged, in faces
LIVE, PRINT, SCREEN = 0, 1, 2


def unpacked(packed, key, side, mode):
    at, blob = packed[f"{key}_at"], packed[key].tobytes()
    for begin, end in zip(at[:-1], at[1:]):
        if end > begin:
            picture = Image.open(io.BytesIO(blob[begin:end])).convert(mode)
            yield np.asarray(picture.resize((side, side), Image.BILINEAR) if picture.size[0] != side else picture)


class People:
    """The crops, on the device. One person in ten is kept for validation."""

    def __init__(self, path, device, validation=False, limit=None):
        packed = np.load(path)
        chosen = (np.arange(len(packed["names"])) % 10 == 0) == validation
        chosen = np.flatnonzero(chosen)[:limit]

        def load(key, side):
            rows = list(unpacked(packed, key, side, "RGB"))
            return torch.from_numpy(np.stack([rows[i] for i in chosen if i < len(rows)])).to(device)

        self.device = device
        self.crops = load("crops", CANVAS).permute(0, 3, 1, 2)
        masks = load("masks", CANVAS // 2).permute(0, 3, 1, 2)
        # Written by OpenCV, so the order is turned: blue was the person, green what the picture covers.
        self.person, covered = masks[:, 2:3], masks[:, 1] > 127
        self.limits = torch.stack([limits(c) for c in covered])
        self.whole = covered.float().mean((1, 2)) > 0.97
        self.backs = load("backs", 96).permute(0, 3, 1, 2)


def limits(covered):
    """x0, x1, y0, y1 of what a picture covers, -1..1."""
    def ends(line):
        at = torch.nonzero(line).flatten()
        first, last = at.min() + 2, at.max() - 2
        return torch.stack([first, last]).float() / (len(line) - 1) * 2 - 1
    return torch.cat([ends(covered.any(0)), ends(covered.any(1))])


def grid(side, device):
    y, x = torch.meshgrid(*[(torch.arange(side, device=device) + 0.5) / side * 2 - 1] * 2, indexing="ij")
    return torch.stack([x, y], -1)[None]


def enlarged(picture, side):
    return F.interpolate(picture, size=(side, side), mode="bilinear", align_corners=False)


def sampled(picture, points, padding="reflection"):
    return F.grid_sample(picture, points, mode="bilinear", padding_mode=padding, align_corners=False)


def turned(points, angle, scale, shift):
    """Points of the output to points of the input; angle in radians."""
    c, s = torch.cos(angle) / scale, torch.sin(angle) / scale
    x, y = points[..., 0] - shift[:, 0].reshape(-1, 1, 1), points[..., 1] - shift[:, 1].reshape(-1, 1, 1)
    c, s = c.reshape(-1, 1, 1), s.reshape(-1, 1, 1)
    return torch.stack([c * x + s * y, -s * x + c * y], -1)


def tilted(points, random, strength=0.25):
    """A plane that is turned away a little: points divided by their depth."""
    slope = random.uniform(len(points), -strength, strength, 2)
    depth = 1 + (points * slope.reshape(-1, 1, 1, 2)).sum(-1, keepdim=True)
    return points / depth


def light_field(random, batch, side, strength):
    """Light from a side, and a little unevenness."""
    points = grid(side, random.device)
    direction = random.normal(batch, strength, 2).reshape(batch, 1, 1, 2)
    slope = (points * direction).sum(-1)[:, None]
    return torch.exp(slope + 0.15 * strength * smooth_field(random, batch, 4, side))


def plain(random, batch, side):
    """A wall: colour, unevenness, sometimes lines."""
    colour = random.log_uniform(batch, 0.03, 0.9, 1) * torch.exp(random.normal(batch, 0.25, 3))
    wall = colour.reshape(batch, 3, 1, 1) * torch.exp(random.uniform(batch, 0, 0.5).reshape(-1, 1, 1, 1)
                                                     * smooth_field(random, batch, 5, side))
    fine = smooth_field(random, batch, 40, side) * each(random.uniform(batch, 0, 0.12))
    return (wall * torch.exp(fine)).clamp(0, 2)


def with_frames(light, random, people, count=3):
    """Rectangles behind everything: pictures, monitors, windows, doors, shelves."""
    batch, side = len(light), light.shape[2]
    points = grid(side, light.device)
    for _ in range(count):
        centre, half = random.uniform(batch, -1, 1, 2), random.log_uniform(batch, 0.12, 0.9, 2)
        q = turned(points, random.normal(batch, 0.05), torch.ones(batch, device=light.device), centre)
        depth = (q.abs() - half.reshape(batch, 1, 1, 2)).amax(-1)[:, None]  # below 0 inside
        inside = background(random, batch, side, people, frames=False) * each(random.log_uniform(batch, 0.3, 3))
        edge = each(random.uniform(batch, 0.0, 0.1))
        colour = random.log_uniform(batch, 0.02, 0.9, 1, 1, 1) * torch.ones_like(light)
        drawn = torch.where(depth < 0, torch.where(depth < -edge, inside, colour), light)
        light = kept(random.chance(batch, 0.35), drawn, light)
    return light


def background(random, batch, side, people, frames=True):
    """What stands behind a person."""
    at = random.pick(batch, len(people.backs))
    backs = linear(people.backs[at].float() / 255)
    points = turned(grid(side, random.device), random.normal(batch, 0.1), random.log_uniform(batch, 0.8, 2.5),
                    random.uniform(batch, -0.6, 0.6, 2))
    mirror = 1 - 2 * random.chance(batch, 0.5)
    points = points * torch.stack([mirror, torch.ones_like(mirror)], -1).reshape(batch, 1, 1, 2)
    light = kept(random.chance(batch, 0.4), plain(random, batch, side), sampled(backs, points))
    if frames:
        light = with_frames(light, random, people)
        light = blurred(light, random.log_uniform(batch, 0.2, 4.0))
    return light


def scene(random, batch, people):
    """Linear light of one person each, the face in the middle."""
    at = random.pick(batch, len(people.crops))
    mirror = 1 - 2 * random.chance(batch, 0.5)
    points = turned(grid(CANVAS, random.device), random.normal(batch, 0.09), random.uniform(batch, 0.88, 1.14),
                    random.uniform(batch, -0.06, 0.06, 2))
    points = points * torch.stack([mirror, torch.ones_like(mirror)], -1).reshape(batch, 1, 1, 2)
    x0, x1, y0, y1 = (v.reshape(-1, 1, 1) for v in people.limits[at].unbind(1))
    above = (points[..., 1] < y0)[:, None]  # a head that the picture cuts is not drawn out
    points = torch.stack([points[..., 0].clamp(x0, x1), points[..., 1].clamp(y0, y1)], -1)
    shown = sampled(people.crops[at].float() / 255, points)
    mask = sampled(people.person[at].float() / 255, points)
    mask = ((mask - 0.5) * each(random.uniform(batch, 1.5, 4)) + 0.5).clamp(0, 1) * ~above
    light = linear(shown)
    own = people.whole[at].float() * random.chance(batch, 0.6)
    behind = background(random, batch, CANVAS, people) * each(random.log_uniform(batch, 0.3, 5))
    behind = kept(own, light, behind)
    light = light * light_field(random, batch, CANVAS, 0.35)
    light = mask * light + (1 - mask) * behind * light_field(random, batch, CANVAS, 0.25)
    return light * torch.exp(random.normal(batch, 0.12, 3)).reshape(batch, 3, 1, 1)


def framing(random, batch):
    """Scale and shift of the square that is judged: the detector's box is not quite right, and a face near the frame's
    border, or too near the camera, has its square moved or made smaller."""
    bound = random.chance(batch, 0.35)
    scale = CANVAS / FACE / FIELD / random.uniform(batch, 0.9, 1.1) * (1 + bound * random.uniform(batch, 0, 0.8))
    shift = random.uniform(batch, -0.07, 0.07, 2) + bound[:, None] * random.uniform(batch, -0.32, 0.32, 2)
    return scale, shift


def view(light, random, side):
    """The square that is judged."""
    batch = len(light)
    scale, shift = framing(random, batch)
    points = turned(grid(side, light.device), random.normal(batch, 0.02), scale, shift)
    shrink = light.shape[2] / (float(scale.mean()) * side)
    if shrink > 1.2:
        light = blurred(light, torch.full((batch,), 0.35 * shrink, device=light.device))
    return sampled(light, points)


def live(random, batch, side, people):
    light = scene(random, batch, people)
    veil = each(random.uniform(batch, 0, 0.15) * random.chance(batch, 0.3))  # against a window
    return camera.shoot(view(light + veil * light.mean((1, 2, 3), keepdim=True) * 3, random, side), random)


def first_picture(random, batch, people):
    """What is shown or printed, gamma-encoded, on the canvas."""
    light = scene(random, batch, people)
    straight = encoded(light / (light.amax((1, 2, 3), keepdim=True) * 0.6).clamp(min=0.2))
    taken = camera.shoot(light, random, best=45, flaws=0.5)
    return kept(random.chance(batch, 0.7), taken, straight)


def cells(u, v, kind, fill, soft):
    """Brightness of red, green and blue at a place on a screen, in its pixels; mean about 1."""
    def aperture(distance, half):
        return torch.sigmoid((half - distance.abs()) / soft)

    def wrapped(x):
        return x - torch.round(x)

    shapes = []
    for colour in range(3):
        stripe = aperture(wrapped(u - (colour - 1) / 3), fill / 6) * aperture(wrapped(v), fill * 0.45)
        lying = aperture(wrapped(v - (colour - 1) / 3), fill / 6) * aperture(wrapped(u), fill * 0.45)
        # Two colours shared between neighbours, as on phones: red and blue at every other place of a slanted grid.
        if colour == 1:
            shared = aperture(wrapped(u), fill * 0.3) * aperture(wrapped(v), fill * 0.3)
        else:
            a, b = (u + v) / 2 + colour / 4, (u - v) / 2 + 0.25
            shared = aperture(wrapped(a), fill * 0.26) * aperture(wrapped(b), fill * 0.26)
        cell = torch.where(kind < 0.45, stripe, torch.where(kind < 0.6, lying, shared))
        shapes.append(cell / cell.mean((1, 2), keepdim=True).clamp(min=0.02))
    return torch.stack(shapes, 1)


def tint(random, batch, spread):
    return torch.exp(random.normal(batch, spread, 3)).reshape(batch, 3, 1, 1)


def gamut(light, random, low, high):
    """Colours mixed and shifted, as other primaries do."""
    batch = len(light)
    grey = light.mean(1, keepdim=True)
    light = grey + (light - grey) * each(random.uniform(batch, low, high))
    mix = torch.eye(3, device=light.device) + random.normal(batch, 0.05, 3, 3)
    return torch.einsum("bij,bjhw->bihw", mix, light).clamp(min=0)


def reflection(random, batch, side, people):
    """What a smooth surface mirrors: a room out of focus, and lamps."""
    room = blurred(background(random, batch, 64, people), torch.full((batch,), 2.0, device=random.device))
    room, points = enlarged(room, side), grid(side, random.device)
    for _ in range(2):
        centre = random.uniform(batch, -1.2, 1.2, 2).reshape(batch, 1, 1, 2)
        width = random.log_uniform(batch, 0.04, 0.5, 2).reshape(batch, 1, 1, 2)
        lamp = torch.exp(-(((points - centre) / width) ** 2).sum(-1))[:, None]
        room = room + lamp * each(random.uniform(batch, 0, 6) * random.chance(batch, 0.35))
    return room


def screen(shown, random, points, people, pitch):
    """Light of a screen at `points` of its picture; `pitch`: camera pixels to one of the screen's."""
    batch, side = len(shown), points.shape[1]
    count = each(random.pixels / pitch * (CANVAS / FACE / FIELD)).reshape(-1, 1, 1)  # screen pixels across the canvas
    u, v = (points[..., 0] + 1) / 2 * count, (points[..., 1] + 1) / 2 * count
    nearest = torch.stack([(torch.floor(u) + 0.5) / count * 2 - 1, (torch.floor(v) + 0.5) / count * 2 - 1], -1)
    blocky = (random.chance(batch, 0.6) * (pitch > 0.5)).reshape(-1, 1, 1, 1)
    picture = sampled(shown, torch.where(blocky > 0.5, nearest, points))
    picture = (picture + each(random.normal(batch, 0.03))).clamp(0, 1)
    light = picture ** each(random.uniform(batch, 1.7, 2.8))
    light = gamut(light, random, 0.7, 1.45) * tint(random, batch, 0.10) * torch.exp(
        each(random.normal(batch, 0.12)) * torch.tensor([-1.0, 0, 1], device=light.device).reshape(1, 3, 1, 1))
    strength = random.uniform(batch, 0.25, 1.0) * ((pitch - 0.28) / 0.3).clamp(0, 1)
    kind = random.uniform(batch).reshape(-1, 1, 1)
    grid_light = cells(u, v, kind, random.uniform(batch, 0.6, 1.0).reshape(-1, 1, 1),
                       random.uniform(batch, 0.02, 0.08).reshape(-1, 1, 1))
    light = light * (1 + each(strength) * (grid_light - 1))
    leak = each(random.log_uniform(batch, 5e-4, 0.05))
    light = light * (1 - leak) + leak * (1 + 0.4 * smooth_field(random, batch, 4, side))
    slope = random.normal(batch, 0.25, 2).reshape(batch, 1, 1, 2)
    light = light * torch.exp((grid(side, light.device) * slope).sum(-1))[:, None]
    rows = torch.linspace(0, 1, side, device=light.device).reshape(1, 1, -1, 1)
    bands = torch.sin(6.283 * (rows * each(random.log_uniform(batch, 0.5, 9)) + each(random.uniform(batch))))
    sharp = each(random.uniform(batch, 1, 8))
    bands = torch.tanh(bands * sharp) * each(random.uniform(batch, 0, 0.35) * random.chance(batch, 0.25))
    light = light * (1 + bands) * each(random.log_uniform(batch, 0.25, 8))
    mirror = reflection(random, batch, side, people) * each(random.log_uniform(batch, 0.004, 0.12))
    return light + mirror * each(random.chance(batch, 0.85))


def printed(shown, random, points, people, pitch):
    """Light from a print; `pitch`: camera pixels to one dot."""
    batch, side = len(shown), points.shape[1]
    picture = sampled(shown, points)
    ink = gamut(linear(picture), random, 0.35, 1.2)
    ink = kept(random.chance(batch, 0.1), ink.mean(1, keepdim=True).expand(-1, 3, -1, -1), ink)
    dark, white = each(random.log_uniform(batch, 0.01, 0.13)), each(random.uniform(batch, 0.6, 0.95))
    ink = (dark + (1 - dark) * ink.clamp(0, 1) ** each(random.uniform(batch, 0.75, 1.35))) * white
    ink = ink * tint(random, batch, 0.06)
    count = random.pixels / pitch * (CANVAS / FACE / FIELD)
    at = (points + 1) / 2 * count.reshape(-1, 1, 1, 1)
    dots = []
    for angle in (0.262, 0.785, 1.309):
        c, s = float(np.cos(angle)), float(np.sin(angle))
        x, y = at[..., 0] * c + at[..., 1] * s, at[..., 1] * c - at[..., 0] * s
        dots.append(torch.cos(6.283 * x) + torch.cos(6.283 * y))
    raster = torch.stack(dots, 1) * each(random.uniform(batch, 0, 0.5) * ((pitch - 0.25) / 0.3).clamp(0, 1))
    grain = random.normal(batch, 1.0, 3, side, side) * each(random.uniform(batch, 0, 0.5))
    ink = ink + (raster + grain) * ink * (1 - ink.clamp(0, 1)) * each(random.chance(batch, 0.7))
    lines = F.interpolate(random.normal(batch, 1.0, 1, 120, 1), size=(side, side), mode="bilinear")
    ink = ink * (1 + lines * each(random.uniform(batch, 0, 0.05) * random.chance(batch, 0.4)))
    paper = 1 + each(random.uniform(batch, 0, 0.04)) * F.interpolate(
        random.normal(batch, 1.0, 1, 200, 200), size=(side, side), mode="bilinear")
    angle = random.uniform(batch, 0, 3.14)
    axis = torch.stack([torch.cos(angle), torch.sin(angle)], -1).reshape(batch, 1, 1, 2)
    along = (grid(side, ink.device) * axis).sum(-1)[:, None]
    bend = 1 + each(random.uniform(batch, 0, 0.45)) * torch.sin(along * each(random.uniform(batch, 0.8, 3))
                                                               + each(random.uniform(batch, 0, 6.28)))
    light = ink.clamp(min=0) * paper * bend * light_field(random, batch, side, 0.25)
    gloss = reflection(random, batch, side, people) * each(random.log_uniform(batch, 0.003, 0.1))
    return light + gloss * each(random.chance(batch, 0.5))


def skin(random, batch):
    tone = random.log_uniform(batch, 0.08, 0.6, 1)
    return (tone * torch.tensor([1.0, 0.66, 0.5], device=random.device) ** random.uniform(batch, 0.8, 1.4, 1)
            ).reshape(batch, 3, 1, 1)


def held(light, random, points, half, centre, people):
    """Cuts the surface out, puts it before a room, with a bezel or margin, sometimes fingers."""
    batch, side = len(light), light.shape[2]
    q = points - centre.reshape(batch, 1, 1, 2)
    corner = random.uniform(batch, 0, 0.12).reshape(-1, 1, 1) * random.chance(batch, 0.5).reshape(-1, 1, 1)
    out = (q.abs() - half.reshape(batch, 1, 1, 2) + corner[..., None]).clamp(min=0)
    depth = (out.square().sum(-1).sqrt() - corner)
    inner = (q.abs() - half.reshape(batch, 1, 1, 2)).amax(-1)
    depth = torch.where(inner < -corner, inner, depth)[:, None]
    room = enlarged(background(random, batch, 256, people), side) * each(random.log_uniform(batch, 0.15, 2.5))
    rim = each(random.uniform(batch, 0.0, 0.2) * random.chance(batch, 0.75))
    tone = torch.where(random.uniform(batch) < 0.6, random.log_uniform(batch, 0.003, 0.05),
                       random.uniform(batch, 0.1, 0.9))
    rim_light = each(tone) * (1 + 0.2 * smooth_field(random, batch, 4, side)) * torch.ones_like(light)
    shadow = 1 - each(random.uniform(batch, 0, 0.6)) * torch.exp(-(depth - rim).clamp(min=0) / 0.08)
    light = torch.where(depth < 0, light, torch.where(depth < rim, rim_light, room * shadow))
    for _ in range(3):
        edge = centre + half * random.uniform(batch, -1.1, 1.1, 2)
        edge = torch.where(random.chance(batch, 0.5)[:, None] > 0.5,
                           torch.stack([centre[:, 0] + half[:, 0] * (2 * random.chance(batch, 0.5) - 1), edge[:, 1]], -1),
                           torch.stack([edge[:, 0], centre[:, 1] + half[:, 1]], -1))
        finger = turned(points, random.uniform(batch, 0, 3.14), torch.ones(batch, device=light.device), edge)
        length, width = random.uniform(batch, 0.1, 0.5).reshape(-1, 1, 1), random.uniform(batch, 0.05, 0.13).reshape(-1, 1, 1)
        away = ((finger[..., 0].abs() - length).clamp(min=0) ** 2 + finger[..., 1] ** 2).sqrt()
        round_light = (1 - (away / width) ** 2).clamp(min=0.05).sqrt()[:, None]
        drawn = torch.where((away < width)[:, None], skin(random, batch) * round_light, light)
        light = kept(random.chance(batch, 0.3), drawn, light)
    return light


def bars(shown, random):
    """A program's window around the picture: strips of plain colour above and below."""
    batch, side = len(shown), shown.shape[2]
    y = torch.linspace(-1, 1, side, device=shown.device).reshape(1, 1, -1, 1)
    top, bottom = each(random.uniform(batch, -1, -0.55)), each(random.uniform(batch, 0.6, 1))
    colour = random.uniform(batch, 0, 1, 1, 1, 1) * torch.ones_like(shown)
    return kept(random.chance(batch, 0.15), torch.where((y < top) | (y > bottom), colour, shown), shown)


def attack(random, batch, side, people, species):
    """Pictures of pictures; `species` is PRINT or SCREEN for all of them."""
    factor = 4 if side <= 160 else 3 if side <= 256 else 2
    random.pixels = side
    shown = bars(first_picture(random, batch, people), random)
    scale, shift = framing(random, batch)
    fine = side * factor
    flat = grid(fine, random.device) + random.uniform(batch, -0.7, 0.7, fine, fine, 2) / fine
    points = tilted(flat, random)
    points = turned(points, random.normal(batch, 0.06), scale, shift)
    pitch = random.log_uniform(batch, 0.2, 2.2)
    surface = screen if species == SCREEN else printed
    light = surface(shown, random, points, people, pitch)
    room_for = random.uniform(batch, 0.0, 1.0, 4) ** 2 * 0.95  # to the left, right, above, below of the face
    least = FACE / CANVAS * random.uniform(batch, 0.95, 1.5, 4)
    left, right, above, below = (least + room_for).unbind(1)
    centre, half = torch.stack([(right - left) / 2, (below - above) / 2], -1), torch.stack([left + right, above + below], -1) / 2
    cut = held(light, random, points, half, centre, people)
    light = kept(random.chance(batch, 0.6), cut, light)
    light = F.avg_pool2d(light, factor)
    defocus = random.uniform(batch, 0, 2.2) * random.chance(batch, 0.4) * side / 224
    return camera.shoot(blurred(light, defocus), random)


SIDES = (96, 128, 160, 192, 224, 256, 320, 384)
WEIGHTS = (0.08, 0.14, 0.18, 0.18, 0.16, 0.12, 0.08, 0.06)


def batch_of(random, count, people):
    """Pictures of one size, 0..1, and their classes; half of them live."""
    side = SIDES[int(torch.searchsorted(torch.tensor(WEIGHTS).cumsum(0), float(random.uniform(1)) * 0.999))]
    prints = int(count * 0.22)
    parts = [live(random, count // 2, side, people),
             attack(random, prints, side, people, PRINT),
             attack(random, count - count // 2 - prints, side, people, SCREEN)]
    classes = torch.cat([torch.full((len(p),), k, device=random.device) for k, p in enumerate(parts)])
    return torch.cat(parts), classes


def judged(pictures, side, field=FIELD):
    """What the network sees: scaled as the daemon scales, 0..255 in whole steps, around 128."""
    full = pictures.shape[2]
    if field < FIELD:
        part = round(full * field / FIELD) // 2 * 2
        edge = (full - part) // 2
        pictures = pictures[:, :, edge:edge + part, edge:edge + part]
    small = F.interpolate(pictures, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    return (torch.round(small.clamp(0, 1) * 255) - 128) / 128
