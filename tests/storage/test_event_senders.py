"""Notices go to a queue of the account, or to an Event Grid topic, as CloudEvents 1.0."""

import json
import re
import time
from pathlib import Path
from typing import Any, Self

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest._requests_basic import RestRequestsTransportResponse
from azure.storage.queue import QueueClient

from dedup_app.configuration.settings import Settings
from dedup_app.records.notices import Notices
from dedup_core.errors import InvalidSetting, TemporaryError
from dedup_storage.account.clients import StorageClients
from dedup_storage.messaging.event_senders import QueueSender, TopicSender, event_senders
from tests.azurite import Account
from tests.storage.examples import verified

ROOT = Path(__file__).parents[2]
ENDPOINT = "https://topic.westeurope-1.eventgrid.azure.net/api/events"


class FakeTopic(HttpTransport):  # type: ignore[type-arg]
    """Answers as Event Grid does, and keeps what it was sent."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.requests: list[Any] = []

    def send(self, request: Any, **_: Any) -> Any:
        self.requests.append(request)
        if self.status == 0:
            raise ServiceRequestError("no route")
        answer = requests.Response()
        answer.status_code, answer._content = self.status, b""
        return RestRequestsTransportResponse(request=request, internal_response=answer, block_size=4096)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def open(self) -> None: ...

    def close(self) -> None: ...


class Identity:
    """Signs in as nobody."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://eventgrid.azure.net/.default",)
        return AccessToken("the token", int(time.time()) + 3600)


def topic(transport: FakeTopic) -> Notices:
    return Notices([TopicSender(ENDPOINT, Identity, lambda: transport)], "photos", "images")


def test_a_topic_gets_a_batch_of_cloud_events_by_identity():
    transport = FakeTopic()
    topic(transport).pairs([verified("a", f"b{number}") for number in range(60)])
    assert len(transport.requests) == 2
    request = transport.requests[0]
    assert request.url.startswith(ENDPOINT)
    assert request.headers["Content-Type"].startswith("application/cloudevents-batch+json")
    assert request.headers["Authorization"] == "Bearer the token"
    events = json.loads(request.content)
    assert len(events) == 50
    assert events[0]["specversion"] == "1.0"
    assert events[0]["source"] == "/near-duplicate-images/photos/images"
    assert events[0]["data"]["right"]["path"] == "images/b0"


@pytest.mark.parametrize("status", [0, 302, 307, 401, 403, 404, 410, 413])
def test_whatever_the_topic_answers_it_is_worth_another_try(status: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dedup_storage.messaging.event_senders.RETRIES", 0)
    with pytest.raises(TemporaryError, match="could not be told"):
        topic(FakeTopic(status)).pairs([verified("a", "b")])


def test_a_queue_gets_one_message_an_event_even_with_the_longest_names(clients: StorageClients):
    notices = Notices([QueueSender(clients.queues, "told")], "photos", "images")
    left, right = "ä" * 1000, "漢" * 1000
    pair = verified(left, right)
    assert pair.verdict is not None
    notices.pairs([pair, verified("c", "d")])
    found = [json.loads(it.content) for it in clients.queues.get_queue_client("told").receive_messages()]
    assert {it["data"]["left"]["path"] for it in found} == {f"images/{left}", "images/c"}


def test_a_name_that_no_xml_may_hold_is_told_all_the_same(clients: StorageClients):
    """A message is XML on its way: the service would refuse it, and the app try again for ever."""
    Notices([QueueSender(clients.queues, "odd")], "photos", "images").pairs([verified("a\uffff.jpg", "b\ufffe.jpg")])
    [sent] = clients.queues.get_queue_client("odd").receive_messages()
    assert not {"\uffff", "\ufffe"} & set(sent.content)
    told = json.loads(sent.content)["data"]
    assert [told[side]["path"] for side in ("left", "right")] == ["images/a\uffff.jpg", "images/b\ufffe.jpg"]


def test_the_documented_consumer_says_that_a_picture_is_there(
    account: Account, clients: StorageClients, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    Notices([QueueSender(clients.queues, "notices")], "photos", "images").pairs([verified("new.jpg", "old.jpg")])
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", account.connection_string)
    exec(compile(code, "documented", "exec"), {"__name__": "documented"})  # noqa: S102 - our own page
    assert capsys.readouterr().out == "images/new.jpg: you already have this picture: images/old.jpg\n"
    with QueueClient.from_connection_string(account.connection_string, "notices") as queue:
        assert queue.get_queue_properties().approximate_message_count == 0


def test_both_are_off_unless_set_and_wrong_names_are_refused(clients: StorageClients):
    assert event_senders(Settings(), clients.queues) == []
    storage = {"ImageStorage": "UseDevelopmentStorage=true"}
    both = {"NOTIFY_QUEUE": "notices", "EVENTS_TOPIC_ENDPOINT": ENDPOINT}
    settings = Settings.from_environment(storage | both)
    assert [type(it) for it in event_senders(settings, clients.queues)] == [QueueSender, TopicSender]
    for wrong in (
        {"NOTIFY_QUEUE": "No"},
        {"NOTIFY_QUEUE": "blob-events"},
        {"EVENTS_TOPIC_ENDPOINT": "http://topic.example"},
        {"EVENTS_TOPIC_ENDPOINT": f"{ENDPOINT}?key=1"},
    ):
        with pytest.raises(InvalidSetting, match=next(iter(wrong))):
            Settings.from_environment(storage | wrong)
