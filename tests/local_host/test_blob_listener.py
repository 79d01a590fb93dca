"""New blobs are found by scanning, announced once for each version, and retried, as the host does it."""

import base64
import json
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueServiceClient

from local_host.blobs.queue import POISON_QUEUE, BlobInvoker, BlobMessage, BlobPoisonQueue, BlobQueue
from local_host.blobs.receipts import BlobReceipts
from local_host.blobs.scanner import BlobScanner
from local_host.queues.listener import ListenerOptions, QueueListener
from local_host.runtime.bindings import BlobPath, BlobTrigger, Function
from local_host.runtime.worker import Outcome
from local_host.storage.connections import Connections
from local_host.storage.state import HOSTS_CONTAINER, open_container
from tests.azurite import Account
from tests.local_host.conftest import FakeInvoker, wait_until

HOST_ID = "host-1"


def blob_function(name: str, path: str, *, deferred: bool = False, event_grid: bool = False) -> Function:
    trigger = BlobTrigger("blob", BlobPath.parse(path), "Images", event_grid=event_grid, deferred=deferred)
    return Function(name, f"id of {name}", trigger)


class BlobHost:
    """The blob part of a host: a scanner, the queue, its listener and a worker that notes what it runs."""

    def __init__(self, connection: str, invoker: FakeInvoker, functions: list[Function]) -> None:
        connections = self.connections = Connections({"AzureWebJobsStorage": connection, "Images": connection})
        self.hosts = open_container(connections.blobs("AzureWebJobsStorage"), HOSTS_CONTAINER)
        self.queue = BlobQueue(connections.queues("AzureWebJobsStorage").get_queue_client(f"blobs-{HOST_ID}"))
        self.queue.create()
        by_id = {function.full_id: function for function in functions}
        self.scanner = BlobScanner(functions, connections, self.hosts, HOST_ID, self.queue, scan_seconds=0.2)
        self.listener = QueueListener(
            self.queue.client,
            BlobPoisonQueue(by_id, connections),
            BlobInvoker(invoker, by_id, connections, self.scanner.announce_again),
            ListenerOptions(batch_size=4, new_batch_threshold=2, max_dequeue_count=5, max_polling_seconds=0.2),
        )
        self.queue.on_added(self.listener.notify)

    def start(self) -> None:
        self.scanner.start()
        self.listener.start()

    def stop(self) -> None:
        for part in (self.scanner, self.listener):
            part.stop()
        for part in (self.scanner, self.listener):
            part.join()

    def state_names(self, prefix: str) -> list[str]:
        return [blob.name for blob in self.hosts.list_blobs(name_starts_with=prefix)]


type Start = Callable[..., BlobHost]


@pytest.fixture
def images(blobs: BlobServiceClient) -> ContainerClient:
    return blobs.create_container("images")


@pytest.fixture
def start(account: Account) -> Iterator[Start]:
    """Start the blob part of a host for the functions given; it is stopped when the test ends."""
    started: list[BlobHost] = []

    def start_one(invoker: FakeInvoker, *functions: Function) -> BlobHost:
        host = BlobHost(account.connection_string, invoker, list(functions))
        started.append(host)
        host.start()
        return host

    yield start_one
    for host in started:
        host.stop()


def names(invoker: FakeInvoker) -> list[str]:
    return [str(call.metadata["BlobTrigger"].string) for call in invoker.calls]


def test_blobs_from_before_and_after_the_start_are_found(
    images: ContainerClient, start: Start, invoker: FakeInvoker
) -> None:
    images.upload_blob("before.jpg", b"1")
    start(invoker, blob_function("f", "images/{name}"))
    invoker.wait_for_calls(1)
    images.upload_blob("after ü#%.jpg", b"2")
    invoker.wait_for_calls(2)
    assert names(invoker) == ["images/before.jpg", "images/after ü#%.jpg"]


def test_each_function_gets_the_blobs_of_its_own_path(
    images: ContainerClient, start: Start, invoker: FakeInvoker
) -> None:
    start(invoker, blob_function("all", "images/{name}"), blob_function("jpg", "images/{name}.jpg"))
    images.upload_blob("a.png", b"1")
    images.upload_blob("b.jpg", b"2")
    invoker.wait_for_calls(3)
    ran = sorted((call.function.name, str(call.metadata["name"].string)) for call in invoker.calls)
    assert ran == [("all", "a.png"), ("all", "b.jpg"), ("jpg", "b")]


def test_a_blob_is_announced_once_even_after_a_restart(
    images: ContainerClient, start: Start, invoker: FakeInvoker
) -> None:
    images.upload_blob("a.jpg", b"1")
    first = start(invoker, blob_function("f", "images/{name}"))
    invoker.wait_for_calls(1)
    wait_until(lambda: bool(first.state_names("blobscaninfo/")))
    first.stop()
    start(invoker, blob_function("f", "images/{name}"))
    images.upload_blob("b.jpg", b"2")
    invoker.wait_for_calls(2)
    assert names(invoker) == ["images/a.jpg", "images/b.jpg"]


