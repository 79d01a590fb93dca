"""Where notices go: a queue of the storage account, and an Event Grid topic."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

from azure.core import PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy, UserAgentPolicy
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest

from dedup_app.configuration.settings import Settings
from dedup_app.records.notices import CloudEvent, EventSender
from dedup_app.threads import Threads
from dedup_storage.account.azure_errors import our_errors
from dedup_storage.account.clients import RETRIES, credential_of
from dedup_storage.account.transport import LimitedTransport
from dedup_storage.messaging.queues import NamedQueue, QueueService, send_text

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

API_VERSION = "2018-01-01"
BATCH = "application/cloudevents-batch+json; charset=utf-8"
SCOPE = "https://eventgrid.azure.net/.default"
SENDS_AT_ONCE = 8  # an image tells of a few events, at most some twenty: three rounds
# Nobody may be listening: what a queue keeps is bounded by time.
KEPT_SECONDS = 7 * 24 * 3600
# A blob may have these in its name, and storage refuses a message with them; JSON may hold them as escapes.
NOT_IN_XML = str.maketrans({"\ufffe": r"\ufffe", "\uffff": r"\uffff"})
MOST_OF_A_BATCH = 50  # Event Grid takes a megabyte; one event has a few kilobytes, and at most some twenty


def event_senders(settings: Settings, queues: QueueService) -> list[EventSender]:
    """Those that the settings name, none of which is reached before the first notice."""
    senders: list[EventSender] = []
    if settings.notify_queue:
        senders.append(QueueSender(queues, settings.notify_queue))
    if settings.events_topic_endpoint:
        client_id = settings.require_image_storage().client_id
        senders.append(TopicSender(settings.events_topic_endpoint, lambda: credential_of(client_id)))
    return senders


class QueueSender(NamedQueue):
    """One message an event, as JSON text."""

    def send(self, events: Sequence[CloudEvent]) -> None:
        texts = [json.dumps(event, ensure_ascii=False).translate(NOT_IN_XML) for event in events]
        send = partial(send_text, self._queue, kept_seconds=KEPT_SECONDS)
        with Threads(min(SENDS_AT_ONCE, len(texts))) as threads:
            list(threads.map(send, texts))  # waits, and raises what a send raised


class TopicSender:
    """A topic whose schema is CloudEvents 1.0, by the identity that reads the storage, or whoever is signed in here."""

    def __init__(
        self,
        endpoint: str,
        credential: "Callable[[], TokenCredential]",
        transport: Callable[[], HttpTransport[Any, Any]] = LimitedTransport,
    ) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._transport = transport
        self._client: PipelineClient[Any, Any] | None = None

    def send(self, events: Sequence[CloudEvent]) -> None:
        for part in batched(events, MOST_OF_A_BATCH, strict=False):
            with our_errors("send events to the Event Grid topic"):
                self._send(json.dumps(part).encode())

    def _send(self, batch: bytes) -> None:
        self._client = self._client or self._connected()  # two threads may both make one: no harm
        request = HttpRequest(
            "POST", self._endpoint, params={"api-version": API_VERSION}, headers={"Content-Type": BATCH}, content=batch
        )
        response = self._client.send_request(request)
        if not 200 <= response.status_code < 300:  # noqa: PLR2004 - a redirect has taken nothing in, either
            raise HttpResponseError(response=response)

    def _connected(self) -> "PipelineClient[Any, Any]":
        policies = [
            UserAgentPolicy("near-duplicate-images"),
            RetryPolicy(retry_total=RETRIES, retry_backoff_factor=0.5),
            BearerTokenCredentialPolicy(self._credential(), SCOPE),
        ]
        return PipelineClient(self._endpoint, policies=policies, transport=self._transport())
