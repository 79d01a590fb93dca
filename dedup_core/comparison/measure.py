"""Two working images -> PairMeasurement: aligned, compared in structure, tone and color."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.color.background import weights_and_plain_share
from dedup_core.color.lab import srgb_to_lab
from dedup_core.color.metrics import ColorMetrics, lab_metrics
from dedup_core.comparison.align import affine_coefficients, align
from dedup_core.comparison.edge_agreement import ShapeAgreement, shape_agreement
from dedup_core.comparison.exposure import color_residual
from dedup_core.comparison.local_contrast import content_box
from dedup_core.comparison.regions import Corners, Region, swapped
from dedup_core.comparison.sides import ALIKE, WHOLE, Sides, overlaid_sides, side_of
from dedup_core.decoding.given import Picture, working_image_of
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.hashes import hash_distance, hashes_of
from dedup_core.limits import DEFAULT_LIMITS, WORKING_SIZE, DecodeLimits
from dedup_core.views import View, opposite, turned

METRIC_SIZE: Final = 192
_LEAST_COVERAGE: Final = 0.1  # less than that is no alignment
_SURE_STRUCTURE: Final = 0.9  # above the thresholds of every preset: no better alignment would change the verdict
_SURE_COVERAGE: Final = 0.5  # that of the strictest preset
_PART_DISCOUNT: Final = 0.2  # half of a picture must agree by 0.92 to outweigh the whole of it with 0.8
_SAME_FRAME: Final = 0.98  # ratio of two aspect ratios: a copy of few pixels is rounded by that much


@dataclass(frozen=True, slots=True)
class PairMeasurement:
    """All that is measured of a pair; `decide` needs nothing else.

    `same_pixels`: the pictures were compared whole and are equal. `same_when_small`: they are of one size and equal
    once they are shrunk to `WORKING_SIZE`; what a single pixel of the whole ones shows may differ.
    `structure` -1..1: correlation of edges or of lightness where both are seen. `changed_share` 0..1: share of textured
    blocks that do not agree. `texture` 0..1: share of blocks with any texture. `rest_share` 0..1: share of textured
    blocks that neither changed nor touch one that did; `rest_structure` -1..1: correlation there, of edges or of
    lightness, whichever is lower. `coverage` 0..1: share of the larger picture that the other shows too. `plain_share`
    0..1: share of plain background in both. `color_residual` 0..~258: mean CIELAB difference that no exposure, contrast
    or white balance explains. `regions`: the parts that the two show differently. `sides`: which of the two has
    something over it or around it, or shows less.
    """

    metrics: ColorMetrics
    view: View
    distance_bits: int | None
    same_pixels: bool
    same_when_small: bool
    structure: float
    changed_share: float
    texture: float
    rest_share: float
    rest_structure: float
    coverage: float
    plain_share: float
    color_residual: float
    regions: tuple[Region, ...] = ()
    sides: Sides = ALIKE


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


def measure_images(left: WorkingImage, right: WorkingImage, hint: View | None = None) -> PairMeasurement:
    """Everything about two decoded images; `hint` is the view in which the candidate index found them.

    The numbers are the same whichever picture is left; `view` and `hint` are how the left one is turned.
    """
    if not _in_order(left.pixels, right.pixels):
        turned_back = _measured_in_order(right, left, hint and opposite(hint))
        return replace(
            turned_back,
            view=opposite(turned_back.view),
            regions=swapped(turned_back.regions),
            sides=turned_back.sides.swapped(),
        )
    return _measured_in_order(left, right, hint)


def _measured_in_order(left: WorkingImage, right: WorkingImage, hint: View | None) -> PairMeasurement:
    same = _equal_as_measured(left, right)
    laid = _laid_in_order(left.pixels, right.pixels, hint)
    pair, labs, shape = laid.pair, laid.labs, laid.shape
    weights, plain_share = weights_and_plain_share(*labs)
    return PairMeasurement(
        metrics=lab_metrics(*labs, weights),
        view=pair.view,
        distance_bits=hash_distance(hashes_of(left), hashes_of(right), pair.view),
        same_pixels=same and max(left.width, left.height) <= WORKING_SIZE,
        same_when_small=same,
        structure=shape.structure,
        changed_share=shape.changed_share,
        texture=shape.texture,
        rest_share=shape.rest_share,
        rest_structure=shape.rest_structure,
        coverage=pair.coverage,
        plain_share=plain_share,
        color_residual=color_residual(pair.left, pair.right, weights * shape.unchanged),
        sides=_sides(left.pixels, right.pixels, pair),
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
    """Two pictures laid on each other, in CIELAB too, and how far their shapes agree."""

    pair: AlignedPair
    labs: tuple[Float32s, Float32s]
    shape: ShapeAgreement

    @classmethod
    def of(cls, pair: AlignedPair) -> Self:
        labs = srgb_to_lab(pair.left), srgb_to_lab(pair.right)
        return cls(pair, labs, shape_agreement(*labs))

    @property
    def credibility(self) -> float:
        """The structure that agrees, for somewhat less where it is that of a part: a part agrees more easily."""
        return float(self.shape.structure * self.pair.coverage**_PART_DISCOUNT)


def _laid_in_order(left: Pixels, right: Pixels, hint: View | None) -> _Laid:
    """As aligned, or simply one whole frame on the other where that agrees better.

    What lies over a copy (a watermark, noise) can draw the alignment away from the frame that was never changed.
    """
    best = _Laid.of(_aligned_in_order(left, right, hint))
    if best.shape.structure >= _SURE_STRUCTURE and best.pair.coverage >= _SURE_COVERAGE:
        return best
    views = dict.fromkeys((best.pair.view, hint or View.UPRIGHT))  # of those that agree alike the first one stays
    whole = [_stretched(_shrunk(turned(left, view), METRIC_SIZE / max(left.shape[:2])), right, view) for view in views]
    in_frame = [_Laid.of(pair) for pair in whole if pair.coverage >= _SAME_FRAME]
    return max([best, *in_frame], key=lambda laid: laid.credibility)


def _aligned_in_order(left: Pixels, right: Pixels, hint: View | None) -> AlignedPair:
    content = [content_box(pixels) for pixels in (left, right)]
    whole_left, whole_right = left, right
    left, right = left[content[0]], right[content[1]]
    found = align(left, right, hint)
    base = _shrunk(turned(left, found.view), METRIC_SIZE / max(left.shape[:2]))
    zoom = max(right.shape[:2]) * abs(float(np.linalg.det(found.matrix[:, :2]))) ** 0.5 / max(base.size)
    top = _shrunk(right, 1.0 / zoom)
    coefficients = affine_coefficients(found.matrix, max(base.size), max(top.size))
    warped = top.transform(base.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    # Pillow rounds otherwise without interpolation, and would call points seen that it has filled with black.
    marked = Image.new("L", top.size, 255)
    seen = marked.transform(base.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    inside = np.asarray(seen) > 0
    rows, columns = _common_rectangle(inside)
    common = (rows.stop - rows.start) * (columns.stop - columns.start)
    share_of_left = common / (base.width * base.height)
    share_of_right = common * zoom**2 / (right.shape[0] * right.shape[1])
    coverage = min(1.0, share_of_left, share_of_right)
    if coverage < _LEAST_COVERAGE or not inside[rows, columns].any():
        return _stretched(base, right, found.view)
    inner = (columns.start, rows.start, columns.stop, rows.stop)
    across, down = coefficients[:3], coefficients[3:]
    corners = [(it[0] * x + it[1] * y + it[2]) for x, y in (inner[:2], inner[2:]) for it in (across, down)]
    insides = (
        _in_whole(inner, base.size, content_box(turned(whole_left, found.view)), turned(whole_left, found.view)),
        _in_whole(corners, top.size, content[1], whole_right),
    )
    part = np.asarray(base)[rows, columns], np.asarray(warped)[rows, columns]
    return AlignedPair(*part, found.view, coverage, insides)


def _in_whole(corners: Sequence[float], size: tuple[int, int], content: tuple[slice, slice], whole: Pixels) -> Corners:
    """Corners in the shrunk content of a picture, `size` wide and high, as shares of the whole picture."""
    rows, columns = content
    across, down = (columns.stop - columns.start) / size[0], (rows.stop - rows.start) / size[1]
    height, width = whole.shape[:2]
    left, right = ((columns.start + x * across) / width for x in (corners[0], corners[2]))
    top, bottom = ((rows.start + y * down) / height for y in (corners[1], corners[3]))
    return left, top, right, bottom


def _sides(left: Pixels, right: Pixels, pair: AlignedPair) -> Sides:
    wholes = (turned(left, pair.view), right)
    small = [np.asarray(_shrunk(pixels, METRIC_SIZE / max(pixels.shape[:2]))) for pixels in wholes]
    overlaid = overlaid_sides(pair.left, pair.right)
    sides = Sides(*map(side_of, small, pair.inner, overlaid))
    return ALIKE if sides.left.is_framed and sides.right.is_framed else sides


def _stretched(base: Image.Image, right: Pixels, view: View) -> AlignedPair:
    """The whole of both at one size, where no alignment was found; coverage is how alike their shapes are."""
    top = Image.fromarray(np.ascontiguousarray(right))
    aspects = base.width / base.height, top.width / top.height
    resized = top.resize(base.size, Image.Resampling.BOX)
    return AlignedPair(np.asarray(base), np.asarray(resized), view, min(aspects) / max(aspects))


def _shrunk(pixels: Pixels, scale: float) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if scale >= 1.0:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BOX)


def _common_rectangle(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    """A large rectangle of points that both pictures show: the side with most holes is cut until none is left.

    Empty if there is no such rectangle.
    """
    if inside.all() or not inside.any():
        return slice(0, inside.shape[0]), slice(0, inside.shape[1])
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, bottom, first, last = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    while bottom > top and last > first:
        part = inside[top:bottom, first:last]
        holes = (1 - part[0].mean(), 1 - part[-1].mean(), 1 - part[:, 0].mean(), 1 - part[:, -1].mean())
        if max(holes) == 0:
            break
        worst = int(np.argmax(holes))
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        first, last = first + (worst == 2), last - (worst == 3)  # noqa: PLR2004
    return slice(int(top), int(bottom)), slice(int(first), int(last))
