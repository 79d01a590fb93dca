"""The triggers listen where the settings say, carry their input to one service, and load nothing heavy at the start."""

import asyncio
import base64
import importlib.util
import json
import logging
import subprocess
import sys
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import azure.functions as func
import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from pathspec import GitIgnoreSpec

import function_app
from dedup_app.configuration.ownership import NamespaceTaken
from dedup_app.configuration.settings import Settings
from dedup_app.ports.image_status import DELETED, INDEXED
from dedup_core.errors import InvalidSetting, PermanentError, StoreBusy
from dedup_core.messages import IngestMessage, VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_storage import connect
from tests.app.world import World, copy_of, photo

ROOT = Path(function_app.__file__).parent


def bindings_of(app: func.FunctionApp) -> dict[str, dict]:
    """What the host is told of each function's trigger."""
    return {it.get_function_name(): it.get_trigger().get_dict_repr() for it in app.get_functions()}


@pytest.fixture
def load_app(monkeypatch):
    """Loads function_app.py anew, as a worker with these settings would."""

    def load(**environment: str) -> func.FunctionApp:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        spec = importlib.util.spec_from_file_location("function_app_again", ROOT / "function_app.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.app

    return load


@pytest.fixture
def world(monkeypatch):
    world = World()
    monkeypatch.setattr(function_app, "_connect", lambda: world.services)
    monkeypatch.setattr(function_app, "_decoders", lambda: world.services.decoders)
    return world


CONTEXT = SimpleNamespace(invocation_id="8f7e2f3c-0000-4000-8000-000000000000")


def landed(name: str) -> None:
    function_app.extract_features(SimpleNamespace(container_name="images", blob_name=name), CONTEXT)


def deleted(name: str) -> func.EventGridEvent:
    url = f"https://account.blob.core.windows.net/images/{quote(name)}"
    return func.EventGridEvent(
        id="1",
        topic="/subscriptions/0",
        subject=f"/blobServices/default/containers/images/blobs/{name}",
        event_type="Microsoft.Storage.BlobDeleted",
        event_time=None,
        data={"api": "DeleteBlob", "url": url},
        data_version="",
    )


def test_there_are_seven_functions_that_listen_where_the_documentation_says(load_app):
    bindings = bindings_of(load_app())
    names = {
        *("extract_features", "retract_image", "take_blob_events"),
        *("ingest_images", "verify_pairs", "report_loader_stats", "review"),
    }
    assert set(bindings) == names
    assert bindings["retract_image"]["type"] == "eventGridTrigger"
    blob, ingest, verify, timer = (
        bindings[name] for name in ("extract_features", "ingest_images", "verify_pairs", "report_loader_stats")
    )
    assert (blob["path"], blob["connection"], blob["source"]) == (
        "images/{name}",
        "ImageStorage",
        "LogsAndContainerScan",
    )
    assert (ingest["queueName"], ingest["connection"]) == ("ingest-images", "ImageStorage")
    assert (verify["queueName"], verify["connection"]) == ("verify-pairs", "ImageStorage")
    events = bindings["take_blob_events"]
    assert (events["queueName"], events["connection"]) == ("blob-events", "ImageStorage")
    assert timer["schedule"] == "0 */5 * * * *"
    assert (bindings["review"]["route"], str(bindings["review"]["authLevel"])) == ("{*path}", "FUNCTION")


def test_the_settings_move_the_triggers(load_app):
    bindings = bindings_of(
        load_app(
            IMAGE_CONTAINER="photos",
            INGEST_QUEUE="backfill",
            VERIFY_QUEUE="pairs",
            EVENTS_QUEUE="news",
            STATS_SCHEDULE="0 0 * * * *",
            BLOB_TRIGGER_SOURCE="EventGrid",
        )
    )
    assert (bindings["extract_features"]["path"], bindings["extract_features"]["source"]) == (
        "photos/{name}",
        "EventGrid",
    )
    assert bindings["ingest_images"]["queueName"] == "backfill"
    assert bindings["verify_pairs"]["queueName"] == "pairs"
    assert bindings["take_blob_events"]["queueName"] == "news"
    assert bindings["report_loader_stats"]["schedule"] == "0 0 * * * *"


@pytest.mark.parametrize(("enabled", "level"), [("True", "ANONYMOUS"), ("False", "FUNCTION"), ("", "FUNCTION")])
def test_the_page_needs_a_key_unless_people_sign_in_first(load_app, enabled: str, level: str):
    bindings = bindings_of(load_app(WEBSITE_AUTH_ENABLED=enabled))
    assert str(bindings["review"]["authLevel"]) == level


def test_a_namespace_moves_the_queues_and_leaves_the_images(load_app):
    bindings = bindings_of(load_app(DEDUP_NAMESPACE="shop"))
    queues = {it["queueName"] for it in bindings.values() if "queueName" in it}
    assert queues == {"shop-verify-pairs", "shop-ingest-images", "shop-blob-events"}
    assert bindings["extract_features"]["path"] == "images/{name}"


def test_a_wrong_setting_keeps_the_app_from_starting_and_names_itself(load_app):
    with pytest.raises(InvalidSetting, match="MAX_IMAGE_PIXELS"):
        load_app(MAX_IMAGE_PIXELS="many")


def test_images_messages_and_ticks_end_in_verdicts_and_a_report(world):
    paths = []
    for name, data in (("a b.png", photo(1)), ("c#.jpg", copy_of(1)), ("d.png", photo(2))):
        paths.append(world.upload(name, data))
        landed(name)
        assert world.row(paths[-1]).status == INDEXED
    original, copy, other = paths
    assert world.pair(original, copy).verdict.kind == "duplicate"
    message = VerifyMessage(original, (VerifyTarget(other),))
    function_app.verify_pairs(func.QueueMessage(id="1", body=message.to_json().encode()), CONTEXT)
    assert world.pair(original, other).verdict.kind == "distinct"
    function_app.report_loader_stats(SimpleNamespace(past_due=False), CONTEXT)
    assert world.reports.latest_stats_report().totals.comparisons_performed == 2


def test_an_image_may_also_be_ingested_by_message(world):
    path = world.upload("a.png", photo(1))
    function_app.ingest_images(func.QueueMessage(id="1", body=IngestMessage(path).to_json().encode()), CONTEXT)
    assert world.row(path).status == INDEXED


def test_a_malformed_message_is_finished_and_what_must_wait_is_tried_again_by_the_host(world):
    function_app.verify_pairs(func.QueueMessage(id="7", body=b"nonsense"), CONTEXT)
    assert world.reports.rejected_messages()[0].message_id == "7"
    path = world.upload("a.png", photo(1))
    world.images.failures[path] = StoreBusy("503")
    landed("a.png")
    (message,) = world.ingest_queue.messages  # after a pause, which the host does not make for blobs
    with pytest.raises(StoreBusy):
        function_app.ingest_images(func.QueueMessage(id="1", body=message.to_json().encode()), CONTEXT)
    del world.images.failures[path]
    function_app.ingest_images(func.QueueMessage(id="1", body=message.to_json().encode()), CONTEXT)
    assert world.row(path).status == INDEXED


def test_an_upload_waits_too_while_storage_is_too_busy_to_say_whose_the_namespace_is(world, monkeypatch):
    monkeypatch.setattr(world.reports, "owner", busy)
    path = world.upload("a.png", photo(1))
    landed("a.png")
    assert world.ingest_queue.messages == [IngestMessage(path)]


def test_no_name_is_refused_while_nobody_knows_whose_the_namespace_is(world, monkeypatch):
    monkeypatch.setattr(world.reports, "owner", busy)
    with pytest.raises(StoreBusy):
        landed("a\nb.png")
    assert world.reports.rejected_messages() == []


def busy(*_arguments: object) -> None:
    raise StoreBusy("503")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermanentError("There is no container images", reason="no-container"), "no-container"),
        (ValueError("'tilted' is not a valid VerdictKind"), "defect"),  # as another version may have written it
    ],
)
def test_a_part_of_the_timers_work_that_fails_for_good_stops_no_other(world, monkeypatch, caplog, error, reason):
    def fails() -> None:
        raise error

    done: list[str] = []
    monkeypatch.setattr(world.services.retention, "run", fails)
    monkeypatch.setattr(world.services.precision, "tell", lambda: done.append("precision"))
    monkeypatch.setattr(world.services.reconcile, "run_slices", lambda: done.append("ledger"))
    with pytest.raises(type(error), match=str(error)):  # seen as a failed run all the same
        function_app.report_loader_stats(SimpleNamespace(past_due=False), CONTEXT)
    assert done == ["precision", "ledger"]
    (told,) = [json.loads(it.getMessage()) for it in caplog.records if "upkeep_failed" in it.getMessage()]
    assert (told["part"], told["reason"], told["error"]) == ("retention", reason, type(error).__name__)


