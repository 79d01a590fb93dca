"""What every table of statistics and reports does, in memory and on Azure Tables."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from dedup_app.configuration.ownership import Owner
from dedup_app.ports.findings import SliceReport
from dedup_app.ports.reports import DecodersReport, RejectedMessage, ReportsTable, StatsReport, StatsTable
from dedup_core.errors import StoreBusy
from dedup_core.loading.stats import LoaderStats
from dedup_storage.account.clients import StorageClients
from dedup_storage.tables.entity_table import EntityTable
from dedup_storage.tables.reports import AzureReportsTable
from dedup_storage.tables.rows import Entity
from dedup_storage.tables.stats import AzureStatsTable
from tests.memory import MemoryEntities, MemoryReportsTable, MemoryStatsTable
from tests.storage.examples import NOON

TOTALS = LoaderStats(
    images_downloaded=3_000_000_000,
    bytes_downloaded=5_000_000_000_000,
    total_download_seconds=1.5,
    failures_by_reason={"not-found": 2},
)


def rejected(number: int) -> RejectedMessage:
    at = NOON + timedelta(seconds=number)
    return RejectedMessage("verify-pairs", f"id/{number}", "{not json", "it is not JSON", at)


def decoders(isolation: str, second: int) -> DecodersReport:
    said = {"PNG": "readers 2, Pillow 13.0.0"}, {"HEIC": "libheif 1.23.0 < 1.23.5"}
    return DecodersReport("host-1", isolation, "a kernel without filters", *said, NOON + timedelta(seconds=second))


class StatsTableContract(ABC):
    @pytest.fixture
    @abstractmethod
    def table(self) -> StatsTable: ...

    def test_a_day_without_statistics_is_empty(self, table: StatsTable) -> None:
        assert table.of_day("2026-03-04") == {}

    def test_totals_come_back_by_instance(self, table: StatsTable) -> None:
        table.put("2026-03-04", "host-1", TOTALS)
        table.put("2026-03-04", "host-2", LoaderStats())
        assert table.of_day("2026-03-04") == {"host-1": TOTALS, "host-2": LoaderStats()}

    def test_running_totals_replace_the_earlier_ones_of_the_same_instance(self, table: StatsTable) -> None:
        table.put("2026-03-04", "host-1", LoaderStats(images_downloaded=1, failures_by_reason={"timeout": 1}))
        table.put("2026-03-04", "host-1", LoaderStats(images_downloaded=2))
        assert table.of_day("2026-03-04") == {"host-1": LoaderStats(images_downloaded=2)}

    def test_days_do_not_mix(self, table: StatsTable) -> None:
        table.put("2026-03-04", "host-1", TOTALS)
        assert table.of_day("2026-03-05") == {}

    def test_old_days_are_folded_into_one_row_each_that_adds_up_to_the_same(self, table: StatsTable) -> None:
        days = ["2026-03-01", "2026-03-02", "2026-03-03"]
        for day in days:
            for number in range(3):
                table.put(day, f"host-{number}", LoaderStats(number, failures_by_reason={"timeout": 1}))
        before = [LoaderStats.sum(table.of_day(day).values()) for day in days]
        assert table.fold_before("2026-03-03", 4) == 4
        assert [LoaderStats.sum(table.of_day(day).values()) for day in days] == before
        assert table.fold_before("2026-03-03", 100) == 2
        assert table.fold_before("2026-03-03", 100) == 0
        assert [LoaderStats.sum(table.of_day(day).values()) for day in days] == before
        assert [len(table.of_day(day)) for day in days] == [1, 1, 3]

    def test_more_rows_than_a_transaction_takes_are_folded_too(self, table: StatsTable) -> None:
        for number in range(120):
            table.put("2026-03-01", f"host-{number}", LoaderStats(1))
        assert table.fold_before("2026-03-02", 200) == 120
        (total,) = table.of_day("2026-03-01").values()
        assert total == LoaderStats(120)


class TestMemoryStatsTable(StatsTableContract):
    @pytest.fixture
    def table(self) -> StatsTable:
        return MemoryStatsTable()


class HeldBack(MemoryEntities):
    """Entities of which a write may take effect long after its caller gave up."""

    def __init__(self) -> None:
        super().__init__()
        self.is_late = False
        self.late: list[Callable[[], object]] = []

    def create(self, entity: Entity) -> str | None:
        return self._now_or_later(lambda: MemoryEntities.create(self, entity))

    def update(self, entity: Entity, tag: str, *, keep_other_columns: bool) -> str | None:
        return self._now_or_later(
            lambda: MemoryEntities.update(self, entity, tag, keep_other_columns=keep_other_columns)
        )

    def upsert(self, entity: Entity, *, keep_other_columns: bool) -> str:
        return self._now_or_later(lambda: MemoryEntities.upsert(self, entity, keep_other_columns=keep_other_columns))

    def _now_or_later[T](self, write: Callable[[], T]) -> T:
        if self.is_late:
            self.late.append(write)
            raise StoreBusy("no answer")
        return write()


@pytest.mark.parametrize("written_before", [0, 1])
@pytest.mark.parametrize("when", ["between two later writes", "after the next write", "before the next write"])
def test_totals_that_land_late_never_replace_newer_ones(written_before: int, when: str) -> None:
    entities = HeldBack()
    table = AzureStatsTable(entities)
    for _ in range(written_before):
        table.put("2026-03-04", "host-1", LoaderStats(images_downloaded=1))
    entities.is_late = True
    with pytest.raises(StoreBusy):
        table.put("2026-03-04", "host-1", LoaderStats(images_downloaded=2))
    entities.is_late = False
    (late,) = entities.late
    if when == "before the next write":
        late()
    table.put("2026-03-04", "host-1", LoaderStats(images_downloaded=3))
    late()
    if when == "between two later writes":
        table.put("2026-03-04", "host-1", LoaderStats(images_downloaded=4))
    last = 4 if when == "between two later writes" else 3
    assert table.of_day("2026-03-04") == {"host-1": LoaderStats(images_downloaded=last)}


class TestAzureStatsTable(StatsTableContract):
    @pytest.fixture
    def table(self, clients: StorageClients) -> StatsTable:
        return AzureStatsTable(EntityTable(clients.tables, "loaderstats"))


class ReportsTableContract(ABC):
    @pytest.fixture
    @abstractmethod
    def table(self) -> ReportsTable: ...

    def test_the_latest_process_tells_what_decodes(self, table: ReportsTable) -> None:
        assert table.latest_decoders_report() is None
        newer = decoders("separate", 2)
        table.put_decoders_report(newer)
        table.put_decoders_report(decoders("confined", 1))
        assert table.latest_decoders_report() == newer

    def test_an_empty_table_has_no_reports(self, table: ReportsTable) -> None:
        assert table.latest_stats_report() is None
        assert list(table.rejected_messages()) == []

    def test_the_latest_report_is_the_latest_in_time(self, table: ReportsTable) -> None:
        told = {"KEEPER_STEPS": "person,earlier", "POLICY": "strict"}
        newer = StatsReport("2026-03-04", 2, TOTALS, NOON + timedelta(microseconds=1), ("catalog/", "café/"), told)
        older = StatsReport("2026-03-04", 1, LoaderStats(), NOON)
        for report in (older, newer, older):
            table.put_stats_report(report)
        assert table.latest_stats_report() == newer

    def test_a_time_in_another_zone_is_the_same_moment(self, table: ReportsTable) -> None:
        paris = timezone(timedelta(hours=1))
        table.put_stats_report(StatsReport("2026-03-04", 1, LoaderStats(), datetime(2026, 3, 4, 13, tzinfo=paris)))
        found = table.latest_stats_report()
        assert found is not None
        assert found.reported_at.isoformat() in {"2026-03-04T12:00:00+00:00", "2026-03-04T13:00:00+01:00"}

    def test_rejected_messages_come_newest_first_up_to_the_limit(self, table: ReportsTable) -> None:
        for number in (1, 3, 2):
            table.put_rejected_message(rejected(number))
        assert list(table.rejected_messages()) == [rejected(3), rejected(2), rejected(1)]
        assert list(table.rejected_messages(limit=2)) == [rejected(3), rejected(2)]

    def test_two_messages_rejected_in_the_same_moment_are_both_kept(self, table: ReportsTable) -> None:
        for number in (1, 2):
            table.put_rejected_message(RejectedMessage("verify-pairs", f"id-{number}", "x", "y", NOON))
        assert {message.message_id for message in table.rejected_messages()} == {"id-1", "id-2"}

    def test_old_rows_go_a_few_at_a_time_and_the_latest_of_a_kind_stays_however_old(self, table: ReportsTable) -> None:
        for number in range(5):
            at = NOON + timedelta(days=number)
            table.put_stats_report(StatsReport(f"day {number}", 1, LoaderStats(), at))
            table.put_rejected_message(replace(rejected(number), rejected_at=at))
            table.put_last_error(f"body {number}", "busy", at)
            table.put_decoders_report(replace(decoders("off", 0), started_at=at))
        newest = table.latest_stats_report(), table.latest_decoders_report()
        assert table.forget_before(NOON + timedelta(days=3), 2) == 8
        assert table.forget_before(NOON + timedelta(days=3), 2) == 4
        assert table.forget_before(NOON + timedelta(days=3), 2) == 0
        assert [it.message_id for it in table.rejected_messages()] == ["id/4", "id/3"]
        assert [table.last_error(f"body {number}") for number in (2, 3)] == [None, "busy"]
        assert table.forget_before(NOON + timedelta(days=300), 100) == 5
        assert (table.latest_stats_report(), table.latest_decoders_report()) == newest
        assert len(table.rejected_messages()) == 1

    def test_what_is_kept_once_stays_whatever_its_age(self, table: ReportsTable) -> None:
        owner = Owner("images", "func-a", NOON)
        assert table.retention_place() == ""
        table.put_retention_place("3f")
        assert table.precision_told_at() is None
        table.put_precision_told(NOON)
        table.put_ledger(SliceReport.of("00", 1, [], has_messages=False, damaged_bytes=0, checked_at=NOON))
        assert table.create_owner(owner)
        assert table.forget_before(NOON + timedelta(days=3000), 100) == 0
        assert (table.owner(), table.retention_place(), len(list(table.ledger()))) == (owner, "3f", 1)
        assert table.precision_told_at() == NOON

    def test_of_two_owners_one_is_created_and_only_who_knows_it_replaces_it(self, table: ReportsTable) -> None:
        assert table.owner() is None
        assert table.create_owner(Owner("images", "", NOON))
        assert not table.create_owner(Owner("catalog", "", NOON))
        found = table.owner()
        assert found is not None
        assert table.replace_owner(replace(found, site="func-a"), found.tag)
        assert not table.replace_owner(replace(found, site="func-b"), found.tag)
        assert table.owner() == Owner("images", "func-a", NOON)


class TestMemoryReportsTable(ReportsTableContract):
    @pytest.fixture
    def table(self) -> ReportsTable:
        return MemoryReportsTable()


class TestAzureReportsTable(ReportsTableContract):
    @pytest.fixture
    def table(self, clients: StorageClients) -> ReportsTable:
        return AzureReportsTable(EntityTable(clients.tables, "reports"))

    def test_an_excerpt_too_long_for_a_column_is_cut(self, table: ReportsTable) -> None:
        table.put_rejected_message(RejectedMessage("verify-pairs", "id", "€" * 48_000, "too long", NOON))
        (message,) = table.rejected_messages()
        assert message.excerpt.endswith("€…")
