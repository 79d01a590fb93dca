"""The host's own container, `azure-webjobs-hosts`: JSON states and leases that one host at a time holds."""

import contextlib
import json
import logging
import os
import socket
import threading
import time
from typing import Any

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobClient, BlobLeaseClient, BlobServiceClient, ContainerClient

from local_host.storage.answers import sane_answers

HOSTS_CONTAINER = "azure-webjobs-hosts"
# What the host takes in Development; in Azure its listeners take 60 s.
LOCK_SECONDS = 15
RENEW_LOCK_SECONDS = 5.0  # a third of the lease: one renewal may fail
RETRY_LOCK_SECONDS = 2.0  # how long after the other host let go this one goes on
CONFLICT = 409

logger = logging.getLogger("local_host.locks")


def open_container(service: BlobServiceClient, name: str) -> ContainerClient:
    """Return a container, made now if it is not there."""
    container = service.get_container_client(name)
    with contextlib.suppress(ResourceExistsError):
        container.create_container()
    return container


def read_json(blob: BlobClient) -> dict[str, Any] | None:
    """Return the JSON object in a blob, or None when there is no such blob."""
    try:
        content = json.loads(blob.download_blob().readall())
    except ResourceNotFoundError:
        return None
    except ValueError:
        logger.warning("%s holds no JSON and counts as missing", blob.url)
        return None
    return content if isinstance(content, dict) else None


def write_json(blob: BlobClient, content: dict[str, Any]) -> None:
    blob.upload_blob(json.dumps(content), overwrite=True)


def create_json(blob: BlobClient, content: dict[str, Any]) -> bool:
    """Write a JSON object where no blob was; False when there was one, which stays as it is."""
    try:
        blob.upload_blob(json.dumps(content), overwrite=False)
    except ResourceExistsError:
        return False
    return True


class Singleton:
    """A lease on `locks/<host id>/<name>`: of all hosts with this id, the one that holds it does the work."""

    def __init__(self, container: ContainerClient, host_id: str, name: str) -> None:
        self._blob = container.get_blob_client(f"locks/{host_id}/{name}")
        self._name = name
        self._lease: BlobLeaseClient | None = None
        self._lost = threading.Event()
        self._stop_renewing = threading.Event()
        self._renewer: threading.Thread | None = None

    @property
    def held(self) -> bool:
        return self._lease is not None and not self._lost.is_set()

    def acquire(self, stop: threading.Event) -> bool:
        """Wait until the lease is ours; False when `stop` is set before."""
        while not stop.is_set():
            try:
                with sane_answers():
                    acquired = self._try_acquire()
                if acquired:
                    return True
            except AzureError as error:
                logger.warning("The lock %s cannot be asked for: %s", self._name, error)
            stop.wait(RETRY_LOCK_SECONDS)
        return False

    def release(self) -> None:
        """Give the lease back, so that another host goes on at once."""
        self._stop_renewing.set()
        if self._renewer is not None:
            self._renewer.join()
        if self.held and self._lease is not None:
            with contextlib.suppress(AzureError), sane_answers():
                self._lease.release()
        self._lease = None

    def _try_acquire(self) -> bool:
        self.release()
        try:
            lease = self._ask_for_lease()
        except HttpResponseError as error:
            if error.status_code != CONFLICT:
                raise
            return False
        self._blob.set_blob_metadata({"machine": socket.gethostname(), "pid": str(os.getpid())}, lease=lease)
        self._lease = lease
        self._lost.clear()
        self._stop_renewing.clear()
        self._renewer = threading.Thread(target=self._renew, args=(lease,), name=f"lock {self._name}", daemon=True)
        self._renewer.start()
        return True

    def _renew(self, lease: BlobLeaseClient) -> None:
        ends = time.monotonic() + LOCK_SECONDS
        while not self._stop_renewing.wait(RENEW_LOCK_SECONDS):
            try:
                with sane_answers():
                    lease.renew()
            except AzureError as error:
                if isinstance(error, HttpResponseError) or time.monotonic() > ends:
                    logger.warning("The lock %s is lost: %s", self._name, error)
                    self._lost.set()
                    return
                logger.warning("The lock %s could not be renewed, trying again: %s", self._name, error)
            else:
                ends = time.monotonic() + LOCK_SECONDS

    def _ask_for_lease(self) -> BlobLeaseClient:
        """Return the lease; raises HttpResponseError with CONFLICT when a living host holds it."""
        try:
            return self._blob.acquire_lease(LOCK_SECONDS)
        except ResourceNotFoundError:
            create_json(self._blob, {})
        except HttpResponseError as error:
            if error.status_code != CONFLICT or not self._owner_was_killed_here():
                raise
            BlobLeaseClient(self._blob).break_lease(lease_break_period=0)
        return self._blob.acquire_lease(LOCK_SECONDS)

    def _owner_was_killed_here(self) -> bool:
        owner = self._blob.get_blob_properties().metadata
        pid = owner.get("pid", "")
        return owner.get("machine") == socket.gethostname() and pid.isdigit() and not _is_running(int(pid))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
