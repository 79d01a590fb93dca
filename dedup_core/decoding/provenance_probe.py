"""Looks in a decoded picture for its provenance: how far it is from its camera.

An enlarged picture has pixels and no detail; a JPEG that was saved again, be it as PNG, has the quality of its worst
save. Both are looked for in the middle of the picture as it was decoded, in a few milliseconds;
what lies out of focus there may be sharp in a corner.
"""

from collections.abc import Callable
from functools import cache, lru_cache, partial
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Float64s
from dedup_core.decoding.headers.tiff import exif_names_a_camera
from dedup_core.decoding.jpeg_tables import (
    PROBED,
    QUALITIES,
    STANDARD,
    probed_steps,
    quality_of_scale,
    quality_of_table,
)
from dedup_core.decoding.provenance import LOSSLESS, Provenance
from dedup_core.luma import LUMA

_PROBE: Final = 256  # longer side of the part that is looked at, a multiple of the block of 8
_CORNER: Final = 128  # the four together have as many pixels as the middle
_BLOCK: Final = 8
_OCTAVE: Final = 2**0.5
_BANDS: Final = 8  # of half an octave each: down to a sixteenth of the side
_DEEPEST: Final = 4  # bands: below a quarter of the side the noise of a flat picture ends like a cliff, too
_EMPTY: Final = 0.15  # docs/thresholds.md#true-pixels
_CLIFF: Final = 0.11  # docs/thresholds.md#true-pixels
_FINEST_CLIFF: Final = 0.07  # docs/thresholds.md#true-pixels
_GRAY_POINTS: Final = 64  # across, and down
_GRAY_TOLERANCE: Final = 8  # of 255 between the channels: what rounding and chroma of JPEG files leave
_GRAY_SPECKS: Final = 0.001  # of the points
_LEAST_SIDE: Final = 3  # pixels: a window of two is zero
_LEAST_SIGNAL: Final = 0.5  # squared gray levels; less than that is the noise of rounding
# docs/thresholds.md#saved-again
_LEAST_REGULARITY: Final = 7.0  # standard deviations of what chance does
_LEAST_PEAK: Final = 6.0  # the same, for one frequency
_LEAST_COARSER: Final = 1.1  # times the own step: finer ones leave no trace
_LEAST_PLACES: Final = 12  # of a histogram, with more than `_LEAST_COUNT` values each
_LEAST_COUNT: Final = 4.0  # of fewer the deviation is no root of the number any more
_LEAST_FREQUENCIES: Final = 3  # that must agree: one or two have a period by chance
_PLACES: Final = 64  # steps from zero that are looked at
_FROM: Final = 3  # steps from zero: the peak there is no regularity
_SMOOTH: Final = np.array([1, 2, 3, 4, 3, 2, 1]) / 16  # two means of four: what falls slower is the picture's
_PERIODS: Final = 512  # eight for each of `_PLACES`, so that no peak falls between two
_GAINS: Final = np.array([0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4])
_LESS_LIKELY: Final = 0.9  # that tones were changed, where it explains a period no better


def provenance_of(
    picture: Image.Image, full_size: tuple[int, int], luma_table: list[int] | None, exif: bytes
) -> Provenance:
    """Look at a decoded picture, which may be smaller than `full_size`; `luma_table` is that of a JPEG file."""
    probe = _middle(picture)
    before = earlier_quality(probe, luma_table) if picture.size == full_size else None
    quality = LOSSLESS if luma_table is None else quality_of_table(luma_table)
    share = detail_share(probe, partial(_corners, picture))
    # A picture that the decoder has shrunk shows only that nothing is missing at that size.
    side = max(full_size) if share == 1.0 else round(max(picture.size) * share)
    return Provenance(
        quality=quality if before is None else min(quality, before),
        saved_again=before is not None,
        detail_side=side,
        has_camera_data=exif_names_a_camera(exif),
        is_gray=_is_gray(picture),
    )


