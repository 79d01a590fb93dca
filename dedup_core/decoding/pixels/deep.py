"""Values of more than 8 bits: what of them is black and what is white."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

UNBOUNDED_MODES: Final = ("I", "F")
_OUTSIDE: Final = 0.0005  # of the values at either end: hot pixels and dead ones
_FAR: Final = 2.0  # times the span of the others: where hot pixels would leave everything else in the dark
_BITS, _PHOTOMETRIC, _KIND = 258, 262, 339  # TIFF tags
_WHITE_IS_ZERO: Final = 0
_UNSIGNED: Final = 1
_LARGEST: Final = (1 << 31) - 1  # larger values of 32 bits without a sign are negative ones to Pillow
_SAMPLES: Final = 1 << 18  # values of a picture that are looked at for what is usual in it


def is_deep(mode: str) -> bool:
    return mode in UNBOUNDED_MODES or mode.startswith("I;16")


def scaled(band: Image.Image, span: tuple[float, float]) -> Image.Image:
    """A part of a deep picture in 8 bits, `span` from black to white."""
    low, high = span
    values = np.nan_to_num(_values(band, is_unsigned=max(span) > _LARGEST), nan=low, posinf=high, neginf=low)
    levels = (values - low) * (255.0 / (high - low or 1.0))
    return Image.fromarray((levels + 0.5).clip(0, 255).astype(np.uint8))


def value_span(picture: Image.Image, rows: int) -> tuple[float, float]:
    """The values that mean black and white, by the picture's own; so many rows are looked at at a time.

    Black is the higher one where a TIFF says that white is zero, as X-rays do: for 8 bits Pillow turns them by itself.

    16-bit values are a whole number of bits, as many as their largest value takes: cameras and scanners put 10, 12 and
    14 bits into 16. A few values far from all others do not count, neither there nor where no mode fixes the range.
    """
    if not is_deep(picture.mode):
        return 0.0, 1.0
    low, high = _lowest_and_highest(picture, rows)
    return (high, low) if getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO else (low, high)


def _lowest_and_highest(picture: Image.Image, rows: int) -> tuple[float, float]:
    low, high, usual = np.inf, -np.inf, []
    step = max(1, -(-picture.width * picture.height // _SAMPLES))
    for values in _bands(picture, rows):
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            usual.append(finite[::step].copy())  # without the rest, which a view would keep
    if low > high:
        return 0.0, 1.0
    quiet_low, quiet_high = np.quantile(np.concatenate(usual), [_OUTSIDE, 1 - _OUTSIDE]).tolist()
    if high - low > _FAR * (quiet_high - quiet_low) > 0:
        low, high = quiet_low, quiet_high
    if picture.mode in UNBOUNDED_MODES:
        return low, high
    return 0.0, float((1 << max(1, int(np.ceil(high)).bit_length())) - 1)


def _bands(picture: Image.Image, rows: int) -> Iterator[NDArray[np.float64]]:
    for top in range(0, picture.height, rows):
        band = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        yield _values(band, is_unsigned=_is_unsigned(picture)).ravel()


def _is_unsigned(picture: Image.Image) -> bool:
    tags = getattr(picture, "tag_v2", {})
    return picture.mode == "I" and tags.get(_BITS) == (32,) and tags.get(_KIND, (_UNSIGNED,)) == (_UNSIGNED,)


def _values(band: Image.Image, *, is_unsigned: bool) -> NDArray[np.float64]:
    """Values (h, w); float64 holds every 32-bit integer and difference."""
    values = np.asarray(band)
    with np.errstate(invalid="ignore"):  # some bits are a number for no processor; what they become is not finite
        return (values.view(np.uint32) if is_unsigned else values).astype(np.float64)
