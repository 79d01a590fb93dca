"""What the app asks a decoder process about a file, and what it makes of the answer."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dedup_core.decoding.header_check import check_header
from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.features import ImageFeatures
from dedup_core.limits import DecodeLimits
from dedup_decoders.answers import InvalidAnswerError, features_and_picture_in, features_in, picture_in
from dedup_decoders.wire import Kind

type Answer = tuple[Kind, dict[str, Any], bytes]


@dataclass(frozen=True, slots=True)
class Question[T]:
    """One request about one file of the `format` that its header names.

    `meanwhile` is done while the process works, and again where another one is asked; then `check` reads the answer
    and raises `InvalidAnswerError` or `BrokenFrameError` for one that no decoder gives.
    """

    kind: Kind
    data: bytes
    format: str
    check: Callable[[Answer], T]
    meanwhile: Callable[[], None] = lambda: None


def features_question(data: bytes, limits: DecodeLimits, header: Header | None = None) -> Question[ImageFeatures]:
    """For the features. Raises `UnreadableImage` or `ImageTooLarge` where the header, if none is given, says enough."""
    told, digest = header or check_header(data, limits), _Digest(data)

    def check(answer: Answer) -> ImageFeatures:
        text, block = _of_kind(Kind.FEATURES, answer)
        return features_in(text, block, told, digest.found, len(data))

    return Question(Kind.EXTRACT, data, told.format, check, digest.find)


def picture_question(data: bytes, limits: DecodeLimits, header: Header | None = None) -> Question[WorkingImage]:
    """For the working image. Raises as above."""
    told = header or check_header(data, limits)

    def check(answer: Answer) -> WorkingImage:
        text, block = _of_kind(Kind.PICTURE, answer)
        return picture_in(text, block, told)

    return Question(Kind.DECODE, data, told.format, check)


def features_and_picture_question(
    data: bytes, limits: DecodeLimits, header: Header | None = None
) -> Question[tuple[ImageFeatures, WorkingImage]]:
    """For both, of a file that is decoded once. Raises as above."""
    told, digest = header or check_header(data, limits), _Digest(data)

    def check(answer: Answer) -> tuple[ImageFeatures, WorkingImage]:
        text, block = _of_kind(Kind.FEATURES_AND_PICTURE, answer)
        return features_and_picture_in(text, block, told, digest.found, len(data))

    return Question(Kind.EXTRACT_AND_DECODE, data, told.format, check, digest.find)


class _Digest:
    """The SHA-256 of a file, found once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.found = b""

    def find(self) -> None:
        self.found = self.found or hashlib.sha256(self._data).digest()


def _of_kind(expected: Kind, answer: Answer) -> tuple[dict[str, Any], bytes]:
    kind, text, block = answer
    if kind is not expected:
        raise InvalidAnswerError("an answer of another kind")
    return text, block
