"""Whatever a decoder process answers is looked at: sizes, shapes, ranges and names, before anything is made of it."""

from typing import Any

import numpy as np
import pytest

from dedup_core.decoding.decoder import decode
from dedup_core.decoding.header_check import check_header
from dedup_core.decoding.working_image import FRAME_BYTES
from dedup_core.errors import ImageTooLarge, UnreadableImage
from dedup_core.extraction import extract_features
from dedup_core.fingerprinting.keypoints import MAX_ASKED
from dedup_decoders.answers import (
    REASONS,
    InvalidAnswerError,
    failure_in,
    features_and_picture_in,
    features_in,
    picture_in,
    refusal_in,
)
from dedup_decoders.wire import BrokenFrameError, Kind, frame, packed_columns, read_answer, unpacked_columns
from tests.core.odd_files import drawing, encode

DATA = encode(drawing(96, 64), "PNG")
HEADER = check_header(DATA)
FEATURES = extract_features(DATA)
ASKED = FEATURES.fingerprints.asked
assert ASKED is not None
assert len(ASKED) > 0
SILENT = np.array([[False, True, False, True], [False, False, False, True]])
COLUMNS = FEATURES.to_columns() | {"asked": ASKED.to_asked_bytes(), "silent": np.packbits(SILENT).tobytes()}
TEXT, BLOCK = packed_columns(COLUMNS)
DIGEST = bytes.fromhex(FEATURES.sha256)
PICTURE = {"format": "PNG", "width": 96, "height": 64, "decoded_bytes": 24576, "shape": [64, 96, 3]}
PICTURE |= {"digest": "", "palette": "", "fine": None}
PIXELS = decode(DATA).pixels.tobytes()


def of_columns(**other: Any) -> tuple[dict[str, Any], bytes]:
    return packed_columns(COLUMNS | other)


def test_a_true_answer_is_taken_as_it_is() -> None:
    assert features_in(TEXT, BLOCK, HEADER, DIGEST, len(DATA)) == FEATURES
    fingerprints = features_in(TEXT, BLOCK, HEADER, DIGEST, len(DATA)).fingerprints
    assert fingerprints.asked is not None
    assert fingerprints.asked.to_asked_bytes() == ASKED.to_asked_bytes()
    assert fingerprints.silent is not None
    assert np.array_equal(fingerprints.silent, SILENT)
    taken = picture_in(PICTURE, PIXELS, HEADER)
    assert np.array_equal(taken.pixels, decode(DATA).pixels)
    assert (taken.format, taken.width, taken.height, taken.decoded_bytes) == ("PNG", 96, 64, 24576)


def test_a_turned_picture_may_have_its_sides_changed() -> None:
    assert picture_in(PICTURE | {"width": 64, "height": 96, "shape": [96, 64, 3]}, PIXELS, HEADER).width == 64


@pytest.mark.parametrize(
    "columns",
    [
        {"format": "JPEG"},
        {"width": 97},
        {"width": 0},
        {"width": -96, "height": -64},
        {"width": 2**80},
        {"quality": 101},
        {"quality": -1},
        {"scheme": 999},
        {"fingerprints": b""},
        {"fingerprints": bytes(100_000)},
        {"layout": bytes(32 * 32)},
        {"palette": b""},
        {"palette": np.zeros((9, 4), "<f4").tobytes()},
        {"palette": np.full((1, 4), np.nan, "<f4").tobytes()},
        {"palette": np.full((1, 4), 1e30, "<f4").tobytes()},
        {"histogram": np.zeros(799, "<f2").tobytes()},
        {"histogram": np.full(800, np.inf, "<f2").tobytes()},
        {"histogram": np.full(800, 2.0, "<f2").tobytes()},
        {"save_quality": 0},
        {"save_quality": 101},
        {"detail_side": -1},
        {"detail_side": 2**31},
        {"asked": bytes(13)},
        {"asked": bytes(12)},
        {"asked": "none"},
        {"asked": ASKED.to_asked_bytes() * (MAX_ASKED + 1)},
        {"asked": np.array([1 << 28, 0b11111], "<u4").tobytes() + bytes([1, 1, 1, 1])},
        {"asked": np.array([1, 0b1111], "<u4").tobytes() + bytes([1, 1, 1, 1])},
        {"asked": np.array([1, 0b11111 << 16], "<u4").tobytes() + bytes([1, 1, 1, 1])},
        {"asked": np.array([1, 0b11111], "<u4").tobytes() + bytes([1, 1, 0, 1])},
        {"asked": np.array([1, 0b11111], "<u4").tobytes() + bytes([1, 1, 1, 64])},
        {"fingerprints": COLUMNS["fingerprints"][:-2] + bytes([64, 1])},
        {"silent": b""},
        {"silent": bytes(2)},
        {"silent": bytes([0b11110000])},
        {"silent": 3},
        {"path": "images/another.jpg"},
        {"status": "deleted"},
    ],
)
def test_features_out_of_shape_or_range_are_a_lie(columns: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnswerError):
        features_in(*of_columns(**columns), HEADER, DIGEST, len(DATA))


