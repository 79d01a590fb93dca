"""The webhook speaks with Event Grid as the blob extension does, and every event means a message."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from azure.storage.queue import QueueClient

from local_host.blobs.queue import BlobMessage, BlobQueue
from local_host.event_grid.blob_webhook import BlobWebhook
from local_host.event_grid.delivery import Delivery, Reply
from tests.local_host.conftest import texts
from tests.local_host.test_blob_listener import blob_function

FUNCTION = blob_function("f", "images/{name}", event_grid=True)


def event(name: str, **rest: Any) -> dict[str, Any]:
    return {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/images/blobs/{name}",
        "data": {
            "url": f"https://account.blob.core.windows.net/images/{name}",
            "eTag": "0x8D1",
            "blobType": "BlockBlob",
        },
        **rest,
    }


@pytest.fixture
def webhook(queue: QueueClient) -> BlobWebhook:
    return BlobWebhook({FUNCTION.full_id: FUNCTION}, BlobQueue(queue))


def post(webhook: BlobWebhook, body: object, kind: str = "Notification", function: str = "f") -> Reply:
    return webhook.handle(Delivery(f"Host.Functions.{function}", kind, json.dumps(body).encode()))


def announced(queue: QueueClient) -> list[BlobMessage]:
    return [BlobMessage.from_text(text) for text in texts(queue)]


def test_the_handshake_is_answered_with_the_code(webhook: BlobWebhook) -> None:
    handshake = [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "42"}}]
    assert post(webhook, handshake, "SubscriptionValidation") == Reply(HTTPStatus.OK, '{"validationResponse": "42"}')


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("eventgrid.azure.cn", "eventgrid.azure.cn"), ("example.com", "eventgrid.azure.net"), ("", "eventgrid.azure.net")],
)
def test_the_handshake_of_cloud_events_allows_the_origin_of_event_grid(
    webhook: BlobWebhook, origin: str, allowed: str
) -> None:
    reply = webhook.handle(Delivery(FUNCTION.full_id, method="OPTIONS", origin=origin))
    assert reply == Reply(HTTPStatus.OK, headers={"Webhook-Allowed-Origin": allowed})


def test_an_event_becomes_a_message_with_its_etag_in_quotes(webhook: BlobWebhook, queue: QueueClient) -> None:
    assert post(webhook, [event("in/a%20b.jpg")]).status == HTTPStatus.ACCEPTED
    assert announced(queue) == [BlobMessage("Host.Functions.f", "images", "in/a b.jpg", '"0x8D1"')]


@pytest.mark.parametrize(
    "url",
    [
        "https://account.blob.core.windows.net/images/in/a%2Bb.jpg",
        "http://127.0.0.1:34567/devstoreaccount1/images/in/a%2Bb.jpg",
        "http://azurite:10000/devstoreaccount1/images/in/a%2Bb.jpg",
        "https://images.example.com/images/in/a%2Bb.jpg",
    ],
)
def test_the_address_names_the_blob_and_not_the_subject(webhook: BlobWebhook, queue: QueueClient, url: str) -> None:
    post(webhook, event("x", subject="misleading", data={"url": url, "eTag": "0x1", "blobType": "PageBlob"}))
    (message,) = announced(queue)
    assert (message.container, message.blob) == ("images", "in/a+b.jpg")


def test_an_array_and_a_single_event_are_both_accepted(webhook: BlobWebhook, queue: QueueClient) -> None:
    post(webhook, [event("a.jpg"), event("b.jpg")])
    post(webhook, event("c.jpg"))
    assert sorted(message.blob for message in announced(queue)) == ["a.jpg", "b.jpg", "c.jpg"]


def test_the_same_event_twice_means_two_messages(webhook: BlobWebhook, queue: QueueClient) -> None:
    post(webhook, event("a.jpg"))
    post(webhook, event("a.jpg"))
    assert len(announced(queue)) == 2


def test_events_of_every_kind_and_container_are_taken(webhook: BlobWebhook, queue: QueueClient) -> None:
    deleted = event("a.jpg", eventType="Microsoft.Storage.BlobDeleted")
    assert post(webhook, [deleted]).status == HTTPStatus.ACCEPTED
    assert [message.blob for message in announced(queue)] == ["a.jpg"]


def test_cloud_events_are_accepted_and_vanish(webhook: BlobWebhook, queue: QueueClient) -> None:
    cloud_event = {"specversion": "1.0", "type": "Microsoft.Storage.BlobCreated", "data": event("b.jpg")["data"]}
    assert post(webhook, [cloud_event, event("a.jpg")]).status == HTTPStatus.ACCEPTED
    assert [message.blob for message in announced(queue)] == ["a.jpg"]


def test_events_for_an_unknown_function_are_accepted_and_vanish(webhook: BlobWebhook, queue: QueueClient) -> None:
    assert post(webhook, event("a.jpg"), function="unknown").status == HTTPStatus.ACCEPTED
    assert announced(queue) == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ([], "Unsubscribe", HTTPStatus.ACCEPTED),
        ([], "unsubscribe", HTTPStatus.ACCEPTED),
        ([], "SomethingElse", HTTPStatus.BAD_REQUEST),
        ([], "", HTTPStatus.BAD_REQUEST),
        ([], "SubscriptionValidation", HTTPStatus.INTERNAL_SERVER_ERROR),
        ([{"data": {}}], "Notification", HTTPStatus.INTERNAL_SERVER_ERROR),
        ([event("a", data={"url": "https://x/y/z", "blobType": "Queue"})], "n0tification", HTTPStatus.BAD_REQUEST),
        ([event("a", data={"url": "https://x/y/z", "blobType": "Queue"})], "NOTIFICATION", 500),
        ("text", "Notification", HTTPStatus.INTERNAL_SERVER_ERROR),
    ],
)
def test_other_requests_get_the_status_that_the_host_gives(
    webhook: BlobWebhook, body: object, kind: str, status: HTTPStatus
) -> None:
    assert post(webhook, body, kind).status == status


def test_json_without_an_end_is_refused_and_does_no_harm(webhook: BlobWebhook) -> None:
    deep = b"[" * 20_000 + b"]" * 20_000
    assert webhook.handle(Delivery(FUNCTION.full_id, "Notification", deep)).status == HTTPStatus.INTERNAL_SERVER_ERROR
