"""HTTP functions are served with keys, parameters and answers as the host does it."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import NamedTuple

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from local_host.blobs.queue import BlobQueue
from local_host.event_grid.blob_webhook import WEBHOOK_PATH, BlobWebhook
from local_host.event_grid.event_webhook import EVENT_TRIGGER_PATH, EventWebhook
from local_host.http.admin import AdminPages, Drain
from local_host.http.keys import HostKeys, load_keys
from local_host.http.routes import make_route
from local_host.http.server import HttpListener
from local_host.runtime.bindings import EventGridTrigger, Function, HttpTrigger, QueueTrigger
from local_host.runtime.protos import NullableBool, NullableDouble, NullableString, RpcHttp, RpcHttpCookie, TypedData
from local_host.runtime.worker import Outcome
from tests.local_host.conftest import WAIT_SECONDS, Call, FakeInvoker, wait_until
from tests.local_host.test_blob_listener import blob_function
from tests.local_host.test_event_grid import event

KEYS = HostKeys(
    master="master-key", function="function-key", blobs_extension="blobs-key", eventgrid_extension="events-key"
)
ON_EVENTS = blob_function("on_events", "images/{name}", event_grid=True)


def web_function(name: str, auth_level: str, route: str = "", *methods: str) -> Function:
    return Function(name, f"id of {name}", HttpTrigger("req", route, frozenset(methods), auth_level))


begun, may_end = threading.Event(), threading.Event()  # of the function named `slow`


def answer(call: Call) -> Outcome:
    """Answer with what arrived; the function named `fails` fails, `silent` says nothing, `rich` has a cookie."""
    request = call.data.http
    assert request is not None
    match call.function.name:
        case "fails":
            return Outcome(succeeded=False, error="boom")
        case "silent":
            return Outcome(succeeded=True)
        case "text":
            return Outcome(succeeded=True, return_value=TypedData(string="grün"))
        case "slow":
            begun.set()
            assert may_end.wait(WAIT_SECONDS)
    seen = {
        "method": request.method,
        "url": request.url,
        "params": request.params,
        "query": request.query,
        "body": None if request.body is None else request.body.bytes.decode(),
        "header": request.headers.get("x-mine"),
    }
    cookie = RpcHttpCookie(
        "session",
        "42",
        path=NullableString("/"),
        secure=NullableBool(value=True),
        http_only=NullableBool(value=True),
        same_site="Strict",
        max_age=NullableDouble(60.0),
    )
    response = RpcHttp(
        status_code="201",
        headers={"content-type": "application/json", "x-answer": "yes"},
        body=TypedData(bytes=json.dumps(seen).encode()),
        cookies=[cookie],
    )
    return Outcome(succeeded=True, return_value=TypedData(http=response))


@pytest.fixture
def listener(queue: QueueClient) -> Iterator[HttpListener]:
    functions = [
        web_function("open", "ANONYMOUS", "items/{id}"),
        web_function("guarded", "FUNCTION"),
        web_function("admin_only", "ADMIN"),
        web_function("post_only", "ANONYMOUS", "", "POST"),
        *(web_function(name, "ANONYMOUS") for name in ("fails", "silent", "text", "slow")),
    ]
    on_deletion = Function("on_deletion", "id of on_deletion", EventGridTrigger("event"))
    webhooks = {
        WEBHOOK_PATH: BlobWebhook({ON_EVENTS.full_id: ON_EVENTS}, BlobQueue(queue)),
        EVENT_TRIGGER_PATH: EventWebhook({"on_deletion": on_deletion}, FakeInvoker()),
    }
    routes = [make_route(function, "api") for function in functions]
    made = HttpListener(FakeInvoker(answer), routes, KEYS, webhooks, AdminPages("host-1", KEYS))
    made.bind(0)
    made.start()
    yield made
    made.stop()
    made.join()


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> dict[str, object]:
        content: dict[str, object] = json.loads(self.body)
        return content


def ask(
    listener: HttpListener, path: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    connection = http.client.HTTPConnection(listener.url.removeprefix("http://"), timeout=WAIT_SECONDS)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        return Answer(connection.getresponse())
    finally:
        connection.close()


def test_a_request_reaches_the_function_whole(listener: HttpListener) -> None:
    seen = ask(listener, "/api/items/a%20b?x=1&x=2&y=", "POST", b"hello", {"X-Mine": "7"}).json
    assert seen == {
        "method": "POST",
        "url": f"{listener.url}/api/items/a%20b?x=1&x=2&y=",
        "params": {"id": "a b"},
        "query": {"x": "1,2"},  # what is empty is left out
        "body": "hello",
        "header": "7",
    }


def test_the_answer_has_its_status_headers_and_cookies(listener: HttpListener) -> None:
    reply = ask(listener, "/api/items/7")
    assert reply.status == HTTPStatus.CREATED
    assert (reply.headers["content-type"], reply.headers["x-answer"]) == ("application/json", "yes")
    assert reply.headers["Set-Cookie"] == "session=42; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict"


def test_text_nothing_and_failure_have_their_answers(listener: HttpListener) -> None:
    text = ask(listener, "/api/text")
    assert (text.status, text.body.decode()) == (HTTPStatus.OK, "grün")
    assert ask(listener, "/api/silent").status == HTTPStatus.NO_CONTENT
    failed = ask(listener, "/api/fails")
    assert (failed.status, failed.body) == (HTTPStatus.INTERNAL_SERVER_ERROR, b"")


def test_head_answers_without_a_body(listener: HttpListener) -> None:
    assert ask(listener, "/api/text", "HEAD").body == b""


@pytest.mark.parametrize("path", ["/api/nothing", "/items/7", "/api/post_only"])
def test_what_no_function_serves_is_not_found(listener: HttpListener, path: str) -> None:
    assert ask(listener, path).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("guarded", None, HTTPStatus.UNAUTHORIZED),
        ("guarded", "wrong", HTTPStatus.UNAUTHORIZED),
        ("guarded", "blobs-key", HTTPStatus.FORBIDDEN),
        ("guarded", "function-key", HTTPStatus.CREATED),
        ("guarded", "master-key", HTTPStatus.CREATED),
        ("admin_only", "function-key", HTTPStatus.FORBIDDEN),
        ("admin_only", "master-key", HTTPStatus.CREATED),
    ],
)
@pytest.mark.parametrize("by_header", [True, False])
def test_a_function_wants_a_key_of_its_level(
    listener: HttpListener, path: str, key: str | None, status: HTTPStatus, *, by_header: bool
) -> None:
    headers = {"X-Functions-Key": key} if key and by_header else {}
    code = f"?code={key}" if key and not by_header else ""
    reply = ask(listener, f"/api/{path}{code}", headers=headers)
    assert reply.status == status
    assert reply.headers["WWW-Authenticate"] == ("Bearer" if status == HTTPStatus.UNAUTHORIZED else None)


def test_the_webhook_wants_the_key_of_the_extension_and_queues_the_blob(
    listener: HttpListener, queue: QueueClient
) -> None:
    path = "/runtime/webhooks/blobs?functionName=Host.Functions.on_events"
    body = json.dumps([event("a.jpg")]).encode()
    headers = {"aeg-event-type": "Notification"}
    assert ask(listener, path, "POST", body, headers).status == HTTPStatus.UNAUTHORIZED
    assert ask(listener, f"{path}&code=function-key", "POST", body, headers).status == HTTPStatus.FORBIDDEN
    assert ask(listener, f"{path}&code=blobs-key", "POST", body, headers).status == HTTPStatus.ACCEPTED
    assert len(queue.peek_messages(max_messages=5)) == 1


def test_the_webhook_answers_the_handshake_as_text(listener: HttpListener) -> None:
    path = "/runtime/webhooks/blobs?functionName=Host.Functions.on_events&code=blobs-key"
    body = json.dumps([{"data": {"validationCode": "42"}}]).encode()
    reply = ask(listener, path, "POST", body, {"aeg-event-type": "SubscriptionValidation"})
    assert (reply.status, reply.json) == (HTTPStatus.OK, {"validationResponse": "42"})
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_webhook_answers_the_handshake_of_cloud_events(listener: HttpListener) -> None:
    path = "/runtime/webhooks/blobs?functionName=Host.Functions.on_events"
    assert ask(listener, path, "OPTIONS").status == HTTPStatus.UNAUTHORIZED
    headers = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    reply = ask(listener, f"{path}&code=blobs-key", "OPTIONS", headers=headers)
    assert (reply.status, reply.headers["Webhook-Allowed-Origin"]) == (HTTPStatus.OK, "eventgrid.azure.net")


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("events-key", HTTPStatus.ACCEPTED),
        ("master-key", HTTPStatus.ACCEPTED),
        ("blobs-key", HTTPStatus.FORBIDDEN),
        ("function-key", HTTPStatus.FORBIDDEN),
        ("", HTTPStatus.UNAUTHORIZED),
    ],
)
def test_each_webhook_wants_the_key_of_its_own_extension(listener: HttpListener, key: str, status: HTTPStatus) -> None:
    path = f"/runtime/webhooks/EventGrid?functionName=on_deletion&code={key}"
    body = json.dumps([event("a.jpg")]).encode()
    assert ask(listener, path, "POST", body, {"aeg-event-type": "Notification"}).status == status


def test_the_status_of_the_host_is_for_its_owner(listener: HttpListener) -> None:
    assert ask(listener, "/admin/host/status").status == HTTPStatus.UNAUTHORIZED
    assert ask(listener, "/admin/host/status?code=master-key").json == {"id": "host-1", "state": "Running"}


def test_a_body_that_is_too_long_is_an_error_before_the_function(listener: HttpListener) -> None:
    too_long = ask(listener, "/api/items/7", "POST", headers={"Content-Length": str(200_000_000)})
    assert too_long.status == HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n", HTTPStatus.CREATED, "hello world"),
        (b"nonsense\r\n", HTTPStatus.BAD_REQUEST, None),
        (b"fffffff\r\n", HTTPStatus.INTERNAL_SERVER_ERROR, None),
    ],
)
def test_a_chunked_body_reaches_the_function(
    listener: HttpListener, raw: bytes, status: HTTPStatus, body: str | None
) -> None:
    reply = ask(listener, "/api/items/7", "POST", raw, {"Transfer-Encoding": "chunked"})
    assert reply.status == status
    assert body is None or reply.json["body"] == body


def test_the_start_page_is_that_of_the_host_unless_a_function_takes_every_path(listener: HttpListener) -> None:
    assert ask(listener, "/").body == b"The Function app is running.\n"
    listener.routes = [make_route(web_function("all", "ANONYMOUS", "{*path}"), "")]
    assert [ask(listener, path).status for path in ("/", "/admin/x", "/runtime/x")] == [HTTPStatus.CREATED] * 3


class AdminTest(NamedTuple):
    listener: HttpListener
    called: list[str]
    drained: threading.Event


@pytest.fixture
def admin(listener: HttpListener) -> AdminTest:
    called: list[str] = []
    drained = threading.Event()
    on_queue = Function("On_Queue", "id", QueueTrigger("m", "work", "X"), raw_bindings=('{"type": "queueTrigger"}',))
    listener.admin = AdminPages(
        "host-1",
        KEYS,
        [on_queue, web_function("open", "ANONYMOUS", "items/{id}")],
        ["off"],
        {"On_Queue": called.append},
        Drain(drained.set, lambda: 0 if drained.is_set() else 3),
    )
    return AdminTest(listener, called, drained)


def test_the_admin_pages_are_for_the_master_key_but_everybody_may_ping(admin: AdminTest) -> None:
    for path in ("functions", "functions/open", "host/keys", "host/systemkeys/_master", "host/drain/status"):
        assert ask(admin.listener, f"/admin/{path}").status == HTTPStatus.UNAUTHORIZED, path
        assert ask(admin.listener, f"/admin/{path}?code=function-key").status == HTTPStatus.FORBIDDEN, path
        assert ask(admin.listener, f"/admin/{path}?code=master-key").status == HTTPStatus.OK, path
    for method in ("GET", "POST"):
        assert ask(admin.listener, "/admin/host/ping", method).status == HTTPStatus.OK


def test_the_functions_are_listed_with_their_bindings(admin: AdminTest) -> None:
    listed = json.loads(ask(admin.listener, "/admin/functions?code=master-key").body)
    assert [(it["name"], it["isDisabled"]) for it in listed] == [("On_Queue", False), ("open", False), ("off", True)]
    assert listed[0]["config"] == {"bindings": [{"type": "queueTrigger"}]}
    assert ask(admin.listener, "/admin/functions/on_queue?code=master-key").json == listed[0]
    assert ask(admin.listener, "/admin/functions/nobody?code=master-key").status == HTTPStatus.NOT_FOUND


def test_a_function_can_be_called_by_hand(admin: AdminTest) -> None:
    def call(name: str, body: bytes) -> HTTPStatus:
        return HTTPStatus(ask(admin.listener, f"/admin/functions/{name}?code=master-key", "POST", body).status)

    assert call("on_queue", b'{"input": "hello"}') == HTTPStatus.ACCEPTED
    wait_until(lambda: admin.called == ["hello"])
    assert call("on_queue", b"no json") == HTTPStatus.BAD_REQUEST
    assert call("nobody", b'{"input": ""}') == HTTPStatus.NOT_FOUND


def test_keys_can_be_asked_for_by_scope(admin: AdminTest) -> None:
    def keys(path: str) -> dict[str, object]:
        return ask(admin.listener, f"/admin/host/{path}?code=master-key").json

    assert keys("keys") == keys("functionkeys") == {"keys": [{"name": "default", "value": "function-key"}]}
    assert {it["name"] for it in keys("systemkeys")["keys"]} == {"blobs_extension", "eventgrid_extension"}
    assert keys("systemkeys/_master") == {"name": "_master", "value": "master-key"}


def test_a_drain_takes_nothing_new_and_tells_how_far_it_is(admin: AdminTest) -> None:
    def status() -> dict[str, object]:
        return ask(admin.listener, "/admin/host/drain/status?code=master-key").json

    assert status() == {"state": "Disabled", "outstandingInvocations": 3, "outstandingRetries": 0}
    assert ask(admin.listener, "/admin/host/drain?code=master-key", "POST").status == HTTPStatus.ACCEPTED
    wait_until(admin.drained.is_set)
    assert status() == {"state": "Completed", "outstandingInvocations": 0, "outstandingRetries": 0}


def test_stopping_answers_the_request_in_flight(listener: HttpListener) -> None:
    replies: list[Answer] = []
    begun.clear()
    may_end.clear()
    asking = threading.Thread(target=lambda: replies.append(ask(listener, "/api/slow")))
    asking.start()
    assert begun.wait(WAIT_SECONDS)
    listener.stop()
    may_end.set()
    listener.join()
    asking.join()
    assert replies[0].status == HTTPStatus.CREATED


def test_the_keys_of_a_host_stay_the_same(blobs: BlobServiceClient) -> None:
    first = load_keys(blobs, "host-1")
    assert load_keys(blobs, "host-1") == first
    assert load_keys(blobs, "host-2") != first
    keys = (first.master, first.function, first.blobs_extension, first.eventgrid_extension)
    assert len(set(keys)) == 4
    assert all(len(key) >= 40 for key in keys)


def test_keys_of_an_earlier_version_stay_and_the_new_one_is_added(blobs: BlobServiceClient) -> None:
    before = load_keys(blobs, "host-1")
    blob = blobs.get_blob_client("azure-webjobs-secrets", "host-1/host.json")
    content = json.loads(blob.download_blob().readall())
    content["systemKeys"] = [key for key in content["systemKeys"] if key["name"] != "eventgrid_extension"]
    blob.upload_blob(json.dumps(content), overwrite=True)
    after = load_keys(blobs, "host-1")
    assert (after.master, after.blobs_extension) == (before.master, before.blobs_extension)
    assert after.eventgrid_extension not in {"", before.eventgrid_extension}
    assert load_keys(blobs, "host-1") == after
