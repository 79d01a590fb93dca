"""What the ledger finds amiss, and its report."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from dedup_core.paths import ImagePath

PREFIXES = tuple(f"{number:02x}" for number in range(256))
"""The slices of the ledger: the first two hex digits of image ids, which are the partitions of `features`."""


class FindingKind(StrEnum):
    """One way in which an image is not complete; the value is what people read."""

    MISSING = "blobs that the app has not taken in"
    OUTDATED = "blobs that were overwritten and not taken in again"
    UNFINISHED = "images whose handling never ended"
    GONE = "images whose blob is gone"
    NOT_HELD = "images that no search finds"
    HELD_WRONGLY = "images that searches find as what they are not"
    PAIR_WAITING = "pairs without a verdict"
    PAIR_FAILED = "pairs whose message failed for good"
    PAIR_UNREAD = "pairs that could not be read, of images that were"
    PAIR_MISSING = "pairs that were never opened"
    HALF_DECIDED = "decisions that have not come everywhere"


# What a message that waits, an event on its way or whoever is at it will bring about by itself.
MAY_BE_ON_ITS_WAY = frozenset(
    {
        FindingKind.MISSING,
        FindingKind.OUTDATED,
        FindingKind.UNFINISHED,
        FindingKind.GONE,
        FindingKind.PAIR_WAITING,
        FindingKind.HALF_DECIDED,
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is amiss with an image; `path` is unknown where only an id is held."""

    kind: FindingKind
    image_id: str
    path: ImagePath | None = None


@dataclass(frozen=True, slots=True)
class SliceReport:
    """What was found in one slice. `waiting` images are not complete, but messages wait that may be about them."""

    prefix: str
    images: int
    complete: int
    waiting: int
    found: Mapping[FindingKind, int]
    damaged_bytes: int
    checked_at: datetime

    @property
    def broken(self) -> int:
        return self.images - self.complete - self.waiting

    @classmethod
    def of(
        cls,
        prefix: str,
        images: int,
        findings: Iterable[Finding],
        *,
        has_messages: bool,
        damaged_bytes: int,
        checked_at: datetime,
    ) -> "SliceReport":
        findings = list(findings)
        amiss = {finding.image_id for finding in findings}
        certain = {it.image_id for it in findings if not has_messages or it.kind not in MAY_BE_ON_ITS_WAY}
        images = max(images, len(amiss))
        found = Counter(finding.kind for finding in findings)
        waiting = len(amiss) - len(certain)
        return cls(prefix, images, images - len(amiss), waiting, found, damaged_bytes, checked_at)

    def __add__(self, other: "SliceReport") -> "SliceReport":
        """Both portions of one slice, `other` looked at after this one."""
        return replace(
            other,
            images=self.images + other.images,
            complete=self.complete + other.complete,
            waiting=self.waiting + other.waiting,
            found=Counter(self.found) + Counter(other.found),
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """Slices added up. So many `slices` of all (`PREFIXES`) were looked at, the oldest of them at `oldest`.

    `left_out` blobs have names that no path may have: the app cannot take them in.
    """

    images: int = 0
    complete: int = 0
    waiting: int = 0
    found: Mapping[FindingKind, int] = field(default_factory=dict)
    damaged_bytes: int = 0
    slices: int = 0
    oldest: datetime | None = None
    left_out: int = 0

    @property
    def broken(self) -> int:
        return self.images - self.complete - self.waiting

    @classmethod
    def sum(cls, reports: Iterable[SliceReport]) -> "Ledger":
        reports = list(reports)
        found: Counter[FindingKind] = Counter()
        for report in reports:
            found.update(report.found)
        return cls(
            images=sum(report.images for report in reports),
            complete=sum(report.complete for report in reports),
            waiting=sum(report.waiting for report in reports),
            found=found,
            damaged_bytes=max((it.damaged_bytes for it in sorted(reports, key=_moment)[-1:]), default=0),
            slices=len(reports),
            oldest=min((report.checked_at for report in reports), default=None),
        )


def _moment(report: SliceReport) -> datetime:
    return report.checked_at
