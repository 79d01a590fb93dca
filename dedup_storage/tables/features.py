"""The `features` table: one row an image, every write of it conditional."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice, starmap

from dedup_app.ports.features import FeaturesRow, ImageSummary, Tally
from dedup_app.ports.image_status import ABSENT, DELETED, ImageStatus
from dedup_app.ports.superseded import Superseded
from dedup_app.progress import Progress, no_progress, with_progress
from dedup_storage.tables.entity_table import Entities
from dedup_storage.tables.many_rows import read_many
from dedup_storage.tables.rows import (
    SUMMARY_COLUMNS,
    features_entity,
    features_keys,
    features_row,
    image_summary,
    odata,
    stored,
    utc,
)

PREFIX_LENGTH = 2
REJECTED = "status ge 'rejected' and status lt 'rejectee'"
GONE = f"status ge '{ABSENT}' and status le '{DELETED}'"  # none of the others lies between the two


class AzureFeaturesTable:
    """The `FeaturesTable` port."""

    def __init__(self, table: Entities) -> None:
        self._table = table

    def get(self, image_id: str) -> FeaturesRow | None:
        found = self._table.get_with_tag(*features_keys(image_id))
        return None if found is None else features_row(*found)

    def put(self, row: FeaturesRow) -> FeaturesRow:
        entity = features_entity(row)
        if row.tag:
            return _tagged(row, self._table.update(entity, row.tag, keep_other_columns=False))
        return _tagged(row, self._table.create(entity))

    def put_first(self, row: FeaturesRow) -> FeaturesRow:
        return self.put(row)

    def resume(self, row: FeaturesRow) -> FeaturesRow:
        return row

    def set_status(self, row: FeaturesRow) -> FeaturesRow:
        partition, key = features_keys(row.path.image_id)
        change = {
            "PartitionKey": partition,
            "RowKey": key,
            "status": str(row.status),
            "version": stored(row.version),
            "updated_at": utc(row.updated_at),
        }
        return _tagged(row, self._table.update(change, row.tag, keep_other_columns=True))

    def delete(self, row: FeaturesRow) -> None:
        self._table.delete(*features_keys(row.path.image_id), row.tag)

    def deleted_before(self, prefix: str, moment: datetime, most: int) -> Sequence[FeaturesRow]:
        condition = f"PartitionKey eq '{prefix}' and {GONE} and updated_at lt {odata(moment)}"
        return list(starmap(features_row, self._table.query_with_tags(condition, limit=most)))

    def all(self) -> Iterator[FeaturesRow]:
        return starmap(features_row, self._table.query_with_tags())

    def with_prefix(self, prefix: str) -> Iterator[FeaturesRow]:
        condition = f"PartitionKey eq '{prefix[:PREFIX_LENGTH]}'"
        if len(prefix) > PREFIX_LENGTH:
            condition += f" and RowKey ge '{prefix}' and RowKey lt '{prefix}g'"
        return starmap(features_row, self._table.query_with_tags(condition))

    def summaries(self, image_ids: Collection[str]) -> dict[str, ImageSummary]:
        keys = [features_keys(image_id) for image_id in image_ids]
        found = map(image_summary, read_many(self._table, keys, select=SUMMARY_COLUMNS))
        return {summary.path.image_id: summary for summary in found if summary.status != ABSENT}

    def all_summaries(self) -> Iterator[ImageSummary]:
        found = map(image_summary, self._table.query(select=SUMMARY_COLUMNS))
        return (summary for summary in found if summary.status != ABSENT)

    def rejected(self, after: str = "", before: str = "", reason: str = "") -> Iterator[FeaturesRow]:
        wanted = f"status eq 'rejected:{reason}'" if reason else REJECTED
        ranges = [f"PartitionKey gt '{after[:2]}'"] if after else [""]
        if len(after) > PREFIX_LENGTH:
            ranges.insert(0, f"PartitionKey eq '{after[:2]}' and RowKey gt '{after}'")
        until = f"PartitionKey lt '{before}'" if before else ""
        for part in ranges:
            condition = " and ".join(filter(None, (part, until, wanted)))
            yield from starmap(features_row, self._table.query_with_tags(condition))

    def tally(self, most: int | None = None, progress: Progress = no_progress) -> Tally:
        statuses: Counter[ImageStatus] = Counter()
        days: Counter[str] = Counter()
        for entity in with_progress(islice(self._table.query(select=["status", "added_at"]), most), progress):
            status = ImageStatus.parse(entity["status"])
            if status == ABSENT:
                continue
            statuses[status] += 1
            if entity.get("added_at") is not None:
                days[utc(entity["added_at"]).date().isoformat()] += 1
        return Tally(dict(statuses), dict(days))


def _tagged(row: FeaturesRow, tag: str | None) -> FeaturesRow:
    if tag is None:
        raise Superseded
    return replace(row, tag=tag)
