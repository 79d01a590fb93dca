"""Puts the parts together: settings, storage, the app's functions, and a listener for each trigger."""

import contextlib
import logging
import os
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local_host.azurite import Azurite
from local_host.blobs.queue import BlobInvoker, BlobPoisonQueue, BlobQueue
from local_host.blobs.scanner import DEFAULT_SCAN_SECONDS, BlobScanner
from local_host.event_grid.blob_webhook import WEBHOOK_PATH, EventGridWebhook
from local_host.event_grid.event_webhook import EVENT_TRIGGER_PATH, EventTriggerWebhook
from local_host.http.keys import HostKeys, load_keys
from local_host.http.routes import make_route
from local_host.http.server import HttpListener, Webhook
from local_host.queues.listener import (
    DEFAULT_LEASE_SECONDS,
    ListenerOptions,
    PoisonQueue,
    QueueListener,
    poison_queue_name,
)
from local_host.queues.trigger import QueueInvoker
from local_host.runtime.bindings import (
    DEFAULT_CONNECTION,
    BlobTrigger,
    EventGridTrigger,
    Function,
    HttpTrigger,
    QueueTrigger,
    TimerTrigger,
    is_disabled,
    parse_function,
)
from local_host.runtime.worker import Worker
from local_host.settings import (
    MAX_BATCH_SIZE,
    HostConfig,
    SettingsError,
    host_id,
    load_local_settings,
    read_host_config,
)
from local_host.storage.connections import Connections
from local_host.storage.development import start_development_storage
from local_host.storage.state import HOSTS_CONTAINER, open_container
from local_host.timers.listener import TimerListener
from local_host.timers.schedule import parse_schedule

DEFAULT_PORT = 7071  # the one of `func start`

logger = logging.getLogger("local_host")


@dataclass(frozen=True)
class HostOptions:
    """What the command line chooses. Without `port`: the usual one, or a free one if that is taken."""

    app_dir: Path
    port: int | None = None
    lease_seconds: int = DEFAULT_LEASE_SECONDS
    scan_seconds: float = DEFAULT_SCAN_SECONDS
    data_dir: Path | None = None


