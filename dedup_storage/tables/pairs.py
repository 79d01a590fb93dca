"""The `pairs` table: both directions of every pair; no verdict ever replaces one on newer versions."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain

from dedup_app.ports.pairs import PairRow, Written
from dedup_app.ports.superseded import Superseded
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import Decided
from dedup_core.paths import ImagePath
from dedup_storage.tables.decision_columns import HALF_DECIDED, decision_columns
from dedup_storage.tables.entity_table import Entities
from dedup_storage.tables.pair_directions import in_key_order, key_order, reversed_pair, settled
from dedup_storage.tables.rows import Entity, fitting, pair_entity, pair_row

DECISION_COLUMNS = "decision"  # what the columns of a person's decision begin with


class AzurePairsTable:
    """The `PairsTable` port.

    The row whose PartitionKey is the smaller image id is the pair: it is the only one while the pair is pending, it is
    created by whoever comes first, and it is written last, so that a verdict there means one in the other row, too.
    The row the other way round is its copy for `of_image`.
    """

    def __init__(self, table: Entities) -> None:
        self._table = table

    def open(self, pair: PairRow) -> PairRow | None:
        pending = replace(key_order(pair), verdict=None, verified_at=None)
        entity = pair_entity(pending)
        while (tag := self._table.create(entity)) is None:
            found = self._table.get_with_tag(entity["PartitionKey"], entity["RowKey"])
            if found is None:
                continue
            known = pair_row(*found)
            if _is_newer(known, pending):
                return None
            if _is_about_the_same(known, pending):
                return known
            tag = self._table.update(entity | _decision(found[0]), found[1], keep_other_columns=False)
            if tag is not None:
                break
        return replace(pending, tag=tag)

    def put_verdict(self, pair: PairRow, *, is_there: bool = False) -> Written:
        row = settled(key_order(pair))
        # The same once more would only hide from whoever wrote it first that they did, and they may still ask.
        is_final = pair.measurement is None and _is_identical(pair)
        # What was measured stands once, in the row that `all` reads.
        if not self._put(replace(reversed_pair(row), tag="", measurement=None), is_there=is_there, is_final=is_final):
            return Written.SUPERSEDED
        return self._put(row, is_there=is_there, is_final=is_final)

    def decide(self, pair: PairRow, before: Decided | None) -> PairRow:
        decided = pair.decided
        if decided is None:
            raise ValueError("a pair without a decision was to be decided")

        def may_follow(standing: Decided | None) -> bool:
            if standing not in (before, decided):
                raise Superseded
            return standing != decided  # or this very word was written by a try whose answer got lost

        row = key_order(pair)
        columns = decision_columns(decided, row.decision_history)
        tag = self._decide(row, columns | {HALF_DECIDED: True}, may_follow)
        # The pair itself first: what was decided there holds. Of its copy those who come late keep their hands off.
        self._decide(reversed_pair(row), columns, decided.outranks)
        return replace(pair, tag=tag)

    def settle_decision(self, pair: PairRow) -> None:
        first, second = (it.image_id for it in key_order(pair).paths)
        change = {"PartitionKey": first, "RowKey": second, HALF_DECIDED: False}
        if pair.tag and self._table.update(change, pair.tag, keep_other_columns=True) is not None:
            return
        while (found := self._table.get_with_tag(first, second)) is not None:
            is_theirs = pair_row(*found).decided != pair.decided
            if is_theirs or self._table.update(change, found[1], keep_other_columns=True) is not None:
                return

    def get(self, left: ImagePath, right: ImagePath) -> PairRow | None:
        first, second = (left, right) if in_key_order(left, right) else (right, left)
        entity = self._table.get(first.image_id, second.image_id)
        if entity is None:
            return None
        row = pair_row(entity)
        return row if first == left else reversed_pair(row)

    def of_image(self, path: ImagePath, *, decided: bool = False) -> Iterator[PairRow]:
        entities = self._table.query_with_tags(f"PartitionKey eq '{path.image_id}'")
        return (
            pair_row(entity, tag)
            for entity, tag in entities
            if "verdict" in entity or (decided and DECISION_COLUMNS in entity)
        )

    def all(self, after: tuple[str, str] | None = None) -> Iterator[PairRow]:
        first, second = after or ("", "")
        rest = (f"PartitionKey eq '{first}' and RowKey gt '{second}'", f"PartitionKey gt '{first}'")
        found = chain.from_iterable(self._table.query(condition) for condition in (rest if after else ("",)))
        return (pair_row(entity) for entity in found if entity["PartitionKey"] <= entity["RowKey"])

    def with_prefix(self, prefix: str) -> Iterator[PairRow]:
        condition = f"PartitionKey ge '{prefix}' and PartitionKey lt '{prefix}g'"
        found = self._table.query_with_tags(condition)
        return (pair_row(entity, tag) for entity, tag in found if entity["PartitionKey"] <= entity["RowKey"])

    def fail(self, left: ImagePath, right: ImagePath, failure: str) -> None:
        first, second = (left, right) if in_key_order(left, right) else (right, left)
        change = {"PartitionKey": first.image_id, "RowKey": second.image_id, "failure": fitting(failure)}
        while (found := self._table.get_with_tag(first.image_id, second.image_id)) is not None:
            if "verdict" in found[0] or self._table.update(change, found[1], keep_other_columns=True) is not None:
                return

    def forget(self, path: ImagePath, version: int, most: int) -> int:
        taken = 0
        for entity, tag in self._table.query_with_tags(f"PartitionKey eq '{path.image_id}'"):
            if taken == most:
                break
            other = entity["RowKey"]
            if _decision(entity) or pair_row(entity).left_version > version:
                continue
            # The row of the other image first: it is found only by way of this one.
            copy = self._table.get_with_tag(other, path.image_id)
            if copy is not None:
                stays = _decision(copy[0]) or pair_row(copy[0]).right_version > version
                if stays or not self._table.delete(other, path.image_id, copy[1]):
                    continue
            taken += self._table.delete(path.image_id, other, tag)
        return taken

    def _decide(self, side: PairRow, columns: Entity, may_follow: Callable[[Decided | None], bool]) -> str:
        """Change the columns of a decision alone, or make the row, unless it may not follow what is there; its tag."""
        keys = {"PartitionKey": side.left.image_id, "RowKey": side.right.image_id}
        pending = pair_entity(replace(side, verdict=None, verified_at=None))
        while (tag := self._table.create(pending | columns)) is None:
            found = self._table.get_with_tag(keys["PartitionKey"], keys["RowKey"])
            if found is None:
                continue
            if not may_follow(pair_row(*found).decided):
                return found[1]
            if (tag := self._table.update(keys | columns, found[1], keep_other_columns=True)) is not None:
                return tag
        return tag

    def _put(self, row: PairRow, *, is_there: bool, is_final: bool) -> Written:
        """Write one side, unless what is there is newer or, if that is final, the same."""
        entity = pair_entity(row)
        if row.tag and self._is_opened_at(row.tag, entity):
            return Written.NEW  # it was pending: there were no numbers of another verdict in it
        is_there = is_there or bool(row.tag)
        outcome = Written.NEW
        while is_there or self._table.create(entity) is None:
            found = self._table.get_with_tag(entity["PartitionKey"], entity["RowKey"])
            if found is None:
                is_there = False
                continue
            known = pair_row(*found)
            if _is_newer(known, row):
                return Written.SUPERSEDED
            # A write whose answer got lost is found as our own row: what it has replaced is known from the try before.
            if not _is_ours(known, row):
                outcome = Written.AGAIN if _says_the_same(known, row) else Written.NEW
            if is_final and _adds_nothing(known, row):
                return outcome
            # Merging would keep numbers of an earlier verdict that this one does not have: all but the decision goes.
            if self._table.update(entity | _decision(found[0]), found[1], keep_other_columns=False) is not None:
                return outcome
        return outcome

    def _is_opened_at(self, tag: str, entity: Entity) -> bool:
        """Whether the row still had this tag, and is written with that.

        A message by hand may carry any; where storage refuses the row and not the tag, it does so again afterwards.
        """
        with suppress(PermanentError):
            return self._table.update(entity, tag, keep_other_columns=True) is not None
        return False


def _is_newer(known: PairRow, row: PairRow) -> bool:
    return known.left_version > row.left_version or known.right_version > row.right_version


def _is_about_the_same(known: PairRow, row: PairRow) -> bool:
    """Whether both are about the same contents. Pairs of earlier apps have no versions: there the etags tell."""
    if (known.left_version, known.right_version) != (row.left_version, row.right_version):
        return False
    return min(row.left_version, row.right_version) > 0 or (
        (known.left_etag, known.right_etag) == (row.left_etag, row.right_etag)
    )


def _says_the_same(known: PairRow, row: PairRow) -> bool:
    if known.verdict is None or row.verdict is None or known.verdict.kind is not row.verdict.kind:
        return False
    return _is_about_the_same(known, row)


def _is_ours(known: PairRow, row: PairRow) -> bool:
    """Whether this very verdict was written just now by a try whose answer got lost."""
    return known.verified_at == row.verified_at


def _is_identical(row: PairRow) -> bool:
    return row.verdict is not None and row.verdict.kind is VerdictKind.IDENTICAL


def _adds_nothing(known: PairRow, row: PairRow) -> bool:
    etags = (known.left_etag, known.right_etag) == (row.left_etag, row.right_etag)
    return etags and known.verdict == row.verdict and _is_about_the_same(known, row)


def _decision(entity: Entity) -> Entity:
    """A person's decision, which no verdict touches."""
    return {name: value for name, value in entity.items() if name.startswith(DECISION_COLUMNS)}
