"""Indexes and runs the functions of one app in this process, through Microsoft's azure-functions-runtime."""

import asyncio
import logging
import os
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Coroutine, Mapping
from concurrent.futures import TimeoutError as NotInTimeError
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import azure_functions_runtime as runtime  # type: ignore[import-untyped]

from local_host.log import running_invocation
from local_host.runtime import protos
from local_host.runtime.bindings import Function

logger = logging.getLogger("local_host.functions")


class WorkerError(Exception):
    """The app could not be loaded; the text is the runtime's own, with the app's stack trace."""


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
    """Holds the event loop that the runtime lives in. The runtime keeps its state in globals: one app a process."""

    def __init__(self, app_dir: Path, function_timeout_seconds: float | None = None) -> None:
        self._app_dir = app_dir
        self._timeout_seconds = function_timeout_seconds
        self.has_abandoned_threads = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="worker", daemon=True)

    def start(self) -> list[protos.RpcFunctionMetadata]:
        """Import function_app.py and return what it defines."""
        sys.path.insert(0, str(self._app_dir))
        os.chdir(self._app_dir)
        self._thread.start()
        request = protos.WorkerInitRequest(capabilities={}, function_app_directory=str(self._app_dir))
        envelope = protos.Envelope(
            protos.StreamingMessage(worker_init_request=request), {"host": "127.0.0.1", "protos": protos}
        )
        self._check(self._run(runtime.worker_init_request(envelope)).result)
        runtime.start_threadpool_executor()
        response = self._run(runtime.functions_metadata_request(None))
        self._check(response.result)
        functions: list[protos.RpcFunctionMetadata] | None = response.function_metadata_results
        if not functions:
            raise WorkerError(f"{self._app_dir / 'function_app.py'} is missing or defines no function")
        return functions

    def invoke(
        self,
        function: Function,
        data: protos.TypedData,
        metadata: Mapping[str, protos.TypedData],
        reason: str,
        retry: protos.RetryContext | None = None,
    ) -> Outcome:
        """Run one function to its end; a failure is an outcome, never an exception."""
        invocation_id = str(uuid.uuid4())
        request = protos.InvocationRequest(
            invocation_id=invocation_id,
            function_id=function.function_id,
            input_data=[protos.ParameterBinding(function.trigger.parameter, data)],
            trigger_metadata=dict(metadata),
            trace_context=protos.RpcTraceContext(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"),
            retry_context=retry or protos.RetryContext(),
        )
        with running_invocation(invocation_id, function.name):
            logger.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation_id)
            started = time.monotonic()
            outcome = self._invoke(request)
            took_ms = (time.monotonic() - started) * 1000
            if outcome.succeeded:
                logger.info("Executed 'Functions.%s' (Succeeded, Duration=%.0fms)", function.name, took_ms)
            else:
                logger.error(
                    "Executed 'Functions.%s' (Failed, Duration=%.0fms): %s", function.name, took_ms, outcome.error
                )
        return outcome

    def stop(self) -> None:
        """End the event loop; whoever waits for an invocation must have got it before."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _invoke(self, request: protos.InvocationRequest) -> Outcome:
        envelope = protos.Envelope(protos.StreamingMessage(invocation_request=request))
        future = asyncio.run_coroutine_threadsafe(runtime.invocation_request(envelope), self._loop)
        try:
            response: protos.InvocationResponse = future.result(self._timeout_seconds)
        except NotInTimeError:
            # A running thread cannot be ended from outside: it goes on, but its result counts for nothing.
            future.cancel()
            self.has_abandoned_threads = True
            return Outcome(succeeded=False, error=f"functionTimeout of {self._timeout_seconds:g} s exceeded")
        if response.result.status == protos.StatusResult.Success:
            return Outcome(succeeded=True, return_value=response.return_value)
        return Outcome(succeeded=False, error=_error_text(response.result))

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    @staticmethod
    def _check(result: protos.StatusResult) -> None:
        if result.status != protos.StatusResult.Success:
            raise WorkerError(_error_text(result))


def _error_text(result: protos.StatusResult) -> str:
    if result.exception is None:
        return "the runtime gave no reason"
    return f"{result.exception.message}\n{result.exception.stack_trace}".rstrip()
