"""Reads host.json and local.settings.json of an app the way the Functions host does."""

import hashlib
import json
import os
import re
import socket
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_HOST_ID_LENGTH = 32  # as the host
MAX_BATCH_SIZE = 32  # messages that the service gives in one answer
OVERRIDE_PREFIX = "AzureFunctionsJobHost__"
DEFAULT_FUNCTION_TIMEOUT_SECONDS = 30 * 60.0  # as on Flex Consumption

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")


class SettingsError(Exception):
    """A setting is missing or wrong; the text names the setting and the file or variable it stands in."""


@dataclass(frozen=True)
class QueueOptions:
    """`extensions.queues` of host.json, times in seconds."""

    batch_size: int = 16
    new_batch_threshold: int = 16
    max_dequeue_count: int = 5
    visibility_timeout_seconds: float = 0.0
    max_polling_seconds: float = 60.0
    base64: bool = True


@dataclass(frozen=True)
class BlobOptions:
    """`extensions.blobs` of host.json."""

    max_degree_of_parallelism: int = 16
    poison_blob_threshold: int = 5


@dataclass(frozen=True)
class HostConfig:
    """What host.json says, with the host's defaults for what it leaves out. No `function_timeout_seconds`: no limit."""

    queues: QueueOptions
    blobs: BlobOptions
    route_prefix: str = "api"
    function_timeout_seconds: float | None = DEFAULT_FUNCTION_TIMEOUT_SECONDS


def read_host_config(app_dir: Path, environ: Mapping[str, str], processors: int | None = None) -> HostConfig:
    """Read host.json; raises SettingsError when it is missing, unreadable or holds a value of the wrong kind.

    As in the host, a variable such as `AzureFunctionsJobHost__extensions__queues__batchSize` overrides the file.
    """
    processors = processors or os.process_cpu_count() or 1
    content = _read_json(app_dir / "host.json")
    for name, value in environ.items():
        if name.startswith(OVERRIDE_PREFIX):
            _override(content, name.removeprefix(OVERRIDE_PREFIX).split("__"), value)
    section = _Section(content, "host.json")
    if section.values.get("version") != "2.0":
        raise SettingsError('host.json: "version" must be "2.0"')
    extensions = section.sub("extensions")
    return HostConfig(
        queues=_queue_options(extensions.sub("queues"), processors),
        blobs=_blob_options(extensions.sub("blobs"), processors),
        route_prefix=extensions.sub("http").text("routePrefix", "api").strip("/"),
        function_timeout_seconds=_function_timeout(section),
    )


def load_local_settings(app_dir: Path, environ: MutableMapping[str, str]) -> None:
    """Put `Values` of local.settings.json into the environment; what the environment already has wins."""
    path = app_dir / "local.settings.json"
    if not path.exists():
        return
    settings = _read_json(path)
    if settings.get("IsEncrypted"):
        raise SettingsError(
            "local.settings.json is encrypted, which only Core Tools can read: run `func settings decrypt`, "
            'or set "IsEncrypted": false and write plain values'
        )
    values = settings.get("Values", {})
    if not isinstance(values, dict):
        raise SettingsError('local.settings.json: "Values" must be an object')
    for name, value in values.items():
        if isinstance(value, dict | list) or value is None:
            raise SettingsError(f'local.settings.json: the value of "{name}" must be a string')
        environ.setdefault(name, value if isinstance(value, str) else json.dumps(value))


def host_id(app_dir: Path, environ: Mapping[str, str]) -> str:
    """Return the name that hosts of one app share, for their receipts, timers and locks in the storage account."""
    chosen = environ.get("AzureFunctionsWebHost__hostid", "")
    if chosen:
        if len(chosen) > MAX_HOST_ID_LENGTH or not re.fullmatch(r"[a-z0-9](?:-?[a-z0-9])*", chosen):
            raise SettingsError(
                f"AzureFunctionsWebHost__hostid={chosen!r}: up to {MAX_HOST_ID_LENGTH} lower-case letters, digits "
                "and single hyphens"
            )
        return chosen
    machine = re.sub(r"[^a-z0-9]+", "-", socket.gethostname().lower()).strip("-")[:20].strip("-") or "local"
    path_hash = int(hashlib.sha256(str(app_dir.resolve()).encode()).hexdigest()[:8], 16)
    return f"{machine}-{path_hash}"[:MAX_HOST_ID_LENGTH]


def parse_time_span(text: str) -> float:
    """Return the seconds of a .NET time span: `00:00:02`, `00:05:00.5` or `1.00:00:00`."""
    match = _TIME_SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time span such as 00:00:02")
    days, hours, minutes, seconds = match.groups(default="0")
    return ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds)


@dataclass(frozen=True)
class _Section:
    values: dict[str, Any]
    where: str

    def sub(self, key: str) -> "_Section":
        values = self.values.get(key, {})
        if not isinstance(values, dict):
            raise SettingsError(f"{self.where}: {key} must be an object")
        return _Section(values, f"{self.where}: {key}" if self.where == "host.json" else f"{self.where}.{key}")

    def whole(self, key: str, default: int, low: int, high: int = 2**31) -> int:
        value = self.values.get(key, default)
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise SettingsError(f"{self.where}.{key} must be a whole number of at least {low}, not {value!r}")
        return value

    def seconds(self, key: str, default: float) -> float:
        if key not in self.values:
            return default
        try:
            return parse_time_span(str(self.values[key]))
        except ValueError as error:
            raise SettingsError(f"{self.where}.{key}: {error}") from error

    def text(self, key: str, default: str) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise SettingsError(f"{self.where}.{key} must be a string, not {value!r}")
        return value


def _queue_options(section: _Section, processors: int) -> QueueOptions:
    batch_size = section.whole("batchSize", 16, 1, MAX_BATCH_SIZE)
    encoding = section.text("messageEncoding", "base64").lower()
    if encoding not in {"base64", "none"}:
        raise SettingsError(f'{section.where}.messageEncoding must be "base64" or "none", not {encoding!r}')
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=section.whole("newBatchThreshold", batch_size // 2 * processors, 0),
        max_dequeue_count=section.whole("maxDequeueCount", 5, 1),
        visibility_timeout_seconds=section.seconds("visibilityTimeout", 0.0),
        max_polling_seconds=max(0.1, section.seconds("maxPollingInterval", 60.0)),
        base64=encoding == "base64",
    )


def _blob_options(section: _Section, processors: int) -> BlobOptions:
    return BlobOptions(
        max_degree_of_parallelism=section.whole("maxDegreeOfParallelism", 8 * processors, 1),
        poison_blob_threshold=section.whole("poisonBlobThreshold", 5, 1),
    )


def _function_timeout(section: _Section) -> float | None:
    if section.values.get("functionTimeout") == "-1":
        return None
    seconds = section.seconds("functionTimeout", DEFAULT_FUNCTION_TIMEOUT_SECONDS)
    if seconds <= 0:
        raise SettingsError("host.json: functionTimeout must be longer than nothing")
    return seconds


def _override(content: dict[str, Any], path: Sequence[str], value: str) -> None:
    key = next((known for known in content if known.lower() == path[0].lower()), path[0])
    if len(path) == 1:
        content[key] = value
        return
    inner = content.setdefault(key, {})
    if isinstance(inner, dict):
        _override(inner, path[1:], value)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing: is {path.parent} the folder of a Function app?") from None
    except ValueError as error:
        raise SettingsError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold a JSON object")
    return content
