"""Overlays: which of two aligned pictures has something lying over it that the other one has not."""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Pixels

_LEAST_CHANGE: Final = 14.0  # levels of a channel, above what saving again and resampling leave
_LEAST_CHANGED: Final = 0.001  # of the picture
_MOST_CHANGED: Final = 0.5  # of the picture: what covers more of it lies as well below as above
_USUAL: Final = 3.0  # times the median of all differences: what compression and resampling leave
_TONES: Final = 32
_TONE: Final = 256 // _TONES  # levels of one tone
_MOST_OF_NINE: Final = 4  # an edge that is a pixel off changes a line, three of nine
_GAP: Final = 4  # pixels
_BESIDE: Final = 2  # pixels to either side of an outline
_LEAST_BESIDE: Final = 4  # of the 25 around a point
_SURE_STEP: Final = 6.0  # levels; docs/thresholds.md#which-side
_MOSTLY: Final = 2  # times; docs/thresholds.md#which-side
_ONE_COLOR: Final = 8.0  # levels: what saving leaves of a plain color
_ALL_OF_IT: Final = 0.95  # of what changed and of what is next to it, but for a few points
_OVERLAY_RISE: Final = 0.5  # octaves; docs/thresholds.md#which-side

type Mask = NDArray[np.bool_]


def overlaid_sides(left: Pixels, right: Pixels) -> tuple[bool, bool]:
    """Which of two aligned pictures (h, w, 3) has something lying over it; neither where nothing tells.

    Where a thing was laid over a picture, its outline is an edge there, and what is inside of it has another color than
    what is around it. In the picture without it the outline is nothing special.
    """
    ours, theirs = _planes(left), _planes(right)
    changed = _changed(ours, theirs)
    if not _LEAST_CHANGED <= changed.mean() <= _MOST_CHANGED:
        return False, False
    thing = _shrunk(_grown(changed, _GAP), _GAP)  # where both happen to have one color it is the same thing, too
    outline, calm = _rim(thing), ~_grown(thing, 2)
    if not outline.any() or not calm.any():
        return False, False
    lefts, rights = ours.astype(np.float32), theirs.astype(np.float32)
    left_outline, right_outline = (_Outline.of(planes, thing, outline, calm) for planes in (lefts, rights))
    return (
        left_outline.is_of_a_thing(right_outline) and not _is_in_a_patch(thing, rights, lefts),
        right_outline.is_of_a_thing(left_outline) and not _is_in_a_patch(thing, lefts, rights),
    )


def _is_in_a_patch(thing: Mask, planes: Float32s, others: Float32s) -> bool:
    """Whether what changed lies inside of a place of one color that has its rim in this picture alone.

    A black strip over a dark scene changes only what is bright below it, and that has an outline in the scene.
    """
    color = np.median(planes[:, thing], axis=1)
    patch = (np.abs(planes - color[:, None, None]) <= _ONE_COLOR).all(axis=0)
    if patch[_grown(thing, _BESIDE)].mean() < _ALL_OF_IT:
        return False
    patch = _grown(_shrunk(patch, 1), 1)
    rim = _rim(patch)
    here, there = (_steps(pictured, patch, rim) for pictured in (planes, others))
    return _is_mostly_of(here, there)


@dataclass(frozen=True, slots=True)
class _Outline:
    """How one picture shows the outline of what changed.

    `rise`: how far its edges and its steps stand out from where nothing changed, in octaves. `steps` (n,): at points of
    it, how far the color just inside is from that just outside. Means of some pixels to each side say more than edges
    do: grass has an edge everywhere, and one color.
    """

    rise: float
    steps: Float32s

    @classmethod
    def of(cls, planes: Float32s, thing: Mask, outline: Mask, calm: Mask) -> Self:
        steps = _steps(planes, thing, outline)
        edges = _edges(planes)
        usual = float(edges[calm].mean()) + 1.0
        along, across = float(edges[outline].mean()) + 1.0, float(steps.mean()) + 1.0
        return cls(math.log2(along / usual) + math.log2(across / usual), steps)

    def is_of_a_thing(self, other: Self) -> bool:
        """Whether it is an outline here and nothing special in the other picture.

        That of a banner over a banner is in both. Where what was covered has the color of the thing, the outline is
        that of something in the other picture: so most of it has to be here.
        """
        rises = self.rise > max(other.rise + _OVERLAY_RISE, 2 * other.rise)
        return rises and _is_mostly_of(self.steps, other.steps)


def _rim(mask: Mask) -> Mask:
    return _grown(mask, 1) & ~_shrunk(mask, 1)


def _steps(planes: Float32s, mask: Mask, rim: Mask) -> Float32s:
    """At points of the mask's rim (n,), how far the mean color just inside is from that just outside, in levels."""
    (ours, inside), (theirs, outside) = (_mean_near(planes, side) for side in (mask, ~_grown(mask, 1)))
    told = rim & (inside >= _LEAST_BESIDE) & (outside >= _LEAST_BESIDE)
    return np.abs(ours[:, told] - theirs[:, told]).max(axis=0) if told.any() else np.zeros(1, np.float32)