class Listener(Protocol):
    """Whatever waits for triggers: `stop` takes nothing new, `join` waits for what is in flight."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self) -> None: ...


class Host:
    """One running app: `start()`, and at the end `stop()` and `join()`."""

    def __init__(self, options: HostOptions, environ: MutableMapping[str, str] = os.environ) -> None:
        self.options = options
        self.environ = environ
        self.functions: list[Function] = []
        self.disabled: list[str] = []
        self.azurite: Azurite | None = None
        self._listeners: list[Listener] = []

    def start(self) -> None:
        """Index the app and begin to listen; raises SettingsError, WorkerError or AzuriteError."""
        load_local_settings(self.options.app_dir, self.environ)
        self.config: HostConfig = read_host_config(self.options.app_dir, self.environ)
        self.host_id = host_id(self.options.app_dir, self.environ)
        self.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
        self.azurite = start_development_storage(self.environ, self.options.data_dir)
        try:
            self.connections = Connections(self.environ)
            self.worker = Worker(self.options.app_dir, self.config.function_timeout_seconds)
            self._index()
            self._build()
        except BaseException:
            self._stop_storage()
            raise
        for listener in self._listeners:
            listener.start()

    def stop(self) -> None:
        """Take nothing new from any trigger."""
        for listener in self._listeners:
            listener.stop()

    def join(self) -> None:
        """Wait until everything in flight is finished, then stop the storage, if it is ours."""
        for listener in self._listeners:
            listener.join()
        self.worker.stop()
        self._stop_storage()

    @property
    def url(self) -> str:
        return self._http.url

    @property
    def keys(self) -> HostKeys:
        return self._http.keys

    def _stop_storage(self) -> None:
        if self.azurite is not None:
            self.azurite.stop()

    def _index(self) -> None:
        for metadata in self.worker.start():
            function = parse_function(metadata, self.environ)
            if is_disabled(function.name, self.environ):
                self.disabled.append(function.name)
            else:
                self.functions.append(function)

    def _build(self) -> None:
        """Make every listener before the first one starts, so that a wrong setting stops the host at once."""
        host_storage = self.connections.blobs(DEFAULT_CONNECTION)
        hosts_container = open_container(host_storage, HOSTS_CONTAINER)
        blob_functions = {f.full_id: f for f in self.functions if isinstance(f.trigger, BlobTrigger)}
        blob_queue = BlobQueue(
            self.connections.queues(DEFAULT_CONNECTION).get_queue_client(f"azure-webjobs-blobtrigger-{self.host_id}")
        )
        for function in self.functions:
            if isinstance(function.trigger, QueueTrigger):
                self._listeners.append(self._queue_listener(function, function.trigger))
            elif isinstance(function.trigger, TimerTrigger):
                schedule = parse_schedule(function.trigger.schedule, self.environ)
                self._listeners.append(TimerListener(self.worker, function, schedule, hosts_container, self.host_id))
        if blob_functions:
            scanner = BlobScanner(
                list(blob_functions.values()),
                self.connections,
                hosts_container,
                self.host_id,
                blob_queue,
                self.options.scan_seconds,
            )
            self._listeners += [scanner, self._blob_listener(blob_functions, blob_queue, scanner)]
        routes = [
            make_route(function, self.config.route_prefix)
            for function in self.functions
            if isinstance(function.trigger, HttpTrigger)
        ]
        event_functions = {f.name: f for f in self.functions if isinstance(f.trigger, EventGridTrigger)}
        webhooks: dict[str, Webhook] = {
            WEBHOOK_PATH: EventGridWebhook(blob_functions, blob_queue),
            EVENT_TRIGGER_PATH: EventTriggerWebhook(event_functions, self.worker),
        }
        self._http = HttpListener(self.worker, routes, load_keys(host_storage, self.host_id), webhooks, self.host_id)
        self._bind()
        self._listeners.append(self._http)

    def _queue_listener(self, function: Function, trigger: QueueTrigger) -> QueueListener:
        options = self.config.queues
        service = self.connections.queues(trigger.connection)
        poison_name = poison_queue_name(trigger.queue)
        return QueueListener(
            service.get_queue_client(trigger.queue),
            PoisonQueue(service.get_queue_client(poison_name)) if poison_name else None,
            QueueInvoker(self.worker, function, base64=options.base64),
            ListenerOptions(
                options.batch_size,
                options.new_batch_threshold,
                options.max_dequeue_count,
                options.visibility_timeout_seconds,
                options.max_polling_seconds,
                self.options.lease_seconds,
            ),
        )

    def _blob_listener(self, functions: dict[str, Function], queue: BlobQueue, scanner: BlobScanner) -> QueueListener:
        queue.create()
        parallel = self.config.blobs.max_degree_of_parallelism
        batch_size = min(MAX_BATCH_SIZE, parallel // 2 + 1)
        listener = QueueListener(
            queue.client,
            BlobPoisonQueue(functions, self.connections),
            BlobInvoker(self.worker, functions, self.connections, scanner.announce_again),
            ListenerOptions(
                batch_size,
                max(0, parallel - batch_size),
                self.config.blobs.poison_blob_threshold,
                max_polling_seconds=min(self.config.queues.max_polling_seconds, self.options.scan_seconds),
                lease_seconds=self.options.lease_seconds,
            ),
        )
        queue.on_added(listener.notify)
        return listener

    def _bind(self) -> None:
        ports: Sequence[int] = (DEFAULT_PORT, 0) if self.options.port is None else (self.options.port,)
        for port in ports:
            with contextlib.suppress(OSError):
                self._http.bind(port)
                return
        raise SettingsError(f"port {self.options.port} is taken: choose another with --port, or 0 for a free one")
