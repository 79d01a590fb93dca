"""Finds how one picture lies on another: view, crop or padding, scale and small rotation."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.coarse import Start, search_starts, stretch_starts
from dedup_core.fingerprint import View
from dedup_core.structure import Floats, Pixels, StructurePyramid, turned

type Matrix = NDArray[np.float64]

_COARSE_STEPS: Final = ((32, 8), (64, 4))  # (longer side in pixels, Gauss-Newton steps)
_FINE_STEPS: Final = (128, 3)
_SEARCHED_STARTS: Final = 3
_GOOD_AGREEMENT: Final = 0.8  # of whole on whole; below, crops and padding are searched for as well
_LEAST_SEEN: Final = 0.2
_LEAST_DETERMINANT: Final = 0.3


@dataclass(frozen=True, slots=True)
class Alignment:
    """How `left`, turned by `view`, lies on `right`.

    `matrix` (2, 3) maps points (x, y, 1) of the turned left picture to points of the right one, both in units of the
    longer side of their picture, so that it holds at any size. `agreement` -1..1 is the correlation of local structure.
    """

    view: View
    matrix: Matrix
    agreement: float


def align(left: Pixels, right: Pixels, hint: View | None = None) -> Alignment:
    """The best alignment found; crops and other views are searched only where whole on whole does not fit."""
    pyramids = StructurePyramid(left), StructurePyramid(right)
    best = _refined(pyramids, stretch_starts(*pyramids, hint))
    if best.agreement < _GOOD_AGREEMENT:
        searched = _refined(pyramids, search_starts(*pyramids, _SEARCHED_STARTS))
        best = max(best, searched, key=lambda found: found.agreement)
    return best


def affine_coefficients(matrix: Matrix, left_longer: int, right_longer: int) -> tuple[float, ...]:
    """The matrix in pixels, as Pillow's affine transform takes it."""
    zoom = right_longer / left_longer
    scales = np.array([zoom, zoom, right_longer])
    return tuple(float(value) for value in (matrix * scales).ravel())


def _refined(pyramids: tuple[StructurePyramid, StructurePyramid], starts: list[Start]) -> Alignment:
    """Gauss-Newton from each start at the coarse sizes, from the best one at the fine size."""
    coarse = []
    for view, start in starts:
        found = Alignment(view, start, 0.0)
        for longer, steps in _COARSE_STEPS:
            found = _gauss_newton(pyramids, found, longer, steps)
        coarse.append(found)
    best = max(coarse, key=lambda found: found.agreement)
    return _gauss_newton(pyramids, best, *_FINE_STEPS)


def _gauss_newton(
    pyramids: tuple[StructurePyramid, StructurePyramid], start: Alignment, longer: int, steps: int
) -> Alignment:
    """Inverse-compositional Lucas-Kanade with an affine warp; what only one picture shows weighs little.

    Source: Baker and Matthews, "Lucas-Kanade 20 years on: a unifying framework", IJCV 2004.
    """
    left, right = turned(pyramids[0].at(longer), start.view), pyramids[1].at(longer)
    points, jacobian = _steepest_descent(left)
    warp = np.vstack([start.matrix, [0.0, 0.0, 1.0]])
    best = Alignment(start.view, start.matrix, -1.0)
    for step in range(steps + 1):
        sampled, seen = _warped(right, warp[:2], points, left.shape)
        agreement = _correlation(left.ravel(), sampled, seen)
        if agreement > best.agreement:
            best = Alignment(start.view, warp[:2], agreement)
        if step == steps or seen.mean() < _LEAST_SEEN:
            break
        error = sampled - left.ravel()
        weighted = jacobian * (seen / (1.0 + error * error))[:, None]
        hessian = (weighted.T @ jacobian).astype(np.float64) + 1e-3 * np.eye(6)
        change = np.eye(3)
        change[:2] += np.linalg.solve(hessian, (weighted.T @ error).astype(np.float64)).reshape(2, 3)
        if abs(np.linalg.det(change)) < _LEAST_DETERMINANT:
            break
        warp = warp @ np.linalg.inv(change)
    return best


def _steepest_descent(plane: Floats) -> tuple[Floats, Floats]:
    """Points (n, 2) in units of the longer side, and what each warp parameter changes there, (n, 6)."""
    longer = max(plane.shape)
    down, across = (np.arange(side, dtype=np.float32) for side in plane.shape)
    ys, xs = np.meshgrid((down + 0.5) / longer, (across + 0.5) / longer, indexing="ij")
    gy, gx = (gradient * np.float32(longer) for gradient in np.gradient(plane))
    points = np.stack([xs.ravel(), ys.ravel()], axis=1)
    jacobian = np.stack([gx * xs, gx * ys, gx, gy * xs, gy * ys, gy], axis=2).reshape(-1, 6)
    return points, jacobian


def _warped(right: Floats, matrix: Matrix, points: Floats, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """The right plane as it lies under the left one, and 1 where there is any, both (n,)."""
    height, width = shape
    longer = max(right.shape)
    coefficients = affine_coefficients(matrix, max(shape), longer)
    sampled = Image.fromarray(right).transform(
        (width, height), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
    )
    at = points @ matrix[:, :2].T.astype(np.float32) + matrix[:, 2].astype(np.float32)
    seen = (at > 0).all(axis=1) & (at[:, 0] < right.shape[1] / longer) & (at[:, 1] < right.shape[0] / longer)
    return np.asarray(sampled).ravel(), seen.astype(np.float32)


def _correlation(left: Floats, right: Floats, seen: Floats) -> float:
    """Correlation of two planes of zero mean where both are seen, -1..1."""
    left, right = left * seen, right * seen
    return float(left @ right / np.sqrt((left @ left) * (right @ right) + 1e-6))
