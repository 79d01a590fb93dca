"""One table of Azure Table Storage, with the few operations that the ports need."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, TableServiceClient, UpdateMode

from dedup_storage.azure_errors import each_of, our_errors, whole_etag
from dedup_storage.rows import Entity


class EntityTable:
    """One table that appears when the first entity is written; before that it reads as empty."""

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

    def get_with_etag(self, partition: str, key: str) -> tuple[Entity, str] | None:
        with our_errors(f"read {self.name}/{partition}/{key}"):
            try:
                entity = self._client.get_entity(partition, key)
            except ResourceNotFoundError:
                return None
            return dict(entity), whole_etag(entity.metadata.get("etag"))

    def upsert(self, entity: Entity, *, keep_other_columns: bool) -> str:
        """Write the entity whatever is there; the new entity's etag."""
        mode = UpdateMode.MERGE if keep_other_columns else UpdateMode.REPLACE
        return whole_etag(self._write(entity, lambda client: client.upsert_entity(entity, mode=mode).get("etag")))

    def create(self, entity: Entity) -> bool:
        """Write the entity if there is none; whether it was written."""

        def create(client: TableClient) -> bool:
            try:
                client.create_entity(entity)
            except ResourceExistsError:
                return False
            return True

        return self._write(entity, create)

    def update(self, entity: Entity, etag: str, *, keep_other_columns: bool) -> bool:
        """Write the entity if it still has `etag`; whether it was written."""
        mode = UpdateMode.MERGE if keep_other_columns else UpdateMode.REPLACE
        with our_errors(f"update {self.name}/{entity['PartitionKey']}/{entity['RowKey']}"):
            try:
                self._client.update_entity(entity, mode=mode, etag=etag, match_condition=MatchConditions.IfNotModified)
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
            return True

    def query(
        self, condition: str = "", *, select: Sequence[str] | None = None, limit: int | None = None
    ) -> Iterator[Entity]:
        """Entities in the order of their keys; the values in `condition` must be ours (ids, days, kinds)."""
        columns = None if select is None else list(select)
        found = (
            self._client.query_entities(condition, select=columns, results_per_page=limit)
            if condition
            else self._client.list_entities(select=columns, results_per_page=limit)
        )
        for entity in each_of(f"query {self.name}", islice(_or_none(found), limit)):
            yield dict(entity)

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


def _or_none(found: Iterator[TableEntity]) -> Iterator[TableEntity]:
    """The entities; none of a table that is not there."""
    with suppress(ResourceNotFoundError):
        yield from found
