"""Looks in a decoded picture for its provenance: how far it is from its camera.

An enlarged picture has pixels and no detail; a JPEG that was saved again, be it as PNG, has the quality of its worst
save. Both are looked for in the middle of the picture as it was decoded, in a few milliseconds.
"""

from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.decoding.headers.tiff import exif_names_a_camera
from dedup_core.decoding.provenance import LOSSLESS, Provenance

_PROBE: Final = 256  # longer side of the part that is looked at, a multiple of the block of 8
_BLOCK: Final = 8
_OCTAVE: Final = 2**0.5
_BANDS: Final = 8  # of half an octave each: down to a sixteenth of the side
_EMPTY: Final = 0.1  # docs/thresholds.md#true-pixels
_LEAST_SIGNAL: Final = 0.5  # squared gray levels; less than that is the noise of rounding
_LEAST_VALUES: Final = 24  # coefficients of one frequency that are far enough from zero to tell a step by
_LEAST_COMB: Final = 0.3  # docs/thresholds.md#saved-again
_COMB_BY_CHANCE: Final = 2.0  # over the root of how many values there are: what few of them do by chance
_COMBS: Final = np.arange(2, 48, dtype=np.float32)  # steps from quality 96 down to 30
# The luminance table of the JPEG standard (ITU-T T.81, Annex K.1), which libjpeg scales by its quality.
_STANDARD: Final = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.float32,
)
# Low frequencies, where photographs have values far from zero.
_PROBED: Final = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1))


