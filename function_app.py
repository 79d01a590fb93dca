"""The triggers: each reads its input, calls one service and answers; what happens is in dedup_app."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

import azure.functions as func
from azurefunctions.extensions.bindings import blob  # type: ignore[import-untyped]

from dedup_app.collector import paused_collector
from dedup_app.configuration.settings import Settings
from dedup_app.configuration.storage_connection import STORAGE
from dedup_app.event_log import invocation, show_image_paths
from dedup_app.time_limit import FUNCTION_SECONDS, time_limit
from dedup_app.upkeep import do_each
from dedup_core.errors import InvalidSetting, TemporaryError

if TYPE_CHECKING:
    from dedup_app.services import Services
    from dedup_decoders.in_process import InProcessDecoders
    from dedup_decoders.pool import DecoderPool

# Before NumPy is loaded: its matrix products here are tiny, and more threads cost ten times the CPU and gain nothing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

app = func.FunctionApp()
settings = Settings.from_environment(os.environ)
show_image_paths(shown=settings.log_image_paths)


@app.blob_trigger(
    arg_name="client",
    path=f"{settings.image_container}/{{name}}",
    connection=STORAGE,
    source=func.BlobSource(settings.blob_trigger_source),
)
def extract_features(client: blob.BlobClient, context: func.Context) -> None:
    """An image landed or was overwritten."""
    # Only the name comes from the binding's client: it is made anew for each call, ours keeps its connections.
    with services_for(context, decodes=True, asks_whose=False) as services:
        services.ingest.handle_blob(client.container_name, client.blob_name)


@app.event_grid_trigger(arg_name="event")
def retract_image(event: func.EventGridEvent, context: func.Context) -> None:
    """An image was deleted."""
    # Whatever the annotation says, an event in the other schema comes as that schema's class.
    event_type = event.type if isinstance(event, func.CloudEvent) else event.event_type
    with services_for(context) as services:
        services.blob_events.handle_event(event_type, event.get_json(), event.subject)


@app.queue_trigger(arg_name="message", queue_name=settings.events_queue, connection=STORAGE)
def take_blob_events(message: func.QueueMessage, context: func.Context) -> None:
    """Event Grid put what happened to an image into a queue."""
    with services_for(context, decodes=True) as services:
        services.blob_events.handle_message(message.get_body(), message.id or "")


@app.queue_trigger(arg_name="message", queue_name=settings.ingest_queue, connection=STORAGE)
def ingest_images(message: func.QueueMessage, context: func.Context) -> None:
    """An image that was there before the app is to be taken in."""
    with services_for(context, decodes=True) as services:
        services.ingest.handle_message(message.get_body(), message.id or "")


@app.queue_trigger(arg_name="message", queue_name=settings.verify_queue, connection=STORAGE)
def verify_pairs(message: func.QueueMessage, context: func.Context) -> None:
    """An image and its candidates are to be compared."""
    with services_for(context, decodes=True) as services:
        services.verify.handle_message(message.get_body(), message.id or "")


@app.timer_trigger(arg_name="timer", schedule=settings.stats_schedule)
def report_loader_stats(timer: func.TimerRequest, context: func.Context) -> None:  # noqa: ARG001 - the binding's name
    """Time to sum up what all instances have done."""
    with services_for(context) as services:
        services.ownership.require_anew()
        do_each(
            report=services.reporting.report,
            poison=services.poison.tend,
            retention=services.retention.run,
            index=lambda: services.index.tend(services.now()),
            precision=services.precision.tell,
            ledger=services.reconcile.run_slices,
        )


# Whoever Azure has had sign in needs no key besides.
REVIEW_AUTH = func.AuthLevel.ANONYMOUS if settings.sign_in else func.AuthLevel.FUNCTION


@app.route(route="{*path}", auth_level=REVIEW_AUTH, methods=["GET", "HEAD", "POST"])
async def review(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """A person looks at groups of copies on the review page, or a program asks the API."""
    try:
        web = await asyncio.to_thread(_web)
    except (InvalidSetting, TemporaryError) as error:
        return func.HttpResponse(json.dumps({"detail": str(error)}), status_code=503, mimetype="application/json")
    return await web.handle_async(req, context)


@contextmanager
def services_for(context: func.Context, *, decodes: bool = False, asks_whose: bool = True) -> Iterator["Services"]:
    """The services of this process: connected at the first call, shared by all threads; lines name the invocation.

    `decodes`: a picture is on its way, so a decoder starts while the rest is loaded. Raises `NamespaceTaken` where
    another app's messages would be taken; the host gives them back. Without `asks_whose` the service looks to that.
    """
    with invocation(context.invocation_id), _trace_of(context), time_limit(FUNCTION_SECONDS):
        yield _services(decodes=decodes, asks_whose=asks_whose)


def _trace_of(context: func.Context) -> AbstractContextManager[None]:
    if not settings.telemetry:
        return nullcontext()
    from dedup_storage.telemetry import trace  # noqa: PLC0415 - only where wanted

    return trace(context.trace_context.trace_parent, context.trace_context.trace_state)


_connecting = Lock()


def _services(*, decodes: bool = False, asks_whose: bool = True) -> "Services":
    with _connecting, paused_collector():
        if decodes:
            _decoders().prepare()
        services = _connect()
    if asks_whose:
        services.ownership.require()
    return services


@cache
def _decoders() -> "DecoderPool | InProcessDecoders":
    from dedup_storage.app_decoders import open_app_decoders  # noqa: PLC0415 - loading is for the first call

    return open_app_decoders(settings)


@cache
def _connect() -> "Services":
    decoders = _decoders()
    from dedup_storage.connect import connect  # noqa: PLC0415 - as above, and what decodes starts meanwhile

    return connect(settings, decoders)


def _web() -> func.AsgiMiddleware:
    _services()
    return _web_application()


@cache
def _web_application() -> func.AsgiMiddleware:
    with _connecting:
        services = _connect()
    with paused_collector():
        from dedup_web.app import create_app  # noqa: PLC0415 - loaded by the first request only

        return func.AsgiMiddleware(create_app(services, who="key"))
