"""Even areas that have other colors between lines that are the same: bricks of another wall, one district of a map."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, largest_but
from dedup_core.color.lab import block_means
from dedup_core.comparison.tones.exposure import BLOCK, COUNTED, Blocks
from dedup_core.comparison.tones.one_tone import OneTone

_EVEN: Final = 20.0  # variance in CIELAB units: more in a block is an edge, or a texture
_OTHER: Final = 12.0  # CIELAB units between two colors; docs/thresholds.md#exchanged-colors
_SAME: Final = 3.0  # the same within one: no curve is so steep that it makes other colors of it
_FEW: Final = 60  # pairs of places, of which a few say nothing
_UNCHANGED: Final = 2.0  # CIELAB units: what saving leaves of an even block; docs/thresholds.md#exchanged-colors
_PAINTED: Final = 6.0  # CIELAB units; docs/thresholds.md#exchanged-colors
_LEAST_PAINTED: Final = 0.03  # of white, of a channel: blocks that differ by less are not asked
_NEARLY_ALL: Final = 0.9  # of the even blocks
_LEAST_EVEN: Final = 60  # blocks
_SPECKS: Final = 2  # blocks that may have any color
_MOST: Final = 0.8  # of the even blocks; docs/thresholds.md#exchanged-colors
_BETWEEN: Final = 0.02  # of the even blocks; docs/thresholds.md#exchanged-colors
_IN_NO_TONE: Final = 12.0  # CIELAB units; docs/thresholds.md#exchanged-colors
_COLORED: Final = 10.0  # chroma in CIELAB: less is a gray that has a tint
_LEAST_COLORED: Final = 8  # blocks
_APART: Final = (
    *((0, 2), (0, 4), (0, 5), (0, 7), (2, 0), (4, 0), (5, 0), (7, 0)),
    *((3, 3), (3, -3), (5, 5), (5, -5)),
)
"""How many blocks down and across two places lie apart: near enough for the light on both to be the same."""


class EvenBlocks:
    """The blocks of two aligned pictures in CIELAB, (h, w, 3) each, that are even in both, found when first asked for.

    `counted` (h, w) is 1 where the two show the same shapes; `blocks` are those of the same two.
    """

    def __init__(self, labs: tuple[Float32s, Float32s], counted: Float32s, blocks: Blocks) -> None:
        self._labs, self._counted, self._blocks = labs, counted, blocks

    @cached_property
    def _means(self) -> list[Float32s]:
        """The mean color of each block, (rows, columns, 3) of either picture."""
        return [block_means(lab, BLOCK) for lab in self._labs]

    @cached_property
    def _even(self) -> NDArray[np.bool_]:
        """Which blocks are even in both, (rows, columns)."""
        even = block_means(self._counted[..., None].astype(np.float32), BLOCK)[..., 0] > COUNTED
        for lab, mean in zip(self._labs, self._means, strict=True):
            even &= (block_means(lab * lab, BLOCK) - mean * mean).sum(axis=2) < _EVEN
        return even

    @cached_property
    def _colors(self) -> list[Float32s]:
        """Of what is even, (n, 3) of either picture."""
        return [mean[self._even] for mean in self._means]

    @cached_property
    def _distances(self) -> Float32s:
        """How far the two colors of what is even are apart, (n,)."""
        return _apart(self._colors)

    @cached_property
    def one_tone(self) -> OneTone | None:
        """What is even, one picture in the tone of the other."""
        return OneTone.of(self._blocks, self._even)

    @cached_property
    def _hardly_differ(self) -> bool:
        off = np.abs(self._blocks.left - self._blocks.right)
        return bool(np.count_nonzero(off > _LEAST_PAINTED) <= _SPECKS)

    def exchanged(self) -> float:
        """Of two places nearby that one picture shows in two colors, how often the other shows them in one, 0..1.

        A change of light, tone or color keeps what had one color in one color, but for what it clips or makes gray;
        from one picture to the other or back again. So the direction in which it happens less often counts.
        """
        rows, columns = self._even.shape
        others, same = np.zeros(2), np.zeros(2)
        for down, across in _APART:
            if down >= rows or abs(across) >= columns:
                continue
            here = slice(0, rows - down), slice(max(0, -across), columns - max(0, across))
            there = slice(down, rows), slice(max(0, across), columns + min(0, across))
            both = self._even[here] & self._even[there]
            apart = np.stack([np.linalg.norm(it[here][both] - it[there][both], axis=1) for it in self._means])  # (2, n)
            are_two = apart > _OTHER
            others += are_two.sum(axis=1)
            same += (are_two & (apart[::-1] < _SAME)).sum(axis=1)
        return float((same / (others + _FEW)).min())

    def painted(self) -> float:
        """How far the colors of an even area are apart where nearly all others are as they were, CIELAB units; or 0.

        Of a few specks nothing is said, nor where what has the color of that area, in either picture, changed as it
        did: shadows that were lifted, a pale tint that was clipped.
        """
        return 0.0 if self._hardly_differ else painted(self._colors) or self._in_another_shade()

    def _in_another_shade(self) -> float:
        """The same of a larger part, whatever else had its color: its like need not be elsewhere.

        A change of tone or light changes some colors by a little, a saturation all colors, and one curve explains both
        but for a part that has another color.
        """
        apart = self._distances
        kept, other = apart <= _UNCHANGED, apart > _PAINTED
        if len(apart) < _LEAST_EVEN or kept.mean() < _MOST or (kept | other).mean() < 1 - _BETWEEN:
            return 0.0
        chroma = np.linalg.norm(self._colors[0][kept, 1:], axis=1)
        if np.count_nonzero(chroma > _COLORED) < _LEAST_COLORED:
            return 0.0
        with_ground = replace(self._blocks, weight=np.ones_like(self._blocks.weight))  # a tone changes that, too
        tone = OneTone.of(with_ground, self._even)
        is_explained = tone is not None and tone.off <= _IN_NO_TONE
        return 0.0 if is_explained else largest_but(apart[other], _SPECKS)

    def are_retoned(self) -> bool:
        """Whether more of them have other colors than one part has."""
        if self._hardly_differ or len(self._distances) < _LEAST_EVEN:
            return False
        return bool(np.quantile(self._distances, _NEARLY_ALL) > _UNCHANGED)


def _apart(colors: Sequence[Float32s]) -> Float32s:
    """How far two colors (n, 3) each are apart, (n,)."""
    return np.asarray(np.linalg.norm(colors[0] - colors[1], axis=1), dtype=np.float32)


def painted(colors: Sequence[Float32s]) -> float:
    """As of all even areas, of those that have these CIELAB colors, (n, 3) of either picture."""
    apart = _apart(colors)
    if len(apart) < _LEAST_EVEN or np.quantile(apart, _NEARLY_ALL) > _UNCHANGED:
        return 0.0
    kept, other = apart <= _UNCHANGED, apart > _PAINTED
    for color in colors:
        to_kept = np.linalg.norm(color[other][:, None] - color[kept], axis=2)  # (other, kept)
        other[other] = (to_kept < _SAME).sum(axis=1) > _SPECKS
    off = np.sort(apart[other])
    return float(off[-1 - _SPECKS]) if len(off) > _SPECKS else 0.0
