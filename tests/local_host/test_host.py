"""A whole host runs an app as it is: every kind of trigger, its settings, its log."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local_host.process import HostProcess
from tests.azurite import Account, Azurite
from tests.local_host.apps import App
from tests.local_host.conftest import texts, wait_until

CODE = """
@app.queue_trigger(arg_name="message", queue_name="%WORK_QUEUE%", connection="Images")
def on_message(message: func.QueueMessage, context: func.Context) -> None:
    body = message.get_body().decode()
    if body == "bad":
        raise ValueError("this message is bad")
    logging.info("message %s in %s", body, context.invocation_id)
    note(kind="queue", body=body, id=message.id, count=message.dequeue_count, hours=(
        message.expiration_time - message.insertion_time).total_seconds() / 3600)

@app.blob_trigger(arg_name="client", path="%IMAGES%/{name}", connection="Images")
def on_blob(client: blob.BlobClient) -> None:
    note(kind="client", name=client.blob_name, text=client.download_blob().readall().decode())

@app.blob_trigger(arg_name="stream", path="texts/{name}.txt", connection="Images")
def on_stream(stream: func.InputStream) -> None:
    note(kind="stream", name=stream.name, uri=stream.uri, length=stream.length, text=stream.read().decode(),
         metadata=stream.metadata)

@app.blob_trigger(arg_name="client", path="events/{name}", connection="Images", source="EventGrid")
def on_event(client: blob.BlobClient) -> None:
    note(kind="event", name=client.blob_name)

@app.event_grid_trigger(arg_name="event")
def on_deletion(event: func.EventGridEvent) -> None:
    if event.subject == "bad":
        raise ValueError("this event is bad")
    note(kind="deletion", type=event.event_type, subject=event.subject, data=event.get_json(), at=str(event.event_time))

@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%", run_on_startup=True)
def on_time(timer: func.TimerRequest) -> None:
    note(kind="timer", past_due=timer.past_due)

@app.timer_trigger(arg_name="timer", schedule="* * * * * *", run_on_startup=True)
def switched_off(timer: func.TimerRequest) -> None:
    note(kind="never")

@app.queue_trigger(arg_name="message", queue_name="async", connection="Images")
async def on_async_message(message: func.QueueMessage) -> None:
    await asyncio.sleep(0.01)
    logging.info("awaited %s", message.get_body().decode())
    note(kind="async", body=message.get_body().decode())

@app.route(route="hello/{name}", methods=["POST"])
def hello(req: func.HttpRequest) -> func.HttpResponse:
    answer = {"name": req.route_params["name"], "body": req.get_json(), "setting": os.environ["SETTING"],
              "folder": os.getcwd(), "environment": os.environ["AZURE_FUNCTIONS_ENVIRONMENT"]}
    return func.HttpResponse(json.dumps(answer), mimetype="application/json", headers={"Set-Cookie": "a=b; Path=/"})
"""


SHORT = """
@app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
def on_message(message: func.QueueMessage) -> None:
    note(kind="message", body=message.get_body().decode())
"""


class Running(NamedTuple):
    app: App
    host: HostProcess
    blobs: BlobServiceClient
    queues: QueueServiceClient


@pytest.fixture(scope="module")
def running(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One host for the tests of this module; each looks at a function or a message of its own."""
    connection = azurite.new_account().connection_string
    blobs = BlobServiceClient.from_connection_string(connection)
    queues = QueueServiceClient.from_connection_string(connection)
    for container in ("images", "texts", "events"):
        blobs.create_container(container)
    for queue in ("work", "async"):
        queues.create_queue(queue)
    settings = {
        "AzureWebJobsStorage": connection,
        "Images": connection,
        "WORK_QUEUE": "work",
        "IMAGES": "images",
        "SCHEDULE": "0 0 0 1 1 *",
        "SETTING": "from-file",
        "AzureWebJobs.switched_off.Disabled": "true",
    }
    app = App(tmp_path_factory.mktemp("app"), CODE, settings)
    with HostProcess(app.folder, {"SETTING": "from-environment"}, scan_seconds=0.5) as host:
        yield Running(app, host, blobs, queues)


