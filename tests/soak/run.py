"""Hosts that are killed, storage that fails, people who change blobs meanwhile; then quiet, and a look at it all."""

import random
import sys
import tempfile
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from dedup_core.loading.stats import LoaderStats
from local_host.process import HostProcess, HostProcessError
from tests.azurite import Account
from tests.e2e.app import CONTAINER, POLL_OFTEN, ROOT, App, app_on, post_blob_created, post_blob_deleted
from tests.soak.check import STATISTICS, Check, Findings
from tests.soak.counted import ProcessWitness
from tests.soak.faults import Faults, FaultyStorage, faulty_storage
from tests.soak.plan import Change, Deed, Plan
from tests.soak.truth import Truth
from tests.soak.witness import FOLDER

LEASE_SECONDS = 5  # as long as the messages in a dead host's hands stay hidden
BUSY_SECONDS = 14  # longer than all tries of the SDK
MOST_WAITING = 120  # messages; so that changes meet images in work
READERS = 32  # threads of a host that may be reading when it is killed
QUIET_LOOKS = 4
LOOK_SECONDS = 1.0
TRIED_AGAIN = {  # a minute's pause, as in Azure, would only make it long
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:02",
}
POSTED = 0.4  # share of the events that come to a host by HTTP, the others by queue
SETTINGS = {
    "BLOB_TRIGGER_SOURCE": "EventGrid",
    "STATS_SCHEDULE": "0 0 0 1 1 *",  # what the timer's ledger would mend is to be seen here
}


@dataclass(frozen=True)
class Options:
    """How much happens. `faults` is the share of storage calls that go wrong, `spells` counts busy ones of a host."""

    seed: int = 1
    uploads: int = 2_000
    overwrites: int = 200
    deletions: int = 100
    again: int = 150
    hosts: int = 3
    kills: int = 10
    faults: float = 0.15
    spells: int = 6
    limit_seconds: float = 7200.0  # an idle machine needs an eighth of it


@dataclass
class Report:
    """What happened and what is wrong."""

    findings: Findings
    happened: dict[str, float]
    faults: dict[str, int]
    statistics: LoaderStats


@dataclass
class Hosts:
    """The hosts, each before its own failing storage. One that is killed starts again after a while."""

    app: App
    faults: Faults
    count: int
    notes: Path
    """Where their witnesses write."""
    processes: list[HostProcess] = field(default_factory=list)
    storages: list[FaultyStorage] = field(default_factory=list)
    starting: dict[int, Future[None]] = field(default_factory=dict)
    kills: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        with ExitStack() as stack:
            threads = stack.enter_context(ThreadPoolExecutor(self.count))
            self._threads = threads
            for number in range(self.count):
                storage = stack.enter_context(
                    faulty_storage(self.app.account.connection_string, CONTAINER, self.faults)
                )
                environment = {
                    **self.app.environment,
                    **POLL_OFTEN,
                    **TRIED_AGAIN,
                    "ImageStorage": storage.connection_string,
                    "AzureFunctionsWebHost__hostid": "soak",
                    FOLDER: str(self.notes),
                }
                arguments = ["--worker-module", "tests.soak.witness"]
                process = HostProcess(ROOT, environment, lease_seconds=LEASE_SECONDS, arguments=arguments)
                stack.callback(process.__exit__, None, None, None)
                self.storages.append(storage)
                self.processes.append(process)
                self._start(number, 0.0)
            for started in list(self.starting.values()):
                started.result()
            yield
            for started in list(self.starting.values()):
                started.result()

    def kill(self, number: int, pause_seconds: float) -> None:
        if self.is_up(number):
            self.processes[number].kill()
            self.kills += 1
            self._start(number, pause_seconds)

    def is_up(self, number: int) -> bool:
        return self.starting[number].done()

    def must_live(self) -> None:
        """Raises `HostProcessError` if one ended that nobody has killed."""
        for number, process in enumerate(self.processes):
            if self.is_up(number) and process.has_ended:
                raise HostProcessError(f"host {number} ended by itself:\n{process.log_text()[-4000:]}")

    def stop(self) -> None:
        for started in self.starting.values():
            started.result()
        for process in self.processes:
            process.stop()

    def _start(self, number: int, pause_seconds: float) -> None:
        def start() -> None:
            time.sleep(pause_seconds)
            while True:
                with suppress(HostProcessError):
                    self.processes[number].start()
                    return

        self.starting[number] = self._threads.submit(start)


