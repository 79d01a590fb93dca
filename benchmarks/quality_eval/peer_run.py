"""Every peer over the same photos and copies, each at its own threshold for the same rate of false positives."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_eval import peers
from benchmarks.quality_eval.pictures import ORIGINAL, Cache, Photo, Progress, source_version
from benchmarks.quality_eval.rates import threshold_at_rate


@dataclass(frozen=True, slots=True)
class PeerResult:
    """`threshold`: below it (strictly) a pair matches. `rate`: of pairs of different originals, those that match.

    `stranger_rate` is that of copies and other photos' originals, at the same threshold.
    """

    name: str
    threshold: float
    rate: float
    stranger_rate: float
    recall: dict[str, float]


def run_peers(
    photos: list[Photo], copied: list[Photo], transforms: list[str], cache: Cache, jobs: int, progress: Progress
) -> list[PeerResult]:
    """The peers on copies of some of the photos; thresholds and strangers come from all."""
    cv2.setNumThreads(1)  # the processes share the cores already
    with ProcessPoolExecutor(jobs) as pool:
        work = pool.map(partial(_hash_copies, [ORIGINAL], cache), photos)
        originals = [row[0] for row in progress(work, len(photos), "peers' hashes of originals")]
        work = pool.map(partial(_hash_copies, transforms, cache), copied)
        joined = list(progress(work, len(copied), "peers' hashes"))
    stored = peers.split_hashes(originals)
    copies = {name: peers.split_hashes([row[place] for row in joined]) for place, name in enumerate(transforms)}
    own = np.array([photos.index(photo) for photo in copied])
    return [
        _result(peer, stored[peer.name], own, {name: copies[name][peer.name] for name in transforms})
        for peer in progress(peers.PEERS, len(peers.PEERS), "peers' distances")
    ]


def _hash_copies(names: list[str], cache: Cache, photo: Photo) -> list[bytes]:
    data = photo.read()
    place = Path(f"peers-{source_version([peers.__file__])}")
    return [
        cache.made(place / name, photo, data, lambda name=name: peers.hash_all(cache.copy_of(photo, name)))  # type: ignore[misc]
        for name in names
    ]


def _result(
    peer: peers.Peer, stored: NDArray[np.uint8], own: NDArray[np.intp], copies: dict[str, NDArray[np.uint8]]
) -> PeerResult:
    """`own` has the place of the original of each copy among those stored."""
    distances = peer.distances(stored, stored)  # (photos, photos)
    distances = np.minimum(distances, distances.T)  # with several views of the query only one side is turned
    negatives = distances[np.triu_indices(len(stored), 1)]
    threshold = threshold_at_rate(negatives)
    recall, strangers = {}, 0
    for name, hashes in copies.items():
        matches = peer.distances(hashes, stored) < threshold  # (copies, photos)
        right = matches[np.arange(len(own)), own]
        recall[name] = float(right.mean())
        strangers += int(matches.sum() - right.sum())
    pairs = len(recall) * len(own) * (len(stored) - 1)
    return PeerResult(peer.name, threshold, float((negatives < threshold).mean()), strangers / max(pairs, 1), recall)
