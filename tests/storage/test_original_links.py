"""Links to originals: for one blob, for some minutes, to read; and none where the identity may make none."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient, UserDelegationKey

from dedup_core.errors import StoreBusy
from dedup_core.paths import ImagePath
from dedup_storage.images.original_links import DelegatedLinks

NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)
ACCOUNT = "https://photos.blob.core.windows.net"


class Account(BlobServiceClient):
    """Gives keys without a network, or fails as it is told."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(ACCOUNT)
        self.asked: list[tuple[datetime, datetime]] = []
        self.status = status

    def get_user_delegation_key(self, key_start_time: datetime, key_expiry_time: datetime, **_: Any) -> Any:
        self.asked.append((key_start_time, key_expiry_time))
        if self.status != 200:
            error = HttpResponseError("no")
            error.status_code = self.status
            raise error
        key = UserDelegationKey()
        key.signed_oid, key.signed_tid, key.signed_service, key.signed_version = "o", "t", "b", "2024-01-01"
        key.signed_start = key.signed_expiry = "2026-05-31T12:00:00Z"
        key.value = "c2VjcmV0"
        return key


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_a_link_reads_one_blob_for_five_minutes_with_the_type_of_its_content():
    link = DelegatedLinks(Account(), Clock()).link(ImagePath("images", "a b/ö#?.jpg"), "image/webp")
    assert link is not None
    url = urlsplit(link)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ACCOUNT}/images/a%20b/%C3%B6%23%3F.jpg"
    given = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (given["sp"], given["sr"], given["spr"]) == ("r", "b", "https")
    assert (given["se"], given["rsct"], given["rscd"]) == ("2026-05-31T12:05:00Z", "image/webp", "inline")
    assert given["skoid"] == "o"


def test_the_key_is_asked_for_once_an_hour_and_outlives_each_link():
    account, clock = Account(), Clock()
    links = DelegatedLinks(account, clock)
    for _ in range(120):
        links.link(ImagePath("images", "a.jpg"), "image/jpeg")
        assert clock.now + timedelta(minutes=5) < account.asked[-1][1]
        clock.now += timedelta(minutes=1)
    assert len(account.asked) == 3


@pytest.mark.parametrize("status", [401, 403])
def test_where_the_identity_may_make_none_there_is_none(status: int):
    assert DelegatedLinks(Account(status), Clock()).link(ImagePath("images", "a.jpg"), "image/jpeg") is None


def test_busy_storage_is_told_and_not_taken_for_a_refusal():
    with pytest.raises(StoreBusy):
        DelegatedLinks(Account(503), Clock()).link(ImagePath("images", "a.jpg"), "image/jpeg")
