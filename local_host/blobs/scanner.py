"""Finds new blobs by listing their containers, and puts each version once into the blob trigger's queue."""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContainerClient

from local_host.blobs.queue import BlobMessage, BlobQueue
from local_host.blobs.receipts import BlobReceipts, ScanState
from local_host.runtime.bindings import BlobTrigger, Function
from local_host.storage.answers import sane_answers
from local_host.storage.connections import Connections
from local_host.storage.state import Singleton
from local_host.threads import essential_thread

ANNOUNCE_THREADS = 4  # each new blob takes three calls to Azurite, which works on one at a time
# A blob may become visible later than its time of change says (Azurite stamps it when the upload begins). The host
# looks back to the second of the newest blob only; the receipts make a longer look harmless.
LOOK_BACK = timedelta(minutes=5)

logger = logging.getLogger("local_host.blobs")


@dataclass
class _Scanned:
    """One container and the functions that want its blobs."""

    client: ContainerClient
    functions: list[Function]
    state: ScanState


class BlobScanner:
    """Scans in a thread of its own. Of all hosts with one id only the holder of the lock scans."""

    def __init__(
        self,
        functions: Sequence[Function],
        connections: Connections,
        hosts_container: ContainerClient,
        host_id: str,
        queue: BlobQueue,
        scan_seconds: float,
    ) -> None:
        self._queue = queue
        self._scan_seconds = scan_seconds
        self._receipts = BlobReceipts(hosts_container, host_id)
        self._singleton = Singleton(hosts_container, host_id, "WebJobs.Internal.Blobs.Listener")
        self._containers = _group(functions, connections, hosts_container, host_id)
        self._connections = connections
        self._outages = 0
        self._stop = threading.Event()
        self._again = threading.Event()
        self._thread = essential_thread("blob scan", self._run)

    def start(self) -> None:
        if self._containers:
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._again.set()

    def join(self) -> None:
        if self._containers:
            self._thread.join()

    def announce_again(self, message: BlobMessage) -> None:
        """Scan soon: the version in this message is gone, and a newer one is there."""
        logger.debug("%s/%s has changed since it was found", message.container, message.blob)
        self._again.set()

    def _run(self) -> None:
        with ThreadPoolExecutor(ANNOUNCE_THREADS, thread_name_prefix="announce") as pool:
            while self._singleton.acquire(self._stop):
                since: dict[str, datetime | None] = {}
                while self._singleton.held and not self._stop.is_set():
                    for scanned in self._containers:
                        self._scan_safely(scanned, since, pool)
                    self._again.wait(self._scan_seconds)
                    self._again.clear()
            self._singleton.release()

    def _scan_safely(self, scanned: _Scanned, since: dict[str, datetime | None], pool: ThreadPoolExecutor) -> None:
        url = scanned.client.url
        if self._connections.outages != self._outages:  # an emulator that was killed has lost its last receipts
            self._outages = self._connections.outages
            self._receipts.forget()
        try:
            with sane_answers():
                if url not in since:
                    since[url] = scanned.state.load()
                since[url] = self._scan(scanned, since[url], pool)
        except ResourceNotFoundError:
            logger.debug("Container %s is not there yet", scanned.client.container_name)
        except AzureError as error:
            logger.warning("Container %s could not be scanned: %s", scanned.client.container_name, error)

    def _scan(self, scanned: _Scanned, since: datetime | None, pool: ThreadPoolExecutor) -> datetime | None:
        """Announce what is new and return the time of the newest blob; all of it is announced before that is kept."""
        newest = since
        found: list[BlobProperties] = []
        for blob in scanned.client.list_blobs():
            if since is None or blob.last_modified >= since - LOOK_BACK:
                found.append(blob)
            newest = blob.last_modified if newest is None else max(newest, blob.last_modified)
        announced = list(pool.map(lambda blob: self._announce(scanned, blob), found))
        if newest is None or not all(announced):
            return since
        scanned.state.store(newest)
        return newest

    def _announce(self, scanned: _Scanned, blob: BlobProperties) -> bool:
        """Put one blob into the queue for every function that wants it; False when that must be done again."""
        container = str(scanned.client.container_name)
        for function in scanned.functions:
            if not isinstance(function.trigger, BlobTrigger) or function.trigger.path.match(blob.name) is None:
                continue
            if self._stop.is_set():
                return False
            version = (function.full_id, blob.etag, container, blob.name)
            try:
                with sane_answers():
                    if self._receipts.begin(*version):
                        self._queue.add(BlobMessage(function.full_id, container, blob.name, blob.etag))
                        self._receipts.complete(*version)
            except AzureError as error:
                logger.warning("Blob %s/%s could not be announced: %s", container, blob.name, error)
                return False
        return True


def _group(
    functions: Sequence[Function], connections: Connections, hosts_container: ContainerClient, host_id: str
) -> list[_Scanned]:
    groups: dict[str, _Scanned] = {}
    for function in functions:
        trigger = function.trigger
        if not isinstance(trigger, BlobTrigger) or trigger.event_grid:
            continue
        service = connections.blobs(trigger.connection)
        client = service.get_container_client(trigger.path.container)
        state = ScanState(hosts_container, host_id, str(service.account_name), trigger.path.container)
        groups.setdefault(client.url, _Scanned(client, [], state)).functions.append(function)
    return list(groups.values())
