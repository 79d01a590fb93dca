"""Says what a host runs and where: for people on the console, for programs in a file."""

import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local_host.azurite import DEFAULT_PORTS, Azurite
from local_host.event_grid.blob_webhook import WEBHOOK_PATH
from local_host.event_grid.event_webhook import EVENT_TRIGGER_PATH
from local_host.host import Host
from local_host.http.routes import make_route
from local_host.runtime.bindings import (
    DEFAULT_CONNECTION,
    BlobTrigger,
    EventGridTrigger,
    Function,
    HttpTrigger,
    QueueTrigger,
)
from local_host.timers.schedule import parse_schedule


def describe(host: Host) -> list[str]:
    """Return the lines that are printed at the start."""
    lines = [f"Functions of {host.options.app_dir} (host id {host.host_id}):"]
    for function in host.functions:
        kind, where = _trigger(host, function)
        lines.append(f"  {function.name:<24} {kind:<6} {where}")
    lines += [f"  {name:<24} disabled" for name in host.disabled]
    if host.azurite is not None:
        place = "in memory, gone at the end" if host.azurite.location is None else f"kept in {host.azurite.location}"
        lines.append(f"Storage: Azurite, {place}: {host.azurite.blob_url}")
        lines.append(f"  connection string: {host.azurite.connection_string}")
        lines += [f"Upload: {upload_command(container, host.azurite)}" for container in dict.fromkeys(host.containers)]
    else:
        address = urlsplit(host.connections.blobs(DEFAULT_CONNECTION).url)
        lines.append(f"Storage: {address.scheme}://{address.netloc}{address.path}")  # a query would hold a signature
    lines.append(f"HTTP: {host.url}   Ctrl-C stops, finishing what is in flight; a second Ctrl-C stops at once")
    return lines


def upload_command(container: str, azurite: Azurite) -> str:
    """Return the command that uploads a folder, to be copied."""
    usual = azurite.ports == DEFAULT_PORTS
    connection = "UseDevelopmentStorage=true" if usual else f'"{azurite.connection_string}"'
    return f"az storage blob upload-batch --destination {container} --source FOLDER --connection-string {connection}"


def write_status(host: Host, path: Path) -> None:
    """Write what other programs need to reach this host; only its user may read it, for it holds the keys."""
    content: dict[str, Any] = {
        "pid": os.getpid(),
        "host_id": host.host_id,
        "url": host.url,
        "functions": [function.name for function in host.functions],
        "keys": {
            "master": host.keys.master,
            "function": host.keys.function,
            "blobs_extension": host.keys.blobs_extension,
            "eventgrid_extension": host.keys.eventgrid_extension,
        },
        "uploads_queue": host.uploads_queue,
        "azurite": None if host.azurite is None else host.azurite.connection_string,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2), encoding="utf-8")
    draft.replace(path)


def remove_status(path: Path) -> None:
    """Remove what `write_status` wrote, unless another host has taken its place."""
    with contextlib.suppress(FileNotFoundError):
        if json.loads(path.read_text(encoding="utf-8"))["pid"] == os.getpid():
            path.unlink()


def _trigger(host: Host, function: Function) -> tuple[str, str]:
    trigger = function.trigger
    if isinstance(trigger, QueueTrigger):
        return "queue", f"{trigger.queue} ({trigger.connection})"
    if isinstance(trigger, BlobTrigger):
        found = (
            f"by Event Grid, {host.url}/{WEBHOOK_PATH}?functionName={function.full_id}{_code(host, 'BLOBS')}"
            if trigger.event_grid
            else f"scanned every {host.scan_seconds(trigger.connection):g} s"
        )
        return "blob", f"{trigger.path.text} ({trigger.connection}), {found}"
    if isinstance(trigger, HttpTrigger):
        methods = ",".join(sorted(trigger.methods)) or "any method"
        template = make_route(function, host.config.route_prefix).template
        return "http", f"{methods} {host.url}/{template}{_code(host, trigger.auth_level)}"
    if isinstance(trigger, EventGridTrigger):
        return "event", f"{host.url}/{EVENT_TRIGGER_PATH}?functionName={function.name}{_code(host, 'EVENTGRID')}"
    due = parse_schedule(trigger.schedule, host.environ).next_after(datetime.now(UTC))
    return "timer", f"{trigger.schedule}, next at {due:%Y-%m-%d %H:%M:%S} UTC"


def _code(host: Host, auth_level: str) -> str:
    """Return the key to add to an address, but only for our own emulator: real keys stay out of the log."""
    if host.azurite is None or auth_level == "ANONYMOUS":
        return ""
    webhook_keys = {"BLOBS": host.keys.blobs_extension, "EVENTGRID": host.keys.eventgrid_extension}
    if auth_level in webhook_keys:
        return f"&code={webhook_keys[auth_level]}"
    return f"?code={host.keys.master if auth_level == 'ADMIN' else host.keys.function}"
