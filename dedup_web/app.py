"""The ASGI application: routes, and how errors are told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from dedup_app.check import CheckHit
from dedup_app.decisions import NothingToDecide
from dedup_app.paging import BadCursor
from dedup_app.review import GroupFilter, State, UnknownReviewImage
from dedup_app.services import Services
from dedup_core.errors import DedupError, ImageNotFound, ImageTooLarge, PermanentError, TemporaryError
from dedup_core.groups.facts import Family
from dedup_core.paths import ImagePath
from dedup_web import models
from dedup_web.docs_page import docs_html
from dedup_web.page import page
from dedup_web.pictures import MEDIA_TYPES, Pictures
from dedup_web.security import Guard

MOST_COUNTED = 20_000  # rows of images for one look at the statistics: twenty requests to storage
MOST_HITS = 8
STATUS_OF = {NothingToDecide: 409, BadCursor: 400, UnknownReviewImage: 404, ImageNotFound: 404, ImageTooLarge: 413}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": models.ErrorModel, "description": "What was sent makes no sense"},
    401: {"model": models.ErrorModel, "description": "The key is missing"},
    403: {"model": models.ErrorModel, "description": "Asked by another site"},
    404: {"model": models.ErrorModel, "description": "There is no such image"},
    409: {"model": models.ErrorModel, "description": "There is nothing to decide, or no more"},
    413: {"model": models.ErrorModel, "description": "Larger than the app takes"},
    503: {"model": models.ErrorModel, "description": "Storage is busy: try again"},
}

UNREADABLE: dict[int | str, dict[str, Any]] = {
    422: {"model": models.ErrorModel, "description": "The body is no image that can be read"},
}

type Who = Callable[[Request], str]


@dataclass(frozen=True)
class Context:
    """What the routes work with."""

    services: Services
    pictures: Pictures
    who: Who


def create_app(services: Services, *, who: Who, key: str | None = None, hosts: frozenset[str] | None = None) -> ASGIApp:
    """The application over the services of this process; `who` names the person behind a request.

    With `key`, requests without it are refused; with `hosts`, those that name another host.
    """
    api = _api()
    api.state.context = Context(services, Pictures(services), who)
    return Guard(api, key=key, hosts=hosts)


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
    _add_images(api)
    _add_numbers(api)
    _add_pages(api)
    return api


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def signed_in(request: Request) -> str:
    """The person whom Entra ID has let through, as App Service names them in a header."""
    return request.headers.get("x-ms-client-principal-name", "") or "unknown"


type Given = Annotated[Context, Depends(_context)]


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
        keeper = _path(given, body.keeper) if body.keeper else None
        done = given.services.decisions.decide_group(group_id, body.act, given.who(request), keeper)
        return [models.DecisionModel.of(it) for it in done]

    @api.post("/api/pairs/{left}/{right}/decision", responses=PROBLEMS)
    def decide_pair(
        request: Request, given: Given, left: models.ImageId, right: models.ImageId, body: models.DecisionRequest
    ) -> models.DecisionModel:
        """Decide about one pair."""
        sides = _path(given, left), _path(given, right)
        keeper = _path(given, body.keeper) if body.keeper else None
        return models.DecisionModel.of(
            given.services.decisions.decide_pair(*sides, body.act, given.who(request), keeper)
        )

    @api.get("/api/pairs/{left}/{right}/aligned/{side}", responses=PROBLEMS | {200: {"content": {"image/jpeg": {}}}})
    def aligned(given: Given, left: models.ImageId, right: models.ImageId, side: models.PairSide) -> Response:
        """One side of a pair, cut and turned as it was compared with the other one, as JPEG."""
        facts = given.services.review.image(left), given.services.review.image(right)
        paths = ImagePath.parse(facts[0].path), ImagePath.parse(facts[1].path)
        made = given.pictures.aligned(*paths, (facts[0].version, facts[1].version))
        return Response(made[side == "right"], media_type="image/jpeg", headers=_cached())


def _add_images(api: FastAPI) -> None:
    @api.get("/api/images/{image_id}", responses=PROBLEMS)
    def read_image(given: Given, image_id: models.ImageId) -> models.ImageModel:
        """What is known of an image that is in a pair."""
        return models.ImageModel.of(given.services.review.image(image_id))

    @api.get("/api/images/{image_id}/duplicates", responses=PROBLEMS)
    def duplicates_of(given: Given, image_id: models.ImageId) -> models.DuplicatesModel:
        """The groups that the image is in."""
        facts = given.services.review.image(image_id)
        groups = given.services.review.groups_of(facts.image_id)
        return models.DuplicatesModel(groups=[models.GroupModel.of(group) for group in groups])

    @api.get("/api/images/{image_id}/thumbnail", responses=PROBLEMS | {200: {"content": {"image/jpeg": {}}}})
    def thumbnail(request: Request, given: Given, image_id: models.ImageId) -> Response:
        """The picture with its longer side at most 512 pixels, as JPEG; made from one read and kept by the browser."""
        path = _path(given, image_id)
        known = request.headers.get("if-none-match", "").strip('"')
        if known and given.services.images.etag(path) == known.removeprefix("512-"):
            return Response(status_code=304, headers={"etag": f'"{known}"', **_cached()})
        data, etag = given.pictures.thumbnail(path)
        return Response(data, media_type="image/jpeg", headers={"etag": f'"512-{etag}"', **_cached()})

    @api.get("/api/images/{image_id}/original", responses=PROBLEMS | {200: {"content": {"image/*": {}}}})
    def original(given: Given, image_id: models.ImageId) -> Response:
        """The file itself. Its type is told by its content; a link to the account would take a right on all of it."""
        facts = given.services.review.image(image_id)
        path = ImagePath.parse(facts.path)
        media_type = MEDIA_TYPES.get(facts.format, "application/octet-stream")
        source = given.services.images.read(path)
        data = source.data if source else b""
        return Response(data, media_type=media_type, headers={"content-disposition": "inline", **_cached()})

    @api.post("/api/check", responses=PROBLEMS | UNREADABLE, openapi_extra={"requestBody": {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}})  # fmt: skip  # noqa: E501
    async def check(
        request: Request,
        given: Given,
        path: Annotated[str, Query(description="An image of the container, instead of a body")] = "",
    ) -> models.CheckModel:
        """Is this picture here already? Send the file as the body, or name an image that is; nothing is stored."""
        if path:
            image = ImagePath.parse(path, containers=given.services.settings.containers)
            hits = await run_in_threadpool(given.services.check.look_up_image, image, MOST_HITS)
            return _checked(hits)
        limit = given.services.settings.max_image_bytes
        parts, length = [], 0
        async for part in request.stream():
            length += len(part)
            if length > limit:
                raise ImageTooLarge(f"more than {limit:,} bytes were sent", reason="too-many-bytes")
            parts.append(part)
        return _checked(await run_in_threadpool(given.services.check.look_up, b"".join(parts), MOST_HITS))


def _checked(hits: Sequence[CheckHit]) -> models.CheckModel:
    return models.CheckModel(
        known=any(hit.is_same_picture for hit in hits),
        hits=[
            models.CheckHitModel(
                path=str(hit.path), id=hit.path.image_id, comparison=models.ComparisonModel.of_verdict(hit.verdict)
            )
            for hit in hits
        ],
    )


def _add_numbers(api: FastAPI) -> None:
    @api.get("/api/rejected", responses=PROBLEMS)
    def rejected(
        given: Given,
        cursor: Annotated[str, Query(max_length=64, description="Of the page before")] = "",
        size: Annotated[int, Query(ge=1, le=500, description="Files on a page")] = 100,
    ) -> models.RejectedPageModel:
        """One page of the files that could not be read, and why; each looks through a part of all images."""
        found = given.services.rejected.page(cursor, size)
        rows = [
            models.RejectedModel(path=str(it.path), reason=it.status.reason or "", detail=it.detail)
            for it in found.rows
        ]
        return models.RejectedPageModel(rejected=rows, next_cursor=found.next_cursor)

    @api.get("/api/stats", responses=PROBLEMS)
    def stats(given: Given) -> models.StatsModel:
        """What the app has done, what waits, and what went wrong."""
        overview = given.services.overview.read(MOST_COUNTED)
        report = overview.report
        return models.StatsModel(
            images={str(status): count for status, count in overview.images.items()},
            counted_all=overview.counted_all,
            images_known=overview.ledger.images,
            queues={name: it.waiting for name, it in overview.queues.items()},
            poison={name: it.poison for name, it in overview.queues.items()},
            groups_by_day=given.services.review.over_time(),
            totals=dict(report.totals.as_dict()) if report else {},
            reads_saved=report.totals.reads_saved if report else 0,
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


def _path(given: Context, image_id: str) -> ImagePath:
    return ImagePath.parse(given.services.review.image(image_id).path)


def _cached() -> dict[str, str]:
    return {"cache-control": "private, max-age=3600"}
