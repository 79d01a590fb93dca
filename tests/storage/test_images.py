"""What every reader of images does, in memory and on Azure Blobs."""

import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.storage.blob import BlobServiceClient, ContentSettings

from dedup_app.ports.images import Images
from dedup_core.errors import ImageNotFound, ImageTooLarge, PermanentError, StoreBusy, TemporaryError
from dedup_core.paths import ImagePath
from dedup_storage.account.azure_errors import as_our_error, our_errors
from dedup_storage.account.clients import StorageClients
from dedup_storage.images.blobs import AzureImages
from tests.azurite import Account
from tests.memory import MemoryImages
from tests.storage.examples import LISTED

LIMIT = 100_000
type Upload = Callable[[ImagePath, bytes], object]

NAME_WITH_EVERYTHING = "sub folder/100%25 é#?&+ 日本.jpg"


class ImagesContract(ABC):
    """What every implementation of `Images` does."""

    @pytest.fixture
    @abstractmethod
    def images(self) -> Images: ...

    @pytest.fixture
    @abstractmethod
    def upload(self) -> Upload: ...

    @pytest.mark.parametrize("name", ["a.jpg", NAME_WITH_EVERYTHING])
    def test_an_image_is_read_whole_with_its_etag_and_time(self, images: Images, name: str, upload: Upload) -> None:
        path = ImagePath("images", name)
        upload(path, b"picture")
        image = images.read(path)
        assert image is not None
        assert image.data == b"picture"
        assert image.etag
        assert '"' not in image.etag
        assert 0 <= image.seconds < 60

    def test_all_names_come_in_order_with_the_etags_that_reading_gives(self, images: Images, upload: Upload) -> None:
        paths = [ImagePath("images", name) for name in ("b.jpg", "a.jpg", NAME_WITH_EVERYTHING)]
        for path in paths:
            upload(path, b"picture")
        found = list(images.names("images"))
        assert found == [(path.name, images.read(path).etag) for path in sorted(paths)]  # type: ignore[union-attr]

    def test_a_page_has_so_many_blobs_and_tells_where_the_next_one_begins(self, images: Images, upload: Upload) -> None:
        for name in ("a.jpg", "b.jpg", NAME_WITH_EVERYTHING):
            upload(ImagePath("images", name), b"picture")
        names = list(images.names("images"))
        first = images.page("images", most=2)
        assert first.blobs == names[:2]
        assert first.next_place
        for _ in range(2):
            assert images.page("images", first.next_place, most=2) == (names[2:], None)

    def test_an_overwritten_image_has_another_etag(self, images: Images, upload: Upload) -> None:
        path = ImagePath("images", "a.jpg")
        upload(path, b"one")
        before = images.read(path)
        upload(path, b"two")
        after = images.read(path)
        assert before is not None
        assert after is not None
        assert before.etag != after.etag

    def test_an_unchanged_image_is_not_read_again_however_its_etag_is_spelled(
        self, images: Images, upload: Upload
    ) -> None:
        path = ImagePath("images", "a.jpg")
        upload(path, b"one")
        first = images.read(path)
        assert first is not None
        assert images.read(path, unless_etag=first.etag) is None
        assert images.read(path, unless_etag=f'"{first.etag}"') is None

    def test_a_changed_image_is_read_again(self, images: Images, upload: Upload) -> None:
        path = ImagePath("images", "a.jpg")
        upload(path, b"one")
        first = images.read(path)
        upload(path, b"two")
        assert first is not None
        second = images.read(path, unless_etag=first.etag)
        assert second is not None
        assert second.data == b"two"

    def test_a_look_tells_the_etag_that_reading_gives_and_none_once_it_is_gone(
        self, images: Images, upload: Upload
    ) -> None:
        upload(PATH, b"bytes")
        assert images.etag(PATH) == images.read(PATH).etag
        assert images.etag(ImagePath(PATH.container, "gone.jpg")) is None

    def test_a_missing_image_is_not_found(self, images: Images) -> None:
        with pytest.raises(ImageNotFound, match=r"images/gone\.jpg"):
            images.read(ImagePath("images", "gone.jpg"))

    def test_an_image_of_just_the_limit_is_read(self, images: Images, upload: Upload) -> None:
        path = ImagePath("images", "a.jpg")
        upload(path, bytes(LIMIT))
        image = images.read(path)
        assert image is not None
        assert len(image.data) == LIMIT

    def test_one_byte_more_than_the_limit_is_refused_with_both_numbers(self, images: Images, upload: Upload) -> None:
        path = ImagePath("images", "a.jpg")
        upload(path, bytes(LIMIT + 1))
        with pytest.raises(ImageTooLarge, match=r"100,001 bytes, more than the 100,000") as caught:
            images.read(path)
        assert caught.value.reason == "too-many-bytes"

    def test_an_empty_file_is_read_as_no_bytes(self, images: Images, upload: Upload) -> None:
        path = ImagePath("images", "empty.jpg")
        upload(path, b"")
        image = images.read(path)
        assert image is not None
        assert image.data == b""


