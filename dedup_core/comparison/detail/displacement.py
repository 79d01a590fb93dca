"""How far parts of two aligned pictures are displaced against each other: near things move more before a moved camera.

Framing, lenses and the print of a picture displace it smoothly. What no smooth field explains is another point of view.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Float64s
from dedup_core.comparison.alignment.bend import Bend, cubic_terms
from dedup_core.comparison.detail.block_planes import BlockPlanes
from dedup_core.comparison.structure.sharpness import block_sums, cell_sums

_LEAST_BLOCKS: Final = 60  # six for each term of the field
_LARGEST_ERROR: Final = 0.3  # pixels: edges that run one way tell nothing of how far they moved along themselves
_LEAST_ERROR: Final = 0.1  # pixels: what scaling adds besides noise
_ERRORS: Final = 3.0  # times its standard error a displacement has to be larger
_PART: Final = 0.02  # of the places: fewer may be chance
_IN_PLACE: Final = 0.02  # difference of a block: half of all copies have less, and what moved has more
_TOGETHER: Final = 3  # blocks of a place that tell anything
_GRADIENT_NOISE: Final = 0.01  # variance
_ROUNDING: Final = 1.0  # variance in gray levels
_CORRELATED: Final = 4  # pixels of these planes, which were blurred, that vary together
_ROUNDS: Final = 8  # of weighting
_BENT: Final = 0.5  # pixels by which a twentieth of the blocks is moved: less is within what any copy is off
_NEARLY_ALL: Final = 0.95  # of the blocks
_OUTLYING: Final = 0.3  # pixels off the field, above which a block counts for less in it


class Displacement(NamedTuple):
    """How far off the field the most displaced places surely are, pixels of the planes, and (rows, columns) each's.

    `bend`: the field itself, where it moves anything by as much as matters.
    """

    pixels: float
    places: Float32s
    bend: Bend | None = None


UNMOVED: Final = Displacement(0.0, np.zeros((0, 0), np.float32))


def displacement(planes: BlockPlanes) -> Displacement:
    """Of a part of all places, in pixels of the planes, either way; 0 where too little shows to tell."""
    blocks = planes.both_show
    if blocks.sum() < _LEAST_BLOCKS:
        return UNMOVED
    if np.quantile(planes.differences_in_place()[blocks], 1 - _PART) < _IN_PLACE:
        return UNMOVED
    places = np.zeros(blocks.shape, np.float32)
    moved, variances = _moved(planes)
    terms = _terms(blocks)
    largest, fields = 0.0, list[Float64s]()
    for one, variance in zip(moved.T, variances.T, strict=True):
        weights = np.where(variance < _LARGEST_ERROR**2, 1.0 / (variance + _LEAST_ERROR**2), 0.0)
        if np.count_nonzero(weights) < _LEAST_BLOCKS:
            continue
        off_field = _off_the_field(terms, one, weights)
        fields.append(one - off_field)
        off, error = _of_places(blocks, off_field, weights)
        told = error > 0
        if told.any():
            sure = np.where(told, np.maximum(np.abs(off) - _ERRORS * error, 0.0), 0.0)
            places = np.maximum(places, sure.astype(np.float32))
            largest = max(largest, float(np.quantile(sure[told], 1 - _PART)))
    return Displacement(largest, places, _bend(planes, fields))


def _bend(planes: BlockPlanes, fields: list[Float64s]) -> Bend | None:
    """The field across and down as a bend of all of right; None where one is not told, or next to nothing."""
    if len(fields) < 2 or np.quantile(np.abs(fields), _NEARLY_ALL) < _BENT:  # noqa: PLR2004 (either way)
        return None
    left, top, right, bottom = planes.in_shares((0, 0, planes.cell, planes.cell))
    origin, step = np.array([left, top]), np.array([right - left, bottom - top])
    middles = np.argwhere(planes.both_show)[:, ::-1] + 1  # of blocks, in cells
    return Bend.through(origin + middles * step, np.stack(fields, axis=1) * (step / planes.cell))


def _moved(planes: BlockPlanes) -> tuple[Float64s, Float64s]:
    """How far right, and down, each block that both show moved from left to right, (n, 2) in pixels, and variances.

    One step of Lucas and Kanade, "An Iterative Image Registration Technique" (1981), at half the size, with the gain
    of the block as a third unknown.
    """
    left, right = (cell_sums(plane, 2) * np.float32(0.25) for plane in (planes.left, planes.right))
    cell = planes.cell // 2
    change: Float32s = right - left
    middle: Float32s = (left + right) * np.float32(0.5)
    down, across = (np.asarray(slope, dtype=np.float32) for slope in np.gradient(middle))
    count = (2 * cell) ** 2

    def means(plane: Float32s) -> Float64s:
        return block_sums(plane, cell)[planes.both_show].astype(np.float64) / count

    basis = across, down, middle
    mean, mean_change = [means(it) for it in basis], means(change)
    normal, common = np.empty((len(mean_change), 3, 3)), np.empty((len(mean_change), 3))
    for row, one in enumerate(basis):
        common[:, row] = means(one * change) - mean[row] * mean_change
        for column in range(row, 3):
            normal[:, row, column] = means(one * basis[column]) - mean[row] * mean[column]
            normal[:, column, row] = normal[:, row, column]
    normal += np.diag([_GRADIENT_NOISE, _GRADIENT_NOISE, _ROUNDING])  # so that it can be inverted where both are flat
    inverse = np.linalg.inv(normal)
    solution = (inverse @ common[..., None])[..., 0]
    left_over = means(change * change) - mean_change**2 - (solution * common).sum(axis=1)
    variance = (np.maximum(left_over, 0.0) + _ROUNDING) * _CORRELATED / count
    diagonal = np.stack([inverse[:, 0, 0], inverse[:, 1, 1]], axis=1)
    return -2 * solution[:, :2], 4 * variance[:, None] * diagonal


def _terms(blocks: NDArray[np.bool_]) -> Float64s:
    """The ten terms of a cubic in both directions at each block, (n, 10): what lenses and bent paper do."""
    rows, columns = np.nonzero(blocks)
    down, across = (2 * it / max(blocks.shape) - 1 for it in (rows, columns))
    return cubic_terms(across, down)


def _off_the_field(terms: Float64s, moved: Float64s, weights: Float64s) -> Float64s:
    """What the field of most blocks leaves of each one's displacement, pixels (n,)."""
    fitting, off = weights, moved
    for _ in range(_ROUNDS):
        weighted = terms * fitting[:, None]
        field = np.linalg.lstsq(weighted.T @ terms, weighted.T @ moved)[0]
        off = moved - terms @ field
        fitting = weights / (1 + (off / _OUTLYING) ** 2)
    return off


def _of_places(blocks: NDArray[np.bool_], off: Float64s, weights: Float64s) -> tuple[Float64s, Float64s]:
    """The weighted mean of the blocks around each one and its standard error, (rows, columns); 0 where few tell."""
    sums = np.zeros((3, *blocks.shape))
    sums[:, blocks] = weights * off, weights, weights > 0
    total, weight, count = _with_neighbors(sums)
    told = count >= _TOGETHER
    weight = np.where(told, weight, 1.0)
    return np.where(told, total / weight, 0.0), np.where(told, 1 / np.sqrt(weight), 0.0)


def _with_neighbors(planes: Float64s) -> Float64s:
    """The sums of 3 x 3 points around each one of some planes, (n, rows, columns)."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    down = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return np.asarray(down[:, :, :-2] + down[:, :, 1:-1] + down[:, :, 2:])
