"""The grid of blocks that a JPEG encoder leaves: where it lies in a picture, and how clearly it is seen."""

from typing import Final, NamedTuple

import numpy as np

from dedup_core.arrays import Float32s, Float64s, Pixels

BLOCK: Final = 8
_STRAY: Final = np.uint8(12)  # gray levels; a larger step is an edge of the picture, and tells no more than this
_LEAST_BLOCKS: Final = 8  # along each side: of fewer nobody can tell what is usual
_LEAST_STEP: Final = 1e-6  # gray levels


class BlockGrid(NamedTuple):
    """How far blocks stand out that begin with each of eight `rows` and `columns`, in standard deviations.

    `step` is what neighbors across the border of the clearest ones differ by more than others, in gray levels, `usual`
    what others do.
    """

    rows: Float64s
    columns: Float64s
    step: float
    usual: float

    @property
    def place(self) -> tuple[int, int]:
        """How many rows and columns of the picture lie before its first whole block."""
        return int(np.argmax(self.rows)), int(np.argmax(self.columns))

    @property
    def weaker(self) -> float:
        """How far the grid stands out in the less clear direction."""
        return float(min(self.rows.max(), self.columns.max()))

    @property
    def strength(self) -> float:
        """How far it stands out in both together."""
        return float(self.rows.max() + self.columns.max()) / 2**0.5


NO_GRID: Final = BlockGrid(np.zeros(BLOCK), np.zeros(BLOCK), 0.0, 0.0)


def block_grid(luma: Float32s) -> BlockGrid:
    """The grid of a picture (h, w) of gray levels; it outlasts changed tones, sharpening and mirroring.

    Blocks are quantized each for itself, so neighbors differ more across their borders (Fan and de Queiroz,
    "Identification of bitmap compression history: JPEG detection and quantizer estimation", IEEE TIP 2003).
    """
    if min(luma.shape) < _LEAST_BLOCKS * BLOCK + 3:
        return NO_GRID
    tones = np.rint(luma).astype(np.uint8)
    height, width = tones.shape
    columns, wider, usual = _along(np.full(height, 1 / height, np.float32) @ _steps(tones[:, 1:], tones[:, :-1]))
    rows, higher, usual_down = _along(_steps(tones[1:], tones[:-1]) @ np.full(width, 1 / width, np.float32))
    return BlockGrid(rows, columns, (wider + higher) / 2, (usual + usual_down) / 2)


def _steps(ones: Pixels, others: Pixels) -> Float32s:
    """What pixels (h, w) uint8 differ by."""
    return np.asarray(np.minimum(np.maximum(ones, others) - np.minimum(ones, others), _STRAY), np.float32)


def _along(steps: Float32s) -> tuple[Float64s, float, float]:
    """How far it stands out that blocks begin at each of eight lines, by how much the clearest, and what is usual.

    `steps` is the mean difference of each line to the next.
    """
    stand_out = steps[1:-1] - (steps[:-2] + steps[2:]) / 2  # a slope of the picture is no border
    whole = len(stand_out) // BLOCK * BLOCK
    folded: Float64s = stand_out[:whole].reshape(-1, BLOCK).astype(np.float64)  # (blocks, 8)
    means = folded.mean(axis=0)
    # What stands out lowers its neighbors by half of itself, so they are no measure of what is usual.
    others = (means.sum() - means - np.roll(means, 1) - np.roll(means, -1)) / (BLOCK - 3)
    scores = (means - others) / np.sqrt(folded.var(axis=0).mean() / len(folded) + _LEAST_STEP)
    place = int(np.argmax(scores))
    # The first of `stand_out` is the step from the second line to the third.
    return np.roll(scores, 2), float(means[place] - others[place]), float(steps.mean())