class TestMemoryImages(ImagesContract):
    @pytest.fixture
    def images(self) -> MemoryImages:
        return MemoryImages(max_bytes=LIMIT)

    @pytest.fixture
    def upload(self, images: MemoryImages) -> Upload:
        return images.put

    def test_reads_are_listed_and_can_be_made_to_fail(self, images: MemoryImages) -> None:
        path = ImagePath("images", "a.jpg")
        images.put(path, b"one")
        images.failures[path] = StoreBusy("503")
        with pytest.raises(StoreBusy):
            images.read(path)
        del images.failures[path]
        images.read(path)
        assert images.reads == [path, path]


class TestAzureImages(ImagesContract):
    @pytest.fixture
    def images(self, clients: StorageClients) -> AzureImages:
        clients.blobs.create_container("images")
        return AzureImages(clients.blobs, max_bytes=LIMIT)

    @pytest.fixture
    def upload(self, clients: StorageClients) -> Upload:
        def upload(path: ImagePath, data: bytes) -> None:
            clients.blobs.get_blob_client(path.container, path.name).upload_blob(data, overwrite=True)

        return upload

    def test_each_image_up_to_the_limit_costs_one_request(
        self, images: AzureImages, account: Account, upload: Upload
    ) -> None:
        path = ImagePath("images", "a.jpg")
        upload(path, bytes(LIMIT))
        before = len(account.requests())
        image = images.read(path)
        assert image is not None
        images.read(path, unless_etag=image.etag)
        with pytest.raises(ImageNotFound):
            images.read(ImagePath("images", "gone.jpg"))
        upload(path, bytes(LIMIT + 1))
        with pytest.raises(ImageTooLarge):
            images.read(path)
        reads = [request for request in account.requests()[before:] if request.method == "GET"]
        assert [request.status for request in reads[:3]] == [206, 304, 404]
        assert len(reads) == 4

    def test_an_image_in_a_container_that_is_not_there_is_not_found(self, images: AzureImages) -> None:
        with pytest.raises(ImageNotFound):
            images.read(ImagePath("nowhere", "a.jpg"))

    def test_bytes_come_as_they_are_stored_whatever_encoding_the_blob_claims(
        self, images: AzureImages, clients: StorageClients
    ) -> None:
        blob = clients.blobs.get_blob_client("images", "a.jpg")
        blob.upload_blob(b"not gzip at all", content_settings=ContentSettings(content_encoding="gzip"))
        image = images.read(ImagePath("images", "a.jpg"))
        assert image is not None
        assert image.data == b"not gzip at all"


