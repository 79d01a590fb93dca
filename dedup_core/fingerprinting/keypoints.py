"""Keypoints: the strongest blobs of a picture, each with a short binary word that survives cropping and turning.

A word is taken from a patch that is turned the way its own content points, so it is the same at any angle.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.blobs import FIRST_SIGMA, Blobs, Floats, Spectrum, blobs_of
from dedup_core.fingerprinting.borders import TOLERANCE, Box
from dedup_core.fingerprinting.luma import LumaPicture
from dedup_core.fingerprinting.patches import RADIUS, described

MAX_KEYPOINTS: Final = 24
MAX_ASKED: Final = 96
PLANE_SIDE: Final = 128  # keypoints are looked for with the longer side of a box at this size
BUCKET_BITS: Final = 20
WORD_BITS: Final = 28
WEAK_BITS: Final = 5
KEYPOINT_BYTES: Final = 8
SCALE_STEPS: Final = 32  # of a stored scale, an octave
SCALE_ORIGIN: Final = 80  # the stored scale of the smallest blob in the frame; in a block of it they are smaller
ANGLE_STEPS: Final = 64  # of a stored angle, a turn
# Coefficients (row, column) of a patch whose signs make up its word, the lowest bit first: those that tell the most of
# the ones that are left, by how rarely they flip between copies and how little the ones before tell of them.
WORD_CELLS: Final = (
    *((2, 2), (1, 1), (2, 0), (1, 3), (1, 2), (0, 3), (3, 0), (3, 1), (0, 2), (3, 3)),
    *((2, 1), (1, 4), (5, 0), (3, 4), (0, 5), (4, 3), (6, 0), (4, 4), (5, 2), (0, 6)),
    *((2, 5), (3, 5), (4, 1), (1, 5), (5, 3), (6, 1), (1, 6), (4, 5)),
)
# The usual size of the bucket's coefficients, by which they are weighed to find those that are unsure.
_USUAL: Final = (97, 74, 72, 44, 45, 38, 30, 33, 104, 18, 52, 22, 14, 14, 19, 14, 9, 10, 10, 11)
_USUALLY_WEAK: Final = sum(1 << bit for bit in range(BUCKET_BITS - WEAK_BITS, BUCKET_BITS))
_INSIDE: Final = 0.7  # share of a patch's radius that must lie inside the picture
_FINE_SIGMA: Final = 2.5  # lines: smaller blobs are what larger pictures find of this one in them,
_FINE_SHARE: Final = 0.4  # and larger ones what is left of this one in larger pictures: some of both are kept
_GROUND_REACH: Final = 2.0  # sigmas to each side of a blob
_GROUND_SHARE: Final = 0.1
_BLOCK_SHARE: Final = 2 / 3  # of the keypoints, where the content is a block in a frame


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """Some keypoints of a picture.

    `words` (k,) uint32 of 28 bits; `weak` (k,) uint32 marks the 5 of the low 20 bits that are the least sure; `places`
    (k, 4) uint8: x and y in 255ths of the longer side of the frame, scale in 32nds of an octave, angle in 64ths of a
    turn.
    """

    words: NDArray[np.uint32]
    weak: NDArray[np.uint32]
    places: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def none(cls) -> Self:
        return cls(np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros((0, 4), np.uint8))

    @classmethod
    def joined(cls, parts: "list[Keypoints]") -> Self:
        return cls(
            np.concatenate([part.words for part in parts]),
            np.concatenate([part.weak for part in parts]),
            np.concatenate([part.places for part in parts]),
        )

    def taken(self, chosen: NDArray[np.intp]) -> Self:
        return type(self)(self.words[chosen], self.weak[chosen], self.places[chosen])

    def to_bytes(self) -> bytes:
        """Always 192 bytes; a scale of zero marks a place that is not taken. Which bits are unsure is not kept."""
        packed = np.zeros((MAX_KEYPOINTS, KEYPOINT_BYTES), np.uint8)
        count = len(self)
        packed[:count, :4] = self.words.astype("<u4")[:, None].view(np.uint8)
        packed[:count, 4:] = self.places[:, [0, 1, 3, 2]]
        return packed.tobytes()

    @classmethod
    def from_packed(cls, packed: NDArray[np.uint8]) -> Self:
        """The keypoints that `to_bytes` wrote, of one or more images: (n, 8) bytes."""
        taken = packed[packed[:, -1] > 0]
        words = np.ascontiguousarray(taken[:, :4]).view("<u4")[:, 0].astype(np.uint32)
        return cls(words, np.full(len(words), _USUALLY_WEAK, np.uint32), taken[:, [4, 5, 7, 6]])


def keypoints_of(luma: LumaPicture) -> tuple[Keypoints, Keypoints]:
    """At most 24 keypoints to be stored, and at most 96 to ask with; places are those in the frame.

    Where the content is one block in a frame with other things, most are of the block; of several blocks, as many each.
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
    asked = [it.asked(round(share * MAX_ASKED)) for it, share in zip(found, shares, strict=True)]
    return Keypoints.joined(stored), Keypoints.joined(asked)


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


