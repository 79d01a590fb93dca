"""Index tags of blobs, by the rights to read and write tags alone."""

from collections.abc import Mapping

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from dedup_core.paths import ImagePath
from dedup_storage.account.azure_errors import our_errors


class AzureBlobTags:
    """The `BlobTags` port."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service

    def get(self, path: ImagePath) -> dict[str, str] | None:
        with our_errors(f"read the tags of image {path.image_id}"):
            try:
                return dict(self._service.get_blob_client(path.container, path.name).get_blob_tags())
            except ResourceNotFoundError:
                return None

    def put(self, path: ImagePath, tags: Mapping[str, str]) -> None:
        with our_errors(f"tag image {path.image_id}"):
            try:
                self._service.get_blob_client(path.container, path.name).set_blob_tags(dict(tags))
            except ResourceNotFoundError:
                return
