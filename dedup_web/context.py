"""What all routes work with, and the problems that any of them can tell."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from dedup_app.services import Services
from dedup_core.paths import ImagePath
from dedup_web import models
from dedup_web.pictures import Pictures

PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": models.ErrorModel, "description": "What was sent makes no sense"},
    401: {"model": models.ErrorModel, "description": "The key is missing or wrong"},
    403: {"model": models.ErrorModel, "description": "Asked by another site"},
    404: {"model": models.ErrorModel, "description": "There is no such image"},
    409: {"model": models.ErrorModel, "description": "There is nothing to decide (any more), or not what was shown"},
    413: {"model": models.ErrorModel, "description": "Larger than the app takes"},
    503: {"model": models.ErrorModel, "description": "Storage is busy: try again"},
}

type Who = Callable[[Request], str]


@dataclass(frozen=True)
class Context:
    """What the routes work with."""

    services: Services
    pictures: Pictures
    who: Who


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


type Given = Annotated[Context, Depends(_context)]


def path_of(given: Context, image_id: str) -> ImagePath:
    """The path of an image that is in a pair. Raises `UnknownReviewImage`."""
    return ImagePath.parse(given.services.review.image(image_id).path)
