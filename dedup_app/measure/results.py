"""What a run found out, in values that can be kept as JSON: a run that was interrupted goes on from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from dedup_app.measure.stages import Stage
from dedup_core.comparison.measurement import PairMeasurement


class Outcome(StrEnum):
    """What became of an image of the sample."""

    MEASURED = "measured"
    VANISHED = "vanished"
    CHANGED = "changed"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class CopyResult:
    """One copy against its original: `search` says where the search lost it, `found` if it did not.

    `candidates` is how many other images would have been compared with it; `rank` counts from 1 in the order of the
    search, 0 where it was no hit.
    """

    change: str
    search: Stage
    rank: int
    candidates: int
    measurement: PairMeasurement

    def as_dict(self) -> dict[str, Any]:
        return {
            "change": self.change,
            "search": self.search.value,
            "rank": self.rank,
            "candidates": self.candidates,
            "measurement": self.measurement.as_dict(),
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """What `as_dict` gave."""
        return cls(kept["change"], Stage(kept["search"]), kept["rank"], kept["candidates"], _measurement(kept))


@dataclass(frozen=True, slots=True)
class ImageResult:
    """One image of the sample; `bytes` were read for it."""

    path: str
    outcome: Outcome
    bytes: int = 0
    copies: tuple[CopyResult, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        copies = [copy.as_dict() for copy in self.copies]
        return {"image": self.path, "outcome": self.outcome.value, "bytes": self.bytes, "copies": copies}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """What `as_dict` gave."""
        copies = tuple(map(CopyResult.from_dict, kept["copies"]))
        return cls(kept["image"], Outcome(kept["outcome"]), kept["bytes"], copies)


@dataclass(frozen=True, slots=True)
class StrangerPair:
    """Two images of the sample that are no copies by all that is known; `candidate`: the app would compare them."""

    left: str
    right: str
    distance_bits: int
    candidate: bool
    measurement: PairMeasurement

    def as_dict(self) -> dict[str, Any]:
        return {
            "left": self.left,
            "right": self.right,
            "distance_bits": self.distance_bits,
            "candidate": self.candidate,
            "measurement": self.measurement.as_dict(),
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """What `as_dict` gave."""
        return cls(kept["left"], kept["right"], kept["distance_bits"], kept["candidate"], _measurement(kept))


def _measurement(kept: Mapping[str, Any]) -> PairMeasurement:
    measurement = PairMeasurement.from_dict(kept["measurement"])
    if measurement is None:
        raise ValueError("what is kept was measured by another version")
    return measurement
