"""Whether a picture was a JPEG before its file was written, and how good a one: what its grid of blocks still tells."""

from functools import cache, lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Float64s
from dedup_core.decoding.history.block_grid import BLOCK, BlockGrid, block_grid
from dedup_core.decoding.history.jpeg_tables import PROBED, QUALITIES, STANDARD, probed_steps, quality_of_scale
from dedup_core.decoding.history.provenance import LOSSLESS

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
_LEAST_SHIFTED: Final = 3.0  # standard deviations of the grid, to look for steps there
_LEAST_REGULARITY_ELSEWHERE: Final = 10.0  # of a JPEG, whose own steps show a little in the middle between its blocks
_LEAST_REGULARITY_OF_CURVES: Final = 7.5
_LEAST_REGULARITY_OF_HALF: Final = 12.0
_ONE_QUALITY: Final = 4  # of 100, by which two ways to tell it may be off
_LEAST_GRID: Final = 10.0
_LEAST_WEAKER: Final = 4.0
_LARGEST_STEP: Final = 2.0  # gray levels; what stands out by more is drawn on a grid
_PERCENT_OF_STEP: Final = 60.0  # of the standard table, for each gray level
_TONES: Final = 4096
_POWERS: Final = 1.09 ** np.array([-8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9])  # every other one first
_PROMISING: Final = 4.5  # standard deviations; the nearest of every other power shows that much of what it is


def earlier_quality(luma: Float32s, luma_table: list[int] | None = None) -> int | None:
    """The quality with which this grid of pixels was saved as JPEG before this file was, as far as that can be seen.

    The coefficients of a picture fall smoothly from zero; of those that went through two quantization tables there are
    more and less by turns (Lukas and Fridrich, "Estimation of primary quantization matrix in double compressed JPEG
    images", DFRWS 2003). So of each frequency the number of values on each own step, against that of its neighbors, is
    looked at for a period; and for all frequencies together for the steps of one earlier table, be it that the picture
    was turned, or made brighter or darker in between. Other tables than the standard ones show in single frequencies.
    """
    own = tuple(float(luma_table[row * BLOCK + column]) if luma_table else 1.0 for row, column in PROBED)
    regular = _regularity(_probed_values(luma), np.array(own))  # (frequencies, periods)
    if regular.any(axis=1).sum() < _LEAST_FREQUENCIES:
        return None
    found, quality = _standard_table(regular, own)
    return quality if found >= _LEAST_REGULARITY else _quality_of_peaks(regular, np.array(own))


