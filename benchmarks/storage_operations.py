"""Lines of the storage's access log -> kinds of operations, by who needs them and by how storage bills them."""

import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import parse_qs, unquote, urlsplit

from local_host.azurite import ACCOUNT, StorageRequest

TABLES = {"features", "pairs", "loaderstats", "reports"}
QUEUES = ("verify-pairs", "ingest-images", "blob-events", "azure-webjobs-blobtrigger", "webjobs-")
BILLED = ("blob write", "blob read", "blob list", "blob other", "queue", "table")


def count_kinds(requests: Iterable[StorageRequest], container: str) -> Counter[str]:
    return Counter(kind_of(request, container) for request in requests)


def count_billed(requests: Iterable[StorageRequest]) -> Counter[tuple[str, str]]:
    """Operations by who needs them (`app`, `host`) and the class that a price list has for them."""
    return Counter(billed_as(request) for request in requests)


def kind_of(request: StorageRequest, container: str) -> str:
    """What kind of operation a request was, by whom it serves: the app, or the host."""
    head, query = taken_apart(request)
    if head in TABLES:
        return f"app: table {head} {request.method}"
    if head == container and "list" not in query.get("comp", []):
        # The host looks whether the blob is still the one of its message; the app only ever gets.
        return f"{'app' if request.method == 'GET' else 'host'}: image {request.method} {request.status}"
    if head == "dedup-index":
        return f"app: log {request.method}{' append' if 'appendblock' in query.get('comp', []) else ''}"
    if head.startswith(QUEUES):
        verbs = {"POST": "send", "GET": "receive", "DELETE": "delete", "PUT": "update"}
        verb = verbs.get(request.method, request.method)
        owner = "app" if head == "verify-pairs" and verb == "send" else "host"
        return f"{owner}: queue {re.sub(r'-[0-9a-z]*$', '', head) if 'webjobs' in head else head} {verb}"
    return f"host: {head if head.startswith('azure-webjobs') else 'other'} {request.method}"


def billed_as(request: StorageRequest) -> tuple[str, str]:
    head, query = taken_apart(request)
    if head in TABLES or head == "Tables":
        return "app", "table"
    if head.startswith(QUEUES):
        return ("app" if head == "verify-pairs" and request.method == "POST" else "host"), "queue"
    lists = "list" in query.get("comp", [])
    owner = "app" if head == "dedup-index" or (head == "images" and request.method == "GET" and not lists) else "host"
    if lists:
        return owner, "blob list"
    if request.method == "PUT":
        return owner, "blob write"
    return owner, "blob read" if request.method == "GET" else "blob other"


def taken_apart(request: StorageRequest) -> tuple[str, dict[str, list[str]]]:
    """The container, queue or table, and the query."""
    url = urlsplit(request.url)
    path = unquote(url.path).removeprefix(f"/{ACCOUNT}/")
    return path.split("/")[0].split("(")[0], parse_qs(url.query)
