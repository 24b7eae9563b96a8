"""Rebuild the bundled pictures in tests/data/faces from the registry packages.

    python models/build/pictures.py [PACKAGES_FOLDER]

Sources and licences: tests/data/faces/SOURCES.md. The same pinned Pillow gives the same bytes.
"""

import io
import sys
from pathlib import Path

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

import packages

FACES = Path(__file__).parents[2] / "tests/data/faces"
FRAME = (640, 480)


def photograph(folder, name):
    archive = packages.fetch("face_recognition", folder)
    data = packages.member(archive, f"face_recognition-1.3.0/tests/test_images/{name}")
    return Image.open(io.BytesIO(data)).convert("RGB")


def sample(folder, name):
    archive = packages.fetch("scikit-image", folder)
    return Image.open(io.BytesIO(packages.member(archive, f"skimage/data/{name}"))).convert("RGB")


def cut(image, box, size):
    return image.crop(box).resize(size, Image.LANCZOS)


def turn(image, degrees, centre, shift=(0, 0)):
    return image.rotate(degrees, Image.BICUBIC, center=centre, translate=shift)


def bright(image, factor):
    return ImageEnhance.Brightness(image).enhance(factor)


def lit_from_left(image, dimmest):
    ramp = Image.linear_gradient("L").rotate(90).resize(image.size)
    ramp = ramp.point(lambda v: round(255 * dimmest + v * (1 - dimmest)))
    return Image.composite(image, Image.new("RGB", image.size), ramp)


def squeezed(image, left, middle, right, share):
    """Columns left..right stay in place, but left..middle gets only `share` of their room."""
    height, out = image.height, image.copy()
    edge = left + round((right - left) * share)
    out.paste(cut(image, (left, 0, middle, height), (edge - left, height)), (left, 0))
    out.paste(cut(image, (middle, 0, right, height), (right - edge, height)), (edge, 0))
    return out


def on_grey(image, size, at):
    out = Image.new("RGB", size, (120, 120, 120))
    out.paste(image, at)
    return out


def make(folder):
    """name -> picture."""
    obama, obama2 = photograph(folder, "obama.jpg"), photograph(folder, "obama2.jpg")
    obama3, biden = photograph(folder, "obama3.jpg"), photograph(folder, "biden.jpg")

    first = cut(obama, (91, 0, 891, 600), FRAME)
    second = obama2.crop((0, 130, 626, 630))
    third_box, low = (425, 150, 1125, 675), (435, 160, 1105, 662)
    out = {
        "obama-1": first,
        "obama-2": second,
        "obama-3": cut(obama3, third_box, FRAME),
        "obama-3b": turn(cut(obama3, (415, 156, 1115, 681), FRAME), 1.5, (320, 200)),
        "obama-3c": bright(cut(obama3, low, FRAME), 0.93),
        "biden": cut(biden, (221, 120, 921, 645), FRAME),
        "astronaut": sample(folder, "astronaut.png"),
        "coffee": sample(folder, "coffee.png"),
        "rocket": sample(folder, "rocket.jpg"),
    }
    out |= {
        "obama-enrol-1": turn(first, 6, (320, 200)),
        "obama-enrol-2": bright(ImageOps.mirror(first), 1.2),
        "obama-enrol-3": bright(on_grey(first.resize((420, 315), Image.LANCZOS), FRAME, (90, 80)), 0.7),
        "obama-enrol-4": turn(second, -5, (230, 250)),
        "obama-enrol-5": ImageOps.mirror(second),
        "obama-enrol-6": lit_from_left(cut(second, (40, 60, 600, 480), FRAME), 0.35),
        "two-faces": on_grey(cut(obama, (255, 0, 735, 720), (320, 480)), FRAME, (0, 0)),
        "dark": bright(first, 0.09),
        "blurred": first.filter(ImageFilter.GaussianBlur(8)),
        "turned": squeezed(second, 204, 320, 440, 0.2),
        "far": on_grey(cut(obama, (91, 0, 891, 600), (96, 72)), FRAME, (270, 190)),
        "black": Image.new("RGB", FRAME),
    }
    out["two-faces"].paste(cut(biden, (291, 60, 851, 900), (320, 480)), (320, 0))
    return out


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "packages"
    FACES.mkdir(parents=True, exist_ok=True)
    for name, picture in make(folder).items():
        assert max(picture.size) <= 640, name
        picture.save(FACES / f"{name}.jpg", quality=88, subsampling=0)


if __name__ == "__main__":
    main()
