"""What a decoder process does: load everything, give up everything else, then answer one request after the other."""

import gc
import importlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np

from dedup_core.decoding.decoder import PLUGINS, decode
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import ImageTooLarge, PermanentError
from dedup_core.extraction import extract_features, features_of
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.limits import DecodeLimits
from dedup_decoders.allocator import keep_arenas, return_large_buffers_at_once
from dedup_decoders.confinement import SHARED, CannotConfineError, confine, die_with_parent, hide_memory
from dedup_decoders.ready_here import ready_here
from dedup_decoders.samples import SAMPLES
from dedup_decoders.wire import ASKED, SILENT, Head, Kind, frame, packed_columns, read_head

# Imported by decoders and codecs on their way, which nothing can be any more once the filter is set.
LATE_MODULES: Final = (
    "copy", "encodings.ascii", "encodings.latin_1", "encodings.utf_16", "encodings.utf_16_be", "encodings.utf_16_le",
    "encodings.utf_8", "encodings.idna", "stringprep",
    "PIL.ExifTags", "PIL.ImageCms", "PIL.ImageColor", "PIL.ImageFilter", "PIL.ImagePalette", "PIL.MpoImagePlugin",
    "PIL.TiffImagePlugin", "PIL.TiffTags",
)  # fmt: skip
MOST_DESCRIPTORS: Final = 4096  # none is inherited; what an import may have left open
HEADROOM_BYTES: Final = 192 * 1024 * 1024  # of address space, besides the file twice and what decoding may take
LONGEST_CPU_SECONDS: Final = 3600  # of a whole decoder process: should everything else fail to end it


def serve(setup: dict[str, Any], read: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
    """Get ready as the first frame says, tell so, and answer for ever. Never returns; ends with its pipe."""
    limits = DecodeLimits(**setup["limits"] | {"formats": frozenset(setup["limits"]["formats"])})
    die_with_parent()
    if sys.platform != "win32" and os.getppid() != setup["parent"]:
        return  # it died before it could take us with it
    return_large_buffers_at_once()
    keep_arenas(1)
    _load(limits)
    ready = ready_here(limits, confined=False, why_not="")
    why_not = _give_up(setup, limits)
    gc.freeze()  # and no collection before: there are 500 objects to find among all that was loaded, in 20 ms
    gc.enable()
    write(frame(0, Kind.READY, asdict(replace(ready, confined=why_not is None, why_not=why_not or ""))))
    while True:
        head = read_head(read)
        write(_answer(head, _file_of(head, read), limits))


def _load(limits: DecodeLimits) -> None:
    for module in LATE_MODULES:
        importlib.import_module(module)
    for name in sorted(limits.formats):
        try:
            importlib.import_module(PLUGINS[name][0])
        except ImportError:
            continue  # its files are refused with the name of the package
        with suppress(PermanentError):  # a format whose library is refused
            decode(SAMPLES[name], limits)  # whatever loads late is loaded now
    extract_features(SAMPLES["PNG"])
    if avif := sys.modules.get("PIL.AvifImagePlugin"):
        avif.DEFAULT_MAX_THREADS = 1  # type: ignore[attr-defined] # as many as cores otherwise
    if heif := sys.modules.get("pillow_heif"):
        heif.options.DECODE_THREADS = 1
        heif.options.THUMBNAILS = heif.options.DEPTH_IMAGES = heif.options.AUX_IMAGES = False


def _give_up(setup: dict[str, Any], limits: DecodeLimits) -> str | None:
    """Descriptors, memory, time and system calls; why the filter could not be set, where it could not."""
    if sys.platform == "win32":
        return "this is Windows"
    if setup["shared"] is not None:
        os.dup2(setup["shared"], SHARED)
    os.closerange(SHARED + (setup["shared"] is not None), MOST_DESCRIPTORS)
    os.environ.clear()
    hide_memory()
    _limit(limits)
    if not setup["confine"]:
        return "it was not asked for"
    try:
        confine()
    except CannotConfineError as error:
        return str(error)
    return None


def _limit(limits: DecodeLimits) -> None:
    import resource  # noqa: PLC0415 - not on Windows

    memory = limits.max_memory_bytes + 2 * limits.max_bytes + HEADROOM_BYTES
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CPU: LONGEST_CPU_SECONDS,
    }
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            bounds[resource.RLIMIT_AS] = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE") + memory
        bounds[resource.RLIMIT_NOFILE] = SHARED + 2  # one above for what looks whether the filter holds
    for which, most in bounds.items():
        _, hard = resource.getrlimit(which)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)  # noqa: PLW2901
        resource.setrlimit(which, (most, most))


