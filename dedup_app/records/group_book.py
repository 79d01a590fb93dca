"""The group book: all groups, held by this process and brought up to date by reading the tail of the verdict log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from dedup_app.collector import paused_collector
from dedup_app.event_log import EventLog
from dedup_app.records.journal import LogReplaced, VerdictLog, VerdictReader
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import Family
from dedup_core.groups.group import Group
from dedup_core.groups.keeper import KeeperPolicy
from dedup_core.groups.projection import GroupProjection

log = EventLog(__name__)

SAME = frozenset({Family.SAME})
SAME_SHAPE = frozenset({Family.SAME, Family.COLOR})


class VerdictLogLost(PermanentError):
    """There are verdicts, and the log has none."""

    reason = "verdict-log-lost"

    def __init__(self) -> None:
        super().__init__(
            "the log that groups follow from is empty, and there are verdicts: `dedup reindex` makes it anew"
        )


class GroupBook:
    """One for all threads. Nothing is read before the first question.

    `should_know` is asked while the log is empty: whether it has been told something.
    """

    def __init__(self, log: VerdictLog, policy: KeeperPolicy, should_know: Callable[[], bool]) -> None:
        self._log = log
        self._policy = policy
        self._should_know = should_know
        self._lock = Lock()
        self._begin()

    def groups(self, families: frozenset[Family] = SAME) -> list[Group]:
        """Groups of images that are there, the newest first. Raises `VerdictLogLost`."""
        with self.whole():
            return [group for group in self._groups if group.family in families]

    @contextmanager
    def whole(self) -> Iterator[GroupProjection]:
        """As `current`, for who acts on what nobody has said. Raises `VerdictLogLost`."""
        with self.current() as projection:
            if self._is_empty and self._should_know():
                raise VerdictLogLost
            yield projection

    @contextmanager
    def current(self) -> Iterator[GroupProjection]:
        """The projection as the log has it now; nobody else changes it meanwhile."""
        with self._lock:
            with paused_collector():
                try:
                    self._read()
                except LogReplaced:
                    log.warning("verdict_log_is_another")  # it is read from its beginning
                    self._begin()
                    self._read()
            yield self._projection

    def _begin(self) -> None:
        self._reader: VerdictReader | None = None
        self._projection = GroupProjection(self._policy)
        self._groups: list[Group] = []
        self._is_empty = True
        self._are_stale = False  # across calls: a read may fail after it has given records

    def _read(self) -> None:
        self._reader = self._reader or self._log.reader()
        for records in self._reader.new_records():
            self._are_stale = self._are_stale or len(records) > 0
            self._projection.add(records)
        if self._are_stale:
            self._groups = self._projection.groups()
            self._are_stale, self._is_empty = False, False
