"""Image tags: index tags of blobs that say what is known of an image, for whoever filters or has rules by them.

They follow the tables: whatever was just stored about an image, its tags are made of all its pairs. What somebody else
has put beside them stays.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from dedup_app.currency import is_current
from dedup_app.event_log import EventLog
from dedup_app.group_records import facts_of, id_of
from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import PermanentError, TemporaryError
from dedup_core.groups.facts import FAMILIES, Decided, Decision
from dedup_core.groups.families import is_in_force
from dedup_core.paths import ImagePath

log = EventLog(__name__)

VERDICT: Final = "dedup_verdict"
DECISION: Final = "dedup_decision"
KEEPER, COPY = "keeper", "copy"
MOST_TAGS: Final = 10  # that a blob can have, those of others among them
MAX_LOOKS: Final = 4  # an image about which more is stored than this while it is tagged is left to a later try
_STRONGEST_FIRST: Final = tuple(FAMILIES)

type Tags = dict[str, str]


class BlobTags(Protocol):
    """The index tags of single blobs."""

    def get(self, path: ImagePath) -> Tags | None:
        """All tags of a blob, whoever has set them; None if there is no blob."""
        ...

    def put(self, path: ImagePath, tags: Mapping[str, str]) -> None:
        """Replace all tags of a blob; nothing if it is gone. Neither its etag nor its time changes."""
        ...


class ImageTags:
    """Brings the tags of images up to date. Doing it again changes nothing."""

    def __init__(self, blobs: BlobTags, pairs: PairsTable, features: FeaturesTable) -> None:
        self._blobs = blobs
        self._pairs = pairs
        self._features = features
        self._was_denied = False

    def refresh(self, paths: Iterable[ImagePath]) -> None:
        """Tag each image by what is stored now. Raises `TemporaryError`, unless it is the right to tag that is missing.

        Then, and where a blob can have no tags, it is said in the log and nothing else stops.
        """
        for path in sorted({it for it in paths if not it.is_generated}):
            try:
                self._refresh(path)
            except PermanentError as error:
                log.warning("image_not_tagged", image=path, reason=error.reason, detail=str(error))
            except TemporaryError as error:
                if error.reason != "access-denied":
                    raise
                if not self._was_denied:
                    self._was_denied = True
                    log.warning("tags_denied", remedy="see TAG_IMAGES in docs/settings.md", detail=str(error))
                return

    def refresh_around(self, path: ImagePath) -> None:
        """Tag the image and all that it has pairs with: something about itself has changed."""
        self.refresh([path, *(pair.right for pair in self._pairs.of_image(path, decided=True))])

    def _refresh(self, path: ImagePath) -> None:
        for _ in range(MAX_LOOKS):
            found = self._blobs.get(path)
            if found is None:
                return
            tags = merged(found, self._wanted(path))
            if tags == found:
                return
            # Looked at once more afterwards: another process may have stored a verdict and tagged before we did.
            self._blobs.put(path, tags)
        raise TemporaryError(f"What is known of {path.image_id} changes while it is tagged", reason="keeps-changing")

    def _wanted(self, path: ImagePath) -> Tags:
        pairs = list(self._pairs.of_image(path, decided=True))
        if not pairs:
            return {}
        return tags_of(pairs, self._features.summaries({path.image_id, *(it.right.image_id for it in pairs)}))


def tags_of(pairs: Iterable[PairRow], rows: Mapping[str, ImageSummary]) -> Tags:
    """What the pairs of one image, seen from it, say of it as it is now.

    A pair that people took apart, or of which they keep both, is settled and says nothing.
    """
    kinds: set[VerdictKind] = set()
    words: set[str] = set()
    for pair in pairs:
        left, right = (rows.get(it.image_id) for it in (pair.left, pair.right))
        if not all(
            row.is_alive if row else path.is_generated for row, path in ((left, pair.left), (right, pair.right))
        ):
            continue
        kind = pair.verdict.kind if pair.verdict and is_current(pair, rows) else None
        if (decided := _in_force(pair, left, right)) is not None:
            if decided.decision is not Decision.DUPLICATE:
                continue
            words.add(_word(decided, pair.left))
            kind = VerdictKind.IDENTICAL if kind is VerdictKind.IDENTICAL else VerdictKind.DUPLICATE
        if kind in FAMILIES:
            kinds.add(kind)
    tags = {}
    if kinds:
        tags[VERDICT] = min(kinds, key=_STRONGEST_FIRST.index).value
    if words:
        tags[DECISION] = next(it for it in (COPY, KEEPER, Decision.DUPLICATE.value) if it in words)
    return tags


def merged(found: Mapping[str, str], wanted: Mapping[str, str]) -> Tags:
    """The tags of others, and ours as far as there is room."""
    others = {name: value for name, value in found.items() if name not in {VERDICT, DECISION}}
    return others | dict(list(wanted.items())[: max(0, MOST_TAGS - len(others))])


def _in_force(pair: PairRow, left: ImageSummary | None, right: ImageSummary | None) -> Decided | None:
    if pair.decided is None or left is None or right is None:
        return None
    first, second = sorted((facts_of(left), facts_of(right)), key=lambda it: it.image_id)
    return pair.decided if is_in_force(pair.decided, first, second) else None


def _word(decided: Decided, path: ImagePath) -> str:
    if not decided.keeper:
        return Decision.DUPLICATE.value
    return KEEPER if decided.keeper == id_of(path) else COPY
