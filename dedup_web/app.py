"""The ASGI application: all routes together, and how errors are told."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dedup_app.feedback.decisions import NothingToDecide
from dedup_app.feedback.informative_pairs import UnknownPair
from dedup_app.queries.paging import BadCursor
from dedup_app.queries.review import UnknownReviewImage
from dedup_app.services import Services
from dedup_core.errors import DedupError, ImageNotFound, ImageTooLarge, InvalidPath, PermanentError, TemporaryError
from dedup_web.context import Context
from dedup_web.docs_page import docs_html
from dedup_web.group_routes import add_groups
from dedup_web.image_routes import add_images
from dedup_web.overview_routes import add_overview
from dedup_web.page import page
from dedup_web.pictures import Pictures
from dedup_web.security import Guard, person_of
from dedup_web.tuning_routes import add_tuning

STATUS_OF = {
    NothingToDecide: 409,
    BadCursor: 400,
    InvalidPath: 400,
    UnknownReviewImage: 404,
    UnknownPair: 404,
    ImageNotFound: 404,
    ImageTooLarge: 413,
}


def create_app(
    services: Services,
    *,
    who: str,
    key: str | None = None,
    first_key: str | None = None,
    hosts: frozenset[str] | None = None,
) -> ASGIApp:
    """The application over the services of this process; decisions are noted under the name `who`.

    With `key`, requests without it are refused, but one with `first_key` is led to it; with `hosts`, those that name
    another host. Without a key, where Azure has people sign in first (`services.settings.sign_in`), each decision has
    the name of its person instead.
    """
    sign_in = services.settings.sign_in and key is None
    api = _api()
    api.state.context = Context(services, Pictures(services), signed_in if sign_in else lambda _request: who)
    return Guard(_head_as_get(api), key=key, first_key=first_key, hosts=hosts, sign_in=sign_in)


def _head_as_get(app: ASGIApp) -> ASGIApp:
    """Answers a HEAD, which FastAPI refuses, as a GET: whatever server stands before leaves the body out."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope, receive, send)

    return answered


def description() -> dict[str, Any]:
    """The OpenAPI description of all operations, as `/api/openapi.json` gives it."""
    return _schema(_api())


def _api() -> FastAPI:
    api = FastAPI(
        title="Near-duplicate images",
        description="Groups of copies, the pairs in them, and what people decide.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    api.add_exception_handler(DedupError, _told)
    api.exception_handler(RequestValidationError)(_refused)
    add_groups(api)
    add_images(api)
    add_overview(api)
    add_tuning(api)
    _add_pages(api)
    return api


def signed_in(request: Request) -> str:
    """The person whom Entra ID has let through, as App Service names them in a header."""
    return person_of(request.headers)


async def _told(_request: Request, error: Exception) -> JSONResponse:
    status = next((code for kind, code in STATUS_OF.items() if isinstance(error, kind)), None)
    if status is None:
        status = 503 if isinstance(error, TemporaryError) else 422 if isinstance(error, PermanentError) else 500
    return JSONResponse({"detail": str(error)}, status)


async def _refused(_request: Request, error: RequestValidationError) -> Response:
    """What does not fit its description is named and not repeated: it may be bytes or letters that JSON cannot hold."""
    told = "; ".join(f"{_place(it['loc'])}: {it['msg']}" for it in error.errors())
    return Response(json.dumps({"detail": told}), 400, media_type="application/json")


def _place(where: Sequence[str | int]) -> str:
    """The name of a parameter, or where in the body."""
    return ".".join(map(str, where if where[0] == "body" else where[1:]))


def _add_pages(api: FastAPI) -> None:
    @api.get("/", include_in_schema=False)
    def home() -> RedirectResponse:
        return RedirectResponse("/api/review", 307)

    @api.get("/api/review", include_in_schema=False)
    def review(request: Request) -> HTMLResponse:
        return page(request)

    @api.get("/api/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> JSONResponse:
        return JSONResponse(_schema(request.app))

    @api.get("/api/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(docs_html(_schema(request.app), request.scope["nonce"]))


def _schema(api: FastAPI) -> dict[str, Any]:
    """The description without FastAPI's own answer 422 to an invalid request, which is told with 400 here."""
    schema = get_openapi(title=api.title, version="1", description=api.description, routes=api.routes)
    for operations in schema["paths"].values():
        for operation in operations.values():
            if operation["responses"].get("422", {}).get("description") == "Validation Error":
                del operation["responses"]["422"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(unused, None)
    return schema