class Answer(BaseHTTPRequestHandler):
    """A blob service that answers everything with `status`, and claims a body of `claimed_bytes`."""

    status = 200
    claimed_bytes = 0
    sent_bytes = 0
    delay_seconds = 0.0

    def do_GET(self) -> None:
        time.sleep(self.delay_seconds)
        self.send_response(self.status)
        self.send_header("Content-Length", str(self.claimed_bytes))
        if self.status == 206:
            self.send_header("Content-Range", f"bytes 0-{self.claimed_bytes - 1}/{self.claimed_bytes}")
            self.send_header("ETag", '"0x1"')
            self.send_header("x-ms-blob-type", "BlockBlob")
        self.end_headers()
        with suppress(BrokenPipeError):
            self.wfile.write(bytes(self.sent_bytes))
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def answering(read_seconds: float) -> Iterator[tuple[type[Answer], AzureImages]]:
    """A service to be broken at will, and images read from it without retries."""
    handler = type("BrokenAnswer", (Answer,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    service = BlobServiceClient(
        f"http://127.0.0.1:{server.server_port}/account",
        credential={"account_name": "account", "account_key": "c2VjcmV0"},
        retry_total=0,
        read_timeout=read_seconds,
        max_single_get_size=LIMIT,
    )
    yield handler, AzureImages(service, max_bytes=LIMIT)
    service.close()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def broken_service() -> Iterator[tuple[type[Answer], AzureImages]]:
    with answering(read_seconds=30) as it:
        yield it


PATH = ImagePath("images", "a.jpg")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_service_is_a_temporary_failure(broken_service: tuple[type[Answer], AzureImages], status: int) -> None:
    handler, images = broken_service
    handler.status = status
    with pytest.raises(StoreBusy, match=PATH.image_id):
        images.read(PATH)


def test_the_text_of_a_failure_does_not_name_the_blob() -> None:
    error = ServiceRequestError(
        "Max retries exceeded with url: /account/images/geheim.jpg (Caused by NewConnectionError)"
    )
    assert "geheim" not in str(as_our_error(error, "read image 1"))
    assert "NewConnectionError" in str(as_our_error(error, "read image 1"))


@pytest.mark.parametrize(
    ("pool", "why"),
    [("_SecureConnection", "Failed to resolve 'x.blob.core.windows.net'"), ("_SecurePool", "Read timed out.")],
)
def test_an_account_that_does_not_answer_is_told_by_its_address(pool: str, why: str) -> None:
    cause = f"{pool}(host='x.blob.core.windows.net', port=443): {why}"
    told = str(as_our_error(ServiceRequestError(cause), "read image 1"))
    assert told == f"Could not read image 1: no answer: x.blob.core.windows.net:443: {why}"


def test_a_missing_permission_is_temporary_and_named(broken_service: tuple[type[Answer], AzureImages]) -> None:
    handler, images = broken_service
    handler.status = 403
    with pytest.raises(TemporaryError) as caught:
        images.read(PATH)
    assert caught.value.reason == "access-denied"


def test_a_service_that_does_not_answer_in_time_is_busy() -> None:
    with answering(read_seconds=0.2) as (handler, images):
        handler.delay_seconds = 1.5
        with pytest.raises(StoreBusy):
            images.read(PATH)


def test_a_body_that_breaks_off_is_busy(
    broken_service: tuple[type[Answer], AzureImages], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, images = broken_service
    handler.status, handler.claimed_bytes, handler.sent_bytes = 206, 1000, 10
    monkeypatch.setattr("azure.storage.blob._download.time.sleep", lambda _: None)
    with pytest.raises(StoreBusy):
        images.read(PATH)


def test_the_body_of_a_too_large_image_is_never_waited_for(broken_service: tuple[type[Answer], AzureImages]) -> None:
    handler, images = broken_service
    # The body never comes: whoever reads it runs into the time limit instead.
    handler.status, handler.claimed_bytes = 206, LIMIT * 1000
    with pytest.raises(ImageTooLarge):
        images.read(PATH)


def test_a_container_that_is_not_there_is_named_with_the_settings_that_say_so(clients: StorageClients) -> None:
    with pytest.raises(PermanentError, match="no container photos in this account: check IMAGE_CONTAINER"):
        next(AzureImages(clients.blobs, max_bytes=1).names("photos"))


def test_directories_of_a_hierarchical_namespace_are_no_images(
    broken_service: tuple[type[Answer], AzureImages],
) -> None:
    blobs = ("a", 0, "", "directory"), ("a/b.jpg", 9, "image/jpeg", "file"), ("a/empty.jpg", 0, "image/jpeg", "file")
    listed = "".join(LISTED.format(*blob) for blob in blobs)
    body = f"<EnumerationResults><Blobs>{listed}</Blobs><NextMarker /></EnumerationResults>".encode()

    def listing(self: Answer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    handler, images = broken_service
    handler.do_GET = listing  # type: ignore[method-assign]
    assert list(images.names("images")) == [("a/b.jpg", "0x8D"), ("a/empty.jpg", "0x8D")]


def test_nobody_listening_is_busy() -> None:
    service = BlobServiceClient("http://127.0.0.1:9/account", credential="c2VjcmV0", retry_total=0)
    with service, pytest.raises(StoreBusy):
        AzureImages(service, max_bytes=LIMIT).read(PATH)


def test_no_signature_gets_into_an_error() -> None:
    signature = "Very" + "Secret"
    address = f"http://127.0.0.1:9/account?sv=2024-11-04&ss=b&srt=co&sp=r&sig={signature}%3D"
    with BlobServiceClient(address, retry_total=0) as service, pytest.raises(StoreBusy) as caught:
        AzureImages(service, max_bytes=LIMIT).read(PATH)
    assert signature not in "".join(traceback.format_exception(caught.value))
    assert "127.0.0.1" in str(caught.value)


def test_other_exceptions_pass_through_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), our_errors("divide"):
        raise ZeroDivisionError
