"""Failures of the Azure SDK -> our errors, without keys or signatures in their text."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from dedup_app.time_limit import OUT_OF_TIME, time_limit
from dedup_core.errors import DedupError, PermanentError, StoreBusy, TemporaryError
from dedup_storage.account.transport import CALL_SECONDS

BUSY_STATUSES = frozenset({408, 429})
DENIED_STATUSES = frozenset({401, 403})
# A query string may carry a signature (SAS), a URL names the blob, and signing errors quote the string that was signed.
SECRETS = re.compile(
    r"\?\S*|\bwith url: \S*|\b(sig|AccountKey|SharedAccessSignature)=\S*|The MAC signature found.*", re.DOTALL
)
MESSAGE_LENGTH = 300  # the first line says what is wrong; more of it fills tables and logs
_CONNECTION = re.compile(r"\w*(?:Connection|Pool)\(host='([^']*)', port=(\d+)\)")  # as urllib3 shows what failed
_ETAG = re.compile(r'(W/)?"[^"]+"')


@contextmanager
def our_errors(action: str) -> Iterator[None]:
    """Run one storage call; `action` says what was tried, as in `read images/a.jpg`.

    It ends within `CALL_SECONDS`. What the SDK trips over in an answer that was cut short or garbled on its way means
    that the service is not to be reached now, as if no answer had come.
    """
    # Chains are cut because the SDK's own text, which a logged traceback would show, may hold a signature.
    try:
        with time_limit(CALL_SECONDS):
            yield
    except DedupError as error:
        if error.reason == OUT_OF_TIME:  # raised below the SDK, where nobody knows what was tried
            raise StoreBusy(f"Could not {action}: {error}", reason=OUT_OF_TIME) from None
        raise
    except AzureError as error:
        raise as_our_error(error, action) from None
    except Exception as error:
        if isinstance(error, MemoryError) or not _is_within_the_sdk(error.__traceback__):
            raise
        raise StoreBusy(f"Could not {action}: the answer is broken ({type(error).__name__})") from None


def each_of[T](action: str, items: Iterator[T]) -> Iterator[T]:
    """Items that come in pages, every step a call of its own: who takes them may take its time."""
    while True:
        with our_errors(action):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def whole_etag(etag: object) -> str:
    """The etag of an answer's header, as it stands there: in quotes. Raises `StoreBusy` for an answer without one."""
    if not isinstance(etag, str) or not _ETAG.fullmatch(etag):
        raise StoreBusy("Storage gave an answer without a whole ETag: it was cut short or garbled on its way")
    return etag


def _is_within_the_sdk(trace: TracebackType | None) -> bool:
    return any(frame.f_globals.get("__name__", "").startswith("azure.") for frame, _ in traceback.walk_tb(trace))


def as_our_error(error: AzureError, action: str) -> DedupError:
    """Busy or unreachable storage is worth another try, so is a missing permission; any other refusal is final."""
    status = status_of(error)
    text = f"Could not {action}: {_explanation(error)}"
    if isinstance(error, ClientAuthenticationError) or status in DENIED_STATUSES:
        return TemporaryError(text, reason="access-denied")
    if status is None or status in BUSY_STATUSES or status >= 500 or code_of(error).endswith("BeingDeleted"):  # noqa: PLR2004
        return StoreBusy(text)
    return PermanentError(text, reason="store-refused")


def status_of(error: AzureError) -> int | None:
    """The HTTP status, or None when no answer came."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    # A body that breaks off leaves the status of its headers, which says nothing about the failure.
    return None if status is None or status < 300 else status  # noqa: PLR2004


def code_of(error: AzureError) -> str:
    """The service's error code, such as `BlobNotFound`; empty when there is none."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _explanation(error: AzureError) -> str:
    lines = _CONNECTION.sub(r"\1:\2", SECRETS.sub(" ...", str(error.message))).split("\n")
    status, code = status_of(error), code_of(error)
    kind = "no answer" if isinstance(error, ServiceRequestError | ServiceResponseError) else type(error).__name__
    what = " ".join(str(part) for part in (kind, status, code) if part)
    return f"{what}: {lines[0]}"[:MESSAGE_LENGTH]
