"""The decoder process: bytes in, features or a picture out, and nothing else that it could do.

Started by its path with an empty environment; the first frame says where the packages are and what the limits are.
"""

import gc
import json
import os
import signal
import struct
import sys
import warnings
from types import ModuleType

DOCSTRINGS = "numpy._core._add_newdocs"  # gives functions their docstrings, and does nothing else
PROGRAMS = "subprocess"  # in the plugin for JPEG, for a program that decodes in its place
OPENSSL = "_hashlib"  # hashlib does without it, and the digest of a picture is by a hash that is never taken from there
HEAD = struct.Struct("<QBIQ")  # of dedup_decoders/wire.py, which cannot be imported before the first frame is read


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the app, which ends its decoders itself
        signal.signal(number, signal.SIG_IGN)
    setup = json.loads(_read(HEAD.unpack(_read(HEAD.size))[2]))
    sys.path[:] = setup["path"]
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    _do_without()
    _import_numpy()
    from dedup_decoders import serving  # noqa: PLC0415 - now that the path is known

    serving.serve(setup, _read, _write)


def _do_without() -> None:
    """Load nothing of these, which no decoder needs: with masked arrays they are a seventh of what would be loaded."""
    for name in (DOCSTRINGS, PROGRAMS):
        sys.modules[name] = ModuleType(name)
    sys.modules[OPENSSL] = None  # type: ignore[assignment] # an ImportError, which hashlib expects


def _import_numpy() -> None:
    """NumPy without its masked arrays."""
    import numpy  # noqa: PLC0415, ICN001 - its path is known only now

    masked = ModuleType("numpy.ma")  # some functions ask it whether what they are given is masked, and nothing here is
    masked.__dict__.update(is_masked=lambda _: False, isMaskedArray=lambda _: False)
    numpy.ma = masked


def _read(length: int) -> bytes:
    """Exactly so many bytes of the pipe; the process ends where the pipe does."""
    parts = []
    while length:
        part = os.read(0, min(length, 1024 * 1024))
        if not part:
            os._exit(0)
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # nobody reads what is said here
    gc.disable()  # until everything is loaded
    main()
