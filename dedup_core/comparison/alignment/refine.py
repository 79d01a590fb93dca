"""The last steps of an alignment: fine enough for single letters, and with the perspective that an affine one lacks."""

from typing import Final, NamedTuple

import numpy as np
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.comparison.alignment.gauss_newton import pixels_a_unit, steepest_descent
from dedup_core.comparison.alignment.starts import zoom_of
from dedup_core.comparison.alignment.warp import Homography, pixel_homography, warped
from dedup_core.comparison.structure.local_contrast import StructurePyramid

FINEST: Final = 256  # pixels: docs/thresholds.md#detail
_LARGEST_ZOOM: Final = 2.0  # at twice the finest size a picture has as many pixels as there are
_LEAST_SEEN: Final = 0.05  # of the left plane; what covers less than 0.1 of the larger picture is no alignment anyway
_LARGEST_STEP: Final = 0.3  # of a picture: what moves it so far from a place that was found has lost it
_STILL: Final = 0.05  # of a pixel: a step this small is the last one
_FAR: Final = 0.5  # of a pixel: a step this large comes of a perspective; smaller ones would bend what differs
_SHOWS: Final = 0.4  # of local structure: where there is anything to lay on anything
_ENOUGH: Final = 0.05  # of all points: of a ball in the sky so little shows that more steps only drift
_EXACT: Final = 0.15  # of local structure: what is left where the same lies on the same
_SPREAD: Final = 1.5  # of the median error: what is farther off shows something else
# A warp leaves 0 where there is nothing of a plane. Of one that was raised by so much the same warp tells where it is
# seen: local structure has a few units, and of the sum float32 still holds five decimals.
_RAISED: Final = 100.0
_DAMPING: Final = 1e-3  # keeps what no slope tells where it is; next to sums over thousands of points it is nothing


class _Steps(NamedTuple):
    """Gauss-Newton steps at a size (the longer side, in pixels), and how many where they still move it far."""

    longer: int
    usual: int
    most: int


_COARSE_STEPS: Final = _Steps(128, usual=3, most=3)
_FINE_STEPS: Final = _Steps(FINEST, usual=2, most=6)


def refined(
    pyramids: tuple[StructurePyramid, StructurePyramid], start: Homography, *, rough: bool, soft: bool
) -> Homography:
    """The homography near `start` that lays left on right best; `soft` ones show nothing at the finest size.

    Of two of which one shows a part of the other, the other is taken so large that the part has the size of the one.

    Inverse-compositional Lucas-Kanade with the eight parameters of a projective warp; what only one picture shows
    weighs little (Baker and Matthews, "Lucas-Kanade 20 years on: a unifying framework", IJCV 2004).
    """
    found = start
    zoom = min(_LARGEST_ZOOM, max(1 / _LARGEST_ZOOM, zoom_of(start)))
    coarse, fine = [_COARSE_STEPS] * (rough or soft), [_FINE_STEPS] * (not soft)
    for steps in coarse + fine:
        found = _gauss_newton(pyramids, steps, found, zoom)
    return found


def _gauss_newton(
    pyramids: tuple[StructurePyramid, StructurePyramid], steps: _Steps, start: Homography, zoom: float
) -> Homography:
    left = pyramids[0].at(round(steps.longer * max(1.0, zoom)))
    right = pyramids[1].at(round(steps.longer * max(1.0, 1 / zoom)))
    height, width = left.shape
    scales = pixels_a_unit(left.shape, pyramids[0].extent), pixels_a_unit(right.shape, pyramids[1].extent)
    jacobian, target = steepest_descent(left, scales[0], projective=True), np.ascontiguousarray(left).ravel()
    shows = np.flatnonzero(np.abs(target) > _SHOWS)
    raised = Image.fromarray(right + np.float32(_RAISED))
    found, best, agreement = start, start, -1.0
    most = steps.usual if len(shows) < _ENOUGH * target.size else steps.most
    for step in range(most + 1):
        pixels = pixel_homography(found, *scales)
        plane = np.asarray(warped(raised, pixels, (width, height), Image.Resampling.BILINEAR)).ravel()
        seen = (plane > _RAISED / 2).astype(np.float32)
        all_seen = bool(seen.all())
        sampled = plane - np.float32(_RAISED)
        if not all_seen:
            sampled *= seen
        error = sampled * np.sign(target @ sampled) - target  # of a negative as of its positive
        counted = error.take(shows)
        if not all_seen:
            counted = counted[seen.take(shows) > 0]
        agrees = float((1.0 / (1.0 + (counted / _EXACT) ** 2)).sum()) / (len(counted) + 1.0)
        if agrees > agreement:
            best, agreement = found, agrees
        if step == most or seen.mean() < _LEAST_SEEN:
            break
        spread = max(_EXACT, _SPREAD * _median(np.abs(counted))) if len(counted) else 1.0
        weighted = jacobian * (seen / (1.0 + (error / spread) ** 2))
        hessian = (weighted @ jacobian.T).astype(np.float64) + _DAMPING * np.eye(8)
        delta = np.linalg.solve(hessian, (weighted @ error).astype(np.float64))
        moves = np.abs(delta).max()
        still = _STILL if step < steps.usual else _FAR
        if moves > _LARGEST_STEP or moves * max(left.shape) < still:
            break
        found = found @ np.linalg.inv(np.eye(3) + np.append(delta, 0.0).reshape(3, 3))
        found = found / found[2, 2]
    return best


def _median(values: Float32s) -> float:
    """The upper one of two in the middle."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
