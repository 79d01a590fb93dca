"""Statistics of all processes add up for each day, nothing twice and nothing lost."""

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest

from dedup_app.configuration.settings import Settings
from dedup_app.operations.reporting import ReportingService
from dedup_app.pipeline.loader_totals import LoaderTotals, utc_day
from dedup_app.ports.reports import StatsReport
from dedup_core.comparison import measure
from dedup_core.errors import StoreBusy
from dedup_core.loading.loader import MemoryEfficientImageLoader
from dedup_core.loading.stats import LoaderStats
from dedup_core.messages import VerifyMessage, VerifyTarget
from tests.app.world import NOON, photo, small_scene
from tests.core.pictures import encoded
from tests.memory import MemoryReportsTable, MemoryStatsTable

TODAY, TOMORROW = "2026-05-31", "2026-06-01"


class Totals:
    """A loader that only counts, and the totals that carry its counts away."""

    def __init__(self, stats: MemoryStatsTable) -> None:
        self.time = NOON
        self.loader = MemoryEfficientImageLoader()
        self.totals = LoaderTotals(self.loader, stats, "instance", lambda: self.time)

    def count(self, comparisons: int) -> None:
        self.loader.count_failed_comparisons(comparisons)
        with self.totals.message():
            pass


@pytest.fixture
def table():
    return MemoryStatsTable()


def failed(table: MemoryStatsTable, day: str) -> dict[str, int]:
    return {instance: totals.comparisons_failed for instance, totals in table.of_day(day).items()}


def test_after_each_message_the_running_totals_are_in_storage(world):
    left, right = world.upload("a.png", photo(1)), world.upload("b.png", photo(2))
    body = VerifyMessage(left, (VerifyTarget(right),)).to_json()
    for times in (1, 2):
        world.services.verify.handle_message(body, "1")
        totals = world.stats.of_day(TODAY)["first"]
        assert (totals.comparisons_performed, totals.images_downloaded, totals.reads_saved) == (
            times,
            2 * times,
            4 * times,
        )


def test_messages_handled_side_by_side_share_a_write_and_the_last_of_them_leaves_nothing_out(table):
    process = Totals(table)
    process.count(1)
    writes, write = [], table.put
    table.put = lambda *row: writes.append(row) or write(*row)
    with process.totals.message():
        with process.totals.message():
            process.loader.count_failed_comparisons(2)
        with suppress(StoreBusy), process.totals.message():
            process.loader.count_failed_comparisons(4)
            raise StoreBusy("503")
        assert (len(writes), failed(table, TODAY)) == (0, {"instance": 1})
    assert (len(writes), failed(table, TODAY)) == (1, {"instance": 7})


def test_a_message_that_counted_nothing_writes_nothing(table):
    with Totals(table).totals.message():
        pass
    assert table.of_day(TODAY) == {}


def test_images_that_are_taken_in_side_by_side_share_a_write(world):
    world.upload_and_ingest("a.png", photo(1))
    names = [f"{quality}.jpg" for quality in (60, 70, 80)]
    for name in names:
        world.upload(name, encoded(small_scene(1), "JPEG", quality=int(name.removesuffix(".jpg"))))

    def land(_number, step):
        if step == "images.read" and names:
            world.services.ingest.handle_blob("images", names.pop())

    world.before = land
    world.services.ingest.handle_blob("images", names.pop())
    assert world.stats.of_day(TODAY)["first"].comparisons_performed == 1 + 2 + 3
    assert world.calls.count("stats.put") == 2  # the first at once, as none was written for a moment


def test_a_message_waits_for_its_neighbors_no_longer_than_a_moment(table):
    process = Totals(table)
    process.count(1)
    with process.totals.message():
        for seconds, told in ((1.0, 1), (1.0, 5), (1.9, 5), (0.1, 9)):
            process.time += timedelta(seconds=seconds)
            with process.totals.message():
                process.loader.count_failed_comparisons(2)
            assert failed(table, TODAY) == {"instance": told}


def test_messages_do_not_stand_in_line_while_storage_is_slow(table):
    process, writes, write = Totals(table), [], table.put
    entered, leave, begun, go = (threading.Event() for _ in range(4))

    def slow(*row: object) -> None:
        writes.append(row)
        if len(writes) == 1:
            begun.set()
            assert go.wait(60)
        write(*row)

    def handle(comparisons: int) -> None:
        with process.totals.message():
            process.loader.count_failed_comparisons(comparisons)
            if comparisons == 4:
                entered.set()
                assert leave.wait(60)

    table.put = slow
    with ThreadPoolExecutor(4) as threads:
        long = threads.submit(handle, 4)
        assert entered.wait(60)
        first = threads.submit(handle, 1)
        assert begun.wait(60)
        process.time += timedelta(minutes=1)
        threads.submit(handle, 2).result(60)  # is outlasted by another, and leaves its counts to that one
        leave.set()
        another = threads.submit(handle, 8)
        go.set()
        for done in (long, first, another):
            done.result(60)
    assert failed(table, TODAY) == {"instance": 15}
    assert len(writes) <= 3


