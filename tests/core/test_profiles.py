"""ICC profiles that would cost more than the picture they are in."""

import struct
import time

import numpy as np
import pytest

from dedup_core.decoding.decoder import decode
from tests.core.odd_files import drawing, encode, srgb_profile

STEPS = 20_000


def step(rows: list[list[float]]) -> bytes:
    """One matrix among the steps of a table of floating point."""
    return b"matf" + bytes(4) + struct.pack(">HH", 3, 3) + np.array([*rows, [0.0] * 3], ">f4").tobytes()


def table(steps: int) -> bytes:
    """A table of so many steps, all of which are the same one but for the first, which makes black of everything."""
    start = 16 + 8 * steps
    first, others = step([[0.0] * 3] * 3), step(np.eye(3).tolist())
    places = [(start, len(first)), *[(start + len(first), len(others))] * (steps - 1)]
    return b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, steps) + np.array(places, ">u4").tobytes() + first + others


def with_tag(profile: bytes, name: bytes, content: bytes) -> bytes:
    """The profile with one tag more, as its last."""
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [list(struct.unpack_from(">4sII", profile, 132 + 12 * number)) for number in range(count)]
    moved = b"".join(struct.pack(">4sII", tag, start + 12, length) for tag, start, length in entries)
    body = profile[132 + 12 * count :]
    end = 132 + 12 * (count + 1) + len(body)
    entry = struct.pack(">4sII", name, end, len(content))
    size = struct.pack(">I", end + len(content))
    return size + profile[4:128] + struct.pack(">I", count + 1) + moved + entry + body + content


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_a_profile_of_very_many_steps_costs_no_more_than_another(format_name: str):
    """A PNG of 725 bytes took 15 seconds, and half a million steps fit into a profile that is taken."""
    picture = drawing(48, 32)
    plain = decode(encode(picture, format_name, icc_profile=srgb_profile())).pixels
    data = encode(picture, format_name, icc_profile=with_tag(srgb_profile(), b"D2B1", table(STEPS)))
    begun = time.process_time()
    pixels = decode(data).pixels
    assert time.process_time() - begun < 2.0
    assert np.array_equal(pixels, plain)


@pytest.mark.parametrize("bytes_left", [0, 4, 128, 131, 132, 140, 200])
def test_a_profile_that_is_cut_off_counts_as_none(bytes_left: int):
    picture = drawing(48, 32)
    pixels = decode(encode(picture, "TIFF", icc_profile=srgb_profile()[:bytes_left])).pixels
    assert np.array_equal(pixels, np.asarray(picture))
