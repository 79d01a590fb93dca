"""How sharp a picture is, and two pictures made equally sharp: what only one of them can show is no difference."""

from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from dedup_core.arrays import Float32s

_BLURS: Final = (0.4, 0.55, 0.75, 1.0, 1.4, 2.0)  # standard deviations in pixels
_ALIKE: Final = 0.8
_COARSE: Final = 4  # pixels: edges at this size are there in a blurred picture as well
_CELL: Final = 4  # of coarse pixels
_STRONGEST: Final = 4  # the strongest quarter of the picture counts: elsewhere there is only noise
_LEAST_SIDE: Final = 48
SOFT: Final = 0.1  # so little of the finest detail is left that half the size shows as much; a plain slope has 0.06


def equally_sharp(left: Image.Image, right: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Blur the sharper one until it is as the other; both are halved while one shows nothing fine."""
    while True:
        ours, theirs = sharpness(left), sharpness(right)
        goal = min(ours, theirs)
        if goal == 0.0:  # of a picture that shows nothing no one can say how sharp it is
            return left, right
        if goal >= _ALIKE * max(ours, theirs):
            return left, right
        if goal < SOFT and min(left.size) >= 2 * _LEAST_SIDE:
            size = left.width // 2, left.height // 2
            left, right = (image.resize(size, Image.Resampling.BOX) for image in (left, right))
            continue
        sharper = left if ours > theirs else right
        blurred = sharper
        for deviation in _BLURS:
            blurred = sharper.filter(ImageFilter.GaussianBlur(deviation))
            if sharpness(blurred) <= goal:
                break
        left, right = (blurred, right) if ours > theirs else (left, blurred)
        return left, right


def sharpness(image: Image.Image) -> float:
    """Energy of differences between neighbors, as a share of that between coarse pixels, where there is most of it."""
    fine = _energy(np.asarray(image, dtype=np.float32), _COARSE * _CELL)
    coarse = _energy(np.asarray(image.reduce(_COARSE), dtype=np.float32), _CELL)
    rows, columns = min(fine.shape[0], coarse.shape[0]), min(fine.shape[1], coarse.shape[1])
    if rows * columns == 0:
        return 1.0
    fine, coarse = fine[:rows, :columns].ravel(), coarse[:rows, :columns].ravel()
    count = max(1, len(coarse) // _STRONGEST)
    strongest = np.argpartition(coarse, -count)[-count:]
    return float(fine[strongest].sum() / (coarse[strongest].sum() * _COARSE**2 + 1.0))


def _energy(plane: Float32s, cell: int) -> Float32s:
    """Squared differences of neighbors, summed over cells; a rest at the edge is left out."""
    squares = np.zeros_like(plane)
    squares[:, 1:] += (plane[:, 1:] - plane[:, :-1]) ** 2
    squares[1:] += (plane[1:] - plane[:-1]) ** 2
    return cell_sums(squares, cell)


def cell_sums(plane: Float32s, cell: int) -> Float32s:
    """Sums over cells of `cell` x `cell` points; a rest at the edge is left out. Two small matrix products."""
    down, across = _pooling(plane.shape[0], cell), _pooling(plane.shape[1], cell)
    return np.asarray(down @ plane @ across.T, dtype=np.float32)


@lru_cache(maxsize=128)
def _pooling(size: int, cell: int) -> Float32s:
    """(size // cell, size): 1 where a point belongs to a cell."""
    return np.asarray(np.arange(size) // cell == np.arange(size // cell)[:, None], dtype=np.float32)
