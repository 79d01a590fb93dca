"""One decoder process, seen from the app: started, asked, watched and ended."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Timer
from typing import Any, Final, Self

import dedup_core
from dedup_core.limits import DecodeLimits
from dedup_decoders.ready import Ready
from dedup_decoders.wire import IN_PIPE_BYTES, BrokenFrameError, Head, Kind, frame, read_answer, request_head

PROGRAM: Final = Path(__file__).with_name("child.py")
START_SECONDS: Final = 60.0  # a start takes a third of a second of a core, and some seconds of a crowded one
CPU_SECONDS: Final = 20.0  # the slowest picture within the limits takes 3 s: docs/decoding.md#measured
WALL_SECONDS: Final = 120.0  # where cores are shared, or where nobody tells the processor time
LOOK_SECONDS: Final = 0.25  # how late a limit may be noticed; an answer is noticed at once
ANSWER_PIPE_BYTES: Final = 1024 * 1024  # the most that Linux gives an ordinary user
HAS_POLL: Final = hasattr(select, "poll")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a decoder process may take for one file, in seconds: of processor time, and of everybody's time."""

    cpu_seconds: float = CPU_SECONDS
    wall_seconds: float = WALL_SECONDS


class ChildDied(Exception):
    """The process ended before it answered; `code` is its exit code, or minus the signal that ended it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ended with {code}" if code >= 0 else f"was ended by signal {-code}")
        self.code = code


class ChildOverran(Exception):
    """The process took longer than anybody waits, and was ended."""


class ChildProcess:
    """A decoder process. All methods but `kill` and `abandon` are for one thread at a time.

    The kernel ends the process when the thread that started it ends, and it ends itself when its pipe does.
    """

    def __init__(self, limits: DecodeLimits, *, confine: bool, patience: Patience) -> None:
        self._patience = patience
        self._shared = _shared_memory()
        self._pictures = 0
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", "-X", "utf8", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            bufsize=0,
            pass_fds=() if self._shared is None else (self._shared,),
            cwd=PROGRAM.anchor,
            process_group=None if sys.platform == "win32" else 0,  # what is sent to the app's group is not meant for it
        )
        assert self._process.stdin is not None  # noqa: S101 - pipes were asked for
        assert self._process.stdout is not None  # noqa: S101
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        if HAS_POLL:
            os.set_blocking(self._to, False)
        _widen(self._from)
        self.ready = self._set_up(limits, confine=confine)

    @property
    def pictures(self) -> int:
        """How many files it has been asked about."""
        return self._pictures

    def ask(self, kind: Kind, data: bytes, meanwhile: Callable[[], None]) -> tuple[Kind, dict[str, Any], bytes]:
        """Its answer about a file; `meanwhile` is done while it works.

        Raises `ChildDied`, `ChildOverran` or `BrokenFrameError`, and the process is of no use any more then.
        """
        self._pictures += 1
        in_pipe = self._shared is None or len(data) <= IN_PIPE_BYTES
        with self._watch(self._patience) as watch:
            if not in_pipe:
                _fill(self._shared or 0, data)
            self._write(request_head(self._pictures, kind, len(data), in_pipe=in_pipe), watch)
            if in_pipe:
                self._write(data, watch)
            meanwhile()
            head, text, block = self._answer(watch)
        if head.number != self._pictures:
            raise BrokenFrameError("an answer to another request")
        return head.kind, text, block

    def kill(self) -> None:
        """End the process at once; whoever waits for its answer learns that it died."""
        self._process.kill()

    def close(self) -> int:
        """End the process and give back what it held; its exit code."""
        self._process.kill()
        code: int = self._process.wait()
        self.abandon()
        return code

    def abandon(self) -> None:
        """Give back the descriptors alone: in a forked copy of the app, which is not the parent of this process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        if self._shared is not None:
            with suppress(OSError):
                os.close(self._shared)
            self._shared = None
        self._process.returncode = self._process.returncode or 0  # nobody is to wait for it

    def _set_up(self, limits: DecodeLimits, *, confine: bool) -> Ready:
        setup = {
            "path": _search_path(),
            "limits": asdict(limits) | {"formats": sorted(limits.formats)},
            "shared": self._shared,
            "confine": confine,
            "parent": os.getpid(),
        }
        with self._watch(Patience(START_SECONDS, START_SECONDS)) as watch:
            self._write(frame(0, Kind.SETUP, setup), watch)
            head, text, _ = self._answer(watch)
        if head.kind is not Kind.READY:
            raise BrokenFrameError("a decoder process that does not say that it is ready")
        return Ready(**text)  # it has seen no file yet, so it is believed

    def _answer(self, watch: "_Watch") -> tuple[Head, dict[str, Any], bytes]:
        return read_answer(lambda length: self._read(length, watch))

    def _read(self, length: int, watch: "_Watch") -> bytes:
        parts: list[bytes] = []
        while length:
            watch.wait(self._from, select.POLLIN if HAS_POLL else 0)
            part = os.read(self._from, length)
            if not part:
                raise self._death(watch)
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _write(self, data: bytes, watch: "_Watch") -> None:
        view = memoryview(data)
        while view:
            watch.wait(self._to, select.POLLOUT if HAS_POLL else 0)
            try:
                view = view[os.write(self._to, view) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._death(watch) from error

    def _death(self, watch: "_Watch") -> Exception:
        """Why the pipe ended. A process that closed its pipe and lives on is ended: it answers nobody any more."""
        try:
            code = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return ChildOverran("it was ended") if watch.overran else ChildDied(code)

    def _watch(self, patience: Patience) -> "_Watch":
        return _Watch(self._process, patience)


class _Watch:
    """Waits for the pipes of a process, and ends it when it takes too long."""

    def __init__(self, process: subprocess.Popen[bytes], patience: Patience) -> None:
        self._process = process
        self._patience = patience
        self._until = time.monotonic() + patience.wall_seconds
        self._cpu_until = (_cpu_seconds(process.pid) or 0.0) + patience.cpu_seconds
        self.overran = False
        self._timer = None if HAS_POLL else Timer(patience.wall_seconds, self._end)

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def wait(self, descriptor: int, event: int) -> None:
        """Return when the pipe is ready. Raises `ChildOverran`."""
        if not HAS_POLL:  # Windows: the call itself waits, and the timer ends the process
            return
        poll = select.poll()
        poll.register(descriptor, event)
        # What comes byte by byte is always there at once: the time is asked for all the same.
        while not poll.poll(LOOK_SECONDS * 1000) or time.monotonic() > self._until:
            cpu = _cpu_seconds(self._process.pid)
            if time.monotonic() > self._until or (cpu is not None and cpu > self._cpu_until):
                self._end()
                raise ChildOverran(
                    f"took longer than {self._patience.cpu_seconds:g} s of processor time "
                    f"or {self._patience.wall_seconds:g} s altogether"
                )

    def _end(self) -> None:
        self.overran = True
        self._process.kill()


def _environment() -> dict[str, str]:
    """Nothing; Windows alone starts no program without knowing where it is."""
    return {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if sys.platform == "win32" else {}


def _search_path() -> list[str]:
    """Where this process finds its modules; first where it found this package, which an import hook may have done."""
    own = [str(Path(module).parent.parent) for module in (__file__, dedup_core.__file__ or __file__)]
    return list(dict.fromkeys([*own, *(str(Path(it).absolute()) for it in sys.path)]))


def _widen(pipe: int) -> None:
    """Let a whole picture into the pipe, where the system does that: a dozen changes between processes less."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - not on Windows

        with suppress(OSError):  # more than this user may have
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, ANSWER_PIPE_BYTES)


def _shared_memory() -> int | None:
    """A descriptor of memory without a name, None where there is none; written and read like a file, never mapped.

    So a process at the other end that shortens it makes a read fail, and nobody's memory invalid.
    """
    try:
        return os.memfd_create("dedup-decoder")
    except (AttributeError, OSError):
        return None


def _fill(shared: int, data: bytes) -> None:
    view = memoryview(data)
    at = 0
    while at < len(view):
        at += os.pwrite(shared, view[at:], at)


def _cpu_seconds(pid: int) -> float | None:
    """Processor time of all threads of another process; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    try:
        return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of a process: man 3 clock_getcpuclockid
    except OSError:
        return None
