"""The ASGI application: routes, and how errors are told."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.types import ASGIApp

from dedup_app.decisions import NothingToDecide
from dedup_app.paging import BadCursor
from dedup_app.review import GroupFilter, State, UnknownReviewImage
from dedup_app.services import Services
from dedup_app.telling import UnknownPair
from dedup_core.errors import DedupError, ImageNotFound, ImageTooLarge, PermanentError, TemporaryError
from dedup_core.groups.facts import Family
from dedup_web import models
from dedup_web.context import PROBLEMS, Context, Given, path_of
from dedup_web.docs_page import docs_html
from dedup_web.image_routes import add_images
from dedup_web.numbers import add_numbers
from dedup_web.page import page
from dedup_web.pictures import Pictures
from dedup_web.security import Guard, person_of
from dedup_web.telling import add_telling

STATUS_OF = {
    NothingToDecide: 409,
    BadCursor: 400,
    UnknownReviewImage: 404,
    UnknownPair: 404,
    ImageNotFound: 404,
    ImageTooLarge: 413,
}


def create_app(services: Services, *, who: str, key: str | None = None, hosts: frozenset[str] | None = None) -> ASGIApp:
    """The application over the services of this process; decisions are noted under the name `who`.

    With `key`, requests without it are refused; with `hosts`, those that name another host. Without a key, where Azure
    has people sign in first (`services.settings.sign_in`), each decision has the name of its person instead.
    """
    sign_in = services.settings.sign_in and key is None
    api = _api()
    api.state.context = Context(services, Pictures(services), signed_in if sign_in else lambda _request: who)
    return Guard(api, key=key, hosts=hosts, sign_in=sign_in)


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
    for errors in (DedupError,):
        api.add_exception_handler(errors, _told)
    _add_groups(api)
    add_images(api)
    add_numbers(api)
    add_telling(api)
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


def _add_groups(api: FastAPI) -> None:
    @api.get("/api/groups", responses=PROBLEMS)
    def list_groups(
        given: Given,
        verdict: Annotated[Family | None, Query(description="Only groups with this verdict")] = None,
        identical: Annotated[bool, Query(description="Only groups whose files are the same bytes")] = False,
        state: Annotated[State, Query(description="Which groups: decided or not")] = State.OPEN,
        prefix: Annotated[str, Query(max_length=1024, description="Only groups with an image of such a name")] = "",
        since: Annotated[date | None, Query(description="Only groups with a verdict since this day (UTC)")] = None,
        cursor: Annotated[str | None, Query(max_length=200, description="Of the page before")] = None,
        size: Annotated[int, Query(ge=1, le=200, description="Groups on a page")] = 50,
    ) -> models.GroupPageModel:
        """One page of groups, the newest first."""
        start = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None
        wanted = GroupFilter(verdict, identical, state, prefix, start)
        found = given.services.review.page(wanted, cursor, size)
        return models.GroupPageModel(
            groups=[models.GroupModel.of(group) for group in found.groups],
            next_cursor=found.next_cursor,
            matching=found.matching,
            total=found.total,
            decided=found.decided,
            bytes_to_gain=found.bytes_to_gain,
        )

    @api.get("/api/groups/{group_id}", responses=PROBLEMS)
    def read_group(given: Given, group_id: models.GroupId) -> models.GroupModel:
        """One group with what was measured of each of its images against the keeper."""
        group = given.services.decisions.group(group_id)
        return models.GroupModel.of(group, given.services.review.pairs_of(group))

    @api.post("/api/groups/{group_id}/decision", responses=PROBLEMS)
    def decide_group(
        request: Request, given: Given, group_id: models.GroupId, body: models.DecisionRequest
    ) -> list[models.DecisionModel]:
        """Decide about all images of a group against its keeper."""
        keeper = path_of(given, body.keeper) if body.keeper else None
        done = given.services.decisions.decide_group(group_id, body.act, given.who(request), keeper)
        return [models.DecisionModel.of(it) for it in done]

    @api.post("/api/pairs/{left}/{right}/decision", responses=PROBLEMS)
    def decide_pair(
        request: Request, given: Given, left: models.ImageId, right: models.ImageId, body: models.DecisionRequest
    ) -> models.DecisionModel:
        """Decide about one pair."""
        sides = path_of(given, left), path_of(given, right)
        keeper = path_of(given, body.keeper) if body.keeper else None
        return models.DecisionModel.of(
            given.services.decisions.decide_pair(*sides, body.act, given.who(request), keeper)
        )


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
    return get_openapi(title=api.title, version="1", description=api.description, routes=api.routes)