def provenance_of(picture: Image.Image, full_size: tuple[int, int], tables_quality: int, exif: bytes) -> Provenance:
    """Look at a decoded picture, which may be smaller than `full_size`; `tables_quality` is 100 for other than JPEG."""
    probe = _middle(picture)
    is_whole = picture.size == full_size
    before = quality_before(probe) if is_whole else LOSSLESS
    # A file's own save is seen, too, and the coarser it was, the less surely for what it was.
    unsure = 0 if tables_quality == LOSSLESS else max(2, (LOSSLESS - tables_quality) // 4)
    saved_again = before < tables_quality - unsure
    share = detail_share(probe)
    # A picture that the decoder has shrunk shows only that nothing is missing at that size.
    side = max(full_size) if share == 1.0 else round(max(picture.size) * share)
    return Provenance(
        quality=before if saved_again else tables_quality,
        saved_again=saved_again,
        detail_side=side,
        has_camera_data=exif_names_a_camera(exif),
    )


def quality_of_tables(luma_table: list[int]) -> int:
    """The quality 1..100 whose table has the same sum."""
    return _quality_of_scale(100.0 * sum(luma_table) / float(_STANDARD.sum()))


def detail_share(luma: Float32s) -> float:
    """How far the picture could be shrunk (0..1 of its side) and enlarged again without losing anything.

    The energy of natural pictures falls slowly from octave to octave (Field, "Relations between the statistics of
    natural images", JOSA A 1987); where a picture was enlarged, the highest ones are all but empty.
    """
    window, weights, places = _window_and_bands(*luma.shape)
    half = np.fft.rfft2((luma - luma.mean()) * window)
    power = ((half.real**2 + half.imag**2) * weights).ravel()
    power /= luma.size * (window**2).sum()
    bands = [float(power[place].sum()) for place in places]
    if max(bands) < _LEAST_SIGNAL:
        return 1.0
    share = 1.0
    for band, lower in zip(bands, (bands[at:] for at in range(1, _BANDS)), strict=False):
        if band >= _EMPTY * max(lower):
            break
        share /= _OCTAVE
    return share


def quality_before(luma: Float32s) -> int:
    """The quality with which this grid of pixels was saved as JPEG before, as far as its coefficients show; else 100.

    Values that went through a quantization table lie on the teeth of a comb (Fan and de Queiroz, "Identification of
    bitmap compression history", IEEE TIP 2003); rounding to pixels blurs the teeth by about 0.3.
    """
    scales = []
    for (row, column), values in zip(_PROBED, _probed_values(luma), strict=True):
        step = _comb_step(values)
        if step is not None:
            scales.append(100.0 * step / float(_STANDARD[row, column]))
    if len(scales) < len(_PROBED) // 2:
        return LOSSLESS
    return min(LOSSLESS - 1, _quality_of_scale(float(np.median(scales))))


def _quality_of_scale(percent: float) -> int:
    """The quality whose table is the standard one times `percent` (libjpeg, `jpeg_quality_scaling`)."""
    quality = (200.0 - percent) / 2.0 if percent <= 100.0 else 5000.0 / percent  # noqa: PLR2004
    return int(min(LOSSLESS, max(1.0, round(quality))))


def _comb_step(values: Float32s) -> int | None:
    """The largest step on whose multiples the values lie, if they do."""
    sizes = np.sort(np.abs(values))
    # What was rounded to zero says nothing: for each step only the values from here on are far enough.
    first = np.searchsorted(sizes, 0.75 * _COMBS, side="right")
    steps = _COMBS[len(sizes) - first >= _LEAST_VALUES]
    if not len(steps):
        return None
    first = first[: len(steps)]
    amounts = len(sizes) - first
    phases = np.concatenate([sizes[at:] for at in first]) * np.repeat(np.float32(2.0 * np.pi) / steps, amounts)
    teeth = np.add.reduceat(np.cos(phases), np.cumsum(amounts) - amounts, dtype=np.float64) / amounts
    fitting = steps[teeth >= _LEAST_COMB + _COMB_BY_CHANCE / np.sqrt(amounts)]
    return int(fitting[-1]) if len(fitting) else None


def _probed_values(luma: Float32s) -> Float32s:
    """The coefficients of each probed frequency in all blocks of 8 x 8, (frequencies, n)."""
    rows, columns = luma.shape[0] // _BLOCK, luma.shape[1] // _BLOCK
    blocks = luma[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    return np.asarray(_probes() @ blocks.reshape(-1, _BLOCK**2).T)


@cache
def _probes() -> Float32s:
    """The probed functions of the orthonormal DCT-II of 8 x 8 points, as JPEG has it, (frequencies, 64)."""
    index = np.arange(_BLOCK)
    basis = np.cos(np.pi * (2 * index[None, :] + 1) * index[:, None] / (2 * _BLOCK)) * np.sqrt(2 / _BLOCK)
    basis[0] /= np.sqrt(2)
    return np.stack([np.outer(basis[row], basis[column]).ravel() for row, column in _PROBED]).astype(np.float32)


@lru_cache(maxsize=4)
def _window_and_bands(height: int, width: int) -> tuple[Float32s, Float32s, tuple[NDArray[np.intp], ...]]:
    """A Hann window, (h, w); how often each value of half a spectrum is in the whole; where in it each band lies."""
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    weights = np.where((across == 0.0) | (across == 0.5), 1.0, 2.0).astype(np.float32)  # noqa: PLR2004 - no mirror image
    radius = np.hypot(down, across).ravel()  # cycles a pixel; 0.5 is the finest that a row can hold
    edges = 0.5 / _OCTAVE ** np.arange(_BANDS + 1)
    places = tuple(np.flatnonzero((radius > low) & (radius <= high)) for high, low in pairwise(edges))
    return window, weights, places


def _middle(picture: Image.Image) -> Float32s:
    """Luma 0..255 of the middle, cut along the grid of blocks, (h, w) float32."""
    left, top = (max(0, (side - _PROBE) // 2 // _BLOCK * _BLOCK) for side in picture.size)
    part = picture.crop((left, top, min(picture.width, left + _PROBE), min(picture.height, top + _PROBE)))
    if part.mode not in ("RGB", "L"):
        part = part.convert("RGB")
    if part.mode == "L":
        return np.asarray(part, dtype=np.float32)
    luma: NDArray[np.float32] = np.asarray(part, dtype=np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return luma
