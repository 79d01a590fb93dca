"""Images that are drawn instead of read: what `test://pattern?parameters` stands for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from dedup_core.errors import InvalidPath
from dedup_core.paths import ImagePath

MAX_SIDE = 4096  # a name alone asks for it: 16 megapixels, 48 MB
MAX_CHANNEL = 255
type Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The parameters that every pattern understands, and their defaults."""

    width: int = 256
    height: int = 256
    color: Color = (255, 0, 0)
    background: Color = (255, 255, 255)
    cells: int = 8
    seed: int = 0


def draw_generated_image(path: ImagePath) -> bytes:
    """The image as a PNG file: the same pixels for the same path, always.

    Raises `InvalidPath` when the pattern or one of its parameters does not exist.
    """
    pattern = PATTERNS.get(path.pattern)
    if not path.is_generated or pattern is None:
        raise InvalidPath(f"{path} is no test image: the patterns are {', '.join(f'test://{it}' for it in PATTERNS)}")
    drawing = _read_parameters(path)
    encoded = BytesIO()
    pattern(drawing).save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def _solid(drawing: Drawing) -> Image.Image:
    return Image.new("RGB", (drawing.width, drawing.height), drawing.color)


def _gradient(drawing: Drawing) -> Image.Image:
    """From `background` at the left to `color` at the right."""
    share = np.linspace(0.0, 1.0, drawing.width)[None, :, None]  # (1, w, 1)
    row = np.array(drawing.background) * (1 - share) + np.array(drawing.color) * share  # (1, w, 3)
    return _from_pixels(np.repeat(row.round().astype(np.uint8), drawing.height, axis=0))


def _circle(drawing: Drawing) -> Image.Image:
    return _draw_centered(drawing, lambda canvas, box: canvas.ellipse(box, fill=drawing.color))


def _rectangle(drawing: Drawing) -> Image.Image:
    return _draw_centered(drawing, lambda canvas, box: canvas.rectangle(box, fill=drawing.color))


def _checker(drawing: Drawing) -> Image.Image:
    """A board of `cells` by `cells` fields."""
    rows = np.arange(drawing.height) * drawing.cells // drawing.height
    columns = np.arange(drawing.width) * drawing.cells // drawing.width
    odd = (rows % 2 == 1)[:, None] ^ (columns % 2 == 1)[None, :]  # (h, w)
    color, background = np.array(drawing.color, np.uint8), np.array(drawing.background, np.uint8)
    return _from_pixels(np.where(odd[..., None], color, background))


def _noise(drawing: Drawing) -> Image.Image:
    """`cells` by `cells` patches of random colors, told apart by `seed`; smooth, so that it looks like a photo."""
    random = np.random.Generator(np.random.PCG64(drawing.seed))
    patches = (random.random((drawing.cells, drawing.cells, 3)) * 256).astype(np.uint8)  # (cells, cells, 3)
    return _from_pixels(patches).resize((drawing.width, drawing.height), Image.Resampling.BICUBIC)


PATTERNS: Mapping[str, Callable[[Drawing], Image.Image]] = {
    "solid": _solid,
    "gradient": _gradient,
    "circle": _circle,
    "rectangle": _rectangle,
    "checker": _checker,
    "noise": _noise,
}


def _read_parameters(path: ImagePath) -> Drawing:
    values: dict[str, int | Color] = {}
    for name, text in path.parameters.items():
        match name:
            case "size":
                for side in ("width", "height"):
                    values.setdefault(side, _whole(path, name, text, 1, MAX_SIDE))
            case "width" | "height":
                values[name] = _whole(path, name, text, 1, MAX_SIDE)
            case "cells":
                values[name] = _whole(path, name, text, 1, 256)
            case "seed":
                values[name] = _whole(path, name, text, 0, 2**32 - 1)
            case "color" | "background":
                values[name] = _color(path, name, text)
            case _:
                raise InvalidPath(
                    f"{path}: there is no parameter {name!r}, only size, width, height, color, background, cells, seed"
                )
    return Drawing(**values)  # type: ignore[arg-type]  # each name was read as its own type above


def _whole(path: ImagePath, name: str, text: str, least: int, most: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise InvalidPath(f"{path}: {name} must be a whole number from {least} to {most}")


def _color(path: ImagePath, name: str, text: str) -> Color:
    """A CSS name (`red`), hex digits with or without `#`, or `r,g,b`."""
    for spelling in (text, f"#{text}", f"rgb({text})"):
        try:
            red, green, blue = ImageColor.getrgb(spelling)[:3]
        except ValueError:
            continue
        if max(red, green, blue) <= MAX_CHANNEL:
            return red, green, blue
    raise InvalidPath(f"{path}: {name} must be a color such as red, ff8000 or 255,128,0")


def _draw_centered(
    drawing: Drawing, draw: Callable[[ImageDraw.ImageDraw, tuple[float, float, float, float]], None]
) -> Image.Image:
    picture = Image.new("RGB", (drawing.width, drawing.height), drawing.background)
    width, height = drawing.width, drawing.height
    draw(ImageDraw.Draw(picture), (width * 0.2, height * 0.2, width * 0.8, height * 0.8))
    return picture


def _from_pixels(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels))
