"""Finds out which picture of a pair has something lying over it, a frame around it, or less of the scene."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s, Pixels
from dedup_core.comparison.regions import Corners
from dedup_core.comparison.sides import Side

WHOLE: Final = (0.0, 0.0, 1.0, 1.0)
_LEAST_MARGIN: Final = 0.02  # of a side; less is the uncertainty of the alignment
_REACH: Final = 3  # pixels around the rectangle in which the inner edge of a frame is looked for
_FRAME_EDGE: Final = 3.0  # docs/thresholds.md#which-side
_LEAST_EDGE: Final = 6.0  # gray levels: between two plain areas any step would be large
_EMPTY_BARS: Final = 0.3  # docs/thresholds.md#which-side
_PLAIN_STEP: Final = 0.5  # gray levels
_BARS_BESIDE: Final = [True, False, True, False]
_BARS_ABOVE: Final = [False, True, False, True]
_LEAST_CHANGE: Final = 14.0  # gray levels, above what saving again and resampling leave
_LEAST_CHANGED: Final = 0.002  # of the picture
_MOST_CHANGED: Final = 0.5  # of the picture: what covers more of it lies as well below as above
_TONES: Final = 32
_TONE: Final = 8.0  # gray levels of one tone
_MOST_OF_NINE: Final = 4  # an edge that is a pixel off changes a line, three of nine
_GAP: Final = 4  # pixels
_OVERLAY_RISE: Final = 0.3  # octaves; docs/thresholds.md#which-side
_LEAST_INSIDE: Final = 30  # pixels


def wide_margins(inner: Corners) -> int:
    """On how many sides the part that both show ends clearly before the picture does."""
    return sum(_wide_margins(inner))


def side_of(pixels: Pixels, inner: Corners, is_overlaid: bool) -> Side:
    """What the part outside of `inner`, which the other picture shows too, says of a whole picture (h, w, 3)."""
    left, top, right, bottom = (min(1.0, max(0.0, corner)) for corner in inner)
    is_wide = _wide_margins(inner)
    if not any(is_wide):
        return Side(1.0, is_framed=False, is_overlaid=is_overlaid)
    height, width = pixels.shape[:2]
    rows = slice(int(top * height), max(int(top * height) + 1, int(bottom * height)))
    columns = slice(int(left * width), max(int(left * width) + 1, int(right * width)))
    luma = _gray(pixels)
    across, down = (
        np.abs(np.diff(luma, axis=1))[rows].mean(axis=0),
        np.abs(np.diff(luma, axis=0))[:, columns].mean(axis=1),
    )
    edges = (round(left * width), round(top * height), round(right * width), round(bottom * height))
    profiles = zip((across, down, across, down), edges, is_wide, strict=True)
    edged = [_has_edge(profile, edge) for profile, edge, wide in profiles if wide]
    is_framed = len(edged) > 1 and (
        sum(edged) >= min(3, len(edged)) or (any(edged) and _is_plain_around(luma, rows, columns))
    )
    if is_wide in (_BARS_BESIDE, _BARS_ABOVE):
        profile, start, stop = (across, edges[0], edges[2]) if is_wide == _BARS_BESIDE else (down, edges[1], edges[3])
        is_framed = is_framed or _emptiness(profile, start, stop) < (_EMPTY_BARS if any(edged) else _EMPTY_BARS / 3)
    shared = 1.0 if is_framed else (right - left) * (bottom - top)
    return Side(round(shared, 3), is_framed, is_overlaid)


def has_margins(inner: Corners) -> bool:
    """Whether a picture shows anything outside of this part of it, as far as an alignment can tell."""
    return any(_wide_margins(inner))


def _wide_margins(inner: Corners) -> list[bool]:
    """Of the left, upper, right and lower margin, which are wider than an alignment may be off."""
    left, top, right, bottom = (min(1.0, max(0.0, corner)) for corner in inner)
    return [margin > _LEAST_MARGIN for margin in (left, top, 1 - right, 1 - bottom)]


def _has_edge(profile: NDArray[np.floating], edge: int) -> bool:
    """Whether a straight line runs along the whole edge, as no scene has one where someone happens to cut it."""
    near = profile[max(0, edge - 1 - _REACH) : edge + _REACH]
    inside = float(np.median(profile[profile > 0])) if (profile > 0).any() else 0.0
    return len(near) > 0 and float(near.max()) > max(_LEAST_EDGE, _FRAME_EDGE * inside)


def _is_plain_around(luma: Float32s, rows: slice, columns: slice) -> bool:
    """Whether all that is outside has one color, as what lies around a picture has and no scene."""
    steps = np.zeros_like(luma)
    steps[1:] += np.abs(np.diff(luma, axis=0))
    steps[:, 1:] += np.abs(np.diff(luma, axis=1))
    outside = np.ones(luma.shape, bool)
    outside[
        max(0, rows.start - _REACH) : rows.stop + _REACH, max(0, columns.start - _REACH) : columns.stop + _REACH
    ] = False
    return bool(outside.any() and steps[outside].mean() < _PLAIN_STEP)


def _emptiness(profile: NDArray[np.floating], start: int, stop: int) -> float:
    """How much there is to see in the fuller one of two bars, against what is between them."""
    bars = profile[: max(1, start - _REACH)], profile[min(len(profile) - 1, stop + _REACH) :]
    between = profile[start:stop]
    if not between.size or not profile.size:
        return 1.0
    return max(float(bar.mean()) for bar in bars) / (float(between.mean()) + 0.1)


def overlaid_sides(left: Pixels, right: Pixels) -> tuple[bool, bool]:
    """Which of two aligned pictures (h, w, 3) has something lying over it that the other has not.

    Where a thing was laid over a picture, its outline is an edge there and nothing special in the picture without it:
    so the side with more edges along the outline of what changed is the one with the thing, and so is the one with
    fewer inside of it.
    """
    ours, theirs = _gray(left), _gray(right)
    change = np.minimum(np.abs(ours - _toned_as(theirs, ours)), np.abs(theirs - _toned_as(ours, theirs)))
    changed = _neighbors(change > max(_LEAST_CHANGE, 5.0 * float(np.median(change))), 1) >= _MOST_OF_NINE
    if not _LEAST_CHANGED <= changed.mean() <= _MOST_CHANGED:
        return False, False
    thing = _shrunk(_grown(changed, _GAP), _GAP)  # where both happen to have one tone it is the same thing all the same
    outline, calm, inside = _grown(thing, 1) & ~_shrunk(thing, 1), ~_grown(thing, 2), _shrunk(thing, 2)
    if not calm.any() or not outline.any():
        return False, False
    rises = [_rise(_edges(plane), outline, calm, inside) for plane in (ours, theirs)]
    return rises[0] - rises[1] > _OVERLAY_RISE, rises[1] - rises[0] > _OVERLAY_RISE


def _rise(edges: Float32s, outline: NDArray[np.bool_], calm: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    """How far edges of an outline stand out from where nothing changed, and from its inside, which counts half."""
    along = float(edges[outline].mean()) + 1.0
    within = along if inside.sum() < _LEAST_INSIDE else float(edges[inside].mean()) + 1.0
    return math.log2(along / (float(edges[calm].mean()) + 1.0)) + math.log2(along / within) / 2


def _toned_as(plane: Float32s, other: Float32s) -> Float32s:
    """The plane with the tones of the other one: each of its tones becomes what the other shows there on average."""
    tones = (plane / _TONE).astype(np.intp)  # (h, w) 0..31
    amounts = np.bincount(tones.ravel(), minlength=_TONES)
    means = np.bincount(tones.ravel(), other.ravel(), _TONES) / np.maximum(1, amounts)
    offsets = np.bincount(tones.ravel(), plane.ravel(), _TONES) / np.maximum(1, amounts)
    return (means[tones] + (plane - offsets[tones])).astype(np.float32)


def _gray(pixels: Pixels) -> Float32s:
    """The mean of the three channels: two additions, because NumPy's mean over so short an axis takes far longer."""
    planes = pixels.astype(np.float32)
    gray: Float32s = planes[..., 0] + planes[..., 1]
    gray += planes[..., 2]
    gray /= np.float32(3)
    return gray


def _edges(plane: Float32s) -> Float32s:
    """The length of the gradient, in gray levels over two pixels."""
    strength = np.zeros_like(plane)
    strength[1:-1] += (plane[2:] - plane[:-2]) ** 2
    strength[:, 1:-1] += (plane[:, 2:] - plane[:, :-2]) ** 2
    return np.sqrt(strength)


def _neighbors(mask: NDArray[np.bool_], reach: int) -> NDArray[np.int32]:
    """How many of the points in a square of `reach` around each are set; beyond the rim none is."""
    sums = np.pad(mask, ((reach + 1, reach), (reach + 1, reach))).astype(np.int32).cumsum(0, dtype=np.int32)
    sums = sums.cumsum(1, dtype=np.int32)
    side = 2 * reach + 1
    return np.asarray(sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side])


def _grown(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    return np.asarray(_neighbors(mask, reach) > 0)


def _shrunk(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Without what is near to its rim; where the picture ends is no rim."""
    return ~_grown(~mask, reach)
