"""Turns the raw bindings of an indexed app into typed triggers, with `%NAME%` expressions resolved."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_host.runtime.protos import RpcFunctionMetadata, RpcRetryOptions
from local_host.settings import SettingsError

DEFAULT_CONNECTION = "AzureWebJobsStorage"
_EXPRESSION = re.compile(r"%([^%]+)%")
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class QueueTrigger:
    parameter: str
    queue: str
    connection: str


@dataclass(frozen=True)
class BlobTrigger:
    """`deferred`: the function takes an SDK client, so the host does not read the blob."""

    parameter: str
    path: "BlobPath"
    connection: str
    event_grid: bool
    deferred: bool


@dataclass(frozen=True)
class TimerTrigger:
    parameter: str
    schedule: str
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True)
class HttpTrigger:
    parameter: str
    route: str
    methods: frozenset[str]
    auth_level: str


@dataclass(frozen=True)
class EventGridTrigger:
    parameter: str


type Trigger = QueueTrigger | BlobTrigger | TimerTrigger | HttpTrigger | EventGridTrigger


@dataclass(frozen=True)
class Function:
    """One function of the app: what the runtime calls it and what starts it."""

    name: str
    function_id: str
    trigger: Trigger
    retry: RpcRetryOptions | None = None
    raw_bindings: tuple[str, ...] = ()

    @property
    def full_id(self) -> str:
        """The name that the host stores in receipts, locks and timer states."""
        return f"Host.Functions.{self.name}"


@dataclass(frozen=True)
class BlobPath:
    """A trigger's path, `container/name` with parameters in braces; without a name it means every blob."""

    container: str
    pattern: re.Pattern[str]
    text: str

    @classmethod
    def parse(cls, text: str) -> "BlobPath":
        container, _, name = text.strip("/").partition("/")
        if not container or _PARAMETER.search(container):
            raise SettingsError(f"the blob path {text!r} must begin with the name of a container")
        pieces = _PARAMETER.split(name)
        parts = [f"(?P<{piece}>.*)" if odd % 2 else re.escape(piece) for odd, piece in enumerate(pieces)]
        return cls(container, re.compile("".join(parts) or ".*", re.DOTALL), text)

    def match(self, name: str) -> dict[str, str] | None:
        """Return the path's parameters when the blob of this name belongs to it."""
        found = self.pattern.fullmatch(name)
        return None if found is None else found.groupdict()


def resolve_expressions(text: str, environ: Mapping[str, str]) -> str:
    """Replace every `%NAME%` by the setting of that name; raises SettingsError when there is none."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if not environ.get(name):
            raise SettingsError(f"%{name}% stands in a binding, but no setting {name} is given")
        return environ[name]

    return _EXPRESSION.sub(value, text)


def parse_function(metadata: RpcFunctionMetadata, environ: Mapping[str, str]) -> Function:
    """Return what the host must know of one function; raises SettingsError for a trigger that is not run here."""
    trigger: Trigger | None = None
    for raw in metadata.raw_bindings:
        binding = {key: _resolved(value, key, environ) for key, value in json.loads(raw).items()}
        kind = str(binding["type"])
        if kind in _TRIGGERS:
            trigger = _TRIGGERS[kind](binding)
        elif kind != "http":
            raise SettingsError(
                f"function {metadata.name}: local_host does not run bindings of type {kind}, only "
                f"{', '.join(sorted(_TRIGGERS))} and http"
            )
    if trigger is None:
        raise SettingsError(f"function {metadata.name} has no trigger")
    return Function(metadata.name, metadata.function_id, trigger, metadata.retry_options, tuple(metadata.raw_bindings))


def is_disabled(name: str, environ: Mapping[str, str]) -> bool:
    """Say whether `AzureWebJobs.<name>.Disabled` (or its form with underscores) switches a function off."""
    value = environ.get(f"AzureWebJobs.{name}.Disabled") or environ.get(f"AzureWebJobs_{name}_Disabled") or ""
    return value.strip().lower() in {"1", "true"}


def _resolved(value: Any, key: str, environ: Mapping[str, str]) -> Any:
    return resolve_expressions(value, environ) if isinstance(value, str) and key != "name" else value


def _queue_trigger(binding: Mapping[str, Any]) -> QueueTrigger:
    return QueueTrigger(binding["name"], binding["queueName"], binding.get("connection") or DEFAULT_CONNECTION)


def _blob_trigger(binding: Mapping[str, Any]) -> BlobTrigger:
    source = str(binding.get("source") or "LogsAndContainerScan").lower()
    if source not in {"eventgrid", "logsandcontainerscan"}:
        raise SettingsError(f"the source of a blob trigger is EventGrid or LogsAndContainerScan, not {source!r}")
    return BlobTrigger(
        parameter=binding["name"],
        path=BlobPath.parse(binding["path"]),
        connection=binding.get("connection") or DEFAULT_CONNECTION,
        event_grid=source == "eventgrid",
        deferred=str(binding.get("properties", {}).get("SupportsDeferredBinding", False)).lower() == "true",
    )


def _timer_trigger(binding: Mapping[str, Any]) -> TimerTrigger:
    return TimerTrigger(
        parameter=binding["name"],
        schedule=binding["schedule"],
        run_on_startup=bool(binding.get("runOnStartup", False)),
        use_monitor=binding.get("useMonitor") is not False,
    )


def _http_trigger(binding: Mapping[str, Any]) -> HttpTrigger:
    return HttpTrigger(
        parameter=binding["name"],
        route=binding.get("route") or "",
        methods=frozenset(str(method).upper() for method in binding.get("methods") or ()),
        auth_level=str(binding.get("authLevel") or "FUNCTION").upper(),
    )


def _event_grid_trigger(binding: Mapping[str, Any]) -> EventGridTrigger:
    return EventGridTrigger(binding["name"])


_TRIGGERS: dict[str, Callable[[Mapping[str, Any]], Trigger]] = {
    "queueTrigger": _queue_trigger,
    "blobTrigger": _blob_trigger,
    "timerTrigger": _timer_trigger,
    "httpTrigger": _http_trigger,
    "eventGridTrigger": _event_grid_trigger,
}
