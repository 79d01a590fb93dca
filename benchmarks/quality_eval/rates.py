"""The arithmetic of the report: thresholds at a false-positive rate, bounds of small counts, the tail of distances."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

FALSE_POSITIVE_RATE = 1e-4


def threshold_at_rate(negatives: ArrayLike, rate: float = FALSE_POSITIVE_RATE) -> float:
    """The distance below which (strictly) a pair counts as a match.

    It is the (k+1)-th smallest distance of pairs of different photos, where k = floor(rate x pairs) are allowed to
    match. All pairs that tie at that distance stay out, so the rate is never exceeded, and often not reached.
    """
    distances = np.sort(np.asarray(negatives, np.float64).ravel())
    if not distances.size:
        raise ValueError("no pair of different photos to set a threshold by")
    return float(distances[math.floor(rate * distances.size + 1e-9)])


def upper_bound(count: float, trials: int, confidence: float = 0.95) -> float:
    """The rate that the true one stays below with this confidence, after `count` events (Poisson, one-sided)."""
    from scipy import special  # type: ignore[import-untyped]  # noqa: PLC0415 - half a second, in each test process

    return float(special.gammaincinv(count + 1, confidence) / trials)


def upper_bound_of_clusters(counts: Collection[int], trials: int, clusters: int) -> float:
    """The same where events come in clusters: `counts` of those that have any, `trials` spread over all `clusters`.

    Forty copies of one photo are mistaken for the same stranger or none is. So the events count for as many as would
    have the same spread were they independent (Kish's effective size), and no event at all counts once a cluster.
    """
    total = sum(counts)
    if not total:
        return upper_bound(0, clusters)
    effective = total**2 / sum(count**2 for count in counts)
    return total / trials * upper_bound(effective, 1) / effective


@dataclass(frozen=True, slots=True)
class Tail:
    """How fast pairs of different photos get rarer with nearness: two readings of the lowest measured distances.

    `normal` continues the tail of a normal distribution (probit of the share is linear in the distance); `exponential`
    is the cautious one (logarithm of the share is linear), which overstates what lies far outside the measured range.
    """

    normal: tuple[float, float]
    exponential: tuple[float, float]

    def rate_normal(self, distance: float) -> float:
        deviations = self.normal[0] + self.normal[1] * distance
        return 0.5 * math.erfc(-deviations / math.sqrt(2))  # `NormalDist.cdf` is 0 so far out

    def rate_exponential(self, distance: float) -> float:
        return min(1.0, math.exp(self.exponential[0] + self.exponential[1] * distance))


def fit_tail(negatives: ArrayLike, share: float = 0.01, least: int = 10) -> Tail:
    """Fit the lowest `share` of the distances, without the `least` nearest pairs, which are look-alikes or chance."""
    distances = np.sort(np.asarray(negatives, np.float64).ravel())
    levels = np.unique(distances[least : max(least + 2, math.ceil(share * distances.size))])
    if levels.size < 2:
        raise ValueError("too few different distances to fit a tail")
    shares = np.searchsorted(distances, levels, side="right") / distances.size  # P(distance <= level)
    keep = shares < 1
    levels, shares = levels[keep], shares[keep]
    probits = np.array([NormalDist().inv_cdf(share) for share in shares.tolist()])
    return Tail(_line(levels, probits), _line(levels, np.log(shares)))


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    slope, intercept = np.polyfit(x, y, 1)
    return float(intercept), float(slope)
