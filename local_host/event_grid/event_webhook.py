"""The webhook of Event Grid triggers: `/runtime/webhooks/EventGrid?functionName=<name>` runs the function at once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from local_host.event_grid.delivery import Delivery, Reply, answer
from local_host.runtime import newtonsoft
from local_host.runtime.bindings import Function
from local_host.runtime.protos import TypedData
from local_host.runtime.worker import Invoker

EVENT_TRIGGER_PATH = "runtime/webhooks/eventgrid"


class EventWebhook:
    """Nothing is stored on the way: the answer waits for every run, and after a failure the sender sends all again."""

    def __init__(self, functions: Mapping[str, Function], worker: Invoker) -> None:
        self._functions = functions
        self._worker = worker

    def handle(self, delivery: Delivery) -> Reply:
        """Answer one request; its function is named by its plain name."""
        function = self._functions.get(delivery.function)
        if function is None:
            return Reply(HTTPStatus.NOT_FOUND, f"cannot find function: '{delivery.function}'")
        return answer(delivery, lambda events: self._run(function, events))

    def call(self, function: Function, text: str) -> None:
        """Run a function by hand, with an event in JSON."""
        self._run_one(function, newtonsoft.parse_object(text))

    def _run(self, function: Function, events: list[dict[str, Any]]) -> Reply:
        with ThreadPoolExecutor(max(1, len(events))) as threads:  # all of them at once
            succeeded = list(threads.map(lambda event: self._run_one(function, event), events))
        if all(succeeded):
            return Reply(HTTPStatus.ACCEPTED)
        return Reply(HTTPStatus.INTERNAL_SERVER_ERROR, f"Exception while executing function: Functions.{function.name}")

    def _run_one(self, function: Function, event: dict[str, Any]) -> bool:
        metadata = {"data": TypedData(json=newtonsoft.compact(event["data"]))} if "data" in event else {}
        trigger = TypedData(json=newtonsoft.compact(event))
        return self._worker.invoke(function, trigger, metadata, "An event of Event Grid came").succeeded
