"""Pictures for the tests of fingerprints: drawn by rule, or photographs that scikit-image ships."""

from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.decoding.working_image import WorkingImage

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg", "hubble_deep_field.jpg")


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


def working(picture: Image.Image) -> WorkingImage:
    pixels: NDArray[np.uint8] = np.array(picture.convert("RGB"))
    return WorkingImage(pixels, "PNG", picture.width, picture.height, pixels.nbytes)
