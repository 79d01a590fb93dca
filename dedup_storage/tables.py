"""The four tables on Azure Table Storage."""

import json
import re
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock

from azure.data.tables import TableServiceClient

from dedup_app.image_status import ImageStatus
from dedup_app.ports import FeaturesRow, ImageSummary, PairRow, RejectedMessage, StatsReport
from dedup_core.loading.stats import LoaderStats
from dedup_core.paths import ImagePath
from dedup_storage.entity_table import EntityTable
from dedup_storage.pair_directions import in_key_order, key_order, reversed_pair, settled
from dedup_storage.rows import (
    SUMMARY_COLUMNS,
    Entity,
    features_entity,
    features_keys,
    features_row,
    fitting,
    image_summary,
    loaded,
    pair_entity,
    pair_row,
    stored,
    utc,
)

REMEMBERED_ROWS = 256
READS_AT_ONCE = 8
WRITES_AT_ONCE = 8
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MICROSECOND = 10**18 - 1
NOT_IN_KEYS = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


class AzureFeaturesTable:
    """The `features` table."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table = EntityTable(service, "features")
        # Etags (of the blob, of the entity) of rows that this process wrote: they save `set_status` a read.
        self._written: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._lock = Lock()

    def get(self, image_id: str) -> FeaturesRow | None:
        entity = self._table.get(*features_keys(image_id))
        return None if entity is None else features_row(entity)

    def put(self, row: FeaturesRow) -> None:
        entity_etag = self._table.upsert(features_entity(row), keep_other_columns=False)
        with self._lock:
            self._written[row.path.image_id] = (row.etag, entity_etag)
            while len(self._written) > REMEMBERED_ROWS:
                self._written.popitem(last=False)

    def set_status(self, image_id: str, etag: str, status: ImageStatus, updated_at: datetime) -> None:
        partition, key = features_keys(image_id)
        change = {"PartitionKey": partition, "RowKey": key, "status": str(status), "updated_at": utc(updated_at)}
        with self._lock:
            written_etag, entity_etag = self._written.pop(image_id, ("", ""))
        if entity_etag and written_etag == etag and self._table.update(change, entity_etag, keep_other_columns=True):
            return
        while (found := self._table.get_with_etag(partition, key)) is not None and found[0]["etag"] == etag:
            if self._table.update(change, found[1], keep_other_columns=True):
                return

    def all(self) -> Iterator[FeaturesRow]:
        return map(features_row, self._table.query())

    def changed_since(self, moment: datetime) -> Iterator[FeaturesRow]:
        return map(features_row, self._table.query(f"updated_at ge datetime'{utc(moment):%Y-%m-%dT%H:%M:%S.%fZ}'"))

    def summaries(self, image_ids: Collection[str]) -> dict[str, ImageSummary]:
        distinct = set(image_ids)
        found: Iterator[ImageSummary | None] = map(self._summary, distinct)
        if len(distinct) > 1:
            with ThreadPoolExecutor(min(READS_AT_ONCE, len(distinct))) as threads:
                found = threads.map(self._summary, distinct)
        return {summary.path.image_id: summary for summary in found if summary is not None}

    def all_summaries(self) -> Iterator[ImageSummary]:
        return map(image_summary, self._table.query(select=SUMMARY_COLUMNS))

    def count_by_status(self) -> dict[ImageStatus, int]:
        return dict(Counter(ImageStatus.parse(entity["status"]) for entity in self._table.query(select=["status"])))

    def _summary(self, image_id: str) -> ImageSummary | None:
        entity = self._table.get(*features_keys(image_id), select=SUMMARY_COLUMNS)
        return None if entity is None else image_summary(entity)


class AzurePairsTable:
    """The `pairs` table.

    The row whose PartitionKey is the smaller image id is the pair: it is the only one while the pair is pending, it is
    created by whoever comes first, and it is written last, so that a verdict there means one in the other row, too.
    The row the other way round is its copy for `of_image`.
    """

    def __init__(self, service: TableServiceClient) -> None:
        self._table = EntityTable(service, "pairs")

    def open(self, pair: PairRow) -> bool:
        pending = key_order(pair)
        if self._table.create(pair_entity(_without_verdict(pending))):
            return True
        known = self.get(pending.left, pending.right)
        if known is None or known.verdict is None:
            return True
        return (known.left_etag, known.right_etag) != (pending.left_etag, pending.right_etag)

    def put_verdict(self, pair: PairRow) -> None:
        row = settled(key_order(pair))
        for side in (reversed_pair(row), row):
            self._put(side)

    def restamp(self, path: ImagePath, old_etag: str, new_etag: str) -> None:
        others = [pair.right.image_id for pair in self.of_image(path) if pair.left_etag == old_etag]
        ours = path.image_id
        if not others:
            return

        def restamp(other: str) -> None:
            # Our own side last: until then the pair shows as outdated to whoever goes on after a crash.
            self._restamp(other, ours, "right_etag", old_etag, new_etag)
            self._restamp(ours, other, "left_etag", old_etag, new_etag)

        with ThreadPoolExecutor(min(WRITES_AT_ONCE, len(others))) as threads:
            list(threads.map(restamp, others))  # raises what one of them raised

    def decide(self, left: ImagePath, right: ImagePath, decision: str) -> bool:
        first, second = (left, right) if in_key_order(left, right) else (right, left)
        sides = ((second.image_id, first.image_id), (first.image_id, second.image_id))
        return all(self._decide(partition, key, decision) for partition, key in sides)

    def get(self, left: ImagePath, right: ImagePath) -> PairRow | None:
        first, second = (left, right) if in_key_order(left, right) else (right, left)
        entity = self._table.get(first.image_id, second.image_id)
        if entity is None:
            return None
        row = pair_row(entity)
        return row if first == left else reversed_pair(row)

    def of_image(self, path: ImagePath) -> Iterator[PairRow]:
        entities = self._table.query(f"PartitionKey eq '{path.image_id}'")
        return (pair_row(entity) for entity in entities if "verdict" in entity)

    def all(self) -> Iterator[PairRow]:
        return (pair_row(entity) for entity in self._table.query() if entity["PartitionKey"] <= entity["RowKey"])

    def _restamp(self, partition: str, key: str, column: str, old_etag: str, new_etag: str) -> None:
        """Change the one column, unless a verdict on other bytes has come in between."""
        change = {"PartitionKey": partition, "RowKey": key, column: new_etag}
        while (found := self._table.get_with_etag(partition, key)) is not None and found[0][column] == old_etag:
            if self._table.update(change, found[1], keep_other_columns=True):
                return

    def _decide(self, partition: str, key: str, decision: str) -> bool:
        """Change the one column of a verified pair; whether there is one."""
        change = {"PartitionKey": partition, "RowKey": key, "decision": decision}
        while (found := self._table.get_with_etag(partition, key)) is not None and "verdict" in found[0]:
            if self._table.update(change, found[1], keep_other_columns=True):
                return True
        return False

    def _put(self, row: PairRow) -> None:
        entity = pair_entity(row)
        if row.verdict is not None and row.verdict.metrics is not None and row.distance_bits is not None:
            self._table.upsert(entity, keep_other_columns=True)
            return
        # Merging would keep numbers of an earlier verdict that this one does not have: replace all but the decision.
        while not self._table.create(entity):
            found = self._table.get_with_etag(entity["PartitionKey"], entity["RowKey"])
            if found is None:
                continue
            decision = {name: value for name, value in found[0].items() if name == "decision"}
            if self._table.update(entity | decision, found[1], keep_other_columns=False):
                return


class AzureStatsTable:
    """The `loaderstats` table."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table = EntityTable(service, "loaderstats")

    def put(self, day: str, instance: str, totals: LoaderStats) -> None:
        columns = _stats_columns(totals)
        self._table.upsert({**columns, "PartitionKey": day, "RowKey": instance}, keep_other_columns=False)

    def of_day(self, day: str) -> dict[str, LoaderStats]:
        return {entity["RowKey"]: _stats(entity) for entity in self._table.query(f"PartitionKey eq '{day}'")}


