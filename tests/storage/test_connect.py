"""The services on a real storage account: how they connect, what they call, and what a crash leaves."""

import socket
import traceback
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient
from PIL import Image

from dedup_app.configuration.settings import Settings
from dedup_app.configuration.storage_connection import StorageConnection
from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import INDEXED, PROCESSING
from dedup_app.services import Services
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import InvalidSetting
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_storage.account.clients import open_clients
from dedup_storage.connect import connect, instance_name
from dedup_storage.tables.entity_table import EntityTable
from dedup_storage.tables.features import AzureFeaturesTable
from tests.azurite import Account
from tests.storage.examples import image


@pytest.fixture
def services(account: Account) -> Services:
    return connect(Settings(image_storage=StorageConnection(account.connection_string)))


@pytest.fixture
def container(account: Account) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(account.connection_string) as client:
        client.create_container("images")
        yield client


def picture(seed: int, quality: int = 90) -> bytes:
    """A drawn picture; two of the same seed are look-alikes at any quality."""
    blobs = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(blobs).resize((240, 160), Image.Resampling.BICUBIC).save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_connecting_makes_no_call(services: Services, account: Account) -> None:
    assert services.instance
    assert account.requests() == []


def test_an_upload_that_the_host_gave_up_on_is_not_hidden(services: Services, account: Account) -> None:
    with QueueClient.from_connection_string(account.connection_string, "webjobs-blobtrigger-poison") as queue:
        queue.create_queue()
        queue.send_message('{"ContainerName": "images", "BlobName": "a.jpg"}')
    assert services.queues.lengths()["webjobs-blobtrigger"].poison == 1
    (message,) = services.queues.poison()
    assert "a.jpg" in message.excerpt


def test_two_look_alikes_go_all_the_way_through_storage(services: Services, container: BlobServiceClient) -> None:
    for name, quality in (("a.jpg", 95), ("b.jpg", 50)):
        container.get_blob_client("images", name).upload_blob(picture(1, quality))
        services.ingest.ingest(image(name))
    assert services.features.tally().statuses == {INDEXED: 2}
    assert services.queues.lengths()["verify-pairs"].waiting == 1
    services.verify.verify(VerifyMessage(image("b.jpg"), (VerifyTarget(image("a.jpg")),)))
    pair = services.pairs.get(image("a.jpg"), image("b.jpg"))
    assert pair is not None
    assert pair.verdict is not None
    assert pair.verdict.kind is VerdictKind.DUPLICATE


def test_a_crash_between_the_append_and_the_row_is_made_good_by_the_next_try(
    services: Services, container: BlobServiceClient, account: Account
) -> None:
    class DyingFeatures(AzureFeaturesTable):
        def set_status(self, row: FeaturesRow) -> FeaturesRow:
            raise KeyboardInterrupt(row)

    for name in ("a.jpg", "b.jpg"):
        container.get_blob_client("images", name).upload_blob(picture(1))
    clients = open_clients(StorageConnection(account.connection_string), largest_read=1_000_000)
    dying = replace(services, features=DyingFeatures(EntityTable(clients.tables, "features")))
    with pytest.raises(KeyboardInterrupt):
        dying.ingest.ingest(image("a.jpg"))
    clients.close()
    assert services.features.tally().statuses == {PROCESSING: 1}
    services.ingest.ingest(image("b.jpg"))
    services.ingest.ingest(image("a.jpg"))
    assert services.features.tally().statuses == {INDEXED: 2}
    assert len(list(services.pairs.all())) == 1


def test_operations_an_image_do_not_grow_with_the_collection(
    services: Services, container: BlobServiceClient, account: Account
) -> None:
    counts = []
    for number in range(12):
        container.get_blob_client("images", f"{number}.jpg").upload_blob(picture(number))
        before = len(account.requests())
        services.ingest.ingest(image(f"{number}.jpg"))
        counts.append(len(account.requests()) - before)
    assert set(counts[1:]) == {counts[-1]}
    assert counts[-1] <= 7


def test_a_lone_comparison_reads_two_images(services: Services, container: BlobServiceClient, account: Account) -> None:
    for name in ("a.jpg", "b.jpg"):
        container.get_blob_client("images", name).upload_blob(picture(1))
    services.verify.verify(VerifyMessage(image("a.jpg"), (VerifyTarget(image("b.jpg")),)))
    reads = [it for it in account.requests() if it.method == "GET" and f"/{account.name}/images/" in it.target]
    assert len(reads) == 2


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "AccountName=x;AccountKey=Secret!Key",
        "DefaultEndpointsProtocol=https;AccountName=;AccountKey=SecretKey",
        "BlobEndpoint=https://account.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=SecretKey",
        "BlobEndpoint=https://a.blob.core.windows.net/;TableEndpoint=https://a.table.core.windows.net/;SharedAccessSignature=SecretKey",
    ],
)
def test_a_bad_connection_string_is_an_error_that_names_the_setting_and_no_secret(text: str) -> None:
    with pytest.raises(InvalidSetting, match="ImageStorage") as caught:
        connect(Settings(image_storage=StorageConnection(text)))
    shown = "".join(traceback.format_exception(caught.value))
    assert "Secret" not in shown


@pytest.mark.parametrize(
    "endpoints",
    [
        "QueueEndpoint=https://",
        "QueueEndpoint=http:://x",
        "QueueEndpoint=ftp://account.queue.core.windows.net",
        "QueueSecondaryEndpoint=https://account-secondary.queue.core.windows.net",
    ],
)
def test_queues_without_an_address_are_told_before_the_first_message(endpoints: str) -> None:
    with pytest.raises(InvalidSetting, match="ImageStorage has a QueueEndpoint"):
        connect(Settings(image_storage=StorageConnection(f"AccountName=account;AccountKey=a2V5;{endpoints}")))


@pytest.mark.parametrize("more", ["", ";QueueSecondaryEndpoint=https://account-secondary.queue.core.windows.net"])
def test_queues_with_an_address_of_their_own_are_opened_there(more: str) -> None:
    text = f"AccountName=account;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:10001/account{more}"
    clients = open_clients(StorageConnection(text), largest_read=1_000_000)
    assert clients.queues.url == "http://127.0.0.1:10001/account/"
    clients.close()


def test_an_address_is_completed_as_the_sdk_does() -> None:
    text = "AccountName=account;AccountKey=a2V5;QueueEndpoint=account.queue.core.windows.net"
    clients = open_clients(StorageConnection(text), largest_read=1_000_000)
    assert clients.queues.url == "https://account.queue.core.windows.net/"
    clients.close()


def test_a_missing_connection_names_the_setting() -> None:
    with pytest.raises(InvalidSetting, match="ImageStorage is missing"):
        connect(Settings())


@pytest.mark.parametrize("client_id", ["", "5c0e6a6c-0000-0000-0000-000000000000"])
def test_an_identity_connects_by_the_addresses_of_the_services(client_id: str) -> None:
    services = connect(
        Settings(
            image_storage=StorageConnection(
                blob_service_uri="https://account.blob.core.windows.net",
                queue_service_uri="https://account.queue.core.windows.net",
                table_service_uri="https://account.table.core.windows.net",
                client_id=client_id,
            )
        )
    )
    assert services.settings.require_image_storage().uses_identity


def test_azurite_is_meant_by_its_short_connection_string() -> None:
    assert connect(Settings(image_storage=StorageConnection("UseDevelopmentStorage=true"))).instance


def test_every_process_has_a_name_of_its_own() -> None:
    names = {instance_name() for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith(socket.gethostname().replace(".", "-").replace("_", "-")) for name in names)
