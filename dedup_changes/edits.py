"""Edits of size, light, frame and direction, marks laid over: what happens to most pictures that are passed on."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

type Edit = Callable[[Image.Image, random.Random], Image.Image]

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def resize(scale: float) -> Edit:
    def edit(picture: Image.Image, _: random.Random) -> Image.Image:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        return picture.resize(size, Image.Resampling.LANCZOS)

    return edit


def gamma(gamma: float) -> Edit:
    table = [round(255 * (level / 255) ** gamma) for level in range(256)] * 3
    return lambda picture, _: picture.point(table)


def brightness(factor: float) -> Edit:
    return lambda picture, _: ImageEnhance.Brightness(picture).enhance(factor)


def contrast(factor: float) -> Edit:
    return lambda picture, _: ImageEnhance.Contrast(picture).enhance(factor)


def white_balance(picture: Image.Image, chance: random.Random) -> Image.Image:
    warmth = chance.choice([0.88, 1.14])  # about 1,000 K to either side of daylight
    table = [min(255, round(level * gain)) for gain in (warmth, 1.0, 1 / warmth) for level in range(256)]
    return picture.point(table)


def blur(picture: Image.Image, _: random.Random) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(2.0 * max(picture.size) / 640))


def noise(share: float) -> Edit:
    def edit(picture: Image.Image, chance: random.Random) -> Image.Image:
        generator = np.random.default_rng(chance.getrandbits(64))
        pixels = np.asarray(picture, np.float32)  # (h, w, 3)
        noisy = pixels + generator.normal(0, share * 255, pixels.shape).astype(np.float32)
        return picture_of(noisy)

    return edit


def few_colors(colors: int) -> Edit:
    def edit(picture: Image.Image, _: random.Random) -> Image.Image:
        return picture.quantize(palette=picture.quantize(colors), dither=Image.Dither.FLOYDSTEINBERG)

    return edit


def grey(picture: Image.Image, _: random.Random) -> Image.Image:
    return picture.convert("L")


def vignette(picture: Image.Image, _: random.Random) -> Image.Image:
    rows = np.linspace(-1, 1, picture.height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, picture.width, dtype=np.float32)[None, :]
    light = np.exp(-(rows**2 + columns**2) / 2)  # (h, w): 1 in the middle, 0.37 in the corners
    return picture_of(np.asarray(picture, np.float32) * light[:, :, None])


def hue(picture: Image.Image, chance: random.Random) -> Image.Image:
    hue, saturation, value = picture.convert("HSV").split()
    shift = chance.randrange(43, 214)  # 60 to 300 degrees
    return Image.merge("HSV", (hue.point(lambda level: (level + shift) % 256), saturation, value)).convert("RGB")


def watermark_small(picture: Image.Image, chance: random.Random) -> Image.Image:
    mask = _lettering("example.com", ink=230)
    width = max(1, round(0.25 * picture.width))
    mask = mask.resize((width, max(1, width * mask.height // mask.width)), Image.Resampling.LANCZOS)
    gap = round(0.03 * min(picture.size))
    left = chance.choice([gap, picture.width - mask.width - gap])
    top = chance.choice([gap, picture.height - mask.height - gap])
    return _stamped(picture, mask, (left, top), chance.choice([BLACK, WHITE]))


def watermark_large(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Half transparent text in the middle whose box takes 20 % of the picture."""
    mask = _lettering("SAMPLE" if picture.width > 0.9 * picture.height else "SAM\nPLE", ink=140)
    scale = (0.2 * picture.width * picture.height / (mask.width * mask.height)) ** 0.5
    scale = min(scale, picture.width / mask.width, picture.height / mask.height)
    mask = mask.resize((round(mask.width * scale), round(mask.height * scale)), Image.Resampling.LANCZOS)
    place = ((picture.width - mask.width) // 2, (picture.height - mask.height) // 2)
    return _stamped(picture, mask, place, chance.choice([BLACK, WHITE]))


def _lettering(text: str, ink: int) -> Image.Image:
    font = ImageFont.load_default(200)
    canvas = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = canvas.multiline_textbbox((0, 0), text, font)
    mask = Image.new("L", (round(right - left), round(bottom - top)))
    ImageDraw.Draw(mask).multiline_text((-left, -top), text, ink, font)
    return mask


def _stamped(
    picture: Image.Image, mask: Image.Image, place: tuple[int, int], color: tuple[int, int, int]
) -> Image.Image:
    marked = picture.copy()
    marked.paste(color, place, mask)
    return marked


def crop_sides(share: float) -> Edit:
    def edit(picture: Image.Image, _: random.Random) -> Image.Image:
        x, y = round(share * picture.width), round(share * picture.height)
        return picture.crop((x, y, picture.width - x, picture.height - y))

    return edit


def crop_one_side(share: float) -> Edit:
    def edit(picture: Image.Image, chance: random.Random) -> Image.Image:
        box = [0, 0, picture.width, picture.height]
        side = chance.randrange(4)
        box[side] += round(share * picture.size[side % 2]) * (1 if side < 2 else -1)
        return picture.crop((box[0], box[1], box[2], box[3]))

    return edit


def crop_random(share: float) -> Edit:
    def edit(picture: Image.Image, chance: random.Random) -> Image.Image:
        width, height = round(share * picture.width), round(share * picture.height)
        left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
        return picture.crop((left, top, left + width, top + height))

    return edit


# Which of (left and right, top and bottom) get a border of 20 % of that side.
BORDERS = ((1, 1), (1, 0), (0, 1))


def pad(color: tuple[int, int, int]) -> Edit:
    def edit(picture: Image.Image, chance: random.Random) -> Image.Image:
        x, y = _border(picture, chance.choice(BORDERS))
        return ImageOps.expand(picture, (x, y, x, y), color)

    return edit


def pad_blurred(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Two opposite sides only: a blurred filling is used to reach another aspect ratio."""
    x, y = _border(picture, chance.choice(BORDERS[1:]))
    size = (picture.width + 2 * x, picture.height + 2 * y)
    padded = ImageOps.fit(picture, size).filter(ImageFilter.GaussianBlur(max(size) / 30))
    padded.paste(picture, (x, y))
    return padded


def _border(picture: Image.Image, sides: tuple[int, int]) -> tuple[int, int]:
    return round(0.2 * picture.width) * sides[0], round(0.2 * picture.height) * sides[1]


def rotate(degrees: float, *, expand: bool) -> Edit:
    def edit(picture: Image.Image, chance: random.Random) -> Image.Image:
        angle = degrees * chance.choice([-1, 1])
        fill = chance.choice([BLACK, WHITE])
        return picture.rotate(angle, Image.Resampling.BICUBIC, expand, fillcolor=fill)

    return edit


def turn(method: Image.Transpose) -> Edit:
    return lambda picture, _: picture.transpose(method)


def screen_bars(picture: Image.Image, chance: random.Random) -> Image.Image:
    """The bars of a viewer above and below, and a thin margin at the sides."""
    shade = chance.choice([0, 18, 242, 255])
    margin = round(0.02 * picture.width)
    top, bottom = (round(chance.uniform(0.06, 0.15) * picture.height) for _ in range(2))
    return ImageOps.expand(picture, (margin, top, margin, bottom), (shade, shade, shade))


def picture_of(pixels: NDArray[np.floating[Any]]) -> Image.Image:
    """Levels (h, w) or (h, w, 3), rounded and cut to 0..255, as a picture."""
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