def test_all_threads_share_one_connection(monkeypatch):
    made = []
    threads_ready = threading.Barrier(4)

    def slow_connect(settings: Settings, _decoders: object) -> object:
        threading.Event().wait(0.05)
        made.append(settings)
        return World().services

    monkeypatch.setattr(connect, "connect", slow_connect)
    function_app._connect.cache_clear()
    seen = []

    def use() -> None:
        threads_ready.wait()
        with function_app.services_for(CONTEXT) as services:
            seen.append(services)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    function_app._connect.cache_clear()
    assert made == [function_app.settings]
    assert len(set(map(id, seen))) == 1


class NoDecoders:
    """Notes when a decoder is to start."""

    def __init__(self, steps: list[str]) -> None:
        self.steps = steps

    def prepare(self) -> None:
        self.steps.append("decoder starts")


@pytest.mark.parametrize(
    ("take", "steps"),
    [
        (lambda: landed("a.png"), ["decoder starts", "connects"]),
        (lambda: function_app.report_loader_stats(SimpleNamespace(past_due=False), CONTEXT), ["connects"]),
        (lambda: function_app.retract_image(deleted("a.png"), CONTEXT), ["connects"]),
    ],
)
def test_a_decoder_starts_before_the_app_connects_and_only_for_pictures(world, monkeypatch, take, steps):
    seen: list[str] = []
    monkeypatch.setattr(function_app, "_decoders", lambda: NoDecoders(seen))
    monkeypatch.setattr(function_app, "_connect", lambda: seen.append("connects") or world.services)
    take()
    assert seen == steps


