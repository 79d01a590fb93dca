"""Whether two aligned pictures show the same shapes: edge directions, which a change of colors leaves alone."""

from dataclasses import astuple, dataclass, replace
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s
from dedup_core.comparison.structure.local_contrast import box_blur, local_structure

type Blocks = NDArray[np.bool_]
BLOCK: Final = 8  # pixels of at most 192: 576 blocks, of 64 directions each
_CONTRAST_FLOOR: Final = 3.0  # CIELAB units: weaker edges are noise
_TEXTURED: Final = 1.5  # of 64: energy of directions in a block above which there is anything to compare
_AGREES: Final = 0.5  # correlation; what a block with less shows is something else, and its colors do not count
_ONE_WAY: Final = 0.8  # share of the edges' strength that is left once they are added with their directions
_NEGATIVE: Final = 0.8  # of lightness that is the opposite all over: with less, lines lie beside each other


@dataclass(frozen=True, slots=True)
class ShapeAgreement:
    """How far the shapes of two aligned pictures agree.

    `structure` -1..1 is the correlation over the whole, `changed_share` 0..1 the share of textured blocks in which it
    is below one half, `texture` 0..1 the share of blocks that have any texture. `one_way`: nearly all edges of both run
    one way. `unchanged` (h, w) is 1 for the pixels of all other blocks.
    """

    structure: float
    changed_share: float
    texture: float
    one_way: bool
    unchanged: Float32s


class Shapes(NamedTuple):
    """What a picture shows whatever its colors: `edge_directions` (2, h, w), and local lightness (1, h, w)."""

    directions: Float32s
    lightness: Float32s

    @classmethod
    def of(cls, lab: Float32s) -> Self:
        """Of a CIELAB picture (h, w, 3)."""
        return cls(edge_directions(lab), _lightness(lab))


def shape_agreement(left: Shapes, right: Shapes) -> ShapeAgreement:
    """Compare two aligned pictures of one size.

    Edge directions agree when colors were exchanged for others, local lightness when color was taken away and edges
    between colors of one lightness went with it: whichever correlates better over the whole counts. Edges that all run
    one way (bars, fences, stripes) agree by that alone: then the mean of both counts. Of a negative its positive does.
    """
    directions = left.directions, right.directions
    edges = _Correlation.of(*directions)
    lightness = _Correlation.of(left.lightness, right.lightness)
    one_way = min(map(_run_one_way, directions)) > _ONE_WAY
    if one_way and lightness.overall() < -_NEGATIVE:
        lightness = replace(lightness, common=-lightness.common)
    overall = edges.overall(), lightness.overall()
    textured = edges.energy() > _TEXTURED
    changed = textured & (lightness.in_blocks() < _AGREES)
    if not one_way:
        changed &= edges.in_blocks() < _AGREES
    unchanged = np.repeat(np.repeat(~changed, BLOCK, axis=0), BLOCK, axis=1)
    height, width = left.lightness.shape[1:]
    blocks = max(1, int(textured.sum()))
    return ShapeAgreement(
        structure=sum(overall) / 2 if one_way else max(overall),
        changed_share=float(changed.sum()) / blocks,
        texture=float(textured.mean()),
        one_way=one_way,
        unchanged=unchanged[:height, :width].astype(np.float32),
    )


def _run_one_way(directions: Float32s) -> float:
    """How far the edges run one way, 0..1: the length of their sum by that of all of them."""
    cosine, sine = directions
    whole = np.hypot(cosine.sum(), sine.sum())
    return float(whole / (np.sqrt(cosine * cosine + sine * sine).sum() + 1e-6))


@dataclass(frozen=True, slots=True)
class _Correlation:
    """Sums over blocks of 8 x 8: the product of two fields and the squares of each."""

    common: Float32s
    left: Float32s
    right: Float32s

    @classmethod
    def of(cls, left: Float32s, right: Float32s) -> Self:
        """Of two fields of zero mean, (planes, h, w) each."""
        products = (left * right, left * left, right * right)
        return cls(*(_block_sums(np.asarray(product.sum(axis=0))) for product in products))

    def overall(self) -> float:
        """Over all blocks; 0 where there is nothing."""
        common, left, right = (sums.sum() for sums in astuple(self))
        return float(common / np.sqrt(left * right + 1e-6))

    def in_blocks(self) -> Float32s:
        return np.asarray(self.common / np.sqrt(self.left * self.right + 1e-3), dtype=np.float32)

    def energy(self) -> Float32s:
        return np.maximum(self.left, self.right)


def _lightness(lab: Float32s) -> Float32s:
    """Local structure of lightness on the scale of 8-bit luma, (1, h, w)."""
    return local_structure(lab[..., 0] * np.float32(2.55))[None]


def edge_directions(lab: Float32s) -> Float32s:
    """Direction and evened-out strength of the color edge at every pixel, (2, h, w).

    Doubled angles, as (cos 2a, sin 2a) times strength: an edge from dark to light and one from light to dark are the
    same, a horizontal and a vertical one are opposites. From the color structure tensor of the three planes (Bigun and
    Granlund, "Optimal orientation detection of linear symmetry", ICCV 1987; Di Zenzo, CVGIP 1986).
    """
    planes = box_blur(np.ascontiguousarray(lab.transpose(2, 0, 1)), 1)  # (3, h, w)
    across, down = np.zeros_like(planes), np.zeros_like(planes)
    np.subtract(planes[:, :, 2:], planes[:, :, :-2], out=across[:, :, 1:-1])
    np.subtract(planes[:, 2:], planes[:, :-2], out=down[:, 1:-1])
    sine = (across * down).sum(axis=0)
    sine += sine
    across *= across
    down *= down
    across -= down
    cosine = across.sum(axis=0)
    strength: Float32s = np.sqrt(np.sqrt(cosine * cosine + sine * sine)) + np.float32(1e-6)
    local: Float32s = np.sqrt(box_blur(strength * strength, 5)) + np.float32(_CONTRAST_FLOOR)
    directions = np.stack([cosine, sine])
    directions /= strength * local
    return box_blur(directions, 1)


def with_neighbors(blocks: Blocks) -> Blocks:
    """Those that are marked and the eight around each of them."""
    down = blocks.copy()
    down[1:] |= blocks[:-1]
    down[:-1] |= blocks[1:]
    across = down.copy()
    across[:, 1:] |= down[:, :-1]
    across[:, :-1] |= down[:, 1:]
    return across


def _block_sums(plane: Float32s) -> NDArray[np.float32]:
    """Sums of 8 x 8 points; what lies beyond the edge counts nothing."""
    rows, columns = -(-plane.shape[0] // BLOCK), -(-plane.shape[1] // BLOCK)
    padded = np.zeros((rows * BLOCK, columns * BLOCK), dtype=np.float32)
    padded[: plane.shape[0], : plane.shape[1]] = plane
    return np.asarray(padded.reshape(rows, BLOCK, columns, BLOCK).sum(axis=(1, 3)))
