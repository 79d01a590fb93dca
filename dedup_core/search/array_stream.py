"""Arrays one after the other in a stream of bytes: how an index is stored, and taken up again without a second copy.

Each array begins with its NumPy type as 8 bytes of text and its length as 8 bytes, little-endian.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_HEAD: Final = struct.Struct("<8sQ")


class ArrayWriter:
    """Hands the bytes of one array after the other to `write`, which must have taken them when it returns."""

    def __init__(self, write: Callable[[memoryview], None]) -> None:
        self._write = write

    def put(self, array: NDArray[Any]) -> None:
        """Write an array, of any shape; what is read again is flat."""
        self._write(memoryview(_HEAD.pack(array.dtype.str.encode(), array.size)))
        if array.size:
            self._write(memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8)))


class ArrayReader:
    """Reads what an `ArrayWriter` wrote; `read_into` fills the memory that it is given with the next bytes."""

    def __init__(self, read_into: Callable[[memoryview], None]) -> None:
        self._read_into = read_into

    def take[T: np.generic](self, dtype: type[T] | np.dtype[T], length: int | None = None) -> NDArray[T]:
        """The next array, (n,), in memory of its own. Raises `ValueError` if it has another type or length."""
        head = bytearray(_HEAD.size)
        self._read_into(memoryview(head))
        text, size = _HEAD.unpack(head)
        expected = np.dtype(dtype)
        if text.rstrip(b"\0") != expected.str.encode() or length not in (None, size):
            wanted = f"{expected.str} * {'any' if length is None else length}"
            raise ValueError(f"the stream holds an array of {text!r} * {size} where {wanted} is expected")
        array: NDArray[T] = np.empty(size, expected)
        if size:
            self._read_into(memoryview(array.view(np.uint8)))
        return array
