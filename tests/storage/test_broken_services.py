"""Storage that hangs, drips or answers nonsense: every call ends in time with a temporary error or with the truth."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from dedup_app.configuration.settings import Settings
from dedup_app.configuration.storage_connection import StorageConnection
from dedup_app.ports.image_status import INDEXED, PROCESSING
from dedup_app.ports.images import Images
from dedup_app.time_limit import FUNCTION_SECONDS, time_limit
from dedup_core.errors import StoreBusy
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from dedup_storage import connect
from dedup_storage.account import azure_errors, clients, transport
from dedup_storage.account.clients import StorageClients, open_clients
from dedup_storage.images.blobs import AzureImages
from dedup_storage.logs.reading import READ_BYTES
from dedup_storage.logs.segments import NOWHERE, AzureSegments
from dedup_storage.messaging.queues import AzureIngestQueue, AzureQueues
from dedup_storage.tables.entity_table import EntityTable
from tests.azurite import Account
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.storage.broken_service import BrokenService, broken_service, seconds_of

ROOT = Path(__file__).parent.parent.parent
PICTURE = bytes(range(200))
PATH = ImagePath("images", "a.jpg")
ROW = {"PartitionKey": "p", "RowKey": "r", "text": "value"}


@dataclass
class Broken:
    """The app's adapters on an account, each service behind a proxy that can be broken."""

    proxies: dict[str, BrokenService]
    clients: StorageClients
    connection_string: str

    @property
    def images(self) -> AzureImages:
        return AzureImages(self.clients.blobs, max_bytes=100_000)

    @property
    def segments(self) -> AzureSegments:
        return AzureSegments(self.clients.blobs, "index")

    @property
    def table(self) -> EntityTable:
        return EntityTable(self.clients.tables, "rows")

    def set(self, **ways: object) -> None:
        for proxy in self.proxies.values():
            for name, value in ways.items():
                setattr(proxy, name, value)


@pytest.fixture
def broken(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broken]:
    monkeypatch.setattr(clients, "RETRIES", 0)
    monkeypatch.setitem(clients.BACKOFF, "retry_total", 0)
    monkeypatch.setattr("azure.storage.blob._download.time.sleep", lambda _: None)
    endpoints = {"Blob": account.blob_endpoint, "Queue": account.queue_endpoint, "Table": account.table_endpoint}
    with ExitStack() as stack:
        proxies = {name: stack.enter_context(broken_service(endpoint)) for name, endpoint in endpoints.items()}
        text = account.connection_string
        for name, endpoint in endpoints.items():
            text = text.replace(f"{name}Endpoint={endpoint}", f"{name}Endpoint={proxies[name].address}")
        opened = open_clients(StorageConnection(text), largest_read=READ_BYTES)
        stack.callback(opened.close)
        opened.blobs.create_container("images").upload_blob("a.jpg", PICTURE)
        broken = Broken(proxies, opened, text)
        broken.segments.append(1, PICTURE)
        broken.table.upsert(ROW, keep_other_columns=False)
        AzureIngestQueue(opened.queues, "ingest").send(IngestMessage(PATH))
        yield broken


type Call = Callable[[Broken], object]
CALLS: dict[str, Call] = {
    "read an image": lambda it: it.images.read(PATH).data,  # type: ignore[union-attr]
    "look at an image": lambda it: it.images.etag(PATH),
    "list images": lambda it: list(it.images.names("images")),
    "read the log": lambda it: it.segments.read(1, 0, READ_BYTES).data[: len(PICTURE)],
    "look for the end of the log": lambda it: it.segments.last(),
    "append to the log": lambda it: it.segments.append(1, PICTURE),
    "read a row": lambda it: it.table.get_with_tag("p", "r"),
    "list rows": lambda it: [row["text"] for row in it.table.query()],
    "write a row": lambda it: bool(it.table.upsert(ROW, keep_other_columns=True)),
    "send a message": lambda it: AzureIngestQueue(it.clients.queues, "ingest").send(IngestMessage(PATH)),
    "count messages": lambda it: AzureQueues(it.clients.queues, ["ingest"]).lengths()["ingest"].waiting > 0,
}