def _file_of(head: Head, read: Callable[[int], bytes]) -> bytes:
    if head.text_bytes:  # it follows in the pipe
        return read(head.block_bytes)
    parts, at = [], 0
    while at < head.block_bytes:
        part = os.pread(SHARED, head.block_bytes - at, at)
        if not part:
            raise EOFError("the shared memory holds less than the request says")
        parts.append(part)
        at += len(part)
    os.ftruncate(SHARED, 0)  # the file is held once now
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _answer(head: Head, data: bytes, limits: DecodeLimits) -> bytes:
    try:
        return _decoded(head, data, limits)
    except PermanentError as error:
        if _is_ours(error.__cause__):
            return frame(head.number, Kind.FAILED, {"error": _told(error.__cause__)})
        kind = "too-large" if isinstance(error, ImageTooLarge) else "unreadable"
        return frame(head.number, Kind.REFUSED, {"error": kind, "reason": error.reason, "message": str(error)[:1000]})
    except MemoryError:
        said = {
            "error": "too-large",
            "reason": "too-much-memory",
            "message": "working on this picture needs too much memory",
        }
        return frame(head.number, Kind.REFUSED, said)
    except Exception as error:  # noqa: BLE001 - a fault of ours that this file brings up: told, and recorded with it
        return frame(head.number, Kind.FAILED, {"error": _told(error)})


def _decoded(head: Head, data: bytes, limits: DecodeLimits) -> bytes:
    is_compared = head.kind is not Kind.EXTRACT
    working = decode(data, limits, with_provenance=head.kind is not Kind.DECODE, for_comparison=is_compared)
    if head.kind is Kind.DECODE:
        return frame(head.number, Kind.PICTURE, *_packed_picture(working))
    features = features_of(working, bytes(32), len(data))  # the app knows the digest, and trusts nobody with it
    columns, block = packed_columns(features.to_columns() | _searched_with(features.fingerprints))
    if head.kind is Kind.EXTRACT:
        return frame(head.number, Kind.FEATURES, columns, block)
    picture, pixels = _packed_picture(working)
    return frame(head.number, Kind.FEATURES_AND_PICTURE, {"features": columns, "picture": picture}, block + pixels)


def _searched_with(fingerprints: Fingerprints) -> dict[str, bytes]:
    asked, silent = fingerprints.asked, fingerprints.silent
    return {
        ASKED: b"" if asked is None else asked.to_asked_bytes(),
        SILENT: b"" if silent is None else np.packbits(silent).tobytes(),
    }


def _packed_picture(working: WorkingImage) -> tuple[dict[str, Any], bytes]:
    text = {
        "format": working.format,
        "width": working.width,
        "height": working.height,
        "decoded_bytes": working.decoded_bytes,
        "shape": list(working.pixels.shape),
        "digest": working.whole.digest,
        "palette": working.whole.palette.hex(),
        "fine": None if working.fine is None else list(working.fine.shape),
    }
    fine = b"" if working.fine is None else working.fine.tobytes()
    return text, working.pixels.tobytes() + working.whole.frames + fine


def _is_ours(error: BaseException | None) -> bool:
    """Whether it was the confinement that stopped a decoder, and not the file."""
    return isinstance(error, ImportError | PermissionError)


def _told(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"[:1000]
