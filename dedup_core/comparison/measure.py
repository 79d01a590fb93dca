"""Two working images -> PairMeasurement: aligned, compared in structure, detail, tone and color."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.color.background import weights_and_plain_share
from dedup_core.color.color_metrics import ColorMetrics
from dedup_core.color.lab import srgb_to_lab
from dedup_core.color.metrics import lab_metrics
from dedup_core.comparison.clusters import boxes_of
from dedup_core.comparison.color_marks import Box, color_outlier
from dedup_core.comparison.detail import NOT_LOOKED, SURE_DETAIL, Look, look_closer
from dedup_core.comparison.edge_agreement import ShapeAgreement, shape_agreement
from dedup_core.comparison.exposure import BLOCK, SURE_RESIDUAL, Blocks, color_residual
from dedup_core.comparison.frames import frame_difference
from dedup_core.comparison.margins import with_margins
from dedup_core.comparison.measurement import FEW_PARTS, PairMeasurement
from dedup_core.comparison.placing import Contents, Placed, common_rectangle
from dedup_core.comparison.regions import Corners, Region, RegionKind
from dedup_core.comparison.seen_image import SeenImage, contents_of
from dedup_core.comparison.sides import ALIKE
from dedup_core.comparison.tones import tones_between
from dedup_core.comparison.which_side import WHOLE, sides_of
from dedup_core.decoding.given import Picture, working_image_of
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.hashes import hash_distance
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits
from dedup_core.views import View, opposite, turned

METRIC_SIZE: Final = 192  # pixels of the longer side: for structure and colors; `detail` looks at small things at 512
_LEAST_SIZE: Final = 32  # pixels: four blocks of edges in a row, eight of colors
_LEAST_COVERAGE: Final = 0.1  # less than that is no alignment
_SURE_STRUCTURE: Final = 0.9  # above the thresholds of every preset: no better alignment would change the verdict
_SURE_COVERAGE: Final = 0.5  # that of the strictest preset
_PART_DISCOUNT: Final = 0.2  # half of a picture must agree by 0.92 to outweigh the whole of it with 0.8
_OTHER_HUES: Final = 1.5  # CIELAB units
_SAME_FRAME: Final = 0.98  # ratio of two aspect ratios: a copy of few pixels is rounded by that much
_SURE_TEXTURE: Final = 0.1  # above the thresholds of every preset: not two plain pictures
_PLAUSIBLE: Final = 0.4  # structure below which no preset looks any further: nothing costs more for strangers
_PLAIN: Final = 0.02  # texture; with less, every preset takes a picture for a plain one, and one mark lies on any other
_NOT_PLAIN: Final = 0.15  # share of plain background; no preset takes less of it for one that a thing is shown before
_ALMOST_PLAIN: Final = 0.05  # texture; no preset takes a picture with more of it for a plain one


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
    inner: tuple[Corners, Corners] = (WHOLE, WHOLE)


def measure_pair(left: Picture, right: Picture, limits: DecodeLimits = DEFAULT_LIMITS) -> ColorMetrics:
    """The three color metrics of two pictures (as `compare` takes them), after alignment."""
    return measure_images(working_image_of(left, limits), working_image_of(right, limits)).metrics


def measure_images(
    left: WorkingImage | SeenImage, right: WorkingImage | SeenImage, hint: View | None = None
) -> PairMeasurement:
    """Everything about two decoded images; `hint` is the view in which the candidate index found them.

    The numbers are the same whichever picture is left; `view` and `hint` are how the left one is turned. Who compares
    one image with several gives it as a `SeenImage`.
    """
    ours, theirs = (it if isinstance(it, SeenImage) else SeenImage(it) for it in (left, right))
    if not _in_order(ours.working.pixels, theirs.working.pixels):
        back = None if hint is None else opposite(hint)
        return _measured_in_order(theirs, ours, back).seen_from_right()
    return _measured_in_order(ours, theirs, hint)


def measure_all(one: WorkingImage, others: Sequence[tuple[WorkingImage, View | None]]) -> list[PairMeasurement]:
    """Each of the others, with its hint, against the one image, whose luma and hashes are found once."""
    seen = SeenImage(one)
    return [measure_images(seen, other, hint) for other, hint in others]


def _measured_in_order(ours: SeenImage, theirs: SeenImage, hint: View | None) -> PairMeasurement:
    left, right = ours.working, theirs.working
    same = _equal_as_measured(left, right)
    if same:
        theirs = ours
    contents = contents_of(ours, theirs)
    if same:
        laid, look = _on_itself(left.pixels, contents[0]), NOT_LOOKED
    else:
        laid, look = _looked_at(left.pixels, right.pixels, hint, contents)
    pair, labs, shape = laid.pair, laid.labs, laid.shape
    weights, plain_share = weights_and_plain_share(*labs)
    unchanged = shape.unchanged if look.detail is None else laid.on_pair(look.unchanged)
    blocks = Blocks.of(pair.left, pair.right, weights * unchanged)
    residual = color_residual(blocks)
    tones, regions = None, look.regions
    if look.detail is not None:
        only_colors = residual <= SURE_RESIDUAL and look.detail.worst <= SURE_DETAIL
        before_plain = plain_share > _NOT_PLAIN
        tones, spots = tones_between(blocks, labs, only_colors=only_colors, before_plain=before_plain)
        if all(region.kind is RegionKind.SHARED for region in regions):
            regions += laid.regions_of(spots, BLOCK)
        if look.detail.altered_share <= FEW_PARTS:
            mark, boxes = color_outlier(pair.left, pair.right, laid.least_pixels)
            tones = replace(tones, mark=mark)
            if all(region.kind is RegionKind.SHARED for region in regions):
                regions += laid.regions_in(boxes)
    # Of what the verdict calls distinct no side matters.
    wholes = turned(left.pixels, pair.view), right.pixels
    has_sides = same or look.detail is not None or shape.texture <= _SURE_TEXTURE
    return PairMeasurement(
        metrics=lab_metrics(*labs, weights),
        view=pair.view,
        turn=laid.placed.turn,
        distance_bits=hash_distance(ours.hashes, theirs.hashes, pair.view),
        same_pixels=same and left.whole.digest == right.whole.digest != "",
        same_when_small=same,
        frame_difference=frame_difference(left, right, pair.view),
        structure=shape.structure,
        changed_share=shape.changed_share,
        texture=shape.texture,
        coverage=pair.coverage,
        inner_coverage=laid.inner_coverage,
        plain_share=plain_share,
        color_residual=residual,
        detail=look.detail,
        tones=tones,
        regions=regions,
        sides=sides_of(wholes, (pair.left, pair.right), pair.inner, METRIC_SIZE) if has_sides else ALIKE,
    )


def _equal_as_measured(left: WorkingImage, right: WorkingImage) -> bool:
    same_size = (left.width, left.height) == (right.width, right.height)
    return same_size and np.array_equal(left.pixels, right.pixels)


def align_pair(left: Pixels, right: Pixels, hint: View | None = None) -> AlignedPair:
    """Trim, align and cut both pictures to what they share, the longer side at most `METRIC_SIZE`.

    Both are turned as the smaller of the two is.
    """
    if _in_order(left, right):
        return _laid_in_order(left, right, hint).pair
    pair = _laid_in_order(right, left, hint and opposite(hint)).pair
    return AlignedPair(pair.right, pair.left, opposite(pair.view), pair.coverage)  # inner is asked of no such pair


def _in_order(left: Pixels, right: Pixels) -> bool:
    """Whether left comes first in the order in which every machine measures a pair: larger pictures do.

    Laid from the whole onto a crop the alignment is found more often than the other way round.
    """
    ours, theirs = (left.size, left.shape), (right.size, right.shape)
    return ours > theirs if ours != theirs else left.tobytes() <= right.tobytes()


@dataclass(frozen=True, slots=True)
class _Laid:
    """Two pictures laid on each other, what both show at `METRIC_SIZE`, in CIELAB too, and how their shapes agree."""

    placed: Placed
    pair: AlignedPair
    rectangle: tuple[slice, slice]
    base_size: tuple[int, int]
    inner_coverage: float
    labs: tuple[Float32s, Float32s]
    shape: ShapeAgreement

    @classmethod
    def of(cls, placed: Placed, *, stretched: bool = False) -> Self | None:
        """None where the two hardly overlap; of stretched ones coverage is how alike their shapes are."""
        longer = max(placed.left.shape[:2])
        scale = min(METRIC_SIZE, max(_LEAST_SIZE, longer * placed.zoom)) / longer  # colors are no finer in the other
        cut = placed.cut(scale, "RGB")
        rows, columns = rectangle = common_rectangle(cut.inside)
        seen = float(cut.inside.mean())
        zoom = placed.zoom
        share_of_right = seen * zoom**2 * placed.left[..., 0].size / placed.right[..., 0].size
        shares = sorted(min(1.0, share) for share in (seen, share_of_right))
        if stretched:
            shares = [placed.aspect_agreement] * 2
        elif shares[0] < _LEAST_COVERAGE or not cut.inside[rectangle].any():
            return None
        left, right = (np.asarray(image)[rows, columns] for image in (cut.left, cut.right))
        base = cut.left
        corners = (
            columns.start / base.width,
            rows.start / base.height,
            columns.stop / base.width,
            rows.stop / base.height,
        )
        inner = (WHOLE, WHOLE) if stretched else placed.inner(corners)
        pair = AlignedPair(left, right, placed.view, shares[0], inner)
        labs = srgb_to_lab(left), srgb_to_lab(right)
        return cls(placed, pair, rectangle, cut.left.size, shares[1], labs, shape_agreement(*labs))

    @property
    def credibility(self) -> float:
        """The structure that agrees, for somewhat less where it is that of a part: a part agrees more easily."""
        return float(self.shape.structure * self.pair.coverage**_PART_DISCOUNT)

    @property
    def is_sure(self) -> bool:
        return self.shape.structure >= _SURE_STRUCTURE and self.pair.coverage >= _SURE_COVERAGE

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
        return self.shape.one_way and self.pair.coverage < _SAME_FRAME

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


def _on_itself(pixels: Pixels, contents: Contents) -> _Laid:
    """A picture on one that is equal, where there is nothing to search for."""
    return _Laid.of(Placed.on_itself(pixels, contents[0])) or _laid_in_order(pixels, pixels, None, [contents])


def _looked_at(left: Pixels, right: Pixels, hint: View | None, contents: Sequence[Contents]) -> tuple[_Laid, Look]:
    """How the two lie on each other, and a closer look where they are at all alike."""
    laid = _laid_in_order(left, right, hint, contents)
    if laid.shape.texture < _PLAIN or laid.shape.structure < _PLAUSIBLE:
        return _look_at_plain(left, right, laid) if laid.shape.texture < _ALMOST_PLAIN else (laid, NOT_LOOKED)
    look, placed = NOT_LOOKED, laid.placed
    if laid.is_sure and placed.keeps_frame:
        look = look_closer(placed, recolored=laid.is_recolored)
    if look.detail is None or look.finds_much:
        placed = laid.placed.refined(rough=not laid.is_sure)
        if not laid.is_sure:
            finer = _Laid.of(placed)
            if finer is not None and finer.shape.structure > laid.shape.structure:
                laid = finer
        look = look.or_better(look_closer(placed, recolored=laid.is_recolored))
    if wider := with_margins(placed, left, right, contents[0]):
        look = look.or_worse(_nearest_look(wider, recolored=laid.is_recolored))
    if look.shows_nothing and laid.pair.coverage < _SAME_FRAME:
        stretched = Placed.stretched(left, right, placed.view)
        in_frame = _Laid.of(stretched, stretched=True) if stretched.aspect_agreement >= _SAME_FRAME else None
        if (
            in_frame is not None
            and not (closer := look_closer(stretched, recolored=in_frame.is_recolored)).shows_nothing
        ):
            laid, look = in_frame, closer
    if laid.pair.coverage < _SAME_FRAME:
        look = replace(look, regions=(placed.shared_region(), *look.regions))
    return laid, look


def _nearest_look(places: Sequence[Placed], *, recolored: bool) -> Look:
    """That at the place where least differs; where one leaves no more than a copy does, no other is looked at."""
    best = NOT_LOOKED
    for placed in places:
        best = best.or_better(look_closer(placed, recolored=recolored))
        if not best.finds_much:
            break
    return best


def _look_at_plain(left: Pixels, right: Pixels, laid: _Laid) -> tuple[_Laid, Look]:
    """A closer look at two pictures that show next to nothing, frame on frame: there is too little to align them by."""
    whole = Placed.stretched(left, right, View.UPRIGHT)
    in_frame = _Laid.of(whole, stretched=True) if whole.aspect_agreement >= _SAME_FRAME else None
    look = look_closer(laid.placed if in_frame is None else whole)
    return (laid, NOT_LOOKED) if look.shows_nothing else (in_frame or laid, look)


def _laid_in_order(left: Pixels, right: Pixels, hint: View | None, contents: Sequence[Contents] | None = None) -> _Laid:
    """As aligned, or simply one whole frame on the other where that agrees better.

    What lies over a copy (a watermark, noise) can draw the alignment away from the frame that was never changed.
    """
    first, others = (contents[0], contents[1:]) if contents else (None, ())
    aligned = Placed.aligned(left, right, hint, first)
    best = _Laid.of(aligned)
    framed_alike = not others or (best is not None and best.pair.coverage >= _SAME_FRAME)
    if best is not None and best.is_sure and framed_alike and not best.may_have_slid:
        return best
    inner = None if framed_alike else _Laid.of(Placed.aligned(left, right, hint, others[0]))
    views = dict.fromkeys((aligned.view, hint or View.UPRIGHT))  # of those that agree alike the first one stays
    whole = [Placed.stretched(left, right, view) for view in views]
    enough = 0.0 if best is None else _SAME_FRAME
    in_frame = [_Laid.of(placed, stretched=True) for placed in whole if placed.aspect_agreement >= enough]
    found = [laid for laid in (best, inner, *in_frame) if laid is not None]
    return max(found, key=lambda laid: laid.credibility)


def shared_parts(left: Pixels, right: Pixels, hint: View | None = None) -> tuple[Pixels, Pixels]:
    """What both pictures show, cut out of them as they are and brought to one size; left is upright, (h, w, 3) each."""
    if _in_order(left, right):
        laid = _laid_in_order(left, right, hint).pair
        wholes, inner, back = (turned(left, laid.view), right), laid.inner, opposite(laid.view)
    else:
        laid = _laid_in_order(right, left, hint and opposite(hint)).pair
        wholes, inner, back = (left, turned(right, laid.view)), laid.inner[::-1], View.UPRIGHT
    parts = [_cut(whole, corners) for whole, corners in zip(wholes, inner, strict=True)]
    size = parts[0].shape[1], parts[0].shape[0]
    second = np.asarray(Image.fromarray(np.ascontiguousarray(parts[1])).resize(size, Image.Resampling.BILINEAR))
    first, second = (np.ascontiguousarray(turned(part, back)) for part in (parts[0], second))
    return first, second


def _cut(whole: Pixels, corners: Corners) -> Pixels:
    height, width = whole.shape[:2]
    left, top, right, bottom = (min(1.0, max(0.0, corner)) for corner in corners)
    rows = slice(int(top * height), max(int(top * height) + 1, round(bottom * height)))
    columns = slice(int(left * width), max(int(left * width) + 1, round(right * width)))
    return whole[rows, columns]
