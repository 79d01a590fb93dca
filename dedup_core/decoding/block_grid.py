"""The grid of blocks that a JPEG encoder leaves: where it lies in a picture, and how clearly it is seen."""

from typing import Final, NamedTuple

import numpy as np

from dedup_core.arrays import Float32s, Float64s, Pixels

BLOCK: Final = 8
_STRAY: Final = np.uint8(
    12
)  # gray levels; a larger step is an edge of the picture, and tells as much as one of this height
_LEAST_BLOCKS: Final = 8  # along each side: of fewer nobody can tell what is usual
_LEAST_STEP: Final = 1e-6  # gray levels


class BlockGrid(NamedTuple):
    """How many rows and columns of the picture lie before its first whole block, and how far that stands out.

    `weaker` and `strength` are in standard deviations: of the less clear direction, and of both together. `step` is
    what neighbors across the border of two blocks differ by more than others, in gray levels, `usual` what others do.
    """

    row: int
    column: int
    weaker: float
    strength: float
    step: float
    usual: float

    @property
    def is_shifted(self) -> bool:
        """Whether the grid is that of a picture that was cropped, mirrored or moved since."""
        return (self.row, self.column) != (0, 0)


NO_GRID: Final = BlockGrid(0, 0, 0.0, 0.0, 0.0, 0.0)


def block_grid(luma: Float32s) -> BlockGrid:
    """The grid of a picture (h, w) of gray levels; it outlasts changed tones, sharpening and mirroring.

    Blocks are quantized each for itself, so neighbors differ more across their borders (Fan and de Queiroz,
    "Identification of bitmap compression history: JPEG detection and quantizer estimation", IEEE TIP 2003).
    """
    if min(luma.shape) < _LEAST_BLOCKS * BLOCK + 3:
        return NO_GRID
    tones = np.rint(luma).astype(np.uint8)
    height, width = tones.shape
    column, across, wider, usual = _along(np.full(height, 1 / height, np.float32) @ _steps(tones[:, 1:], tones[:, :-1]))
    row, down, higher, usual_down = _along(_steps(tones[1:], tones[:-1]) @ np.full(width, 1 / width, np.float32))
    strength = (across + down) / 2**0.5
    return BlockGrid(row, column, min(across, down), strength, (wider + higher) / 2, (usual + usual_down) / 2)


def _steps(ones: Pixels, others: Pixels) -> Float32s:
    """What pixels (h, w) uint8 differ by."""
    return np.asarray(np.minimum(np.maximum(ones, others) - np.minimum(ones, others), _STRAY), np.float32)


def _along(steps: Float32s) -> tuple[int, float, float, float]:
    """Where blocks begin along one side, how far that stands out, by how much, and what is usual.

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
    return (place + 2) % BLOCK, float(scores[place]), float(means[place] - others[place]), float(steps.mean())
