"""The webhook of Event Grid triggers answers as the host's extension does, and only when every event was handled."""

import json
from http import HTTPStatus

import pytest

from local_host.event_grid.blob_webhook import Reply
from local_host.event_grid.event_webhook import EventTriggerWebhook
from local_host.runtime.bindings import EventGridTrigger, Function
from local_host.runtime.worker import Outcome
from tests.local_host.conftest import FakeInvoker
from tests.local_host.test_event_grid import event

FUNCTION = Function("on_deletion", "id of on_deletion", EventGridTrigger("event"))


@pytest.fixture
def webhook(invoker: FakeInvoker) -> EventTriggerWebhook:
    return EventTriggerWebhook({FUNCTION.name: FUNCTION}, invoker)


def post(
    webhook: EventTriggerWebhook, body: object, kind: str = "Notification", function: str = "on_deletion"
) -> Reply:
    return webhook.handle(function, kind, json.dumps(body).encode())


@pytest.mark.parametrize(
    "body",
    [
        [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "42"}}],
        {"specversion": "1.0", "data": '{"validationCode": "42"}'},
    ],
    ids=["event-grid-schema", "cloud-event"],
)
def test_the_handshake_is_answered_with_the_code(
    webhook: EventTriggerWebhook, invoker: FakeInvoker, body: object
) -> None:
    assert post(webhook, body, "SubscriptionValidation") == Reply(HTTPStatus.OK, {"validationResponse": "42"})
    assert invoker.calls == []


def test_an_array_and_a_single_event_mean_a_run_for_each_event(
    webhook: EventTriggerWebhook, invoker: FakeInvoker
) -> None:
    assert post(webhook, [event("a.jpg"), event("b.jpg")]).status == HTTPStatus.ACCEPTED
    assert post(webhook, event("c.jpg")).status == HTTPStatus.ACCEPTED
    seen = [json.loads(call.data.json or "") for call in invoker.calls]
    assert sorted(it["subject"][-5:] for it in seen) == ["a.jpg", "b.jpg", "c.jpg"]
    assert json.loads(invoker.calls[-1].metadata["data"].json or "") == event("c.jpg")["data"]


def test_every_kind_of_event_is_handed_over_because_the_trigger_knows_no_kinds(
    webhook: EventTriggerWebhook, invoker: FakeInvoker
) -> None:
    assert post(webhook, event("a.jpg", eventType="Anything")).status == HTTPStatus.ACCEPTED
    assert len(invoker.calls) == 1


def test_one_failed_run_of_several_makes_the_sender_send_all_again(
    webhook: EventTriggerWebhook, invoker: FakeInvoker
) -> None:
    invoker.answer = lambda call: Outcome(succeeded="b.jpg" not in str(call.data.json), error="boom")
    assert post(webhook, [event("a.jpg"), event("b.jpg"), event("c.jpg")]).status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert len(invoker.calls) == 3


@pytest.mark.parametrize(
    ("body", "kind", "function", "status"),
    [
        ([], "Unsubscribe", "on_deletion", HTTPStatus.ACCEPTED),
        ([], "SomethingElse", "on_deletion", HTTPStatus.BAD_REQUEST),
        ([], "", "on_deletion", HTTPStatus.BAD_REQUEST),
        ([], "notification", "on_deletion", HTTPStatus.ACCEPTED),
        ([], "SubscriptionValidation", "on_deletion", HTTPStatus.INTERNAL_SERVER_ERROR),
        ("text", "Notification", "on_deletion", HTTPStatus.INTERNAL_SERVER_ERROR),
        (["text"], "Notification", "on_deletion", HTTPStatus.INTERNAL_SERVER_ERROR),
        ([], "Notification", "unknown", HTTPStatus.NOT_FOUND),
        ([], "Notification", "Host.Functions.on_deletion", HTTPStatus.NOT_FOUND),
    ],
)
def test_other_requests_get_the_status_that_the_host_gives(
    webhook: EventTriggerWebhook, body: object, kind: str, function: str, status: HTTPStatus
) -> None:
    assert post(webhook, body, kind, function).status == status
