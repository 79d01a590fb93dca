"""Pictures for the tests of fingerprints: drawn by rule, or photographs that scikit-image ships."""

import random
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from dedup_core.decoding.working_image import WorkingImage
from dedup_core.views import View

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg", "hubble_deep_field.jpg")
TRANSPOSES = {
    View.MIRRORED: Image.Transpose.FLIP_LEFT_RIGHT,
    View.FLIPPED: Image.Transpose.FLIP_TOP_BOTTOM,
    View.TURNED_90: Image.Transpose.ROTATE_90,
    View.TURNED_180: Image.Transpose.ROTATE_180,
    View.TURNED_270: Image.Transpose.ROTATE_270,
    View.TRANSPOSED: Image.Transpose.TRANSPOSE,
    View.TRANSVERSED: Image.Transpose.TRANSVERSE,
}
"""Each view but the upright one as Pillow turns a picture into it."""


@cache
def photo_bytes(name: str) -> bytes:
    return files("skimage").joinpath("data", name).read_bytes()


def photo(name: str) -> Image.Image:
    return _photo(name).copy()


@cache
def _photo(name: str) -> Image.Image:
    picture = Image.open(BytesIO(photo_bytes(name))).convert("RGB")
    picture.thumbnail((512, 512), Image.Resampling.BOX)
    return picture


def drawn(seed: int, width: int = 480, height: int = 320) -> Image.Image:
    """A smooth abstract painting: random coarse color blobs, enlarged."""
    blobs = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return Image.fromarray(blobs).resize((width, height), Image.Resampling.BICUBIC)


def plan(seed: int) -> Image.Image:
    """Outlines of things on white, which nothing sets apart from a page around them."""
    chance = random.Random(seed)
    sheet = Image.new("RGB", (600, 440), "white")
    pen = ImageDraw.Draw(sheet)
    for _ in range(14):
        left, top = chance.randint(30, 480), chance.randint(30, 340)
        box = (left, top, left + chance.randint(20, 90), top + chance.randint(15, 70))
        shape = chance.choice([pen.rectangle, pen.ellipse])
        shape(box, outline="black", width=2, fill=chance.choice(["white", "lightgray", "gray"]))
    return sheet


def beside(picture: Image.Image, other: Image.Image) -> Image.Image:
    """Both at half of the width of one picture, the other one left."""
    halves = [ImageOps.contain(it, (256, 512)) for it in (other, picture)]
    both = Image.new("RGB", (512, max(it.height for it in halves)), "white")
    for it, left in zip(halves, (0, 256), strict=True):
        both.paste(it, (left, 0))
    return both


def working(picture: Image.Image) -> WorkingImage:
    pixels: NDArray[np.uint8] = np.array(picture.convert("RGB"))
    return WorkingImage(pixels, "PNG", picture.width, picture.height, pixels.nbytes)