def _is_mostly_of(steps: Float32s, others: Float32s) -> bool:
    """Whether the outline is there in one picture, and not in the other, at twice as many points as the reverse."""
    here, there = int((steps > others + _SURE_STEP).sum()), int((others > steps + _SURE_STEP).sum())
    return here > _MOSTLY * there


def _planes(pixels: Pixels) -> Pixels:
    """The channels (3, h, w), each in one piece: the largest of three neighbors in memory takes ten times as long."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _changed(ours: Pixels, theirs: Pixels) -> Mask:
    """Where the two show something else, whatever may have been done to the tones of either, (h, w)."""
    changed = _stands_out(ours, theirs)
    if changed.mean() < _LEAST_CHANGED:
        return changed  # of most pairs this is all
    changed &= _stands_out(ours, _toned_as(theirs, ours))
    return changed & _stands_out(theirs, _toned_as(ours, theirs))


def _stands_out(ours: Pixels, theirs: Pixels) -> Mask:
    """Where either has a color that the other one has nowhere near; an edge a pixel beside itself does not."""
    usual = float(np.median((np.maximum(ours, theirs) - np.minimum(ours, theirs)).max(axis=0)))
    beyond = np.maximum(_beyond(ours, theirs), _beyond(theirs, ours))
    return _neighbors(beyond > int(max(_LEAST_CHANGE, _USUAL * usual)), 1) >= _MOST_OF_NINE


def _beyond(planes: Pixels, others: Pixels) -> Pixels:
    """How far the picture is outside of what the other one shows within a pixel, of the channels the most, (h, w)."""
    highest, lowest = _of_nine(others, np.maximum), _of_nine(others, np.minimum)
    above, below = np.maximum(planes, highest) - highest, lowest - np.minimum(planes, lowest)
    return np.asarray(np.maximum(above, below).max(axis=0))


def _of_nine(planes: Pixels, chosen: np.ufunc) -> Pixels:
    """The highest or lowest value of each point and those beside it."""
    down = planes.copy()
    chosen(down[:, 1:], planes[:, :-1], out=down[:, 1:])
    chosen(down[:, :-1], planes[:, 1:], out=down[:, :-1])
    near = down.copy()
    chosen(near[:, :, 1:], down[:, :, :-1], out=near[:, :, 1:])
    chosen(near[:, :, :-1], down[:, :, 1:], out=near[:, :, :-1])
    return near


def _mean_near(planes: Float32s, mask: Mask) -> tuple[Float32s, NDArray[np.int32]]:
    """The mean color of what is set in the square around each point, (3, h, w), and how many points that are."""
    amounts = _neighbors(mask, _BESIDE)
    set_ones = planes * mask
    down = set_ones.copy()
    for by in range(1, _BESIDE + 1):
        down[:, by:] += set_ones[:, :-by]
        down[:, :-by] += set_ones[:, by:]
    sums = down.copy()
    for by in range(1, _BESIDE + 1):
        sums[:, :, by:] += down[:, :, :-by]
        sums[:, :, :-by] += down[:, :, by:]
    sums /= np.maximum(1, amounts).astype(np.float32)
    return sums, amounts


def _toned_as(planes: Pixels, others: Pixels) -> Pixels:
    """The picture with the tones of the other one: each tone of a channel becomes what the other shows on average."""
    return np.stack([_channel_toned(ours, theirs) for ours, theirs in zip(planes, others, strict=True)])


def _channel_toned(plane: Pixels, other: Pixels) -> Pixels:
    tones = (plane // _TONE).ravel()  # 0..31
    amounts = np.maximum(1, np.bincount(tones, minlength=_TONES))
    moved = np.bincount(tones, other.ravel(), _TONES) - np.bincount(tones, plane.ravel(), _TONES)
    toned = plane + (moved / amounts).astype(np.int16)[tones].reshape(plane.shape)
    return toned.clip(0, 255).astype(np.uint8)


def _edges(planes: Float32s) -> Float32s:
    """The length of the gradient in levels over two pixels, of the channels the longest, (h, w)."""
    strength = np.zeros_like(planes)
    strength[:, 1:-1] += (planes[:, 2:] - planes[:, :-2]) ** 2
    strength[:, :, 1:-1] += (planes[:, :, 2:] - planes[:, :, :-2]) ** 2
    return np.sqrt(strength.max(axis=0))


def _neighbors(mask: Mask, reach: int) -> NDArray[np.int32]:
    """How many of the points in a square of `reach` around each are set; beyond the rim none is."""
    sums = np.pad(mask, ((reach + 1, reach), (reach + 1, reach))).astype(np.int32).cumsum(0, dtype=np.int32)
    sums = sums.cumsum(1, dtype=np.int32)
    side = 2 * reach + 1
    return np.asarray(sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side])


def _grown(mask: Mask, reach: int) -> Mask:
    return np.asarray(_neighbors(mask, reach) > 0)


def _shrunk(mask: Mask, reach: int) -> Mask:
    """Without what is near to its rim; where the picture ends is no rim."""
    return ~_grown(~mask, reach)
