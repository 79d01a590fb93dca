"""Rows that lie close together are read together, others one by one, and none is missed or made up."""

import random
from collections.abc import Collection, Iterator, Sequence
from unittest.mock import Mock

import pytest

from dedup_storage.account.clients import StorageClients
from dedup_storage.tables import many_rows
from dedup_storage.tables.entity_table import Entities, EntityTable, side_by_side
from dedup_storage.tables.many_rows import Keys, read_many
from dedup_storage.tables.rows import Entity
from tests.memory import MemoryEntities


class Counted(MemoryEntities):
    """Counts reads, and the rows that came with them."""

    def __init__(self, keys: Collection[Keys]) -> None:
        super().__init__()
        self.singles = self.queries = self.rows = 0
        for partition, key in keys:
            self.create({"PartitionKey": partition, "RowKey": key, "name": f"of {key}", "other": 1})

    def get_many(self, keys: Collection[Keys], *, select: Sequence[str] | None = None) -> list[Entity]:
        self.singles += len(keys)
        return super().get_many(keys, select=select)

    def query(
        self, condition: str = "", *, select: Sequence[str] | None = None, limit: int | None = None
    ) -> Iterator[Entity]:
        found = list(super().query(condition, select=select, limit=limit))
        self.queries += 1
        self.rows += len(found)
        return iter(found)


def names(entities: Collection[Entity]) -> list[str]:
    return sorted(entity["name"] for entity in entities)


def keys(count: int, partition: str = "ab") -> list[Keys]:
    return [(partition, f"{partition}{number:04x}") for number in range(count)]


def test_rows_that_lie_close_together_take_one_operation():
    table = Counted(keys(40))
    found = read_many(table, [*keys(40)[::2], ("ab", "ab9999")], select=["name"])
    assert names(found) == [f"of {key}" for _, key in keys(40)[::2]]
    assert (table.queries, table.singles) == (1, 0)


def test_a_long_range_is_read_by_the_page(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(many_rows, "PAGE_ROWS", 100)
    table = Counted(keys(1000))
    assert len(read_many(table, keys(1000)[::3], select=["name"])) == 334
    assert table.queries == 10
    assert table.singles < 8


@pytest.fixture(params=["memory", "Azurite"])
def table(request: pytest.FixtureRequest) -> Entities:
    """An empty table, of each kind."""
    if request.param == "memory":
        return MemoryEntities()
    clients: StorageClients = request.getfixturevalue("clients")
    return EntityTable(clients.tables, "many")


def test_from_page_to_page_each_row_comes_once(table: Entities, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(many_rows, "PAGE_ROWS", 50)
    there = keys(300)
    rows = [{"PartitionKey": partition, "RowKey": key, "name": f"of {key}"} for partition, key in there]
    table.create(rows[0])  # and with it the table
    side_by_side(table.create, rows[1:])
    wanted = [*there[::2], *there[49:251:50], ("ab", "ab9999")]  # and the last of each page, and one that is not there
    ranges = Mock(wraps=table.query)
    monkeypatch.setattr(table, "query", ranges)
    assert names(read_many(table, wanted, select=["name"])) == sorted(f"of {key}" for _, key in set(wanted[:-1]))
    assert ranges.call_count >= 300 // 50


def test_rows_far_apart_are_read_one_by_one_after_a_few_others():
    table = Counted(keys(2000))
    assert len(read_many(table, keys(2000)[::200], select=["name"])) == 10
    assert table.rows <= 4 * 10
    assert table.singles >= 9


def test_a_few_rows_are_read_one_by_one():
    wanted = keys(7) + keys(3, "cd")
    table = Counted(keys(100) + keys(100, "cd"))
    assert len(read_many(table, wanted, select=["name"])) == 10
    assert (table.queries, table.singles) == (0, 10)


@pytest.mark.parametrize("seed", range(20))
def test_the_same_rows_come_as_one_by_one(seed, monkeypatch: pytest.MonkeyPatch):
    dice = random.Random(seed)
    monkeypatch.setattr(many_rows, "PAGE_ROWS", dice.choice((9, 30, 1000)))
    all_keys = [it for partition in ("00", "0a", "ff") for it in keys(dice.choice((5, 50, 400)), partition)]
    table = Counted([it for it in all_keys if dice.random() < 0.7])
    share = dice.choice((0.02, 0.1, 0.5, 1.0))
    wanted = [it for it in all_keys if dice.random() < share]
    dice.shuffle(wanted)
    found = read_many(table, wanted + wanted[:3], select=["name"])
    assert names(found) == names(MemoryEntities.get_many(table, wanted, select=["name"]))
