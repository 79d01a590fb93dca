"""Segments of a log as append blobs."""

import secrets
from contextlib import suppress

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobServiceClient

from dedup_core.fingerprinting.record import OLDER_SCHEME, SCHEME
from dedup_storage.account.azure_errors import code_of, our_errors, status_of
from dedup_storage.images.blobs import whole_answer
from dedup_storage.logs.places import BlockPlace, Chunk, SegmentFull

FULL = "BlockCountExceedsLimit"  # 50,000 blocks
RANGE_NOT_SATISFIABLE = 416
GENERATION = "generation"
NOWHERE = BlockPlace(-1, 0)
FINGERPRINTS = f"fingerprints/scheme-{SCHEME}/"
OLDER_FINGERPRINTS = f"fingerprints/scheme-{OLDER_SCHEME}/"


class AzureSegments:
    """The `Segments` of one log. The client must read a whole chunk in a single GET (`max_single_get_size`)."""

    def __init__(self, service: BlobServiceClient, container: str, prefix: str = FINGERPRINTS) -> None:
        self._container = service.get_container_client(container)
        self._prefix = prefix
        self._clients: dict[int, BlobClient] = {}  # making one takes an eighth of a call

    def first(self) -> int:
        return min(self._numbers(), default=1)

    def last(self) -> int:
        return max(self._numbers(), default=0)

    def append(self, number: int, block: bytes) -> BlockPlace:
        blob = self._segment(number)
        with our_errors(f"append to {blob.blob_name}"):
            try:
                try:
                    appended = blob.append_block(block)
                except ResourceNotFoundError:
                    if self.last() > number:  # it was deleted: what comes into it would be read by nobody
                        raise SegmentFull from None
                    self._create(blob)
                    appended = blob.append_block(block)
            except HttpResponseError as error:
                if code_of(error) == FULL:
                    raise SegmentFull from None
                raise
        # An answer that says less has another read of the tail follow.
        offset, count = (str(appended.get(name)) for name in ("blob_append_offset", "blob_committed_block_count"))
        return BlockPlace(int(offset), int(count)) if offset.isdigit() and count.isdigit() else NOWHERE

    def read(self, number: int, offset: int, length: int) -> Chunk:
        blob = self._segment(number)
        with our_errors(f"read {blob.blob_name} from byte {offset}"):
            try:
                download = blob.download_blob(offset=offset, length=length, decompress=False)
                data = whole_answer(download)
            except ResourceNotFoundError:
                return Chunk(b"", is_missing=True)
            except HttpResponseError as error:
                # The range begins at the end: nothing new.
                if status_of(error) == RANGE_NOT_SATISFIABLE:
                    return Chunk(b"")
                raise
        # Segments of earlier apps have no generation: they are told apart by the second in which they were made.
        found = download.properties
        generation = (found.metadata or {}).get(GENERATION, str(found.creation_time))
        return Chunk(data, generation, blocks=found.append_blob_committed_block_count or 0)

    def delete(self, number: int) -> None:
        blob = self._segment(number)
        with our_errors(f"delete {blob.blob_name}"), suppress(ResourceNotFoundError):
            blob.delete_blob()

    def _numbers(self) -> list[int]:
        with our_errors(f"list {self._prefix}"):
            try:
                names = list(self._container.list_blob_names(name_starts_with=self._prefix))
            except ResourceNotFoundError:
                return []
        return [int(name.removeprefix(self._prefix)) for name in names]

    def _segment(self, number: int) -> BlobClient:
        if number not in self._clients:
            self._clients[number] = self._container.get_blob_client(f"{self._prefix}{number:06}")
        return self._clients[number]

    def _create(self, blob: BlobClient) -> None:
        """Create the segment, unless someone was faster: creating it again would empty it."""
        generation = {GENERATION: secrets.token_hex(8)}
        with suppress(ResourceExistsError, ResourceModifiedError):
            try:
                blob.create_append_blob(metadata=generation, match_condition=MatchConditions.IfMissing)
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):
                    self._container.create_container()
                blob.create_append_blob(metadata=generation, match_condition=MatchConditions.IfMissing)
