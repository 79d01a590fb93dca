"""How sharp a picture is, and two pictures made equally sharp: what only one of them can show is no difference."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from dedup_core.arrays import Float32s

_BLURS: Final = (0.4, 0.55, 0.75, 1.0, 1.4, 2.0)  # standard deviations in pixels
_ALIKE: Final = 0.8  # what the weakest of `_BLURS` leaves of a photograph: 0.77 to 0.81
_COARSE: Final = 4  # pixels: edges at this size are there in a blurred picture as well
_CELL: Final = 4  # of coarse pixels
_BAND: Final = 32_768  # points: what the processor holds at once; a whole picture takes several times longer
_STRONGEST: Final = 4  # the strongest quarter of the picture counts: elsewhere there is only noise
_MOSTLY: Final = 0.5  # of the pixels: with fewer equal ones no closer look is needed
UNTOUCHED: Final = 0.95  # of what shows anything is the very same: docs/thresholds.md#what-stands-out
_APART: Final = 8  # pixels: a soft edge shows over so many
_EDGE: Final = 4  # gray levels over that
_LEAST_SIDE: Final = 48  # pixels after halving: 11 of the small blocks of 8 in a row
SOFT: Final = 0.1  # so little of the finest detail is left that half the size shows as much; a plain slope has 0.06


type ImagePair = tuple[Image.Image, Image.Image]


@dataclass(frozen=True, slots=True)
class Softening:
    """What makes two pictures equally sharp: how often both are halved, and the blur of each in pixels after that."""

    halved: int = 0
    left: float = 0.0
    right: float = 0.0

    def applied(self, left: Image.Image, right: Image.Image) -> ImagePair:
        """The same pair softened, in whatever mode of Pillow."""
        for _ in range(self.halved):
            left, right = _halved(left), _halved(right)
        return _blurred(left, self.left), _blurred(right, self.right)


def equally_sharp(left: Image.Image, right: Image.Image) -> tuple[Image.Image, Image.Image, Softening]:
    """Blur the sharper one until it is as the other; both are halved while one shows nothing fine.

    Two that are the very same but for an edit stay so: a sharp word over fog is no reason to blur the fog.
    """
    halved = 0
    if _are_the_same(left, right):
        return left, right, Softening()
    while True:
        ours, theirs = sharpness(left), sharpness(right)
        goal = min(ours, theirs)
        if goal == 0.0:  # of a picture that shows nothing no one can say how sharp it is
            return left, right, Softening(halved)
        if goal >= _ALIKE * max(ours, theirs):
            return left, right, Softening(halved)
        if goal < SOFT and min(left.size) >= 2 * _LEAST_SIDE:
            left, right, halved = _halved(left), _halved(right), halved + 1
            continue
        sharper = left if ours > theirs else right
        blurred, blur = sharper, 0.0
        for blur in _BLURS:
            blurred = _blurred(sharper, blur)
            if sharpness(blurred) <= goal:
                break
        if ours > theirs:
            return blurred, right, Softening(halved, left=blur)
        return left, blurred, Softening(halved, right=blur)


def _are_the_same(left: Image.Image, right: Image.Image) -> bool:
    """Whether nearly all pixels are equal where both pictures show anything: neither was scaled or saved again."""
    ours, theirs = np.asarray(left, np.int16), np.asarray(right, np.int16)
    same = ours == theirs
    if same.mean() < _MOSTLY:
        return False
    both = np.ones(same[:, _APART:].shape, np.bool_)
    for plane in (ours, theirs):
        both &= np.abs(plane[:, _APART:] - plane[:, :-_APART]) > _EDGE
    return bool((same[:, _APART:] & both).sum() >= max(1.0, UNTOUCHED * both.sum()))


def _halved(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)


def _blurred(image: Image.Image, blur: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(blur)) if blur else image


def sharpness(image: Image.Image) -> float:
    """Energy of differences between neighbors, as a share of that between coarse pixels, where there is most of it."""
    fine = _energy(np.asarray(image), _COARSE * _CELL)
    coarse = _energy(np.asarray(image.reduce(_COARSE)), _CELL)
    rows, columns = min(fine.shape[0], coarse.shape[0]), min(fine.shape[1], coarse.shape[1])
    if rows * columns == 0:
        return 1.0
    fine, coarse = fine[:rows, :columns].ravel(), coarse[:rows, :columns].ravel()
    count = max(1, len(coarse) // _STRONGEST)
    strongest = np.argpartition(coarse, -count)[-count:]
    return float(fine[strongest].sum() / (coarse[strongest].sum() * _COARSE**2 + 1.0))


def smoothed(image: Image.Image) -> Float32s:
    """A picture (mode L or RGB) after a Gaussian of one pixel, (h, w[, 3]), as Pillow makes it.

    Pillow, which takes several times as long, makes three times the mean of (1, 4, 1), either way, each rounded to
    whole numbers, and halves to the lower one (but for a bright point in the dark).
    """
    plane = np.asarray(image, dtype=np.uint16)
    for lines in (plane.swapaxes(0, 1), plane):
        _average(lines)
    return plane.astype(np.float32)


def _average(plane: NDArray[np.uint16]) -> None:
    """Three times the mean of (1, 4, 1) down the columns, in place; beyond the edges are the outermost rows."""
    around = np.empty_like(plane)
    for _ in range(3):
        np.add(plane[2:], plane[:-2], out=around[1:-1])
        np.add(plane[0], plane[1], out=around[0])
        np.add(plane[-1], plane[-2], out=around[-1])
        around += np.uint16(2)
        plane *= np.uint16(4)
        plane += around
        plane //= np.uint16(6)


def _energy(plane: NDArray[np.uint8] | Float32s, cell: int) -> Float32s:
    """Squared differences of neighbors, summed over cells; a rest at the edge is left out."""
    height, width = plane.shape
    sums = np.empty((height // cell, width // cell), dtype=np.float32)
    band = max(1, _BAND // (cell * width))
    for first in range(0, len(sums), band):
        end = min(first + band, len(sums))
        top = max(0, first * cell - 1)  # with the row above, of which the first one differs
        rows = plane[top : end * cell].astype(np.float32)
        across, down = np.zeros_like(rows), np.zeros_like(rows)
        np.subtract(rows[:, 1:], rows[:, :-1], out=across[:, 1:])
        np.subtract(rows[1:], rows[:-1], out=down[1:])
        across *= across
        down *= down
        across += down
        sums[first:end] = cell_sums(across[first * cell - top :], cell)
    return sums


def cell_sums(plane: Float32s, cell: int) -> Float32s:
    """Sums over cells of `cell` x `cell` points; a rest at the edge is left out."""
    rows, columns = plane.shape[0] // cell, plane.shape[1] // cell
    down = plane[: rows * cell, : columns * cell].reshape(rows, cell, columns * cell).sum(axis=1)
    # A product with ones: a sum over so short an axis takes many times longer.
    return np.asarray(down.reshape(rows, columns, cell) @ np.ones(cell, np.float32), dtype=np.float32)


def block_sums(plane: Float32s, cell: int) -> Float32s:
    """Sums over blocks of 2 x 2 cells that begin at every cell; a rest at the edge is left out."""
    cells = cell_sums(plane, cell)
    return np.asarray(cells[1:, 1:] + cells[:-1, 1:] + cells[1:, :-1] + cells[:-1, :-1], dtype=np.float32)