def test_another_app_in_the_same_namespace_takes_no_message(world, monkeypatch):
    landed("nothing.png")
    stranger = World(image_container="catalog", site_name="func-b")
    stranger.reports = world.reports
    services = stranger.start_process("stranger")
    monkeypatch.setattr(function_app, "_connect", lambda: services)
    for take in (
        lambda: landed("a.png"),
        *(
            partial(handler, func.QueueMessage(id="1", body=b"nonsense"), CONTEXT)
            for handler in (function_app.verify_pairs, function_app.ingest_images, function_app.take_blob_events)
        ),
        lambda: function_app.retract_image(deleted("a.png"), CONTEXT),
        lambda: function_app.report_loader_stats(SimpleNamespace(past_due=False), CONTEXT),
    ):
        with pytest.raises(NamespaceTaken, match="DEDUP_NAMESPACE"):
            take()
    assert set(stranger.calls) == {"reports.owner"}
    answer = asked("/api/groups")
    assert (answer.status_code, "take-over --site func-b" in json.loads(answer.get_body())["detail"]) == (503, True)


def test_the_first_request_to_a_process_while_storage_is_busy_is_told_so(world, monkeypatch):
    monkeypatch.setattr(world.reports, "owner", busy)
    answer = asked("/api/groups")
    assert (answer.status_code, answer.mimetype) == (503, "application/json")
    assert json.loads(answer.get_body()) == {"detail": "503"}


