"""Movable blobs beside the in-memory images: the same dict of bytes, with everything else that a blob has."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dedup_app.cleanup.ports import Blob, BlobChanged, BlobContent, BlobHeld, Copying
from dedup_core.paths import ImagePath
from tests.memory import MemoryImages


class MemoryMovableBlobs:
    """As `AzureMovableBlobs`. Copies take `slow` looks to be done; the service gives up on `fail_copies` of them.

    `spoil` and `spoiled_bytes` make them come out as something else.
    """

    def __init__(self, images: MemoryImages) -> None:
        self.images = images
        self.containers: set[str] = set()
        self.leases: dict[ImagePath, str] = {}
        self.snapshots: set[ImagePath] = set()
        self.tags_are_denied_in: set[str] = set()
        self.scopes: dict[str, str] = {}  # by containers, of what is copied there
        self.slow = 0
        self.fail_copies = 0
        self.spoil: Callable[[Blob], Blob] | None = None
        self.spoiled_bytes = b""
        self._blobs: dict[ImagePath, Blob] = {}
        self._pending: Counter[ImagePath] = Counter()

    def put(self, path: ImagePath, data: bytes, **properties: Any) -> Blob:
        """Upload a blob with headers, metadata, tags, tier."""
        etag = self.images.put(path, data)
        md5 = properties.pop("md5", hashlib.md5(data).hexdigest())  # noqa: S324 - what Blob Storage keeps
        self._blobs[path] = Blob(etag, BlobContent(len(data), md5, **properties))
        return self._blobs[path]

    def change(self, path: ImagePath, **changes: Any) -> None:
        """Change what is known of a blob, as `replace`."""
        self._blobs[path] = replace(self._found(path), **changes)

    def data(self, path: ImagePath) -> bytes:
        source = self.images.read(path)
        assert source is not None
        return source.data

    def make_container(self, name: str) -> None:
        self.containers.add(name)

    def may_read_tags(self, path: ImagePath) -> bool:
        return path.container not in self.tags_are_denied_in

    def look(self, path: ImagePath, *, tags: bool = True) -> Blob | None:
        if self.images.etag(path) is None:
            return None
        found = self._found(path)
        if self._pending[path] > 0:
            self._pending[path] -= 1
            return replace(found, copying=Copying.PENDING)
        content = found.content if tags else replace(found.content, tags={})
        return replace(found, content=content, is_leased=path in self.leases)

    def sha256(self, path: ImagePath, etag: str) -> str:
        self._must_have(path, etag)
        return hashlib.sha256(self.data(path)).hexdigest()

    def copy(self, source: ImagePath, etag: str, target: ImagePath, content: BlobContent) -> None:
        self._must_have(source, etag)
        if self.images.etag(target) is not None:
            raise BlobChanged("there is one")
        original = self._found(source).content
        scope = self.scopes.get(target.container, "")
        copied = replace(original, tags=content.tags, tier=content.tier, encryption_scope=scope)
        if self.fail_copies:
            self.fail_copies -= 1
            self.images.put(target, b"")
            self._blobs[target] = Blob("", replace(copied, size=0), Copying.FAILED, source)
            return
        self.images.put(target, self.spoiled_bytes or self.data(source))
        self._pending[target] = self.slow
        made = Blob("", copied, Copying.DONE, source)
        self._blobs[target] = self.spoil(made) if self.spoil else made

    def lease(self, path: ImagePath, lease_id: str, etag: str | None = None) -> None:
        if self.images.etag(path) is None:
            raise BlobChanged("gone")
        if etag is not None:
            self._must_have(path, etag)
        if self.leases.setdefault(path, lease_id) != lease_id:
            raise BlobHeld("somebody holds a lease on it")

    def release(self, path: ImagePath, lease_id: str) -> None:
        if self.leases.get(path) == lease_id:
            del self.leases[path]

    def delete(self, path: ImagePath, etag: str, lease_id: str | None = None) -> None:
        self._must_have(path, etag)
        if self.leases.get(path) != lease_id:
            raise BlobHeld("somebody holds a lease on it, or the lease ended")
        if path in self.snapshots:
            raise BlobHeld("it has snapshots")
        self.leases.pop(path, None)
        self.images.delete(path)

    def has_any(self, container: str, prefix: str) -> bool:
        return any(name.startswith(prefix) for name, _ in self.images.names(container))

    def _found(self, path: ImagePath) -> Blob:
        etag = self.images.etag(path)
        assert etag is not None
        known = self._blobs.get(path)
        if known is None:
            data = self.data(path)
            known = Blob(etag, BlobContent(len(data), hashlib.md5(data).hexdigest()))  # noqa: S324
        return replace(known, etag=etag)

    def _must_have(self, path: ImagePath, etag: str) -> None:
        if self.images.etag(path) != etag:
            raise BlobChanged("changed")