@dataclass
class Soak:
    """One run of it on an account of its own."""

    options: Options
    app: App
    notes: Path

    def __post_init__(self) -> None:
        options = self.options
        self.dice = random.Random(options.seed)
        self.faults = Faults(options.faults, options.seed)
        counts = (options.uploads, options.overwrites, options.deletions, options.again)
        self.plan = Plan(options.seed, dict(zip(Deed, counts, strict=True)))
        self.hosts = Hosts(self.app, self.faults, options.hosts, self.notes)
        self.started = time.monotonic()
        self.queues = QueueServiceClient.from_connection_string(self.app.account.connection_string)

    def run(self) -> Report:
        with self.hosts.running():
            self._change_all()
            self._tell("all changes are made")
            self._wait_until_quiet()
            self.faults.share = 0.0
            # The timer does so when they are an hour old; with so many faults ten tries are not always enough.
            poison = self.app.services.poison
            redriven = sum(map(poison.redrive, poison.queues))
            self._wait_until_quiet()
            self._tell("quiet")
            self.hosts.stop()
        seconds = time.monotonic() - self.started
        self._tell("checking")
        with BlobServiceClient.from_connection_string(self.app.account.connection_string) as service:
            found = service.get_container_client(CONTAINER).list_blobs()
            etags = {str(blob.name): str(blob.etag).strip('"') for blob in found}
        assert etags.keys() == self.plan.blobs.keys()
        truth = Truth.of(self.plan.blobs)
        processes = ProcessWitness.all_in(self.notes)
        findings = Check(self.app.services, truth, etags, processes).run()
        statistics = self.app.services.reporting.report().totals
        reads = sum(process.reads() for process in processes)
        # Of the others, those who had asked did not hear it any more.
        cut_off = self.faults.images_read - reads
        is_told = -self.faults.empty_cut <= cut_off <= self.hosts.kills * READERS
        findings.must(is_told, STATISTICS, f"{self.faults.images_read} images went out, {reads} came")
        happened = {
            "blobs": len(etags),
            "expected pairs": len(truth.found_by_both),
            "requests": self.faults.requests,
            "kills": self.hosts.kills,
            "images read": reads,
            "images sent to who was killed meanwhile": cut_off,
            "messages that failed on ten tries": redriven,
            "seconds": round(seconds),
        }
        return Report(findings, happened, dict(self.faults.thrown), statistics)

    def _change_all(self) -> None:
        options = self.options
        total = sum(self.plan.left.values())
        kills = {round(total * (number + 0.5) / options.kills) for number in range(options.kills)}
        spells = {round(total * (number + 0.8) / options.spells) for number in range(options.spells)}
        late: list[tuple[int, Change]] = []
        for number, change in enumerate(self.plan.changes()):
            self._apply(change)
            if change.late:
                late.append((number + change.late, change))
            else:
                self._announce(change)
            for due in [it for it in late if it[0] <= number]:
                late.remove(due)
                self._announce(due[1])
            if number in kills:
                self._tell(f"{number} of {total} changes: SIGKILL")
                self.hosts.kill(self.dice.randrange(options.hosts), self.dice.uniform(0.2, 3.0))
            if number in spells:
                self.hosts.storages[self.dice.randrange(options.hosts)].be_busy(BUSY_SECONDS)
            if number % 10 == 0:
                self._wait(MOST_WAITING)
        for _, change in late:
            self._announce(change)

    def _apply(self, change: Change) -> None:
        if change.data is None:
            self.app.delete(change.name)
        else:
            self.app.upload({change.name: change.data})

    def _announce(self, change: Change) -> None:
        """As Event Grid does: again and again until somebody has taken it, now and then twice."""
        for _ in range(2 if change.twice else 1):
            while not (self.dice.random() < POSTED and self._post(change)):
                if self.dice.random() < 1 - POSTED:
                    self.app.put_event("BlobDeleted" if change.data is None else "BlobCreated", change.name)
                    break

    def _post(self, change: Change) -> bool:
        number = self.dice.randrange(self.options.hosts)
        post = post_blob_deleted if change.data is None else post_blob_created
        try:
            post(self.hosts.processes[number], self.app.account, change.name)
        except (OSError, urllib.error.URLError, HostProcessError, AssertionError):
            return False
        return True

    def _wait(self, most: int) -> None:
        while self._waiting() > most:
            self.hosts.must_live()
            if time.monotonic() - self.started > self.options.limit_seconds:
                raise TimeoutError(f"not done in {self.options.limit_seconds:g} s; {self.app.told()}")
            time.sleep(LOOK_SECONDS)

    def _wait_until_quiet(self) -> None:
        """Until no message waits or is in work, and no write is on its way, for a while."""
        quiet = 0
        while quiet < QUIET_LOOKS:
            self._wait(0)
            quiet = quiet + 1 if self._waiting() == 0 and self.faults.late == 0 else 0
            time.sleep(LOOK_SECONDS / 2)

    def _waiting(self) -> int:
        names = [queue.name for queue in self.queues.list_queues() if not queue.name.endswith("-poison")]
        counts = (self.queues.get_queue_client(it).get_queue_properties().approximate_message_count for it in names)
        return sum(count or 0 for count in counts)

    def _tell(self, what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - self.started:6.0f} s  {what}\n")


def soak(account: Account, options: Options) -> Report:
    """Run it on an empty account."""
    with app_on(account, **SETTINGS) as app, tempfile.TemporaryDirectory(prefix="soak-") as notes:
        return Soak(options, app, Path(notes)).run()
