"""The C allocator's settings that keep memory near what is really held."""

import ctypes
import sys

M_TRIM_THRESHOLD = -1  # from malloc.h
M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
LARGE_BYTES = 4 * 1024 * 1024  # more than any plane of a comparison; a photograph of a camera has ten times as much
KEPT_BYTES = 16 * 1024 * 1024  # in each arena: what is freed and made again within a picture or a comparison


def return_large_buffers_at_once() -> None:
    """Have glibc give every large buffer back to the system as soon as it is freed; nothing happens elsewhere.

    Left alone, glibc raises its own threshold with the first freed picture, up to 32 MB, and from then on keeps freed
    buffers in an arena for each thread: 16 threads that decode 24-megapixel PNGs in turns then take 2 GB, and with this
    371 MB. What is smaller goes back once there is more of it than `KEPT_BYTES`: with one threshold set glibc leaves
    the other at 128 KiB, and to get planes anew takes a decoder a sixth of its time, and a comparison a tenth.
    """
    _set(M_MMAP_THRESHOLD, LARGE_BYTES)
    _set(M_TRIM_THRESHOLD, KEPT_BYTES)


def keep_arenas(count: int) -> None:
    """Have glibc serve all threads from so many arenas: each reserves 64 MB of addresses and keeps `KEPT_BYTES`."""
    _set(M_ARENA_MAX, count)


def _set(option: int, value: int) -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(option, value)
