"""Work that waits for its turn is done together: whoever gets the turn does it for all who wait at that moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from dedup_core.errors import StoreBusy


@dataclass(slots=True, eq=False)
class _Waiting[T]:
    """A piece of work, and what became of it."""

    work: T
    done: bool = False
    failure: BaseException | None = None


class GroupCommit[T]:
    """`commit` is called for up to `most` pieces at a time, by one thread at a time, which holds `turn` meanwhile."""

    def __init__(self, commit: Callable[[Sequence[T]], None], turn: Lock, most: int) -> None:
        self._commit = commit
        self._turn = turn
        self._most = most
        self._waiting: list[_Waiting[T]] = []
        self._waiting_lock = Lock()

    def do(self, work: T) -> None:
        """Return when it is done. Raises what `commit` raised, or `StoreBusy` if another thread had called it."""
        entry = _Waiting(work)
        with self._waiting_lock:
            self._waiting.append(entry)
        with self._turn:
            while not entry.done:
                self._commit_group()
        if entry.failure is not None:
            raise StoreBusy(f"What was to be appended together was not: {entry.failure}") from entry.failure

    def _commit_group(self) -> None:
        with self._waiting_lock:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            self._commit([entry.work for entry in group])
        except BaseException as failure:
            for entry in group:
                entry.failure = failure
            raise
        finally:
            for entry in group:
                entry.done = True