def test_a_clock_that_is_set_back_does_not_put_the_statistics_off(table):
    process = Totals(table)
    process.count(1)
    process.time -= timedelta(hours=1)
    with process.totals.message():
        with process.totals.message():
            process.loader.count_failed_comparisons(2)
        assert failed(table, TODAY) == {"instance": 3}


def test_a_new_day_starts_at_zero_and_counts_nothing_twice(table):
    process = Totals(table)
    process.count(3)
    process.count(2)
    process.time += timedelta(days=1)
    process.count(4)
    assert (failed(table, TODAY), failed(table, TOMORROW)) == ({"instance": 5}, {"instance": 4})


class Metered:
    """A meter that keeps what it is told."""

    def __init__(self) -> None:
        self.counted: list[tuple[LoaderStats, int]] = []
        self.coverage: list[float] = []

    def count(self, new: LoaderStats, reads_saved: int) -> None:
        self.counted.append((new, reads_saved))

    def report(self, report: StatsReport) -> None:
        self.coverage.append(report.totals.success_rate)


def test_a_meter_hears_each_count_once_even_while_storage_is_busy(table):
    meter = Metered()
    loader = MemoryEfficientImageLoader()
    time = NOON
    totals = LoaderTotals(loader, table, "instance", lambda: time, meter)
    loader.count_comparisons_without_reads(2)
    with totals.message():
        pass
    write, table.put = table.put, _busy
    loader.count_failed_comparisons(1)
    with totals.message():
        pass
    table.put = write
    time += timedelta(days=1)
    loader.count_comparisons_without_reads(1)
    with totals.message():
        pass
    seen = [(new.comparisons_performed, new.comparisons_failed, saved) for new, saved in meter.counted]
    assert seen == [(2, 0, 12), (0, 1, 0), (1, 0, 6)]


def test_the_coverage_of_the_day_is_told_with_each_report(table):
    meter = Metered()
    table.put(TODAY, "one", LoaderStats(comparisons_performed=3))
    table.put(TODAY, "two", LoaderStats(comparisons_failed=1))
    ReportingService(
        stats=table, reports=MemoryReportsTable(), settings=Settings(), now=lambda: NOON, meter=meter
    ).report()
    assert meter.coverage == [0.75]


def test_days_change_at_midnight_utc_wherever_the_clock_stands():
    assert utc_day(datetime(2026, 6, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))) == TODAY
    assert utc_day(datetime(2026, 5, 31, 23, 30, tzinfo=UTC)) == TODAY


def test_what_could_not_be_written_goes_with_the_next_message(table, caplog):
    process = Totals(table)
    process.count(1)
    write = table.put
    table.put = _busy
    process.count(2)
    assert failed(table, TODAY) == {"instance": 1}
    assert "statistics_deferred" in caplog.text
    table.put = write
    process.count(4)
    assert failed(table, TODAY) == {"instance": 7}


def test_what_could_not_be_written_before_midnight_is_written_after_it(table):
    process = Totals(table)
    process.count(1)
    write, table.put = table.put, _busy
    process.count(2)
    process.time += timedelta(days=1)
    process.count(4)
    table.put = write
    process.count(8)
    assert (failed(table, TODAY), failed(table, TOMORROW)) == ({"instance": 7}, {"instance": 8})


def test_what_could_not_be_written_for_days_is_counted_today_for_the_old_row_may_be_folded(table):
    process = Totals(table)
    process.count(1)
    write, table.put = table.put, _busy
    process.count(2)
    table.put = write
    process.time += timedelta(days=40)
    assert table.fold_before(utc_day(process.time - timedelta(days=7)), 200) == 1
    process.count(4)
    assert failed(table, TODAY) == {"~all": 1}
    assert failed(table, utc_day(process.time)) == {"instance": 6}


@pytest.mark.parametrize("step", range(1, 16))
def test_sums_are_what_happened_whichever_step_fails_before_the_host_tries_again(world, step, monkeypatch):
    measured = []
    really = measure.measure_images
    monkeypatch.setattr(measure, "measure_images", lambda *args: measured.append(args) or really(*args))
    a, b, gone = (world.upload_and_ingest(f"{name}.png", photo(number)) for number, name in enumerate("abc"))
    world.images.delete(gone)
    body = VerifyMessage(a, (VerifyTarget(b), VerifyTarget(gone))).to_json()
    world.images.reads.clear()
    ended = 0
    failing = iter([step])

    def fail(number: int, _step: str) -> None:
        if number == step and next(failing, None):
            raise StoreBusy("503")

    world.calls.clear()
    world.before = fail
    while ended < 2:  # the second time as a queue may deliver it once more
        with suppress(StoreBusy):
            world.services.verify.handle_message(body, "1")
            ended += 1
    totals = LoaderStats.sum(world.stats.of_day(TODAY).values())
    assert totals.images_downloaded == sum(path != gone for path in world.images.reads)
    assert totals.download_failures == sum(path == gone for path in world.images.reads) + (
        step <= len(world.calls) and world.calls[step - 1] == "images.read"
    )
    assert totals.comparisons_performed == len(measured)
    assert totals.comparisons_failed == 2


