"""Index tags of blobs, as the service keeps them: they change nothing else about a blob."""

import pytest

from dedup_core.paths import ImagePath
from dedup_storage.account.clients import StorageClients
from dedup_storage.images.blob_tags import AzureBlobTags
from dedup_storage.images.blobs import AzureImages
from tests.storage.test_images import NAME_WITH_EVERYTHING


@pytest.mark.parametrize("name", ["a.jpg", NAME_WITH_EVERYTHING])
def test_tags_come_back_and_the_etag_stays(clients: StorageClients, name: str):
    clients.blobs.create_container("images")
    blob = clients.blobs.get_blob_client("images", name)
    blob.upload_blob(b"picture", metadata={"project": "spring"})
    before, path, tags = blob.get_blob_properties(), ImagePath("images", name), AzureBlobTags(clients.blobs)
    assert tags.get(path) == {}
    tags.put(path, {"dedup_verdict": "color_variant", "a project": "spring: 1/2"})
    assert tags.get(path) == {"dedup_verdict": "color_variant", "a project": "spring: 1/2"}
    after = blob.get_blob_properties()
    assert (after.etag, after.last_modified, after.metadata) == (before.etag, before.last_modified, before.metadata)
    assert AzureImages(clients.blobs, max_bytes=100).etag(path) == before.etag.strip('"')
    tags.put(path, {})
    assert tags.get(path) == {}


def test_a_blob_that_is_not_there_has_no_tags_and_takes_none(clients: StorageClients):
    clients.blobs.create_container("images")
    path, tags = ImagePath("images", "gone.jpg"), AzureBlobTags(clients.blobs)
    tags.put(path, {"dedup_verdict": "duplicate"})
    assert tags.get(path) is None