@pytest.mark.usefixtures("world")
def test_every_method_that_the_trigger_takes_is_served(load_app, monkeypatch):
    monkeypatch.setattr(function_app, "_web_application", function_app._web_application.__wrapped__)
    methods = bindings_of(load_app())["review"]["methods"]
    statuses = {str(method): asked("/api/docs", str(method)).status_code for method in methods}
    assert statuses == {"GET": 200, "HEAD": 200, "POST": 405}  # a page takes no POST


def asked(path: str, method: str = "GET") -> func.HttpResponse:
    return asyncio.run(function_app.review(func.HttpRequest(method=method, url=f"http://x{path}", body=b""), CONTEXT))


def test_whose_the_namespace_is_is_asked_once_a_process_and_by_the_timer(world):
    for name in ("a.png", "b.png"):
        landed(name)
    assert world.calls.count("reports.owner") == 1
    for _ in range(2):
        function_app.report_loader_stats(SimpleNamespace(past_due=False), CONTEXT)
    assert world.calls.count("reports.owner") == 3
    assert world.calls.count("reports.create_owner") == 1


def test_the_start_of_a_worker_loads_no_image_library_and_no_storage_adapter():
    heavy = (
        "opentelemetry numpy PIL dedup_storage dedup_core.loading dedup_core.decoding azure.data azure.storage.queue"
        " fastapi starlette pydantic dedup_web dedup_cli pyarrow"
    )
    script = f"import function_app, sys; print(*[name for name in {heavy.split()} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_a_decoder_is_on_its_way_before_anything_heavy_is_loaded_for_the_first_picture():
    heavy = (
        "numpy ctypes azure.data azure.storage.queue dedup_app.services dedup_storage.account.clients"
        " dedup_core.decoding"
    )
    script = f"""
import sys, function_app
decoders = function_app._decoders()
decoders.prepare()
print(*[name for name in {heavy.split()} if name in sys.modules])
decoders.close()
"""
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_services_are_connected_without_the_search_and_the_queues_that_few_of_them_need():
    heavy = (
        "PIL azure.storage.queue dedup_core.search.fingerprint_index dedup_core.decoding.decoder"
        " dedup_app.pipeline.ingest dedup_app.records.group_book"
    )
    script = f"""
import sys
from dedup_app.configuration.settings import Settings
from dedup_storage.connect import connect
environment = {{
    "ImageStorage": "UseDevelopmentStorage=true",
    "NOTIFY_QUEUE": "notices",
    "EVENTS_TOPIC_ENDPOINT": "https://topic.westeurope-1.eventgrid.azure.net/api/events",
}}
services = connect(Settings.from_environment(environment))
print(*[name for name in {heavy.split()} if name in sys.modules])
assert len(services.event_senders) == 2
assert services.index is services.index
"""
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_a_page_of_groups_is_listed_without_what_makes_pictures():
    heavy = "PIL httpx dedup_core.comparison.measure dedup_core.search.fingerprint_index dedup_app.pipeline.check"
    script = f"""
import sys
from dedup_app.configuration.settings import Settings
from dedup_storage.connect import connect
from dedup_web.app import create_app
services = connect(Settings.from_environment({{"ImageStorage": "UseDevelopmentStorage=true"}}))
create_app(services, who="ann")
assert services.review
print(*[name for name in {heavy.split()} if name in sys.modules])
"""
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_the_host_reads_queue_messages_as_they_are_and_outwaits_a_storage_that_is_busy_for_minutes():
    host = json.loads((ROOT / "host.json").read_text())
    queues = host["extensions"]["queues"]
    assert queues["messageEncoding"] == "none"
    assert duration(queues["visibilityTimeout"]) * (queues["maxDequeueCount"] - 1) >= timedelta(minutes=9)
    assert host["extensions"]["blobs"]["poisonBlobThreshold"] == 5
    assert duration(host["functionTimeout"]) <= timedelta(
        minutes=10
    )  # what a queue message stays hidden, and what every plan allows


