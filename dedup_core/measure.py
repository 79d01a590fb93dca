"""Two working images -> PairMeasurement: aligned, compared in structure, tone and color."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.align import Alignment, affine_coefficients, align
from dedup_core.color import ColorMetrics, color_metrics, object_weights, plain_share, srgb_to_lab
from dedup_core.decode import DEFAULT_LIMITS, DecodeLimits, WorkingImage, decode
from dedup_core.exposure import color_residual
from dedup_core.fingerprint import View, fingerprints_of, view_hashes
from dedup_core.shape import shape_agreement
from dedup_core.structure import Pixels, trim_borders, turned

METRIC_SIZE: Final = 192


@dataclass(frozen=True, slots=True)
class PairMeasurement:
    """All that is measured of a pair; `decide` needs nothing else.

    `structure` -1..1: correlation of edge directions where both are seen. `changed_share` 0..1: share of the textured
    blocks that do not agree. `texture` 0..1: share of blocks with any texture. `coverage` 0..1: share of the larger
    picture that the other shows too. `plain_share` 0..1: share of plain background in both. `color_residual` 0..~258:
    mean CIELAB difference that no exposure, contrast or white balance explains.
    """

    metrics: ColorMetrics
    view: View
    distance_bits: int | None
    same_pixels: bool
    structure: float
    changed_share: float
    texture: float
    coverage: float
    plain_share: float
    color_residual: float


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """The part that both pictures show, at one size and in one place: (h, w, 3) uint8 each."""

    left: Pixels
    right: Pixels
    alignment: Alignment
    coverage: float


def measure_pair(left_data: bytes, right_data: bytes, limits: DecodeLimits = DEFAULT_LIMITS) -> ColorMetrics:
    """The three color metrics of two encoded images, after alignment."""
    return measure_images(decode(left_data, limits), decode(right_data, limits)).metrics


def measure_images(left: WorkingImage, right: WorkingImage, hint: View | None = None) -> PairMeasurement:
    """Everything about two decoded images; `hint` is the view in which the candidate index found them."""
    pair = align_pair(left.pixels, right.pixels, hint)
    left_lab, right_lab = srgb_to_lab(pair.left), srgb_to_lab(pair.right)
    shape = shape_agreement(left_lab, right_lab)
    weights = np.maximum(object_weights(left_lab), object_weights(right_lab))
    view = pair.alignment.view
    return PairMeasurement(
        metrics=color_metrics(pair.left, pair.right),
        view=view,
        distance_bits=fingerprint_distance(left, right, view),
        same_pixels=_same_pixels(left, right),
        structure=shape.structure,
        changed_share=shape.changed_share,
        texture=shape.texture,
        coverage=pair.coverage,
        plain_share=min(plain_share(left_lab), plain_share(right_lab)),
        color_residual=color_residual(pair.left, pair.right, weights * shape.unchanged),
    )


def _same_pixels(left: WorkingImage, right: WorkingImage) -> bool:
    same_size = (left.width, left.height) == (right.width, right.height)
    return same_size and np.array_equal(left.pixels, right.pixels)


def fingerprint_distance(left: WorkingImage, right: WorkingImage, view: View) -> int | None:
    """Bits between the nearest windows of the two, the left one seen in `view`; None if either is flat."""
    a, b = (fingerprints_of(image, bytes(8)).hashes for image in (left, right))
    if len(a) == 0 or len(b) == 0:
        return None
    differing = view_hashes(a, view)[:, None, :] ^ b[None, :, :]
    return int(np.bitwise_count(differing).sum(axis=2).min())


def align_pair(left: Pixels, right: Pixels, hint: View | None = None) -> AlignedPair:
    """Trim, align and cut both pictures to what they share."""
    left, right = trim_borders(left), trim_borders(right)
    found = align(left, right, hint)
    seen = turned(left, found.view)
    height, width = seen.shape[:2]
    scale = min(1.0, METRIC_SIZE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    base = Image.fromarray(np.ascontiguousarray(seen)).resize(size, Image.Resampling.BOX)
    top_right = Image.fromarray(right)
    unit_left, unit_right = max(size), max(right.shape[:2])
    zoom = unit_right * float(np.sqrt(abs(np.linalg.det(found.matrix[:, :2])))) / unit_left
    if zoom > 1.0:
        smaller = max(1, round(top_right.width / zoom)), max(1, round(top_right.height / zoom))
        top_right = top_right.resize(smaller, Image.Resampling.BOX)
        unit_right = max(smaller)
    coefficients = affine_coefficients(found.matrix, unit_left, unit_right)
    warped = top_right.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    mask = Image.new("L", top_right.size, 255).transform(size, Image.Transform.AFFINE, coefficients)
    rows, columns = _common_rectangle(np.asarray(mask) > 0)
    left_share = (rows.stop - rows.start) * (columns.stop - columns.start) / (size[0] * size[1])
    determinant = abs(float(np.linalg.det(found.matrix[:, :2])))
    area = (rows.stop - rows.start) * (columns.stop - columns.start) / unit_left**2 * determinant
    right_share = area / (right.shape[0] * right.shape[1] / max(right.shape[:2]) ** 2)
    return AlignedPair(
        np.asarray(base)[rows, columns],
        np.asarray(warped)[rows, columns],
        found,
        min(1.0, left_share, right_share),
    )


def _common_rectangle(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    """A large rectangle of points that both pictures show: the side with most holes is cut until none is left."""
    if not inside.any():
        return slice(0, inside.shape[0]), slice(0, inside.shape[1])
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, bottom, first, last = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    while bottom - top > 1 and last - first > 1:
        part = inside[top:bottom, first:last]
        holes = (1 - part[0].mean(), 1 - part[-1].mean(), 1 - part[:, 0].mean(), 1 - part[:, -1].mean())
        if max(holes) == 0:
            break
        worst = int(np.argmax(holes))
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        first, last = first + (worst == 2), last - (worst == 3)  # noqa: PLR2004
    return slice(int(top), int(bottom)), slice(int(first), int(last))
