"""The local host with a clock on every stage of the app: processor seconds of each, written when it stops.

    python -m benchmarks.clocked_host start …          # the arguments of local_host; started by benchmarks.pipeline

The host starts this module again for its worker process, which runs the functions, and adds what that one has measured.

Each stage is a function that is replaced by one that reads the processor clock of its thread before and after
(`time.thread_time`, so waiting and other threads do not count). A stage inside another one counts only for itself. What
no stage claims is the rest: host, worker library, logging and the interpreter.
"""

import functools
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

# As function_app.py does, which here comes too late: the clocks load NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

CLOCK_FILE = "CLOCK_FILE"
REST = "host, worker library and interpreter, the rest"
HOST_CALLS = "host: storage calls"

APP_STAGES = {
    "decode": ("dedup_core.extraction:decode", "dedup_decoders.in_process:decode"),
    "features": ("dedup_decoders.in_process:extract_features",),
    "decoders, the side of the app": tuple(
        f"dedup_decoders.pool:DecoderPool.{it}" for it in ("extract_features", "decode")
    ),
    "comparison": ("dedup_core.comparison.measure:measure_images",),
    "search": (
        "dedup_core.search.fingerprint_index:FingerprintIndex.search",
        "dedup_storage.logs.fingerprint_records:Records.apply_to",
    ),
    "app: storage calls": (
        "dedup_storage.images.blobs:AzureImages.read",
        "dedup_storage.logs.segments:AzureSegments.append",
        "dedup_storage.logs.segments:AzureSegments.read",
        "dedup_storage.logs.segments:AzureSegments.last",
        *(
            f"dedup_storage.tables.entity_table:EntityTable.{it}"
            for it in ("get", "get_with_tag", "get_many", "upsert", "create", "update")
        ),
        "dedup_storage.messaging.queues:AzureVerifyQueue.send",
        "dedup_storage.messaging.queues:AzureIngestQueue.send",
    ),
    "app, the rest": (
        "dedup_app.pipeline.ingest:IngestService.handle_blob",
        "dedup_app.pipeline.ingest:IngestService.handle_message",
        "dedup_app.pipeline.verify:VerifyService.handle_message",
    ),
}


class StageClock(threading.local):
    """Processor seconds by stage, of one thread; `totals` are those of all threads."""

    totals: ClassVar[Counter[str]] = Counter()
    calls: ClassVar[Counter[str]] = Counter()
    lock: ClassVar = threading.Lock()

    def __init__(self) -> None:
        self.inner: list[float] = []  # for each open stage, the seconds of the stages inside of it

    def wrap(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def clocked(*arguments: Any, **options: Any) -> Any:
            self.inner.append(0.0)
            started = time.thread_time()
            try:
                return function(*arguments, **options)
            finally:
                seconds = time.thread_time() - started
                own = seconds - self.inner.pop()
                if self.inner:
                    self.inner[-1] += seconds
                with self.lock:
                    self.totals[stage] += own
                    self.calls[stage] += 1

        return clocked


clock = StageClock()


def main() -> int:
    return run_host() if sys.argv[1] == "start" else run_worker()


def run_host() -> int:
    from local_host.__main__ import main as start  # noqa: PLC0415 - after the environment is known

    replace(HOST_CALLS, "azure.core.pipeline:Pipeline.run")
    exit_code = start([*sys.argv[1:], "--worker-module", "benchmarks.clocked_host"])
    worker = json.loads(worker_file().read_text())
    seconds = Counter(worker["cpu_seconds"]) + StageClock.totals
    times = os.times()
    everything = times.user + times.system + times.children_user + times.children_system  # the worker has ended
    seconds[REST] = everything - sum(seconds.values())
    write(Path(os.environ[CLOCK_FILE]), seconds, Counter(worker["calls"]) + StageClock.calls)
    return exit_code


def run_worker() -> int:
    from local_host.runtime.child import main as start  # noqa: PLC0415

    for stage, targets in APP_STAGES.items():
        for target in targets:
            with suppress(ImportError, AttributeError):  # the app may be that of another commit
                replace(stage, target)
    exit_code = start(sys.argv[1:])
    write(worker_file(), StageClock.totals, StageClock.calls)
    return exit_code


def worker_file() -> Path:
    return Path(os.environ[CLOCK_FILE]).with_suffix(".worker.json")


def write(path: Path, seconds: Counter[str], calls: Counter[str]) -> None:
    path.write_text(json.dumps({"cpu_seconds": seconds, "calls": calls}))


def replace(stage: str, target: str) -> None:
    """Put a clocked function in the place of the one that `module:name` or `module:Class.name` names."""
    module_name, _, name = target.partition(":")
    owner: Any = __import__(module_name, fromlist=["_"])
    *classes, name = name.split(".")
    for part in classes:
        owner = getattr(owner, part)
    setattr(owner, name, clock.wrap(stage, getattr(owner, name)))


if __name__ == "__main__":
    sys.exit(main())
