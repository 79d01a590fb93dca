"""Snapshots of the index as block blobs, written by one instance at a time: the one that has a lease."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient, BlobLeaseClient, BlobProperties, BlobServiceClient

from dedup_core.errors import StoreBusy
from dedup_core.fingerprinting.record import SCHEME
from dedup_storage.account.azure_errors import our_errors, status_of
from dedup_storage.images.blobs import whole_answer
from dedup_storage.logs.index_snapshots import AnotherWrites, StoredSnapshot
from dedup_storage.logs.places import LogPlace

LAYOUT: Final = 1  # of what `FingerprintIndex.write_to` writes; one that changes gets a number and a prefix of its own
PREFIX: Final = f"snapshots/scheme-{SCHEME}/layout-{LAYOUT}/"
WRITER: Final = f"snapshots/scheme-{SCHEME}/writer"  # the blob whose lease is the right to write
LEASE_SECONDS: Final = 60  # the longest that ends by itself, should the writer die
RENEW_SECONDS: Final = 20  # a third of the lease: a chunk may take 40 s to be written
CONFLICT = 409
CHANGED = 412


class AzureSnapshots:
    """The `Snapshots` of one index. The client must read a whole chunk in a single GET (`max_single_get_size`)."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container = service.get_container_client(container)

    def stored(self) -> list[StoredSnapshot]:
        with our_errors(f"list {PREFIX}"):
            try:
                blobs = list(self._container.list_blobs(name_starts_with=PREFIX, include=["metadata"]))
            except ResourceNotFoundError:
                return []
            found = [_stored(blob) for blob in blobs]
        return sorted(found, key=lambda it: (it.made, it.place.log_bytes), reverse=True)

    def read(self, name: str, offset: int, length: int) -> bytes:
        with our_errors(f"read {name} from byte {offset}"):
            try:
                blob = self._container.get_blob_client(name)
                return whole_answer(blob.download_blob(offset=offset, length=length, decompress=False))
            except ResourceNotFoundError:
                return b""

    @contextmanager
    def writing(self) -> Iterator["_Draft"]:
        writer = self._container.get_blob_client(WRITER)
        with our_errors(f"take the lease of {WRITER}"):
            with suppress(ResourceExistsError):
                writer.upload_blob(b"", overwrite=False)
            try:
                lease = writer.acquire_lease(LEASE_SECONDS)
            except HttpResponseError as error:
                if status_of(error) == CONFLICT:
                    raise AnotherWrites from None
                raise
        try:
            yield _Draft(self._container.get_blob_client(f"{PREFIX}{secrets.token_hex(8)}"), lease)
        finally:
            with suppress(AzureError, StoreBusy):  # then it ends by itself
                lease.release()

    def delete(self, name: str) -> None:
        with our_errors(f"delete {name}"), suppress(ResourceNotFoundError):
            self._container.delete_blob(name)


class _Draft:
    """Blocks that are no blob yet; the service forgets them after a week."""

    def __init__(self, blob: BlobClient, lease: BlobLeaseClient) -> None:
        self._blob = blob
        self._lease = lease
        self._renewed = time.monotonic()
        self._blocks: list[BlobBlock] = []

    def add(self, chunk: bytes) -> None:
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            self._renew()
        block = f"{len(self._blocks):06}"
        with our_errors(f"write block {block} of {self._blob.blob_name}"):
            self._blob.stage_block(block, chunk)
        self._blocks.append(BlobBlock(block))

    def finish(self, place: LogPlace) -> None:
        self._renew()
        metadata = {name: str(value) for name, value in place._asdict().items()}
        with our_errors(f"write {self._blob.blob_name}"):
            self._blob.commit_block_list(self._blocks, metadata=metadata)

    def _renew(self) -> None:
        with our_errors(f"renew the lease of {WRITER}"):
            try:
                self._lease.renew()
            except HttpResponseError as error:
                if status_of(error) in {CONFLICT, CHANGED}:
                    raise AnotherWrites from None
                raise
        self._renewed = time.monotonic()


def _stored(blob: BlobProperties) -> StoredSnapshot:
    told = blob.metadata or {}
    texts = (str(told.get(name, "")) for name in ("segment", "offset", "log_bytes", "damaged_bytes"))
    # One whose place is not told, as after a copy by another tool, stands for no place and goes away with old ones.
    segment, offset, log_bytes, damaged_bytes = (int(text) if text.isdecimal() else 0 for text in texts)
    place = LogPlace(segment, offset, told.get("generation", ""), log_bytes, damaged_bytes)
    return StoredSnapshot(str(blob.name), place, blob.creation_time, int(blob.size))
