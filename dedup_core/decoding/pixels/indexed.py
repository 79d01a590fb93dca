"""The colors of a picture that has a palette, as GIF and small PNG files have one."""

import numpy as np
from PIL import Image

from dedup_core.decoding.pixels.icc import to_srgb


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