def post(url: str, body: object, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, json.dumps(body).encode(), named, method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
        return response.status, response.read(), dict(response.headers)


def test_every_function_is_run_but_the_one_that_is_switched_off(running: Running) -> None:
    assert sorted(running.host.status.functions) == [
        "hello",
        "on_async_message",
        "on_blob",
        "on_deletion",
        "on_event",
        "on_message",
        "on_stream",
        "on_time",
    ]
    assert running.app.notes("never") == []
    assert re.search(r"switched_off +disabled", running.host.log_text())


def test_a_queue_function_gets_the_message_with_its_metadata(running: Running) -> None:
    sent = running.queues.get_queue_client("work").send_message('{"left": "a", "right": "b"}')
    wait_until(lambda: any(each["id"] == sent.id for each in running.app.notes("queue")))
    (noted,) = [each for each in running.app.notes("queue") if each["id"] == sent.id]
    assert noted == {"body": '{"left": "a", "right": "b"}', "id": sent.id, "count": 1, "hours": 7 * 24}


def test_a_message_that_always_fails_ends_in_the_poison_queue_with_its_reason_in_the_log(running: Running) -> None:
    running.queues.get_queue_client("work").send_message("bad")
    wait_until(lambda: "work-poison" in [queue.name for queue in running.queues.list_queues()])
    wait_until(lambda: texts(running.queues.get_queue_client("work-poison")) == ["bad"])
    log = running.host.log_text()
    assert len(re.findall(r"on_message .*Failed.*ValueError: this message is bad", log)) == 2  # maxDequeueCount
    assert 'raise ValueError("this message is bad")' in log


def test_a_blob_function_gets_a_client_that_works(running: Running) -> None:
    running.blobs.get_blob_client("images", "in/a ü.jpg").upload_blob(b"pixels")
    assert running.app.wait_for_notes("client", 1) == [{"name": "in/a ü.jpg", "text": "pixels"}]


def test_a_blob_function_gets_a_stream_with_name_address_and_metadata(running: Running) -> None:
    client = running.blobs.get_blob_client("texts", "a.txt")
    client.upload_blob(b"hello", metadata={"who": "me"})
    running.blobs.get_blob_client("texts", "a.jpg").upload_blob(b"not for this function")
    expected = {"name": "texts/a.txt", "uri": client.url, "length": 5, "text": "hello", "metadata": {"who": "me"}}
    assert running.app.wait_for_notes("stream", 1) == [expected]


def test_a_blob_function_runs_on_the_events_of_event_grid_only(running: Running) -> None:
    running.blobs.get_blob_client("events", "a.jpg").upload_blob(b"1")
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": "/blobServices/default/containers/events/blobs/a.jpg",
        "data": {"url": "https://x.blob.core.windows.net/events/a.jpg", "eTag": "0x1", "blobType": "BlockBlob"},
    }
    key = running.host.status.keys["blobs_extension"]
    url = f"{running.host.url}/runtime/webhooks/blobs?functionName=Host.Functions.on_event&code={key}"
    assert running.app.notes("event") == []
    for _ in range(2):
        assert post(url, [event], aeg_event_type="Notification")[0] == 202
    assert running.app.wait_for_notes("event", 2) == [{"name": "a.jpg"}, {"name": "a.jpg"}]


def test_an_event_grid_function_gets_each_event_and_its_failure_reaches_the_sender(running: Running) -> None:
    event = {
        "id": "1",
        "topic": "/subscriptions/0",
        "eventType": "Microsoft.Storage.BlobDeleted",
        "subject": "/blobServices/default/containers/events/blobs/a.jpg",
        "eventTime": "2026-05-31T12:00:00Z",
        "data": {"url": "https://x.blob.core.windows.net/events/a.jpg"},
        "dataVersion": "",
    }
    key = running.host.status.keys["eventgrid_extension"]
    url = f"{running.host.url}/runtime/webhooks/EventGrid?functionName=on_deletion&code={key}"
    assert post(url, [event], aeg_event_type="Notification")[0] == 202
    expected = {"type": event["eventType"], "subject": event["subject"], "data": event["data"]}
    assert running.app.notes("deletion") == [{**expected, "at": "2026-05-31 12:00:00+00:00"}]
    with pytest.raises(urllib.error.HTTPError, match="500"):
        post(url, [{**event, "subject": "bad"}], aeg_event_type="Notification")


