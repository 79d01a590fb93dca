"""Blobs that the command moves, with the rights of whoever calls it: the app has neither these nor this code."""

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import (
    BlobClient,
    BlobLeaseClient,
    BlobProperties,
    BlobServiceClient,
    BlobType,
    StandardBlobTier,
)

from dedup_app.cleanup.ports import Blob, BlobChanged, BlobContent, BlobHeld, Copying
from dedup_app.configuration.settings import Settings
from dedup_core.errors import InvalidPath, TemporaryError
from dedup_core.paths import ImagePath
from dedup_storage.account.azure_errors import code_of, each_of, our_errors, status_of, whole_etag
from dedup_storage.account.clients import open_clients
from dedup_storage.images.blobs import HTTP_NOT_FOUND, is_directory, unquoted

READ_BYTES: Final = 4 * 1024 * 1024  # of a blob at a time
LEASE_SECONDS: Final = 30  # a call to storage ends within a minute; one that took longer finds the lease gone
CHANGED: Final = frozenset(
    {"ConditionNotMet", "SourceConditionNotMet", "TargetConditionNotMet", "BlobAlreadyExists", "BlobNotFound"}
)
HELD: Final = {
    "SnapshotsPresent": "it has snapshots, which would go with it: delete them first, if nobody needs them",
    "BlobImmutableDueToPolicy": "an immutability policy holds it: it can go when that has ended",
    "BlobImmutableDueToLegalHold": "a legal hold holds it: it can go when that is cleared",
    "BlobArchived": "it is in the archive tier: rehydrate it first",
    "BlobBeingRehydrated": "it is being rehydrated: wait until it is",
    "PendingCopyOperation": "something is being copied over it",
    "LeaseAlreadyPresent": "somebody holds a lease on it",
    "LeaseIsBreakingAndCannotBeAcquired": "somebody holds a lease on it",
    "LeaseIdMissing": "somebody holds a lease on it",
    "LeaseIdMismatchWithBlobOperation": "somebody else has got the lease on it meanwhile",
    "LeaseNotPresentWithBlobOperation": "the lease on it ended before it could be deleted: try again",
    "LeaseLost": "the lease on it ended before it could be deleted: try again",
}
# Nothing of it is told without that key, and neither has the app been told anything.
OF_A_CUSTOMERS_KEY: Final = Blob(
    "", BlobContent(0), held="a key of a customer encrypts it, and storage does not tell it"
)
CUSTOMERS_KEY: Final = "BlobUsesCustomerSpecifiedEncryption"
NO_CONTAINER: Final = "ContainerNotFound"
# Accounts with directories (hierarchical namespace) have no tags.
NO_TAGS: Final = frozenset({"FeatureNotSupportedForHierarchicalNamespaceAccounts", "UnsupportedHeader"})
TIERS: Final = frozenset(it.value for it in StandardBlobTier)
HEADERS: Final = ("content_type", "content_encoding", "content_language", "content_disposition", "cache_control")


def open_movable_blobs(settings: Settings) -> "AzureMovableBlobs":
    """Those of the account that the settings name; no call is made before the first use."""
    return AzureMovableBlobs(open_clients(settings.require_image_storage(), largest_read=READ_BYTES).blobs)


