"""Remembers in the host's container which blobs have been announced, by function and ETag."""

import contextlib
from collections import OrderedDict
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import ContainerClient

from local_host.storage.state import read_json, write_json

MAX_REMEMBERED = 100_000  # some 30 MB; of older ones the storage is asked
INCOMPLETE = {"Incomplete": "Incomplete"}


class BlobReceipts:
    """`blobreceipts/<host id>/<function>/<etag>/<container>/<blob>`, empty; `Incomplete` until it is in the queue."""

    def __init__(self, container: ContainerClient, host_id: str) -> None:
        self._container = container
        self._host_id = host_id
        self._complete: OrderedDict[str, None] = OrderedDict()

    def begin(self, function_id: str, etag: str, container: str, blob: str) -> bool:
        """Say whether this version of the blob is still to be announced, and note that somebody is about to."""
        path = self._path(function_id, etag, container, blob)
        if path in self._complete:
            return False
        receipt = self._container.get_blob_client(path)
        try:
            receipt.upload_blob(b"", metadata=INCOMPLETE, overwrite=False)
        except ResourceExistsError:
            # An incomplete one is what a host left that died before it could announce the blob.
            if any(key.lower() == "incomplete" for key in receipt.get_blob_properties().metadata):
                return True
            self._remember(path)
            return False
        return True

    def complete(self, function_id: str, etag: str, container: str, blob: str) -> None:
        """Note that the announcement is in the queue."""
        path = self._path(function_id, etag, container, blob)
        self._container.get_blob_client(path).set_blob_metadata({})
        self._remember(path)

    def forget(self) -> None:
        """Ask the storage again from now on, whatever was seen there."""
        self._complete.clear()

    def _path(self, function_id: str, etag: str, container: str, blob: str) -> str:
        return f"blobreceipts/{self._host_id}/{function_id}/{quoted(etag)}/{container}/{blob}"

    def _remember(self, path: str) -> None:
        self._complete[path] = None
        if len(self._complete) > MAX_REMEMBERED:
            self._complete.popitem(last=False)


class ScanState:
    """`blobscaninfo/<host id>/<account>/<container>/scanInfo`: how new the newest blob of the last scan was."""

    def __init__(self, container: ContainerClient, host_id: str, account: str, scanned: str) -> None:
        self._blob = container.get_blob_client(f"blobscaninfo/{host_id}/{account}/{scanned}/scanInfo")
        self._latest: datetime | None = None

    def load(self) -> datetime | None:
        content: dict[str, Any] = read_json(self._blob) or {}
        text = content.get("LatestScan")
        with contextlib.suppress(ValueError):  # then everything is looked at again, which the receipts make harmless
            self._latest = datetime.fromisoformat(str(text))
        return self._latest

    def store(self, latest: datetime) -> None:
        if self._latest is None or latest > self._latest:
            write_json(self._blob, {"LatestScan": latest.isoformat()})
            self._latest = latest


def quoted(etag: str) -> str:
    """Return an ETag with its quotes, however the service or the SDK gave it."""
    return f'"{etag.strip(chr(34))}"'
