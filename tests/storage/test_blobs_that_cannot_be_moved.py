"""What the service says of blobs that cannot be moved, where Azurite never says it."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from azure.storage.blob import BlobServiceClient

from dedup_app.cleanup.ports import BlobChanged, BlobContent, BlobHeld
from dedup_core.errors import TemporaryError
from dedup_core.paths import ImagePath
from dedup_storage.images.movable_blobs import AzureMovableBlobs
from tests.storage.examples import LISTED

A, B = ImagePath("images", "a.jpg"), ImagePath("dedup-quarantine", "b.jpg")
THERE = {
    "ETag": '"1"',
    "x-ms-blob-type": "BlockBlob",
    "x-ms-access-tier": "Cool",
    "Content-MD5": "CY9rzUYh03PK3k6DJie09g==",
}
LEASE = "11111111-1111-1111-1111-111111111111"


class Service:
    """Answers every call with the same status, headers and body."""

    status, headers, body = 200, THERE, b""

    def refuse(self, status: int, code: str) -> None:
        self.status, self.headers = status, {"x-ms-error-code": code}


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def blobs(service: Service) -> Iterator[AzureMovableBlobs]:
    class Answer(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(service.status)
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(service.body)))
            self.end_headers()
            self.wfile.write(service.body)

        do_GET = do_HEAD = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/account"
        with BlobServiceClient(address, "a2V5", retry_total=0) as client:
            yield AzureMovableBlobs(client)
        server.shutdown()


def held(blobs: AzureMovableBlobs) -> str:
    found = blobs.look(A)
    assert found is not None
    return found.held


@pytest.mark.parametrize(("days", "told"), [(-1, ""), (1, "an immutability policy holds it until ")])
def test_an_immutability_policy_holds_until_it_ends(blobs: AzureMovableBlobs, service: Service, days: int, told: str):
    until = format_datetime(datetime.now(UTC) + timedelta(days=days), usegmt=True)
    service.headers = THERE | {
        "x-ms-immutability-policy-until-date": until,
        "x-ms-immutability-policy-mode": "Unlocked",
    }
    assert held(blobs)[:38] == told


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"x-ms-legal-hold": "true"}, "a legal hold holds it: it can go when that is cleared"),
        ({"x-ms-access-tier": "Archive"}, "it is in the archive tier: rehydrate it first"),
        ({"x-ms-archive-status": "rehydrate-pending-to-hot"}, "it is being rehydrated: wait until it is"),
        ({"x-ms-access-tier": "Smart"}, ""),
    ],
)
def test_what_holds_a_blob_is_told(blobs: AzureMovableBlobs, service: Service, headers: dict[str, str], told: str):
    service.headers = THERE | headers
    assert held(blobs) == told


def test_a_blob_that_only_its_owner_has_the_key_of_is_not_the_one_that_was_compared(
    blobs: AzureMovableBlobs, service: Service
):
    service.refuse(409, "BlobUsesCustomerSpecifiedEncryption")
    found = blobs.look(A)
    assert found is not None
    assert found.etag == ""
    assert "key of a customer" in found.held


CALLS: list[Callable[[AzureMovableBlobs], object]] = [
    lambda blobs: blobs.copy(A, "1", B, BlobContent(1)),
    lambda blobs: blobs.lease(A, LEASE),
    lambda blobs: blobs.delete(A, "1", LEASE),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (409, "BlobImmutableDueToPolicy", "it can go when that has ended"),
        (409, "BlobImmutableDueToLegalHold", "it can go when that is cleared"),
        (409, "BlobArchived", "rehydrate it first"),
        (409, "SnapshotsPresent", "delete them first"),
        (409, "LeaseAlreadyPresent", "somebody holds a lease on it"),
        (412, "LeaseIdMissing", "somebody holds a lease on it"),
    ],
)
def test_whatever_refuses_is_about_one_blob(
    blobs: AzureMovableBlobs,
    service: Service,
    call: Callable[[AzureMovableBlobs], object],
    status: int,
    code: str,
    told: str,
):
    service.refuse(status, code)
    with pytest.raises(BlobHeld, match=told):
        call(blobs)


def test_a_tier_that_nobody_can_choose_is_not_asked_for(blobs: AzureMovableBlobs, service: Service):
    service.status, service.headers = 202, {"x-ms-copy-status": "success"}
    blobs.copy(A, "1", B, BlobContent(5, tier="Premium"))


def test_an_encryption_scope_which_a_copy_cannot_be_given_is_not_asked_for(blobs: AzureMovableBlobs, service: Service):
    service.status, service.headers = 202, {"x-ms-copy-status": "success"}
    blobs.copy(A, "1", B, BlobContent(5, encryption_scope="ours"))


@pytest.mark.parametrize("call", CALLS)
def test_a_container_that_is_gone_is_named(
    blobs: AzureMovableBlobs, service: Service, call: Callable[[AzureMovableBlobs], object]
):
    service.refuse(404, "ContainerNotFound")
    with pytest.raises(BlobChanged, match="its container is not there"):
        call(blobs)


@pytest.mark.parametrize(("size", "content_type", "is_any"), [(0, "", False), (9, "image/jpeg", True)])
def test_a_directory_that_an_undo_left_empty_holds_no_copies(
    blobs: AzureMovableBlobs, service: Service, size: int, content_type: str, is_any: bool
):
    blob = LISTED.format("keeper/copy", size, content_type, "file" if is_any else "directory")
    service.headers = {"Content-Type": "application/xml"}
    service.body = f"<EnumerationResults><Blobs>{blob}</Blobs><NextMarker /></EnumerationResults>".encode()
    assert blobs.has_any("dedup-quarantine", "keeper/") is is_any


@pytest.mark.parametrize("call", CALLS)
def test_a_missing_right_is_about_all_of_them(
    blobs: AzureMovableBlobs, service: Service, call: Callable[[AzureMovableBlobs], object]
):
    service.refuse(403, "AuthorizationPermissionMismatch")
    with pytest.raises(TemporaryError) as refused:
        call(blobs)
    assert refused.value.reason == "access-denied"