def detail_share(middle: Float32s, corners: Callable[[], Float32s]) -> float:
    """How far the picture could be shrunk (0..1 of its side) and enlarged again without losing anything.

    The corners, (n, h, w), are asked for where the middle is soft: the spectra of all are added (Welch, "The use of
    fast Fourier transform for the estimation of power spectra", 1967), so that the sharpest ones tell.

    The energy of natural pictures falls slowly from octave to octave (Field, "Relations between the statistics of
    natural images", JOSA A 1987), in soft ones faster, but step by step; where a picture was enlarged, it falls off a
    cliff, and above that there is next to nothing.
    """
    if min(middle.shape) < _LEAST_SIDE:
        return 1.0
    energies = _energies(middle[None])
    bands = energies[0].tolist()
    if bands[0] < _EMPTY * max(bands):
        bands = np.concatenate([energies, _energies(corners())]).mean(axis=0).tolist()
    if max(bands) < _LEAST_SIGNAL:
        return 1.0
    empty = 0
    for at, (band, octave_below) in enumerate(zip(bands[:_DEEPEST], bands[2:], strict=False), 1):
        if band >= _EMPTY * max(bands[at:]):
            break
        if band < (_FINEST_CLIFF if at == 1 else _CLIFF) * octave_below:  # lenses and sensors blunt the finest details
            empty = at
    return float(_OCTAVE**-empty)


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