def test_the_host_keeps_its_own_lines_that_name_blobs_and_passes_on_those_of_every_function(load_app):
    levels = json.loads((ROOT / "host.json").read_text())["logging"]["logLevel"]
    assert levels["Function"] == "Warning"
    assert levels["Azure.Core"] == "Error"  # its warnings are ten lines for each new blob of a scan
    passed_on = {name for name, level in levels.items() if name.endswith(".User") and level == "Information"}
    assert passed_on == {f"Function.{name}.User" for name in bindings_of(load_app())}


def test_the_sample_settings_are_the_defaults():
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    settings = Settings.from_environment(values)
    assert settings.require_image_storage().connection_string == "UseDevelopmentStorage=true"
    assert settings == Settings(image_storage=settings.image_storage)


def test_what_the_app_imports_is_deployed_and_what_it_does_not_stays_here():
    patterns = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text().splitlines())

    def ignored(name: str) -> bool:
        return patterns.match_file(name) or patterns.match_file(f"{name}/")

    deployed = ["function_app.py", "host.json", "requirements.txt", "dedup_core", "dedup_app", "dedup_storage"]
    assert not [name for name in deployed if ignored(name)]
    kept_here = [
        "tests",
        "local.settings.json",
        ".venv",
        "node_modules",
        "benchmarks",
        "local_host",
        ".git",
        ".azurite",
    ]
    assert [name for name in kept_here if not ignored(name)] == []


def test_blob_names_reach_the_service_as_storage_spells_them(world):
    path = ImagePath("images", "50%25/ü?.png")
    world.images.put(path, photo(1))
    landed("50%25/ü?.png")
    assert world.row(path).status == INDEXED
    world.images.delete(path)
    function_app.retract_image(deleted("50%25/ü?.png"), CONTEXT)
    assert world.row(path).status == DELETED


def test_a_deletion_is_taken_as_a_cloud_event_too(world):
    path = world.upload("a.png", photo(1))
    landed("a.png")
    world.images.delete(path)
    body = {
        "specversion": "1.0",
        "id": "1",
        "source": "/subscriptions/0",
        "type": "Microsoft.Storage.BlobDeleted",
        "data": {"url": "https://account.blob.core.windows.net/images/a.png"},
    }
    event = EventGridEventInConverter.decode(Datum(json.dumps(body), "json"), trigger_metadata=None)
    assert isinstance(event, func.CloudEvent)
    function_app.retract_image(event, CONTEXT)
    assert world.row(path).status == DELETED


def test_an_event_that_came_by_queue_reaches_the_same_services(world):
    path = world.upload("a.png", photo(1))
    event = {
        "eventType": "Microsoft.Storage.BlobCreated",
        "data": {"url": "https://account.blob.core.windows.net/images/a.png"},
    }
    body = base64.b64encode(json.dumps(event).encode())
    function_app.take_blob_events(func.QueueMessage(id="1", body=body), CONTEXT)
    assert world.row(path).status == INDEXED


def test_every_line_of_an_invocation_carries_its_id_and_none_after_it(world, caplog):
    caplog.set_level(logging.INFO)
    world.upload("a.png", photo(1))
    landed("a.png")
    function_app.verify_pairs(func.QueueMessage(id="7", body=b"nonsense"), CONTEXT)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line["event"] for line in lines] == ["image_ingested", "message_refused"]
    assert {line["invocation"] for line in lines} == {CONTEXT.invocation_id}
    caplog.clear()
    world.services.reporting.report()
    assert "invocation" not in json.loads(caplog.records[0].getMessage())


def duration(text: str) -> timedelta:
    return timedelta(**dict(zip(("hours", "minutes", "seconds"), map(int, text.split(":")), strict=True)))
