"""FingerprintIndex: exact Hamming search over packed hashes, and a lookup of keypoints for parts of pictures."""

import hashlib
import re
from collections.abc import Hashable
from dataclasses import replace
from itertools import product
from typing import Final, Self, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.hash_views import GROUPS, HASH_BYTES, transpose_hashes, view_distances, with_inverted
from dedup_core.fingerprinting.keypoints import KEYPOINT_BYTES, MAX_KEYPOINTS, Keypoints
from dedup_core.fingerprinting.record import (
    CONTENT_BYTES,
    FINGERPRINTS_BYTES,
    HASH_BITS,
    ID_BYTES,
    WINDOWS,
    Fingerprints,
)
from dedup_core.search.array_stream import ArrayReader, ArrayWriter
from dedup_core.search.columns import Words
from dedup_core.search.hash_scan import nearest_slots
from dedup_core.search.hit import MAX_DISTANCE_BITS, MIN_SHARED_KEYPOINTS, Hit
from dedup_core.search.image_slots import ImageSlots
from dedup_core.search.keypoint_lists import KeypointLists, entry_slots
from dedup_core.search.keypoint_query import probes_of
from dedup_core.search.keypoint_votes import agreeing_keypoints
from dedup_core.search.removed_images import UNKNOWN
from dedup_core.search.symmetric_scan import nearest_by_groups
from dedup_core.views import VIEWS

_KEYPOINT_BITS: Final = 8  # what an agreeing keypoint is worth in the order of hits
_MOST_SHARING: Final = 400  # hits by keypoints in a result, those that share the most: callers look at 100
_IS_KEY: Final = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")


