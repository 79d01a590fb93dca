"""The `reports` table: what the timer reported, messages that were refused, the ledger, and whose the tables are."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from dedup_app.configuration.ownership import Owner
from dedup_app.ports.findings import FindingKind, SliceReport
from dedup_app.ports.reports import DecodersReport, RejectedMessage, StatsReport
from dedup_app.records.group_records import microseconds
from dedup_storage.tables.entity_table import Entities
from dedup_storage.tables.rows import Entity, fitting, loaded, odata, stored, utc
from dedup_storage.tables.stats import stats_columns, stats_of

KEYS = ("PartitionKey", "RowKey")
BY_TIME = ("stats", "decoders", "rejected")  # the kinds whose keys are moments
# The keys of kinds that have one row.
PLACE = ("retention", "place")
TOLD = ("precision", "told")
OWNER = ("owner", "owner")
LAST_MICROSECOND = 10**18 - 1  # in the year 33658: all keys have 18 digits
NOT_IN_KEYS = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


class AzureReportsTable:
    """The `reports` table: keys count down in time, so that the newest comes first."""

    def __init__(self, table: Entities) -> None:
        self._table = table

    def put_stats_report(self, report: StatsReport) -> None:
        entity = {
            **stats_columns(report.totals),
            "PartitionKey": "stats",
            "RowKey": newest_first(report.reported_at),
            "day": report.day,
            "instances": report.instances,
            "reported_at": utc(report.reported_at),
            "protected": json.dumps(report.protected),
            "told": json.dumps(report.told),
        }
        self._table.upsert(entity, keep_other_columns=False)

    def latest_stats_report(self) -> StatsReport | None:
        return next(self.stats_reports(limit=1), None)

    def stats_reports(self, limit: int | None = None) -> Iterator[StatsReport]:
        """Newest first."""
        for entity in self._table.query("PartitionKey eq 'stats'", limit=limit):
            yield StatsReport(
                day=str(entity["day"]),
                instances=int(entity["instances"]),
                totals=stats_of(entity),
                reported_at=utc(entity["reported_at"]),
                protected=tuple(json.loads(entity.get("protected", "[]"))),
                told=json.loads(entity.get("told", "{}")),
            )

    def put_decoders_report(self, report: DecodersReport) -> None:
        entity = {
            "PartitionKey": "decoders",
            "RowKey": NOT_IN_KEYS.sub("_", f"{newest_first(report.started_at)}-{report.instance}"),
            "instance": report.instance,
            "isolation": report.isolation,
            "cause": fitting(report.cause),
            "decoders": json.dumps(dict(report.decoders)),
            "refused": json.dumps(dict(report.refused)),
            "started_at": utc(report.started_at),
        }
        self._table.upsert(entity, keep_other_columns=False)

    def latest_decoders_report(self) -> DecodersReport | None:
        for entity in self._table.query("PartitionKey eq 'decoders'", limit=1):
            return DecodersReport(
                instance=str(entity["instance"]),
                isolation=str(entity["isolation"]),
                cause=str(entity["cause"]),
                decoders=json.loads(entity["decoders"]),
                refused=json.loads(entity["refused"]),
                started_at=utc(entity["started_at"]),
            )
        return None

    def put_last_error(self, body: str, error: str, at: datetime) -> None:
        keys = {"PartitionKey": "errors", "RowKey": _digest(body)}
        self._table.upsert({**keys, "error": fitting(error), "failed_at": utc(at)}, keep_other_columns=False)

    def last_error(self, body: str) -> str | None:
        found = self._table.get("errors", _digest(body))
        return None if found is None else str(found["error"])

    def forget_before(self, moment: datetime, most: int) -> int:
        return sum(self._forget_kind(kind, moment, most) for kind in BY_TIME) + self._forget_errors(moment, most)

    def retention_place(self) -> str:
        found = self._table.get(*PLACE)
        return str(found["prefix"]) if found else ""

    def put_retention_place(self, prefix: str) -> None:
        self._table.upsert({**dict(zip(KEYS, PLACE, strict=True)), "prefix": prefix}, keep_other_columns=False)

    def precision_told_at(self) -> datetime | None:
        found = self._table.get(*TOLD)
        return utc(found["at"]) if found else None

    def put_precision_told(self, at: datetime) -> None:
        self._table.upsert({**dict(zip(KEYS, TOLD, strict=True)), "at": utc(at)}, keep_other_columns=False)

    def owner(self) -> Owner | None:
        found = self._table.get_with_tag(*OWNER)
        if found is None:
            return None
        entity, tag = found
        return Owner(str(entity["container"]), str(entity["site"]), utc(entity["since"]), tag)

    def create_owner(self, owner: Owner) -> bool:
        return self._table.create(_owner_entity(owner)) is not None

    def replace_owner(self, owner: Owner, tag: str) -> bool:
        return self._table.update(_owner_entity(owner), tag, keep_other_columns=False) is not None

    def put_ledger(self, report: SliceReport) -> None:
        entity = {
            "PartitionKey": "ledger",
            "RowKey": report.prefix,
            "images": report.images,
            "complete": report.complete,
            "waiting": report.waiting,
            "found": json.dumps({kind.name: count for kind, count in report.found.items()}),
            "damaged_bytes": stored(report.damaged_bytes),
            "checked_at": utc(report.checked_at),
        }
        self._table.upsert(entity, keep_other_columns=False)

    def ledger(self) -> Iterator[SliceReport]:
        return map(_slice_report, self._table.query("PartitionKey eq 'ledger'"))

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

    def _forget_kind(self, kind: str, moment: datetime, most: int) -> int:
        condition = f"PartitionKey eq '{kind}' and RowKey gt '{newest_first(moment)}~'"  # some have more after it
        old = list(self._table.query(condition, select=KEYS, limit=most))
        latest = next(iter(self._table.query(f"PartitionKey eq '{kind}'", select=KEYS, limit=1)), None) if old else None
        return sum(self._table.delete(kind, row["RowKey"]) for row in old if row != latest)

    def _forget_errors(self, moment: datetime, most: int) -> int:
        condition = f"PartitionKey eq 'errors' and failed_at lt {odata(moment)}"
        old = list(self._table.query_with_tags(condition, limit=most))
        return sum(self._table.delete("errors", row["RowKey"], tag) for row, tag in old)


def _owner_entity(owner: Owner) -> Entity:
    columns = {"container": owner.container, "site": owner.site, "since": utc(owner.since)}
    return {**dict(zip(KEYS, OWNER, strict=True)), **columns}


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode(errors="surrogatepass")).hexdigest()


def _slice_report(entity: Entity) -> SliceReport:
    found = {name: count for name, count in json.loads(entity["found"]).items() if name in FindingKind.__members__}
    return SliceReport(
        prefix=str(entity["RowKey"]),
        images=int(entity["images"]),
        complete=int(entity["complete"]),
        waiting=int(entity["waiting"]),
        found={FindingKind[name]: count for name, count in found.items()},
        damaged_bytes=int(loaded(entity["damaged_bytes"])),
        checked_at=utc(entity["checked_at"]),
    )


def newest_first(time: datetime) -> str:
    """A key that sorts later moments first."""
    return f"{LAST_MICROSECOND - microseconds(utc(time)):018d}"
