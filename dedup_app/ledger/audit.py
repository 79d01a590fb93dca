"""One slice of the ledger: every image in it, as container, features row, fingerprint log and pairs have it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from dedup_app.ledger.listing import BlobListing, short_etag, short_id
from dedup_app.pipeline.known_content import is_final
from dedup_app.pipeline.pairing import Pairing
from dedup_app.ports.features import FeaturesRow, FeaturesTable
from dedup_app.ports.findings import Finding, FindingKind
from dedup_app.ports.image_status import INDEXED, REMOVING
from dedup_app.ports.images import Images
from dedup_app.ports.index import CandidateIndex
from dedup_app.ports.pairs import PairRow, PairsTable, image_ids
from dedup_app.ports.superseded import Superseded
from dedup_app.records.current_pairs import is_current
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.paths import ImagePath
from dedup_core.search.hit import Hit
from dedup_core.search.second_look import is_sure


@dataclass
class Slice:
    """What is amiss in a slice, and what mending it takes."""

    images: int = 0
    findings: list[Finding] = field(default_factory=list)
    to_ingest: list[FeaturesRow] = field(default_factory=list)
    unknown: set[int] = field(default_factory=set)  # blobs without a row, by their shortened ids
    to_append: list[FeaturesRow] = field(default_factory=list)
    to_remove: list[tuple[str, int]] = field(default_factory=list)
    to_send: list[PairRow] = field(default_factory=list)
    half_decided: list[PairRow] = field(default_factory=list)
    to_pair: list[tuple[FeaturesRow, list[Hit]]] = field(default_factory=list)


class Audit:
    """Looks at slices; changes nothing. Images of a container that was watched before are none of its business."""

    def __init__(
        self,
        *,
        images: Images,
        features: FeaturesTable,
        pairs: PairsTable,
        index: CandidateIndex,
        pairing: Pairing,
        container: str,
    ) -> None:
        self._images = images
        self._features = features
        self._pairs = pairs
        self._index = index
        self._pairing = pairing
        self._container = container

    def look(self, prefix: str, listing: BlobListing, *, deep: bool = False) -> Slice:
        """Everything of the slice, or of a portion of it.

        The listing may be older than the rows: whatever it contradicts is looked at again.

        The log is read after the rows, so what a row says is `indexed` must be in it, unless the row moved since.
        """
        found = Slice()
        rows = {
            it.path.image_id: it for it in self._features.with_prefix(prefix) if it.path.container == self._container
        }
        self._index.catch_up()
        held = self._index.held(prefix)
        known = {short_id(image_id): row for image_id, row in rows.items() if not row.status.is_gone}
        found.unknown = listing.ids(prefix) - known.keys()
        found.images = len(known)
        for image_id, row in rows.items():
            self._look_at(row, listing, held.pop(image_id, None), found)
        for image_id, version in held.items():
            if self._features.get(image_id) is None:
                found.findings.append(Finding(FindingKind.HELD_WRONGLY, image_id))
                found.to_remove.append((image_id, version))
        self._look_at_pairs(prefix, found, deep=deep)
        if deep:
            self._search_again(rows.values(), found)
        return found

    def unpaired(self, row: FeaturesRow) -> list[Hit]:
        """What the index finds for this image, without a pair of the two as they are now."""
        return self._pairing.without_pair(row, self.hits(row))

    def _search_again(self, rows: Iterable[FeaturesRow], found: Slice) -> None:
        indexed = (row for row in rows if row.status == INDEXED and row.features is not None)
        found.to_pair = [(row, missing) for row in indexed if (missing := self.unpaired(row))]
        wanted_by = cache(self._wanted_by)  # in a crowd the same ones are asked again and again
        for row, missing in found.to_pair:
            # Of a weak hit nobody can say that it was missed, as ingest asks with more than is stored; of one that a
            # single side wants neither, as the other one may be in a crowd of which it takes the likeliest.
            if any(is_sure(hit) and row.path in wanted_by(hit.image_id) for hit in missing):
                found.findings.append(Finding(FindingKind.PAIR_MISSING, row.path.image_id, row.path))

    def _wanted_by(self, image_id: str) -> frozenset[ImagePath]:
        row = self._features.get(image_id)
        return frozenset() if row is None else self._pairing.wanted(row, self.hits(row))

    def hits(self, row: FeaturesRow) -> list[Hit]:
        """What the index finds for the image; nothing if it has another content by now."""
        if row.features is None:
            return []
        try:
            return self._index.search(row.path.image_id, row.version, row.features.fingerprints)
        except Superseded:
            return []

    def is_known(self, path: ImagePath) -> bool:
        """Whether there is a row by now."""
        row = self._features.get(path.image_id)
        return row is not None and not row.status.is_gone

    def _look_at(self, row: FeaturesRow, listing: BlobListing, held: int | None, found: Slice) -> None:
        image_id = row.path.image_id
        kind = self._kind(row, listing)
        if kind is not None:
            found.to_ingest.append(row)
        elif row.status == INDEXED and held != row.version:
            now = self._features.get(image_id)
            if now is not None and now.version == row.version and now.status == INDEXED:
                if held is None or held < row.version:
                    kind = FindingKind.NOT_HELD
                    found.to_append.append(row)
                else:
                    kind = FindingKind.HELD_WRONGLY
                    found.to_ingest.append(row)
        elif held is not None and not row.summary.is_alive and row.status != REMOVING:
            now = self._features.get(image_id)
            if now is not None and now.version == row.version:
                kind = FindingKind.HELD_WRONGLY
                found.to_remove.append((image_id, max(held, row.version)))
        if kind is not None:
            found.findings.append(Finding(kind, image_id, row.path))

    def _kind(self, row: FeaturesRow, listing: BlobListing) -> FindingKind | None:
        """What is amiss between the row and its blob."""
        listed = listing.etag_of(row.path.image_id)
        is_listed_so = listed == short_etag(row.etag)
        if row.status.is_gone:
            return None if listed is None or self._images.etag(row.path) is None else FindingKind.MISSING
        if row.status != INDEXED and not row.status.is_rejected:
            return FindingKind.UNFINISHED
        if not row.etag or is_listed_so:  # refused before it was read, or known as it is
            return None if is_final(row.summary) or row.status.is_rejected else FindingKind.OUTDATED
        etag = self._images.etag(row.path)
        if etag is None:
            return FindingKind.GONE
        return None if etag == row.etag else FindingKind.OUTDATED

    def _look_at_pairs(self, prefix: str, found: Slice, *, deep: bool) -> None:
        """With `deep` also those that could not be read of images that can: by a setting or a tier of another time."""
        undone: list[tuple[FindingKind, PairRow]] = []
        for pair in self._pairs.with_prefix(prefix):
            if pair.is_half_decided:
                found.findings.append(Finding(FindingKind.HALF_DECIDED, pair.left.image_id, pair.left))
                found.half_decided.append(pair)
            if (kind := _undone(pair)) is not None and (deep or kind is not FindingKind.PAIR_UNREAD):
                undone.append((kind, pair))
        asked = image_ids(pair for _, pair in undone)
        rows = self._features.summaries(asked) if asked else {}
        rows = {image_id: row for image_id, row in rows.items() if row.path.container == self._container}
        for kind, pair in undone:
            were_read = all(rows[it].status == INDEXED for it in image_ids([pair]) & rows.keys())
            if is_current(pair, rows) and (were_read or kind is not FindingKind.PAIR_UNREAD):
                found.findings.append(Finding(kind, pair.left.image_id, pair.left))
                found.to_send.append(pair)


def _undone(pair: PairRow) -> FindingKind | None:
    """Why nobody knows yet what the two are to each other."""
    if pair.verdict is None:
        return FindingKind.PAIR_FAILED if pair.failure else FindingKind.PAIR_WAITING
    return FindingKind.PAIR_UNREAD if pair.verdict.kind is VerdictKind.UNVERIFIABLE else None
