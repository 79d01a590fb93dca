"""The `pairs` table, and what a row of it says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.verdict import Verdict
from dedup_core.groups.facts import Decided
from dedup_core.paths import ImagePath
from dedup_core.views import View

PAIRS_AT_ONCE = 500  # of a long list of pairs, whose images' rows are asked for together, a thousand at most


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair as seen from `left`; `verdict` is None while its verification is on the queue.

    `left_etag` and `right_etag` are those of the bytes that were compared (or, while pending, of those to be compared),
    `left_version` and `right_version` the versions of these contents; a pair is about the images as they are only if
    both versions are those of the rows (`is_current`). `failure` says why no verdict came: its message failed for good.
    `decided` is what a person decided last, `decision_history` what was decided before, the oldest first.
    `is_half_decided`: nobody has noted yet that `decided` has come everywhere (`settle_decision`).
    `measurement` is what the verdict follows from, where it was stored and can be judged again.
    """

    left: ImagePath
    right: ImagePath
    left_etag: str
    right_etag: str
    verdict: Verdict | None = None
    distance_bits: int | None = None
    view: str = View.UPRIGHT.value
    verified_at: datetime | None = None
    left_version: int = 0
    right_version: int = 0
    failure: str = ""
    tag: str = field(default="", compare=False, repr=False)
    decided: Decided | None = None
    decision_history: tuple[Decided, ...] = ()
    is_half_decided: bool = field(default=False, compare=False)
    measurement: PairMeasurement | None = field(default=None, compare=False, repr=False)

    @property
    def paths(self) -> tuple[ImagePath, ImagePath]:
        """The left one and the right one."""
        return self.left, self.right

    @property
    def decision(self) -> str | None:
        """What a person decided, as a word; None where nothing was decided, or it was taken back."""
        return self.decided.decision.value if self.decided and self.decided.decision else None


def image_ids(pairs: Iterable[PairRow]) -> set[str]:
    """The ids of the images in the pairs, but for generated ones, which have no features rows."""
    return {path.image_id for pair in pairs for path in pair.paths if not path.is_generated}


class Written(Enum):
    """What came of writing a verdict; false if it was not written."""

    NEW = "new"
    AGAIN = "again"
    """The same verdict on the same contents was there; it was written once more unless it says nothing more."""
    SUPERSEDED = "superseded"
    """One on newer contents is there."""

    def __bool__(self) -> bool:
        return self is not Written.SUPERSEDED


class PairsTable(Protocol):
    """The `pairs` table: both directions of every pair."""

    def open(self, pair: PairRow) -> PairRow | None:
        """Create the pair as pending: the row as it is then; its tag saves `put_verdict` a look.

        Two finders of the same pair do not undo each other. One that has a verdict on just these two contents stays,
        and comes with it; None if there is anything on newer ones. What is there about older ones becomes pending, but
        for a person's decision.
        """
        ...

    def put_verdict(self, pair: PairRow, *, is_there: bool = False) -> Written:
        """Write the verdict under both images, unless one on newer contents is there; what came of it.

        A repetition about files with the same bytes leaves the row to whoever wrote it and may still ask.
        Never touches a person's decision. `pair.tag` is that of the row that `open` gave, if it is known. With
        `is_there` the caller has just read the pair, and nobody tries to make it first.
        """
        ...

    def decide(self, pair: PairRow, before: Decided | None) -> PairRow:
        """Note `pair.decided` and `pair.decision_history` under both images, and nothing else that the pair says.

        A pair that is not there is made. The pair as it is then. Raises `Superseded` where something else was decided
        than `before`, what the caller has read: two people at once do not undo each other unseen. It is half decided
        until `settle_decision`, which its tag saves a look.
        """
        ...

    def settle_decision(self, pair: PairRow) -> None:
        """Note that `pair.decided` has come everywhere, unless something else was decided since."""
        ...

    def get(self, left: ImagePath, right: ImagePath) -> PairRow | None: ...

    def of_image(self, path: ImagePath, *, decided: bool = False) -> Iterator[PairRow]:
        """Verified pairs of one image, seen from it; with `decided` also those that only a person has decided about."""
        ...

    def all(self, after: tuple[str, str] | None = None) -> Iterator[PairRow]:
        """Every pair once, verified or pending, in the order of their ids; those that come after these two only."""
        ...

    def with_prefix(self, prefix: str) -> Iterator[PairRow]:
        """The pairs whose smaller image id begins with these two hex digits, each once."""
        ...

    def forget(self, path: ImagePath, version: int, most: int) -> int:
        """Take away up to `most` pairs of an image, but none that a person has decided about; how many it were.

        One about a later version stays, for the image is back, and so does one that is written meanwhile.
        """
        ...

    def fail(self, left: ImagePath, right: ImagePath, failure: str) -> None:
        """Note on a pair that waits why no verdict comes; one with a verdict stays as it is."""
        ...
