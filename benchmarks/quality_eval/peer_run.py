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
    photos: list[Photo], transforms: list[str], cache: Cache, jobs: int, progress: Progress
) -> list[PeerResult]:
    cv2.setNumThreads(1)  # the processes share the cores already
    names = [ORIGINAL, *transforms]
    with ProcessPoolExecutor(jobs) as pool:
        work = pool.map(partial(_hash_copies, names, cache), photos)
        joined = list(progress(work, len(photos), "peers' hashes"))
    hashes = {name: peers.split_hashes([row[place] for row in joined]) for place, name in enumerate(names)}
    found = progress(peers.PEERS, len(peers.PEERS), "peers' distances")
    return [_result(peer, {name: hashes[name][peer.name] for name in names}) for peer in found]


def _hash_copies(names: list[str], cache: Cache, photo: Photo) -> list[bytes]:
    data = photo.read()
    place = Path(f"peers-{source_version([peers.__file__])}")
    return [
        cache.made(place / name, photo, data, lambda name=name: peers.hash_all(cache.copy_of(photo, name)))  # type: ignore[misc]
        for name in names
    ]


def _result(peer: peers.Peer, hashes: dict[str, NDArray[np.uint8]]) -> PeerResult:
    stored = hashes[ORIGINAL]
    distances = peer.distances(stored, stored)  # (photos, photos)
    distances = np.minimum(distances, distances.T)  # with several views of the query only one side is turned
    negatives = distances[np.triu_indices(len(stored), 1)]
    threshold = threshold_at_rate(negatives)
    recall, strangers = {}, 0
    for name, copies in hashes.items():
        if name == ORIGINAL:
            continue
        matches = peer.distances(copies, stored) < threshold
        recall[name] = float(np.diagonal(matches).mean())
        strangers += int(matches.sum() - np.diagonal(matches).sum())
    pairs = len(recall) * len(stored) * (len(stored) - 1)
    return PeerResult(peer.name, threshold, float((negatives < threshold).mean()), strangers / max(pairs, 1), recall)
