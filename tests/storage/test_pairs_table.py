"""What every pairs table does, in memory and on Azure Tables."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from dedup_app.ports.pairs import PairRow, PairsTable, Written
from dedup_app.ports.superseded import Superseded
from dedup_core.comparison.regions import Box, Region, RegionKind
from dedup_core.comparison.verdict import VerdictKind
from dedup_storage.account.clients import StorageClients
from dedup_storage.tables.entity_table import EntityTable
from dedup_storage.tables.pair_directions import key_order, reversed_pair
from dedup_storage.tables.pairs import AzurePairsTable
from dedup_storage.tables.rows import Entity
from tests.decisions import decided
from tests.memory import MemoryEntities, MemoryPairsTable
from tests.storage.examples import NOON, image, pending, verified


def versioned(left: str, right: str, *versions: int, kind: VerdictKind = VerdictKind.DUPLICATE) -> PairRow:
    return verified(left, right, kind, left_version=versions[0], right_version=versions[1])


class PairsTableContract(ABC):
    """What every implementation of `PairsTable` does."""

    @pytest.fixture
    @abstractmethod
    def table(self) -> PairsTable: ...

    def test_an_empty_table_has_no_pairs(self, table: PairsTable) -> None:
        assert table.get(image("a"), image("b")) is None
        assert list(table.of_image(image("a"))) == []
        assert list(table.all()) == []

    def test_a_new_pair_is_worth_a_verification_and_pending(self, table: PairsTable) -> None:
        assert table.open(pending("a", "b"))
        assert table.get(image("a"), image("b")) == pending("a", "b")

    def test_a_pair_opened_from_both_sides_is_one_pair(self, table: PairsTable) -> None:
        assert table.open(pending("a", "b"))
        assert table.open(pending("b", "a", left_etag="0x2", right_etag="0x1"))
        assert len(list(table.all())) == 1

    def test_all_pairs_go_on_after_a_given_one(self, table: PairsTable) -> None:
        for right in "bcde":
            table.put_verdict(verified("a", right))
            table.put_verdict(verified(right, f"{right}2"))
        ids = [tuple(sorted((it.left.image_id, it.right.image_id))) for it in table.all()]
        assert ids == sorted(ids)
        for place, key in enumerate(ids):
            assert [(it.left.image_id, it.right.image_id) for it in table.all(key)] == ids[place + 1 :]

    def test_the_regions_of_an_altered_pair_are_those_of_each_image_from_either_side(self, table: PairsTable) -> None:
        region = Region(RegionKind.CHANGED, Box(0.1, 0.2, 0.3, 0.4), Box(0.5, 0.6, 0.7, 0.8))
        plain = verified("a", "b", VerdictKind.ALTERED)
        assert plain.verdict is not None
        altered = replace(plain, verdict=replace(plain.verdict, regions=(region,)))
        table.put_verdict(altered)
        assert table.get(image("a"), image("b")) == altered
        for side, expected in (("a", region), ("b", region.swapped())):
            (pair,) = table.of_image(image(side))
            assert pair.verdict is not None
            assert pair.verdict.regions == (expected,)
        table.put_verdict(plain)
        assert table.get(image("a"), image("b")) == plain

    def test_pairs_of_an_image_are_forgotten_on_both_sides_a_few_at_a_time_but_no_decision(
        self, table: PairsTable
    ) -> None:
        for name in ("b", "c", "d"):
            table.put_verdict(verified("a", name))
        table.put_verdict(verified("b", "c"))
        table.decide(decided(verified("a", "c")), None)
        assert table.forget(image("a"), 9, 1) == 1
        assert table.forget(image("a"), 9, 9) == 1
        assert table.forget(image("a"), 9, 9) == 0
        assert {(it.left.name, it.right.name) for it in table.of_image(image("a"))} == {("a", "c")}
        assert {it.right.name for it in table.of_image(image("b"))} == {"c"}
        assert list(table.of_image(image("d"))) == []
        kept = table.get(image("c"), image("a"))
        assert kept is not None
        assert kept.decision == "keep_both"

    def test_a_verdict_that_is_there_is_nothing_new(self, table: PairsTable) -> None:
        written = [
            table.put_verdict(pair)
            for pair in (
                *(
                    versioned("a", "b", 1, 1),
                    replace(versioned("a", "b", 1, 1), verified_at=NOON + timedelta(seconds=1)),
                ),
                *(versioned("a", "b", 1, 1, kind=VerdictKind.DISTINCT), versioned("a", "b", 1, 2)),
                versioned("a", "b", 1, 1),
            )
        ]
        assert written == [Written.NEW, Written.AGAIN, Written.NEW, Written.NEW, Written.SUPERSEDED]

    def test_a_verdict_that_is_written_by_a_try_whose_answer_got_lost_is_new(self, table: PairsTable) -> None:
        table.put_verdict(versioned("a", "b", 1, 1))  # as the SDK does before it asks again
        assert table.put_verdict(versioned("a", "b", 1, 1)) is Written.NEW

    def test_the_same_bytes_said_once_more_leave_the_row_to_whoever_wrote_it_and_may_still_ask(
        self, table: PairsTable
    ) -> None:
        first = versioned("a", "b", 1, 1, kind=VerdictKind.IDENTICAL)
        later = replace(first, verified_at=NOON + timedelta(seconds=1))
        table.put_verdict(first)  # its answer got lost
        assert table.put_verdict(later) is Written.AGAIN
        assert table.put_verdict(first) is Written.NEW
        assert table.put_verdict(replace(later, left_etag="0x3")) is Written.AGAIN
        for pair in (table.get(image("a"), image("b")), *table.of_image(image("a"))):
            assert pair is not None
            assert pair.left_etag == "0x3"

    def test_a_pair_reads_from_either_side(self, table: PairsTable) -> None:
        table.open(pending("a", "b", view="turned_90"))
        other = table.get(image("b"), image("a"))
        assert other == pending("b", "a", left_etag="0x2", right_etag="0x1", view="turned_270")

    def test_a_pending_pair_is_not_listed_with_its_images(self, table: PairsTable) -> None:
        table.open(pending("a", "b"))
        assert list(table.of_image(image("a"))) == []
        assert list(table.of_image(image("b"))) == []

    @pytest.mark.parametrize(("left", "right"), [("a", "b"), ("b", "a")])
    def test_a_verdict_is_seen_from_both_images(self, table: PairsTable, left: str, right: str) -> None:
        pair = verified(left, right)
        table.put_verdict(pair)
        assert table.get(image(left), image(right)) == pair
        assert list(table.of_image(image(left))) == [pair]
        assert list(table.of_image(image(right))) == [reversed_pair(pair)]
        assert len(list(table.all())) == 1

    def test_a_verdict_settles_an_opened_pair(self, table: PairsTable) -> None:
        table.open(pending("a", "b"))
        table.put_verdict(verified("a", "b"))
        for pair in (pending("a", "b"), pending("b", "a", left_etag="0x2", right_etag="0x1")):
            assert table.open(pair) == key_order(verified("a", "b"))
        assert table.get(image("a"), image("b")) == verified("a", "b")

    def test_a_verdict_on_another_content_becomes_pending_but_for_a_decision(self, table: PairsTable) -> None:
        table.put_verdict(versioned("a", "b", 1, 1))
        table.decide(decided(versioned("a", "b", 1, 1)), None)
        opened = table.open(pending("a", "b", left_version=1, right_version=2))
        found = table.get(image("a"), image("b"))
        assert found == decided(pending("a", "b", left_version=1, right_version=2))
        assert opened is not None
        table.put_verdict(replace(versioned("a", "b", 1, 2), tag=opened.tag))
        assert table.get(image("a"), image("b")) == decided(versioned("a", "b", 1, 2))

    @pytest.mark.parametrize("late", [(1, 2), (2, 1), (1, 1), (0, 2)])
    def test_an_older_verdict_never_replaces_a_newer_one(self, table: PairsTable, late: tuple[int, int]) -> None:
        newest = versioned("a", "b", 2, 2)
        assert table.put_verdict(newest)
        for pair in (versioned("a", "b", *late), versioned("b", "a", *reversed(late))):
            assert not table.put_verdict(pair)
            assert table.open(replace(pair, verdict=None)) is None
        assert table.get(image("a"), image("b")) == newest
        assert list(table.of_image(image("b"))) == [reversed_pair(newest)]

    def test_a_verdict_that_comes_late_does_not_replace_a_pair_that_waits(self, table: PairsTable) -> None:
        first = table.open(pending("a", "b", left_version=1, right_version=1))
        assert first is not None
        table.open(pending("a", "b", left_version=2, right_version=1))
        assert not table.put_verdict(replace(versioned("a", "b", 1, 1), tag=first.tag))
        found = table.get(image("a"), image("b"))
        assert found == pending("a", "b", left_version=2, right_version=1)

    def test_a_tag_from_before_does_no_harm(self, table: PairsTable) -> None:
        opened = table.open(pending("a", "b", left_version=1, right_version=1))
        assert opened is not None
        for pair in (versioned("a", "b", 1, 1), versioned("a", "b", 1, 1, kind=VerdictKind.UNVERIFIABLE)):
            assert table.put_verdict(replace(pair, tag=opened.tag))
            assert table.get(image("a"), image("b")) == pair

    @pytest.mark.parametrize("tag", ['W/"made up"', '"made up"', "made up"])
    def test_a_made_up_tag_does_no_harm_even_where_storage_takes_it_for_none(self, table: PairsTable, tag: str) -> None:
        table.open(pending("a", "b", left_version=1, right_version=1))
        assert table.put_verdict(replace(versioned("a", "b", 1, 1), tag=tag))
        assert table.get(image("a"), image("b")) == versioned("a", "b", 1, 1)

    def test_a_later_verdict_replaces_all_of_the_earlier_one(self, table: PairsTable) -> None:
        table.put_verdict(verified("a", "b"))
        later = verified("a", "b", VerdictKind.UNVERIFIABLE, verified_at=NOON + timedelta(days=1), right_etag="0x3")
        table.put_verdict(later)
        assert table.get(image("a"), image("b")) == later
        assert list(table.of_image(image("b"))) == [reversed_pair(later)]

    def test_the_same_verdict_twice_is_the_same_as_once(self, table: PairsTable) -> None:
        for _ in range(2):
            table.put_verdict(verified("a", "b"))
        assert list(table.all()) in ([verified("a", "b")], [reversed_pair(verified("a", "b"))])

    @pytest.mark.parametrize("kind", [VerdictKind.DISTINCT, VerdictKind.UNVERIFIABLE])
    def test_a_persons_decision_survives_a_later_verdict(self, table: PairsTable, kind: VerdictKind) -> None:
        table.put_verdict(verified("a", "b"))
        table.decide(decided(verified("a", "b")), None)
        table.put_verdict(verified("a", "b", kind))
        assert table.get(image("a"), image("b")) == decided(verified("a", "b", kind))

    def test_a_decision_is_seen_from_both_images_and_can_be_changed(self, table: PairsTable) -> None:
        table.put_verdict(verified("a", "b"))
        table.decide(decided(verified("b", "a"), "not_duplicate"), None)
        changed = decided(verified("a", "b"), "duplicate", at=2)
        table.decide(changed, decided(verified("a", "b"), "not_duplicate").decided)
        assert table.get(image("a"), image("b")) == changed
        assert list(table.of_image(image("b"))) == [reversed_pair(changed)]

    def test_what_was_decided_before_is_kept(self, table: PairsTable) -> None:
        first = decided(verified("a", "b"), "not_duplicate")
        table.put_verdict(verified("a", "b"))
        assert first.decided is not None
        again = replace(decided(verified("a", "b"), "duplicate"), decision_history=(first.decided,))
        table.decide(again, None)
        assert table.get(image("b"), image("a")) == reversed_pair(again)

    def test_of_two_who_decide_at_once_the_second_one_is_told_and_undoes_nothing(self, table: PairsTable) -> None:
        first = decided(verified("a", "b"))
        table.put_verdict(verified("a", "b"))
        table.decide(first, None)
        with pytest.raises(Superseded):
            table.decide(decided(verified("b", "a"), "not_duplicate", at=2), None)
        assert table.get(image("a"), image("b")) == first
        assert [*table.of_image(image("a")), *map(reversed_pair, table.of_image(image("b")))] == [first, first]
        assert table.decide(first, None) == first  # once more, because an answer got lost

    @pytest.mark.parametrize("has_tag", [True, False])
    def test_a_decision_is_half_one_until_it_is_settled_and_no_other_is_settled_with_it(
        self, table: PairsTable, has_tag: bool
    ) -> None:
        def is_half() -> list[bool]:
            return [pair.is_half_decided for pair in table.all()]

        table.put_verdict(verified("a", "b"))
        first = table.decide(decided(verified("b", "a")), None)
        first = first if has_tag else replace(first, tag="")
        assert is_half() == [True]
        table.settle_decision(first)
        assert is_half() == [False]
        table.decide(decided(verified("a", "b"), "not_duplicate", at=2), first.decided)
        table.settle_decision(first)
        assert is_half() == [True]
        table.settle_decision(decided(verified("c", "d")))
        assert is_half() == [True]

    def test_a_pair_that_was_never_compared_can_be_decided(self, table: PairsTable) -> None:
        table.decide(decided(pending("a", "c")), None)
        assert table.get(image("c"), image("a")) == reversed_pair(decided(pending("a", "c")))
        assert list(table.of_image(image("a"))) == []

    def test_an_image_has_all_its_pairs_and_no_others(self, table: PairsTable) -> None:
        for other in ("b", "c", "d"):
            table.put_verdict(verified("a", other))
        table.put_verdict(verified("b", "c"))
        assert {pair.right.name for pair in table.of_image(image("a"))} == {"b", "c", "d"}
        assert {pair.right.name for pair in table.of_image(image("c"))} == {"a", "b"}
        assert len(list(table.all())) == 4


class TestMemoryPairsTable(PairsTableContract):
    @pytest.fixture
    def table(self) -> PairsTable:
        return MemoryPairsTable()


class LosesAnswers(MemoryEntities):
    """Writes, and says of the first update of a row that it failed: the SDK has sent it again by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: set[str] = set()

    def update(self, entity: Entity, tag: str, *, keep_other_columns: bool) -> str | None:
        written = super().update(entity, tag, keep_other_columns=keep_other_columns)
        if entity["PartitionKey"] in self.lost:
            return written
        self.lost.add(entity["PartitionKey"])
        return None


