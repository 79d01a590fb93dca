"""The webhook of Event Grid triggers answers as the host's extension does, and only when every event was handled."""

import json
import threading
from http import HTTPStatus

import pytest

from local_host.event_grid.delivery import Delivery, Reply
from local_host.event_grid.event_webhook import EventWebhook
from local_host.runtime.bindings import EventGridTrigger, Function
from local_host.runtime.worker import Outcome
from tests.local_host.conftest import FakeInvoker
from tests.local_host.test_event_grid import event

FUNCTION = Function("on_deletion", "id of on_deletion", EventGridTrigger("event"))


@pytest.fixture
def webhook(invoker: FakeInvoker) -> EventWebhook:
    return EventWebhook({FUNCTION.name: FUNCTION}, invoker)


def post(webhook: EventWebhook, body: object, kind: str = "Notification", function: str = "on_deletion") -> Reply:
    return webhook.handle(Delivery(function, kind, json.dumps(body).encode()))


@pytest.mark.parametrize(
    "body",
    [
        [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "42"}}],
        {"specversion": "1.0", "data": '{"validationCode": "42"}'},
    ],
    ids=["event-grid-schema", "cloud-event"],
)
def test_the_handshake_is_answered_with_the_code(webhook: EventWebhook, invoker: FakeInvoker, body: object) -> None:
    assert post(webhook, body, "SubscriptionValidation") == Reply(HTTPStatus.OK, '{"validationResponse": "42"}')
    assert invoker.calls == []


def test_an_array_and_a_single_event_mean_a_run_for_each_event(webhook: EventWebhook, invoker: FakeInvoker) -> None:
    assert post(webhook, [event("a.jpg"), event("b.jpg")]).status == HTTPStatus.ACCEPTED
    assert post(webhook, event("c.jpg")).status == HTTPStatus.ACCEPTED
    seen = [json.loads(call.data.json or "") for call in invoker.calls]
    assert sorted(it["subject"][-5:] for it in seen) == ["a.jpg", "b.jpg", "c.jpg"]
    assert json.loads(invoker.calls[-1].metadata["data"].json or "") == event("c.jpg")["data"]


def test_every_kind_of_event_is_handed_over_because_the_trigger_knows_no_kinds(
    webhook: EventWebhook, invoker: FakeInvoker
) -> None:
    assert post(webhook, event("a.jpg", eventType="Anything")).status == HTTPStatus.ACCEPTED
    assert len(invoker.calls) == 1


def test_one_failed_run_of_several_makes_the_sender_send_all_again(webhook: EventWebhook, invoker: FakeInvoker) -> None:
    invoker.answer = lambda call: Outcome(succeeded="b.jpg" not in str(call.data.json), error="boom")
    reply = post(webhook, [event("a.jpg"), event("b.jpg"), event("c.jpg")])
    assert reply.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert reply.text == "Exception while executing function: Functions.on_deletion"
    assert len(invoker.calls) == 3


def test_all_events_of_a_request_run_at_once(webhook: EventWebhook, invoker: FakeInvoker) -> None:
    together = threading.Barrier(20)
    invoker.answer = lambda _call: Outcome(succeeded=together.wait(20) >= 0)
    assert post(webhook, [event(f"{number}.jpg") for number in range(20)]).status == HTTPStatus.ACCEPTED


def test_an_event_without_data_has_no_data_in_its_metadata(webhook: EventWebhook, invoker: FakeInvoker) -> None:
    bare = event("a.jpg")
    del bare["data"]
    post(webhook, bare)
    assert invoker.calls[0].metadata == {}


def test_the_dates_of_an_event_become_utc(webhook: EventWebhook, invoker: FakeInvoker) -> None:
    post(webhook, event("a.jpg", eventTime="2026-05-31T14:00:00.1234567+02:00"))
    assert json.loads(invoker.calls[0].data.json or "")["eventTime"] == "2026-05-31T12:00:00.1234567+00:00"


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
    webhook: EventWebhook, body: object, kind: str, function: str, status: HTTPStatus
) -> None:
    assert post(webhook, body, kind, function).status == status
