"""One table of Azure Table Storage, with the few operations that the ports need."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, TableServiceClient, TableTransactionError, UpdateMode

from dedup_app.threads import Threads
from dedup_storage.account.azure_errors import each_of, our_errors, whole_etag
from dedup_storage.tables.rows import Entity

READS_AT_ONCE = 8  # point queries, mostly waiting; four callers of eight share the kept connections (`POOL_SIZE`)
CHANGED_MEANWHILE = {404, 409, 412}

type TransactionOperation = tuple[str, Entity] | tuple[str, Entity, dict[str, Any]]


class Entities(Protocol):
    """One table of entities, each with a tag (its etag) that changes with every write."""

    def get(self, partition: str, key: str, *, select: Sequence[str] | None = None) -> Entity | None: ...

    def get_with_tag(self, partition: str, key: str) -> tuple[Entity, str] | None: ...

    def get_many(self, keys: Collection[tuple[str, str]], *, select: Sequence[str] | None = None) -> list[Entity]:
        """The entities that there are of these, one point query each, side by side."""
        ...

    def upsert(self, entity: Entity, *, keep_other_columns: bool) -> str:
        """Write the entity whatever is there; its new tag."""
        ...

    def create(self, entity: Entity) -> str | None:
        """Write the entity if there is none: its tag, or None."""
        ...

    def update(self, entity: Entity, tag: str, *, keep_other_columns: bool) -> str | None:
        """Write the entity if it still has this tag: its new tag, or None."""
        ...

    def delete(self, partition: str, key: str, tag: str | None = None) -> bool:
        """Take the entity away, if a tag is given only while it has that; whether it is gone."""
        ...

    def fold(self, into: Entity, tag: str | None, rows: Sequence[tuple[Entity, str]]) -> bool:
        """Write one entity, if it still has this tag or is not there yet, and take the others of its partition away.

        All of it or nothing; whether it was done. Up to 99 rows.
        """
        ...

    def query(
        self, condition: str = "", *, select: Sequence[str] | None = None, limit: int | None = None
    ) -> Iterator[Entity]:
        """Entities in the order of their keys; the values in `condition` must be ours (ids, days, kinds)."""
        ...

    def query_with_tags(self, condition: str = "", *, limit: int | None = None) -> Iterator[tuple[Entity, str]]: ...


class EntityTable:
    """The `Entities` of Azure: a table that appears when the first entity is written and reads as empty before."""

    def __init__(self, service: TableServiceClient, name: str) -> None:
        self.name = name
        self._client = service.get_table_client(name)

    def get(self, partition: str, key: str, *, select: Sequence[str] | None = None) -> Entity | None:
        columns = None if select is None else list(select)
        with our_errors(f"read {self.name}/{partition}/{key}"):
            try:
                return dict(self._client.get_entity(partition, key, select=columns))
            except ResourceNotFoundError:
                return None

    def get_with_tag(self, partition: str, key: str) -> tuple[Entity, str] | None:
        with our_errors(f"read {self.name}/{partition}/{key}"):
            try:
                entity = self._client.get_entity(partition, key)
            except ResourceNotFoundError:
                return None
            return dict(entity), whole_etag(entity.metadata.get("etag"))

    def get_many(self, keys: Collection[tuple[str, str]], *, select: Sequence[str] | None = None) -> list[Entity]:
        found = side_by_side(lambda key: self.get(*key, select=select), keys)
        return [entity for entity in found if entity is not None]

    def upsert(self, entity: Entity, *, keep_other_columns: bool) -> str:
        mode = UpdateMode.MERGE if keep_other_columns else UpdateMode.REPLACE
        return whole_etag(self._write(entity, lambda client: client.upsert_entity(entity, mode=mode).get("etag")))

    def create(self, entity: Entity) -> str | None:
        def create(client: TableClient) -> str | None:
            try:
                return whole_etag(client.create_entity(entity).get("etag"))
            except ResourceExistsError:
                return None

        return self._write(entity, create)

    def update(self, entity: Entity, tag: str, *, keep_other_columns: bool) -> str | None:
        mode = UpdateMode.MERGE if keep_other_columns else UpdateMode.REPLACE
        with our_errors(f"update {self.name}/{entity['PartitionKey']}/{entity['RowKey']}"):
            try:
                written = self._client.update_entity(
                    entity, mode=mode, etag=tag, match_condition=MatchConditions.IfNotModified
                )
            except (ResourceModifiedError, ResourceNotFoundError):
                return None
            return whole_etag(written.get("etag"))

    def delete(self, partition: str, key: str, tag: str | None = None) -> bool:
        condition = MatchConditions.Unconditionally if tag is None else MatchConditions.IfNotModified
        with our_errors(f"delete {self.name}/{partition}/{key}"):
            try:
                self._client.delete_entity(partition, key, etag=tag, match_condition=condition)
            except ResourceModifiedError:
                return False
            except ResourceNotFoundError:
                return True
            return True

    def fold(self, into: Entity, tag: str | None, rows: Sequence[tuple[Entity, str]]) -> bool:
        writing: list[TransactionOperation] = [
            ("create", into) if tag is None else ("update", into, {"mode": UpdateMode.REPLACE, **_unless_changed(tag)})
        ]
        taking = [
            ("delete", {name: row[name] for name in ("PartitionKey", "RowKey")}, _unless_changed(of))
            for row, of in rows
        ]
        with our_errors(f"fold rows of {self.name}/{into['PartitionKey']}"):
            try:
                self._client.submit_transaction([*writing, *taking])
            except TableTransactionError as error:
                if error.status_code in CHANGED_MEANWHILE:
                    return False
                raise
            return True

    def query(
        self, condition: str = "", *, select: Sequence[str] | None = None, limit: int | None = None
    ) -> Iterator[Entity]:
        return (dict(entity) for entity in self._query(condition, select, limit))

    def query_with_tags(self, condition: str = "", *, limit: int | None = None) -> Iterator[tuple[Entity, str]]:
        return ((dict(entity), str(entity.metadata.get("etag"))) for entity in self._query(condition, None, limit))

    def _query(self, condition: str, select: Sequence[str] | None, limit: int | None) -> Iterator[TableEntity]:
        columns = None if select is None else list(select)
        found = (
            self._client.query_entities(condition, select=columns, results_per_page=limit)
            if condition
            else self._client.list_entities(select=columns, results_per_page=limit)
        )
        return each_of(f"query {self.name}", islice(_or_none(found), limit))

    def _write[T](self, entity: Entity, write: Callable[[TableClient], T]) -> T:
        with our_errors(f"write {self.name}/{entity['PartitionKey']}/{entity['RowKey']}"):
            try:
                return write(self._client)
            except ResourceNotFoundError:
                # Only the table itself can be missing here.
                self._create()
                return write(self._client)

    def _create(self) -> None:
        with suppress(ResourceExistsError):
            self._client.create_table()


def side_by_side[A, B](read: Callable[[A], B], many: Collection[A]) -> list[B]:
    """What each of many reads gives, in their order."""
    if len(many) <= 1:
        return list(map(read, many))
    with Threads(min(READS_AT_ONCE, len(many))) as threads:
        return list(threads.map(read, many))


def _unless_changed(tag: str) -> dict[str, Any]:
    return {"etag": tag, "match_condition": MatchConditions.IfNotModified}


def _or_none(found: Iterator[TableEntity]) -> Iterator[TableEntity]:
    """The entities; none of a table that is not there."""
    with suppress(ResourceNotFoundError):
        yield from found