def test_a_timer_function_runs_at_the_start_if_it_wants_to(running: Running) -> None:
    assert running.app.wait_for_notes("timer", 1) == [{"past_due": False}]


def test_an_async_function_is_run_too(running: Running) -> None:
    running.queues.get_queue_client("async").send_message("hello")
    assert running.app.wait_for_notes("async", 1) == [{"body": "hello"}]
    assert re.search(r"INFO \[on_async_message \w{8}\] awaited hello", running.host.log_text())


def test_an_http_function_answers_and_sees_environment_before_local_settings(running: Running) -> None:
    key = running.host.status.keys["function"]
    status, body, headers = post(f"{running.host.url}/api/hello/you", {"x": 1}, x_functions_key=key)
    assert status == 200
    assert json.loads(body) == {
        "name": "you",
        "body": {"x": 1},
        "setting": "from-environment",
        "folder": str(running.app.folder),
        "environment": "Development",
    }
    assert headers["Set-Cookie"] == "a=b; Path=/"


def test_a_log_line_names_its_function_and_its_invocation(running: Running) -> None:
    running.queues.get_queue_client("work").send_message("log me")
    pattern = r"INFO \[on_message (\w{8})\] message log me in (\w{8})-"
    wait_until(lambda: re.search(pattern, running.host.log_text()) is not None)
    found = re.search(pattern, running.host.log_text())
    assert found is not None
    assert found[1] == found[2]


def test_the_start_says_what_runs_and_where(running: Running) -> None:
    log = running.host.log_text()
    assert re.search(r"on_message +queue +work \(Images\)", log)
    assert re.search(r"on_blob +blob +images/\{name\} \(Images\), scanned every 0.5 s", log)
    assert re.search(r"on_event +blob +events/\{name\} \(Images\), by Event Grid, http://\S+on_event\n", log)
    assert re.search(r"on_deletion +event +http://\S+/runtime/webhooks/eventgrid\?functionName=on_deletion\n", log)
    assert re.search(r"on_time +timer +0 0 0 1 1 \*, next at \d{4}-01-01 00:00:00 UTC", log)
    assert re.search(rf"hello +http +POST {running.host.url}/api/hello/\{{name\}}\n", log)
    assert re.search(r"Storage: http://127\.0\.0\.1:\d+/", log)


def test_keys_of_a_storage_that_is_not_our_own_azurite_stay_out_of_the_log(running: Running) -> None:
    log = running.host.log_text()
    assert not any(key in log for key in running.host.status.keys.values())


def test_a_draining_host_takes_nothing_new_but_answers(account: Account, tmp_path: Path) -> None:
    queue = QueueServiceClient.from_connection_string(account.connection_string).create_queue("work")
    app = App(tmp_path / "app", SHORT, {"AzureWebJobsStorage": account.connection_string})
    with HostProcess(app.folder) as host:
        key = host.status.keys["master"]
        assert post(f"{host.url}/admin/functions/on_message?code={key}", {"input": "by hand"})[0] == 202
        assert app.wait_for_notes("message", 1) == [{"body": "by hand"}]
        assert post(f"{host.url}/admin/host/drain?code={key}", {})[0] == 202
        with urllib.request.urlopen(f"{host.url}/admin/host/drain/status?code={key}", timeout=20) as reply:  # noqa: S310
            assert json.load(reply)["state"] == "Completed"
        queue.send_message("too late")
        time.sleep(1.0)  # longer than the longest pause between two looks
        assert texts(queue) == ["too late"]


def test_the_status_file_is_for_its_user_only(running: Running) -> None:
    path: Path = running.host._status_file
    assert path.stat().st_mode & 0o077 == 0