class FingerprintIndex[Id: Hashable = str]:
    """All fingerprints of a collection, held as columns of 64-bit words.

    An image id is anything hashable: 32 hex characters (`ImagePath.image_id`) are held as 16 bytes, whatever else in a
    dictionary beside them. Not locked: any number of searches may go on at a time,
    but the caller sees to it that nobody changes the index during another call.
    """

    def __init__(self) -> None:
        self._slots = ImageSlots()
        self._keypoints = KeypointLists()
        self._keys: dict[Hashable, str] = {}  # of ids that are no 32 hex characters, and back
        self._ids_named = 0  # ever, so that no key comes twice
        self._given: dict[str, Hashable] = {}

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def memory_bytes(self) -> int:
        """What the arrays hold, room for growth included."""
        return self._slots.memory_bytes + self._keypoints.memory_bytes

    def version(self, image_id: Id) -> int:
        """The version that is held, or at which the image was removed; -1 if it was never heard of."""
        if not _is_key(image_id) and image_id not in self._keys:
            return UNKNOWN
        return self._version_of_key(self._key_of(image_id))

    def versions(self, prefix: str) -> dict[str, int]:
        """The images whose ids begin with these hex digits (up to 16), with the versions that are held of them."""
        low = int(prefix.ljust(16, "0"), 16)
        return self._slots.versions_between(low, low + (1 << 4 * (16 - len(prefix))) - 1)

    def add(self, image_id: Id, fingerprints: Fingerprints, version: int = 0) -> None:
        """Hold the image in place of what was held under the same id, unless that has a higher version."""
        packed = np.frombuffer(_fingerprints(fingerprints).to_bytes(), np.uint8).reshape(1, FINGERPRINTS_BYTES)
        self.add_many(_id_bytes(self._key_of(image_id)), packed, np.array([version]))

    def remove(self, image_id: Id, version: int = 0) -> None:
        """Forget the image, unless it is held with a higher version; nothing happens if it is not held."""
        key = self._key_of(image_id)
        self.remove_many(_id_bytes(key), np.array([version]))
        if self._version_of_key(key) == UNKNOWN:
            self._keys.pop(image_id, None)
            self._given.pop(key, None)

    def add_many(
        self,
        image_ids: NDArray[np.uint8],
        fingerprints: NDArray[np.uint8],
        versions: NDArray[np.int64] | None = None,
        *,
        more_to_come: bool = False,
    ) -> None:
        """Hold many images at once: ids (n, 16) and what `Fingerprints.to_bytes` gave (n, FINGERPRINTS_BYTES).

        Of an id that comes more than once, or is known already, the highest version counts, and the last one of those
        with the same version (0 if none are given). With `more_to_come` the keypoints are not found before `settle`, or
        a later call without it: sorting them once saves half of the time of a long load.
        """
        if image_ids.shape != (len(fingerprints), ID_BYTES) or fingerprints.shape[1:] != (FINGERPRINTS_BYTES,):
            raise ValueError(f"ids are (n, {ID_BYTES}) and fingerprints (n, {FINGERPRINTS_BYTES}) bytes")
        ids, last, kept_versions = self._newest(image_ids, versions)
        ends = CONTENT_BYTES + HASH_BYTES * np.array([0, len(WINDOWS), len(WINDOWS) + 1])
        content, hashes, _, keypoints = np.split(fingerprints[last], ends, axis=1)
        words = np.ascontiguousarray(hashes).view("<u8").T.reshape(len(WINDOWS), GROUPS, -1)
        first = self._slots.add(ids, np.ascontiguousarray(content).view("<u8")[:, 0], words, kept_versions)
        packed = np.ascontiguousarray(keypoints).reshape(-1, KEYPOINT_BYTES)
        owners = np.repeat(np.arange(first, first + len(last)), MAX_KEYPOINTS)[packed[:, -1] > 0]
        self._keypoints.add(owners, Keypoints.from_packed(packed))
        self._make_dense()
        if not more_to_come:
            self.settle()

    def remove_many(self, image_ids: NDArray[np.uint8], versions: NDArray[np.int64] | None = None) -> None:
        """Forget many images at once, ids (n, 16), but those that are held with a higher version."""
        ids, _, kept_versions = self._newest(image_ids, versions)
        self._slots.remove(ids, kept_versions)
        self._make_dense()

    def settle(self, *, apart: bool = False) -> None:
        """Let the keypoints be found of all that was added; with `apart` without touching those of much more."""
        self._keypoints.settle(apart=apart)

    def search(
        self,
        fingerprints: Fingerprints,
        max_distance_bits: int = MAX_DISTANCE_BITS,
        min_shared_keypoints: int = MIN_SHARED_KEYPOINTS,
    ) -> list[Hit[Id]]:
        """Images that are the query, in whole or in part, in any view; the likeliest first.

        A hit is an exact copy of the file, or within the limit of bits, or shares that many keypoints in the same
        arrangement. A flat query meets only exact copies of its file.
        """
        content = np.frombuffer(_fingerprints(fingerprints).content, "<u8")[0]
        hits = dict.fromkeys(self._slots.with_content(content), (0, 0, 0))
        if not fingerprints.is_flat:
            windows = [_query_words(window) for window in fingerprints.hashes]
            near = nearest_slots(self._slots, windows, max_distance_bits)
            if fingerprints.silent is not None and fingerprints.silent.any():
                for slot, row in nearest_by_groups(
                    self._slots, windows, fingerprints.silent, max_distance_bits
                ).items():
                    near[slot] = min(near.get(slot, row), row)
            known = [*hits, *(near if len(near) > _MOST_SHARING else ())]
            hits |= self._sharing(fingerprints, windows, min_shared_keypoints, known)
            for slot, (distance, view) in near.items():
                # What repeats itself, as the lines of a form do, has keypoints that agree in another view by chance.
                if slot not in hits or distance < hits[slot][0]:
                    hits[slot] = (distance, view, hits.get(slot, (0, 0, 0))[2])
        slots = np.array(list(hits), np.int64)
        found = [
            Hit(name, distance, VIEWS[view], shared, version)
            for name, version, (distance, view, shared) in zip(
                self._slots.ids(slots), self._slots.versions_at(slots), hits.values(), strict=True
            )
        ]
        found.sort(key=lambda hit: (_unlikeliness(hit, max_distance_bits), hit.image_id))
        if self._given:
            found = [replace(hit, image_id=cast("str", self._given.get(hit.image_id, hit.image_id))) for hit in found]
        return cast("list[Hit[Id]]", found)

    def compact(self) -> None:
        """Give up the room of images that are gone."""
        self._make_dense(by_all_means=True)

    def write_to(self, stream: ArrayWriter) -> None:
        """Write all that is held, sorted as it is, so that `read_from` has nothing to sort.

        Raises `ValueError` if ids are held that are not 32 hex characters.
        """
        if self._keys:
            raise ValueError("only images whose ids are 32 hex characters can be stored")
        self._slots.write_to(stream)
        self._keypoints.write_to(stream)

    @classmethod
    def read_from(cls, stream: ArrayReader) -> Self:
        """What `write_to` wrote. Raises `ValueError` if the stream holds something else."""
        index = cls()
        index._slots = ImageSlots.read_from(stream)
        index._keypoints = KeypointLists.read_from(stream)
        return index

    def _version_of_key(self, key: str) -> int:
        return int(self._slots.versions(_halves(_id_bytes(key)))[0])

    def _key_of(self, image_id: Id) -> str:
        if _is_key(image_id):
            return image_id
        if image_id not in self._keys:
            self._ids_named += 1
            key = hashlib.sha256(b"id %d" % self._ids_named).hexdigest()[: 2 * ID_BYTES]
            self._keys[image_id], self._given[key] = key, image_id
        return self._keys[image_id]

    def _sharing(
        self, fingerprints: Fingerprints, windows: list[Words], least: int, known: list[int]
    ) -> dict[int, tuple[int, int, int]]:
        """Distance, view and number of shared keypoints of unknown slots that share enough, in the best view."""
        asked = fingerprints.keypoints if fingerprints.asked is None else fingerprints.asked
        if len(asked) == 0:
            return {}
        probes = probes_of(asked)
        wanted = self._slots.alive
        if known:
            wanted = wanted.copy()
            wanted[known] = False
        is_crowded = len(known) > _MOST_SHARING  # else leaving them out early costs more than it saves
        best: dict[int, tuple[int, int]] = {}
        for block in self._keypoints.find(probes):
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
        if not slots:
            return []
        least = np.full(len(slots), 255, np.int64)
        is_known = np.zeros(len(slots), np.bool_)
        for held, query in product(self._slots.hashes(np.array(slots, np.int64)), windows):
            both = held.any(axis=0) & query.any()
            distances = with_inverted(view_distances(held, query))[views, np.arange(len(slots))]
            least = np.where(both, np.minimum(least, distances), least)
            is_known |= both
        nearest: list[int] = np.where(is_known, least, HASH_BITS // 2).tolist()
        return nearest

    def _newest(
        self, image_ids: NDArray[np.uint8], versions: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
        """Distinct ids (2, n) that are not known at a higher version, where each has its highest one, and that."""
        if versions is None:
            versions = np.zeros(len(image_ids), np.int64)
        ids, newest = _unique_ids(image_ids, versions)
        kept = versions[newest] >= self._slots.versions(ids)
        return ids[:, kept], newest[kept], versions[newest[kept]]

    def _make_dense(self, *, by_all_means: bool = False) -> None:
        new_slots = self._slots.make_dense(by_all_means=by_all_means)
        if new_slots is not None:
            self._keypoints.keep(new_slots)


def _is_key(image_id: object) -> TypeGuard[str]:
    return isinstance(image_id, str) and _IS_KEY.fullmatch(image_id) is not None


def _fingerprints(given: object) -> Fingerprints:
    """What was handed over. Raises `TypeError` for features, a file or anything else that cannot be searched."""
    if not isinstance(given, Fingerprints):
        raise TypeError(
            f"an index takes fingerprints, not {type(given).__name__}: hand over extract_features(data).fingerprints"
        )
    return given


def _unlikeliness(hit: Hit, limit: int) -> int:
    """In bits. Where the hash is near it tells more than keypoints do, which all pictures of a template share."""
    shared = hit.shared_keypoints if hit.distance_bits > limit else 0
    return hit.distance_bits - _KEYPOINT_BITS * shared


def _query_words(window: NDArray[np.uint8]) -> Words:
    """A hash and its transposed hash as words: (2, 4)."""
    words: Words = np.stack([window, transpose_hashes(window)]).view("<u8")
    return words


def _id_bytes(key: str) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex(key), np.uint8).reshape(1, ID_BYTES)


def _halves(image_ids: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Ids (n, 16) as two words each: (2, n)."""
    return np.ascontiguousarray(image_ids).view(">u8").astype(np.uint64).T


def _unique_ids(
    image_ids: NDArray[np.uint8], versions: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Distinct ids (2, n) and where each was seen with its highest version, the last of those."""
    halves = _halves(image_ids)
    order = np.lexsort((np.arange(halves.shape[1]), versions, halves[1], halves[0]))
    ordered = halves[:, order]
    is_last = np.ones(len(order), bool)
    is_last[:-1] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    return ordered[:, is_last], order[is_last]