def test_an_overwritten_blob_is_announced_again(images: ContainerClient, start: Start, invoker: FakeInvoker) -> None:
    start(invoker, blob_function("f", "images/{name}"))
    images.upload_blob("a.jpg", b"1")
    invoker.wait_for_calls(1)
    images.upload_blob("a.jpg", b"two", overwrite=True)
    calls = invoker.wait_for_calls(2)
    assert [call.data.bytes for call in calls] == [b"1", b"two"]


def test_the_receipt_names_host_function_version_and_blob_and_is_completed(
    images: ContainerClient, start: Start, invoker: FakeInvoker
) -> None:
    etag = images.upload_blob("in/a.jpg", b"1").get_blob_properties().etag
    host = start(invoker, blob_function("f", "images/{name}"))
    invoker.wait_for_calls(1)
    path = f'blobreceipts/{HOST_ID}/Host.Functions.f/"{etag.strip(chr(34))}"/images/in/a.jpg'
    assert host.state_names("blobreceipts/") == [path]
    receipt = host.hosts.get_blob_client(path)
    wait_until(lambda: receipt.get_blob_properties().metadata == {})
    assert receipt.get_blob_properties().size == 0


def test_a_blob_whose_announcement_was_cut_short_is_announced_again(
    images: ContainerClient, start: Start, invoker: FakeInvoker, blobs: BlobServiceClient
) -> None:
    etag = images.upload_blob("a.jpg", b"1").get_blob_properties().etag
    # The host that died had written its receipt, and put nothing into the queue.
    receipts = BlobReceipts(open_container(blobs, HOSTS_CONTAINER), HOST_ID)
    assert receipts.begin("Host.Functions.f", etag, "images", "a.jpg")
    start(invoker, blob_function("f", "images/{name}"))
    invoker.wait_for_calls(1)


def test_after_the_storage_has_failed_it_is_asked_for_receipts_again(
    images: ContainerClient, start: Start, invoker: FakeInvoker
) -> None:
    images.upload_blob("a.jpg", b"1")
    host = start(invoker, blob_function("f", "images/{name}"))
    invoker.wait_for_calls(1)
    (receipt,) = host.state_names("blobreceipts/")
    host.hosts.delete_blob(receipt)  # lost, with the message, by an emulator that was killed
    host.connections.outages += 1
    invoker.wait_for_calls(2)
    assert names(invoker) == ["images/a.jpg", "images/a.jpg"]


def test_a_request_without_an_answer_is_an_outage_even_if_it_is_sent_again() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # nobody listens there
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        connections = Connections({"X": f"AccountName=a;AccountKey={'A' * 88};BlobEndpoint={address}"})
        with pytest.raises(AzureError):
            connections.blobs("X").get_container_client("images").get_container_properties(retry_total=1)
    assert connections.outages > 1


def test_a_blob_whose_message_was_lost_after_its_receipt_is_not_announced_again_as_in_the_host(
    images: ContainerClient, start: Start, invoker: FakeInvoker, blobs: BlobServiceClient
) -> None:
    etag = images.upload_blob("lost.jpg", b"1").get_blob_properties().etag
    receipts = BlobReceipts(open_container(blobs, HOSTS_CONTAINER), HOST_ID)
    receipts.begin("Host.Functions.f", etag, "images", "lost.jpg")
    receipts.complete("Host.Functions.f", etag, "images", "lost.jpg")
    host = start(invoker, blob_function("f", "images/{name}"))
    images.upload_blob("next.jpg", b"1")
    invoker.wait_for_calls(1)
    host.stop()
    assert names(invoker) == ["images/next.jpg"]


def test_a_blob_that_appears_with_an_older_time_is_still_found(
    images: ContainerClient, start: Start, invoker: FakeInvoker, blobs: BlobServiceClient
) -> None:
    # As if another blob, newer by a minute, had been seen while this one was still being uploaded.
    latest = datetime.now(UTC) + timedelta(minutes=1)
    state = open_container(blobs, HOSTS_CONTAINER).get_blob_client(
        f"blobscaninfo/{HOST_ID}/{blobs.account_name}/images/scanInfo"
    )
    state.upload_blob(json.dumps({"LatestScan": latest.isoformat()}))
    images.upload_blob("slow.jpg", b"1")
    start(invoker, blob_function("f", "images/{name}"))
    invoker.wait_for_calls(1)


def test_names_that_xml_cannot_hold_are_found_like_any_other(
    images: ContainerClient, start: Start, invoker: FakeInvoker
) -> None:
    odd = ["esc \x1b[2J.jpg", "line\nbreak.jpg", "<&> 100%.jpg", "plain.jpg"]
    for name in odd:
        images.upload_blob(name, b"1")
    assert sorted(blob.name for blob in images.list_blobs()) == sorted(odd)
    start(invoker, blob_function("f", "images/{name}"))
    invoker.wait_for_calls(len(odd))
    assert sorted(names(invoker)) == sorted(f"images/{name}" for name in odd)


