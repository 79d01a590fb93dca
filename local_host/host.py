"""Puts the parts together: settings, storage, the app's functions, and a listener for each trigger."""

import contextlib
import logging
import os
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from azure.storage.blob import ContainerClient

from local_host.azurite import Azurite
from local_host.blobs.queue import BlobInvoker, BlobPoisonQueue, BlobQueue
from local_host.blobs.scanner import BlobScanner
from local_host.event_grid.blob_webhook import WEBHOOK_PATH, BlobWebhook
from local_host.event_grid.event_webhook import EVENT_TRIGGER_PATH, EventWebhook
from local_host.http.admin import AdminPages, Drain
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
from local_host.runtime.worker import WORKER_MODULE, Worker
from local_host.settings import (
    MAX_BATCH_SIZE,
    HostConfig,
    SettingsError,
    host_id,
    load_local_settings,
    read_host_config,
)
from local_host.storage.connections import Connections, is_emulator
from local_host.storage.development import start_development_storage
from local_host.storage.state import HOSTS_CONTAINER, open_container
from local_host.timers.listener import TimerListener
from local_host.timers.schedule import parse_schedule

SCAN_SECONDS = 10.0  # as the host
EMULATOR_SCAN_SECONDS = 2.0  # the host has another way of scanning for an emulator, which looks more often
BLOB_QUEUE_MAX_POLLING_SECONDS = 60.0  # whatever host.json says for queues: as the host
DEFAULT_PORT = 7071  # the one of `func start`

logger = logging.getLogger("local_host")


