"""Looks in a decoded picture for its provenance: how far it is from its camera.

An enlarged picture has pixels and no detail; a JPEG that was saved again, be it as PNG, has the quality of its worst
save. Both are looked for in the middle of the picture as it was decoded, in a few milliseconds;
what lies out of focus there may be sharp in a corner.
"""

from collections.abc import Iterable, Iterator
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
_CORNER: Final = 128  # the four together have as many pixels as the middle
_BLOCK: Final = 8
_OCTAVE: Final = 2**0.5
_BANDS: Final = 8  # of half an octave each: down to a sixteenth of the side
_DEEPEST: Final = 4  # bands: below a quarter of the side the noise of a flat picture ends like a cliff, too
_EMPTY: Final = 0.15  # docs/thresholds.md#true-pixels
_CLIFF: Final = 0.11  # docs/thresholds.md#true-pixels
_FINEST_CLIFF: Final = 0.07  # docs/thresholds.md#true-pixels
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
_QUALITIES: Final = np.arange(96, 29, -1)  # of those with the same steps the best one
_GAINS: Final = np.array([0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4])
_LESS_LIKELY: Final = 0.9  # that tones were changed, where it explains a period no better
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


def provenance_of(
    picture: Image.Image, full_size: tuple[int, int], luma_table: list[int] | None, exif: bytes
) -> Provenance:
    """Look at a decoded picture, which may be smaller than `full_size`; `luma_table` is that of a JPEG file."""
    probe = _middle(picture)
    before = earlier_quality(probe, luma_table) if picture.size == full_size else None
    quality = LOSSLESS if luma_table is None else quality_of_tables(luma_table)
    share = detail_share(probe, _corners(picture))
    # A picture that the decoder has shrunk shows only that nothing is missing at that size.
    side = max(full_size) if share == 1.0 else round(max(picture.size) * share)
    return Provenance(
        quality=quality if before is None else min(quality, before),
        saved_again=before is not None,
        detail_side=side,
        has_camera_data=exif_names_a_camera(exif),
    )


def quality_of_tables(luma_table: list[int]) -> int:
    """The quality 1..100 whose table has the same sum."""
    return _quality_of_scale(100.0 * sum(luma_table) / float(_STANDARD.sum()))


def detail_share(middle: Float32s, others: Iterable[Float32s] = ()) -> float:
    """How far the picture could be shrunk (0..1 of its side) and enlarged again without losing anything.

    Other parts of it are looked at where the middle is soft: the spectra of all are added (Welch, "The use of fast
    Fourier transform for the estimation of power spectra", 1967), so that the sharpest ones tell.

    The energy of natural pictures falls slowly from octave to octave (Field, "Relations between the statistics of
    natural images", JOSA A 1987), in soft ones faster, but step by step; where a picture was enlarged, it falls off a
    cliff, and above that there is next to nothing.
    """
    if min(middle.shape) < _LEAST_SIDE:
        return 1.0
    bands = _energies(middle)
    if bands[0] < _EMPTY * max(bands):
        bands = np.mean([bands, *map(_energies, others)], axis=0).tolist()
    if max(bands) < _LEAST_SIGNAL:
        return 1.0
    empty = 0
    for at, (band, octave_below) in enumerate(zip(bands[:_DEEPEST], bands[2:], strict=False), 1):
        if band >= _EMPTY * max(bands[at:]):
            break
        if band < (_FINEST_CLIFF if at == 1 else _CLIFF) * octave_below:  # lenses and sensors blunt the finest details
            empty = at
    return float(_OCTAVE**-empty)


def _energies(luma: Float32s) -> list[float]:
    """The energy of each band of frequencies, the finest first."""
    window, weights, places = _window_and_bands(*luma.shape)
    half = np.fft.rfft2((luma - luma.mean()) * window)
    power = ((half.real**2 + half.imag**2) * weights).ravel()
    power /= luma.size * (window**2).sum()
    return [float(power[place].sum()) for place in places]


