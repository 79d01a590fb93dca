"""Finds the keypoints of a picture: those to be stored, and those to ask with."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float64s
from dedup_core.fingerprinting.blobs import Blobs, Spectrum, blobs_of
from dedup_core.fingerprinting.borders import TOLERANCE, Box, halves_of
from dedup_core.fingerprinting.keypoints import (
    ANGLE_STEPS,
    ASKED_OF_HALF,
    ASKED_OF_WHOLE,
    BUCKET_BITS,
    MAX_KEYPOINTS,
    PLANE_SIDE,
    SCALE_ORIGIN,
    SCALE_STEPS,
    SIGMAS,
    WEAK_BITS,
    WORD_BITS,
    WORD_CELLS,
    Keypoints,
)
from dedup_core.fingerprinting.luma import LumaPicture
from dedup_core.fingerprinting.patches import RADIUS, described

# The usual size of the bucket's coefficients, by which they are weighed to find those that are unsure.
_USUAL: Final = (97, 74, 72, 44, 45, 38, 30, 33, 104, 18, 52, 22, 14, 14, 19, 14, 9, 10, 10, 11)
_INSIDE: Final = 0.7  # share of a patch's radius that must lie inside the picture
_FINE_SIGMA: Final = 3.75  # lines: smaller blobs are what larger pictures find of this one in them,
_FINE_SHARE: Final = 0.4  # and larger ones what is left of this one in larger pictures: some of both are kept
_GROUND_REACH: Final = 2.0  # sigmas to each side of a blob
_GROUND_SHARE: Final = 0.1  # docs/fingerprints.md#keypoints
_LOOKED_AT: Final = 2 * ASKED_OF_WHOLE  # of the likeliest
_APART: Final = 2.0  # sigmas between two keypoints, unless one is twice as large
_BLOCK_SHARE: Final = 2 / 3  # of the keypoints, where the content is a block in a frame


def keypoints_of(luma: LumaPicture) -> tuple[Keypoints, Keypoints]:
    """At most 24 keypoints to be stored, and at most 192 to ask with; places are those in the frame.

    Where the content is one block in a frame with other things, most are of the block; of several blocks, as many each.
    What lies on a plain ground may be a part of a page or a collage that no line sets apart: the halves are asked for
    by themselves, which shows them twice as large.
    """
    boxes = luma.blocks
    if len(boxes) == 1 and boxes[0] != luma.frame:
        boxes = (*boxes, luma.frame)
    shares = (
        [_BLOCK_SHARE, 1 - _BLOCK_SHARE]
        if boxes[-1] == luma.frame and len(boxes) > 1
        else [1 / len(boxes)] * len(boxes)
    )
    found = [_found(luma, box) for box in boxes]
    stored = [it.stored(round(share * MAX_KEYPOINTS)) for it, share in zip(found, shares, strict=True)]
    asked = Keypoints.joined([it.asked(round(share * ASKED_OF_WHOLE)) for it, share in zip(found, shares, strict=True)])
    if luma.ground is not None and len(luma.blocks) == 1:
        asked = Keypoints.joined([asked, *(_others(luma, half, asked) for half in halves_of(luma.frame))])
    return Keypoints.joined(stored), asked


@dataclass(frozen=True, slots=True)
class _Found:
    """All keypoints of a box of a picture, the likeliest to be met again first; which are small, and where they lie.

    `quarters` are the numbers of the four quarters of the box.
    """

    keypoints: Keypoints
    is_fine: NDArray[np.bool_]
    quarters: NDArray[np.intp]

    def asked(self, most: int) -> Keypoints:
        return self.keypoints.taken(np.arange(min(most, len(self.keypoints))))

    def stored(self, most: int) -> Keypoints:
        """The first of the small ones and of the others, in that proportion as far as there are any.

        Of each as many from every quarter, so that a half or a part that is left of the picture has its share.
        """
        fine, others = (self._spread(np.flatnonzero(self.is_fine == small)) for small in (True, False))
        wanted = round(_FINE_SHARE * most)
        of_others = min(len(others), most - min(len(fine), wanted))
        chosen = np.concatenate([others[:of_others], fine[: most - of_others]])
        return self.keypoints.taken(np.sort(chosen))

    def _spread(self, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
        """The same keypoints, the first of each quarter first, then the second of each, and so on."""
        quarters = self.quarters[numbers]
        ranks = np.zeros(len(numbers), np.intp)
        for quarter in range(4):
            here = quarters == quarter
            ranks[here] = np.arange(here.sum())
        return numbers[np.argsort(ranks, kind="stable")]


@dataclass(frozen=True, slots=True)
class _Look:
    """A box of a picture at the size at which keypoints are looked for, and its blobs.

    Those come first that are the likeliest to be met again.
    """

    frame: Box
    box: Box
    plane: Float64s
    spectrum: Spectrum
    blobs: Blobs

    @classmethod
    def at(cls, luma: LumaPicture, box: Box) -> Self:
        plane = luma.fitted(box, PLANE_SIDE, Image.Resampling.BICUBIC)
        spectrum = Spectrum(plane)
        blobs = blobs_of(spectrum, _INSIDE * RADIUS)
        blobs = _taken(blobs, np.argsort(_meets_ground(plane, blobs), kind="stable")[:_LOOKED_AT])
        return cls(luma.frame, box, plane, spectrum, _taken(blobs, np.argsort(_repeats(blobs), kind="stable")))

    def keypoints(self, chosen: NDArray[np.intp]) -> Keypoints:
        """The words of some of the blobs, and where they lie in the frame."""
        if len(chosen) == 0:
            return Keypoints.none()
        blobs = _taken(self.blobs, chosen)
        angles, patches = described(self.plane, self.spectrum, blobs)
        row, column = np.array(WORD_CELLS).T
        values = patches[:, row, column]  # (k, 28)
        words = (values > 0) @ (1 << np.arange(WORD_BITS, dtype=np.uint32))
        places = _places(_in_frame(self.frame, self.box, blobs), angles)
        return Keypoints(words.astype(np.uint32), _weak_bits(values), places)


def _found(luma: LumaPicture, box: Box) -> _Found:
    look = _Look.at(luma, box)
    others = np.flatnonzero(look.blobs.sigma >= _FINE_SIGMA)[:MAX_KEYPOINTS]
    # To ask with, and to keep.
    needed = np.concatenate([np.arange(min(ASKED_OF_WHOLE, len(look.blobs.x))), others[others >= ASKED_OF_WHOLE]])
    blobs, sides = _taken(look.blobs, needed), look.plane.shape
    is_below, is_right = (np.round(it, 4) > side / 2 for it, side in zip((blobs.y, blobs.x), sides, strict=True))
    quarters = 2 * is_below.astype(np.intp) + is_right
    return _Found(look.keypoints(needed), blobs.sigma < _FINE_SIGMA, quarters)


def _others(luma: LumaPicture, box: Box, known: Keypoints) -> Keypoints:
    """The likeliest of a box that repeat none of the known ones."""
    look = _Look.at(luma, box)
    x, y = known.places[:, :2].T.astype(np.float64)
    before = Blobs(x, y, SIGMAS[known.places[:, 2]])
    repeats = _same_places(_in_frame(luma.frame, box, look.blobs), before).any(axis=1)
    return look.keypoints(np.flatnonzero(~repeats)[:ASKED_OF_HALF])


def _taken(blobs: Blobs, chosen: NDArray[np.intp]) -> Blobs:
    return Blobs(*(column[chosen] for column in blobs))


def _meets_ground(plane: Float64s, blobs: Blobs) -> NDArray[np.bool_]:
    """Which blobs have ground around them: the wedges of a turned picture, white corners, what a part lies on.

    They show where the picture ends at least as much as what is in it, so copies in other frames have not got them.
    """
    height, width = plane.shape
    covered = np.zeros((height + 1, width + 1), np.int32)
    _ground(plane).cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32, out=covered[1:, 1:])
    reach = _GROUND_REACH * blobs.sigma
    ends = _whole(np.stack([blobs.x - reach, blobs.x + reach, blobs.y - reach, blobs.y + reach]))
    left, right, top, bottom = ends.clip(0, np.array([[width], [width], [height], [height]]))
    around = covered[bottom, right] - covered[top, right] - covered[bottom, left] + covered[top, left]
    meets: NDArray[np.bool_] = around > _GROUND_SHARE * (right - left) * (bottom - top)
    return meets


def _repeats(blobs: Blobs) -> NDArray[np.bool_]:
    """Which blobs lie where one before them does, at much the same size: two words of one thing tell no more than one.

    They would even count as two that agree, in a stranger with such a thing as well.
    """
    return np.tril(_same_places(blobs, blobs), -1).any(axis=1)


def _same_places(blobs: Blobs, others: Blobs) -> NDArray[np.bool_]:
    """Which of the blobs (n) lie where which of the others (m) do, at much the same size: (n, m)."""
    # Rounded, so that what is just as far apart or just as large is so on every processor.
    x, y, sigma = (np.round(column[:, None], 3) for column in blobs)
    other_x, other_y, other_sigma = (np.round(column, 3) for column in others)
    smaller = np.minimum(sigma, other_sigma)
    same: NDArray[np.bool_] = (x - other_x) ** 2 + (y - other_y) ** 2 < (_APART * smaller) ** 2
    same &= np.maximum(sigma, other_sigma) < 2 * smaller
    return same


def _whole(numbers: Float64s) -> NDArray[np.intp]:
    """To whole numbers; what is between two but for rounding goes the same way on every processor."""
    return np.rint(np.round(numbers, 4)).astype(np.intp)


def _ground(plane: Float64s) -> NDArray[np.bool_]:
    """What is of one color from an edge of the picture on, along a row or a column: (h, w)."""
    height, width = plane.shape
    rows = plane.astype(np.int16)  # luma is in whole numbers
    columns = np.ascontiguousarray(rows.T)
    across, down = np.arange(width)[None, :], np.arange(height)[:, None]
    ground: NDArray[np.bool_] = across < _first_other(rows)[:, None]
    ground |= across >= width - _first_other(rows[:, ::-1])[:, None]
    ground |= down < _first_other(columns)
    ground |= down >= height - _first_other(columns[:, ::-1])
    return ground


def _first_other(lines: NDArray[np.int16]) -> NDArray[np.intp]:
    """Where each line is first of another color than at its beginning; its length, if nowhere."""
    count, length = lines.shape
    differs = np.ones((count, length + 1), np.bool_)
    np.greater(np.abs(lines - lines[:, :1]), TOLERANCE, out=differs[:, :-1])
    return differs.argmax(axis=1)


def _in_frame(frame: Box, box: Box, blobs: Blobs) -> Blobs:
    """Where the blobs of a box lie in the frame, in 255ths of its longer side."""
    longer, whole = (max(it[2] - it[0], it[3] - it[1]) for it in (box, frame))
    zoom = longer / whole  # of the box's plane to the frame's
    return Blobs(
        (blobs.x * zoom / PLANE_SIDE + (box[0] - frame[0]) / whole) * 255,
        (blobs.y * zoom / PLANE_SIDE + (box[1] - frame[1]) / whole) * 255,
        blobs.sigma * zoom / PLANE_SIDE * 255,
    )


def _places(blobs: Blobs, angles: Float64s) -> NDArray[np.uint8]:
    """Places in the frame as they are stored: (k, 4)."""
    scales = SCALE_ORIGIN + np.log2(blobs.sigma / SIGMAS[SCALE_ORIGIN]) * SCALE_STEPS
    places = np.round(np.stack([blobs.x, blobs.y, scales], axis=1), 4)
    turns = np.rint(np.round(angles * ANGLE_STEPS / (2 * np.pi), 4)) % ANGLE_STEPS
    whole_numbers = np.column_stack([np.rint(places).clip(0, 255), turns])
    whole_numbers[:, 2] = whole_numbers[:, 2].clip(1, 255)  # 0 marks a place that is not taken
    return whole_numbers.astype(np.uint8)


def _weak_bits(values: Float64s) -> NDArray[np.uint32]:
    """For each keypoint the bits of the bucket whose coefficients are the smallest, measured by what is usual there."""
    order = np.argsort(np.abs(values[:, :BUCKET_BITS]) / np.array(_USUAL), axis=1, kind="stable")[:, :WEAK_BITS]
    marks: NDArray[np.uint32] = (np.uint32(1) << order.astype(np.uint32)).sum(axis=1, dtype=np.uint32)
    return marks
