"""NumPy arrays as parameters and results: thousands of numbers in the binary form of PostgreSQL, not one by one."""

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.postgres import types

_INTEGER: Final = types["int4"]
_ONE_DIMENSION: Final = 1
_HEAD: Final = struct.Struct("!iiiii")  # dimensions, whether there are nulls, type, length, first subscript


class IntegersDumper(Dumper):
    """An int32 array (n,) as `integer[]`."""

    format = pq.Format.BINARY
    oid = _INTEGER.array_oid

    def dump(self, obj: Any) -> bytes:
        """The head of an array, then each number behind its length in bytes."""
        items = np.empty(len(obj), [("length", ">i4"), ("number", ">i4")])
        items["length"], items["number"] = 4, obj
        return _HEAD.pack(_ONE_DIMENSION if len(obj) else 0, 0, _INTEGER.oid, len(obj), 1)[: 20 if len(obj) else 12] + (
            items.tobytes()
        )


class IntegersLoader(Loader):
    """An `integer[]` without nulls as an int32 array (n,)."""

    format = pq.Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.int32]:
        """The numbers; an empty array has no dimensions, and so neither length nor subscript."""
        return np.frombuffer(data, ">i4")[_HEAD.size // 4 + 1 :: 2].astype(np.int32)


def register_arrays(connection: Connection[Any]) -> None:
    """Let statements of this connection take and give int32 arrays."""
    connection.adapters.register_dumper(np.ndarray, IntegersDumper)
    connection.adapters.register_loader(_INTEGER.array_oid, IntegersLoader)
