"""Links to single blobs: signatures with a key that storage delegates to the app's identity, good for minutes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from dedup_app.event_log import EventLog
from dedup_core.errors import TemporaryError
from dedup_core.paths import ImagePath
from dedup_storage.account.azure_errors import our_errors

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient, UserDelegationKey

log = EventLog(__name__)

LINK_TIME = timedelta(minutes=5)
KEY_TIME = timedelta(hours=1)
SKEW = timedelta(minutes=5)  # by which clocks may differ from storage's


class DelegatedLinks:
    """The `OriginalLinks` port. A link opens no more than its identity may read; the key is asked for once an hour."""

    def __init__(self, service: "BlobServiceClient", now: Callable[[], datetime]) -> None:
        self._service = service
        self._now = now
        self._key: UserDelegationKey | None = None
        self._renew_at: datetime | None = None
        self._lock = Lock()

    def link(self, path: ImagePath, media_type: str) -> str | None:
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas  # noqa: PLC0415 - only where links are made

        now = self._now()
        try:
            key = self._current_key(now)
        except TemporaryError as error:
            if error.reason != "access-denied":
                raise
            # The role may still be on its way, or be left out on purpose.
            log.warning("original_links_denied", reason=error.reason, error=str(error))
            return None
        signature = generate_blob_sas(
            account_name=str(self._service.account_name),
            container_name=path.container,
            blob_name=path.name,
            user_delegation_key=key,
            permission=BlobSasPermissions(read=True),
            start=now - SKEW,
            expiry=now + LINK_TIME,
            protocol="https",
            content_disposition="inline",
            content_type=media_type,
        )
        return f"{self._service.get_blob_client(path.container, path.name).url}?{signature}"

    def _current_key(self, now: datetime) -> "UserDelegationKey":
        with self._lock:
            if self._key is None or self._renew_at is None or now >= self._renew_at:
                with our_errors("ask for a key for links to originals"):
                    self._key = self._service.get_user_delegation_key(now - SKEW, now + KEY_TIME)
                self._renew_at = now + KEY_TIME - 2 * LINK_TIME
            return self._key