class AzureMovableBlobs:
    """The `MovableBlobs` port."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service

    def make_container(self, name: str) -> None:
        with our_errors(f"make the container {name}"), suppress(ResourceExistsError):
            self._service.create_container(name)

    def may_read_tags(self, path: ImagePath) -> bool:
        try:
            self._tags(path)
        except TemporaryError as error:
            if error.reason == "access-denied":
                return False
            raise
        return True

    def look(self, path: ImagePath, *, tags: bool = True) -> Blob | None:
        with our_errors(f"look at {path}"):
            try:
                found = self._blob(path).get_blob_properties()
            except ResourceNotFoundError:
                return None
            except HttpResponseError as error:
                if code_of(error) == CUSTOMERS_KEY:
                    return OF_A_CUSTOMERS_KEY
                raise
        has_tags = tags and bool(found.tag_count)
        return Blob(
            etag=unquoted(whole_etag(found.etag)),
            content=_content(found, self._tags(path) if has_tags else {}),
            copying=_copying(found),
            copied_from=self._source(found.copy.source),
            held=_held(found),
            offline=_offline(found),
            is_leased=found.lease.state in {"leased", "breaking"},
        )

    def sha256(self, path: ImagePath, etag: str) -> str:
        digest = hashlib.sha256()
        action = f"read {path}"
        with our_errors(action), _as_ours():
            download = self._blob(path).download_blob(decompress=False, **_if(etag))
        for chunk in each_of(action, download.chunks()):
            digest.update(chunk)
        return digest.hexdigest()

    def copy(self, source: ImagePath, etag: str, target: ImagePath, content: BlobContent) -> None:
        more: dict[str, Any] = {}
        if content.tags:
            more["tags"] = dict(content.tags)
        # A premium account names the one tier that it has, which nobody can choose.
        if content.tier in TIERS and content.kind == BlobType.BLOCKBLOB.value:
            more["standard_blob_tier"] = StandardBlobTier(content.tier)
        if content.is_sealed:
            more["seal_destination_blob"] = True
        with our_errors(f"copy {source} to {target}"), _as_ours():
            self._blob(target).start_copy_from_url(
                self._blob(source).url,
                source_etag=f'"{etag}"',
                source_match_condition=MatchConditions.IfNotModified,
                match_condition=MatchConditions.IfMissing,
                **more,
            )

    def lease(self, path: ImagePath, lease_id: str, etag: str | None = None) -> None:
        with our_errors(f"lease {path}"), _as_ours():
            self._blob(path).acquire_lease(LEASE_SECONDS, lease_id, **(_if(etag) if etag else {}))

    def release(self, path: ImagePath, lease_id: str) -> None:
        with our_errors(f"end the lease on {path}"), suppress(BlobChanged, BlobHeld, ResourceExistsError), _as_ours():
            BlobLeaseClient(self._blob(path), lease_id).release()

    def delete(self, path: ImagePath, etag: str, lease_id: str | None = None) -> None:
        with our_errors(f"delete {path}"), _as_ours():
            self._blob(path).delete_blob(lease=lease_id, **_if(etag))

    def has_any(self, container: str, prefix: str) -> bool:
        blobs = self._service.get_container_client(container).list_blobs(prefix)
        with our_errors(f"list {container}"):
            try:
                return not all(map(is_directory, blobs))  # what has left a directory leaves it behind
            except ResourceNotFoundError:
                return False

    def _tags(self, path: ImagePath) -> dict[str, str]:
        with our_errors(f"read the tags of {path}"):
            try:
                return dict(self._blob(path).get_blob_tags() or {})
            except HttpResponseError as error:
                if status_of(error) == HTTP_NOT_FOUND or code_of(error) in NO_TAGS:
                    return {}
                raise

    def _blob(self, path: ImagePath) -> BlobClient:
        return self._service.get_blob_client(path.container, path.name)

    def _source(self, url: str | None) -> ImagePath | None:
        """The blob of this account that a copy was made of."""
        ours = urlsplit(self._service.url)
        path = urlsplit(url or "").path
        if not url or urlsplit(url).netloc != ours.netloc or not path.startswith(ours.path.rstrip("/") + "/"):
            return None
        container, _, name = path.removeprefix(ours.path.rstrip("/") + "/").partition("/")
        try:
            return ImagePath(container, unquote(name))
        except InvalidPath:
            return None


class _as_ours:  # noqa: N801 - reads as a word at the call
    """Turns what the service says of a blob into what the command can act on."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, HttpResponseError):
            return
        code = code_of(error)
        if code in HELD:
            raise BlobHeld(HELD[code]) from None
        if code == NO_CONTAINER:
            raise BlobChanged("its container is not there (any more)") from None
        if code in CHANGED or status_of(error) in {HTTP_NOT_FOUND, 412}:
            raise BlobChanged("it changed, or went away, just now") from None


def _if(etag: str) -> dict[str, Any]:
    return {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified}


def _content(found: BlobProperties, tags: dict[str, str]) -> BlobContent:
    headers = {name: value for name in HEADERS if (value := getattr(found.content_settings, name))}
    return BlobContent(
        size=found.size,
        md5=bytes(found.content_settings.content_md5 or b"").hex(),
        kind=BlobType(found.blob_type).value,
        headers=headers,
        metadata=dict(found.metadata or {}),
        tags=tags,
        tier="" if found.blob_tier_inferred else str(found.blob_tier or ""),
        encryption_scope=found.encryption_scope or "",
        is_sealed=bool(found.is_append_blob_sealed),
    )


def _copying(found: BlobProperties) -> Copying:
    status = found.copy.status
    if status == "pending":
        return Copying.PENDING
    return Copying.FAILED if status in {"failed", "aborted"} else Copying.DONE


def _held(found: BlobProperties) -> str:
    if found.has_legal_hold:
        return HELD["BlobImmutableDueToLegalHold"]
    policy = found.immutability_policy
    if policy and policy.expiry_time and policy.expiry_time > datetime.now(UTC):
        return f"an immutability policy holds it until {policy.expiry_time:%Y-%m-%d %H:%M} (UTC)"
    return _offline(found)


def _offline(found: BlobProperties) -> str:
    if found.archive_status:
        return HELD["BlobBeingRehydrated"]
    return HELD["BlobArchived"] if found.blob_tier == "Archive" else ""
