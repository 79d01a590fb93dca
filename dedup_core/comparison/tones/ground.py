"""The light plain ground that two aligned pictures share: it tells a change of light from a thing in another color."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s
from dedup_core.color.lab import block_means, lab_of
from dedup_core.comparison.measurement import SAME_COLOR, SAME_GROUND
from dedup_core.comparison.tones.exposure import BLOCK, Blocks
from dedup_core.luma import LUMA

_ALL_OF_IT: Final = 0.99  # of a block
_LEAST: Final = 0.1  # of all blocks
_LIGHT: Final = 0.45  # of white, as it is coded: a white balance leaves black as it is, and a curve does
_NEAR_GROUND: Final = 0.9  # of the ground's light: edges, shadows and what is hardly there
_TOLD: Final = (0.02, 0.97)  # of the ground's light: beyond, ratios of logarithms tell nothing
_GAMMA: Final = 2.2  # docs/thresholds.md#another-shade
_GAIN: Final = 1.45  # docs/thresholds.md#another-shade
_NOT_DARK: Final = 0.3  # of the ground's light: no light changes black
_LEAST_THINGS: Final = 0.05  # of all blocks


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground itself, and what is before it.

    `apart`: how far its colors are apart, in CIELAB units. `shade` 0..1: the share of what is before it whose lightness
    changed by more than light changes it, while the ground did not. `kept` 0..1: the share of what is before it, and
    not much darker, that has the same color, while the ground has another one.
    """

    apart: float
    shade: float = 0.0
    kept: float = 0.0

    @classmethod
    def of(cls, blocks: Blocks, pixels: NDArray[np.bool_]) -> Self | None:
        """Of two pictures that show the ground at `pixels` (h, w); None where that is little, or dark."""
        within = block_means(pixels[..., None].astype(np.float32), BLOCK)[..., 0] >= _ALL_OF_IT
        if within.mean() < _LEAST:
            return None
        colors = np.stack([side[within].mean(axis=0) for side in (blocks.left, blocks.right)])
        levels = colors @ LUMA
        if levels.min() < _LIGHT:
            return None
        ours, theirs = lab_of(colors[None])[0]
        apart = float(np.linalg.norm(ours - theirs))
        lumas = [side @ LUMA / level for side, level in zip((blocks.left, blocks.right), levels, strict=True)]
        if apart > SAME_GROUND:
            return cls(apart, kept=_kept(blocks, np.minimum(*lumas)))
        return cls(apart, shade=_shade(*lumas))


def _shade(ours: Float32s, theirs: Float32s) -> float:
    """Of blocks of luma (h, w), as shares of the ground's."""
    things = np.minimum(ours, theirs) < _NEAR_GROUND
    if not things.any():
        return 0.0
    here, there = (np.log(np.clip(side[things], *_TOLD)) for side in (ours, theirs))
    gammas, gains = np.abs(np.log(here / there)), np.abs(here - there)
    return float(((gammas > np.log(_GAMMA)) & (gains > np.log(_GAIN))).mean())


def _kept(blocks: Blocks, luma: Float32s) -> float:
    """Of blocks whose luma (h, w), in shares of the ground's, is the darker one of both."""
    things = (luma > _NOT_DARK) & (luma < _NEAR_GROUND)
    if things.mean() < _LEAST_THINGS:
        return 0.0
    ours, theirs = (lab_of(side[things]) for side in (blocks.left, blocks.right))
    return float((np.linalg.norm(ours - theirs, axis=-1) < SAME_COLOR).mean())
