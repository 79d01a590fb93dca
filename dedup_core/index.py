"""FingerprintIndex: exact Hamming search over packed hashes, and a lookup of keypoints for parts of pictures."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.agreement import agreeing_keypoints
from dedup_core.fingerprint import CONTENT_BYTES, FINGERPRINTS_BYTES, HASH_BITS, WINDOWS, Fingerprints
from dedup_core.keypoints import KEYPOINT_BYTES, MAX_KEYPOINTS, Keypoints
from dedup_core.postings import Postings, entry_slots
from dedup_core.probes import probes_of
from dedup_core.views import GROUPS, HASH_BYTES, VIEWS, View, least_distances, transpose_hashes, view_distances

type Words = NDArray[np.uint64]

MAX_DISTANCE_BITS: Final = 78  # docs/fingerprints.md#candidate-threshold
MIN_SHARED_KEYPOINTS: Final = 2  # docs/fingerprints.md#candidate-threshold
ID_BYTES: Final = 16

_CHUNK: Final = 16_384  # images compared at a time: one group of their hashes takes 128 KiB and stays in the L2 cache
_KEYPOINT_BITS: Final = 8  # what an agreeing keypoint is worth in the order of hits
_MOST_SHARING: Final = 400  # hits by keypoints in a result, those that share the most: callers look at 100
_NONE: Final = np.zeros(0, np.intp)
_LEAST_CAPACITY: Final = 1024
_MOST_DEAD: Final = 0.2  # of the slots; with more of them the arrays are made dense again


@dataclass(frozen=True, slots=True)
class Hit:
    """A candidate: an image near the query in `view`, which says how the query must be turned to match it.

    `distance_bits` is that of the nearest windows, about 128 where one picture is a part of the other;
    `shared_keypoints` (0 or at least 2) lie in both in the same arrangement.
    """

    image_id: str
    distance_bits: int
    view: View
    shared_keypoints: int = 0


class FingerprintIndex:
    """All fingerprints of a collection, held as columns of 64-bit words.

    Image ids are 32 hex characters outside and 16 bytes inside. Not locked: the caller sees to it that nobody changes
    the index during another call.
    """

    def __init__(self) -> None:
        self._slots = 0  # taken, dead ones included
        self._size = 0
        self._ids = np.zeros((2, 0), np.uint64)  # both halves of each id
        self._contents = np.zeros(0, np.uint64)
        self._hashes = np.zeros((len(WINDOWS) * GROUPS, 0), np.uint64)  # all zeros: no hash
        self._alive = np.zeros(0, np.bool_)
        self._postings = Postings()

    def __len__(self) -> int:
        return self._size

    @property
    def memory_bytes(self) -> int:
        """What the arrays hold, room for growth included."""
        dense = (self._ids, self._contents, self._hashes, self._alive)
        return sum(column.nbytes for column in dense) + self._postings.memory_bytes

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
        self._kill(self._find(ids))
        self._append(ids, fingerprints[last])
        self._make_dense()

    def remove_many(self, image_ids: NDArray[np.uint8]) -> None:
        """Forget many images at once: ids (n, 16)."""
        self._kill(self._find(_unique_ids(image_ids)[0]))
        self._make_dense()

    def search(
        self,
        fingerprints: Fingerprints,
        max_distance_bits: int = MAX_DISTANCE_BITS,
        min_shared_keypoints: int = MIN_SHARED_KEYPOINTS,
    ) -> list[Hit]:
        """Images that are the query, in whole or in part, in any view; the likeliest first.

        A hit is an exact copy of the file, or within the limit of bits, or shares that many keypoints in the same
        arrangement. A flat query meets only exact copies of its file.
        """
        hits = dict.fromkeys(self._same_content(fingerprints), (0, 0, 0))
        if not fingerprints.is_flat:
            windows = [_query_words(window) for window in fingerprints.hashes]
            near = self._near(windows, max_distance_bits)
            known = np.zeros(self._slots, np.bool_)
            known[[*hits, *(near if len(near) > _MOST_SHARING else ())]] = True
            hits |= self._sharing(fingerprints, windows, min_shared_keypoints, known)
            for slot, (distance, view) in near.items():
                hits.setdefault(slot, (distance, view, 0))
        found = [Hit(self._id(slot), distance, VIEWS[view], shared) for slot, (distance, view, shared) in hits.items()]
        return sorted(found, key=lambda hit: (hit.distance_bits - _KEYPOINT_BITS * hit.shared_keypoints, hit.image_id))

    def _same_content(self, fingerprints: Fingerprints) -> list[int]:
        content = np.frombuffer(fingerprints.content, "<u8")[0]
        same = (self._contents[: self._slots] == content) & self._alive[: self._slots]
        found: list[int] = np.flatnonzero(same).tolist()
        return found

    def _near(self, windows: list[Words], limit: int) -> dict[int, tuple[int, int]]:
        """Distance and view of every slot of which a window is within the limit of bits, in the nearest view."""
        found: dict[int, tuple[int, int]] = {}
        for start in range(0, self._slots, _CHUNK):
            for window, query in enumerate(windows):
                hashes = self._window(window, start, min(start + _CHUNK, self._slots))
                near = np.flatnonzero(least_distances(hashes, query) <= limit) if query.any() else _NONE
                near = near[hashes[:, near].any(axis=0)]
                if len(near) == 0:
                    continue
                distances = view_distances(hashes[:, near], query)  # (8, near)
                rows = zip(distances.min(axis=0).tolist(), distances.argmin(axis=0).tolist(), strict=True)
                for slot, row in zip((near + start).tolist(), rows, strict=True):
                    found[slot] = min(found.get(slot, row), row)
        return found

    def _sharing(
        self, fingerprints: Fingerprints, windows: list[Words], least: int, known: NDArray[np.bool_]
    ) -> dict[int, tuple[int, int, int]]:
        """Distance, view and number of shared keypoints of unknown slots that share enough, in the best view."""
        if len(fingerprints.keypoints) == 0:
            return {}
        probes = probes_of(fingerprints.keypoints)
        wanted = self._alive[: self._slots] & ~known
        is_crowded = np.count_nonzero(known) > _MOST_SHARING  # else leaving them out early costs more than it saves
        best: dict[int, tuple[int, int]] = {}
        for block in self._postings.find(probes):
            probed, entries = block
            if is_crowded:
                taken = np.flatnonzero(wanted[entry_slots(entries)])
                probed, entries = probed[taken], entries[taken]
            slots, views, votes = agreeing_keypoints(probes, probed, entries)
            kept = np.flatnonzero((votes >= least) & wanted[slots])
            kept = kept[np.lexsort((-views[kept], votes[kept]))]  # the best view of a slot comes last and stays
            rows = zip(slots[kept].tolist(), views[kept].tolist(), votes[kept].tolist(), strict=True)
            best |= {slot: (shared, view) for slot, view, shared in rows}
            best = dict(sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:_MOST_SHARING])
        distances = self._distances(windows, list(best), [view for _, view in best.values()])
        found = zip(best.items(), distances, strict=True)
        return {slot: (distance, view, shared) for (slot, (shared, view)), distance in found}

    def _distances(self, windows: list[Words], slots: list[int], views: list[int]) -> list[int]:
        """Bits between the query in a view and the nearest window, of each slot."""
        least = np.full(len(slots), 255, np.int64)
        is_known = np.zeros(len(slots), np.bool_)
        for window, query in enumerate(windows):
            held = self._window(window, 0, self._slots)[:, slots]
            both = held.any(axis=0) & query.any()
            distances = view_distances(held, query)[views, np.arange(len(slots))]
            least = np.where(both, np.minimum(least, distances), least)
            is_known |= both
        nearest: list[int] = np.where(is_known, least, HASH_BITS // 2).tolist()
        return nearest

    def _window(self, window: int, start: int, end: int) -> Words:
        return self._hashes[window * GROUPS : (window + 1) * GROUPS, start:end]  # (4, n)

    def _find(self, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The slots at which these distinct ids (2, n) are held."""
        if ids.shape[1] == 0:
            return np.zeros(0, np.int64)
        order = np.argsort(_keys(ids))
        ids, keys = ids[:, order], _keys(ids)[order]
        slots = [np.zeros(0, np.int64)]
        for start in range(0, self._slots, _CHUNK):
            held = self._ids[:, start : min(start + _CHUNK, self._slots)]
            held_keys = _keys(held)
            places = np.minimum(np.searchsorted(keys, held_keys), len(keys) - 1)
            same = np.flatnonzero(keys[places] == held_keys)
            slots.append(same[(ids[:, places[same]] == held[:, same]).all(axis=0)] + start)
        found = np.concatenate(slots)
        return found[self._alive[found]]

    def _kill(self, slots: NDArray[np.int64]) -> None:
        self._alive[slots] = False
        self._hashes[:, slots] = 0
        self._size -= len(slots)

    def _append(self, ids: NDArray[np.uint64], fingerprints: NDArray[np.uint8]) -> None:
        first, end = self._slots, self._slots + len(fingerprints)
        self._make_room(end)
        content, hashes, keypoints = np.split(
            fingerprints, [CONTENT_BYTES, CONTENT_BYTES + len(WINDOWS) * HASH_BYTES], axis=1
        )
        self._ids[:, first:end] = ids
        self._contents[first:end] = np.ascontiguousarray(content).view("<u8")[:, 0]
        self._hashes[:, first:end] = np.ascontiguousarray(hashes).view("<u8").T
        self._alive[first:end] = True
        packed = np.ascontiguousarray(keypoints).reshape(-1, KEYPOINT_BYTES)
        owners = np.repeat(np.arange(first, end), MAX_KEYPOINTS)[packed[:, -1] > 0]
        self._postings.add(owners, Keypoints.from_packed(packed))
        self._slots, self._size = end, self._size + len(fingerprints)

    def _make_room(self, slots: int) -> None:
        if slots > len(self._alive):
            capacity = max(slots, self._slots + self._slots // 8, _LEAST_CAPACITY)
            self._ids, self._hashes = _grown(self._ids, capacity), _grown(self._hashes, capacity)
            self._contents = np.pad(self._contents, (0, capacity - len(self._contents)))
            self._alive = np.pad(self._alive, (0, capacity - len(self._alive)))

    def _make_dense(self) -> None:
        """Give up the slots of images that are gone, once there are many."""
        if self._slots - self._size <= max(_LEAST_CAPACITY, _MOST_DEAD * self._slots):
            return
        kept = np.flatnonzero(self._alive[: self._slots])
        new_slots = np.full(self._slots, -1, np.int64)
        new_slots[kept] = np.arange(len(kept))
        self._postings.keep(new_slots)
        self._ids, self._hashes = self._ids[:, kept], self._hashes[:, kept]
        self._contents, self._alive = self._contents[kept], self._alive[kept]
        self._slots = len(kept)

    def _id(self, slot: int) -> str:
        return self._ids[:, slot].astype(">u8").tobytes().hex()


def _query_words(window: NDArray[np.uint8]) -> Words:
    """A hash and its transposed hash as words: (2, 4)."""
    words: Words = np.stack([window, transpose_hashes(window)]).view("<u8")
    return words


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
