"""The colors of a picture that has a palette, as GIF and small PNG files have one."""

from typing import Final

import numpy as np
from PIL import Image

from dedup_core.decoding.pixels.icc import to_srgb

_MANY_COLORS: Final = 48
_EVEN: Final = 0.8  # of neighbors have one color: docs/groups.md#palettes


def is_reduced(picture: Image.Image) -> bool:
    """Whether a picture with a palette is a scene that had more colors: one of many, with few even areas.

    Drawings and screenshots, which are whole with a palette, are even nearly everywhere; a palette of grays has all.
    """
    if picture.mode != "P":
        return False
    colors = np.frombuffer(used_colors(picture), np.uint8).reshape(-1, 3)
    if len(colors) < _MANY_COLORS or (colors == colors[:, :1]).all():
        return False
    indexes = np.asarray(picture)
    across, down = indexes[:, 1:] == indexes[:, :-1], indexes[1:] == indexes[:-1]
    return bool((across.sum() + down.sum()) < _EVEN * (across.size + down.size))


def used_colors(picture: Image.Image) -> bytes:
    """Red, green and blue in sRGB of each opaque color that some pixel has; empty for a picture without a palette."""
    if picture.mode != "P":
        return b""
    colors = np.array(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    alpha = np.full(len(colors), 255, np.uint8)
    transparent = picture.info.get("transparency")
    if isinstance(transparent, bytes):
        alphas = np.frombuffer(transparent, np.uint8)[: len(alpha)]
        alpha[: len(alphas)] = alphas
    elif isinstance(transparent, int):
        alpha[transparent : transparent + 1] = 0
    is_used = np.array(picture.histogram()[: len(colors)]) > 0
    shown = colors[is_used & (alpha == 255)]  # noqa: PLR2004 - opaque
    if not len(shown):
        return b""
    return to_srgb(Image.fromarray(shown[None]), picture.info.get("icc_profile")).tobytes()
