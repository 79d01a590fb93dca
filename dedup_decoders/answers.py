"""The app's look at what a decoder process answers: a process that a file has taken over may answer anything."""

import re
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.color.histogram import HISTOGRAM_SIZE
from dedup_core.color.palette import PALETTE_COLORS
from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.history.provenance import LOSSLESS
from dedup_core.decoding.working_image import (
    DIGEST_BYTES,
    FRAME_BYTES,
    MAX_PALETTE,
    MAX_SAMPLES,
    Whole,
    WorkingImage,
)
from dedup_core.errors import ImageTooLarge, PermanentError, UnreadableImage
from dedup_core.features import ImageFeatures
from dedup_core.fingerprinting.hash_views import GROUPS
from dedup_core.fingerprinting.keypoints import Keypoints
from dedup_core.fingerprinting.record import CONTENT_BYTES, WINDOWS
from dedup_core.limits import FINE_SIZE, MAX_SIDE, WORKING_SIZE
from dedup_decoders.wire import ASKED, SILENT, BrokenFrameError, unpacked_columns

REASONS: Final = {
    "unreadable": (
        UnreadableImage,
        frozenset(
            {"empty", "unsupported-format", "unsupported-variant", "truncated", "corrupt", "too-complex",
             "format-off", "decoder-outdated"}
        ),
    ),
    "too-large": (ImageTooLarge, frozenset({"too-many-bytes", "too-many-pixels", "too-much-memory"})),
}  # fmt: skip
_PALETTE: Final = re.compile(f"(?:[0-9a-f]{{6}}){{0,{MAX_PALETTE}}}")
_DIGEST: Final = re.compile(f"[0-9a-f]{{{2 * DIGEST_BYTES}}}")
MAX_MESSAGE_LENGTH: Final = 1000  # some sentences
MAX_QUALITY: Final = 100  # as `quality_of` gives it
MAX_COLOR: Final = 200.0  # of L, a and b in the palettes of real pixels; weights and histograms are smaller
MAX_PIXEL_BYTES: Final = 16  # four times Pillow's widest pixel (RGBA, I, F)


class InvalidAnswerError(Exception):
    """An answer that no decoder gives about this file."""


def features_in(text: dict[str, Any], block: bytes, header: Header, digest: bytes, byte_size: int) -> ImageFeatures:
    """The features that an answer holds, with the digest and the size that the app has found itself.

    Raises `InvalidAnswerError` unless every column is there, in its shape and range, and agrees with the file's header.
    """
    try:
        columns = unpacked_columns(text, block)
        told = ImageFeatures.from_columns(columns)
        asked, silent = _asked_in(columns.get(ASKED)), _silent_in(columns.get(SILENT))
    except (ValueError, BrokenFrameError) as error:
        raise InvalidAnswerError(f"features that are none: {error}") from error
    _check_size(told.format, told.width, told.height, header)
    _require(set(text) == {ASKED, SILENT, *told.to_columns()}, "columns that features do not have")
    _require(0 <= told.quality <= MAX_QUALITY, "a quality out of range")
    made = told.provenance
    _require(1 <= made.quality <= LOSSLESS and 0 <= made.detail_side <= MAX_SIDE, "a provenance out of range")
    _require(told.histogram.shape == (HISTOGRAM_SIZE,), "a histogram of another shape")
    _require(1 <= len(told.palette) <= PALETTE_COLORS, "a palette without colors or with too many")
    for name, values, most in (("palette", told.palette, MAX_COLOR), ("histogram", told.histogram, 1.01)):
        _require(bool(np.isfinite(values).all()) and float(np.abs(values).max()) <= most, f"a {name} out of range")
    _require(not told.fingerprints.is_flat or len(asked) == 0, "keypoints of a flat picture")
    _require(told.fingerprints.to_bytes() == columns["fingerprints"], "fingerprints that no picture has")
    _require(told.fingerprints.is_flat == (silent is None), "groups of no hash, or a hash without groups")
    fingerprints = replace(told.fingerprints, content=digest[:CONTENT_BYTES], asked=asked, silent=silent)
    return replace(told, sha256=digest.hex(), byte_size=byte_size, fingerprints=fingerprints)


def _asked_in(column: int | str | bytes | None) -> Keypoints:
    if not isinstance(column, bytes):
        raise ValueError("no keypoints to search with")  # noqa: TRY004 - the answer is wrong, not the call
    return Keypoints.from_asked_bytes(column)


def _silent_in(column: int | str | bytes | None) -> NDArray[np.bool_] | None:
    if not isinstance(column, bytes) or len(column) > 1:
        raise ValueError("no groups of hashes")
    if not column:
        return None
    silent = np.unpackbits(np.frombuffer(column, np.uint8)).reshape(len(WINDOWS), GROUPS).astype(np.bool_)
    _require(not silent.all(axis=1).any(), "a hash that says nothing at all")  # the strongest group is never silent
    return silent


