"""A queue function gets its message decoded and with the metadata that the host sends."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.storage.queue import QueueMessage

from local_host.queues.listener import Result
from local_host.queues.trigger import QueueInvoker, decode_base64, queue_metadata
from local_host.runtime.bindings import Function, QueueTrigger
from local_host.runtime.worker import Outcome
from tests.local_host.conftest import FakeInvoker

FUNCTION = Function("f", "id-1", QueueTrigger("message", "work", "AzureWebJobsStorage"))


def message(content: str) -> QueueMessage:
    made = QueueMessage(content=content)
    made.id, made.pop_receipt, made.dequeue_count = "id-7", "receipt-7", 2
    made.inserted_on = made.expires_on = made.next_visible_on = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return made


def plain(text: str) -> dict[str, Any]:
    metadata = queue_metadata(message(text), text)
    return {key: value.string if value.json is None else json.loads(value.json) for key, value in metadata.items()}


def test_the_metadata_holds_what_the_queue_says_of_the_message() -> None:
    assert plain("hello") == {
        "QueueTrigger": "hello",
        "Id": "id-7",
        "PopReceipt": "receipt-7",
        "DequeueCount": 2,
        "InsertionTime": "2026-01-02T03:04:05+00:00",
        "ExpirationTime": "2026-01-02T03:04:05+00:00",
        "NextVisibleTime": "2026-01-02T03:04:05+00:00",
    }


def test_the_keys_of_a_json_object_are_merged_in_without_arrays_and_nulls() -> None:
    metadata = plain('{"left": "a", "number": 5, "inner": {"x": 1}, "list": [1], "nothing": null}')
    assert (metadata["left"], metadata["number"], metadata["inner"]) == ("a", "5", {"x": 1})
    assert not {"list", "nothing"} & set(metadata)


def test_scalars_become_text_as_dotnet_writes_it_and_nested_values_compact_json() -> None:
    body = '{"one": 1.0, "yes": true, "at": "2026-01-02T03:04:05+02:00", "inner": {"at": "2026-01-02T03:04:05+02:00"}}'
    metadata = queue_metadata(message(body), body)
    assert [metadata[key].string for key in ("one", "yes", "at")] == ["1", "True", "01/02/2026 01:04:05"]
    assert metadata["inner"].json == '{"at":"2026-01-02T01:04:05+00:00"}'


def test_keys_that_differ_in_case_only_are_one() -> None:
    metadata = plain('{"Left": "a", "LEFT": "b"}')
    assert metadata["Left"] == "b"
    assert "LEFT" not in metadata


def test_a_body_nested_without_end_adds_nothing_and_reaches_the_function(invoker: FakeInvoker) -> None:
    body = "[" * 20_000
    for text in (body, '{"a": ' + body + "]" * 20_000 + "}"):
        assert QueueInvoker(invoker, FUNCTION, base64=False)(message(text)) is Result.DONE
        assert set(invoker.calls[-1].metadata) == set(plain("hello"))


def test_there_is_no_entry_sys(invoker: FakeInvoker) -> None:
    QueueInvoker(invoker, FUNCTION, base64=False)(message("x"))
    assert "sys" not in invoker.calls[0].metadata


def test_a_key_of_the_body_overwrites_the_metadata_of_the_same_name_in_any_case() -> None:
    metadata = plain('{"dequeuecount": "many", "ID": "mine"}')
    assert (metadata["DequeueCount"], metadata["Id"]) == ("many", "mine")
    assert not {"dequeuecount", "ID"} & set(metadata)


@pytest.mark.parametrize("body", ["[1, 2]", "7", '"text"', "{broken"])
def test_a_body_that_is_no_json_object_adds_nothing(body: str) -> None:
    assert set(plain(body)) == set(plain("hello"))


def test_plain_text_reaches_the_function_as_it_is(invoker: FakeInvoker) -> None:
    assert QueueInvoker(invoker, FUNCTION, base64=False)(message("aGVsbG8=")) is Result.DONE
    assert invoker.calls[0].data.string == "aGVsbG8="


def test_base64_reaches_the_function_decoded(invoker: FakeInvoker) -> None:
    content = base64.b64encode("grün".encode()).decode()
    assert QueueInvoker(invoker, FUNCTION, base64=True)(message(content)) is Result.DONE
    assert invoker.calls[0].data.string == "grün"


@pytest.mark.parametrize("content", ["hello!", "aGVsbG8", '{"left": "a"}'])
def test_what_is_no_base64_is_poison_and_never_reaches_the_function(invoker: FakeInvoker, content: str) -> None:
    assert QueueInvoker(invoker, FUNCTION, base64=True)(message(content)) is Result.POISON
    assert invoker.calls == []


def test_line_breaks_in_base64_are_nothing_wrong() -> None:
    assert decode_base64("aGVs\r\nbG8=\n") == "hello"


def test_a_failed_function_means_a_failed_message() -> None:
    failing = FakeInvoker(lambda _call: Outcome(succeeded=False, error="boom"))
    assert QueueInvoker(failing, FUNCTION, base64=False)(message("x")) is Result.FAILED
