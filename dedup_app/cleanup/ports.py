"""What clearing up needs from the outside world: blobs that can be moved, and a manifest that outlives the process."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Protocol, Self

from dedup_core.errors import PermanentError
from dedup_core.paths import ImagePath


class BlobChanged(PermanentError):
    """The blob is not (any more) the one that was meant, or there is one where none should be."""

    reason = "changed"


class BlobHeld(PermanentError):
    """Somebody or something keeps the blob from being moved: a lease, a hold, snapshots, the archive tier."""

    reason = "held"


class Copying(StrEnum):
    """How far a blob is that was made by a server-side copy."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BlobContent:
    """All that has to be the same when a blob comes back: bytes, as far as they are known, and what stands around them.

    `md5` is in hexadecimal and empty where none is stored; `headers` are those that a browser is sent, `tier` is empty
    where nobody chose one; `kind` is block, append or page.
    """

    size: int
    md5: str = ""
    kind: str = "BlockBlob"
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    tier: str = ""
    encryption_scope: str = ""
    is_sealed: bool = False

    def differences(self, other: Self) -> list[str]:
        """What is not the same in the two, by name."""
        return [it.name for it in fields(self) if getattr(self, it.name) != getattr(other, it.name)]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob as it is now; `copied_from` is None unless a copy within the account made it, `held` why it cannot go.

    `offline`: why nobody can read it, though it is there.
    """

    etag: str
    content: BlobContent
    copying: Copying = Copying.DONE
    copied_from: ImagePath | None = None
    held: str = ""
    offline: str = ""
    is_leased: bool = False


class MovableBlobs(Protocol):
    """Blobs of one account, with the rights of whoever calls. Etags are without quotes.

    With `tags` off no tags are read, and none are set.
    """

    def make_container(self, name: str) -> None:
        """Make the container, closed to anonymous readers, unless it is there."""
        ...

    def may_read_tags(self, path: ImagePath) -> bool: ...

    def look(self, path: ImagePath, *, tags: bool = True) -> Blob | None: ...

    def sha256(self, path: ImagePath, etag: str) -> str:
        """Of the bytes, in hexadecimal, read here. Raises `BlobChanged`."""
        ...

    def copy(self, source: ImagePath, etag: str, target: ImagePath, content: BlobContent) -> None:
        """Begin a copy within the account, with everything that `content` says of it but its encryption scope.

        That is the one of the container, as storage lets nobody choose another one for a copy.

        Raises `BlobChanged` if the source is no longer the one with the etag or there is a blob at the target, and
        `BlobHeld` for one in the archive tier.
        """
        ...

    def lease(self, path: ImagePath, lease_id: str, etag: str | None = None) -> None:
        """For half a minute nobody else can change or delete the blob. Again by the same id: from now on.

        Raises `BlobHeld` if somebody else has a lease, `BlobChanged` if there is no blob, or none with the etag.
        """
        ...

    def release(self, path: ImagePath, lease_id: str) -> None:
        """End the lease; one that has ended, or a blob that is gone, is no failure."""
        ...

    def delete(self, path: ImagePath, etag: str, lease_id: str | None = None) -> None:
        """Delete the blob if it still has the etag, and never its snapshots.

        With `lease_id`, only under that lease. Raises `BlobChanged` or `BlobHeld`.
        """
        ...

    def has_any(self, container: str, prefix: str) -> bool:
        """Whether there is a blob whose name begins so; a container that is not there has none."""
        ...


class Manifest(Protocol):
    """What was done to each image, step by step, in the order in which it was done. Nothing is ever taken back."""

    @property
    def place(self) -> str:
        """Where it lies: no two that are worked on at the same time have the same."""
        ...

    def entries(self) -> Iterable[Mapping[str, Any]]:
        """All entries, the first one first."""
        ...

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add an entry; it is on the disk when this returns."""
        ...