def test_a_failed_comparison_counts_once_however_often_its_images_are_looked_at(world):
    a, gone = world.upload_and_ingest("a.png", photo(1)), world.upload_and_ingest("b.png", photo(2))
    world.images.delete(gone)
    other = world.start_process("other")

    def overwrite() -> None:
        world.upload("a.png", photo(3 + step))
        other.ingest.ingest(a)

    body = VerifyMessage(a, (VerifyTarget(gone),)).to_json()
    read_again = 0
    for step in range(1, 8):
        world.images.reads.clear()
        before = LoaderStats.sum(world.stats.of_day(TODAY).values())
        world.interrupt(step, overwrite, lambda: world.services.verify.handle_message(body, "1"))
        after = LoaderStats.sum(world.stats.of_day(TODAY).values())
        read_again += world.images.reads.count(gone) > 1
        assert after.comparisons_failed - before.comparisons_failed == 1
    assert read_again


@pytest.mark.parametrize("step", range(1, 16))
def test_files_with_the_same_bytes_count_once_whichever_step_fails(world, step):
    world.tick = timedelta(milliseconds=1)
    world.upload_and_ingest("a.png", photo(1))
    copy = world.upload("b.png", photo(1))

    def fail() -> None:
        raise StoreBusy("503")

    with suppress(StoreBusy):
        world.interrupt(step, fail, lambda: world.services.ingest.ingest(copy))
    world.before = lambda _number, _step: None
    world.services.ingest.ingest(copy)
    world.services.ingest.ingest(copy, force=True)
    totals = LoaderStats.sum(world.stats.of_day(TODAY).values())
    assert (totals.comparisons_performed, totals.reads_saved) == (1, 6)


def _busy(_day: str, _instance: str, _totals: LoaderStats) -> None:
    raise StoreBusy("503")


def test_an_older_snapshot_never_lands_after_a_newer_one(table):
    process = Totals(table)
    written: list[int] = []

    def slow_at_first(day: str, instance: str, totals: LoaderStats) -> None:
        if not written:
            other.start()
            other.join(timeout=0.2)  # the other flush would overtake this one here, if nothing held it back
        written.append(totals.comparisons_failed)
        MemoryStatsTable.put(table, day, instance, totals)

    table.put = slow_at_first
    other = threading.Thread(target=process.count, args=(1,))
    process.count(1)
    other.join()
    assert written == sorted(written)
    assert failed(table, TODAY) == {"instance": 2}


def test_the_report_sums_all_instances_in_one_log_line_and_one_row(world, caplog):
    world.stats.put(TODAY, "one", LoaderStats(comparisons_performed=3, images_downloaded=6, peak_decoded_bytes=9))
    world.stats.put(TODAY, "two", LoaderStats(comparisons_failed=1, failures_by_reason={"not-found": 1}))
    world.stats.put(TOMORROW, "two", LoaderStats(comparisons_performed=100))
    with caplog.at_level(logging.INFO, "dedup_app.operations.reporting"):
        world.services.reporting.report()
    (line,) = [
        json.loads(record.message) for record in caplog.records if record.name == "dedup_app.operations.reporting"
    ]
    assert line["event"] == "loader_stats"
    assert (line["day"], line["instances"], line["comparisons_performed"], line["success_rate"]) == (TODAY, 2, 3, 0.75)
    assert (line["reads_saved"], line["failures_by_reason"], line["peak_decoded_bytes"]) == (12, {"not-found": 1}, 9)
    report = world.reports.latest_stats_report()
    assert (report.day, report.instances, report.reported_at) == (TODAY, 2, NOON)
    assert LoaderStats.from_dict(line) == report.totals


def test_a_day_without_work_is_reported_as_such(world):
    report = world.services.reporting.report()
    assert (report.instances, report.totals) == (0, LoaderStats())


def test_what_was_written_a_day_late_is_in_the_report_of_its_day_in_the_end(world):
    world.tick = timedelta(milliseconds=1)
    world.stats.put(TODAY, "one", LoaderStats(comparisons_performed=1))
    for late in (0, 0, 5):  # after the first report of the next day has closed it
        world.stats.put(TODAY, "one", LoaderStats(comparisons_performed=1 + late))
        world.services.reporting.report()
        world.time += timedelta(days=1)
    of_today = [it for it in world.reports.stats_reports() if it.day == TODAY]
    assert [it.totals.comparisons_performed for it in of_today] == [6, 1, 1]
    assert world.reports.latest_stats_report().day > TOMORROW


def test_the_first_report_of_a_day_closes_the_day_before(world):
    world.tick = timedelta(milliseconds=1)
    world.stats.put(TODAY, "one", LoaderStats(comparisons_performed=1))
    world.services.reporting.report()
    world.stats.put(TODAY, "one", LoaderStats(comparisons_performed=2))
    world.time += timedelta(days=1)
    world.services.reporting.report()
    reports = list(world.reports.stats_reports())
    by_day = {report.day: report.totals.comparisons_performed for report in reversed(reports)}
    assert by_day == {TODAY: 2, TOMORROW: 0}
    assert world.services.reporting.report().day == TOMORROW
    assert len(list(world.reports.stats_reports())) == 4
