"""`dedup poison`: shown with its last error, tried again, thrown away."""

import json

import pytest

from dedup_app.ports.queues import PoisonMessage
from dedup_app.services import Services
from dedup_core.messages import IngestMessage
from dedup_core.paths import ImagePath
from local_host.blobs.queue import BlobMessage
from tests.cli.conftest import NOW, Run

A = ImagePath("images", "a.png")


@pytest.fixture
def one_failed(services: Services) -> None:
    body = IngestMessage(A).to_json()
    services.poison_queues.messages["ingest-images"] = [PoisonMessage("ingest-images", "1", body, NOW)]
    services.reports.put_last_error(body, "store-busy: no answer", NOW)


@pytest.mark.usefixtures("one_failed")
def test_it_is_shown_with_its_last_error(dedup: Run):
    told = dedup("poison", "list").output
    assert "images/a.png" in told
    assert "store-busy: no answer" in told
    (record,) = json.loads(dedup("poison", "list", "--json").output)
    assert (record["queue"], record["error"]) == ("ingest-images", "store-busy: no answer")


@pytest.mark.usefixtures("one_failed")
def test_it_is_tried_again(dedup: Run, services: Services):
    assert "sent: 1 message, to be tried again" in dedup("poison", "redrive").output
    assert services.ingest_queue.messages == [IngestMessage(A)]
    assert "no message failed" in dedup("poison", "list").output


@pytest.mark.usefixtures("one_failed")
def test_what_cannot_be_tried_again_is_said_to_stay(dedup: Run, services: Services, monkeypatch: pytest.MonkeyPatch):
    services.poison_queues.messages["verify-pairs"] = [PoisonMessage("verify-pairs", "2", '{"left": 7}', NOW)]
    told = dedup("poison", "redrive").output
    assert told.startswith("sent: 1 message, to be tried again; 1 message stays, and is understood by nobody")
    monkeypatch.setattr(services.poison, "failed", lambda _queue: ())  # hidden, as by the storage while somebody looks
    told = dedup("poison", "list").output
    assert told == "1 message stays, and is in the hands of the timer or of a redrive now: look again in two minutes\n"


@pytest.mark.usefixtures("one_failed")
def test_it_is_thrown_away_once_somebody_has_said_so(dedup: Run, services: Services):
    result = dedup("poison", "purge")
    assert (result.exit_code, "1 message (ingest-images: 1) would be thrown away" in result.stderr) == (2, True)
    assert "no message was there" in dedup("poison", "purge", "--queue", "verify-pairs").output
    assert services.poison.failed("ingest-images")
    assert dedup("poison", "purge", "--yes").output == "purged: 1 message (ingest-images: 1)\n"
    assert not services.poison.failed("ingest-images")


def upload_of(number: int, container: str) -> PoisonMessage:
    body = BlobMessage("Host.Functions.extract_features", container, "a.png", "0x1").to_text()
    return PoisonMessage("webjobs-blobtrigger", f"m{number}", body, NOW)


@pytest.mark.usefixtures("one_failed")
def test_what_is_of_another_app_is_neither_asked_about_nor_counted(dedup: Run, services: Services):
    strangers = [upload_of(number, "catalog") for number in range(40)]
    queues = services.poison_queues.messages
    queues["webjobs-blobtrigger"] = [*strangers[:2], upload_of(40, "images")]
    told = "up to 2 messages (ingest-images: 1, webjobs-blobtrigger: 1) would be thrown away"
    assert told in dedup("poison", "purge").stderr
    queues["webjobs-blobtrigger"] = [*strangers, upload_of(40, "images")]
    told = "purged: 2 messages (ingest-images: 1, webjobs-blobtrigger: 1)\n"
    assert dedup("poison", "purge", "--yes").output == told
    assert queues["webjobs-blobtrigger"] == strangers
    assert json.loads(dedup("poison", "purge", "--yes", "--json").output)["purged"] == {}
    del strangers[:20]
    queues["webjobs-blobtrigger"] = strangers
    assert "no message was there" in dedup("poison", "purge").output


def test_where_nothing_failed_nothing_is_sent_or_thrown_away(dedup: Run):
    assert dedup("poison", "redrive").output == "no message was sent\n"
    assert json.loads(dedup("poison", "purge", "--json").output)["purged"] == {}


def test_a_queue_that_is_none_of_the_apps_is_refused(dedup: Run):
    assert dedup("poison", "list", "--queue", "other").exit_code == 2