def test_a_container_that_is_made_later_is_found(blobs: BlobServiceClient, start: Start, invoker: FakeInvoker) -> None:
    start(invoker, blob_function("f", "images/{name}"))
    blobs.create_container("images").upload_blob("a.jpg", b"1")
    invoker.wait_for_calls(1)


def test_only_one_of_two_hosts_with_one_id_scans_and_none_runs_a_blob_twice(
    images: ContainerClient, start: Start, invoker: FakeInvoker
) -> None:
    function = blob_function("f", "images/{name}")
    hosts = [start(invoker, function), start(invoker, function)]
    for number in range(10):
        images.upload_blob(f"{number}.jpg", b"1")
    invoker.wait_for_calls(10)
    scanning = [host for host in hosts if host.scanner._singleton.held]
    assert len(scanning) == 1
    scanning[0].stop()
    images.upload_blob("last.jpg", b"1")
    invoker.wait_for_calls(11)
    assert len(set(names(invoker))) == len(invoker.calls) == 11


def test_a_function_that_wants_the_bytes_gets_them_with_name_address_and_properties(
    images: ContainerClient, start: Start, invoker: FakeInvoker
) -> None:
    client = images.upload_blob("a b.jpg", b"pixels", metadata={"who": "me"})
    start(invoker, blob_function("f", "images/{stem}.{ending}"))
    (call,) = invoker.wait_for_calls(1)
    assert call.data.bytes == b"pixels"
    assert call.metadata["BlobTrigger"].string == "images/a b.jpg"
    assert json.loads(str(call.metadata["Uri"].json)) == client.url
    assert json.loads(str(call.metadata["Metadata"].json)) == {"who": "me"}
    properties = json.loads(str(call.metadata["Properties"].json))
    assert (properties["ContentLength"], properties["BlobType"], properties["ETag"]) == (6, 0, {})
    assert properties["Metadata"] == {"who": "me"}
    assert "Length" not in properties
    assert (call.metadata["stem"].string, call.metadata["ending"].string) == ("a b", "jpg")


def test_a_function_that_wants_a_client_gets_the_place_and_the_blob_is_not_read(
    images: ContainerClient, start: Start, invoker: FakeInvoker, account: Account
) -> None:
    images.upload_blob("a.jpg", b"pixels")
    start(invoker, blob_function("f", "images/{name}", deferred=True))
    (call,) = invoker.wait_for_calls(1)
    data = call.data.model_binding_data
    assert data is not None
    assert (data.version, data.source, data.content_type) == ("1.0", "AzureStorageBlobs", "application/json")
    assert json.loads(data.content) == {"Connection": "Images", "ContainerName": "images", "BlobName": "a.jpg"}
    reads = [each for each in account.requests() if each.method == "GET" and each.target.endswith("/images/a.jpg")]
    assert reads == []


def test_a_failing_blob_is_tried_five_times_and_then_goes_to_the_poison_queue(
    images: ContainerClient, start: Start, queues: QueueServiceClient
) -> None:
    failing = FakeInvoker(lambda _call: Outcome(succeeded=False, error="boom"))
    images.upload_blob("bad.jpg", b"1")
    host = start(failing, blob_function("f", "images/{name}"))
    wait_until(lambda: POISON_QUEUE in [queue.name for queue in queues.list_queues()])
    poison = queues.get_queue_client(POISON_QUEUE)
    wait_until(lambda: len(poison.peek_messages()) == 1)
    wait_until(lambda: host.queue.client.get_queue_properties().approximate_message_count == 0)
    assert len(failing.calls) == 5
    content = json.loads(base64.b64decode(poison.peek_messages()[0].content))
    assert re.fullmatch(r'"0x[0-9A-F]+"', content.pop("ETag"))
    assert content == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.f",
        "BlobType": "BlockBlob",
        "ContainerName": "images",
        "BlobName": "bad.jpg",
    }


def test_a_blob_that_is_gone_or_has_changed_is_not_run(
    images: ContainerClient, start: Start, invoker: FakeInvoker
) -> None:
    changed = images.upload_blob("changed.jpg", b"1").get_blob_properties().etag
    images.upload_blob("changed.jpg", b"two", overwrite=True)
    host = start(invoker, blob_function("f", "images/{name}"))
    host.queue.add(BlobMessage("Host.Functions.f", "images", "gone.jpg", "0x1"))
    host.queue.add(BlobMessage("Host.Functions.f", "images", "changed.jpg", changed))
    invoker.wait_for_calls(1)
    wait_until(lambda: host.queue.client.get_queue_properties().approximate_message_count == 0)
    assert [call.data.bytes for call in invoker.calls] == [b"two"]  # once: by the scan, not by the old message


def test_garbage_in_the_blob_queue_is_thrown_away(images: ContainerClient, start: Start, invoker: FakeInvoker) -> None:
    host = start(invoker, blob_function("f", "images/{name}"))
    host.queue.client.send_message("no message of ours")
    wait_until(lambda: host.queue.client.get_queue_properties().approximate_message_count == 0)
    images.upload_blob("a.jpg", b"1")
    invoker.wait_for_calls(1)
