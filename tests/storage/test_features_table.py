"""What every features table does, in memory and on Azure Tables."""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.image_status import ABSENT, DELETED, INDEXED, PROCESSING, ImageStatus
from dedup_app.ports.superseded import Superseded
from dedup_storage.account.clients import StorageClients
from dedup_storage.tables.entity_table import EntityTable
from dedup_storage.tables.features import AzureFeaturesTable
from tests.azurite import Account
from tests.memory import MemoryFeaturesTable
from tests.storage.examples import NOON, features_row, image, some_features

LATER = NOON + timedelta(minutes=5)


class FeaturesTableContract(ABC):
    """What every implementation of `FeaturesTable` does."""

    @pytest.fixture
    @abstractmethod
    def table(self) -> FeaturesTable: ...

    def test_an_empty_table_has_no_rows(self, table: FeaturesTable) -> None:
        assert table.get(image().image_id) is None
        assert list(table.all()) == []
        assert table.tally().statuses == {}

    def test_images_that_are_deleted_for_long_are_found_by_slice(self, table: FeaturesTable) -> None:
        old, recent, alive = (features_row(name, status=DELETED) for name in ("a", "b", "c"))
        table.put(old)
        table.put(replace(recent, updated_at=LATER))
        table.put(replace(alive, status=INDEXED))
        found = {name: table.deleted_before(image(name).image_id[:2], LATER, 9) for name in ("a", "b", "c")}
        assert {name: [row.path.name for row in rows] for name, rows in found.items()} == {"a": ["a"], "b": [], "c": []}
        (row,) = found["a"]
        table.delete(row)
        assert table.get(old.path.image_id) is None

    def test_what_never_was_is_no_image_for_readers_and_ages_as_if_it_were_deleted(self, table: FeaturesTable) -> None:
        row = table.put(features_row("never.jpg", status=ABSENT))
        image_id = row.path.image_id
        assert table.get(image_id) == row
        assert (table.summaries([image_id]), list(table.all_summaries()), table.tally().statuses) == ({}, [], {})
        assert [it.path for it in table.deleted_before(image_id[:2], LATER, 9)] == [row.path]

    def test_a_row_comes_back_as_it_was_put(self, table: FeaturesTable) -> None:
        row = features_row("sub/100%25 é#?.jpg", features=some_features())
        table.put(row)
        assert table.get(row.path.image_id) == row

    def test_a_rejected_row_keeps_its_reason_and_has_no_features(self, table: FeaturesTable) -> None:
        row = replace(
            features_row(status=ImageStatus.rejected("corrupt")), detail="The file ends in the middle of the picture"
        )
        table.put(row)
        assert table.get(row.path.image_id) == row

    def test_rejected_rows_are_found_by_reason_and_by_place(self, table: FeaturesTable) -> None:
        table.put(features_row("fine.jpg", features=some_features()))
        refused = {
            name: table.put(features_row(name, status=ImageStatus.rejected(reason)))
            for name, reason in (("a.jpg", "corrupt"), ("b.jpg", "truncated"), ("c.jpg", "corrupt"))
        }
        in_order = sorted(refused.values(), key=lambda row: row.path.image_id)
        ids = [row.path.image_id for row in in_order]
        assert list(table.rejected()) == in_order
        assert {row.path.name for row in table.rejected(reason="corrupt")} == {"a.jpg", "c.jpg"}
        assert list(table.rejected(ids[0])) == in_order[1:]
        assert list(table.rejected(ids[0][:2])) == [it for it in in_order if it.path.image_id[:2] > ids[0][:2]]
        assert list(table.rejected(before=ids[2][:2])) == [it for it in in_order if it.path.image_id < ids[2][:2]]
        assert list(table.rejected(ids[-1])) == []

    def test_putting_again_replaces_the_whole_row(self, table: FeaturesTable) -> None:
        known = table.put(features_row(features=some_features()))
        rejected = replace(features_row(etag="0x2", status=ImageStatus.rejected("corrupt")), tag=known.tag)
        table.put(rejected)
        assert table.get(rejected.path.image_id) == rejected

    def test_summaries_of_images_that_lie_close_together_are_those_of_each(self, table: FeaturesTable) -> None:
        paths = [path for path in (image(str(number)) for number in range(6000)) if path.image_id[:2] == "00"][:12]
        rows = [table.put(features_row(path.name, features=some_features())) for path in paths[:11]]
        found = table.summaries([path.image_id for path in paths])
        assert found == {row.path.image_id: row.summary for row in rows}

    def test_summaries_tell_what_the_rows_are_about(self, table: FeaturesTable) -> None:
        features = some_features()
        table.put(features_row("a.jpg", features=features))
        table.put(features_row("b.jpg", status=ImageStatus.rejected("corrupt")))
        ids = [image(name).image_id for name in ("a.jpg", "b.jpg", "missing.jpg", "a.jpg")]
        whole = ImageSummary(
            *(image("a.jpg"), "0x1", INDEXED, features.scheme, features.width, features.height, features.byte_size),
            sha256=features.sha256,
            format=features.format,
            provenance=features.provenance,
        )
        rejected = ImageSummary(image("b.jpg"), "0x1", ImageStatus.rejected("corrupt"), None)
        assert table.summaries(ids) == {ids[0]: whole, ids[1]: rejected}
        assert table.summaries(ids[:1]) == {ids[0]: whole}
        assert table.summaries([]) == {}
        assert sorted(table.all_summaries(), key=lambda it: it.path) == [whole, rejected]
        assert (whole.is_alive, rejected.is_alive) == (True, False)

    def test_the_status_changes_alone(self, table: FeaturesTable) -> None:
        row = table.put(features_row(status=PROCESSING, features=some_features()))
        table.set_status(replace(row, status=INDEXED, updated_at=LATER, version=7, features=None, etag="0x9"))
        assert table.get(row.path.image_id) == replace(row, status=INDEXED, updated_at=LATER, version=7)

    def test_of_those_who_read_a_row_one_writes_it_and_the_others_learn_that_they_are_late(
        self, table: FeaturesTable
    ) -> None:
        first = table.put(features_row(etag="0x1", status=PROCESSING))
        with pytest.raises(Superseded):  # there is one
            table.put(features_row(etag="0x2"))
        second = table.put(replace(first, etag="0x2", version=first.version + 1))
        for late in (replace(first, etag="0x3"), replace(first, etag="0x2")):
            with pytest.raises(Superseded):
                table.put(late)
            with pytest.raises(Superseded):
                table.set_status(late)
        assert table.get(first.path.image_id) == second
        assert table.set_status(replace(second, status=INDEXED)).tag != second.tag

    def test_a_row_that_is_not_there_takes_no_status(self, table: FeaturesTable) -> None:
        with pytest.raises(Superseded):
            table.set_status(replace(features_row(), tag="W/\"datetime'2026-05-31T12%3A00%3A00.0000000Z'\""))
        assert table.get(image().image_id) is None

    def test_a_row_goes_only_as_it_was_read(self, table: FeaturesTable) -> None:
        first = table.put(features_row())
        second = table.put(replace(first, version=5))
        table.delete(first)
        assert table.get(first.path.image_id) == second
        table.delete(second)
        assert table.get(first.path.image_id) is None

    def test_rows_come_by_the_beginning_of_their_ids(self, table: FeaturesTable) -> None:
        rows = [table.put(features_row(f"{number}.jpg")) for number in range(5)]
        for row in rows:
            assert row in list(table.with_prefix(row.path.image_id[:2]))
            assert list(table.with_prefix(row.path.image_id[:10])) == [row]
        assert list(table.with_prefix("zz")) == []

    def test_all_rows_and_their_number_by_status(self, table: FeaturesTable) -> None:
        rows = [features_row(f"{number}.jpg") for number in range(5)]
        rows += [
            features_row("bad.jpg", status=ImageStatus.rejected("corrupt")),
            features_row("new.jpg", status=PROCESSING),
        ]
        for row in rows:
            table.put(row)
        assert sorted(table.all(), key=lambda row: row.path) == sorted(rows, key=lambda row: row.path)
        assert table.tally().statuses == {INDEXED: 5, ImageStatus.rejected("corrupt"): 1, PROCESSING: 1}
        assert sum(table.tally(3).statuses.values()) == 3

    def test_images_are_counted_by_the_day_since_when_they_are_there(self, table: FeaturesTable) -> None:
        for number, day in enumerate((1, 1, 3)):
            table.put(replace(features_row(f"{number}.jpg"), added_at=datetime(2026, 5, day, 23, 59, tzinfo=UTC)))
        table.put(features_row("unknown.jpg"))
        assert table.tally().days == {"2026-05-01": 2, "2026-05-03": 1}


