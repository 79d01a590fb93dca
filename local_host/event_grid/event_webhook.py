"""The webhook of Event Grid triggers: `/runtime/webhooks/EventGrid?functionName=<name>` runs the function at once."""

import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from local_host.event_grid.blob_webhook import Reply, events_of
from local_host.queues.trigger import system_metadata
from local_host.runtime.bindings import Function
from local_host.runtime.protos import TypedData
from local_host.runtime.worker import Invoker

EVENT_TRIGGER_PATH = "runtime/webhooks/eventgrid"
RUNS_AT_ONCE = 8

logger = logging.getLogger("local_host.events")


class EventTriggerWebhook:
    """Nothing is stored on the way: the answer waits for every run, and after a failure the sender sends all again."""

    def __init__(self, functions: Mapping[str, Function], worker: Invoker) -> None:
        self._functions = functions
        self._worker = worker

    def handle(self, function_id: str, event_type: str, body: bytes) -> Reply:
        """Answer one request; `event_type` is its header aeg-event-type, `function_id` the function's plain name."""
        function = self._functions.get(function_id)
        if function is None:
            logger.warning("An event came for %s, which has no Event Grid trigger", function_id)
            return Reply(HTTPStatus.NOT_FOUND)
        try:
            match event_type.lower():
                case "subscriptionvalidation":
                    return Reply(HTTPStatus.OK, {"validationResponse": _validation_code(body)})
                case "notification":
                    return Reply(self._run(function, events_of(body)))
                case "unsubscribe":
                    return Reply(HTTPStatus.ACCEPTED)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            logger.warning("A request for %s holds no Event Grid events: %r", function_id, error)
            return Reply(HTTPStatus.INTERNAL_SERVER_ERROR)
        return Reply(HTTPStatus.BAD_REQUEST)

    def _run(self, function: Function, events: list[dict[str, Any]]) -> HTTPStatus:
        with ThreadPoolExecutor(RUNS_AT_ONCE) as threads:
            succeeded = list(threads.map(lambda event: self._run_one(function, event), events))
        return HTTPStatus.ACCEPTED if all(succeeded) else HTTPStatus.INTERNAL_SERVER_ERROR

    def _run_one(self, function: Function, event: dict[str, Any]) -> bool:
        metadata = {"data": TypedData(json=json.dumps(event.get("data")))} | system_metadata(function)
        trigger = TypedData(json=json.dumps(event))
        return self._worker.invoke(function, trigger, metadata, "An event of Event Grid came").succeeded


def _validation_code(body: bytes) -> str:
    data = events_of(body)[0]["data"]
    # As a CloudEvent the data is JSON in a text.
    return str((json.loads(data) if isinstance(data, str) else data)["validationCode"])
