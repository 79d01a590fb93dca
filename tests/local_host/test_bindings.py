"""Raw bindings become triggers, with their expressions resolved."""

import json

import pytest

from local_host.runtime.bindings import (
    BlobPath,
    BlobTrigger,
    EventGridTrigger,
    Function,
    HttpTrigger,
    QueueTrigger,
    TimerTrigger,
    is_disabled,
    parse_function,
    resolve_expressions,
)
from local_host.runtime.protos import RpcFunctionMetadata
from local_host.settings import SettingsError


def parse(*bindings: dict[str, object], **environ: str) -> Function:
    raw = [json.dumps({"direction": "IN", **binding}) for binding in bindings]
    return parse_function(RpcFunctionMetadata("f", "id-1", raw, None), environ)


def test_an_expression_is_replaced_by_the_setting_of_that_name() -> None:
    assert resolve_expressions("%A%/x-%B%.jpg", {"A": "images", "B": "7"}) == "images/x-7.jpg"


def test_an_expression_without_a_setting_is_an_error_that_names_it() -> None:
    with pytest.raises(SettingsError, match="%NOWHERE%"):
        resolve_expressions("%NOWHERE%", {})


def test_a_queue_trigger_has_its_queue_and_connection() -> None:
    function = parse({"type": "queueTrigger", "name": "m", "queueName": "%Q%", "connection": "Images"}, Q="work")
    assert function.trigger == QueueTrigger("m", "work", "Images")


def test_a_binding_without_a_connection_uses_the_hosts_storage() -> None:
    function = parse({"type": "queueTrigger", "name": "m", "queueName": "work", "connection": ""})
    assert function.trigger == QueueTrigger("m", "work", "AzureWebJobsStorage")


def test_a_deferred_blob_trigger_by_event_grid_is_recognized() -> None:
    binding = {
        "type": "blobTrigger",
        "name": "b",
        "path": "%C%/{name}",
        "connection": "Images",
        "source": "%S%",
        "properties": {"SupportsDeferredBinding": True},
    }
    trigger = parse(binding, C="images", S="EventGrid").trigger
    assert isinstance(trigger, BlobTrigger)
    assert trigger.deferred
    assert trigger.event_grid
    assert trigger.path.container == "images"


def test_a_blob_trigger_scans_its_container_unless_told_otherwise() -> None:
    trigger = parse({"type": "blobTrigger", "name": "b", "path": "images/{name}", "connection": "I"}).trigger
    assert isinstance(trigger, BlobTrigger)
    assert not trigger.event_grid
    assert not trigger.deferred


def test_timer_and_http_triggers_keep_their_options() -> None:
    timer = parse({"type": "timerTrigger", "name": "t", "schedule": "%S%", "runOnStartup": True}, S="0 * * * * *")
    assert timer.trigger == TimerTrigger("t", "0 * * * * *", run_on_startup=True, use_monitor=True)
    web = parse(
        {"type": "httpTrigger", "name": "r", "route": "a/{id}", "methods": ["get"], "authLevel": "ANONYMOUS"},
        {"type": "http", "name": "$return", "direction": "OUT"},
    )
    assert web.trigger == HttpTrigger("r", "a/{id}", frozenset({"GET"}), "ANONYMOUS")


def test_an_event_grid_trigger_needs_nothing_but_its_parameter() -> None:
    assert parse({"type": "eventGridTrigger", "name": "event"}).trigger == EventGridTrigger("event")


def test_a_binding_that_is_not_run_here_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"function f.*serviceBusTrigger"):
        parse({"type": "serviceBusTrigger", "name": "m", "queueName": "q"})


@pytest.mark.parametrize("value", ["1", "true", "True"])
@pytest.mark.parametrize("name", ["AzureWebJobs.f.Disabled", "AzureWebJobs_f_Disabled"])
def test_a_setting_switches_a_function_off(name: str, value: str) -> None:
    assert is_disabled("f", {name: value})


def test_a_function_is_on_unless_a_setting_says_so() -> None:
    assert not is_disabled("f", {"AzureWebJobs.f.Disabled": "false", "AzureWebJobs.g.Disabled": "true"})


@pytest.mark.parametrize(
    ("path", "blob", "parameters"),
    [
        ("images/{name}", "a/b c.jpg", {"name": "a/b c.jpg"}),
        ("images/{name}.jpg", "x.y.jpg", {"name": "x.y"}),
        ("images/{name}.jpg", "x.png", None),
        ("images/in/{name}", "out/x", None),
        ("images/{day}-{name}", "1-2-x", {"day": "1-2", "name": "x"}),
        ("images", "anything", {}),
        ("images/a+b.jpg", "a+b.jpg", {}),
    ],
)
def test_a_blob_path_matches_and_names_its_parameters(path: str, blob: str, parameters: dict[str, str] | None) -> None:
    assert BlobPath.parse(path).match(blob) == parameters


def test_a_blob_path_begins_with_a_container() -> None:
    with pytest.raises(SettingsError, match="container"):
        BlobPath.parse("{container}/{name}")
