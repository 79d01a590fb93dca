"""The group book: all groups, held by this process and brought up to date by reading the tail of the verdict log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from threading import Lock

from dedup_app.collector import paused_collector
from dedup_app.event_log import EventLog
from dedup_app.records.journal import LogReplaced, VerdictLog, VerdictReader
from dedup_core.errors import PermanentError
from dedup_core.groups.columns import Records
from dedup_core.groups.facts import Family, Rebuild
from dedup_core.groups.group import Group
from dedup_core.groups.keeper import KeeperPolicy
from dedup_core.groups.projection import GroupProjection

log = EventLog(__name__)

SAME = frozenset({Family.SAME})
SAME_SHAPE = frozenset({Family.SAME, Family.COLOR})


class VerdictLogLost(PermanentError):
    """There are verdicts from before the log begins, or it has none."""

    reason = "verdict-log-lost"

    def __init__(self) -> None:
        super().__init__("the log that groups follow from lacks verdicts that there are: `dedup reindex` makes it anew")


class GroupBook:
    """One for all threads. Nothing is read before the first question.

    `should_know` is asked whether the log was told something before the first moment that it tells of, or, while it
    tells of none, anything at all.
    """

    def __init__(self, log: VerdictLog, policy: KeeperPolicy, should_know: Callable[[int | None], bool]) -> None:
        self._log = log
        self._policy = policy
        self._should_know = should_know
        self._lock = Lock()
        self._groups: list[Group] | None = None  # while nobody has asked since something was read
        self._is_whole = False  # as far as anybody knows
        self._reading, self._has_read = 0, 0  # the numbers of the last read that began, and that came to the end
        self._begin()

    def groups(self, families: frozenset[Family] = SAME) -> list[Group]:
        """Groups of images that are there, the newest first. Raises `VerdictLogLost`."""
        with self.whole() as projection:
            if self._groups is None:
                self._groups = projection.groups()
            return [group for group in self._groups if group.family in families]

    @contextmanager
    def whole(self) -> Iterator[GroupProjection]:
        """As `current`, for who acts on what nobody has said. Raises `VerdictLogLost`."""
        with self.current() as projection:
            if not self._is_whole:
                if self._should_know(self._first_moment):
                    raise VerdictLogLost
                self._is_whole = self._first_moment is not None  # of one that begins later somebody would have known
            yield projection

    @contextmanager
    def current(self) -> Iterator[GroupProjection]:
        """The projection as the log has it now; nobody else changes it meanwhile.

        Who waits while another thread reads all that was appended since they asked does not read it once more.
        """
        asked_in = self._reading
        with self._lock:
            if self._has_read <= asked_in:
                self._reading += 1
                self._read()
                self._has_read = self._reading
            yield self._projection

    def _begin(self) -> None:
        self._reader: VerdictReader | None = None
        self._projection = GroupProjection(self._policy)
        self._groups = None
        self._first_moment: int | None = None
        self._is_rebuilt = False  # just now, or by somebody who died: what was told since need not be all
        self._first_rebuilt: int | None = None
        self._is_whole = False

    def _read(self) -> None:
        with paused_collector():
            try:
                self._read_on()
            except LogReplaced:
                log.warning("verdict_log_is_another")  # it is read from its beginning
                self._begin()
                self._read_on()

    def _read_on(self) -> None:
        self._reader = self._reader or self._log.reader()
        for records in self._reader.new_records():
            self._groups = None if len(records) else self._groups
            self._note_moments(records)
            self._projection.add(records)
        self._projection.settle()

    def _note_moments(self, records: Records) -> None:
        if self._is_rebuilt:
            self._first_rebuilt = _first(self._first_rebuilt, _first_moment(records))
        else:
            self._first_moment = _first(self._first_moment, _first_moment(records))
        if records.rebuild is not None:
            self._is_rebuilt = records.rebuild is Rebuild.BEGUN
        if records.rebuild is Rebuild.ENDED:
            self._first_moment = _first(self._first_moment, self._first_rebuilt)


def _first(*moments: int | None) -> int | None:
    return min(filter(None, moments), default=None)


def _first_moment(records: Records) -> int | None:
    """When the first of the verdicts and decisions was made, of those that tell it."""
    verified = records.links["verified_at"]
    return min(chain(verified[verified > 0].tolist(), (it.at for it in records.decided if it.at > 0)), default=None)
