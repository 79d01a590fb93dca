"""Finds how one picture lies on another: view, crop or padding, scale and small rotation."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dedup_core.arrays import Float32s, Float64s, Pixels
from dedup_core.comparison.alignment.gauss_newton import WarpedPlane, pixels_a_unit, steepest_descent, within_rim
from dedup_core.comparison.alignment.keypoints import KeypointSearch
from dedup_core.comparison.alignment.spectra import LEAST_OVERLAP, spectrum_starts
from dedup_core.comparison.alignment.starts import Pyramids, Start, stretch_starts, whole_on_whole, zoom_of
from dedup_core.comparison.structure.local_contrast import (
    StructurePyramid,
    correlation,
    edge_plane,
    extent_of,
    luma_plane,
)
from dedup_core.views import SWAPPING, View, turned

# (longer side in pixels, Gauss-Newton steps): each size begins where the one before ended, and so needs fewer steps.
_COARSE_STEP: Final = (32, 8)
_MIDDLE_STEP: Final = (64, 5)
_FINE: Final = 160  # pixels; with less, two of three crops would have to be refined before a closer look
_FINE_STEPS: Final = 3
_MIRROR_STEPS: Final = 8  # the axis of a symmetric thing lies beside the middle of what was trimmed askew
_RIM: Final = 6  # pixels: nearer to an edge, what is beyond it in the other picture has changed the local structure
_PART_STEPS: Final = ((64, 4), (96, 2))  # of what keypoints tell, by the size of the part
_OF_SPECTRA: Final = 2  # starts; of a page, its mirror image may score as high at first
_REFINED_STARTS: Final = 2  # the two best may change places at 64 pixels
_GOOD_AGREEMENT: Final = 0.8  # of whole on whole; below, crops, turns and padding are searched for as well
_GOOD_OF_PAGES: Final = 0.9  # tables and lines of text agree by up to 0.88 one line off or mirrored, else by 0.93
_GROUND: Final = 0.4  # share of one gray that makes a page: paper is 0.6 and more, nine of ten photographs less
_GRAYS: Final = 16  # levels that are one gray
_LIKELY_AGREEMENT: Final = 0.97  # of a likely alignment: worth asking whether any near it agrees better
_POOR_AGREEMENT: Final = 0.6  # of luma; below, the colors may have changed so much that only edges agree
_HOPELESS_AGREEMENT: Final = 0.3  # of luma at the middle size: nothing finer will mend it
_NEARBY: Final = 0.15  # of a side: farther off, what repeats would have to repeat itself seldom
_AS_GOOD: Final = 0.002  # of agreement: noise and what lies over a copy draw its alignment aside by as much
_OF_DOUBT: Final = 0.2  # of what does not agree: stripes too fine for this size agree by 0.8 in many places
_LEAST_SEEN: Final = 0.03  # of the left plane: the smallest part that keypoints tell, at a zoom of 5, is 0.04 of it
_LEAST_DETERMINANT: Final = 0.3  # a step that makes areas so much smaller leads away, and its inverse still farther
_LEAST_EXTENT: Final = 1 / 32  # a thinner strip has too few rows to be laid on anything: whole on whole, then
_DAMPING: Final = 1e-3 * np.eye(6)  # keeps what no slope tells; next to sums over points it is nothing
_STILL: Final = 0.02  # of a pixel: a step this small is the last one


@dataclass(frozen=True, slots=True)
class Alignment:
    """How `left`, turned by `view`, lies on `right`.

    `matrix` (2, 3) maps points (x, y, 1) of the turned left picture to points of the right one, both in units of the
    longer side of their picture, so that it holds at any size. `agreement` -1..1 is the correlation of local structure
    where both show any, which is `share` 0..1 of the picture of which more is shown.
    """

    view: View
    matrix: Float64s
    agreement: float
    share: float = 1.0

    @property
    def zoom(self) -> float:
        """How much longer a line is in the right picture, both in units of the longer side."""
        return zoom_of(self.matrix)


def align(
    left: Pixels, right: Pixels, hint: View | None = None, framed: Callable[[View], Float64s] | None = None
) -> Alignment:
    """The best alignment found; crops and other views are searched only where whole on whole does not fit.

    `framed` tells the matrix of a likely one in each view, which is taken where it agrees as well as the one near it.
    """
    luma = _pyramids(luma_plane, left, right)
    if min(*luma[0].extent, *luma[1].extent) < _LEAST_EXTENT:
        view, matrix = stretch_starts(luma, hint)[0]
        return Alignment(view, matrix, 0.0)
    if _any_flat(luma):
        best = _whole_on_whole(luma, hint)
    else:
        starts = stretch_starts(luma, hint)
        best = _sure(luma, starts, framed) or _or_as_good(luma, _refined(luma, starts), framed)
    poor = best.agreement < _GOOD_AGREEMENT or (best.agreement < _GOOD_OF_PAGES and _are_pages(luma))
    if poor and not _any_flat(luma):
        other = max(_from_spectra(luma), key=_agreement, default=best)
        best = other if other.agreement > best.agreement + _doubt(best) else best
    if best.agreement < _GOOD_AGREEMENT:
        search = KeypointSearch(left, right)
        best = _or_as_good(luma, max([best, *_from_keypoints(search, left, right)], key=_agreement), framed)
        if best.agreement < _GOOD_AGREEMENT and any(_has_a_ground(it) for it in luma):
            search.add_halves()
            best = _or_as_good(luma, max([best, *_from_keypoints(search, left, right)], key=_agreement), framed)
    if best.agreement < _POOR_AGREEMENT:
        edges = _pyramids(edge_plane, left, right)
        if not _any_flat(edges):
            best = max(best, _refined(edges, stretch_starts(edges, hint)), key=_agreement)
    return _upright_if_symmetric(luma, best)


def _upright_if_symmetric(pyramids: Pyramids, found: Alignment) -> Alignment:
    """The same where the left picture is its own mirror image: turned a little, either view fits by chance better."""
    if found.view is View.UPRIGHT or found.agreement < _GOOD_AGREEMENT:
        return found
    if found.view in SWAPPING and np.ptp(pyramids[0].extent) > 0:
        return found
    start = replace(found, view=View.UPRIGHT, agreement=-1.0)
    if _gauss_newton(pyramids, start, _COARSE_STEP[0], 0).agreement < _POOR_AGREEMENT:
        return found
    upright = _fine(pyramids, start, found.zoom, _MIRROR_STEPS)
    return upright if upright.agreement >= found.agreement - _AS_GOOD else found


def _pyramids(plane_of: Callable[[Pixels, int], Float32s], left: Pixels, right: Pixels) -> Pyramids:
    ours, theirs = (StructurePyramid(plane_of(pixels, _FINE), extent_of(pixels)) for pixels in (left, right))
    return ours, theirs


def _any_flat(pyramids: Pyramids) -> bool:
    return any(pyramid.is_flat for pyramid in pyramids)


def _are_pages(pyramids: Pyramids) -> bool:
    return all(_has_a_ground(pyramid) for pyramid in pyramids)


def _has_a_ground(pyramid: StructurePyramid) -> bool:
    return pyramid.most_of_a_gray(_GRAYS) > _GROUND


def _whole_on_whole(pyramids: Pyramids, hint: View | None) -> Alignment:
    """Where nothing can be aligned: the pictures stretched onto each other."""
    view = View.UPRIGHT if hint is None else hint
    return Alignment(view, whole_on_whole(*pyramids, view), 0.0)


def _refined(pyramids: Pyramids, starts: list[Start]) -> Alignment:
    """Gauss-Newton from every start at the coarse size, from the best ones at the next, from the best at the last.

    At the last one what both show has one size: it is as sharp in both then, and no edge of it draws the other aside.
    """
    coarse = [_gauss_newton(pyramids, Alignment(view, start, -1.0), *_COARSE_STEP) for view, start in starts]
    coarse.sort(key=_agreement, reverse=True)
    middle = [_gauss_newton(pyramids, found, *_MIDDLE_STEP) for found in coarse[:_REFINED_STARTS]]
    best = max(middle, key=_agreement)
    if best.agreement < _HOPELESS_AGREEMENT:
        return best
    return _fine(pyramids, best, best.zoom, _FINE_STEPS)


def _fine(pyramids: Pyramids, start: Alignment, zoom: float, steps: int) -> Alignment:
    """With so many steps at the size at which what both show is as large in one as in the other, but for their rims."""
    sizes = round(_FINE * min(1.0, zoom)), round(_FINE * min(1.0, 1 / zoom))
    return _gauss_newton(pyramids, start, sizes[0], steps, sizes[1], _RIM)


def _sure(pyramids: Pyramids, starts: list[Start], framed: Callable[[View], Float64s] | None) -> Alignment | None:
    """The likely one where there is no doubt of the view and a step away from it gains nothing: a search ends there."""
    if framed is None or len(starts) > 1:
        return None
    view, matrix = starts[0][0], framed(starts[0][0])
    start = Alignment(view, matrix, -1.0)
    if _gauss_newton(pyramids, start, _MIDDLE_STEP[0], 0).agreement < _GOOD_AGREEMENT:
        return None
    likely = _fine(pyramids, start, start.zoom, 0)
    if likely.agreement < _LIKELY_AGREEMENT:
        return None
    return likely if likely.agreement >= 1.0 - _AS_GOOD or _gains_nothing(pyramids, likely, likely.zoom) else None


def _gains_nothing(pyramids: Pyramids, found: Alignment, zoom: float) -> bool:
    """Whether what lies a step away agrees no better."""
    return found.agreement >= _fine(pyramids, found, zoom, 1).agreement - _AS_GOOD


def _or_as_good(pyramids: Pyramids, found: Alignment, framed: Callable[[View], Float64s] | None) -> Alignment:
    """The likely one if it is near and agrees as well: stripes and lines of text fit in several places."""
    if framed is None or _any_flat(pyramids):
        return found
    matrix = framed(found.view)
    if np.abs(found.matrix - matrix).max() > _NEARBY:
        return found
    other = _fine(pyramids, Alignment(found.view, matrix, -1.0), found.zoom, 0)
    if other.agreement >= found.agreement - _AS_GOOD:
        return other
    if other.agreement < found.agreement - _doubt(found):
        return found
    # Of places that fit as well, each is the best of those around it; what noise has drawn aside is not.
    return other if _gains_nothing(pyramids, other, found.zoom) else found


def _doubt(found: Alignment) -> float:
    """How much less another alignment may agree and be as good."""
    return max(_AS_GOOD, _OF_DOUBT * (1.0 - found.agreement))


def _from_spectra(pyramids: Pyramids) -> list[Alignment]:
    """Alignments at any angle, of crops and of what repeats itself."""
    starts = [Alignment(view, matrix, -1.0) for view, matrix in spectrum_starts(pyramids)]
    found = [_fine(pyramids, start, start.zoom, _FINE_STEPS) for start in starts[:_OF_SPECTRA]]
    return [it for it in found if it.share >= LEAST_OVERLAP]


def _from_keypoints(search: KeypointSearch, left: Pixels, right: Pixels) -> list[Alignment]:
    """Alignments at any angle, and of parts: planes of both are made so large that the part is so in each."""
    found = []
    for start in search.starts():
        best = Alignment(start.view, start.matrix, -1.0)
        zoom = best.zoom
        planes = luma_plane(left, _part_size(zoom)), luma_plane(right, _part_size(1 / zoom))
        pyramids = StructurePyramid(planes[0], extent_of(left)), StructurePyramid(planes[1], extent_of(right))
        for longer, steps in _PART_STEPS:
            best = _gauss_newton(
                pyramids, best, round(longer * max(1.0, zoom)), steps, round(longer * max(1.0, 1 / zoom))
            )
        found.append(best)
    return found


def _part_size(zoom: float) -> int:
    """How long a plane is made of which a part of 1 / zoom lies in the other picture."""
    return round(_PART_STEPS[-1][0] * max(1.0, zoom))


def _gauss_newton(
    pyramids: Pyramids, start: Alignment, longer: int, steps: int, right_longer: int | None = None, rim: int = 0
) -> Alignment:
    """Inverse-compositional Lucas-Kanade with an affine warp; what only one picture shows weighs little.

    What lies within `rim` pixels of an edge of either does not count.

    Source: Baker and Matthews, "Lucas-Kanade 20 years on: a unifying framework", IJCV 2004.
    """
    left, right = turned(pyramids[0].at(longer), start.view), pyramids[1].at(right_longer or longer)
    extent = pyramids[0].extent[::-1] if start.view in SWAPPING else pyramids[0].extent
    scales = pixels_a_unit(left.shape, extent), pixels_a_unit(right.shape, pyramids[1].extent)
    part = within_rim(left.shape, rim)
    target = np.ascontiguousarray(left[part]).ravel()
    jacobian = steepest_descent(left, scales[0], part) if steps else np.empty((0, 0), dtype=np.float32)
    under = WarpedPlane(right, rim, part, scales)
    warp = np.vstack([start.matrix, [0.0, 0.0, 1.0]])
    best, most_seen = Alignment(start.view, start.matrix, -1.0), 0.0
    for step in range(steps + 1):
        sampled, seen = under.at(warp[:2])
        share = float(seen.mean())
        sampled = sampled * seen
        agreement = correlation(target * seen, sampled)
        if agreement > best.agreement:
            best, most_seen = Alignment(start.view, warp[:2], agreement), share
        if step == steps or share < _LEAST_SEEN:
            break
        error = sampled - target
        weighted = jacobian * (seen / (1.0 + error * error))
        hessian = (weighted @ jacobian.T).astype(np.float64) + _DAMPING
        delta = np.linalg.solve(hessian, (weighted @ error).astype(np.float64))
        change = np.eye(3)
        change[:2] += delta.reshape(2, 3)
        if abs(np.linalg.det(change)) < _LEAST_DETERMINANT or np.abs(delta).max() * longer < _STILL:
            break
        warp = warp @ np.linalg.inv(change)
    areas = float(np.prod(extent) / np.prod(pyramids[1].extent))
    return replace(best, share=min(1.0, most_seen * max(1.0, best.zoom**2 * areas)))


def _agreement(found: Alignment) -> float:
    return found.agreement
