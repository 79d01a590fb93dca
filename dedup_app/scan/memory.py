"""What earlier scans found out about files and pairs, so that one that was stopped goes on, and the next is quick."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import NamedTuple, Protocol, Self

import numpy as np

from dedup_app.scan.groups import ComparedPair
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.regions import Region
from dedup_core.comparison.sides import Side, Sides
from dedup_core.fingerprinting.keypoints import Keypoints
from dedup_core.fingerprinting.record import FINGERPRINTS_BYTES, Fingerprints
from dedup_core.groups.facts import ImageFacts
from dedup_core.views import View


class Recalled(Protocol):
    """Values by keys, for all threads; what was kept may be gone at any time, and is never another one."""

    def get(self, key: bytes) -> bytes | None: ...

    def put(self, key: bytes, value: bytes) -> None: ...


class _NothingRecalled:
    def get(self, _key: bytes) -> bytes | None:
        return None

    def put(self, key: bytes, value: bytes) -> None:
        pass


NOTHING_RECALLED = _NothingRecalled()
"""Each scan begins anew."""


class MadeOfFile(NamedTuple):
    """What is kept of a file: its facts without id and path, and its fingerprints."""

    facts: ImageFacts
    fingerprints: Fingerprints

    def to_bytes(self) -> bytes:
        asked, silent = self.fingerprints.asked, self.fingerprints.silent
        facts = {name: value for name, value in asdict(self.facts).items() if name not in ("image_id", "path")}
        head = facts | {"content": self.facts.content.hex(), "silent": None if silent is None else silent.tolist()}
        block = self.fingerprints.to_bytes() + (Keypoints.none() if asked is None else asked).to_asked_bytes()
        return json.dumps(head).encode() + b"\n" + block

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        text, _, block = data.partition(b"\n")
        head = json.loads(text)
        silent, content = head.pop("silent"), bytes.fromhex(head.pop("content"))
        fingerprints = replace(
            Fingerprints.from_bytes(block[:FINGERPRINTS_BYTES]),
            asked=Keypoints.from_asked_bytes(block[FINGERPRINTS_BYTES:]),
            silent=None if silent is None else np.array(silent, np.bool_),
        )
        return cls(ImageFacts(b"", "", content=content, **head), fingerprints)


class Contents(NamedTuple):
    """What a measurement depends on: two files, and how the left one is turned to lie on the right one, if known."""

    left: bytes
    right: bytes
    view: View | None

    @classmethod
    def of(cls, pair: ComparedPair) -> Self:
        return cls(pair.left.content, pair.right.content, pair.view)


class ScanMemory:
    """Reads and writes what `recalled` holds.

    `stamp` tells of a file, by its name, what is another one whenever its bytes are; None if nothing does.
    """

    def __init__(
        self, recalled: Recalled = NOTHING_RECALLED, stamp: Callable[[str], bytes | None] = lambda _name: None
    ) -> None:
        self._recalled = recalled
        self.stamp = stamp

    def file(self, stamp: bytes) -> MadeOfFile | None:
        data = self._recalled.get(stamp)
        return None if data is None else MadeOfFile.from_bytes(data)

    def keep_file(self, stamp: bytes, made: MadeOfFile) -> None:
        self._recalled.put(stamp, made.to_bytes())

    def pair(self, contents: Contents) -> PairMeasurement | None:
        data = self._recalled.get(_key(contents))
        if data is None:
            return None
        stored = json.loads(data)
        regions = tuple(Region.from_dict(it) for it in stored.pop("regions"))
        sides = Sides(*(Side(**it) for it in stored.pop("sides")))
        return PairMeasurement.from_dict(stored, regions, sides)

    def keep_pair(self, contents: Contents, measured: PairMeasurement) -> None:
        regions = [it.as_dict() for it in measured.regions]
        sides = [asdict(it) for it in (measured.sides.left, measured.sides.right)]  # as they are, and not rounded
        record = measured.as_dict() | {"regions": regions, "sides": sides}
        self._recalled.put(_key(contents), json.dumps(record).encode())


def _key(contents: Contents) -> bytes:
    return contents.left + contents.right + (contents.view or "").encode()