def earlier_quality(luma: Float32s, luma_table: list[int] | None = None) -> int | None:
    """The quality with which this grid of pixels was saved as JPEG before this file was, as far as that can be seen.

    The coefficients of a picture fall smoothly from zero; of those that went through two quantization tables there are
    more and less by turns (Lukas and Fridrich, "Estimation of primary quantization matrix in double compressed JPEG
    images", DFRWS 2003). So of each frequency the number of values on each own step, against that of its neighbors, is
    looked at for a period; and for all frequencies together for the steps of one earlier table, be it that the picture
    was turned, or made brighter or darker in between. Other tables than the standard ones show in single frequencies.
    """
    own = np.array([luma_table[row * _BLOCK + column] if luma_table else 1.0 for row, column in _PROBED])
    regular = _regularity(_probed_values(luma), own)  # (frequencies, periods)
    periods = own / _tables()  # (changes, qualities, frequencies)
    is_coarser = (periods < 1 / _LEAST_COARSER) & regular.any(axis=1)
    places = np.rint(np.abs(periods - np.rint(periods)) * _PERIODS).astype(np.intp)
    amounts = is_coarser.sum(axis=2)
    found = (regular[np.arange(len(own)), places] * is_coarser).sum(axis=2) / np.sqrt(np.maximum(1, amounts))
    found[amounts < _LEAST_FREQUENCIES] = 0.0
    found[2:] *= _LESS_LIKELY
    change, quality = np.unravel_index(int(np.argmax(found)), found.shape)
    if found[change, quality] >= _LEAST_REGULARITY:
        return int(_QUALITIES[quality])
    peaks = regular[:, _PERIODS // _PLACES :]
    seen = peaks.max(axis=1) >= _LEAST_PEAK
    if seen.sum() < _LEAST_FREQUENCIES:
        return None
    first = np.argmax(peaks >= peaks.max(axis=1, keepdims=True) / 2, axis=1) + _PERIODS // _PLACES
    scales = 100.0 * own * _PERIODS / first / [_STANDARD[it] for it in _PROBED]
    return min(LOSSLESS - 1, _quality_of_scale(float(np.median(scales[seen]))))


def _regularity(values: Float32s, steps: NDArray[np.floating]) -> NDArray[np.floating]:
    """How far the values (frequencies, n) keep to each period, in standard deviations, (frequencies, periods)."""
    regular = np.zeros((len(values), _PERIODS // 2 + 1))
    margin = len(_SMOOTH) // 2
    for place, (of_frequency, step) in enumerate(zip(values, steps, strict=True)):
        numbers = np.rint(np.abs(of_frequency) / step).astype(np.intp)
        histogram = np.bincount(numbers[numbers < _PLACES + margin], minlength=_PLACES + margin)
        usual = np.convolve(histogram, _SMOOTH, "valid")  # from `_FROM` on
        counted = usual > _LEAST_COUNT
        if counted.sum() >= _LEAST_PLACES:
            stand_out = np.where(counted, (histogram[margin:-margin] - usual) / np.sqrt(np.maximum(1.0, usual)), 0.0)
            regular[place] = stand_out @ _waves() / np.sqrt(counted.sum() / 2)
    return regular


@cache
def _waves() -> NDArray[np.floating]:
    """A cosine of each period at each place, (places, periods)."""
    places, periods = np.arange(_FROM, _PLACES), np.arange(_PERIODS // 2 + 1) / _PERIODS
    return np.cos(2 * np.pi * places[:, None] * periods)


@cache
def _tables() -> NDArray[np.floating]:
    """The steps of the standard table for each quality, as libjpeg rounds them, (changes, qualities, frequencies).

    The changes: none, turned by a right angle, brighter or darker by each gain.
    """
    percent = np.where(_QUALITIES < 50, 5000 // _QUALITIES, 200 - 2 * _QUALITIES)[:, None]  # noqa: PLR2004 - as below
    as_it_was, turned = (
        np.maximum(1.0, (np.array([table[it] for it in _PROBED]) * percent + 50.0) // 100.0)
        for table in (_STANDARD, _STANDARD.T)
    )
    return np.stack([as_it_was, turned, *(gain * as_it_was for gain in _GAINS)])


def _quality_of_scale(percent: float) -> int:
    """The quality whose table is the standard one times `percent` (libjpeg, `jpeg_quality_scaling`)."""
    quality = (200.0 - percent) / 2.0 if percent <= 100.0 else 5000.0 / percent  # noqa: PLR2004
    return int(min(LOSSLESS, max(1.0, round(quality))))


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


@lru_cache(maxsize=8)
def _window_and_bands(height: int, width: int) -> tuple[Float32s, Float32s, tuple[NDArray[np.intp], ...]]:
    """A Hann window, (h, w); how often each value of half a spectrum is in the whole; where in it each band lies."""
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    weights = np.where((across == 0.0) | (across == 0.5), 1.0, 2.0).astype(np.float32)  # noqa: PLR2004 - no mirror image
    # Squares and not circles: enlarging a picture by its rows and columns leaves a square of its spectrum.
    fineness = np.maximum(np.abs(down), across).ravel()  # cycles a pixel; 0.5 is the finest that a row can hold
    edges = 0.5 / _OCTAVE ** np.arange(_BANDS + 1)
    places = tuple(np.flatnonzero((fineness > low) & (fineness <= high)) for high, low in pairwise(edges))
    return window, weights, places


def _middle(picture: Image.Image) -> Float32s:
    """Luma 0..255 of the middle, cut along the grid of blocks, (h, w) float32."""
    left, top = (max(0, (side - _PROBE) // 2 // _BLOCK * _BLOCK) for side in picture.size)
    return _luma(picture, left, top, _PROBE)


def _corners(picture: Image.Image) -> Iterator[Float32s]:
    """The same of the corners, smaller; none of a picture that the middle covers."""
    if max(picture.size) > _PROBE:
        ends = [sorted({0, max(0, side - _CORNER)}) for side in picture.size]
        yield from (_luma(picture, left, top, _CORNER) for left in ends[0] for top in ends[1])


def _luma(picture: Image.Image, left: int, top: int, side: int) -> Float32s:
    part = picture.crop((left, top, min(picture.width, left + side), min(picture.height, top + side)))
    if part.mode not in ("RGB", "L"):
        part = part.convert("RGB")
    if part.mode == "L":
        return np.asarray(part, dtype=np.float32)
    luma: NDArray[np.float32] = np.asarray(part, dtype=np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return luma
