"""What goes over the pipes between the app and its decoders: frames of a fixed head, a text and a block of bytes.

Nothing is ever unpickled. The app's side takes every answer for a lie until it has looked: `dedup_decoders/answers.py`.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

MAX_TEXT_BYTES: Final = 16 * 1024  # names and numbers of one picture: a few hundred bytes
MAX_BLOCK_BYTES: Final = 4 * 1024 * 1024  # a working image has 768 KiB, the luma of a page 2.3 MiB, features 10 KiB
IN_PIPE_BYTES: Final = 48 * 1024  # what is larger goes through shared memory, where there is any; a pipe holds 64 KiB
# What is searched with besides, in columns of its own because it is not stored:
ASKED: Final = "asked"  # keypoints
SILENT: Final = "silent"  # groups of the hashes
_HEAD: Final = struct.Struct("<QBIQ")
HEAD_BYTES: Final = _HEAD.size


class Kind(IntEnum):
    """What a frame is: of the app `SETUP`, `EXTRACT`, `DECODE`, `EXTRACT_AND_DECODE`; of a decoder the others."""

    SETUP = 1
    EXTRACT = 2
    DECODE = 3
    EXTRACT_AND_DECODE = 4
    READY = 11
    FEATURES = 12
    PICTURE = 13
    REFUSED = 14
    FAILED = 15
    FEATURES_AND_PICTURE = 16


class BrokenFrameError(Exception):
    """The bytes are no frame, or one that is larger than any can be."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a frame; `number` is that of the request, which its answer repeats."""

    number: int
    kind: Kind
    text_bytes: int
    block_bytes: int


def frame(number: int, kind: Kind, text: dict[str, Any] | None = None, block: bytes = b"") -> bytes:
    packed = json.dumps(text).encode() if text else b""
    return _HEAD.pack(number, kind, len(packed), len(block)) + packed + block


def request_head(number: int, kind: Kind, block_bytes: int, *, in_pipe: bool) -> bytes:
    """The head of a request whose file follows in the pipe, or (with a text of no bytes) lies in shared memory."""
    return _HEAD.pack(number, kind, int(in_pipe), block_bytes)


def read_head(read: Callable[[int], bytes]) -> Head:
    number, kind, text_bytes, block_bytes = _HEAD.unpack(read(HEAD_BYTES))
    try:
        return Head(number, Kind(kind), text_bytes, block_bytes)
    except ValueError as error:
        raise BrokenFrameError(f"a frame of the kind {kind}") from error


def read_answer(read: Callable[[int], bytes]) -> tuple[Head, dict[str, Any], bytes]:
    """The next frame of a decoder. Raises `BrokenFrameError` for one that no decoder of ours writes."""
    head = read_head(read)
    if head.text_bytes > MAX_TEXT_BYTES or head.block_bytes > MAX_BLOCK_BYTES:
        raise BrokenFrameError(f"a frame of {head.text_bytes:,} and {head.block_bytes:,} bytes")
    text, block = read(head.text_bytes), read(head.block_bytes)
    try:
        values = json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise BrokenFrameError("a text that is no JSON") from error
    if not isinstance(values, dict):
        raise BrokenFrameError("a text that names no values")
    return head, values, block


def packed_columns(columns: dict[str, int | str | bytes]) -> tuple[dict[str, Any], bytes]:
    """Columns as a text and a block: numbers and texts as they are, the length of bytes as `[length]`."""
    text = {name: [len(value)] if isinstance(value, bytes) else value for name, value in columns.items()}
    return text, b"".join(value for value in columns.values() if isinstance(value, bytes))


def unpacked_columns(text: dict[str, Any], block: bytes) -> dict[str, int | str | bytes]:
    """What `packed_columns` packed. Raises `BrokenFrameError` for anything else."""
    columns: dict[str, int | str | bytes] = {}
    at = 0
    for name, value in text.items():
        match value:
            case bool():
                raise BrokenFrameError(f"column {name!r} holds neither number, text nor bytes")
            case int() | str():
                columns[name] = value
            case [int() as length] if 0 <= length <= len(block) - at:
                columns[name] = block[at : at + length]
                at += length
            case _:
                raise BrokenFrameError(f"column {name!r} holds neither number, text nor bytes")
    if at != len(block):
        raise BrokenFrameError("bytes that belong to no column")
    return columns
