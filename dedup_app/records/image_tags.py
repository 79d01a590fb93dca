"""Image tags: index tags of blobs that say what is known of an image, for whoever filters or has rules by them.

They follow the tables: whatever was just stored about an image, its tags are made of all its pairs. What somebody else
has put beside them stays.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice, takewhile
from typing import Final, NamedTuple, Protocol

from dedup_app.event_log import EventLog
from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_app.records.current_pairs import is_current
from dedup_app.records.group_records import facts_of, id_of
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import DedupError, PermanentError, TemporaryError
from dedup_core.groups.facts import FAMILIES, Decided, Decision
from dedup_core.groups.families import is_in_force
from dedup_core.paths import ImagePath

log = EventLog(__name__)

VERDICT: Final = "dedup_verdict"
DECISION: Final = "dedup_decision"
KEEPER, COPY = "keeper", "copy"
MOST_TAGS: Final = 10  # that a blob can have, those of others among them
MAX_LOOKS: Final = 4  # an image about which more is stored than this while it is tagged is left to a later try
# Of one image. An upload makes a hundred pairs at most; more come where one file is stored hundreds of times, and a
# message that looked at all of them, for each of a hundred images, would never end.
MOST_PAIRS: Final = 500
AT_ONCE: Final = 8  # features rows that are fetched before it is known whether more can say anything stronger
_KINDS: Final = tuple(FAMILIES)  # the strongest first
_WORDS: Final = (COPY, KEEPER, Decision.DUPLICATE.value)

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

    def refresh(self, paths: Iterable[ImagePath], rows: Mapping[str, ImageSummary] | None = None) -> None:
        """Tag each image by what is stored now. Raises `TemporaryError`, unless it is the right to tag that is missing.

        Then, and where a blob can have no tags, it is said in the log and nothing else stops. `rows` saves looks at the
        table, by image id.
        """
        known = dict(rows or {})
        for path in sorted({it for it in paths if not it.is_generated}):
            try:
                self._refresh(path, known)
            except _NotTagged as refused:
                if refused.why.reason != "access-denied":
                    log.warning("image_not_tagged", image=path, reason=refused.why.reason, detail=str(refused.why))
                    continue
                if not self._was_denied:
                    self._was_denied = True
                    log.warning("tags_denied", remedy="see TAG_IMAGES in docs/settings.md", detail=str(refused.why))
                return

    def refresh_around(self, path: ImagePath) -> None:
        """Tag the image and all that it has pairs with: something about itself has changed."""
        self.refresh([path, *(pair.right for pair in self._pairs_of(path))])

    def _refresh(self, path: ImagePath, known: dict[str, ImageSummary]) -> None:
        for _ in range(MAX_LOOKS):
            with _about_tags():
                found = self._blobs.get(path)
            if found is None:
                return
            tags = merged(found, self._wanted(path, known))
            if tags == found:
                return
            with _about_tags():
                self._blobs.put(path, tags)
            # Looked at once more, and at rows anew: another process may have stored something and tagged before we did.
            known = {}
        raise TemporaryError(f"What is known of {path.image_id} changes while it is tagged", reason="keeps-changing")

    def _wanted(self, path: ImagePath, known: dict[str, ImageSummary]) -> Tags:
        """What the pairs of an image say, of which no more are looked at than could say something stronger."""
        pairs = [(_at_best(pair), pair) for pair in self._pairs_of(path)]
        pairs.sort(key=lambda it: (it[0].kind, it[1].right.image_id not in known))
        said = _NOTHING
        while pairs := [it for it in pairs if it[0].kind < said.kind or it[0].word < said.word]:
            already_known = len(list(takewhile(known.__contains__, (pair.right.image_id for _, pair in pairs))))
            size = already_known or AT_ONCE
            part, pairs = [pair for _, pair in pairs[:size]], pairs[size:]
            asked = {it.image_id for it in (path, *(pair.right for pair in part)) if not it.is_generated}
            if missing := asked - known.keys():
                known |= self._features.summaries(missing)
            if path.image_id not in known or not known[path.image_id].is_alive:
                break
            for says in (_says(pair, known) for pair in part):
                said = _Said(min(said.kind, says.kind), min(said.word, says.word))
        tags: Tags = {}
        if said.kind < _NOTHING.kind:
            tags[VERDICT] = _KINDS[said.kind].value
        if said.word < _NOTHING.word:
            tags[DECISION] = _WORDS[said.word]
        return tags

    def _pairs_of(self, path: ImagePath) -> Iterator[PairRow]:
        return islice(self._pairs.of_image(path, decided=True), MOST_PAIRS)


class _NotTagged(Exception):
    """The service refused tags of a blob; `why` says for which reason."""

    def __init__(self, why: DedupError) -> None:
        super().__init__(str(why))
        self.why = why


@contextmanager
def _about_tags() -> Iterator[None]:
    """One call about tags: a refusal here, and of nothing else, is one that tagging does without."""
    try:
        yield
    except PermanentError as error:
        raise _NotTagged(error) from error
    except TemporaryError as error:
        if error.reason != "access-denied":
            raise
        raise _NotTagged(error) from error


class _Said(NamedTuple):
    """What pairs say, as places in the orders of kinds and words: the smaller the stronger."""

    kind: int
    word: int


_NOTHING: Final = _Said(len(_KINDS), len(_WORDS))


def _at_best(pair: PairRow) -> _Said:
    """What a pair could say, whatever its images are now."""
    kind, word = _place(pair.verdict.kind if pair.verdict else None), _NOTHING.word
    if pair.decided is not None and pair.decided.decision is Decision.DUPLICATE:
        kind, word = min(kind, _place(VerdictKind.DUPLICATE)), _WORDS.index(_word(pair.decided, pair.left))
    return _Said(kind, word)


def _says(pair: PairRow, rows: Mapping[str, ImageSummary]) -> _Said:
    """What a pair, seen from an image that is there, says of it as it is now.

    A pair that people took apart, or of which they keep both, is settled and says nothing.
    """
    left, right = (rows.get(it.image_id) for it in pair.paths)
    if not (right.is_alive if right else pair.right.is_generated):
        return _NOTHING
    kind = _place(pair.verdict.kind if pair.verdict and is_current(pair, rows) else None)
    if (decided := _in_force(pair, left, right)) is None:
        return _Said(kind, _NOTHING.word)
    if decided.decision is not Decision.DUPLICATE:
        return _NOTHING
    kind = _place(VerdictKind.IDENTICAL if kind == _place(VerdictKind.IDENTICAL) else VerdictKind.DUPLICATE)
    return _Said(kind, _WORDS.index(_word(decided, pair.left)))


def _place(kind: VerdictKind | None) -> int:
    return _KINDS.index(kind) if kind in FAMILIES else len(_KINDS)


def of_others(tags: Mapping[str, str]) -> Tags:
    """The tags but for those that the app puts on an image."""
    return {name: value for name, value in tags.items() if name not in {VERDICT, DECISION}}


def merged(found: Mapping[str, str], wanted: Mapping[str, str]) -> Tags:
    """The tags of others, and ours as far as there is room."""
    others = of_others(found)
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
