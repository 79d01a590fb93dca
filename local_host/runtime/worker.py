"""Runs the functions of one app, in a process of its own that is started again when it ends."""

import contextlib
import logging
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from local_host.log import running_invocation
from local_host.runtime import protos
from local_host.runtime.bindings import Function

WORKER_MODULE = "local_host.runtime.child"
STOP_SECONDS = 10.0  # for calls that have begun; then it is killed
# With one of these the host traces its calls, and only then.
TELEMETRY_SETTINGS = ("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPINSIGHTS_INSTRUMENTATIONKEY")
_ROOT = Path(__file__).parent.parent.parent

logger = logging.getLogger("local_host.functions")


class WorkerError(Exception):
    """The app could not be loaded; `stack_trace` is the app's, empty where the text says it all."""

    def __init__(self, message: str, stack_trace: str = "") -> None:
        super().__init__(message)
        self.stack_trace = stack_trace


@dataclass(frozen=True)
class Outcome:
    """How one invocation ended; `return_value` is what an HTTP function answered."""

    succeeded: bool
    error: str = ""
    return_value: protos.TypedData | None = None


class Invoker(Protocol):
    """Runs functions; the listeners need no more than this."""

    def invoke(
        self,
        function: Function,
        data: protos.TypedData,
        metadata: Mapping[str, protos.TypedData],
        reason: str,
        retry: protos.RetryContext | None = None,
    ) -> Outcome:
        """Run one function to its end; a failure is an outcome, never an exception."""


