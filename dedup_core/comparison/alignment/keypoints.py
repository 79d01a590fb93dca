"""Where to start an alignment when whole on whole fails: keypoints of both pictures, at any angle and of any part.

Far more keypoints than are stored, with their whole patches; matches of which many tell the same turn, zoom and shift.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Float64s, Pixels
from dedup_core.comparison.alignment.starts import in_nearest_view
from dedup_core.comparison.structure.images import in_mode
from dedup_core.fingerprinting.blobs import Blobs, Spectrum, blobs_of
from dedup_core.fingerprinting.borders import Box, halves_of
from dedup_core.fingerprinting.patches import FREQUENCIES, described
from dedup_core.views import View

SIDE: Final = 160  # longer side of the planes on which keypoints are looked for
_FIRST_SIGMA: Final = 2 ** (1 / 3)  # lines: smaller ones than fingerprints have, as both pictures are at hand
_MOST: Final = 256  # keypoints of a picture
_REACH: Final = 1.5  # sigmas around a keypoint that lie inside the picture
_MATCHES: Final = 250  # the best of those that are each other's best
_LEAST_LIKENESS: Final = 0.6  # correlation of two patches
_TURN_TOLERANCE: Final = 0.35  # radians between the turns that two matches tell
_ZOOM_TOLERANCE: Final = 0.4  # octaves between the zooms that they tell
_PLACE_TOLERANCE: Final = 1.5  # lines, and
_FAR_TOLERANCE: Final = 0.12  # of the distance between two matches: what one of them tells is not exact
_FITTED_TOLERANCE: Final = 0.025  # of the longer side, once all agreeing matches tell together
_LEAST_AGREEING: Final = 4  # two matches tell a similarity, two more that it is none by chance
_LEAST_AFFINE: Final = 10  # agreeing matches that tell a shear as well
_LARGEST_ZOOM: Final = 5.0  # with a part at 96 pixels the whole has 480 of the 512 that there are
_NEARLY: Final = 0.6  # as many agreeing matches: may be as good


@dataclass(frozen=True, slots=True)
class KeypointStart:
    """A view of the left picture, and the (2, 3) matrix from its points to points of the right one (see `Alignment`).

    `agreeing` matches tell so.
    """

    view: View
    matrix: Float64s
    agreeing: int


class KeypointSearch:
    """Starts by the keypoints of two pictures: of the wholes, and of their halves besides once these are added."""

    def __init__(self, left: Pixels, right: Pixels) -> None:
        self._images = [in_mode(pixels, "L") for pixels in (left, right)]
        self._points = [_Points.of(image, (0, 0, *image.size)) for image in self._images]

    def add_halves(self) -> None:
        """What is in a half is seen twice as large there, and need not be among the strongest of the whole."""
        self._points = [
            _Points.joined([points, *(_Points.of(image, half) for half in halves_of((0, 0, *image.size)))])
            for image, points in zip(self._images, self._points, strict=True)
        ]

    def starts(self) -> list[KeypointStart]:
        """The best start, and that of the other of the picture and its mirror image where it is nearly as good."""
        ours, theirs = self._points
        if min(len(ours.x), len(theirs.x)) < _LEAST_AGREEING:
            return []
        spread = np.concatenate([ours.patches, theirs.patches]).std(axis=0) + 1e-9
        found = [_start(ours, theirs, spread, mirrored=mirrored) for mirrored in (False, True)]
        starts = [start for start in found if start]
        most = max((start.agreeing for start in starts), default=0)
        return [start for start in starts if start.agreeing >= _NEARLY * most]


@dataclass(frozen=True, slots=True)
class _Points:
    """Keypoints in units of the longer side: places, sigmas, angles in radians and patches (n, 48).

    `extent` is (width, height) of the picture.
    """

    x: Float64s
    y: Float64s
    sigma: Float64s
    angle: Float64s
    patches: Float64s
    extent: tuple[float, float]

    @classmethod
    def of(cls, image: Image.Image, box: Box) -> "_Points":
        """Those in a box of a picture of mode L."""
        left, top, right, bottom = box
        longer, whole = max(right - left, bottom - top), max(image.size)
        scale = min(1.0, SIDE / longer)
        size = max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale))
        plane = np.asarray(image.resize(size, Image.Resampling.BOX, box=box), np.float64)
        spectrum = Spectrum(plane)
        blobs = Blobs(*(column[:_MOST] for column in blobs_of(spectrum, _REACH, _FIRST_SIGMA)))
        angle, patches = described(plane, spectrum, blobs)
        flat = patches.reshape(len(patches), FREQUENCIES**2)[:, 1:]  # without the mean
        line = longer / max(size) / whole  # of the plane
        x, y = blobs.x * line + left / whole, blobs.y * line + top / whole
        return cls(x, y, blobs.sigma * line, angle, flat, (image.width / whole, image.height / whole))

    @classmethod
    def joined(cls, parts: "list[_Points]") -> "_Points":
        """Those of one picture, together."""
        columns = zip(*((it.x, it.y, it.sigma, it.angle, it.patches) for it in parts), strict=True)
        x, y, sigma, angle, patches = map(np.concatenate, columns)
        return cls(x, y, sigma, angle, patches, parts[0].extent)

    def mirrored(self) -> "_Points":
        """Those of the picture turned upside down as in a mirror: a patch points along its rows."""
        signs = np.tile((-1.0) ** np.arange(FREQUENCIES)[:, None], (1, FREQUENCIES)).ravel()[1:]
        height = self.extent[1]
        return _Points(self.x, height - self.y, self.sigma, -self.angle, self.patches * signs, self.extent)


def _start(ours: _Points, theirs: _Points, spread: Float64s, *, mirrored: bool) -> KeypointStart | None:
    """What most matches agree on, if enough of them do."""
    points = ours.mirrored() if mirrored else ours
    first, second = _matches(points.patches / spread, theirs.patches / spread)
    if len(first) < _LEAST_AGREEING:
        return None
    left = np.stack([points.x, points.y], axis=1)[first]
    right = np.stack([theirs.x, theirs.y], axis=1)[second]
    zoom = np.log2(theirs.sigma[second] / points.sigma[first])
    turn = theirs.angle[second] - points.angle[first]
    agreeing = _most_agreeing(left, right, zoom, turn)
    for _ in range(3):
        if agreeing.sum() < _LEAST_AGREEING:
            return None
        matrix = _fitted(left[agreeing], right[agreeing])
        error = np.hypot(*(left @ matrix[:, :2].T + matrix[:, 2] - right).T)
        size = abs(float(np.linalg.det(matrix[:, :2]))) ** 0.5
        agreeing = error <= _FITTED_TOLERANCE * min(1.0, size)
    if agreeing.sum() < _LEAST_AGREEING or not 1 / _LARGEST_ZOOM <= size <= _LARGEST_ZOOM:
        return None
    view, start = in_nearest_view(matrix, ours.extent, mirrored=mirrored)
    return KeypointStart(view, start, int(agreeing.sum()))


def _matches(ours: Float64s, theirs: Float64s) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Keypoints that are most like each other, the best pairs first."""
    likeness = _normed(ours) @ _normed(theirs).T  # (n, m)
    best, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
    first = np.flatnonzero(back[best] == np.arange(len(best)))
    value = likeness[first, best[first]]
    order = np.argsort(-value, kind="stable")
    first = first[order[value[order] >= _LEAST_LIKENESS]][:_MATCHES]
    return first, best[first]


