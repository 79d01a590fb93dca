"""Images in blobs: one GET an image, refused by its headers before the body is read."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline import PipelineResponse
from azure.storage.blob import BlobProperties, BlobServiceClient, StorageStreamDownloader

from dedup_app.ports.images import BLOBS_A_PAGE, BlobPage
from dedup_core.errors import ImageNotFound, ImageTooLarge, PermanentError, StoreBusy
from dedup_core.loading.source import SourceImage
from dedup_core.paths import ImagePath
from dedup_storage.account.azure_errors import our_errors, status_of, whole_etag

type Response = PipelineResponse[Any, Any]

HTTP_OK = 200
HTTP_PARTIAL = 206
HTTP_NOT_MODIFIED = 304
HTTP_NOT_FOUND = 404


class AzureImages:
    """The `Images` port. The client must read `max_bytes` in a single GET (`max_single_get_size`)."""

    def __init__(self, service: BlobServiceClient, *, max_bytes: int) -> None:
        self._service = service
        self._max_bytes = max_bytes

    def read(self, path: ImagePath, *, unless_etag: str | None = None) -> SourceImage | None:
        started = time.monotonic()
        with our_errors(f"read image {path.image_id}"):
            try:
                download = self._service.get_blob_client(path.container, path.name).download_blob(
                    raw_response_hook=self._refuse_large(path),
                    # As stored: unpacking a Content-Encoding would get around the limit.
                    decompress=False,
                    **_condition(unless_etag),
                )
                data = whole_answer(download)
            except HttpResponseError as error:
                if status_of(error) == HTTP_NOT_MODIFIED:
                    return None
                if status_of(error) == HTTP_NOT_FOUND:
                    raise ImageNotFound(f"There is no blob {path}") from None
                raise
            etag = unquoted(whole_etag(download.properties.etag))
        return SourceImage(data, etag, time.monotonic() - started, download.properties.last_modified)

    def etag(self, path: ImagePath) -> str | None:
        with our_errors(f"look at image {path.image_id}"):
            try:
                found = self._service.get_blob_client(path.container, path.name).get_blob_properties()
                return unquoted(whole_etag(found.etag))
            except ResourceNotFoundError:
                return None

    def names(self, container: str) -> Iterator[tuple[str, str]]:
        place: str | None = ""
        while place is not None:
            page = self.page(container, place)
            yield from page.blobs
            place = page.next_place

    def page(self, container: str, place: str = "", most: int = BLOBS_A_PAGE) -> BlobPage:
        listed = self._service.get_container_client(container).list_blobs(results_per_page=most)
        pages: Any = listed.by_page(place or None)
        with our_errors(f"list {container}"):
            try:
                blobs = list(next(pages))
            except ResourceNotFoundError:
                raise PermanentError(
                    f"There is no container {container} in this account: check IMAGE_CONTAINER and ImageStorage, "
                    "or create it",
                    reason="no-container",
                ) from None
        found = [(blob.name, unquoted(blob.etag)) for blob in blobs if not is_directory(blob)]
        return BlobPage(found, pages.continuation_token or None)

    def _refuse_large(self, path: ImagePath) -> Callable[[Response], None]:
        """A hook that the SDK calls when the headers are there and the body is not."""

        def check(response: Response) -> None:
            answer = response.http_response
            if answer.status_code not in {HTTP_OK, HTTP_PARTIAL}:
                return
            size = _blob_size(answer.headers)
            if size > self._max_bytes:
                answer.internal_response.close()
                raise ImageTooLarge(
                    f"{path} has {size:,} bytes, more than the {self._max_bytes:,} allowed", reason="too-many-bytes"
                )

        return check


def is_directory(blob: BlobProperties) -> bool:
    """Whether it is one of those that an account with a hierarchical namespace lists: no file is without a type."""
    return not blob.size and not blob.content_settings.content_type


def whole_answer(download: StorageStreamDownloader[bytes]) -> bytes:
    """The bytes that the answer has announced. Raises `StoreBusy` if fewer came, which nothing else notices."""
    data = download.readall()
    if len(data) != download.size:
        raise StoreBusy(f"Storage sent {len(data):,} of {download.size:,} bytes")
    return data


def unquoted(etag: str) -> str:
    """An etag without the quotes that HTTP puts around it: how this app stores and compares them."""
    return etag.strip('"')


def _condition(unless_etag: str | None) -> dict[str, Any]:
    if unless_etag is None:
        return {}
    return {"etag": f'"{unquoted(unless_etag)}"', "match_condition": MatchConditions.IfModified}


def _blob_size(headers: Mapping[str, str]) -> int:
    # A ranged answer tells the size of the whole blob after the slash: bytes 0-99/1234.
    whole = headers.get("Content-Range", "").rpartition("/")[2]
    return int(whole or headers.get("Content-Length", "0"))