def picture_in(text: dict[str, Any], block: bytes, header: Header) -> WorkingImage:
    """The working image that an answer holds. Raises `InvalidAnswerError` unless it is one, and one of this header."""
    match text:
        case {
            "format": str() as format_name,
            "width": int() as width,
            "height": int() as height,
            "decoded_bytes": int() as decoded_bytes,
            "shape": [int() as rows, int() as columns, 3],
            "digest": str() as digest,
            "palette": str() as palette,
            "fine": (None | [int(), int()]) as fine_shape,
        } if len(text) == 8 and bool not in map(type, (width, height, decoded_bytes, rows, columns)):  # noqa: PLR2004
            pass
        case _:
            raise InvalidAnswerError("a picture that does not say what it is")
    _check_size(format_name, width, height, header)
    _require(0 < rows <= WORKING_SIZE and 0 < columns <= WORKING_SIZE, "a picture larger than any")
    pixel_bytes, fine = rows * columns * 3, _fine_in(fine_shape, block)
    end = len(block) - (0 if fine is None else fine.size)
    frames = [pixel_bytes + count * FRAME_BYTES for count in range(MAX_SAMPLES + 1)]
    _require(end in frames, "pixels that are too many or too few")
    _require(digest == "" or _DIGEST.fullmatch(digest) is not None, "a digest that is none")
    _require(_PALETTE.fullmatch(palette) is not None, "a palette that is none")
    most = MAX_PIXEL_BYTES * max(header.width * header.height, WORKING_SIZE**2)
    _require(0 < decoded_bytes <= most, "a buffer out of range")
    pixels = np.frombuffer(block[:pixel_bytes], np.uint8).reshape(rows, columns, 3)
    whole = Whole(digest, block[pixel_bytes:end], bytes.fromhex(palette))
    return WorkingImage(pixels, format_name, width, height, decoded_bytes, whole=whole, fine=fine)


def _fine_in(shape: list[int] | None, block: bytes) -> NDArray[np.uint8] | None:
    """The luma of a page, which comes last."""
    if shape is None:
        return None
    rows, columns = shape
    _require(bool not in map(type, shape), "a page whose sides are no numbers")
    _require(0 < rows <= FINE_SIZE and 0 < columns <= FINE_SIZE, "a page larger than any")
    _require(rows * columns <= len(block), "a page of more pixels than there are")
    return np.frombuffer(block[len(block) - rows * columns :], np.uint8).reshape(rows, columns)


def features_and_picture_in(
    text: dict[str, Any], block: bytes, header: Header, digest: bytes, byte_size: int
) -> tuple[ImageFeatures, WorkingImage]:
    """Both of one answer, each looked at as if it came alone: the bytes of the features, then those of the picture."""
    match text:
        case {"features": dict() as features, "picture": dict() as picture} if len(text) == 2:  # noqa: PLR2004
            lengths = [it[0] for it in features.values() if isinstance(it, list) and it and isinstance(it[0], int)]
        case _:
            raise InvalidAnswerError("an answer that is not features and a picture")
    end = sum(lengths)
    _require(0 <= end <= len(block), "more bytes of features than there are")
    return features_in(features, block[:end], header, digest, byte_size), picture_in(picture, block[end:], header)


def refusal_in(text: dict[str, Any]) -> PermanentError:
    """The refusal that an answer holds. Raises `InvalidAnswerError` for a reason that decoding does not have."""
    match text:
        case {"error": str() as kind, "reason": str() as reason, "message": str() as message} if kind in REASONS:
            error, reasons = REASONS[kind]
            _require(reason in reasons, "a reason that there is not")
            return error(_plain(message), reason=reason)
    raise InvalidAnswerError("a refusal that gives no reason")


def failure_in(text: dict[str, Any]) -> str:
    """What a decoder process says about its own failure: one line."""
    return _plain(str(text.get("error", "")))


def _plain(message: str) -> str:
    """A message as it may stand in tables and on pages: one line, of bounded length, without control characters."""
    printable = "".join(letter if letter.isprintable() else " " for letter in message[:MAX_MESSAGE_LENGTH])
    return " ".join(printable.split())


def _check_size(format_name: str, width: int, height: int, header: Header) -> None:
    _require(format_name == header.format, "another format than that of the file")
    _require(1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE, "a picture without pixels or with too many")
    _require(width * height <= header.width * header.height, "a picture larger than its header")


def _require(is_so: bool, lie: str) -> None:
    if not is_so:
        raise InvalidAnswerError(lie)
