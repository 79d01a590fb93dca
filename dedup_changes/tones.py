"""Edits of tone and of color: what filters, editors and cameras do without moving anything."""

import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from skimage import exposure

from dedup_changes.edits import Edit, picture_of

_APART = 12  # levels between the channels of a pixel: noise and compression leave gray ones nearer to each other
_LEAST_COLOR = 0.01  # of a picture


def clahe(picture: Image.Image, _: random.Random) -> Image.Image:
    """Local contrast evened out on the lightness, as scanners and X-ray viewers do."""
    light, blue, red = picture.convert("YCbCr").split()
    evened = exposure.equalize_adapthist(np.asarray(light), clip_limit=0.02)
    return Image.merge("YCbCr", (picture_of(255 * evened), blue, red)).convert("RGB")


def equalize(picture: Image.Image, _: random.Random) -> Image.Image:
    return ImageOps.equalize(picture)


def posterize(picture: Image.Image, _: random.Random) -> Image.Image:
    return ImageOps.posterize(picture, 3)


def curves(picture: Image.Image, _: random.Random) -> Image.Image:
    """An S: deeper shadows, brighter lights."""
    levels = np.arange(256) / 255
    return _mapped(picture, levels - 0.12 * np.sin(2 * np.pi * levels))


def fade(picture: Image.Image, _: random.Random) -> Image.Image:
    """Lifted blacks, dull whites, somewhat less color."""
    paler = ImageEnhance.Color(picture).enhance(0.85)
    return _mapped(paler, 0.14 + 0.78 * np.arange(256) / 255)


def auto_levels(picture: Image.Image, _: random.Random) -> Image.Image:
    return ImageOps.autocontrast(picture, cutoff=1)


def shadows_lifted(picture: Image.Image, _: random.Random) -> Image.Image:
    levels = np.arange(256) / 255
    return _mapped(picture, levels + 0.35 * levels * (1 - levels) ** 3 * 4)


def paler(picture: Image.Image, _: random.Random) -> Image.Image:
    return ImageEnhance.Color(picture).enhance(0.6)


def stronger(picture: Image.Image, _: random.Random) -> Image.Image:
    return ImageEnhance.Color(picture).enhance(1.6)


def light_from_one_side(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Light that grows evenly across the picture, from 0.75 to 1.25."""
    across = np.linspace(0.75, 1.25, picture.width, dtype=np.float32)[None, :, None]
    light = across[:, ::-1] if chance.random() < 0.5 else across
    return picture_of(np.asarray(picture, np.float32) * light)


def half_darkened(picture: Image.Image, _: random.Random) -> Image.Image:
    light = np.ones((picture.height, 1, 1), np.float32)
    light[picture.height // 2 :] = 0.5
    return picture_of(np.asarray(picture, np.float32) * light)


def blur_strong(picture: Image.Image, _: random.Random) -> Image.Image:
    """By 2.5 % of the longer side, as previews are shown before the picture is there."""
    return picture.filter(ImageFilter.GaussianBlur(0.025 * max(picture.size)))


def sepia(picture: Image.Image, _: random.Random) -> Image.Image:
    gray = np.asarray(picture.convert("L"), np.float32)[:, :, None]
    return picture_of(gray * np.array([1.07, 0.92, 0.68], np.float32))


def gray_lab(picture: Image.Image, _: random.Random) -> Image.Image:
    """Without color, by lightness and not by the weights of television."""
    return ImageOps.grayscale(ImageEnhance.Contrast(picture).enhance(1.1)).convert("RGB")


def duotone(picture: Image.Image, chance: random.Random) -> Image.Image:
    """From a dark ink to a light one."""
    dark, light = chance.choice([("#1b1464", "#f7d794"), ("#3d0000", "#a8e6cf"), ("#003b36", "#ffd6e0")])
    return ImageOps.colorize(picture.convert("L"), dark, light)


def inverted(picture: Image.Image, _: random.Random) -> Image.Image:
    return ImageOps.invert(picture)


TONES: dict[str, Edit] = {
    "clahe": clahe,
    "equalize": equalize,
    "posterize": posterize,
    "curves": curves,
    "fade": fade,
    "auto-levels": auto_levels,
    "shadows-lifted": shadows_lifted,
    "saturation-0.6": paler,
    "saturation-1.6": stronger,
    "light-from-one-side": light_from_one_side,
    "half-darkened": half_darkened,
    "blur-strong": blur_strong,
}
COLORS: dict[str, Edit] = {"gray-contrast": gray_lab, "sepia": sepia, "duotone": duotone}


def _mapped(picture: Image.Image, curve: NDArray[np.float64]) -> Image.Image:
    """Each level through a curve 0..1 over 256 levels, in all channels alike."""
    table = np.clip(np.rint(255 * curve), 0, 255).astype(int).tolist()
    return picture.point(table * 3)


def has_color(picture: Image.Image) -> bool:
    """Whether an RGB picture has any color that a gray copy could lose."""
    small = np.asarray(picture.resize((64, 64), Image.Resampling.BOX), np.int16)
    return bool((np.ptp(small, axis=2) > _APART).mean() > _LEAST_COLOR)
