"""The webhook speaks with Event Grid as the blob extension does, and every event means a message."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from azure.storage.queue import QueueClient

from local_host.blobs.queue import BlobMessage, BlobQueue
from local_host.event_grid.blob_webhook import EventGridWebhook, Reply
from tests.local_host.conftest import texts
from tests.local_host.test_blob_listener import blob_function

FUNCTION = blob_function("f", "images/{name}", event_grid=True)
SCANNING = blob_function("scanning", "images/{name}")


def event(name: str, **rest: Any) -> dict[str, Any]:
    return {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/images/blobs/{name}",
        "data": {"url": f"https://account.blob.core.windows.net/images/{name}", "eTag": "0x8D1"},
        **rest,
    }


@pytest.fixture
def webhook(queue: QueueClient) -> EventGridWebhook:
    return EventGridWebhook({each.full_id: each for each in (FUNCTION, SCANNING)}, BlobQueue(queue))


def post(webhook: EventGridWebhook, body: object, kind: str = "Notification", function: str = "f") -> Reply:
    return webhook.handle(f"Host.Functions.{function}", kind, json.dumps(body).encode())


def announced(queue: QueueClient) -> list[BlobMessage]:
    return [BlobMessage.from_text(text) for text in texts(queue)]


def test_the_handshake_is_answered_with_the_code(webhook: EventGridWebhook) -> None:
    handshake = [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "42"}}]
    assert post(webhook, handshake, "SubscriptionValidation") == Reply(HTTPStatus.OK, {"validationResponse": "42"})


def test_an_event_becomes_a_message_with_its_etag_in_quotes(webhook: EventGridWebhook, queue: QueueClient) -> None:
    assert post(webhook, [event("in/a b.jpg")]).status == HTTPStatus.ACCEPTED
    assert announced(queue) == [BlobMessage("Host.Functions.f", "images", "in/a b.jpg", '"0x8D1"')]


def test_an_array_and_a_single_event_are_both_accepted(webhook: EventGridWebhook, queue: QueueClient) -> None:
    post(webhook, [event("a.jpg"), event("b.jpg")])
    post(webhook, event("c.jpg"))
    assert sorted(message.blob for message in announced(queue)) == ["a.jpg", "b.jpg", "c.jpg"]


def test_the_same_event_twice_means_two_messages(webhook: EventGridWebhook, queue: QueueClient) -> None:
    post(webhook, event("a.jpg"))
    post(webhook, event("a.jpg"))
    assert len(announced(queue)) == 2


def test_events_of_other_containers_and_other_kinds_are_passed_over(
    webhook: EventGridWebhook, queue: QueueClient
) -> None:
    elsewhere = event("a.jpg", subject="/blobServices/default/containers/images2/blobs/a.jpg")
    deleted = event("a.jpg", eventType="Microsoft.Storage.BlobDeleted")
    assert post(webhook, [elsewhere, deleted]).status == HTTPStatus.ACCEPTED
    assert announced(queue) == []


def test_without_a_subject_the_address_names_the_blob(webhook: EventGridWebhook, queue: QueueClient) -> None:
    without = event("a%20b.jpg")
    del without["subject"]
    post(webhook, without)
    assert announced(queue)[0].blob == "a b.jpg"


@pytest.mark.parametrize(
    ("body", "kind", "function", "status"),
    [
        ([], "Unsubscribe", "f", HTTPStatus.ACCEPTED),
        ([], "SomethingElse", "f", HTTPStatus.BAD_REQUEST),
        ([], "SubscriptionValidation", "f", HTTPStatus.BAD_REQUEST),
        ([{"data": {}}], "Notification", "f", HTTPStatus.BAD_REQUEST),
        ("text", "Notification", "f", HTTPStatus.BAD_REQUEST),
        ([], "Notification", "unknown", HTTPStatus.NOT_FOUND),
        ([], "Notification", "scanning", HTTPStatus.NOT_FOUND),
    ],
)
def test_other_requests_get_the_status_that_the_host_gives(
    webhook: EventGridWebhook, body: object, kind: str, function: str, status: HTTPStatus
) -> None:
    assert post(webhook, body, kind, function).status == status