def earlier_quality(luma: Float32s, luma_table: list[int] | None = None) -> int | None:
    """The quality with which this grid of pixels was saved as JPEG before this file was, as far as that can be seen.

    The coefficients of a picture fall smoothly from zero; of those that went through two quantization tables there are
    more and less by turns (Lukas and Fridrich, "Estimation of primary quantization matrix in double compressed JPEG
    images", DFRWS 2003). So of each frequency the number of values on each own step, against that of its neighbors, is
    looked at for a period; and for all frequencies together for the steps of one earlier table, be it that the picture
    was turned, or made brighter or darker in between. Other tables than the standard ones show in single frequencies.
    """
    own = tuple(float(luma_table[row * _BLOCK + column]) if luma_table else 1.0 for row, column in PROBED)
    steps = np.array(own)
    regular = _regularity(_probed_values(luma), steps)  # (frequencies, periods)
    is_counted = regular.any(axis=1)
    if is_counted.sum() < _LEAST_FREQUENCIES:
        return None
    expected = _expected_periods(own)
    is_coarser = expected.is_coarser & is_counted
    amounts = is_coarser.sum(axis=2)
    found = (regular.take(expected.places) * is_coarser).sum(axis=2) / np.sqrt(np.maximum(1, amounts))
    found[amounts < _LEAST_FREQUENCIES] = 0.0
    found[2:] *= _LESS_LIKELY
    change, quality = np.unravel_index(int(np.argmax(found)), found.shape)
    if found[change, quality] >= _LEAST_REGULARITY:
        return int(QUALITIES[quality])
    peaks = regular[:, _PERIODS // _PLACES :]
    seen = peaks.max(axis=1) >= _LEAST_PEAK
    if seen.sum() < _LEAST_FREQUENCIES:
        return None
    first = np.argmax(peaks >= peaks.max(axis=1, keepdims=True) / 2, axis=1) + _PERIODS // _PLACES
    scales = 100.0 * steps * _PERIODS / first / [STANDARD[it] for it in PROBED]
    return min(LOSSLESS - 1, quality_of_scale(float(np.median(scales[seen]))))


def _regularity(values: Float32s, steps: NDArray[np.floating]) -> NDArray[np.floating]:
    """How far the values (frequencies, n) keep to each period, in standard deviations, (frequencies, periods)."""
    margin = len(_SMOOTH) // 2
    kept = _PLACES + margin
    numbers = np.rint(np.abs(values) / steps[:, None]).astype(np.intp)  # (frequencies, n)
    slots = numbers + kept * np.arange(len(values))[:, None]
    histograms = np.bincount(slots[numbers < kept], minlength=kept * len(values)).reshape(-1, kept)
    usual = sliding_window_view(histograms, len(_SMOOTH), axis=1) @ _SMOOTH  # from `_FROM` on
    counted = usual > _LEAST_COUNT
    stand_out = np.where(counted, (histograms[:, margin:-margin] - usual) / np.sqrt(np.maximum(1.0, usual)), 0.0)
    regular = np.zeros((len(values), _PERIODS // 2 + 1))
    for place, count in enumerate(counted.sum(axis=1)):
        if count >= _LEAST_PLACES:
            regular[place] = stand_out[place] @ _waves() / np.sqrt(count / 2)
    return regular


class _Expected(NamedTuple):
    """Where in flat regularity each table shows, and if it is coarse enough: (changes, qualities, frequencies)."""

    places: NDArray[np.intp]
    is_coarser: NDArray[np.bool_]


@lru_cache(maxsize=16)  # 63 KB each: few cameras and programs have written most files
def _expected_periods(own: tuple[float, ...]) -> _Expected:
    """What `_tables` would leave on the steps of this table."""
    periods = np.array(own) / _tables()
    places = np.rint(np.abs(periods - np.rint(periods)) * _PERIODS).astype(np.intp)
    return _Expected(places + (_PERIODS // 2 + 1) * np.arange(len(own)), periods < 1 / _LEAST_COARSER)


@cache
def _waves() -> NDArray[np.floating]:
    """A cosine of each period at each place, (places, periods)."""
    places, periods = np.arange(_FROM, _PLACES), np.arange(_PERIODS // 2 + 1) / _PERIODS
    return np.cos(2 * np.pi * places[:, None] * periods)


@cache
def _tables() -> Float64s:
    """The steps of the standard table for each quality, (changes, qualities, frequencies).

    The changes: none, turned by a right angle, brighter or darker by each gain.
    """
    as_it_was = probed_steps()
    return np.stack([as_it_was, probed_steps(STANDARD.T), *(gain * as_it_was for gain in _GAINS)])


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
    return np.stack([np.outer(basis[row], basis[column]).ravel() for row, column in PROBED]).astype(np.float32)


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
    colors = np.asarray(picture.resize(size, Image.Resampling.NEAREST).convert("RGB")).reshape(-1, 3)
    return bool(np.mean(np.ptp(colors, axis=1) > _GRAY_TOLERANCE) <= _GRAY_SPECKS)


def _middle(picture: Image.Image) -> Float32s:
    """Luma 0..255 of the middle, cut along the grid of blocks, (h, w) float32."""
    left, top = (max(0, (side - _PROBE) // 2 // _BLOCK * _BLOCK) for side in picture.size)
    middle: Float32s = _lumas(picture, [(left, top)], _PROBE)[0]
    return middle


def _corners(picture: Image.Image) -> Float32s:
    """The same of the corners, smaller, (n, h, w); none of a picture that the middle covers."""
    if max(picture.size) <= _PROBE:
        return np.zeros((0, 0, 0), np.float32)
    ends = [sorted({0, max(0, side - _CORNER)}) for side in picture.size]
    return _lumas(picture, [(left, top) for left in ends[0] for top in ends[1]], _CORNER)


def _lumas(picture: Image.Image, corners: list[tuple[int, int]], side: int) -> Float32s:
    """Luma of parts of one size, given their left upper corners: (n, h, w)."""
    width, height = (min(side, whole) for whole in picture.size)
    parts = [picture.crop((left, top, left + width, top + height)) for left, top in corners]
    if picture.mode not in ("RGB", "L"):
        parts = [part.convert("RGB") for part in parts]
    values: Float32s = np.empty((len(parts), height, width, len(parts[0].getbands())), np.float32)
    for slot, part in zip(values, parts, strict=True):
        slot[:] = np.asarray(part).reshape(slot.shape)
    if values.shape[-1] == 1:
        return values[..., 0]
    luma = values.reshape(-1, 3) @ LUMA.astype(np.float32)
    return np.asarray(luma.reshape(values.shape[:-1]))