def earlier_quality_of_half(luma: Float32s, luma_table: list[int]) -> int | None:
    """The same of a JPEG that its decoder has halved: of each block only 4 x 4 pixels are left, the means of all.

    They hold the low frequencies, and a little of others, which may have a period, too. So both ways must tell of one
    quality: that of the standard tables, and that of each frequency for itself.
    """
    own = tuple(float(luma_table[row * BLOCK + column]) for row, column in PROBED)
    regular = _regularity(_probed_values(luma, BLOCK // 2), np.array(own))
    if regular.any(axis=1).sum() < _LEAST_FREQUENCIES:
        return None
    found, quality = _standard_table(regular, own)
    if found < _LEAST_REGULARITY_OF_HALF:
        return None
    alone = _quality_of_peaks(regular, np.array(own))
    return quality if alone is not None and abs(alone - quality) <= _ONE_QUALITY else None


def quality_before_changes(luma: Float32s, size: tuple[int, int], *, is_lossless: bool, has_gaps: bool) -> int | None:
    """The quality of an earlier save of a picture that was cropped, mirrored, sharpened or given other tones since.

    `luma` is cut out of the picture along blocks of 8, and `size` is that of all of it (w, h).

    `has_gaps`: its histogram lacks single tones, as those of 8 bits do that were stretched, and none that a camera or
    an encoder made. So its tones are taken back along each of some curves, until the steps of a table show.
    What shows nothing but the grid has the quality that usually leaves one so clear; of a file that is coded in blocks
    itself, as JPEG and WebP are, the grid may be its own.
    """
    grid = block_grid(luma)
    elsewhere = [luma[row:, column:] for row, column in _places_elsewhere(grid, size)]
    # Half of a shift shows half of the steps: of all places that one tells that shows them most clearly.
    found, before = max((_regularity_of_tones(it) for it in elsewhere), default=(0.0, 0))
    if found >= (_LEAST_REGULARITY if is_lossless else _LEAST_REGULARITY_ELSEWHERE):
        return before
    row, column = grid.place if grid.weaker >= _LEAST_WEAKER else (0, 0)
    on_grid = luma[row:, column:]
    if (row, column) != (0, 0) and (of_other_table := earlier_quality(on_grid)) is not None:
        return of_other_table
    if has_gaps and (before_curve := _quality_before_curve(on_grid)) is not None:
        return before_curve
    is_seen = is_lossless and grid.strength >= _LEAST_GRID and grid.weaker >= _LEAST_WEAKER
    if not is_seen or grid.step > _LARGEST_STEP or grid.step > grid.usual:
        return None
    return min(LOSSLESS - 1, quality_of_scale(_PERCENT_OF_STEP * grid.step))


def _places_elsewhere(grid: BlockGrid, size: tuple[int, int]) -> list[tuple[int, int]]:
    """Where blocks may begin if not at the corner: where they are seen to, and where they do in a mirrored picture.

    What was turned and is a JPEG again has blocks of its own, which are often seen better.
    """
    places = [grid.place] if grid.strength >= _LEAST_SHIFTED else []
    width, height = size
    mirrored = [(row, column) for row in (0, height % BLOCK) for column in (0, width % BLOCK)]
    return [place for place in dict.fromkeys(places + mirrored) if place != (0, 0)]


def _quality_before_curve(luma: Float32s) -> int | None:
    """The quality that shows most clearly where the tones are taken back along a power, as far as any does."""
    tones = np.rint(luma * (_TONES - 1) / 255.0).astype(np.intp)
    found = {place: _regularity_of_tones(_curves()[place][tones]) for place in range(0, len(_POWERS), 2)}
    best = max(found, key=found.__getitem__)
    if found[best][0] >= _PROMISING:
        found |= {
            place: _regularity_of_tones(_curves()[place][tones])
            for place in (best - 1, best + 1)
            if 0 <= place < len(_POWERS)
        }
    regularity, quality = max(found.values())
    return quality if regularity >= _LEAST_REGULARITY_OF_CURVES else None


def _regularity_of_tones(luma: Float32s) -> tuple[float, int]:
    """How clearly a standard table shows in a picture without losses, and its quality."""
    own = (1.0,) * len(PROBED)
    return _standard_table(_regularity(_probed_values(luma), np.array(own)), own)


@cache
def _curves() -> list[Float32s]:
    """The tones before each change by a power, for tones in steps of 1/4095."""
    tones = np.arange(_TONES) / (_TONES - 1)
    return [(255.0 * tones ** (1 / power)).astype(np.float32) for power in _POWERS]


def _standard_table(regular: Float64s, own: tuple[float, ...]) -> tuple[float, int]:
    """How clearly the standard table shows that shows most clearly, in standard deviations, and its quality."""
    is_counted = regular.any(axis=1)
    expected = _expected_periods(own)
    is_coarser = expected.is_coarser & is_counted
    amounts = is_coarser.sum(axis=2)
    found = (regular.take(expected.places) * is_coarser).sum(axis=2) / np.sqrt(np.maximum(1, amounts))
    found[amounts < _LEAST_FREQUENCIES] = 0.0
    found[2:] *= _LESS_LIKELY
    change, quality = np.unravel_index(int(np.argmax(found)), found.shape)
    return float(found[change, quality]), int(QUALITIES[quality])


def _quality_of_peaks(regular: Float64s, steps: Float64s) -> int | None:
    """The quality of a table that is no standard one, by the period of each frequency."""
    peaks = regular[:, _PERIODS // _PLACES :]
    seen = peaks.max(axis=1) >= _LEAST_PEAK
    if seen.sum() < _LEAST_FREQUENCIES:
        return None
    first = np.argmax(peaks >= peaks.max(axis=1, keepdims=True) / 2, axis=1) + _PERIODS // _PLACES
    scales = 100.0 * steps * _PERIODS / first / [STANDARD[it] for it in PROBED]
    return min(LOSSLESS - 1, quality_of_scale(float(np.median(scales[seen]))))


def _regularity(values: Float32s, steps: NDArray[np.floating]) -> Float64s:
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


def _probed_values(luma: Float32s, side: int = BLOCK) -> Float32s:
    """The coefficients of each probed frequency in all blocks, which lie in `side` pixels now: (frequencies, n)."""
    rows, columns = luma.shape[0] // side, luma.shape[1] // side
    blocks = luma[: rows * side, : columns * side].reshape(rows, side, columns, side).swapaxes(1, 2)
    return np.asarray(_probes(side) @ blocks.reshape(-1, side**2).T)


@cache
def _probes(side: int) -> Float32s:
    """The probed functions of the orthonormal DCT-II of 8 x 8 points, as JPEG has it, (frequencies, side * side).

    Of blocks of half the side each pixel is the mean of two by two, which a cosine leaves less high and no other.
    """
    index = np.arange(side)
    basis = np.cos(np.pi * (2 * index[None, :] + 1) * index[:, None] / (2 * side)) * np.sqrt(2 / side)
    basis[0] /= np.sqrt(2)
    if side < BLOCK:
        basis /= np.cos(np.pi * index[:, None] / (2 * BLOCK)) * np.sqrt(side / BLOCK)
    return np.stack([np.outer(basis[row], basis[column]).ravel() for row, column in PROBED]).astype(np.float32)
