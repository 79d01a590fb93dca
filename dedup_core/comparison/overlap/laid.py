"""Two pictures laid on each other: what both show, at the size of metrics, with its colors and how its shapes agree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.comparison.alignment.frame import WHOLE, Contents
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.alignment.sheets import laid_by_sheets
from dedup_core.comparison.detail.color_marks import Box
from dedup_core.comparison.overlap.part import Part, part_of
from dedup_core.comparison.regions import WHOLE_CORNERS, Corners, Region, RegionKind
from dedup_core.comparison.structure.clusters import boxes_of, common_rectangle
from dedup_core.comparison.structure.edge_agreement import ShapeAgreement, shape_agreement
from dedup_core.comparison.structure.images import in_mode
from dedup_core.views import TURNS, View, opposite, turned

METRIC_SIZE: Final = 192  # pixels of the longer side: for structure and colors; `detail` looks at small things at 512
_LEAST_SIZE: Final = 32  # pixels: four blocks of edges in a row, eight of colors
_LEAST_COVERAGE: Final = 0.1  # less than that is no alignment
_SURE_STRUCTURE: Final = 0.9  # above the thresholds of every preset: no better alignment would change the verdict
_SURE_COVERAGE: Final = 0.5  # that of the strictest preset
_PART_DISCOUNT: Final = 0.2  # half of a picture must agree by 0.92 to outweigh the whole of it with 0.8
_OTHER_HUES: Final = 1.5  # CIELAB units
SAME_FRAME: Final = 0.98  # ratio of two aspect ratios: a copy of few pixels is rounded by that much


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """The part that both pictures show, at one size and in one place: (h, w, 3) uint8 each.

    `view` is how left was turned to lie on right, or right was turned back to lie on left. `inner`: where that part
    lies in the left picture, turned as it is, and in the right one, as shares of width and height.
    """

    left: Pixels
    right: Pixels
    view: View
    coverage: float
    inner: tuple[Corners, Corners] = (WHOLE_CORNERS, WHOLE_CORNERS)


@dataclass(frozen=True)
class Laid:
    """Two pictures laid on each other, what both show at `METRIC_SIZE`, in CIELAB too, and how their shapes agree.

    `is_cropped`: not all that lies on the other is meant, but only the rectangle in which they agree.
    """

    placed: Placed
    pair: AlignedPair
    rectangle: tuple[slice, slice]
    base_size: tuple[int, int]
    inner_coverage: float
    parts: tuple[Part, Part]
    is_cropped: bool = False

    @classmethod
    def of(cls, placed: Placed, *, stretched: bool = False) -> Self | None:
        """None where the two hardly overlap; of stretched ones coverage is how alike their shapes are."""
        longer = max(placed.left.shape[:2])
        scale = min(METRIC_SIZE, max(_LEAST_SIZE, longer * placed.zoom)) / longer  # colors are no finer in the other
        cut = placed.cut(scale, "RGB")
        rows, columns = rectangle = common_rectangle(cut.inside)
        shares = shares_shown(placed, float(cut.inside.mean()))
        if stretched:
            shares = [placed.aspect_agreement] * 2
        elif shares[0] < _LEAST_COVERAGE or not cut.inside[rectangle].any():
            return None
        left, right = (part_of(np.asarray(image)[rows, columns]) for image in (cut.left, cut.right))
        base = cut.left
        corners = (
            columns.start / base.width,
            rows.start / base.height,
            columns.stop / base.width,
            rows.stop / base.height,
        )
        inner = (WHOLE_CORNERS, WHOLE_CORNERS) if stretched else placed.inner(corners)
        pair = AlignedPair(left.pixels, right.pixels, placed.view, shares[0], inner)
        return cls(placed, pair, rectangle, cut.left.size, shares[1], (left, right))

    @cached_property
    def shape(self) -> ShapeAgreement:
        """How their shapes agree; for colors nobody asks for it."""
        return shape_agreement(self.parts[0].shapes, self.parts[1].shapes)

    @property
    def labs(self) -> tuple[Float32s, Float32s]:
        """Both in CIELAB, (h, w, 3) each."""
        return self.parts[0].lab, self.parts[1].lab

    @property
    def credibility(self) -> float:
        """The structure that agrees, for somewhat less where it is that of a part: a part agrees more easily."""
        return float(self.shape.structure * self.pair.coverage**_PART_DISCOUNT)

    @property
    def fits(self) -> bool:
        """Whether all that is shown of both agrees as well as that of a copy."""
        return self.shape.structure >= _SURE_STRUCTURE

    @property
    def is_sure(self) -> bool:
        """Whether it fits, and is no small part."""
        return self.fits and self.pair.coverage >= _SURE_COVERAGE

    @property
    def is_recolored(self) -> bool:
        """Whether hues or saturations differ by more than compression changes them."""
        ours, theirs = self.labs
        off = np.abs(ours - theirs).reshape(-1, 3)
        # A product with ones: a mean over planes that lie apart in memory takes many times longer.
        _, red, blue = np.ones(len(off), np.float32) @ off / np.float32(len(off))
        return float(red + blue) / 2 > _OTHER_HUES

    @property
    def may_have_slid(self) -> bool:
        """Whether bars lie on parts of bars: along them nothing tells how large or where the other picture is."""
        return self.shape.one_way and self.pair.coverage < SAME_FRAME

    @property
    def least_pixels(self) -> float:
        """How many pixels the longer side of what left shows has in the picture with fewer of them."""
        return float(max(self.placed.left.shape[:2]) * min(1.0, self.placed.zoom))

    def on_pair(self, whole: Image.Image) -> Float32s:
        """A map of the whole turned left picture (0 or 255) at the places of the pair, (h, w) of 0 or 1."""
        resized = np.asarray(whole.resize(self.base_size, Image.Resampling.NEAREST))
        return (resized[self.rectangle] > 0).astype(np.float32)

    def regions_of(self, blocks: NDArray[np.bool_], side: int) -> tuple[Region, ...]:
        """Groups of marked blocks of `side` pixels as regions of both whole pictures that differ."""
        return self.regions_in(boxes_of(blocks, side))

    def regions_in(self, boxes: Iterable[Box]) -> tuple[Region, ...]:
        """Boxes in pixels of the pair as regions of both whole pictures that differ."""
        rows, columns = self.rectangle
        width, height = self.base_size
        corners = [
            (
                (columns.start + x) / width,
                (rows.start + y) / height,
                (columns.start + u) / width,
                (rows.start + v) / height,
            )
            for x, y, u, v in boxes
        ]
        return tuple(self.placed.region(RegionKind.CHANGED, *box) for box in corners)


def shares_shown(placed: Placed, of_left: float) -> list[float]:
    """Which shares of the two pictures this share of the left one is, 0..1, the smaller first; 0 of mere filling."""
    of_right = of_left * placed.zoom**2 * placed.left[..., 0].size / placed.right[..., 0].size
    unfilled = placed.unfilled_shares
    shares = zip((of_left, of_right), unfilled, strict=True)
    return sorted(min(1.0, share / whole) if whole > 0 else 0.0 for share, whole in shares)


def on_itself(pixels: Pixels, contents: Contents) -> Laid:
    """A picture on one that is equal, where there is nothing to search for."""
    return Laid.of(Placed.on_itself(pixels, contents[0])) or laid_in_order(pixels, pixels, None, [contents])


def align_pair(left: Pixels, right: Pixels, hint: View | None = None) -> AlignedPair:
    """Trim, align and cut both pictures to what they share, the longer side at most `METRIC_SIZE`.

    Both are turned as the smaller of the two is.
    """
    if in_order(left, right):
        return laid_in_order(left, right, hint).pair
    pair = laid_in_order(right, left, hint and opposite(hint)).pair
    return AlignedPair(pair.right, pair.left, opposite(pair.view), pair.coverage)  # inner is asked of no such pair


def in_order(left: Pixels, right: Pixels) -> bool:
    """Whether left comes first in the order in which every machine measures a pair: larger pictures do.

    Laid from the whole onto a crop the alignment is found more often than the other way round.
    """
    ours, theirs = (left.size, left.shape), (right.size, right.shape)
    return ours > theirs if ours != theirs else left.tobytes() <= right.tobytes()


def laid_in_order(left: Pixels, right: Pixels, hint: View | None, contents: Sequence[Contents] | None = None) -> Laid:
    """As aligned, or simply one whole frame on the other where that agrees better.

    What lies over a copy (a watermark, noise) can draw the alignment away from the frame that was never changed.
    """
    first, others = (contents[0], contents[1:]) if contents else (None, ())
    aligned = Placed.aligned(left, right, hint, first)
    best = Laid.of(aligned)
    framed_alike = not others or (best is not None and best.pair.coverage >= SAME_FRAME)
    if best is not None and best.is_sure and framed_alike and not best.may_have_slid:
        return best
    inner = None if framed_alike else Laid.of(Placed.aligned(left, right, hint, others[0]))
    views = dict.fromkeys((aligned.view, hint or View.UPRIGHT))  # of those that agree alike the first one stays
    whole = [Placed.stretched(left, right, view) for view in views]
    enough = 0.0 if best is None else SAME_FRAME
    in_frame = [Laid.of(placed, stretched=True) for placed in whole if placed.aspect_agreement >= enough]
    untrimmed = None
    if best is not None and best.fits and best.pair.coverage < _SURE_COVERAGE and aligned.frames != (WHOLE, WHOLE):
        # Margins that were trimmed of one, and not of its scan on rough paper, are shown by both.
        untrimmed = Laid.of(aligned.within(left, right, (WHOLE, WHOLE)))
    turns = views if hint else dict.fromkeys((*views, *TURNS))
    by_sheets = map(Laid.of, laid_by_sheets(left, right, turns))
    found = [laid for laid in (best, inner, untrimmed, *in_frame, *by_sheets) if laid is not None]
    return max(found, key=lambda laid: laid.credibility)


def shared_parts(left: Pixels, right: Pixels, hint: View | None = None) -> tuple[Pixels, Pixels]:
    """What both pictures show, cut out of them as they are and brought to one size; left is upright, (h, w, 3) each."""
    if in_order(left, right):
        laid = laid_in_order(left, right, hint).pair
        wholes, inner, back = (turned(left, laid.view), right), laid.inner, opposite(laid.view)
    else:
        laid = laid_in_order(right, left, hint and opposite(hint)).pair
        wholes, inner, back = (left, turned(right, laid.view)), laid.inner[::-1], View.UPRIGHT
    parts = [_cut(whole, corners) for whole, corners in zip(wholes, inner, strict=True)]
    size = parts[0].shape[1], parts[0].shape[0]
    second = np.asarray(in_mode(parts[1], "RGB").resize(size, Image.Resampling.BILINEAR))
    first, second = (np.ascontiguousarray(turned(part, back)) for part in (parts[0], second))
    return first, second


def _cut(whole: Pixels, corners: Corners) -> Pixels:
    height, width = whole.shape[:2]
    left, top, right, bottom = (min(1.0, max(0.0, corner)) for corner in corners)
    row, column = min(int(top * height), height - 1), min(int(left * width), width - 1)
    rows, columns = (
        slice(row, max(row + 1, round(bottom * height))),
        slice(column, max(column + 1, round(right * width))),
    )
    return whole[rows, columns]
