"""What the API says of single images, and their pictures."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from anyio import from_thread
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from dedup_core.errors import ImageTooLarge
from dedup_core.paths import ImagePath
from dedup_web import models
from dedup_web.context import PROBLEMS, Given, path_of
from dedup_web.pictures import MEDIA_TYPES

if TYPE_CHECKING:
    from dedup_app.pipeline.check import CheckHit

MOST_HITS = 8  # each is read and compared while somebody waits
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}
ORIGINAL: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/*": {}}},
    302: {"description": "It is there for whoever follows within five minutes"},
}
UNREADABLE: dict[int | str, dict[str, Any]] = {
    422: {"model": models.ErrorModel, "description": "The body is no image that can be read"},
}


class HeldFile(Response):
    """A file that takes room in the budget until it is sent."""

    def __init__(self, data: bytes, *, media_type: str, headers: dict[str, str], room: ExitStack) -> None:
        super().__init__(data, media_type=media_type, headers=headers)
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._room:
            await super().__call__(scope, receive, send)


def add_images(api: FastAPI) -> None:
    _add_facts(api)
    _add_pictures(api)


def _add_facts(api: FastAPI) -> None:
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

    @api.post("/api/check", responses=PROBLEMS | UNREADABLE, openapi_extra={"requestBody": {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}})  # fmt: skip  # noqa: E501
    async def check(
        request: Request,
        given: Given,
        path: Annotated[str, Query(description="An image of the container, instead of a body")] = "",
    ) -> models.CheckModel:
        """Is this picture here already? Send the file as the body, or name an image that is; nothing is stored."""
        if path:
            settings = given.services.settings
            image = ImagePath.parse(path, containers=settings.containers, account=settings.account)
            hits = await run_in_threadpool(given.services.check.look_up_image, image, MOST_HITS)
            return _checked(hits)
        read = partial(from_thread.run, _body, request, given.services.settings.max_image_bytes)
        return _checked(await run_in_threadpool(given.services.check.look_up, read, MOST_HITS))


def _add_pictures(api: FastAPI) -> None:
    @api.get("/api/images/{image_id}/thumbnail", responses=PROBLEMS | JPEG)
    def thumbnail(request: Request, given: Given, image_id: models.ImageId) -> Response:
        """The picture with its longer side at most 512 pixels, as JPEG; made from one read and kept by the browser."""
        path = path_of(given, image_id)
        known = request.headers.get("if-none-match", "").strip('"')
        if known and given.services.images.etag(path) == known.removeprefix("512-"):
            return Response(status_code=304, headers={"etag": f'"{known}"', **_cached()})
        data, etag = given.pictures.thumbnail(path)
        return Response(data, media_type="image/jpeg", headers={"etag": f'"512-{etag}"', **_cached()})

    @api.get("/api/images/{image_id}/original", responses=PROBLEMS | ORIGINAL, response_class=Response)
    def original(given: Given, image_id: models.ImageId) -> Response:
        """The file itself, its type told by its content: a link that is good for five minutes, or its bytes."""
        facts = given.services.review.image(image_id)
        path = ImagePath.parse(facts.path)
        media_type = MEDIA_TYPES.get(facts.format, "application/octet-stream")
        links = given.services.original_links
        if links is not None and (link := links.link(path, media_type)):
            return RedirectResponse(link, 302)
        name = quote(path.name.rpartition("/")[2], safe="")
        headers = {"content-disposition": f"inline; filename*=UTF-8''{name}"}
        with ExitStack() as room:
            room.enter_context(given.services.budgets.file())
            source = given.services.images.read(path)
            data = source.data if source else b""
            return HeldFile(data, media_type=media_type, headers=headers, room=room.pop_all())

    @api.get("/api/pairs/{left}/{right}/aligned/{side}", responses=PROBLEMS | JPEG)
    def aligned(given: Given, left: models.ImageId, right: models.ImageId, side: models.PairSide) -> Response:
        """One side of a pair, cut and turned as it was compared with the other one, as JPEG."""
        facts = given.services.review.image(left), given.services.review.image(right)
        paths = ImagePath.parse(facts[0].path), ImagePath.parse(facts[1].path)
        made = given.pictures.aligned(*paths, (facts[0].version, facts[1].version))
        return Response(made[side == "right"], media_type="image/jpeg", headers=_cached())


async def _body(request: Request, limit: int) -> bytes:
    """All that was sent. Raises `ImageTooLarge` as soon as it is more than the limit."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > limit:
            raise ImageTooLarge(f"more than {limit:,} bytes were sent", reason="too-many-bytes")
        parts.append(part)
    return b"".join(parts)


def _checked(hits: Sequence["CheckHit"]) -> models.CheckModel:
    return models.CheckModel(
        known=any(hit.is_same_picture for hit in hits),
        hits=[
            models.CheckHitModel(
                path=str(hit.path), id=hit.path.image_id, comparison=models.ComparisonModel.of_verdict(hit.verdict)
            )
            for hit in hits
        ],
    )


def _cached() -> dict[str, str]:
    return {"cache-control": "private, max-age=3600"}