@dataclass(frozen=True)
class HostOptions:
    """What the command line chooses. Without `port`: the usual one, or a free one if that is taken."""

    app_dir: Path
    port: int | None = None
    lease_seconds: int = DEFAULT_LEASE_SECONDS
    scan_seconds: float | None = None
    data_dir: Path | None = None
    worker_module: str = WORKER_MODULE
    verbose: bool = False


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
        self.containers: list[str] = []  # what our own emulator has for the app's blob triggers
        self._listeners: list[Listener] = []
        self._calls: dict[str, Callable[[str], None]] = {}  # by hand, from /admin/functions

    def start(self, on_storage_end: Callable[[int], None] | None = None) -> None:
        """Index the app and begin to listen; raises SettingsError, WorkerError or AzuriteError.

        `on_storage_end` is called, in another thread, with the exit code of an Azurite of ours that ends by itself.
        """
        load_local_settings(self.options.app_dir, self.environ)
        self.config: HostConfig = read_host_config(self.options.app_dir, self.environ)
        self.host_id = host_id(self.options.app_dir, self.environ)
        self.uploads_queue = f"azure-webjobs-blobtrigger-{self.host_id}"
        self.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
        self.azurite = start_development_storage(self.environ, self.options.data_dir)
        with contextlib.ExitStack() as undone:  # by any failure until all is built
            undone.callback(self._stop_storage)
            self.connections = Connections(self.environ)
            self.worker = Worker(
                self.options.app_dir,
                self.environ,
                self.config.function_timeout_seconds,
                module=self.options.worker_module,
                verbose=self.options.verbose,
            )
            undone.callback(self.worker.abandon)
            if self.azurite is not None and on_storage_end is not None:
                self.azurite.watch(on_storage_end)
            self._index()
            self._make_containers()
            self._build()
            undone.pop_all()
        for listener in self._listeners:
            listener.start()

    def stop(self) -> None:
        """Take nothing new from any trigger."""
        for listener in self._listeners:
            listener.stop()

    def drain(self) -> None:
        """Take nothing new but HTTP requests."""
        for listener in self._listeners:
            if listener is not self._http:
                listener.stop()

    def abandon(self) -> None:
        """End the worker on the spot; what it had in hand comes back when its leases end. The process must end next."""
        self.worker.abandon()
        self._stop_storage()

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

    def scan_seconds(self, trigger_connection: str) -> float:
        """Return the pause between two scans of a container in this account."""
        if self.options.scan_seconds is not None:
            return self.options.scan_seconds
        emulated = is_emulator(self.connections.blobs(trigger_connection).url)
        return EMULATOR_SCAN_SECONDS if emulated else SCAN_SECONDS

    def _make_containers(self) -> None:
        """Make the containers of blob triggers, where the storage is our own emulator."""
        for function in self.functions:
            if self.azurite is not None and isinstance(function.trigger, BlobTrigger):
                service = self.connections.blobs(function.trigger.connection)
                if service.url.startswith(self.azurite.blob_url):
                    open_container(service, function.trigger.path.container)
                    self.containers.append(function.trigger.path.container)

    def _build(self) -> None:
        """Make every listener before the first one starts, so that a wrong setting stops the host at once."""
        host_storage = self.connections.blobs(DEFAULT_CONNECTION)
        hosts_container = open_container(host_storage, HOSTS_CONTAINER)
        blob_functions = {f.full_id: f for f in self.functions if isinstance(f.trigger, BlobTrigger)}
        blob_queue = BlobQueue(self.connections.queues(DEFAULT_CONNECTION).get_queue_client(self.uploads_queue))
        for function in self.functions:
            if isinstance(function.trigger, QueueTrigger):
                self._listeners.append(self._queue_listener(function, function.trigger))
            elif isinstance(function.trigger, TimerTrigger):
                self._listeners.append(self._timer_listener(function, function.trigger, hosts_container))
        if blob_functions:
            scanner = BlobScanner(
                list(blob_functions.values()),
                self.connections,
                hosts_container,
                self.host_id,
                blob_queue,
                min(self.scan_seconds(it.trigger.connection) for it in blob_functions.values()),  # type: ignore[union-attr]
            )
            self._listeners += [scanner, self._blob_listener(blob_functions, blob_queue, scanner)]
        event_functions = {f.name: f for f in self.functions if isinstance(f.trigger, EventGridTrigger)}
        event_webhook = EventWebhook(event_functions, self.worker)
        self._calls |= {name: partial(event_webhook.call, function) for name, function in event_functions.items()}
        self._listen_to_http(
            load_keys(host_storage, self.host_id),
            {WEBHOOK_PATH: BlobWebhook(blob_functions, blob_queue), EVENT_TRIGGER_PATH: event_webhook},
        )

    def _listen_to_http(self, keys: HostKeys, webhooks: dict[str, Webhook]) -> None:
        routes = [
            make_route(function, self.config.route_prefix)
            for function in self.functions
            if isinstance(function.trigger, HttpTrigger)
        ]
        drain = Drain(self.drain, lambda: self.worker.running)
        admin = AdminPages(self.host_id, keys, self.functions, self.disabled, self._calls, drain)
        self._http = HttpListener(self.worker, routes, keys, webhooks, admin)
        self._bind()
        self._listeners.append(self._http)

    def _timer_listener(self, function: Function, trigger: TimerTrigger, container: ContainerClient) -> TimerListener:
        try:
            schedule = parse_schedule(trigger.schedule, self.environ)
        except SettingsError as error:
            raise SettingsError(f"function {function.name}: {error}") from error
        listener = TimerListener(self.worker, function, schedule, container, self.host_id)
        self._calls[function.name] = lambda _input: listener.call()
        return listener

    def _queue_listener(self, function: Function, trigger: QueueTrigger) -> QueueListener:
        options = self.config.queues
        service = self.connections.queues(trigger.connection)
        poison_name = poison_queue_name(trigger.queue)
        invoker = QueueInvoker(self.worker, function, base64=options.base64)
        self._calls[function.name] = invoker.call
        return QueueListener(
            service.get_queue_client(trigger.queue),
            PoisonQueue(service.get_queue_client(poison_name)) if poison_name else None,
            invoker,
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
        invoker = BlobInvoker(self.worker, functions, self.connections, scanner.announce_again)
        self._calls |= {function.name: partial(invoker.call, function) for function in functions.values()}
        listener = QueueListener(
            queue.client,
            BlobPoisonQueue(functions, self.connections),
            invoker,
            ListenerOptions(
                batch_size,
                max(0, parallel - batch_size),
                self.config.blobs.poison_blob_threshold,
                max_polling_seconds=min(self.config.queues.max_polling_seconds, BLOB_QUEUE_MAX_POLLING_SECONDS),
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