# An append whose place is not told has the tail read after it, as if somebody else had written too.
AS_GOOD_AS_THE_TRUTH: dict[str, object] = {"append to the log": NOWHERE}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_service_that_takes_the_connection_and_never_answers_is_busy_in_time(
    broken: Broken, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_errors, "CALL_SECONDS", 0.3)
    broken.set(hangs=lambda _: True)
    with pytest.raises(StoreBusy):
        call(broken)
    assert seconds_of(lambda: call(broken)) < 5


@pytest.mark.parametrize("name", ["read an image", "read the log", "list rows", "send a message"])
def test_a_service_that_sends_byte_after_byte_is_busy_in_time(
    broken: Broken, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No single wait is long: only the limit of the whole call ends it."""
    monkeypatch.setattr(azure_errors, "CALL_SECONDS", 0.5)
    broken.set(drip_seconds=0.02)
    with pytest.raises(StoreBusy):
        CALLS[name](broken)
    assert seconds_of(lambda: CALLS[name](broken)) < 5


def test_tries_again_end_with_the_call(broken: Broken, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "RETRIES", 50)
    monkeypatch.setitem(clients.BACKOFF, "retry_total", 50)
    monkeypatch.setattr(azure_errors, "CALL_SECONDS", 1)
    monkeypatch.setattr(transport, "READ_SECONDS", 0.2)
    broken.set(hangs=lambda _: True)
    persistent = open_clients(StorageConnection(broken.connection_string), largest_read=READ_BYTES)
    assert seconds_of(lambda: AzureImages(persistent.blobs, max_bytes=100_000).read(PATH)) < 6
    persistent.close()


@pytest.mark.parametrize("name", ["read an image", "append to the log", "read a row", "list rows", "send a message"])
def test_a_pause_that_a_busy_service_asks_for_is_made_only_where_there_is_time_for_it(
    broken: Broken, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK of tables would wait as long as it is told, past the end of the function."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(clients, "RETRIES", 2)
    monkeypatch.setattr(azure_errors, "CALL_SECONDS", 3)
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: %d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    patient = open_clients(StorageConnection(broken.connection_string), largest_read=READ_BYTES)
    behind = Broken(broken.proxies, patient, broken.connection_string)
    broken.set(spoil=lambda _: busy % 30)
    with pytest.raises(StoreBusy):
        CALLS[name](behind)
    assert max(slept, default=0) <= 3
    answers = iter([busy % 1])
    broken.set(spoil=lambda truth: next(answers, truth))
    if name in {"read a row", "list rows"}:
        assert CALLS[name](behind) == CALLS[name](broken)
        assert slept[-1] == 1
    patient.close()


def test_once_the_time_of_a_function_is_over_it_calls_no_more(broken: Broken, account: Account) -> None:
    before = len(account.requests())
    with time_limit(0), pytest.raises(StoreBusy, match=f"Could not read image {PATH.image_id}: no answer") as caught:
        broken.images.read(PATH)
    assert caught.value.reason == "out-of-time"
    assert len(account.requests()) == before
    with time_limit(60):
        assert broken.images.read(PATH) is not None


def test_the_limits_end_well_before_the_host_does() -> None:
    """A function that ran past functionTimeout would take its neighbors with it."""
    hours, minutes, seconds = map(int, json.loads((ROOT / "host.json").read_text())["functionTimeout"].split(":"))
    timeout = timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    # A handler that meets a dead service says so to the queue, which may be as dead, and perhaps waits for a neighbor
    # that holds the log and has met the same.
    assert timeout >= FUNCTION_SECONDS + 2 * transport.CALL_SECONDS
    assert timeout / 2 > 4 * transport.CALL_SECONDS
    assert transport.CONNECT_SECONDS + transport.READ_SECONDS < transport.CALL_SECONDS


def test_a_hanging_image_holds_up_no_neighbor_and_is_put_off(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_errors, "CALL_SECONDS", 3)
    settings = Settings.from_environment({"ImageStorage": broken.connection_string})
    services = connect.connect(settings)
    container = broken.clients.blobs.get_container_client("images")
    names = ["hangs.png", *(f"{number}.png" for number in range(5))]
    for number, name in enumerate(names):
        container.upload_blob(name, encoded(drawn(number)))
    broken.proxies["Blob"].hangs = lambda line: line.startswith("GET") and "/images/hangs.png" in line
    threads = [threading.Thread(target=services.ingest.handle_blob, args=("images", name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join(60)
    rows = {row.path.name: row.status for row in services.features.all()}
    assert rows == dict.fromkeys(names[1:], INDEXED) | {names[0]: PROCESSING}  # claimed, and to come again
    threads[0].join(60)
    assert not threads[0].is_alive()
    assert services.queues.lengths()[settings.ingest_queue].waiting == 1


# Answers in pieces: what came must be refused as busy, or be the truth.


def outcome(call: Call, broken: Broken) -> object:
    try:
        return call(broken)
    except StoreBusy:
        return StoreBusy


def answer_length(call: Call, broken: Broken) -> int:
    """The bytes of the answer to a call, which is kept for the calls that follow."""
    longest = 0

    def measure(answer: bytes) -> bytes:
        nonlocal longest
        longest = max(longest, len(answer))
        return answer

    broken.set(replays=True, spoil=measure)
    call(broken)
    return longest


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_that_is_cut_anywhere_is_busy_or_the_truth(name: str, broken: Broken) -> None:
    call = CALLS[name]
    truth = call(broken)
    length = answer_length(call, broken)
    step = 3 if name == "read an image" else 7
    for place in range(0, length, step):
        broken.set(spoil=lambda answer, place=place: answer[:place])
        expected = (StoreBusy, truth, AS_GOOD_AS_THE_TRUTH.get(name, truth))
        assert outcome(call, broken) in expected, f"cut after {place} of {length} bytes"


@pytest.mark.parametrize("garbage", [b"", b"garbage", None], ids=["empty", "garbage", "missing"])
@pytest.mark.parametrize("name", CALLS)
def test_an_answer_with_a_garbled_header_is_busy_or_the_truth(name: str, broken: Broken, garbage: bytes | None) -> None:
    call = CALLS[name]
    truth = call(broken)
    headers: list[bytes] = []

    def look(answer: bytes) -> bytes:
        headers.extend(re.findall(rb"\r\n([\w-]+):", answer.partition(b"\r\n\r\n")[0]))
        return answer

    broken.set(replays=True, spoil=look)
    call(broken)
    assert len(set(headers)) > 3
    for header in set(headers):
        line = rb"" if garbage is None else header + b": " + garbage + b"\r\n"

        def spoil(answer: bytes, header: bytes = header, line: bytes = line) -> bytes:
            return re.sub(rb"(?<=\r\n)" + header + rb":[^\r]*\r\n", lambda _: line, answer, count=1)

        broken.set(spoil=spoil)
        assert outcome(call, broken) in (StoreBusy, truth, AS_GOOD_AS_THE_TRUTH.get(name, truth)), header


def test_a_body_that_breaks_off_in_its_encryption_is_busy(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """What urllib3 raises there passes through the SDK as it is."""
    from urllib3.exceptions import SSLError  # noqa: PLC0415 - only what this test stands for

    def breaks_off(*_: object, **__: object) -> bytes:
        raise SSLError("EOF occurred in violation of protocol")

    monkeypatch.setattr("urllib3.response.HTTPResponse.stream", breaks_off)
    images: Images = broken.images
    with pytest.raises(StoreBusy, match="SSLError"):
        images.read(PATH)