def test_a_repetition_whose_answer_got_lost_is_no_new_verdict():
    table = AzurePairsTable(LosesAnswers())
    assert table.put_verdict(versioned("a", "b", 1, 1)) is Written.NEW
    assert (
        table.put_verdict(replace(versioned("a", "b", 1, 1), verified_at=NOON + timedelta(seconds=1))) is Written.AGAIN
    )


class Interrupted(MemoryEntities):
    """Lets somebody else in before one of its updates."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Callable[[], object]] = []

    def update(self, entity: Entity, tag: str, *, keep_other_columns: bool) -> str | None:
        if self.before:
            self.before.pop()()
        return super().update(entity, tag, keep_other_columns=keep_other_columns)


def test_whoever_is_late_with_the_copy_of_a_decision_leaves_the_later_word_there():
    entities = Interrupted()
    table = AzurePairsTable(entities)
    table.put_verdict(verified("a", "b"))
    first, later = decided(verified("a", "b")), decided(verified("a", "b"), "not_duplicate", at=2)
    entities.before = [lambda: table.decide(later, first.decided), lambda: None]  # not before the pair, but the copy
    table.decide(first, None)
    assert entities.before == []
    assert list(map(key_order, table.all())) == [key_order(later)]
    assert [*table.of_image(image("a")), *map(reversed_pair, table.of_image(image("b")))] == [later, later]


class TestAzurePairsTable(PairsTableContract):
    @pytest.fixture
    def table(self, clients: StorageClients) -> PairsTable:
        return AzurePairsTable(EntityTable(clients.tables, "pairs"))

    def test_of_many_finders_one_creates_the_row_and_none_fails(self, table: PairsTable) -> None:
        with ThreadPoolExecutor(8) as threads:
            opened = list(threads.map(lambda _: table.open(pending("a", "b")), range(16)))
        assert all(opened)
        assert len(list(table.all())) == 1

    def test_columns_that_others_read_have_their_names(self, table: PairsTable, clients: StorageClients) -> None:
        table.put_verdict(verified("a", "b"))
        entities = {
            entity["left_path"]: dict(entity) for entity in clients.tables.get_table_client("pairs").list_entities()
        }
        entity = entities["images/a"]
        assert json.loads(entity.pop("reasons")) == ["structure matches (12 of 256 bits)", "größer als 3 €"]
        assert json.loads(entity.pop("regions")) == []
        assert entity.pop("sides") == "1|1"
        assert entity == {
            "PartitionKey": image("a").image_id,
            "RowKey": image("b").image_id,
            "left_path": "images/a",
            "right_path": "images/b",
            "left_etag": "0x1",
            "right_etag": "0x2",
            "left_version": 0,
            "right_version": 0,
            "verdict": "duplicate",
            "dominant_distance": 1.5,
            "pixel_difference": 2.25,
            "histogram_correlation": 0.875,
            "distance_bits": 12,
            "view": "upright",
            "verified_at": NOON,
        }

    def test_reasons_too_many_for_a_column_are_cut_to_whole_sentences(self, table: PairsTable) -> None:
        pair = verified("a", "b")
        assert pair.verdict is not None
        table.put_verdict(replace(pair, verdict=replace(pair.verdict, reasons=("a sentence of some length",) * 10_000)))
        found = table.get(image("a"), image("b"))
        assert found is not None
        assert found.verdict is not None
        assert set(found.verdict.reasons) == {"a sentence of some length"}