class TestMemoryFeaturesTable(FeaturesTableContract):
    @pytest.fixture
    def table(self) -> FeaturesTable:
        return MemoryFeaturesTable()


class TestAzureFeaturesTable(FeaturesTableContract):
    @pytest.fixture
    def table(self, clients: StorageClients) -> FeaturesTable:
        return AzureFeaturesTable(EntityTable(clients.tables, "features"))

    def test_put_and_status_cost_one_request_each(self, table: FeaturesTable, account: Account) -> None:
        table.put(features_row("first.jpg"))  # creates the table
        before = len(account.requests())
        row = table.put(features_row(status=PROCESSING, features=some_features()))
        table.set_status(replace(row, status=INDEXED))
        table.put(replace(table.get(row.path.image_id) or row, etag="0x2"))
        assert [request.method for request in account.requests()[before:]] == ["POST", "PATCH", "GET", "PUT"]

    def test_features_of_another_scheme_are_left_out_and_the_row_says_so(
        self, table: FeaturesTable, clients: StorageClients
    ) -> None:
        row = features_row(features=some_features())
        table.put(row)
        client = clients.tables.get_table_client("features")
        client.update_entity({"PartitionKey": row.path.image_id[:2], "RowKey": row.path.image_id, "scheme": 999})
        found = table.get(row.path.image_id)
        assert found is not None
        assert found.features is None
        assert "scheme 999" in found.detail

    def test_columns_that_others_read_have_their_names(self, table: FeaturesTable, clients: StorageClients) -> None:
        row = features_row(features=some_features())
        table.put(row)
        (entity,) = clients.tables.get_table_client("features").list_entities()
        assert entity["PartitionKey"] == row.path.image_id[:2]
        assert entity["RowKey"] == row.path.image_id
        assert {name: entity[name] for name in ("path", "etag", "status", "width", "height", "scheme")} == {
            "path": "images/a.jpg",
            "etag": "0x1",
            "status": "indexed",
            "width": 90,
            "height": 70,
            "scheme": some_features().scheme,
        }
        assert len(entity["sha256"]) == 64

    def test_a_detail_too_long_for_a_column_is_cut(self, table: FeaturesTable) -> None:
        row = replace(features_row(status=ImageStatus.rejected("corrupt")), detail="x" * 100_000)
        table.put(row)
        found = table.get(row.path.image_id)
        assert found is not None
        assert found.detail.endswith("x…")
