"""Records of the fingerprint log: fixed in size, each with its checksum, written singly and read in bulk.

    bytes  0..3   CRC-32 of the rest of the record
           4..5   `FP`
           6      version of this layout
           7      kind: 1 add, 2 remove, 3 whole (all images were just written again: damage before it is mended)
           8..11  version of the image; 0 in records of earlier apps
          12..27  image id
          28..    what `Fingerprints.to_bytes` gave; zeros in a removal

All numbers are little-endian. The scheme of the fingerprints stands in the name of the log, not in each record.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.record import FINGERPRINTS_BYTES, ID_BYTES, OLDER_BYTES, Fingerprints, upgraded

if TYPE_CHECKING:
    from dedup_core.search.fingerprint_index import FingerprintIndex

MAGIC = b"FP"
VERSION = 1
ADD = 1
REMOVE = 2
WHOLE = 3
CRC_BYTES = 4

RECORD = np.dtype(
    [
        ("crc", "<u4"),
        ("magic", "S2"),
        ("version", "u1"),
        ("kind", "u1"),
        ("image_version", "<u4"),
        ("id", "u1", (ID_BYTES,)),
        ("fingerprints", "u1", (FINGERPRINTS_BYTES,)),
    ]
)
RECORD_BYTES = RECORD.itemsize
OLDER_RECORD = np.dtype([*RECORD.descr[:-1], ("fingerprints", "u1", (OLDER_BYTES,))])
_HEAD = struct.Struct(f"<2sBBI{ID_BYTES}s")


@dataclass(frozen=True, slots=True)
class Records:
    """Many records in the order of the log, without what was damaged."""

    ids: NDArray[np.uint8]  # (n, 16)
    versions: NDArray[np.int64]  # (n,)
    fingerprints: NDArray[np.uint8]  # (n, FINGERPRINTS_BYTES)
    removals: NDArray[np.bool_]  # (n,)
    read_bytes: int
    """How much of the data was understood or given up; what is left may be the beginning of a record."""
    damaged_bytes: int
    """How much was given up, after the last record that says that the log is whole again."""
    is_whole: bool
    """Whether there was such a record: whatever was given up in earlier reads is mended."""

    def __len__(self) -> int:
        return len(self.ids)

    def apply_to(self, index: "FingerprintIndex", *, more_to_come: bool = False) -> None:
        """Bring the index to where the log is: of each image the highest version counts, the last one among equals."""
        if not self.removals.any():
            index.add_many(self.ids, self.fingerprints, self.versions, more_to_come=more_to_come)
            return
        keys = np.ascontiguousarray(self.ids).view(f"V{ID_BYTES}").ravel()
        order = np.lexsort((np.arange(len(keys)), self.versions, np.unique(keys, return_inverse=True)[1]))
        is_newest = np.append(keys[order][1:] != keys[order][:-1], True)
        newest = np.sort(order[is_newest])
        removed, added = newest[self.removals[newest]], newest[~self.removals[newest]]
        index.remove_many(self.ids[removed], self.versions[removed])
        index.add_many(self.ids[added], self.fingerprints[added], self.versions[added], more_to_come=more_to_come)


def addition(image_id: str, fingerprints: Fingerprints, version: int = 0) -> bytes:
    return _record(ADD, bytes.fromhex(image_id), version, fingerprints.to_bytes())


def removal(image_id: str, version: int = 0) -> bytes:
    return _record(REMOVE, bytes.fromhex(image_id), version, bytes(FINGERPRINTS_BYTES))


def whole() -> bytes:
    """All images were just appended again: what could not be read before this record is in the log once more."""
    return _record(WHOLE, bytes(ID_BYTES), 0, bytes(FINGERPRINTS_BYTES))


def read_records(data: bytes) -> Records:
    """The records in `data`, found again after anything that is none: by their mark, proven by their checksum."""
    sound: list[NDArray[np.void]] = []
    damage: list[tuple[int, int]] = []  # where and how much
    position = 0
    while position + RECORD_BYTES <= len(data):
        records = _sound_records(data, position)
        sound.append(records)
        position += len(records) * RECORD_BYTES
        if position + RECORD_BYTES > len(data):
            break
        after = _next_record(data, position)
        damage.append((position, after - position))
        position = after
    records = np.concatenate(sound) if sound else np.zeros(0, RECORD)
    is_whole = records["kind"] == WHOLE
    mended = _end_of_last_whole(sound, damage) if is_whole.any() else 0
    kept = records[~is_whole] if is_whole.any() else records
    return Records(
        ids=kept["id"],
        versions=kept["image_version"].astype(np.int64),
        fingerprints=kept["fingerprints"],
        removals=kept["kind"] == REMOVE,
        read_bytes=position,
        damaged_bytes=sum(length for start, length in damage if start >= mended),
        is_whole=bool(is_whole.any()),
    )


def read_older_records(data: bytes) -> Records:
    """Records of the scheme before as those of this one; damaged ones are left out, and so is the beginning of one."""
    size = OLDER_RECORD.itemsize
    count = len(data) // size
    records = np.frombuffer(data, OLDER_RECORD, count)
    checksums = [zlib.crc32(data[start + CRC_BYTES : start + size]) for start in range(0, count * size, size)]
    sound = (records["crc"] == np.array(checksums, np.uint32)) & np.isin(records["kind"], (ADD, REMOVE))
    kept = records[sound]
    return Records(
        ids=kept["id"],
        versions=kept["image_version"].astype(np.int64),
        fingerprints=upgraded(kept["fingerprints"]),
        removals=kept["kind"] == REMOVE,
        read_bytes=count * size,
        damaged_bytes=0,
        is_whole=False,
    )


def _sound_records(data: bytes, position: int) -> NDArray[np.void]:
    """The records from a position on, up to the first that is damaged."""
    count = (len(data) - position) // RECORD_BYTES
    records = np.frombuffer(data, RECORD, count, position)
    view = memoryview(data)
    starts = range(position + CRC_BYTES, position + count * RECORD_BYTES, RECORD_BYTES)
    checksums = [zlib.crc32(view[start : start + RECORD_BYTES - CRC_BYTES]) for start in starts]
    sound = records["crc"] == np.array(checksums, np.uint32)
    sound &= (records["magic"] == MAGIC) & (records["version"] == VERSION)
    sound &= (records["kind"] >= ADD) & (records["kind"] <= WHOLE)
    found: NDArray[np.void] = records if sound.all() else records[: int(np.argmin(sound))]
    return found


def _next_record(data: bytes, damaged: int) -> int:
    """Where the next sound record begins, or as far on as none can begin, whatever follows `data`."""
    mark = data.find(MAGIC, damaged + CRC_BYTES + 1)
    while mark >= 0:
        start = mark - CRC_BYTES
        if start + RECORD_BYTES > len(data):
            return start
        if zlib.crc32(memoryview(data)[mark : start + RECORD_BYTES]).to_bytes(CRC_BYTES, "little") == data[start:mark]:
            return start
        mark = data.find(MAGIC, mark + 1)
    return max(damaged + 1, len(data) - CRC_BYTES - len(MAGIC) + 1)


def _end_of_last_whole(sound: list[NDArray[np.void]], damage: list[tuple[int, int]]) -> int:
    """The position after the last `whole` record."""
    end = position = 0
    gaps = [*(length for _, length in damage), 0]
    for records, gap in zip(sound, gaps, strict=False):
        places = np.flatnonzero(records["kind"] == WHOLE)
        if len(places):
            end = position + (int(places[-1]) + 1) * RECORD_BYTES
        position += len(records) * RECORD_BYTES + gap
    return end


def _record(kind: int, image_id: bytes, version: int, payload: bytes) -> bytes:
    body = _HEAD.pack(MAGIC, VERSION, kind, version, image_id) + payload
    return zlib.crc32(body).to_bytes(CRC_BYTES, "little") + body
