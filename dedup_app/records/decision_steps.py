"""The steps of a decision: under both images, then into the verdict log, and then a note that this was all.

Whoever dies in between leaves the pair without that note; the ledger finds it so and takes the steps once more.
"""

from collections.abc import Mapping
from contextlib import suppress

from dedup_app.ports.features import ImageSummary
from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_app.ports.superseded import Superseded
from dedup_app.records.journal import VerdictJournal
from dedup_core.errors import TemporaryError
from dedup_core.groups.facts import Decided
from dedup_core.paths import ImagePath


class DecisionSteps:
    """Taking them again changes nothing."""

    def __init__(self, pairs: PairsTable, journal: VerdictJournal) -> None:
        self._pairs = pairs
        self._journal = journal

    def take(self, pair: PairRow, before: Decided | None, rows: Mapping[str, ImageSummary]) -> PairRow:
        """Note `pair.decided` in place of `before` and tell it; the pair as it is then. Raises `Superseded`."""
        written = self._pairs.decide(pair, before)
        self._journal.tell([written], rows)
        with suppress(TemporaryError):  # all is done, and the ledger looks at it once more
            self._pairs.settle_decision(written)
        return written

    def resume(self, pair: PairRow, rows: Mapping[str, ImageSummary]) -> None:
        """Take the steps that may be missing, unless somebody has decided since."""
        with suppress(Superseded):
            self.take(pair, pair.decided, rows)


def never_compared(left: ImagePath, right: ImagePath, rows: Mapping[str, ImageSummary]) -> PairRow:
    """A pair without a row, to decide about; it stays pending, until its images are found to look alike."""
    ours, theirs = rows.get(left.image_id), rows.get(right.image_id)
    return PairRow(
        left=left,
        right=right,
        left_etag=ours.etag if ours else "",
        right_etag=theirs.etag if theirs else "",
        left_version=ours.version if ours else 0,
        right_version=theirs.version if theirs else 0,
    )
