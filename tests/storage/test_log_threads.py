"""Every line is written by a thread that the worker started: the host never gets those of threads of our own.

The Python worker finds the invocation that a line belongs to by its own threads (azure-functions-python-worker 1860).
"""

import ast
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dedup_app.configuration.settings import Settings
from dedup_app.services import Services
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_storage.account.clients import StorageClients
from dedup_storage.connect import connect
from dedup_storage.logs import reading as log_reading
from dedup_storage.logs import snapshot_keeper
from dedup_storage.logs.fingerprint_records import RECORD_BYTES
from dedup_storage.logs.segments import AzureSegments
from dedup_storage.logs.snapshot_blobs import AzureSnapshots
from tests.azurite import Account
from tests.core.drawings import drawn
from tests.core.pictures import encoded

ROOT = Path(__file__).parent.parent.parent
WORKER = "of the worker"


class Lines(logging.Handler):
    """The lines of the app, with the names of their threads."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("dedup_"):
            self.lines.append((threading.current_thread().name, record.getMessage()))


@pytest.fixture
def written() -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def use_everything(services: Services, clients: StorageClients) -> None:
    container = clients.blobs.create_container("images")
    for number in range(4):
        for suffix in ("PNG", "JPEG"):
            container.upload_blob(f"{number}.{suffix}", encoded(drawn(number), suffix))
            services.ingest.handle_blob("images", f"{number}.{suffix}")
    container.upload_blob("letter.jpg", b"Dear Sir or Madam")
    services.ingest.handle_blob("images", "letter.jpg")
    pair = VerifyMessage(ImagePath("images", "0.PNG"), (VerifyTarget(ImagePath("images", "1.PNG")),))
    services.verify.handle_message(pair.to_json(), "1")
    services.verify.handle_message("nonsense", "2")
    container.delete_blob("0.PNG")
    services.ingest.ingest(ImagePath("images", "0.PNG"))
    AzureSegments(clients.blobs, services.settings.index_container).append(1, bytes(3 * RECORD_BYTES))
    container.upload_blob("new.png", encoded(drawn(9)))
    services.ingest.handle_blob("images", "new.png")
    services.backlog.enqueue_all()
    services.reindex.reindex()
    services.reporting.report()
    services.index.tend(datetime.now(UTC))
    known = services.index.refresh()
    assert known
    assert connect(services.settings).index.refresh() == known  # from the snapshot


def test_threads_of_our_own_write_no_lines(
    account: Account, clients: StorageClients, written: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reading, "READ_BYTES", RECORD_BYTES)  # so that parts of the log are read ahead
    monkeypatch.setattr(snapshot_keeper, "LEAST_UNSAVED", RECORD_BYTES)  # so that a snapshot is due
    services = connect(Settings.from_environment({"ImageStorage": account.connection_string, "NOTIFY_QUEUE": "told"}))
    failed: list[BaseException] = []

    def run() -> None:
        try:
            use_everything(services, clients)
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    worker = threading.Thread(target=run, name=WORKER)
    worker.start()
    worker.join()
    assert failed == []
    assert len(written.lines) > 10
    told = clients.queues.get_queue_client("told").get_queue_properties()
    assert told.approximate_message_count
    assert AzureSnapshots(clients.blobs, services.settings.index_container).stored()
    assert any("damaged" in line for _, line in written.lines)
    assert [line for thread, line in written.lines if thread != WORKER] == []


def test_the_modules_that_start_threads_are_those_that_were_tried() -> None:
    """A new one belongs into `use_everything`."""
    starts = {"Threads", "ThreadPoolExecutor", "Thread", "Timer", "ProcessPoolExecutor", "to_thread", "run_in_executor"}
    found, plain = set(), set()
    for package in ("dedup_app", "dedup_core", "dedup_storage"):
        for file in (ROOT / package).rglob("*.py"):
            calls = {it.func for it in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(it, ast.Call)}
            names = {it.id if isinstance(it, ast.Name) else getattr(it, "attr", "") for it in calls}
            if names & starts:
                found.add(file.relative_to(ROOT).as_posix())
            if names & starts - {"Threads"}:
                plain.add(file.relative_to(ROOT).as_posix())
    of_the_command = {"dedup_app/scan/folder_scan.py", "dedup_app/cleanup/outcome.py", "dedup_app/measure/service.py"}
    within_a_limit = {"dedup_app/operations/rejudge.py", "dedup_app/feedback/decision_transfer.py"}  # of commands
    reads_tables_by_what_was_tried = {"dedup_app/queries/review.py", "dedup_app/queries/activity.py"}
    tried = {
        *("dedup_storage/tables/entity_table.py", "dedup_storage/messaging/queues.py"),
        *("dedup_storage/messaging/event_senders.py", "dedup_storage/logs/reading.py"),
        "dedup_storage/logs/index_snapshots.py",
    }
    assert found == tried | of_the_command | within_a_limit | reads_tables_by_what_was_tried
    assert plain == of_the_command  # those of functions work within the function's time limit
