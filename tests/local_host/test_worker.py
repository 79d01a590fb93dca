"""Functions run in a process of their own, which ends as that of the host does, and takes with it what it runs."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from local_host.runtime.bindings import Function, parse_function
from local_host.runtime.protos import TypedData
from local_host.runtime.worker import Outcome, Worker
from tests.local_host.apps import App

CODE = """
@app.queue_trigger(arg_name="message", queue_name="work", connection="X")
def work(message: func.QueueMessage, context: func.Context) -> None:
    kind, _, seconds = message.get_body().decode().partition(" ")
    retry, trace = context.retry_context, context.trace_context
    note(kind=kind, pid=os.getpid(), trace=trace.trace_parent, retries=[retry.retry_count, retry.max_retry_count])
    if kind == "die":
        os._exit(7)
    if kind in ("first", "second"):
        while not os.path.exists(os.environ["GATE"]):
            time.sleep(0.02)
    time.sleep(float(seconds or 0))
    note(kind=f"{kind} done")
"""
TIMEOUT_SECONDS = 30.0


class Running:
    """A worker, and calls of its only function."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.app = App(folder, CODE, {})
        self.gate = folder / "gate"  # `first` and `second` wait until this file is there
        self.environ = {"NOTES": str(self.app.notes_file), "GATE": str(self.gate), **environ}
        self.worker = Worker(self.app.folder, self.environ, TIMEOUT_SECONDS)
        (metadata,) = self.worker.start()
        self.function: Function = parse_function(metadata, {})
        self.threads = ThreadPoolExecutor(4)

    def call(self, text: str) -> Future[Outcome]:
        future = self.threads.submit(self.worker.invoke, self.function, TypedData(string=text), {}, "a test")
        self.app.wait_for_notes(text.partition(" ")[0], 1)
        return future


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path / "app")
    yield started
    started.worker.abandon()
    started.threads.shutdown(wait=False)


def test_a_call_past_its_time_ends_the_worker_and_its_neighbors_run_into_their_own_time(running: Running) -> None:
    running.worker.function_timeout_seconds = 2.0
    endless = running.call("endless 60")
    running.worker.function_timeout_seconds = 4.0
    neighbor = running.call("neighbor 2.5")
    assert "functionTimeout of 2 s exceeded; the worker ends" in endless.result(20).error
    assert not neighbor.done()
    assert "functionTimeout of 4 s exceeded, for the worker had been ended" in neighbor.result(20).error
    assert running.app.notes("neighbor done") == []
    running.worker.function_timeout_seconds = TIMEOUT_SECONDS
    assert running.call("next").result(20).succeeded
    assert running.app.notes("next")[0]["pid"] != running.app.notes("endless")[0]["pid"]


def test_when_the_worker_dies_its_calls_fail_at_once_and_the_next_gets_a_new_one(running: Running) -> None:
    neighbor = running.call("neighbor 20")
    dying = running.call("die")
    for call in (dying, neighbor):
        outcome = call.result(10)
        assert (outcome.succeeded, outcome.error) == (False, "the worker process ended with code 7")
    assert running.worker.running == 0
    assert running.call("next").result(20).succeeded


def test_calls_of_a_worker_that_is_abandoned_never_return(running: Running) -> None:
    call = running.call("slow 20")
    running.worker.abandon()
    time.sleep(0.3)
    assert not call.done()
    assert running.worker.running == 1


def test_a_worker_that_is_stopped_ends_by_itself(running: Running) -> None:
    assert running.call("short").result(20).succeeded
    process = running.worker._process
    running.worker.stop()
    assert process is not None
    assert process._popen.returncode == 0  # one that had to be ended has the number of the signal


def test_trace_and_retry_contexts_are_empty_unless_there_is_something_to_say(tmp_path: Path, running: Running) -> None:
    running.call("plain").result(20)
    (noted,) = running.app.notes("plain")
    assert (noted["trace"], noted["retries"]) == ("", [0, 0])
    traced = Running(tmp_path / "traced", APPLICATIONINSIGHTS_CONNECTION_STRING="InstrumentationKey=0")
    try:
        traced.call("traced").result(20)
    finally:
        traced.worker.stop()
    assert traced.app.notes("traced")[0]["trace"].startswith("00-")


def test_calls_run_side_by_side(running: Running) -> None:
    together = [running.call(name) for name in ("first", "second")]  # each returns once its function has begun
    assert running.app.notes("first done") == []
    running.gate.touch()
    assert all(call.result(20).succeeded for call in together)
