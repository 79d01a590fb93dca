"""`FingerprintIndex` as a dictionary: nothing clever, so that thousands of processes can start in a second."""

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.record import FINGERPRINTS_BYTES, Fingerprints
from dedup_core.search.hit import Hit
from dedup_core.views import View

MOST_BITS = 78
HASH = slice(8, 40)


class PlainFingerprintIndex:
    """Holds the highest version of each image, without fingerprints once it was removed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, bytes | None]] = {}

    def __len__(self) -> int:
        return sum(packed is not None for _, packed in self._known.values())

    def version(self, image_id: str) -> int:
        return self._known.get(image_id, (-1, None))[0]

    def versions(self, prefix: str) -> dict[str, int]:
        known = self._known.items()
        return {name: version for name, (version, packed) in known if packed and name.startswith(prefix)}

    def add_many(
        self,
        image_ids: NDArray[np.uint8],
        fingerprints: NDArray[np.uint8],
        versions: NDArray[np.int64],
        *,
        more_to_come: bool = False,  # noqa: ARG002 - as the index has it
    ) -> None:
        for image_id, packed, version in zip(image_ids, fingerprints, versions, strict=True):
            self._put(image_id, int(version), packed.tobytes())

    def remove_many(self, image_ids: NDArray[np.uint8], versions: NDArray[np.int64]) -> None:
        for image_id, version in zip(image_ids, versions, strict=True):
            self._put(image_id, int(version), None)

    def settle(self, *, apart: bool = False) -> None:
        pass

    def search(self, fingerprints: Fingerprints) -> list[Hit]:
        query = fingerprints.to_bytes()
        assert len(query) == FINGERPRINTS_BYTES
        found = []
        for name, (version, packed) in self._known.items():
            if packed:
                bits = (int.from_bytes(packed[HASH]) ^ int.from_bytes(query[HASH])).bit_count()
                if bits <= MOST_BITS:
                    found.append(Hit(name, bits, View.UPRIGHT, 0, version))
        return sorted(found, key=lambda hit: (hit.distance_bits, hit.image_id))

    def _put(self, image_id: NDArray[np.uint8], version: int, packed: bytes | None) -> None:
        name = image_id.tobytes().hex()
        if version >= self.version(name):
            self._known[name] = version, packed
