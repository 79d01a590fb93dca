"""Each of the mistakes that were thought of would be noticed by the explorer of schedules."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from dedup_app.pipeline import pairing
from dedup_app.pipeline.blob_reader import BlobReader
from dedup_app.pipeline.ingest import IngestService
from dedup_app.pipeline.pairing import Pairing
from dedup_app.ports.image_status import INDEXED
from dedup_app.records import current_pairs
from dedup_storage.logs.fingerprint_log import FingerprintLog
from dedup_storage.tables import pairs as pairs_table
from dedup_storage.tables.features import AzureFeaturesTable
from dedup_storage.tables.pairs import AzurePairsTable
from tests.app import explorer
from tests.app.explorer import Wrong, explore
from tests.app.plain_fingerprint_index import PlainFingerprintIndex

FOUND_WITHIN = 20_000
# One schedule in 100 to 10,000 shows it: begin shortly before one that does, and look on if it no longer does.
UNUSUAL, SELDOM, RARE, QUITE_RARE, VERY_RARE = 110, 250, 1_900, 6_150, 6_600


def mark_before_append(bug: pytest.MonkeyPatch) -> None:
    take_in = IngestService._take_in

    def marking(self: IngestService, *args: Any) -> Any:
        begin = self._begin

        def begun(*them: Any) -> Any:
            row = begin(*them)
            return row if row.status == INDEXED else replace(self._set_status(row, INDEXED), status=row.status)

        with patch.object(self, "_begin", begun):
            return take_in(self, *args)

    bug.setattr(IngestService, "_take_in", marking)


def read_before_append(bug: pytest.MonkeyPatch) -> None:
    def searching_first(self: FingerprintLog, image_id: str, version: int, fingerprints: Any) -> Any:
        self.refresh()
        hits = self._search(image_id, version, fingerprints)
        self.add_all([(image_id, version, fingerprints)])
        return hits

    bug.setattr(FingerprintLog, "add_and_search", searching_first)


def ignore_the_versions_of_records(bug: pytest.MonkeyPatch) -> None:
    def put(self: PlainFingerprintIndex, image_id: Any, version: int, packed: bytes | None) -> None:
        self._known[image_id.tobytes().hex()] = version, packed

    bug.setattr(PlainFingerprintIndex, "_put", put)
    bug.setattr(PlainFingerprintIndex, "version", lambda _self, _image_id: -1)


def skip_the_second_look(bug: pytest.MonkeyPatch) -> None:
    read = BlobReader.read

    def once(self: BlobReader, path: Any, row: Any, unless_etag: str, *, with_picture: bool) -> Any:
        if row is not None and row.tag in getattr(self, "_written", ()):
            return None
        return read(self, path, row, unless_etag, with_picture=with_picture)

    set_status = IngestService._set_status

    def noting(self: IngestService, row: Any, status: Any) -> Any:
        written = set_status(self, row, status)
        self._reader._written = [written.tag]  # type: ignore[attr-defined]
        return written

    bug.setattr(BlobReader, "read", once)
    bug.setattr(IngestService, "_set_status", noting)


def write_rows_whatever_is_there(bug: pytest.MonkeyPatch) -> None:
    def put(self: AzureFeaturesTable, row: Any) -> Any:
        return replace(row, tag=self._table.upsert(explorer.features_entity(row), keep_other_columns=False))

    bug.setattr(AzureFeaturesTable, "put", put)


def forget_to_send_what_is_open(bug: pytest.MonkeyPatch) -> None:
    opened = AzurePairsTable.open

    def only_new(self: AzurePairsTable, pair: Any) -> Any:
        return opened(self, pair) if self.get(pair.left, pair.right) is None else None

    bug.setattr(AzurePairsTable, "open", only_new)


def take_for_told_what_another_try_has_stored(bug: pytest.MonkeyPatch) -> None:
    opened = Pairing._opened

    def whoever_began(self: Pairing, *args: Any, was_begun: bool) -> Any:
        return opened(self, *args, was_begun=False)

    bug.setattr(Pairing, "_opened", whoever_began)


def ignore_the_versions_of_pairs(bug: pytest.MonkeyPatch) -> None:
    def is_known(pair: Any, rows: Any) -> bool:
        return pair.left.image_id in rows and pair.right.image_id in rows

    for module in (current_pairs, pairing, explorer):
        bug.setattr(module, "is_current", is_known)


def let_an_older_verdict_replace_a_newer(bug: pytest.MonkeyPatch) -> None:
    bug.setattr(pairs_table, "_is_newer", lambda _known, _row: False)


def take_a_claim_away(bug: pytest.MonkeyPatch) -> None:
    forget = IngestService._forget

    def taking_away(self: IngestService, known: Any) -> Any:
        forgotten = forget(self, known)
        if known.is_claimed:
            self._features.delete(forgotten)
        return forgotten

    bug.setattr(IngestService, "_forget", taking_away)


def take_hits_on_what_images_were_before(bug: pytest.MonkeyPatch) -> None:
    confirmed = pairing.confirmed

    def whatever_their_version(asked: Any, hits: Any, row_of: Any, most: int) -> Any:
        known = [(hit, row) for hit in hits if (row := row_of(hit.image_id)) is not None]
        rows = {row.path.image_id: row for _, row in known}
        return confirmed(asked, [replace(hit, version=row.version) for hit, row in known], rows.get, most)

    bug.setattr(pairing, "confirmed", whatever_their_version)


@pytest.mark.parametrize(
    ("plant", "first"),
    [
        (mark_before_append, 0),
        (read_before_append, 0),
        (ignore_the_versions_of_records, RARE),
        (skip_the_second_look, 0),
        (write_rows_whatever_is_there, 0),
        (forget_to_send_what_is_open, UNUSUAL),
        (take_for_told_what_another_try_has_stored, SELDOM),
        (ignore_the_versions_of_pairs, 0),
        (let_an_older_verdict_replace_a_newer, SELDOM),
        (take_a_claim_away, VERY_RARE),
        (take_hits_on_what_images_were_before, QUITE_RARE),
    ],
)
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], first: int, monkeypatch: pytest.MonkeyPatch
):
    assert current_pairs.is_current is explorer.is_current
    plant(monkeypatch)
    with pytest.raises(Wrong):
        explore(first, FOUND_WITHIN, faults=6)