def test_the_digest_and_the_size_are_those_that_the_app_found() -> None:
    told = features_in(*of_columns(sha256="f" * 64, byte_size=1), HEADER, DIGEST, len(DATA))
    assert told == FEATURES


@pytest.mark.parametrize(
    "other",
    [
        {"format": "JPEG"},
        {"width": 97},
        {"height": -64, "width": -96},
        {"width": True},
        {"width": 96.0},
        {"decoded_bytes": 0},
        {"decoded_bytes": 2**70},
        {"shape": [64, 96, 4]},
        {"shape": [32, 96, 3]},
        {"shape": [1, 64 * 96, 3]},
        {"shape": [64, 96]},
        {"shape": "64x96x3"},
        {"more": 1},
        {"palette": None},
        {"palette": "00ff"},
        {"palette": "0000gg"},
        {"palette": "00" * 3 * 257},
        {"fine": [1]},
        {"fine": [1, 2, 3]},
        {"fine": "1x1"},
        {"fine": [1.0, 1]},
        {"fine": [True, 1]},
        {"fine": [0, 0]},
        {"fine": [-1, -1]},
        {"fine": [1, 1]},
        {"fine": [1537, 1]},
        {"fine": [2**40, 2**40]},
    ],
)
def test_a_picture_out_of_shape_or_range_is_a_lie(other: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnswerError):
        picture_in(PICTURE | other, PIXELS, HEADER)


def test_a_palette_is_handed_on() -> None:
    assert picture_in(PICTURE | {"palette": "00ff00010203"}, PIXELS, HEADER).whole.palette == bytes(
        [0, 255, 0, 1, 2, 3]
    )


@pytest.mark.parametrize("frames", [b"", bytes(FRAME_BYTES)])
def test_the_luma_of_a_page_comes_after_its_frames(frames: bytes) -> None:
    fine = np.arange(6, dtype=np.uint8).reshape(2, 3)
    taken = picture_in(PICTURE | {"fine": [2, 3]}, PIXELS + frames + fine.tobytes(), HEADER)
    assert taken.fine is not None
    assert np.array_equal(taken.fine, fine)
    assert taken.whole.frames == frames
    assert np.array_equal(taken.pixels, decode(DATA).pixels)


@pytest.mark.parametrize("name", PICTURE)
def test_a_picture_that_leaves_something_out_is_a_lie(name: str) -> None:
    with pytest.raises(InvalidAnswerError):
        picture_in({key: value for key, value in PICTURE.items() if key != name}, PIXELS, HEADER)


