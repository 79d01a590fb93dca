"""Looks in a decoded picture for its provenance: how far it is from its camera.

An enlarged picture has pixels and no detail; a JPEG that was saved again, be it as PNG, has the quality of its worst
save. Both are looked for in the middle of the picture as it was decoded, in a few milliseconds;
what lies out of focus there may be sharp in a corner.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.decoding.headers.tiff import exif_names_a_camera
from dedup_core.decoding.history.block_grid import BLOCK
from dedup_core.decoding.history.earlier_saves import earlier_quality, earlier_quality_of_half, quality_before_changes
from dedup_core.decoding.history.enlargement import enlarged_share
from dedup_core.decoding.history.jpeg_tables import quality_of_table
from dedup_core.decoding.history.provenance import LOSSLESS, Provenance

_PROBE: Final = 256  # longer side of the part that is looked at, a multiple of the block of 8
_CORNER: Final = 128  # the four together have as many pixels as the middle
_OCTAVE: Final = 2**0.5
_BANDS: Final = 8  # of half an octave each: down to a sixteenth of the side
_DEEPEST: Final = 4  # bands: below a quarter of the side the noise of a flat picture ends like a cliff, too
_EMPTY: Final = 0.15  # docs/thresholds.md#true-pixels
_CLIFF: Final = 0.11  # docs/thresholds.md#true-pixels
_FINEST_CLIFF: Final = 0.07  # docs/thresholds.md#true-pixels
_IN_BLOCKS: Final = ("WEBP", "AVIF", "HEIF")  # as Pillow names what is coded in blocks of its own
_HIGH: Final = 90  # quality; what is coarser hides steps that were finer
_HIGH_OF_HALF: Final = 85
_FREQUENT: Final = 8  # of 65,536 pixels; of fewer a tone may lack by chance
_LEAST_GAPS: Final = 3
_SOFT: Final = 0.3  # docs/thresholds.md#true-pixels
_GRAY_POINTS: Final = 64  # across, and down
_GRAY_TOLERANCE: Final = 8  # of 255 between the channels: what rounding and chroma of JPEG files leave
_GRAY_SPECKS: Final = 0.001  # of the points
_MOST_PARTS: Final = 8  # along a side
_TELLING: Final = 6  # bands
_LEAST_TOLD: Final = 4.0  # squared gray levels in these
_MOST_SHARP: Final = 0.35  # docs/thresholds.md#true-pixels
_LEAST_SIDE: Final = 3  # pixels: a window of two is zero
_LEAST_SIGNAL: Final = 0.5  # squared gray levels; less than that is the noise of rounding


def provenance_of(
    picture: Image.Image, full_size: tuple[int, int], luma_table: list[int] | None, exif: bytes
) -> Provenance:
    """Look at a decoded picture, which may be smaller than `full_size`; `luma_table` is that of a JPEG file."""
    probe = _middle(picture)
    quality = LOSSLESS if luma_table is None else quality_of_table(luma_table)
    before = None
    if picture.size == full_size:
        before = _quality_before(picture, probe, luma_table, quality)
    elif luma_table and quality >= _HIGH_OF_HALF and picture.size == tuple(-(-side // 2) for side in full_size):
        before = earlier_quality_of_half(probe, luma_table)
    others = partial(_corners, picture), partial(_everywhere, picture)
    share = detail_share(probe, *others, is_whole=picture.size == full_size)
    # A picture that the decoder has shrunk shows only that nothing is missing at that size.
    side = max(full_size) if share == 1.0 else round(max(picture.size) * share)
    return Provenance(
        quality=quality if before is None else min(quality, before),
        saved_again=before is not None,
        detail_side=side,
        has_camera_data=exif_names_a_camera(exif),
        is_gray=_is_gray(picture),
    )


def _quality_before(picture: Image.Image, probe: Float32s, luma_table: list[int] | None, quality: int) -> int | None:
    """The quality of an earlier save; what is saved coarsely now hides all that was changed before."""
    before = earlier_quality(probe, luma_table)
    if before is not None or quality < _HIGH:
        return before
    is_lossless = luma_table is None and picture.format not in _IN_BLOCKS
    has_gaps = is_lossless and _has_gaps(picture)
    return quality_before_changes(probe, picture.size, is_lossless=is_lossless, has_gaps=has_gaps)


def _has_gaps(picture: Image.Image) -> bool:
    """Whether the middle lacks single tones of a channel between two that are frequent in it."""
    left, top = (max(0, (side - _PROBE) // 2) for side in picture.size)
    middle = picture.crop((left, top, min(picture.width, left + _PROBE), min(picture.height, top + _PROBE)))
    if middle.mode not in ("RGB", "L"):
        middle = middle.convert("RGB")
    amounts = np.array(middle.histogram()).reshape(-1, 256)  # (channels, tones)
    gaps = (amounts[:, 1:-1] == 0) & (np.minimum(amounts[:, :-2], amounts[:, 2:]) >= _FREQUENT)
    return bool(gaps.sum(axis=1).max() >= _LEAST_GAPS)


def detail_share(
    middle: Float32s, corners: Callable[[], Float32s], everywhere: Callable[[], Float32s], *, is_whole: bool = True
) -> float:
    """How far the picture could be shrunk (0..1 of its side) and enlarged again without losing anything.

    The corners, (n, h, w), are asked for where the middle is soft: the spectra of all are added (Welch, "The use of
    fast Fourier transform for the estimation of power spectra", 1967), so that the sharpest ones tell. Where they seem
    enlarged as well, parts from `everywhere` are looked at each by itself: an enlargement leaves none of them sharp,
    while a number plate before what is out of focus hardly counts in their sum.

    The energy of natural pictures falls slowly from octave to octave (Field, "Relations between the statistics of
    natural images", JOSA A 1987), in soft ones faster, but step by step; where a picture was enlarged, it falls off a
    cliff, and above that there is next to nothing. Where it was enlarged by a filter that leaves no cliff, which is for
    pictures to tell that were not shrunk since, there is less of the finest and a period in it.
    """
    if min(middle.shape) < _LEAST_SIDE:
        return 1.0
    energies = _energies(middle[None])
    bands = energies[0].tolist()
    may_be_enlarged = is_whole and bands[0] < _SOFT * bands[2]
    if bands[0] < _EMPTY * max(bands):
        bands = np.concatenate([energies, _energies(corners())]).mean(axis=0).tolist()
    if max(bands) < _LEAST_SIGNAL:
        return 1.0
    empty = _empty_of(bands)
    if empty and not _is_soft(everywhere()):
        return 1.0
    return enlarged_share(middle) if may_be_enlarged and not empty else float(_OCTAVE**-empty)


def _empty_of(bands: list[float]) -> int:
    """How many of the finest bands are empty above a cliff."""
    empty = 0
    for at, (band, octave_below) in enumerate(zip(bands[:_DEEPEST], bands[2:], strict=False), 1):
        if band >= _EMPTY * max(bands[at:]):
            break
        if band < (_FINEST_CLIFF if at == 1 else _CLIFF) * octave_below:  # lenses and sensors blunt the finest details
            empty = at
    return empty


def _is_soft(parts: Float32s) -> bool:
    """Whether hardly one of the parts (n, h, w) that show the more is sharp, nor all of them together."""
    energies = _energies(parts)
    if len(energies) == 0:
        return True
    shown = energies[:, :_TELLING].sum(axis=1)
    is_told = (shown >= np.median(shown)) & (shown >= _LEAST_TOLD)
    are_sharp = [_empty_of(bands) == 0 for bands in energies[is_told].tolist()]
    return _empty_of(energies.mean(axis=0).tolist()) > 0 and sum(are_sharp) <= _MOST_SHARP * len(are_sharp)


def _energies(lumas: Float32s) -> NDArray[np.float64]:
    """The energy of each band of frequencies, the finest first, of parts (n, h, w): (n, bands)."""
    count, height, width = lumas.shape
    if count == 0:
        return np.zeros((0, _BANDS))
    bands = _bands_of(height, width)
    half = np.fft.rfft2((lumas - lumas.mean(axis=(1, 2), keepdims=True)) * bands.window)
    power = ((half.real**2 + half.imag**2) * bands.weights).reshape(count, -1)
    power /= bands.gain
    return np.stack([power.take(place, axis=1).sum(axis=1) for place in bands.places], axis=1).astype(np.float64)


class _Bands(NamedTuple):
    """How to look at the spectrum of a part of one size.

    `window` (h, w) is that of Hann, `gain` what it leaves of the energy; `weights` is how often each value of half a
    spectrum is in the whole; `places`: where in it each band lies.
    """

    window: Float32s
    gain: np.float32
    weights: Float32s
    places: tuple[NDArray[np.intp], ...]


@lru_cache(maxsize=8)
def _bands_of(height: int, width: int) -> _Bands:
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    weights = np.where((across == 0.0) | (across == 0.5), 1.0, 2.0).astype(np.float32)  # noqa: PLR2004 - no mirror image
    # Squares and not circles: enlarging a picture by its rows and columns leaves a square of its spectrum.
    fineness = np.maximum(np.abs(down), across).ravel()  # cycles a pixel; 0.5 is the finest that a row can hold
    edges = 0.5 / _OCTAVE ** np.arange(_BANDS + 1)
    places = tuple(np.flatnonzero((fineness > low) & (fineness <= high)) for high, low in pairwise(edges))
    return _Bands(window, window.size * (window**2).sum(), weights, places)


def _is_gray(picture: Image.Image) -> bool:
    """Whether hardly a point of the picture has a color, of some that lie all over it."""
    if picture.mode == "L":
        return True
    size = min(picture.width, _GRAY_POINTS), min(picture.height, _GRAY_POINTS)
    colors = np.asarray(picture.resize(size, Image.Resampling.NEAREST).convert("RGB"))
    red, green, blue = np.ascontiguousarray(colors.reshape(-1, 3).T)  # whole channels at once: ten times as fast
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return bool(np.mean(spread > _GRAY_TOLERANCE) <= _GRAY_SPECKS)


def _middle(picture: Image.Image) -> Float32s:
    """Luma 0..255 of the middle, cut along the grid of blocks, (h, w) float32."""
    left, top = (max(0, (side - _PROBE) // 2 // BLOCK * BLOCK) for side in picture.size)
    middle: Float32s = _lumas(picture, [(left, top)], _PROBE)[0]
    return middle


def _corners(picture: Image.Image) -> Float32s:
    """The same of the corners, smaller, (n, h, w); none of a picture that the middle covers."""
    if max(picture.size) <= _PROBE:
        return np.zeros((0, 0, 0), np.float32)
    ends = [sorted({0, max(0, side - _CORNER)}) for side in picture.size]
    return _lumas(picture, [(left, top) for left in ends[0] for top in ends[1]], _CORNER)


def _everywhere(picture: Image.Image) -> Float32s:
    """The same of parts side by side, of large pictures of some that lie all over it, (n, h, w)."""
    corners = [(left, top) for top in _starts(picture.height) for left in _starts(picture.width)]
    return _lumas(picture, corners, _CORNER)


def _starts(side: int) -> list[int]:
    """Where along a side parts begin, on the grid of blocks."""
    last = max(0, side - _CORNER)
    count = min(_MOST_PARTS, -(-side // _CORNER))
    return sorted({int(start) // BLOCK * BLOCK for start in np.linspace(0, last, count)})


def _lumas(picture: Image.Image, corners: list[tuple[int, int]], side: int) -> Float32s:
    """Luma of parts of one size, given their left upper corners: (n, h, w)."""
    width, height = (min(side, whole) for whole in picture.size)
    values: Float32s = np.empty((len(corners), height, width), np.float32)
    for slot, (left, top) in zip(values, corners, strict=True):
        part = picture.crop((left, top, left + width, top + height))
        if part.mode not in ("RGB", "L"):
            part = part.convert("RGB")
        slot[:] = np.asarray(part.convert("F"))  # sums with the weights of `dedup_core.luma`, and nothing is rounded
    return values
