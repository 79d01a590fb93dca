"""The `CandidateIndex` port on PostgreSQL: words bring pictures up, the search of the embedded index looks at these."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import batched
from typing import Final, LiteralString
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg.sql import SQL, Composed, Identifier

from dedup_app.configuration.index_address import IndexAddress
from dedup_app.ports.superseded import Superseded
from dedup_core.fingerprinting.record import FINGERPRINTS_BYTES, ID_BYTES, Fingerprints
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.hit import Hit
from dedup_core.search.shared_words import asked_words, stored_words
from dedup_storage.postgres.connections import Connections, Password, long_statement
from dedup_storage.postgres.schema import (
    FOUND,
    FOUND_TYPES,
    MET,
    MET_TYPES,
    PUT,
    PUT_TYPES,
    ensure_schema,
    schema_name,
)

BATCH: Final = (
    100  # images put in a transaction: 3,600 places of an index, in seconds even where all are read from disk
)
MOST_FOUND: Final = 1000  # images to look at, those that share the most words; callers take 100 hits
MOST_MET: Final = 500_000  # rows of words that a search reads, however large a crowd is: a quarter of a second

# A role or a database may have it off: after a crash of the server images were missing that were told to be there. It
# is a part of the statement because a pooler may give the next statement another session.
_DURABLY: Final = SQL("""
    set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true)
""")

type _Change = tuple[str, int, Fingerprints | None]
"""Id, version, and fingerprints unless it is removed."""


class PostgresIndex:
    """One for all threads; it holds nothing but connections.

    An image is committed, and on the server's disk, before its search begins, and a search sees all that was committed
    before: of two that arrive at the same moment, the one whose search begins second finds the other.
    """

    damaged_bytes = 0  # the server answers for what it keeps

    def __init__(self, address: IndexAddress, namespace: str, password: Password) -> None:
        self._schema = schema_name(namespace)
        self._put = SQL("{}, {}").format(self._call(PUT, PUT_TYPES), _DURABLY)
        self._met = self._call(MET, MET_TYPES)
        self._found = self._call(FOUND, FOUND_TYPES)
        self._connections = Connections(address, password, lambda connection: ensure_schema(connection, self._schema))

    def add_and_search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        self._change([(image_id, version, fingerprints)])
        return self.search(image_id, version, fingerprints)

    def search(self, image_id: str, version: int, fingerprints: Fingerprints) -> list[Hit]:
        words = asked_words(fingerprints)
        with self._connections.connection("search the index") as connection:
            cursor = connection.cursor(binary=True)
            ((met,),) = cursor.execute(self._met, [words, MOST_MET]).fetchall()
            asked = [UUID(image_id), _content(fingerprints), words, *_likest(met), MOST_MET, MOST_FOUND]
            rows = cursor.execute(self._found, asked).fetchall()
        newest = max((held for found, held, _ in rows if found.hex() == image_id), default=-1)
        if newest > version:
            raise Superseded(newest)
        near = [row for row in rows if row[2] is not None]
        index: FingerprintIndex = FingerprintIndex()
        ids = np.frombuffer(b"".join(row[0] for row in near), np.uint8).reshape(-1, ID_BYTES)
        index.add_many(ids, _packed([row[2] for row in near]), np.array([row[1] for row in near], np.int64))
        return index.search(fingerprints)

    def remove(self, image_id: str, version: int) -> None:
        self._change([(image_id, version, None)])

    def add_all(self, images: Iterable[tuple[str, int, Fingerprints]]) -> int:
        return self._change_all(images)

    def remove_all(self, images: Iterable[tuple[str, int]]) -> int:
        return self._change_all((image_id, version, None) for image_id, version in images)

    def declare_whole(self) -> None:
        """Nothing to do: what a transaction has put is there or the server says so."""

    def catch_up(self) -> None:
        """Nothing to do: every statement sees what was committed before it."""

    def refresh(self) -> int:
        with self._connections.connection("count the images of the index") as connection, long_statement(connection):
            # By the index of contents alone, which is a twentieth of the table.
            counted = SQL("SELECT count(*) FROM {} WHERE content IS NOT NULL").format(self._images)
            (count,) = connection.execute(counted).fetchone() or (0,)
            return int(count)

    def tend(self, now: datetime) -> None:
        """Nothing to do: the server vacuums by itself."""

    def held(self, prefix: str) -> dict[str, int]:
        first, last = (UUID(prefix.ljust(2 * ID_BYTES, digit)) for digit in "0f")
        asked = SQL("SELECT uuid_send(id), version FROM {} WHERE id BETWEEN %s AND %s AND content IS NOT NULL")
        with self._connections.connection("list the images of the index") as connection, long_statement(connection):
            rows = connection.cursor(binary=True).execute(asked.format(self._images), [first, last]).fetchall()
        return {image_id.hex(): version for image_id, version in rows}

    def close(self) -> None:
        self._connections.close()

    @property
    def _images(self) -> Identifier:
        return Identifier(self._schema, "images")

    def _call(self, function: str, types: Sequence[LiteralString]) -> Composed:
        wanted = SQL(", ").join([SQL("%s::") + SQL(it) for it in types])
        return SQL("SELECT * FROM {}({})").format(Identifier(self._schema, function), wanted)

    def _change_all(self, changes: Iterable[_Change]) -> int:
        total = 0
        for batch in batched(changes, BATCH, strict=False):
            self._change(batch)
            total += len(batch)
        return total

    def _change(self, changes: Sequence[_Change]) -> None:
        """Put images at their versions, as one transaction; of one that comes twice the highest counts."""
        newest: dict[str, _Change] = {}
        for change in changes:
            if change[0] not in newest or newest[change[0]][1] <= change[1]:
                newest[change[0]] = change
        packed = [None if it is None else it.to_bytes() for _, _, it in newest.values()]
        words = stored_words(_packed([it for it in packed if it is not None]))
        lengths = iter([len(it) for it in words])
        values = [
            [UUID(image_id) for image_id in newest],
            [version for _, version, _ in newest.values()],
            [None if it is None else _content(it) for _, _, it in newest.values()],
            packed,
            np.concatenate([np.zeros(0, np.int32), *words]),
            np.cumsum([0 if it is None else next(lengths) for it in packed]).astype(np.int32),
        ]
        with self._connections.connection("put fingerprints into the index") as connection:
            connection.execute(self._put, values)


def _likest(met: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Of the slots that were met those that were so several times, most often first, and how often: (n,) each."""
    slots, times = np.unique(met, return_counts=True)
    several = np.flatnonzero(times > 1)
    order = several[np.lexsort((slots[several], -times[several]))][:MOST_FOUND]
    return slots[order], times[order].astype(np.int32)


def _packed(fingerprints: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(fingerprints), np.uint8).reshape(-1, FINGERPRINTS_BYTES)


def _content(fingerprints: Fingerprints) -> int:
    return int.from_bytes(fingerprints.content, "big", signed=True)
