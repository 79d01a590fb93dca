"""The host's own pages under `/admin`, for those who hold the master key."""

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from local_host.http.keys import HostKeys
from local_host.runtime.bindings import Function, HttpTrigger

STATUS_PATH = "admin/host/status"
PING_PATH = "admin/host/ping"
DRAIN_PATH = "admin/host/drain"
FUNCTIONS_PATH = "admin/functions"
KEYS_PATHS = ("admin/host/keys", "admin/host/functionkeys", "admin/host/systemkeys")

logger = logging.getLogger("local_host.admin")


@dataclass(frozen=True)
class Page:
    status: HTTPStatus
    content: Any = None  # what becomes JSON


class Drain:
    """Takes nothing new from queues, containers and clocks when it is asked to; calls go on, and so does HTTP."""

    def __init__(self, stop_listeners: Callable[[], None], outstanding: Callable[[], int]) -> None:
        self._stop_listeners = stop_listeners
        self._outstanding = outstanding
        self._begun = threading.Event()

    def begin(self) -> None:
        self._begun.set()
        self._stop_listeners()

    def status(self) -> dict[str, Any]:
        outstanding = self._outstanding()
        state = ("InProgress" if outstanding else "Completed") if self._begun.is_set() else "Disabled"
        return {"state": state, "outstandingInvocations": outstanding, "outstandingRetries": 0}


@dataclass(frozen=True)
class AdminPages:
    """`calls` runs a function by hand, by name, with the input that was posted; it returns when the run has ended."""

    host_id: str
    keys: HostKeys
    functions: Sequence[Function] = ()
    disabled: Sequence[str] = ()
    calls: Mapping[str, Callable[[str], None]] = field(default_factory=dict)
    drain: Drain = field(default_factory=lambda: Drain(lambda: None, lambda: 0))

    def level(self, path: str) -> str | None:
        """Return what a page asks for, or None where there is no page."""
        if path == PING_PATH:
            return "ANONYMOUS"
        first = "/".join(path.split("/")[:3])
        known = {STATUS_PATH, DRAIN_PATH, *KEYS_PATHS}
        return "ADMIN" if first in known or f"{path}/".startswith(f"{FUNCTIONS_PATH}/") else None

    def answer(self, method: str, path: str, body: bytes) -> Page:
        if path.startswith(f"{FUNCTIONS_PATH}/"):
            return self._function(method, path.removeprefix(f"{FUNCTIONS_PATH}/"), body)
        if method == "POST" and path == DRAIN_PATH:
            threading.Thread(target=self.drain.begin, name="drain", daemon=True).start()
            return Page(HTTPStatus.ACCEPTED)
        if path == PING_PATH:
            return Page(HTTPStatus.OK)
        return self._look_up(path) if method == "GET" else Page(HTTPStatus.METHOD_NOT_ALLOWED)

    def _look_up(self, path: str) -> Page:
        match path.removeprefix("admin/"):
            case "host/status":
                return Page(HTTPStatus.OK, {"id": self.host_id, "state": "Running"})
            case "host/drain/status":
                return Page(HTTPStatus.OK, self.drain.status())
            case "functions":
                return Page(HTTPStatus.OK, [self._described(name) for name in self._names()])
        return self._keys(path)

    def _names(self) -> list[str]:
        return [*(function.name for function in self.functions), *self.disabled]

    def _described(self, name: str) -> dict[str, Any]:
        function = next((it for it in self.functions if it.name == name), None)
        described: dict[str, Any] = {"name": name, "language": "python", "isDisabled": function is None}
        if function is not None:
            described["config"] = {"bindings": [json.loads(raw) for raw in function.raw_bindings]}
            if isinstance(function.trigger, HttpTrigger):
                described["route"] = function.trigger.route or function.name
        return described

    def _function(self, method: str, name: str, body: bytes) -> Page:
        known = next((it for it in self._names() if it.lower() == name.lower()), None)
        if known is None:
            return Page(HTTPStatus.NOT_FOUND)
        if method == "GET":
            return Page(HTTPStatus.OK, self._described(known))
        if method != "POST":
            return Page(HTTPStatus.METHOD_NOT_ALLOWED)
        if known not in self.calls:
            return Page(HTTPStatus.NOT_FOUND)
        text = _input(body)
        if text is None:
            return Page(HTTPStatus.BAD_REQUEST)
        threading.Thread(target=self._call, args=(known, text), name=f"call {known}", daemon=True).start()
        return Page(HTTPStatus.ACCEPTED)

    def _call(self, name: str, text: str) -> None:
        try:
            self.calls[name](text)
        except ValueError as error:
            logger.warning("Function %s cannot be called with this input: %s", name, error)

    def _keys(self, path: str) -> Page:
        scope, _, name = path.removeprefix("admin/host/").partition("/")
        keys = self.keys.system if scope == "systemkeys" else {"default": self.keys.function}
        if not name:
            return Page(HTTPStatus.OK, {"keys": [{"name": key, "value": value} for key, value in keys.items()]})
        if scope == "systemkeys":
            keys = {**keys, "_master": self.keys.master}
        return Page(HTTPStatus.OK, {"name": name, "value": keys[name]}) if name in keys else Page(HTTPStatus.NOT_FOUND)


def _input(body: bytes) -> str | None:
    """Return the input of `{"input": "…"}`; None when the body is no JSON object."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    value = content.get("input")
    return value if isinstance(value, str) else json.dumps(value) if value is not None else ""
