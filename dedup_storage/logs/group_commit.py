"""Work that waits for its turn is done together: whoever gets the turn does it for all who wait at that moment."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from dedup_app.time_limit import end_of_time, seconds_left
from dedup_core.errors import DedupError, StoreBusy


@dataclass(slots=True, eq=False)
class _Waiting[T]:
    """A piece of work, and what became of it; `late`: it failed when the time was over of whoever did it."""

    work: T
    done: bool = False
    failure: BaseException | None = None
    late: bool = False


class GroupCommit[T]:
    """`commit` is called for up to `most` pieces at a time, by one thread at a time, which holds `turn` meanwhile."""

    def __init__(self, commit: Callable[[Sequence[T]], None], turn: Lock, most: int) -> None:
        self._commit = commit
        self._turn = turn
        self._most = most
        self._waiting: list[_Waiting[T]] = []
        self._waiting_lock = Lock()

    def do(self, work: T) -> None:
        """Return when it is done; it may be done twice, where it is not known whether it was.

        Raises what `commit` raised, or `StoreBusy` for that reason if another thread had called it, or because the
        time of this thread is over.
        """
        while True:
            entry = self._queue(work)
            with self._turn:
                while not entry.done:
                    self._commit_group(entry)
            if entry.failure is None:
                return
            if not entry.late:
                reason = entry.failure.reason if isinstance(entry.failure, DedupError) else None
                message = f"What was to be appended together was not: {entry.failure}"
                raise StoreBusy(message, reason=reason) from entry.failure

    def _queue(self, work: T) -> _Waiting[T]:
        entry = _Waiting(work)
        with self._waiting_lock:
            self._waiting.append(entry)
        return entry

    def _commit_group(self, own: _Waiting[T]) -> None:
        """Do what waits. Raises only what is the matter with `own`, which may come in a later group."""
        try:
            seconds_left(end_of_time())  # whoever is late would fail for all the others
        except StoreBusy:
            with self._waiting_lock:
                self._waiting.remove(own)
            raise
        with self._waiting_lock:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            self._commit([entry.work for entry in group])
        except BaseException as failure:
            late = end_of_time() <= time.monotonic()
            for entry in group:
                entry.failure, entry.late = failure, late
            if own in group or not isinstance(failure, Exception):
                raise
        finally:
            for entry in group:
                entry.done = True
