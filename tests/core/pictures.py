"""Pictures drawn in code for the tests of alignment and verdicts: textured enough to be compared, free of any file."""

import io
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from dedup_core.decoding.pixels.shrink import reduce_to_working_size
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.perspective import Points, perspective


@cache
def scene(seed: int = 0, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """A busy colored picture, different for every seed: a gradient, fifty shapes and some grain. Do not draw on it."""
    random = np.random.default_rng(seed)
    width, height = size
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    corners = random.integers(40, 200, (3, 3))
    base = corners[0] + across[..., None] * (corners[1] - corners[0]) + down[..., None] * (corners[2] - corners[0]) / 2
    image = Image.fromarray(np.clip(base, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for number in range(50):
        x, y = random.integers(0, width), random.integers(0, height)
        w, h = random.integers(width // 30, width // 4), random.integers(height // 30, height // 4)
        color = tuple(int(value) for value in random.integers(30, 220, 3))
        (draw.ellipse if number % 2 else draw.rectangle)((x - w // 2, y - h // 2, x + w // 2, y + h // 2), fill=color)
    grain = random.normal(0, 6, (height, width, 1))
    image = image.filter(ImageFilter.GaussianBlur(1))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def working(image: Image.Image) -> WorkingImage:
    """The picture as the decoder hands it on."""
    small = reduce_to_working_size(image.convert("RGB"))
    return WorkingImage(np.asarray(small), "PNG", image.width, image.height, image.width * image.height * 3)


def encoded(image: Image.Image, file_format: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    # A third of the time for files a tenth larger; the pixels are the same.
    image.save(buffer, file_format, **({"compress_level": 1} if file_format == "PNG" else {}) | options)
    return buffer.getvalue()


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encoded(image, "JPEG", quality=quality))).convert("RGB")


def half(image: Image.Image) -> Image.Image:
    """A saved copy half as large."""
    return jpeg(image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS), 75)


def brighter(image: Image.Image, shift: float) -> Image.Image:
    return Image.fromarray(np.clip(np.asarray(image, dtype=float) + shift, 0, 255).astype(np.uint8))


def hue_shifted(image: Image.Image, degrees: int) -> Image.Image:
    hsv = np.asarray(image.convert("HSV")).copy()
    hsv[..., 0] += np.uint8(degrees * 256 // 360 % 256)
    return Image.fromarray(hsv, "HSV").convert("RGB")


def padded(image: Image.Image, share: float, color: str) -> Image.Image:
    width, height = image.size
    across, down = int(width * share), int(height * share)
    canvas = Image.new("RGB", (width + 2 * across, height + 2 * down), color)
    canvas.paste(image, (across, down))
    return canvas


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    return image.crop((int(width * left), int(height * top), int(width * right), int(height * bottom)))


def in_perspective(
    image: Image.Image, seen: Points, size: tuple[int, int], ground: int | tuple[int, ...]
) -> Image.Image:
    """The picture with its corners at these places, clockwise from the top left, before a plain ground of `size`."""
    whole = [(0, 0), (image.width, 0), image.size, (0, image.height)]
    transform, coefficients = Image.Transform.PERSPECTIVE, perspective(seen, whole)
    return image.transform(size, transform, coefficients, Image.Resampling.BICUBIC, fillcolor=ground)


def bent(image: Image.Image, displace: Callable[[float, float], tuple[float, float]]) -> Image.Image:
    """Each point from where `displace` says, by its place in -1..1 either way, in pixels off it."""
    width, height = image.size
    step, mesh = 16, []
    for left in range(0, width, step):
        for top in range(0, height, step):
            corners = ((left, top), (left, top + step), (left + step, top + step), (left + step, top))
            source = []
            for x, y in corners:
                right, down = displace(2 * x / width - 1, 2 * y / height - 1)
                source += [x + right, y + down]
            mesh.append(((left, top, left + step, top + step), source))
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BICUBIC)
