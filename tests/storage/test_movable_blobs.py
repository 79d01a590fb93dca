"""Blobs that can be moved, on Azurite and in memory alike; and a clearing up that is killed, on Azurite."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from azure.storage.blob import ContentSettings, StandardBlobTier

from dedup_app.cleanup.apply import ApplyService
from dedup_app.cleanup.outcome import Fate
from dedup_app.cleanup.ports import Blob, BlobChanged, BlobHeld, Copying, MovableBlobs
from dedup_app.cleanup.undo import UndoService
from dedup_app.configuration.settings import Settings
from dedup_core.groups.plan import Wanted
from dedup_core.paths import ImagePath
from dedup_storage.account.clients import StorageClients
from dedup_storage.images.movable_blobs import AzureMovableBlobs
from tests.app.cleanup.scenes import ODD, MemoryManifest, Scene, scene
from tests.app.world import Crash, Watched
from tests.memory import MemoryImages
from tests.memory_blobs import MemoryMovableBlobs

type Upload = Callable[[ImagePath, bytes], object]
A, B = ImagePath("images", "a.jpg"), ImagePath("dedup-quarantine", "b.jpg")
ME, YOU = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
ODD_NAMES = [
    *(ODD, "a//b.jpg", "end/", "dot.", "a\\b", "a%2Fb", "=1+1", "'q\"&<>", "日本語.jpg", "e\u0301.jpg", "x" * 1024),
]


class MovableBlobsContract:
    """What any movable blobs do."""

    def test_what_is_not_there_is_none(self, blobs: MovableBlobs) -> None:
        assert blobs.look(A) is None
        assert not blobs.has_any("nowhere", "")
        assert blobs.may_read_tags(A)
        assert blobs.may_read_tags(B)

    def test_a_copy_has_everything_that_the_original_has(self, blobs: MovableBlobs, upload: Upload) -> None:
        upload(A, b"bytes")
        original = found(blobs, A)
        assert original.content.md5 == hashlib.md5(b"bytes").hexdigest()  # noqa: S324 - what Blob Storage keeps
        assert (original.content.tags, original.content.tier) == ({"shop": "a b"}, "Cool")
        assert original.content.metadata == {"Who": "ann", "n_1": "x y"}
        assert len(original.content.headers) == 5
        blobs.copy(A, original.etag, B, original.content)
        copy = found(blobs, B)
        assert (copy.content, copy.copying, copy.copied_from) == (original.content, Copying.DONE, A)
        assert blobs.sha256(B, copy.etag) == hashlib.sha256(b"bytes").hexdigest()
        assert blobs.has_any("dedup-quarantine", "b.")
        assert not blobs.has_any("dedup-quarantine", "c")

    def test_without_tags_these_are_not_looked_at(self, blobs: MovableBlobs, upload: Upload) -> None:
        upload(A, b"bytes")
        looked = blobs.look(A, tags=False)
        assert looked is not None
        assert looked.content.tags == {}

    def test_nothing_is_copied_over_something_or_of_what_changed(self, blobs: MovableBlobs, upload: Upload) -> None:
        upload(A, b"bytes")
        original = found(blobs, A)
        upload(B, b"other")
        with pytest.raises(BlobChanged):
            blobs.copy(A, original.etag, B, original.content)
        blobs.delete(B, found(blobs, B).etag)
        upload(A, b"new")
        with pytest.raises(BlobChanged):
            blobs.copy(A, original.etag, B, original.content)
        with pytest.raises(BlobChanged):
            blobs.sha256(A, original.etag)
        assert blobs.look(B) is None

    def test_only_what_was_meant_is_deleted(self, blobs: MovableBlobs, upload: Upload) -> None:
        upload(A, b"bytes")
        before = found(blobs, A).etag
        upload(A, b"new")
        with pytest.raises(BlobChanged):
            blobs.delete(A, before)
        blobs.delete(A, found(blobs, A).etag)
        with pytest.raises(BlobChanged):
            blobs.delete(A, before)

    def test_a_lease_keeps_others_away_and_changes_no_etag(self, blobs: MovableBlobs, upload: Upload) -> None:
        upload(A, b"bytes")
        etag = found(blobs, A).etag
        blobs.lease(A, ME)
        blobs.lease(A, ME)
        assert (found(blobs, A).is_leased, found(blobs, A).etag) == (True, etag)
        with pytest.raises(BlobHeld, match="lease"):
            blobs.lease(A, YOU)
        for lease in (None, YOU):
            with pytest.raises(BlobHeld, match="lease"):
                blobs.delete(A, etag, lease)
        blobs.release(A, ME)
        blobs.release(A, ME)
        with pytest.raises(BlobHeld, match="lease"):
            blobs.delete(A, etag, ME)  # whoever has lost the lease has lost the right, whoever has it now
        blobs.lease(A, YOU)
        blobs.delete(A, etag, YOU)
        blobs.release(A, YOU)
        with pytest.raises(BlobChanged):
            blobs.lease(A, ME)

    def test_a_lease_can_be_on_what_was_meant_alone(self, blobs: MovableBlobs, upload: Upload) -> None:
        upload(A, b"bytes")
        meant = found(blobs, A).etag
        blobs.lease(A, ME, meant)
        blobs.release(A, ME)
        upload(A, b"other bytes")
        with pytest.raises(BlobChanged):
            blobs.lease(A, ME, meant)
        assert not found(blobs, A).is_leased

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_whatever_it_is_called(self, blobs: MovableBlobs, upload: Upload, name: str) -> None:
        path, to = ImagePath("images", name), ImagePath("dedup-quarantine", f"k/{name}"[:1024])
        upload(path, b"bytes")
        original = found(blobs, path)
        blobs.copy(path, original.etag, to, original.content)
        assert (found(blobs, to).content, found(blobs, to).copied_from) == (original.content, path)


def found(blobs: MovableBlobs, path: ImagePath) -> Blob:
    blob = blobs.look(path)
    assert blob is not None
    return blob


class TestMemoryMovableBlobs(MovableBlobsContract):
    @pytest.fixture
    def blobs(self) -> MemoryMovableBlobs:
        return MemoryMovableBlobs(MemoryImages())

    @pytest.fixture
    def upload(self, blobs: MemoryMovableBlobs) -> Upload:
        headers = dict.fromkeys(
            ("content_type", "content_encoding", "content_language", "content_disposition", "cache_control"), "x"
        )
        metadata = {"Who": "ann", "n_1": "x y"}
        return lambda path, data: blobs.put(
            path, data, headers=headers, metadata=metadata, tags={"shop": "a b"}, tier="Cool"
        )


class TestAzureMovableBlobs(MovableBlobsContract):
    @pytest.fixture
    def blobs(self, clients: StorageClients) -> AzureMovableBlobs:
        movable = AzureMovableBlobs(clients.blobs)
        for name in ("images", "dedup-quarantine", "images"):  # again is no failure
            movable.make_container(name)
        return movable

    @pytest.fixture
    def upload(self, clients: StorageClients) -> Upload:
        return lambda path, data: put(clients, path, data)

    def test_snapshots_are_never_deleted(self, blobs: AzureMovableBlobs, upload: Upload, clients: StorageClients):
        upload(A, b"bytes")
        clients.blobs.get_blob_client(A.container, A.name).create_snapshot()
        with pytest.raises(BlobHeld, match="snapshots"):
            blobs.delete(A, found(blobs, A).etag)

    def test_what_is_archived_is_held(self, blobs: AzureMovableBlobs, upload: Upload, clients: StorageClients):
        upload(A, b"bytes")
        before = found(blobs, A)
        clients.blobs.get_blob_client(A.container, A.name).set_standard_blob_tier(StandardBlobTier.ARCHIVE)
        assert "archive" in found(blobs, A).held
        assert (before.offline, found(blobs, A).offline) == ("", found(blobs, A).held)
        assert found(blobs, A).etag == before.etag  # so that nothing else tells that nobody can read it
        with pytest.raises(BlobHeld, match="archive"):
            blobs.copy(A, found(blobs, A).etag, B, replace(found(blobs, A).content, tier=""))

    def test_append_blobs_stay_append_blobs(self, blobs: AzureMovableBlobs, clients: StorageClients):
        blob = clients.blobs.get_blob_client(A.container, A.name)
        blob.create_append_blob()
        blob.append_block(b"bytes")
        blobs.copy(A, found(blobs, A).etag, B, found(blobs, A).content)
        assert (found(blobs, B).content, found(blobs, B).content.kind) == (found(blobs, A).content, "AppendBlob")


def put(clients: StorageClients, path: ImagePath, data: bytes, **more: Any) -> None:
    settings = ContentSettings("image/jpeg", "x-none", "de", "inline", "max-age=3")
    clients.blobs.get_blob_client(path.container, path.name).upload_blob(
        data,
        overwrite=True,
        metadata={"Who": "ann", "n_1": "x y"},
        tags={"shop": "a b"},
        content_settings=settings,
        standard_blob_tier=StandardBlobTier.COOL,
        **more,
    )


def on_azurite(clients: StorageClients) -> tuple[Scene, Settings]:
    """The scene with its images in Azurite; groups and queue stay in memory."""
    it, settings = scene(), Settings()
    blobs = AzureMovableBlobs(clients.blobs)
    blobs.make_container("images")
    etags = {}
    for path, (data, _) in it.before.items():
        put(clients, path, data)
        etags[path] = found(blobs, path).etag
        row = it.world.row(path)
        it.world.features.put(replace(row, etag=etags[path]))
    it.plan = it.world.services.keep_plan.plan(Wanted())
    return it, settings


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_killed_on_azurite_and_gone_on_with_then_undone_every_blob_is_as_it_was(
    clients: StorageClients, share: float
) -> None:
    it, settings = on_azurite(clients)
    blobs = AzureMovableBlobs(clients.blobs)
    before = {path: found(blobs, path).content for path in it.before}
    calls = [0, round(48 * share)]

    def count(_step: str) -> None:
        calls[0] += 1
        if calls[0] == calls[1]:
            raise Crash

    watched: Any = Watched(blobs, "blobs", count, lambda _step: None)
    at = it.world.services
    ports = {"blobs": watched, "ingest_queue": at.ingest_queue, "now": at.now, "at_once": 1}
    applying = ApplyService(book=at.groups, settings=settings, **ports)
    undoing = UndoService(settings=settings, **ports)
    manifest = MemoryManifest()
    with suppress(Crash):
        list(applying.apply(it.plan, manifest))
        pytest.fail("it was to be killed")
    assert {outcome.fate for outcome in applying.apply(it.plan, manifest)} == {Fate.GONE}
    assert [blobs.look(path) for path in it.going] == [None] * 3
    calls[:] = 0, round(20 * share)
    with suppress(Crash):
        list(undoing.undo(manifest))
        pytest.fail("it was to be killed")
    assert {outcome.fate for outcome in undoing.undo(manifest)} == {Fate.BACK}
    assert {path: found(blobs, path).content for path in it.before} == before
    for path, (data, _) in it.before.items():
        assert clients.blobs.get_blob_client(path.container, path.name).download_blob().readall() == data
    assert not blobs.has_any("dedup-quarantine", "")
