"""Decoder processes for all threads of the app: one a core, started with the first picture, replaced when one dies.

What reads their answers is imported by the first question: it takes NumPy, and by then the first process is on its way.
"""

import hashlib
import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from dedup_core.errors import InvalidSetting, PermanentError, TemporaryError, UnreadableImage
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits, spelled
from dedup_decoders.child_process import ChildDied, ChildOverran, ChildProcess, Patience
from dedup_decoders.ready import Ready, Started
from dedup_decoders.wire import BrokenFrameError

if TYPE_CHECKING:
    from dedup_core.decoding.headers.header import Header
    from dedup_core.decoding.working_image import WorkingImage
    from dedup_core.features import ImageFeatures
    from dedup_decoders.questions import Question

MAX_PICTURES: Final = 250  # of one process: whatever a file left behind in it does not last
type Tell = Callable[[str, dict[str, object]], None]


def say_nothing(_event: str, _values: dict[str, object]) -> None: ...


class DecoderPool:
    """The port `Decoders` in child processes. A context manager; nothing is started before the first picture.

    `isolation` is `separate` (confined where this system can do that) or `confined` (raises `InvalidSetting` where it
    cannot). `tell` hears of events by name, with values for a log line. `confine=False` is for trying what other
    systems do: never, even where this one can.
    """

    def __init__(
        self,
        limits: DecodeLimits = DEFAULT_LIMITS,
        *,
        isolation: str = "separate",
        children: int | None = None,
        patience: Patience | None = None,
        tell: Tell = say_nothing,
        confine: bool = True,
    ) -> None:
        self._limits = limits
        self._must_confine = isolation == "confined"
        self._confine = confine
        self._children = children or os.process_cpu_count() or 1
        self._patience = patience or Patience()
        self._tell = tell
        self._hear: Started | None = None
        self._meanwhile: Callable[[], object] | None = None
        self._report: threading.Thread | None
        self._lock = threading.Lock()
        self._cause: str | None = None
        self._ready: Ready | None = None
        self._prepared: Future[ChildProcess] | None
        if self._must_confine and (why_not := self._why_unconfined()):
            raise InvalidSetting(
                f"DECODER_ISOLATION is confined, but decoders cannot be confined here: {why_not}. "
                "Set it to separate to run them all the same, with what they can reach"
            )
        self._begin()
        _pools.add(self)

    @property
    def isolation(self) -> str:
        """`confined` or `separate`: what the processes say, or what this system can do while there are none yet."""
        return "separate" if self._why_unconfined() else "confined"

    def prepare(self) -> None:
        with self._lock:
            if self._ready is not None or self._prepared is not None or self._closed:
                return
            with suppress(RuntimeError):  # the interpreter ends
                self._prepared = self._submit(self._start)

    def report_to(self, hear: Started) -> None:
        """Let somebody hear once what the first process says of itself; no picture waits for that."""
        with self._lock:
            self._hear, ready = hear, self._ready
        if ready is not None:
            self._tell_of(ready, hear)

    def do_meanwhile(self, work: Callable[[], object]) -> None:
        """Have this done once, by the thread that waits for the first picture to be decoded.

        Where a module or a file is missing, whoever needs it says so, and not that picture.
        """
        with self._lock:
            self._meanwhile = work

    def extract_features(self, data: bytes, header: "Header | None" = None) -> "ImageFeatures":
        from dedup_decoders.questions import features_question  # noqa: PLC0415 - see above

        return self._ask(features_question(data, self._limits, header))

    def decode(self, data: bytes, header: "Header | None" = None) -> "WorkingImage":
        from dedup_decoders.questions import picture_question  # noqa: PLC0415 - see above

        return self._ask(picture_question(data, self._limits, header))

    def features_and_picture(self, data: bytes, header: "Header | None" = None) -> "tuple[ImageFeatures, WorkingImage]":
        from dedup_decoders.questions import features_and_picture_question  # noqa: PLC0415 - see above

        return self._ask(features_and_picture_question(data, self._limits, header))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            running = list(self._running)
        for child in running:
            child.kill()
        self._threads.shutdown(wait=True)
        if self._report is not None:
            self._report.join()
        for child in running:
            child.close()
        self._running.clear()
        self._idle.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        self._closed = False
        self._idle: list[ChildProcess] = []
        self._running: set[ChildProcess] = set()
        self._threads = ThreadPoolExecutor(self._children, thread_name_prefix="decoder")
        self._prepared = None
        self._report = None

    def _ask[T](self, question: "Question[T]") -> T:
        """What is made of the answer, by one of as many threads as there are processes."""
        try:
            future = self._submit(self._ask_twice, question)
        except RuntimeError as error:  # after `close`, or while the interpreter ends
            raise TemporaryError("The decoders are closed", reason="decoders-closed") from error
        with self._lock:
            work, self._meanwhile = self._meanwhile, None
        if work is not None:
            with suppress(ImportError, OSError):  # of what is needed later, which will fail there and be told
                work()
        return future.result()

    def _submit[**P, T](self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a thread do this as its caller would: in the same context, which names what events belong to."""
        return self._threads.submit(copy_context().run, partial(work, *args, **kwargs))

    def _ask_twice[T](self, question: "Question[T]") -> T:
        """A failure counts against the file only in a process that has seen no other file, whose fault it might be.

        And one that came from outside, such as from the memory killer, only when it comes again.
        """
        from dedup_decoders.asking import Failed, ask_child  # noqa: PLC0415 - see above

        ended_before = False
        child = self._take()
        while True:
            is_fresh = child.pictures == 0
            try:
                answer = ask_child(child, question)
            except PermanentError:
                self._give_back(child)
                raise
            except Failed as error:
                self._drop(child)
                if self._closed:
                    raise TemporaryError("The decoders were closed", reason="decoders-closed") from error
                is_blamed = is_fresh and (error.own_fault or ended_before)
                ended_before = ended_before or is_fresh
                digest = hashlib.sha256(question.data).hexdigest()
                said = {"reason": error.reason, "format": question.format, "sha256": digest, "blamed": is_blamed}
                self._tell("decoder_failed", said | {"cause": str(error)})
                if is_blamed:
                    message = f"the {spelled(question.format)} file {error}; its SHA-256 is {digest}"
                    raise UnreadableImage(message, reason=error.reason) from error
            except BaseException:
                self._drop(child)  # it may be in the middle of a request
                raise
            else:
                self._give_back(child)
                return answer
            child = self._start()

    def _take(self) -> ChildProcess:
        """A process for one file: one that waits, the one that is being prepared, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            prepared, self._prepared = self._prepared, None
        # Whoever prepares it came before us, and so was begun before us: this waits for a thread that runs.
        return self._start() if prepared is None else prepared.result()

    def _give_back(self, child: ChildProcess) -> None:
        if child.pictures >= MAX_PICTURES:
            self._drop(child)
            return
        with self._lock:
            self._idle.append(child)

    def _start(self) -> ChildProcess:
        try:
            child = ChildProcess(self._limits, confine=self._confine, patience=self._patience)
        except (OSError, ChildDied, ChildOverran, BrokenFrameError) as error:
            raise TemporaryError(f"No decoder process could be started: {error}", reason="no-decoder") from error
        with self._lock:
            if self._closed:
                child.close()
                raise TemporaryError("The decoders are closed", reason="decoders-closed")
            self._running.add(child)
        if self._must_confine and not child.ready.confined:
            self._drop(child)
            raise TemporaryError(f"Decoders cannot be confined: {child.ready.why_not}", reason="not-confined")
        self._look_at(child.ready)
        return child

    def _look_at(self, ready: Ready) -> None:
        with self._lock:
            is_first, self._ready = self._ready is None, ready
            self._cause, hear = ready.why_not, self._hear
        if not is_first:
            return
        if not ready.confined:
            self._tell("decoders_not_confined", {"cause": ready.why_not})
        for name, outdated in ready.outdated.items():
            self._tell("format_refused", {"format": name, "cause": outdated})
        if hear is not None:
            self._tell_of(ready, hear)

    def _tell_of(self, ready: Ready, hear: Started) -> None:
        self._report = threading.Thread(target=hear, args=(ready,), name="decoders-report")
        self._report.start()

    def _why_unconfined(self) -> str:
        """Why processes are not, or cannot be, confined; empty where they are."""
        with self._lock:
            if self._cause is None:  # no process has said so yet
                self._cause = _why_unconfined_here(confine=self._confine)
            return self._cause

    def _drop(self, child: ChildProcess) -> None:
        with self._lock:
            self._running.discard(child)
        child.close()

    def _forget(self) -> None:
        """In a forked copy of this process: the threads are gone, and the children are not its own."""
        for child in self._running:
            child.abandon()
        self._lock = threading.Lock()
        self._begin()


_pools: "weakref.WeakSet[DecoderPool]" = weakref.WeakSet()


def _after_fork() -> None:
    for pool in list(_pools):
        with suppress(OSError):
            pool._forget()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _why_unconfined_here(*, confine: bool) -> str:
    """Why decoders cannot be confined here; empty where they can."""
    if not confine:
        return "it was not asked for"
    from dedup_decoders.confinement import CannotConfineError, check_confinement  # noqa: PLC0415 - ctypes, see above

    try:
        check_confinement()
    except CannotConfineError as error:
        return str(error)
    return ""
