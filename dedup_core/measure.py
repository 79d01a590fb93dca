"""Two working images -> PairMeasurement: aligned, compared in structure, tone and color."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.align import Alignment, affine_coefficients, align
from dedup_core.color import ColorMetrics, color_metrics, srgb_to_lab
from dedup_core.decode import DEFAULT_LIMITS, DecodeLimits, WorkingImage, decode
from dedup_core.fingerprint import View, fingerprints_of, view_hashes
from dedup_core.structure import Floats, Pixels, local_structure, trim_borders, turned

METRIC_SIZE: Final = 192
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True)
class PairMeasurement:
    """All that is measured of a pair; `decide` needs nothing else.

    `structure` -1..1: correlation of local structure where both are seen. `changed_share` 0..1: share of the
    textured blocks that do not correlate. `coverage` 0..1: share of the less covered picture that the other shows too.
    `chroma_residual` and `tone_residual`: what is left of the CIELAB difference in a, b and in L when the best
    exposure, contrast and white balance have been allowed for.
    """

    metrics: ColorMetrics
    view: View
    distance_bits: int | None
    same_pixels: bool
    structure: float
    changed_share: float
    coverage: float
    chroma_residual: float
    tone_residual: float


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
    same_size = (left.width, left.height) == (right.width, right.height)
    pair = align_pair(left.pixels, right.pixels, hint)
    left_lab, right_lab = srgb_to_lab(pair.left), srgb_to_lab(pair.right)
    structure, changed = _structure(left_lab[..., 0], right_lab[..., 0])
    return PairMeasurement(
        metrics=color_metrics(pair.left, pair.right),
        view=pair.alignment.view,
        distance_bits=fingerprint_distance(left, right, pair.alignment.view),
        same_pixels=same_size and np.array_equal(left.pixels, right.pixels),
        structure=structure,
        changed_share=changed,
        coverage=pair.coverage,
        chroma_residual=_chroma_residual(left_lab, right_lab),
        tone_residual=_tone_residual(left_lab[..., 0], right_lab[..., 0]),
    )


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


def _structure(left: Floats, right: Floats) -> tuple[float, float]:
    """Correlation of local structure, and the share of textured blocks in which there is none."""
    a, b = local_structure(left * 2.55), local_structure(right * 2.55)
    both, own_a, own_b = _block_sums(a * b), _block_sums(a * a), _block_sums(b * b)
    total = float(both.sum() / np.sqrt(own_a.sum() * own_b.sum() + 1e-6))
    energy = np.maximum(own_a, own_b)
    textured = energy > 0.1 * _BLOCK**2
    if not textured.any():
        return total, 0.0
    local = both / np.sqrt(own_a * own_b + 1e-3)
    return total, float((local[textured] < 0.5).mean())  # noqa: PLR2004


def _block_sums(plane: Floats) -> Floats:
    rows, columns = -(-plane.shape[0] // _BLOCK), -(-plane.shape[1] // _BLOCK)
    padded = np.zeros((rows * _BLOCK, columns * _BLOCK), dtype=np.float32)
    padded[: plane.shape[0], : plane.shape[1]] = plane
    sums: Floats = padded.reshape(rows, _BLOCK, columns, _BLOCK).sum(axis=(1, 3))
    return sums


def _chroma_residual(left: Floats, right: Floats) -> float:
    """RMS of the a, b difference after one saturation factor (0.6..1.67) and one shift of white (at most 12)."""
    a = _block_means(left[..., 1:])
    b = _block_means(right[..., 1:])
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    spread_a, spread_b = a - mean_a, b - mean_b
    factor = float(np.clip((spread_a * spread_b).sum() / max(float((spread_a**2).sum()), 1e-6), 0.6, 1.67))
    shift = mean_b - factor * mean_a
    length = float(np.linalg.norm(shift))
    shift = shift * min(1.0, 12.0 / max(length, 1e-6))
    return float(np.sqrt(((b - factor * a - shift) ** 2).sum(axis=1).mean()))


def _tone_residual(left: Floats, right: Floats) -> float:
    """RMS of the L difference after the best tone curve (a cubic)."""
    a, b = _block_means(left[..., None])[:, 0], _block_means(right[..., None])[:, 0]
    basis = np.stack([np.ones_like(a), a / 100, (a / 100) ** 2, (a / 100) ** 3], axis=1)
    weights, *_ = np.linalg.lstsq(basis, b, rcond=None)
    return float(np.sqrt(((b - basis @ weights) ** 2).mean()))


def _block_means(planes: Floats) -> Floats:
    """Means of 4 x 4 pixels, (n, channels)."""
    height, width, channels = planes.shape
    rows, columns = max(1, height // 4), max(1, width // 4)
    if height < 4 or width < 4:  # noqa: PLR2004
        return planes.reshape(-1, channels)
    cut = planes[: rows * 4, : columns * 4]
    return np.ascontiguousarray(cut.reshape(rows, 4, columns, 4, channels).mean(axis=(1, 3))).reshape(-1, channels)
