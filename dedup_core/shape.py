"""Whether two aligned pictures show the same shapes: edge directions, which a change of colors leaves alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.structure import Floats, box_blur

BLOCK: Final = 8

_CONTRAST_FLOOR: Final = 3.0  # CIELAB units: weaker edges are noise
_TEXTURED: Final = 1.5  # of 64: energy of directions in a block above which there is anything to compare
_AGREES: Final = 0.5


@dataclass(frozen=True, slots=True)
class ShapeAgreement:
    """How far the edges of two aligned pictures agree.

    `structure` -1..1 is the correlation of edge directions over the whole, `changed_share` 0..1 the share of textured
    blocks in which it is below one half, `texture` 0..1 the share of blocks that have any texture. `unchanged` (h, w)
    is 1 for the pixels of all other blocks.
    """

    structure: float
    changed_share: float
    texture: float
    unchanged: Floats


def shape_agreement(left_lab: Floats, right_lab: Floats) -> ShapeAgreement:
    """Compare two aligned CIELAB pictures of one size, (h, w, 3) each."""
    left, right = edge_directions(left_lab), edge_directions(right_lab)
    common = _block_sums((left * right).sum(axis=0))
    energies = _block_sums((left * left).sum(axis=0)), _block_sums((right * right).sum(axis=0))
    whole = float(common.sum() / np.sqrt(energies[0].sum() * energies[1].sum() + 1e-6))
    textured = np.maximum(*energies) > _TEXTURED
    changed = textured & (common < _AGREES * np.sqrt(energies[0] * energies[1] + 1e-3))
    share = float(changed.sum()) / max(1, int(textured.sum()))
    unchanged = np.repeat(np.repeat(~changed, BLOCK, axis=0), BLOCK, axis=1)
    height, width = left_lab.shape[:2]
    return ShapeAgreement(whole, share, float(textured.mean()), unchanged[:height, :width].astype(np.float32))


def edge_directions(lab: Floats) -> Floats:
    """Direction and evened-out strength of the color edge at every pixel, (2, h, w).

    Doubled angles, as (cos 2a, sin 2a) times strength: an edge from dark to light and one from light to dark are the
    same, a horizontal and a vertical one are opposites. From the color structure tensor of the three planes (Bigun and
    Granlund, "Optimal orientation detection of linear symmetry", ICCV 1987; Di Zenzo, CVGIP 1986).
    """
    cosine, sine = np.zeros(lab.shape[:2], dtype=np.float32), np.zeros(lab.shape[:2], dtype=np.float32)
    for channel in range(3):
        plane = box_blur(lab[..., channel], 1)
        across, down = np.zeros_like(plane), np.zeros_like(plane)
        across[:, 1:-1] = plane[:, 2:] - plane[:, :-2]
        down[1:-1] = plane[2:] - plane[:-2]
        cosine += across * across - down * down
        sine += 2 * across * down
    strength: Floats = np.sqrt(np.hypot(cosine, sine)) + np.float32(1e-6)
    local: Floats = np.sqrt(box_blur(strength * strength, 5)) + np.float32(_CONTRAST_FLOOR)
    evened: Floats = strength * local
    return np.stack([box_blur(cosine / evened, 1), box_blur(sine / evened, 1)])


def _block_sums(plane: Floats) -> NDArray[np.float32]:
    """Sums of 8 x 8 points; what lies beyond the edge counts nothing."""
    rows, columns = -(-plane.shape[0] // BLOCK), -(-plane.shape[1] // BLOCK)
    padded = np.zeros((rows * BLOCK, columns * BLOCK), dtype=np.float32)
    padded[: plane.shape[0], : plane.shape[1]] = plane
    return np.asarray(padded.reshape(rows, BLOCK, columns, BLOCK).sum(axis=(1, 3)))