class Worker:
    """Hands calls to the worker process. One that runs into the time-out ends the process, and what else that ran."""

    def __init__(
        self,
        app_dir: Path,
        environ: Mapping[str, str],
        function_timeout_seconds: float | None = None,
        *,
        module: str = WORKER_MODULE,
        verbose: bool = False,
    ) -> None:
        self._app_dir = app_dir
        self._environ = environ
        self.function_timeout_seconds = function_timeout_seconds
        self._module = module
        self._verbose = verbose
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._closed = False
        self._running = 0

    @property
    def running(self) -> int:
        """How many calls have begun and not ended."""
        return self._running

    def start(self) -> list[protos.RpcFunctionMetadata]:
        """Import function_app.py and return what it defines; raises WorkerError."""
        return self._current().functions

    def invoke(
        self,
        function: Function,
        data: protos.TypedData,
        metadata: Mapping[str, protos.TypedData],
        reason: str,
        retry: protos.RetryContext | None = None,
    ) -> Outcome:
        """Run one function to its end; a failure is an outcome, never an exception."""
        request = protos.InvocationRequest(
            invocation_id=str(uuid.uuid4()),
            function_id=function.function_id,
            input_data=[protos.ParameterBinding(function.trigger.parameter, data)],
            trigger_metadata=dict(metadata),
            trace_context=self._trace_context(),
            retry_context=retry or protos.RetryContext(),
        )
        with running_invocation(request.invocation_id, function.name), self._counted():
            logger.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, request.invocation_id)
            started = time.monotonic()
            outcome = self._invoke(request, function.name)
            took_ms = (time.monotonic() - started) * 1000
            if outcome.succeeded:
                logger.info("Executed 'Functions.%s' (Succeeded, Duration=%.0fms)", function.name, took_ms)
            else:
                logger.error(
                    "Executed 'Functions.%s' (Failed, Duration=%.0fms): %s", function.name, took_ms, outcome.error
                )
        return outcome

    def stop(self) -> None:
        """Let the process end by itself; whoever waits for an invocation must have got it before."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.stop()

    def abandon(self) -> None:
        """End the process on the spot; calls that it runs never return, so what they were for comes back later."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.end(tell_calls=False)

    def _invoke(self, request: protos.InvocationRequest, name: str) -> Outcome:
        try:
            process = self._current()
        except WorkerError as error:
            return Outcome(succeeded=False, error=f"the worker could not be started again: {error}")
        limit = self.function_timeout_seconds  # as it is when the call begins
        call = process.send(request, name)
        if not call.done.wait(limit):
            first = process.end(tell_calls=False)
            return Outcome(
                succeeded=False,
                error=f"functionTimeout of {limit:g} s exceeded"
                + ("; the worker ends, and what else it runs" if first else ", for the worker had been ended"),
            )
        return call.outcome

    def _current(self) -> "_Process":
        with self._lock:
            if self._process is None or (self._process.has_ended and not self._closed):
                self._process = _Process(self._module, self._app_dir, self._environ, verbose=self._verbose)
                self._process.start()
            return self._process

    def _trace_context(self) -> protos.RpcTraceContext:
        if not any(self._environ.get(name) for name in TELEMETRY_SETTINGS):
            return protos.RpcTraceContext()
        return protos.RpcTraceContext(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1


@dataclass
class _Call:
    """An invocation in the process: `outcome` is there when it is `done`."""

    done: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome = field(default_factory=lambda: Outcome(succeeded=False))

    def finish(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.done.set()


class _Process:
    """One process and the calls that it has in hand."""

    def __init__(self, module: str, app_dir: Path, environ: Mapping[str, str], *, verbose: bool) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._popen = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", module, str(theirs.fileno()), str(app_dir), *(["--verbose"] if verbose else [])],
                env={**environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), environ.get("PYTHONPATH")]))},
                cwd=app_dir,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # a Ctrl-C at the terminal is for the host, which lets calls finish
            )
        self._connection = Connection(ours.detach())
        self._app_dir = app_dir
        self._sending = threading.Lock()
        self._changing = threading.Lock()
        self._calls: dict[str, _Call] = {}
        self._tell_calls = True
        self.has_ended = False
        self.functions: list[protos.RpcFunctionMetadata] = []

    def start(self) -> None:
        """Wait until the app is loaded; raises WorkerError."""
        try:
            loaded = self._connection.recv()
        except (EOFError, OSError):
            self.has_ended = True
            raise WorkerError(f"the worker ended with code {self._popen.wait()} before it had loaded the app") from None
        if isinstance(loaded, protos.RpcException) or not loaded:
            self.end()
            self._popen.wait()
            self.has_ended = True
            if loaded:
                raise WorkerError(loaded.message, loaded.stack_trace)
            raise WorkerError(f"{self._app_dir / 'function_app.py'} is missing or defines no function")
        self.functions = loaded
        threading.Thread(target=self._receive, name="worker answers", daemon=True).start()

    def send(self, request: protos.InvocationRequest, name: str) -> _Call:
        call = _Call()
        with self._changing:
            self._calls[request.invocation_id] = call
        try:
            with self._sending:
                self._connection.send((request, name))
        except OSError:
            if self._tell_calls:
                call.finish(Outcome(succeeded=False, error="the worker has just ended"))
        return call

    def stop(self) -> None:
        with contextlib.suppress(OSError), self._sending:
            self._connection.send(None)
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
            self._popen.wait()

    def end(self, *, tell_calls: bool = True) -> bool:
        """Kill the process; False when that was done before. Without `tell_calls` its other calls are left waiting."""
        with self._changing:
            if not self._tell_calls:
                return False
            self._tell_calls = tell_calls
            self.has_ended = True
            self._popen.kill()
            return True

    def _receive(self) -> None:
        try:
            while True:
                response: protos.InvocationResponse = self._connection.recv()
                with self._changing:
                    call = self._calls.pop(response.invocation_id)
                call.finish(_outcome(response))
        except (EOFError, OSError):
            code = self._popen.wait()
        with self._changing:
            self.has_ended = True
            calls = list(self._calls.values()) if self._tell_calls else []
        for call in calls:
            call.finish(Outcome(succeeded=False, error=f"the worker process ended with code {code}"))


def _outcome(response: protos.InvocationResponse) -> Outcome:
    if response.result.status == protos.StatusResult.Success:
        return Outcome(succeeded=True, return_value=response.return_value)
    error = response.result.exception
    text = f"{error.message}\n{error.stack_trace}".rstrip() if error else "the runtime gave no reason"
    return Outcome(succeeded=False, error=text)
