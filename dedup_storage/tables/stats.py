"""The `loaderstats` table: running totals of every instance, and those of old days as one row each."""

import json
from collections.abc import Sequence
from itertools import batched, groupby

from dedup_core.loading.stats import LoaderStats
from dedup_storage.tables.entity_table import Entities
from dedup_storage.tables.rows import Entity, loaded, stored

ALL = "~all"  # the row that the rows of a day are folded into; sorts after the names of all instances
FOLDED_AT_ONCE = 99  # and the one that they go into: a transaction takes 100


class AzureStatsTable:
    """The `loaderstats` table."""

    def __init__(self, table: Entities) -> None:
        self._table = table
        self._written: tuple[str, str, str] | None = None  # day, instance and tag of the row that was put last

    def put(self, day: str, instance: str, totals: LoaderStats) -> None:
        """Write the row. Each write follows from the one before, so that none that is late undoes a newer one."""
        entity = {**stats_columns(totals), "PartitionKey": day, "RowKey": instance}
        known = self._written if self._written and self._written[:2] == (day, instance) else None
        tag = known and known[2]
        while (written := self._write(entity, tag)) is None:
            found = self._table.get_with_tag(day, instance)
            tag = found and found[1]
        self._written = day, instance, written

    def _write(self, entity: Entity, tag: str | None) -> str | None:
        """The new tag, None if the row is not as it was when it had this tag."""
        if tag is None:
            return self._table.create(entity)
        return self._table.update(entity, tag, keep_other_columns=False)

    def of_day(self, day: str) -> dict[str, LoaderStats]:
        return {entity["RowKey"]: stats_of(entity) for entity in self._table.query(f"PartitionKey eq '{day}'")}

    def fold_before(self, day: str, most: int) -> int:
        condition = f"PartitionKey lt '{day}' and RowKey lt '{ALL}'"
        rows = list(self._table.query_with_tags(condition, limit=most))
        days = groupby(rows, lambda row: str(row[0]["PartitionKey"]))
        return sum(self._fold(of, part) for of, found in days for part in batched(found, FOLDED_AT_ONCE, strict=False))

    def _fold(self, day: str, rows: Sequence[tuple[Entity, str]]) -> int:
        """In one transaction, so that nothing is counted twice or lost wherever it stops. How many it were."""
        found = self._table.get_with_tag(day, ALL)
        before, tag = found if found is not None else (None, None)
        totals = LoaderStats.sum(
            stats_of(entity) for entity in [*([before] if before else []), *(row for row, _ in rows)]
        )
        instances = len(rows) + (int(before["instances"]) if before else 0)
        into = {**stats_columns(totals), "PartitionKey": day, "RowKey": ALL, "instances": instances}
        return len(rows) if self._table.fold(into, tag, rows) else 0


def stats_columns(totals: LoaderStats) -> Entity:
    return {name: stored(value) for name, value in totals.as_dict().items()}


def stats_of(entity: Entity) -> LoaderStats:
    values = {name: loaded(value) for name, value in entity.items()}
    return LoaderStats.from_dict({**values, "failures_by_reason": json.loads(values["failures_by_reason"])})