def _normed(patches: Float64s) -> Float32s:
    normed: Float32s = (patches / (np.linalg.norm(patches, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return normed


def _most_agreeing(left: Float64s, right: Float64s, zoom: Float64s, turn: Float64s) -> NDArray[np.bool_]:
    """Those that fit the turn, zoom and place that one match tells, of the match with which most agree."""
    apart = (turn[None] - turn[:, None] + np.pi) % (2 * np.pi) - np.pi
    fits = (np.abs(apart) <= _TURN_TOLERANCE) & (np.abs(zoom[None] - zoom[:, None]) <= _ZOOM_TOLERANCE)
    factor = 2 ** zoom[:, None]
    cosine, sine = np.cos(turn)[:, None] * factor, np.sin(turn)[:, None] * factor
    across, down = (left[None] - left[:, None]).transpose(2, 0, 1)
    held_across, held_down = (right[None] - right[:, None]).transpose(2, 0, 1)
    error = np.hypot(across * cosine - down * sine - held_across, across * sine + down * cosine - held_down)
    fits &= error <= _PLACE_TOLERANCE / SIDE + _FAR_TOLERANCE * np.hypot(held_across, held_down)
    agreeing: NDArray[np.bool_] = fits[int(fits.sum(axis=1).argmax())]
    return agreeing


def _fitted(left: Float64s, right: Float64s) -> Float64s:
    """The similarity that lays the left points on the right ones in least squares, or affine map if they are many."""
    count = len(left)
    if count >= _LEAST_AFFINE:
        solution = np.linalg.lstsq(np.column_stack([left, np.ones(count)]), right, rcond=None)[0]
        return np.asarray(solution.T)
    (middle, there), (x, y) = (left.mean(axis=0), right.mean(axis=0)), (left - left.mean(axis=0)).T
    u, v = (right - there).T
    square = float((x * x + y * y).sum()) + 1e-12
    cosine, sine = float((x * u + y * v).sum()) / square, float((x * v - y * u).sum()) / square
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, there - turn @ middle])
