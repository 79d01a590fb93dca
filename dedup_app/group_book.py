"""The group book: all groups, held by this process and brought up to date by reading the tail of the verdict log."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from dedup_app.collector import paused_collector
from dedup_app.journal import VerdictLog, VerdictReader
from dedup_core.groups.facts import Family
from dedup_core.groups.group import Group
from dedup_core.groups.keeper import KeeperPolicy
from dedup_core.groups.projection import GroupProjection

SAME = frozenset({Family.SAME})
SAME_SHAPE = frozenset({Family.SAME, Family.COLOR})


class GroupBook:
    """One for all threads. Nothing is read before the first question."""

    def __init__(self, log: VerdictLog, policy: KeeperPolicy) -> None:
        self._log = log
        self._reader: VerdictReader | None = None
        self._projection = GroupProjection(policy)
        self._lock = Lock()
        self._groups: list[Group] = []
        self._are_stale = False  # across calls: a read may fail after it has given records

    def groups(self, families: frozenset[Family] = SAME) -> list[Group]:
        """Groups of images that are there, the newest first."""
        with self.current():
            return [group for group in self._groups if group.family in families]

    @contextmanager
    def current(self) -> Iterator[GroupProjection]:
        """The projection as the log has it now; nobody else changes it meanwhile."""
        with self._lock:
            with paused_collector():
                self._read()
            yield self._projection

    def _read(self) -> None:
        self._reader = self._reader or self._log.reader()
        for records in self._reader.new_records():
            self._are_stale = self._are_stale or len(records) > 0
            self._projection.add(records)
        if self._are_stale:
            self._groups = self._projection.groups()
            self._are_stale = False