def test_features_and_picture_of_one_answer_are_those_of_two() -> None:
    both = {"features": TEXT, "picture": PICTURE}
    features, picture = features_and_picture_in(both, BLOCK + PIXELS, HEADER, DIGEST, len(DATA))
    assert features == FEATURES
    assert np.array_equal(picture.pixels, decode(DATA).pixels)


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ({"features": TEXT}, BLOCK),
        ({"picture": PICTURE}, PIXELS),
        ({"features": TEXT, "picture": PICTURE, "more": 1}, BLOCK + PIXELS),
        ({"features": TEXT, "picture": [PICTURE]}, BLOCK + PIXELS),
        ({"features": TEXT, "picture": PICTURE}, BLOCK),
        ({"features": TEXT, "picture": PICTURE}, BLOCK + PIXELS[1:]),
        ({"features": TEXT, "picture": PICTURE}, BLOCK[1:] + PIXELS),
        ({"features": TEXT | {"width": 97}, "picture": PICTURE}, BLOCK + PIXELS),
        ({"features": TEXT, "picture": PICTURE | {"width": 97}}, BLOCK + PIXELS),
        ({"features": TEXT | {"layout": [-(2**40)]}, "picture": PICTURE}, BLOCK + PIXELS),
        ({"features": TEXT | {"layout": [2**70]}, "picture": PICTURE}, BLOCK + PIXELS),
        ({"features": TEXT | {"layout": []}, "picture": PICTURE}, BLOCK + PIXELS),
    ],
)
def test_features_and_a_picture_that_do_not_add_up_are_a_lie(text: dict[str, Any], block: bytes) -> None:
    with pytest.raises(InvalidAnswerError):
        features_and_picture_in(text, block, HEADER, DIGEST, len(DATA))


def test_refusals_have_the_reasons_that_decoding_has() -> None:
    for kind, (error, reasons) in REASONS.items():
        for reason in reasons:
            refusal = refusal_in({"error": kind, "reason": reason, "message": "so it is"})
            assert (type(refusal), refusal.reason, str(refusal)) == (error, reason, "so it is")
    assert REASONS["unreadable"][0] is UnreadableImage
    assert REASONS["too-large"][0] is ImageTooLarge


@pytest.mark.parametrize(
    "text",
    [
        {},
        {"error": "unreadable", "reason": "not-found", "message": ""},
        {"error": "temporary", "reason": "corrupt", "message": ""},
        {"error": "unreadable", "reason": ["corrupt"], "message": ""},
        {"error": "unreadable", "reason": "corrupt", "message": 7},
    ],
)
def test_a_refusal_for_any_other_reason_is_a_lie(text: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnswerError):
        refusal_in(text)


def test_messages_are_one_short_line_that_can_be_printed() -> None:
    told = str(refusal_in({"error": "unreadable", "reason": "corrupt", "message": "a\x1b[2J\nb\u202ec" + "x" * 9999}))
    assert told.isprintable()
    assert len(told) <= 1000
    assert failure_in({"error": ["\n"]}).isprintable()


def test_columns_come_out_as_they_went_in() -> None:
    columns = FEATURES.to_columns()
    assert unpacked_columns(*packed_columns(columns)) == columns


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ({"a": [5]}, b"1234"),
        ({"a": [-1]}, b""),
        ({"a": [2]}, b"1234"),
        ({"a": [1, 2]}, b"123"),
        ({"a": None}, b""),
        ({"a": 1.5}, b""),
        ({"a": True}, b""),
        ({"a": {"b": 1}}, b""),
    ],
)
def test_columns_that_do_not_add_up_are_broken(text: dict[str, Any], block: bytes) -> None:
    with pytest.raises(BrokenFrameError):
        unpacked_columns(text, block)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 100,
        frame(1, Kind.PICTURE)[:8] + b"\x63" + bytes(12),
        frame(1, Kind.PICTURE, {"a": 1})[:-1] + b"]",
        bytes(8) + b"\x0d" + (2).to_bytes(4, "little") + bytes(8) + b"[]",
        bytes(8) + b"\x0d" + (9999).to_bytes(4, "little") + bytes(8) + b"[" * 9999,
        bytes(8) + b"\x0d" + (2**31).to_bytes(4, "little") + bytes(8),
        bytes(8) + b"\x0d" + bytes(4) + (2**40).to_bytes(8, "little"),
    ],
)
def test_bytes_that_are_no_frame_are_broken_before_they_take_memory(data: bytes) -> None:
    left = memoryview(data)

    def read(length: int) -> bytes:
        nonlocal left
        assert length < 100_000
        part, left = bytes(left[:length]), left[length:]
        assert len(part) == length
        return part

    with pytest.raises(BrokenFrameError):
        read_answer(read)
