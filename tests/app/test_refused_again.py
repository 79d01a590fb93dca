"""Refused is not for ever: what another version of a decoder refused is read again, and anything on request."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dedup_app.ports.image_status import INDEXED, ImageStatus
from dedup_core.decoding import libraries
from dedup_core.errors import UnreadableImage
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from tests.app.world import World, photo


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def upgrade() -> None:
        monkeypatch.setattr(libraries, "READERS_VERSION", libraries.READERS_VERSION + 1)
        libraries.decoder_of.cache_clear()

    libraries.decoder_of.cache_clear()
    return upgrade


@pytest.fixture(autouse=True)
def _fresh_versions():
    yield
    libraries.decoder_of.cache_clear()


class Mistaken:
    """Decoders that refuse a sound picture until they are mended."""

    isolation = "off"

    def __init__(self, decoders, reason: str) -> None:
        self._decoders, self._reason, self.is_mended = decoders, reason, False

    def prepare(self):
        pass

    def extract_features(self, data, header=None):
        if not self.is_mended:
            raise UnreadableImage("the PNG file is damaged (so it seems)", reason=self._reason)
        return self._decoders.extract_features(data, header)


def refuse(world: World, name: str, reason: str = "corrupt") -> tuple[ImagePath, Mistaken]:
    mistaken = Mistaken(world.services.decoders, reason)
    world.services.ingest._reader._decoders = mistaken
    path = world.upload_and_ingest(name, photo(1))
    assert world.row(path).status == ImageStatus.rejected(reason)
    mistaken.is_mended = True
    return path, mistaken


def test_a_rejection_keeps_what_refused_it(world):
    path, _ = refuse(world, "a.png")
    assert world.row(path).decoder == f"PNG: {libraries.decoder_of('PNG')}"
    other = world.upload_and_ingest("b.txt", b"no picture")
    assert world.row(other).decoder == f"-: {libraries.decoder_of(None)}"
    assert "Pillow " in world.row(path).decoder


@pytest.mark.parametrize("reason", ["corrupt", "unsupported-format", "decoder-crashed", "decoder-timeout"])
def test_the_same_decoder_is_not_asked_twice(world, reason):
    path, _ = refuse(world, "a.png", reason)
    assert world.services.backlog.enqueue_all().queued == 0
    assert world.services.ingest.ingest(path).status == "unchanged"


def test_after_an_upgrade_what_the_older_decoder_refused_is_taken_again(world, upgrade):
    path, _ = refuse(world, "a.png")
    kept = world.upload_and_ingest("kept.png", photo(2))
    upgrade()
    assert world.services.backlog.enqueue_all().queued == 1
    world.ingest_all()
    assert world.row(path).status == INDEXED
    assert world.row(kept).status == INDEXED
    assert world.services.backlog.enqueue_all().queued == 0


def test_a_refusal_that_stays_one_is_kept_with_the_newer_decoder(world, upgrade):
    path = world.upload_and_ingest("a.txt", b"no picture")
    before = world.row(path).decoder
    upgrade()
    assert world.services.backlog.enqueue_all().queued == 1
    world.ingest_all()
    assert world.row(path).decoder != before
    assert world.services.backlog.enqueue_all().queued == 0


def test_rows_of_earlier_apps_that_name_no_decoder_are_taken_again_once(world):
    path, _ = refuse(world, "a.png")
    world.features.put(replace(world.row(path), decoder=""))
    assert world.services.backlog.enqueue_all().queued == 1
    world.ingest_all()
    assert world.row(path).status == INDEXED


def test_on_request_everything_refused_or_what_was_for_one_reason_is_read_once_more(world):
    corrupt, _ = refuse(world, "corrupt.png")
    crashed, _ = refuse(world, "crashed.png", "decoder-crashed")
    world.services.ingest._reader._decoders = world.services.decoders
    world.upload_and_ingest("sound.png", photo(2))
    assert world.services.backlog.enqueue_rejected("decoder-crashed") == 1
    assert world.ingest_queue.messages == [IngestMessage(crashed, again=True)]
    world.ingest_all()
    assert (world.row(crashed).status, world.row(corrupt).status) == (INDEXED, ImageStatus.rejected("corrupt"))
    assert world.services.backlog.enqueue_rejected() == 1
    world.ingest_all()
    assert world.row(corrupt).status == INDEXED
    assert world.services.backlog.enqueue_rejected() == 0


def test_a_message_that_asks_once_more_reads_as_it_was_written():
    message = IngestMessage(ImagePath("images", "a.png"), again=True)
    assert IngestMessage.parse(message.to_json()) == message
    assert IngestMessage.parse('{"path": "images/a.png"}').again is False
