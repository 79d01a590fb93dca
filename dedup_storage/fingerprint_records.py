"""Records of the fingerprint log: fixed in size, each with its checksum, written singly and read in bulk.

    bytes  0..3   CRC-32 of the rest of the record
           4..5   `FP`
           6      version of this layout
           7      kind: 1 add, 2 remove
           8..11  flags and room, 0
          12..27  image id
          28..    what `Fingerprints.to_bytes` gave; zeros in a removal

All numbers are little-endian. The scheme of the fingerprints stands in the name of the log, not in each record.
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.record import FINGERPRINTS_BYTES, Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.image_slots import ID_BYTES

MAGIC = b"FP"
VERSION = 1
ADD = 1
REMOVE = 2
CRC_BYTES = 4

RECORD = np.dtype(
    [
        ("crc", "<u4"),
        ("magic", "S2"),
        ("version", "u1"),
        ("kind", "u1"),
        ("flags", "<u4"),
        ("id", "u1", (ID_BYTES,)),
        ("fingerprints", "u1", (FINGERPRINTS_BYTES,)),
    ]
)
RECORD_BYTES = RECORD.itemsize
_HEAD = struct.Struct(f"<2sBBI{ID_BYTES}s")


@dataclass(frozen=True, slots=True)
class Records:
    """Many records in the order of the log, without those that were damaged."""

    ids: NDArray[np.uint8]  # (n, 16)
    fingerprints: NDArray[np.uint8]  # (n, FINGERPRINTS_BYTES)
    removals: NDArray[np.bool_]  # (n,)
    damaged: int

    def apply_to(self, index: FingerprintIndex, *, more_to_come: bool = False) -> None:
        """Bring the index to where the log is: of each image the last record counts."""
        if not self.removals.any():
            index.add_many(self.ids, self.fingerprints, more_to_come=more_to_come)
            return
        keys = np.ascontiguousarray(self.ids[::-1]).view(f"V{ID_BYTES}").ravel()
        last = len(keys) - 1 - np.unique(keys, return_index=True)[1]
        index.remove_many(self.ids[last[self.removals[last]]])
        added = np.sort(last[~self.removals[last]])
        index.add_many(self.ids[added], self.fingerprints[added], more_to_come=more_to_come)


def addition(image_id: str, fingerprints: Fingerprints) -> bytes:
    return _record(ADD, image_id, fingerprints.to_bytes())


def removal(image_id: str) -> bytes:
    return _record(REMOVE, image_id, bytes(FINGERPRINTS_BYTES))


def read_records(data: bytes) -> Records:
    """The records in `data`, whose length is a multiple of `RECORD_BYTES`."""
    records = np.frombuffer(data, RECORD)
    view = memoryview(data)
    starts = range(CRC_BYTES, len(data), RECORD_BYTES)
    checksums = [zlib.crc32(view[start : start + RECORD_BYTES - CRC_BYTES]) for start in starts]
    sound = records["crc"] == np.array(checksums, np.uint32)
    sound &= (records["magic"] == MAGIC) & (records["version"] == VERSION) & np.isin(records["kind"], (ADD, REMOVE))
    kept = records if sound.all() else records[sound]
    return Records(kept["id"], kept["fingerprints"], kept["kind"] == REMOVE, len(records) - len(kept))


def _record(kind: int, image_id: str, payload: bytes) -> bytes:
    body = _HEAD.pack(MAGIC, VERSION, kind, 0, bytes.fromhex(image_id)) + payload
    return zlib.crc32(body).to_bytes(CRC_BYTES, "little") + body
