"""FingerprintIndex: exact Hamming search over packed arrays."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprint import CONTENT_BYTES, FINGERPRINTS_BYTES, WINDOWS, Fingerprints
from dedup_core.views import GROUPS, INVERTED_GROUPS, VIEWS, View, transpose_hashes

MAX_DISTANCE_BITS = 72  # docs/fingerprints.md#candidate-threshold
ID_BYTES = 16

_CHUNK = 16_384  # images compared at a time: their hashes of one group take 128 KiB and stay in the L2 cache


@dataclass(frozen=True, slots=True)
class Hit:
    """A candidate: an image near the query, the distance of the nearest window and the query's view that gave it."""

    image_id: str
    distance_bits: int
    view: View


class FingerprintIndex:
    """All fingerprints of a collection, held as columns of 64-bit words.

    Image ids are 32 hex characters outside and 16 bytes inside. Not locked: the caller sees to it that nobody changes
    the index during another call.
    """

    def __init__(self) -> None:
        self._size = 0
        self._ids = np.zeros((2, 0), np.uint64)  # both halves of each id
        self._words = np.zeros((_WORDS, 0), np.uint64)  # content, then 4 groups of each window

    def __len__(self) -> int:
        return self._size

    @property
    def memory_bytes(self) -> int:
        """What the arrays hold, room for growth included."""
        return self._ids.nbytes + self._words.nbytes

    def add(self, image_id: str, fingerprints: Fingerprints) -> None:
        """Hold the image; what was held under the same id is replaced."""
        packed = np.frombuffer(fingerprints.to_bytes(), np.uint8).reshape(1, FINGERPRINTS_BYTES)
        self.add_many(_id_bytes(image_id), packed)

    def remove(self, image_id: str) -> None:
        """Forget the image; nothing happens if it is not held."""
        self.remove_many(_id_bytes(image_id))

    def add_many(self, image_ids: NDArray[np.uint8], fingerprints: NDArray[np.uint8]) -> None:
        """Hold many images at once: ids (n, 16) and what `Fingerprints.to_bytes` gave (n, FINGERPRINTS_BYTES).

        Of an id that comes more than once the last one counts.
        """
        if image_ids.shape != (len(fingerprints), ID_BYTES) or fingerprints.shape[1:] != (FINGERPRINTS_BYTES,):
            raise ValueError(f"ids are (n, {ID_BYTES}) and fingerprints (n, {FINGERPRINTS_BYTES}) bytes")
        ids, last = _unique_ids(image_ids)
        words = np.ascontiguousarray(fingerprints[last]).view("<u8").T  # (words, n)
        slots = self._slots(ids)
        known = slots >= 0
        self._words[:, slots[known]] = words[:, known]
        self._append(ids[:, ~known], words[:, ~known])

    def remove_many(self, image_ids: NDArray[np.uint8]) -> None:
        """Forget many images at once: ids (n, 16)."""
        slots = self._slots(_unique_ids(image_ids)[0])
        gone = slots[slots >= 0]
        self._size -= len(gone)
        # The last images move into the gaps, so that the arrays stay dense.
        gaps = gone[gone < self._size]
        tail = np.arange(self._size, self._size + len(gone))
        movers = tail[~np.isin(tail, gone)]
        self._ids[:, gaps] = self._ids[:, movers]
        self._words[:, gaps] = self._words[:, movers]

    def search(self, fingerprints: Fingerprints, max_distance_bits: int = MAX_DISTANCE_BITS) -> list[Hit]:
        """Images near the query in any view, nearest first.

        The whole query is compared with every window of the images held and every window of the query with their
        wholes, so that either may be a part of the other. A flat query meets only exact copies of its file.
        """
        nearest: dict[int, tuple[int, int]] = dict.fromkeys(self._same_content(fingerprints), (0, 0))
        if not fingerprints.is_flat:
            for slot, distance, view in self._near(fingerprints.hashes, max_distance_bits):
                nearest[slot] = min(nearest.get(slot, (distance, view)), (distance, view))
        hits = [Hit(self._id(slot), distance, VIEWS[view]) for slot, (distance, view) in nearest.items()]
        return sorted(hits, key=lambda hit: (hit.distance_bits, hit.image_id))

    def _same_content(self, fingerprints: Fingerprints) -> list[int]:
        content = np.frombuffer(fingerprints.content, "<u8")[0]
        found: list[int] = np.flatnonzero(self._words[0, : self._size] == content).tolist()
        return found

    def _near(self, hashes: NDArray[np.uint8], max_distance_bits: int) -> Iterator[tuple[int, int, int]]:
        """Slot, distance and view of every comparison within the limit."""
        upright, transposed = _words(hashes), _words(transpose_hashes(hashes))
        whole, windows = 0, range(1, len(WINDOWS))
        pairs = [(whole, whole), *((whole, window) for window in windows), *((window, whole) for window in windows)]
        for start in range(0, self._size, _CHUNK):
            end = min(start + _CHUNK, self._size)
            for query_window, window in pairs:
                held = self._words[1 + window * GROUPS : 1 + (window + 1) * GROUPS, start:end]
                for first_view, query in ((0, upright[query_window]), (GROUPS, transposed[query_window])):
                    if not query.any():
                        continue
                    distances = _view_distances(held, query)  # (4 views, images)
                    best = distances.argmin(axis=0)
                    least = distances.min(axis=0)
                    near = np.flatnonzero(least <= max_distance_bits)
                    near = near[held[:, near].any(axis=0)]
                    yield from zip(
                        (near + start).tolist(), least[near].tolist(), (best[near] + first_view).tolist(), strict=True
                    )

    def _slots(self, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Where each of these distinct ids (2, n) is held, -1 where it is not."""
        slots = np.full(ids.shape[1], -1, np.int64)
        if ids.shape[1] == 0 or self._size == 0:
            return slots
        order = np.argsort(_keys(ids))
        ids, keys = ids[:, order], _keys(ids)[order]
        for start in range(0, self._size, _CHUNK):
            held = self._ids[:, start : min(start + _CHUNK, self._size)]
            held_keys = _keys(held)
            places = np.minimum(np.searchsorted(keys, held_keys), len(keys) - 1)
            found = np.flatnonzero(keys[places] == held_keys)
            found = found[(ids[:, places[found]] == held[:, found]).all(axis=0)]
            slots[order[places[found]]] = found + start
        return slots

    def _append(self, ids: NDArray[np.uint64], words: NDArray[np.uint64]) -> None:
        size = self._size + ids.shape[1]
        if size > self._ids.shape[1]:
            capacity = max(size, self._size + self._size // 8, 1024)
            self._ids = _grown(self._ids, capacity)
            self._words = _grown(self._words, capacity)
        self._ids[:, self._size : size] = ids
        self._words[:, self._size : size] = words
        self._size = size

    def _id(self, slot: int) -> str:
        return self._ids[:, slot].astype(">u8").tobytes().hex()


_WORDS = (CONTENT_BYTES // 8) + len(WINDOWS) * GROUPS


def _words(hashes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    words: NDArray[np.uint64] = np.ascontiguousarray(hashes).view("<u8")  # (windows, 4)
    return words


def _view_distances(held: NDArray[np.uint64], query: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Bits between `held` (4, images) and the four views of `query` (4,) that invert groups: (4, images)."""
    same = np.bitwise_count(held ^ query[:, None]).astype(np.uint16)  # (4 groups, images)
    inverted = 64 - same
    distances = np.zeros((len(INVERTED_GROUPS), held.shape[1]), np.uint16)
    for view, groups in enumerate(INVERTED_GROUPS):
        for group, is_inverted in enumerate(groups):
            distances[view] += inverted[group] if is_inverted else same[group]
    return distances


def _id_bytes(image_id: str) -> NDArray[np.uint8]:
    data = bytes.fromhex(image_id)
    if len(data) != ID_BYTES:
        raise ValueError(f"an image id has {2 * ID_BYTES} hex characters: {image_id!r}")
    return np.frombuffer(data, np.uint8).reshape(1, ID_BYTES)


def _unique_ids(image_ids: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Distinct ids (2, n) and where each was seen last."""
    halves = np.ascontiguousarray(image_ids).view(">u8").astype(np.uint64).T  # (2, n)
    order = np.lexsort((np.arange(halves.shape[1]), halves[1], halves[0]))
    ordered = halves[:, order]
    is_last = np.ones(len(order), bool)
    is_last[:-1] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    return ordered[:, is_last], order[is_last]


def _keys(ids: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One word for both halves of each id (2, n): a quick test of equality, to be confirmed on the halves."""
    keys: NDArray[np.uint64] = ids[0] + ids[1] * np.uint64(0x9E3779B97F4A7C15)
    return keys


def _grown(columns: NDArray[np.uint64], capacity: int) -> NDArray[np.uint64]:
    wider = np.zeros((len(columns), capacity), np.uint64)
    wider[:, : columns.shape[1]] = columns
    return wider
