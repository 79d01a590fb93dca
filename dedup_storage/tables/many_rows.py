"""Reads many rows of a table: where they lie close together in ranges of it, each of the others by itself.

Table Storage has no read of several rows. A query that names their keys with `or` is no way out: the service looks at
every row of the partition, and of the table where there are several partitions. A range of keys it reads as it is.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from dedup_storage.tables.entity_table import Entities, side_by_side
from dedup_storage.tables.rows import Entity

type Keys = tuple[str, str]

FEWEST = 8  # of a partition: with fewer, a range that was read for nothing would weigh
PAGE_ROWS = 1000  # what the service answers at most
ROWS_FOR_A_READ = 12  # so many of a page take as long as a row that is read by itself: benchmarks/summaries.py
ROWS_TO_TRY = 4  # for each that is wanted, to see how close they lie: a third of what they take one by one


def read_many(table: Entities, keys: Collection[Keys], *, select: Sequence[str]) -> list[Entity]:
    """The entities that there are of these, in any order."""
    columns = ["RowKey", *select]
    together, alone = list[tuple[str, list[str]]](), list[Keys]()
    for partition, of_it in groupby(sorted(set(keys)), itemgetter(0)):
        of_partition = [key for _, key in of_it]
        if len(of_partition) < FEWEST:
            alone += ((partition, key) for key in of_partition)
        else:
            together.append((partition, of_partition))
    found = list[Entity]()
    for entities, rest in side_by_side(lambda it: _read_ranges(table, it[0], it[1], columns), together):
        found += entities
        alone += rest
    return found + table.get_many(alone, select=columns)


def _read_ranges(
    table: Entities, partition: str, keys: list[str], columns: Sequence[str]
) -> tuple[list[Entity], Iterator[Keys]]:
    """What a few pages of the partition hold of these, as long as that is worth it, and the keys that are left."""
    found, rows_for_one = list[Entity](), ROWS_TO_TRY
    while len(keys) >= FEWEST:
        condition = f"PartitionKey eq '{partition}' and RowKey ge '{keys[0]}' and RowKey le '{keys[-1]}'"
        most = min(PAGE_ROWS, rows_for_one * len(keys))
        page = list(table.query(condition, select=columns, limit=most))
        is_end = len(page) < most
        passed = len(keys) if is_end else bisect_right(keys, page[-1]["RowKey"])
        wanted, keys = set(keys[:passed]), keys[passed:]
        found += (entity for entity in page if entity["RowKey"] in wanted)
        if passed * ROWS_FOR_A_READ < len(page):
            break
        rows_for_one = ROWS_FOR_A_READ
    return found, ((partition, key) for key in keys)