def _found(luma: LumaPicture, box: Box) -> _Found:
    plane = luma.fitted(box, PLANE_SIDE)
    spectrum = Spectrum(plane)
    blobs = blobs_of(spectrum, _INSIDE * RADIUS)
    if len(blobs.x) == 0:
        return _Found(Keypoints.none(), np.zeros(0, np.bool_), np.zeros(0, np.intp))
    order = np.argsort(_meets_ground(plane, blobs), kind="stable")
    blobs = Blobs(*(column[order] for column in blobs))
    others = np.flatnonzero(blobs.sigma[: 2 * MAX_ASKED] >= _FINE_SIGMA)[:MAX_KEYPOINTS]
    needed = np.union1d(np.arange(min(MAX_ASKED, len(blobs.x))), others)  # to ask with, and to keep
    blobs = Blobs(*(column[needed] for column in blobs))
    angles, patches = described(plane, spectrum, blobs)
    row, column = np.array(WORD_CELLS).T
    values = patches[:, row, column]  # (k, 28)
    words = (values > 0) @ (1 << np.arange(WORD_BITS, dtype=np.uint32))
    keypoints = Keypoints(words.astype(np.uint32), _weak_bits(values), _places(luma.frame, box, blobs, angles))
    is_below, is_right = (np.round(it, 4) > side / 2 for it, side in zip((blobs.y, blobs.x), plane.shape, strict=True))
    return _Found(keypoints, blobs.sigma < _FINE_SIGMA, 2 * is_below.astype(np.intp) + is_right)


def _meets_ground(plane: Floats, blobs: Blobs) -> NDArray[np.bool_]:
    """Which blobs have ground around them: the wedges of a turned picture, white corners, what a part lies on.

    They show where the picture ends at least as much as what is in it, so copies in other frames have not got them.
    """
    height, width = plane.shape
    covered = np.zeros((height + 1, width + 1), np.int64)
    covered[1:, 1:] = _ground(plane).cumsum(axis=0).cumsum(axis=1)
    reach = _GROUND_REACH * blobs.sigma
    left, right = (_whole(blobs.x + side).clip(0, width) for side in (-reach, reach))
    top, bottom = (_whole(blobs.y + side).clip(0, height) for side in (-reach, reach))
    around = covered[bottom, right] - covered[top, right] - covered[bottom, left] + covered[top, left]
    meets: NDArray[np.bool_] = around > _GROUND_SHARE * (right - left) * (bottom - top)
    return meets


def _whole(numbers: Floats) -> NDArray[np.intp]:
    """To whole numbers; what is between two but for rounding goes the same way on every processor."""
    return np.rint(np.round(numbers, 4)).astype(np.intp)


def _ground(plane: Floats) -> NDArray[np.bool_]:
    """What is of one color from an edge of the picture on, along a row or a column: (h, w)."""
    height, width = plane.shape
    across, down = np.arange(width)[None, :], np.arange(height)[:, None]
    ground: NDArray[np.bool_] = across < _first_other(plane, plane[:, :1], 1)[:, None]
    ground |= across >= width - _first_other(plane[:, ::-1], plane[:, -1:], 1)[:, None]
    ground |= down < _first_other(plane, plane[:1], 0)
    ground |= down >= height - _first_other(plane[::-1], plane[-1:], 0)
    return ground


def _first_other(plane: Floats, colors: Floats, axis: int) -> NDArray[np.intp]:
    """Where each line along an axis is first of another color than that given for it; its length, if nowhere."""
    differs = np.abs(plane - colors) > TOLERANCE
    first = differs.argmax(axis=axis)
    return np.where(
        np.take_along_axis(differs, np.expand_dims(first, axis), axis).squeeze(axis), first, plane.shape[axis]
    )


def _places(frame: Box, box: Box, blobs: Blobs, angles: Floats) -> NDArray[np.uint8]:
    """Where the blobs of a box lie in the frame, as they are stored: (k, 4)."""
    longer, whole = (max(it[2] - it[0], it[3] - it[1]) for it in (box, frame))
    zoom = longer / whole  # of the box's plane to the frame's
    places = np.stack(
        [
            (blobs.x * zoom / PLANE_SIDE + (box[0] - frame[0]) / whole) * 255,
            (blobs.y * zoom / PLANE_SIDE + (box[1] - frame[1]) / whole) * 255,
            SCALE_ORIGIN + np.log2(blobs.sigma * zoom / FIRST_SIGMA) * SCALE_STEPS,
        ],
        axis=1,
    )
    turns = np.rint(np.round(angles * ANGLE_STEPS / (2 * np.pi), 4)) % ANGLE_STEPS
    whole_numbers = np.column_stack([np.rint(np.round(places, 4)).clip(0, 255), turns])
    whole_numbers[:, 2] = whole_numbers[:, 2].clip(1, 255)  # 0 marks a place that is not taken
    return whole_numbers.astype(np.uint8)


def _weak_bits(values: Floats) -> NDArray[np.uint32]:
    """For each keypoint the bits of the bucket whose coefficients are the smallest, measured by what is usual there."""
    order = np.argsort(np.abs(values[:, :BUCKET_BITS]) / np.array(_USUAL), axis=1, kind="stable")[:, :WEAK_BITS]
    marks: NDArray[np.uint32] = (np.uint32(1) << order.astype(np.uint32)).sum(axis=1, dtype=np.uint32)
    return marks
