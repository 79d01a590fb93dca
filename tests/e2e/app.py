"""A storage account with the app's hosts on it, and what a test asks of them."""

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from dedup_app.configuration.settings import Settings
from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import PROCESSING
from dedup_app.ports.pairs import PairRow
from dedup_app.services import Services
from dedup_core.paths import ImagePath
from dedup_storage.connect import connect
from local_host.process import HostProcess
from tests.azurite import Account

ROOT = Path(__file__).parent.parent.parent
CONTAINER = "images"
SCAN_SECONDS = 0.5
WAIT_SECONDS = 180.0  # only what fails takes so long
POLL_SECONDS = 0.3
POLL_OFTEN = {"AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:01"}


@dataclass(frozen=True, slots=True)
class App:
    """What is shared by all hosts of a test: the account, and services of our own to look at the tables."""

    account: Account
    services: Services
    environment: Mapping[str, str]
    container: str = CONTAINER

    @contextmanager
    def host(self, host_id: str = "e2e", **options: float) -> Iterator[HostProcess]:
        environment = {**self.environment, **POLL_OFTEN, "AzureFunctionsWebHost__hostid": host_id}
        process = HostProcess(ROOT, environment, **{"scan_seconds": SCAN_SECONDS, **options})
        with process:
            yield process

    def upload(self, pictures: Mapping[str, bytes]) -> None:
        with BlobServiceClient.from_connection_string(self.account.connection_string) as service:
            container = service.get_container_client(self.container)
            for name, data in pictures.items():
                container.upload_blob(name, data, overwrite=True)

    def delete(self, name: str) -> None:
        with BlobServiceClient.from_connection_string(self.account.connection_string) as service:
            service.get_blob_client(self.container, name).delete_blob()

    def put_message(self, text: str) -> None:
        """What a person does with the queue SDK, which encodes nothing by itself."""
        with QueueClient.from_connection_string(self.account.connection_string, "verify-pairs") as queue:
            with suppress(ResourceExistsError):  # no host has run yet that would have made it
                queue.create_queue()
            queue.send_message(text)

    def put_event(self, kind: str, name: str, *, cloud_event: bool = False) -> None:
        """What Event Grid does for a subscription with a queue: one event a message, in base64."""
        event = blob_event(self.account, kind, name)
        content = as_cloud_event(event) if cloud_event else event
        with QueueClient.from_connection_string(self.account.connection_string, "blob-events") as queue:
            with suppress(ResourceExistsError):
                queue.create_queue()
            queue.send_message(base64.b64encode(json.dumps(content).encode()).decode())

    def rows(self) -> dict[str, FeaturesRow]:
        return {row.path.name: row for row in self.services.features.all()}

    def pairs(self) -> dict[frozenset[str], PairRow]:
        return {frozenset({pair.left.name, pair.right.name}): pair for pair in self.services.pairs.all()}

    def pair(self, left: str, right: str) -> PairRow | None:
        return self.services.pairs.get(ImagePath(self.container, left), ImagePath(self.container, right))

    def wait_for_verdict(self, left: str, right: str, limit_seconds: float = WAIT_SECONDS) -> PairRow:
        def verified() -> PairRow | None:
            row = self.pair(left, right)
            return row if row is not None and row.verdict is not None else None

        return self.wait_for(verified, f"the verdict of {left} and {right}", limit_seconds)

    def wait_until_idle(self, images: int, limit_seconds: float = WAIT_SECONDS) -> None:
        """Until every image has a final status, every pair a verdict and the queues are empty."""

        def idle() -> bool:  # the cheapest look first: most of them end there
            statuses = self.services.features.tally().statuses
            if statuses.get(PROCESSING) or sum(statuses.values()) != images:
                return False
            lengths = self.services.queues.lengths().values()
            return not any(it.waiting for it in lengths) and all(pair.verdict for pair in self.pairs().values())

        self.wait_for(idle, f"{images} finished images", limit_seconds)

    def wait_for[T](self, look: Callable[[], T | None], what: str, limit_seconds: float = WAIT_SECONDS) -> T:
        deadline = time.monotonic() + limit_seconds
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"{what} did not come within {limit_seconds:g} s; {self.told()}")

    def told(self) -> str:
        statuses = self.services.features.tally().statuses
        lengths = {name: (length.waiting, length.poison) for name, length in self.services.queues.lengths().items()}
        unverified = [sorted(names) for names, pair in self.pairs().items() if pair.verdict is None]
        return f"images: {statuses}, queues (waiting, poison): {lengths}, pairs without a verdict: {unverified}"

    def image_reads(self) -> int:
        """How often storage served the bytes of an image."""
        path = f"/{self.account.name}/{self.container}/"
        return sum(
            request.method == "GET" and request.status < 300 and request.target.startswith(path)
            for request in self.account.requests()
            if "comp=" not in request.target and "restype=" not in request.target
        )


@contextmanager
def app_on(account: Account, container: str = CONTAINER, **settings: str) -> Iterator[App]:
    """The app's settings on an account of its own, with its container; no host runs yet."""
    environment = {
        "AzureWebJobsStorage": account.connection_string,
        "ImageStorage": account.connection_string,
        "IMAGE_CONTAINER": container,
        "BLOB_TRIGGER_SOURCE": "LogsAndContainerScan",
        **settings,
    }
    with BlobServiceClient.from_connection_string(account.connection_string) as service:
        service.create_container(container)
    yield App(account, connect(Settings.from_environment(environment)), environment, container)


def post_blob_created(host: HostProcess, account: Account, name: str) -> None:
    """Tell one host, as Event Grid would, that a blob has landed."""
    post_event(host, "blobs", "Host.Functions.extract_features", blob_event(account, "BlobCreated", name))


def post_blob_deleted(host: HostProcess, account: Account, name: str) -> None:
    """Tell one host, as Event Grid would, that a blob was deleted."""
    post_event(host, "EventGrid", "retract_image", blob_event(account, "BlobDeleted", name))


def blob_event(account: Account, kind: str, name: str) -> dict[str, object]:
    return {
        "topic": "/subscriptions/0/storageAccounts/" + account.name,
        "subject": f"/blobServices/default/containers/{CONTAINER}/blobs/{name}",
        "eventType": f"Microsoft.Storage.{kind}",
        "id": name,
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {
            "api": "PutBlob" if kind == "BlobCreated" else "DeleteBlob",
            "eTag": "0x8D",
            "contentType": "image/png",
            "blobType": "BlockBlob",
            "url": f"{account.blob_endpoint}/{CONTAINER}/{quote(name)}",
        },
        "dataVersion": "",
        "metadataVersion": "1",
    }


def as_cloud_event(event: Mapping[str, object]) -> dict[str, object]:
    """The same event in the schema of CloudEvents 1.0, as Event Grid maps the fields."""
    return {
        "specversion": "1.0",
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "id": event["id"],
        "time": event["eventTime"],
        "data": event["data"],
    }


def post_event(host: HostProcess, extension: str, function: str, event: dict[str, object]) -> None:
    key = host.status.keys[f"{extension.lower()}_extension"]
    request = urllib.request.Request(  # noqa: S310 - our own host
        f"{host.url.rstrip('/')}/runtime/webhooks/{extension}?functionName={function}&code={key}",
        data=json.dumps([event]).encode(),
        headers={"aeg-event-type": "Notification", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        assert response.status == 202, response.read()