class AzureReportsTable:
    """The `reports` table: keys count down in time, so that the newest comes first."""

    def __init__(self, service: TableServiceClient) -> None:
        self._table = EntityTable(service, "reports")

    def put_stats_report(self, report: StatsReport) -> None:
        entity = {
            **_stats_columns(report.totals),
            "PartitionKey": "stats",
            "RowKey": newest_first(report.reported_at),
            "day": report.day,
            "instances": report.instances,
            "reported_at": utc(report.reported_at),
        }
        self._table.upsert(entity, keep_other_columns=False)

    def latest_stats_report(self) -> StatsReport | None:
        for entity in self._table.query("PartitionKey eq 'stats'", limit=1):
            return StatsReport(
                day=str(entity["day"]),
                instances=int(entity["instances"]),
                totals=_stats(entity),
                reported_at=utc(entity["reported_at"]),
            )
        return None

    def put_rejected_message(self, message: RejectedMessage) -> None:
        # The message's id is in the key: two may be refused in the same microsecond.
        key = f"{newest_first(message.rejected_at)}-{message.message_id}"
        entity = {
            "PartitionKey": "rejected",
            "RowKey": NOT_IN_KEYS.sub("_", key),
            "queue": message.queue,
            "message_id": message.message_id,
            "excerpt": fitting(message.excerpt),
            "reason": fitting(message.reason),
            "rejected_at": utc(message.rejected_at),
        }
        self._table.upsert(entity, keep_other_columns=False)

    def rejected_messages(self, limit: int = 20) -> Sequence[RejectedMessage]:
        return [
            RejectedMessage(
                queue=str(entity["queue"]),
                message_id=str(entity["message_id"]),
                excerpt=str(entity["excerpt"]),
                reason=str(entity["reason"]),
                rejected_at=utc(entity["rejected_at"]),
            )
            for entity in self._table.query("PartitionKey eq 'rejected'", limit=limit)
        ]


def newest_first(time: datetime) -> str:
    """A key that sorts later moments first."""
    microseconds = (utc(time) - EPOCH) // timedelta(microseconds=1)
    return f"{LAST_MICROSECOND - microseconds:018d}"


def _without_verdict(pair: PairRow) -> PairRow:
    return replace(pair, verdict=None, verified_at=None, decision=None)


def _stats_columns(totals: LoaderStats) -> Entity:
    return {name: stored(value) for name, value in totals.as_dict().items()}


def _stats(entity: Entity) -> LoaderStats:
    values = {name: loaded(value) for name, value in entity.items()}
    return LoaderStats.from_dict({**values, "failures_by_reason": json.loads(values["failures_by_reason"])})
