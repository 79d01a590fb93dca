"""One of two pictures given the light and the tones of the other, so that what is left of a difference is content."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.comparison.structure.sharpness import ImagePair, Softening
from dedup_core.comparison.tones.bent_tones import joint_levels, level_curve

type Mask = NDArray[np.bool_]
EXPLAINED: Final = 2.0  # gray levels: what rounding and compression leave
_STEP: Final = 4  # pixels between those that tell the light
_DARK: Final = 8.0  # gray levels: of what is nearly black, light says nothing
_ROUNDS: Final = 2  # of the fit: in the second one what is far off the first one, as what was clipped, weighs little
_USUAL_ERROR: Final = 4.0  # gray levels
_LEAST_LIGHT: Final = 1.1  # times, of the brightest place and the darkest: less is none, but a tone
_DARKEST: Final = 0.4  # times; less is no light that falls on the same
_LEAST_POINTS: Final = 64  # for six coefficients


def evened(left: Image.Image, right: Image.Image, softening: Softening, agrees: Mask) -> ImagePair | None:
    """Both (RGB), one with the tones of the other; None where too little agrees to tell.

    `agrees` (h, w) is where they show the same, of the softened pictures. Tones are a curve for each channel; what
    those do not explain may be light, a smooth field over the whole.
    """
    if agrees.sum() < _LEAST_POINTS:
        return None
    toned, error = _toned(left, right, softening, agrees)
    if error > EXPLAINED and (light := _light(*softening.applied(left, right), agrees)) is not None:
        lit, error_lit = _toned(_lit(left, light), _lit(right, -light), softening, agrees)
        toned = lit if error_lit < error else toned
    return toned


def in_one_tone(left: Image.Image, right: Image.Image) -> tuple[ImagePair, float]:
    """Both (RGB), one with the tones of the other by a curve for each channel, and the mean error that this leaves."""
    everywhere = np.ones((left.height, left.width), dtype=np.bool_)
    return _toned(left, right, Softening(), everywhere)


def _toned(left: Image.Image, right: Image.Image, softening: Softening, agrees: Mask) -> tuple[ImagePair, float]:
    """One of the two with the tones of the other, and the mean error that this leaves.

    The one of which it leaves less: light that was clipped cannot be brought back.
    """
    told = np.flatnonzero(agrees)
    channels = (
        [np.asarray(channel).ravel().take(told) for channel in image.split()]
        for image in softening.applied(left, right)
    )
    joint = [joint_levels(ours, theirs) for ours, theirs in zip(*channels, strict=True)]
    (forth, error), (back, error_back) = _curves(joint), _curves([levels.T for levels in joint])
    return ((left.point(forth), right), error) if error <= error_back else ((left, right.point(back)), error_back)


def _curves(joint: Sequence[NDArray[np.intp]]) -> tuple[list[int], float]:
    """The curve of each channel, one after the other as Pillow takes them, and the mean error that they leave."""
    curves, errors = [], []
    for levels in joint:
        curve = level_curve(levels)
        source, target = np.nonzero(levels)
        errors.append(np.average(np.abs(curve[source] - target), weights=levels[source, target]))
        curves.append(curve)
    return np.concatenate(curves).clip(0, 255).round().astype(int).tolist(), float(np.mean(errors))


def _light(left: Image.Image, right: Image.Image, agrees: Mask) -> Float32s | None:
    """How many times as light right is as left, as coefficients of a parabola of the logarithm; None if nearly even."""
    ours, theirs = (np.asarray(image.convert("L"), dtype=np.float32)[::_STEP, ::_STEP] for image in (left, right))
    told = agrees[::_STEP, ::_STEP] & (np.minimum(ours, theirs) > _DARK)
    if told.sum() < _LEAST_POINTS:
        return None
    terms = _terms(*ours.shape)[:, told]  # (6, n)
    ours, theirs = ours[told], theirs[told]
    wanted, weight = np.log(theirs / ours), np.minimum(ours, theirs)
    found = np.zeros(len(terms))
    for round_number in range(_ROUNDS):
        error = (found @ terms - wanted) * weight if round_number else np.zeros_like(weight)
        counted = weight / (1 + (error / _USUAL_ERROR) ** 2)
        normal = (terms * counted) @ terms.T
        found = np.linalg.solve(normal + np.eye(len(terms), dtype=np.float32), (terms * counted) @ wanted)
    lights = found @ terms
    if lights.max() - lights.min() < np.log(_LEAST_LIGHT):
        return None
    return np.asarray(found, dtype=np.float32)


def _terms(height: int, width: int) -> Float32s:
    """A parabola's terms at each place, (6, h, w)."""
    down, across = np.broadcast_arrays(
        np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)
    )
    return np.stack([np.ones_like(down), down, across, down * down, across * across, down * across])


def _lit(image: Image.Image, light: Float32s) -> Image.Image:
    """The picture made darker where `light` says so; nothing is made lighter, lest it be clipped."""
    field = np.tensordot(light, _terms(image.height, image.width), axes=1)
    times = np.exp(np.clip(field, np.log(_DARKEST), 0.0))
    return Image.fromarray((np.asarray(image) * times[..., None] + np.float32(0.5)).astype(np.uint8))
