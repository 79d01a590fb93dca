"""The native libraries that decode: which version each format has here, and below which it is not used.

A wheel brings its own copies of these libraries, which scanners of packages and systems do not see.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final

from dedup_core.decoding.formats import sniff_format
from dedup_core.errors import UnreadableImage

READERS_VERSION: Final = 4
"""Version of our own header checks: raised when they learn to read what they refused before."""

# The oldest version without a known hole that a file can reach; docs/decisions/0010-native-libraries.md says which.
FLOORS: Final = {
    "Pillow": "12.3.0",
    "libjpeg-turbo": "2.1.0",
    "zlib": "1.2.12",
    "libwebp": "1.3.2",
    "libtiff": "4.7.2",
    "libavif": "1.3.0",
    "dav1d": "1.4.0",
    "aom": "3.9.1",
    "libheif": "1.23.5",
    "libde265": "1.1.3",
    "OpenJPEG": "2.5.4",
}
PACKAGES: Final = {"libheif": "pillow-heif", "libde265": "pillow-heif"}  # all others are in Pillow's wheel
BY_FORMAT: Final = {
    "JPEG": ("Pillow", "libjpeg-turbo"),
    "PNG": ("Pillow", "zlib"),
    "WEBP": ("Pillow", "libwebp"),
    "GIF": ("Pillow",),
    "BMP": ("Pillow",),
    "TIFF": ("Pillow", "libtiff", "libjpeg-turbo", "zlib"),
    "AVIF": ("Pillow", "libavif", "dav1d", "aom"),
    "HEIC": ("Pillow", "libheif", "libde265"),
    "JPEG2000": ("Pillow", "OpenJPEG"),
}


@dataclass(frozen=True, slots=True)
class Library:
    """A library as it is installed here. `version` is empty where it is not installed or does not say its version."""

    name: str
    version: str
    floor: str

    @property
    def is_below_floor(self) -> bool:
        """Whether it is known to be older than what is used; a library that is not there cannot be."""
        return bool(self.version) and version_numbers(self.version) < version_numbers(self.floor)

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


@cache
def libraries_of(format_name: str) -> tuple[Library, ...]:
    """The libraries that take part in decoding a format, with their versions here. Imports the format's plugin."""
    return tuple(Library(name, _version_of(name), FLOORS[name]) for name in BY_FORMAT[format_name])


def outdated_library(format_name: str) -> Library | None:
    """The first library of a format that is below its floor: the format is not decoded then."""
    return next((library for library in libraries_of(format_name) if library.is_below_floor), None)


@cache
def decoder_of(format_name: str | None) -> str:
    """What decides about files of a format, in one line: it differs as soon as anything of it has another version.

    None is a file of no known format: what decides there is the list of formats.
    """
    if format_name is None:
        return f"readers {READERS_VERSION}: {' '.join(BY_FORMAT)}"
    installed = (str(library) for library in libraries_of(format_name) if library.version)
    return ", ".join((f"readers {READERS_VERSION}", *installed))


def deciding_decoder(data: bytes) -> str:
    """What decides about this file: its format, or `-` where it has none that is known, and `decoder_of` it."""
    try:
        format_name = sniff_format(data)
    except UnreadableImage:
        return f"-: {decoder_of(None)}"
    return f"{format_name}: {decoder_of(format_name)}"


def still_decides(decoder: str) -> bool:
    """Whether a file about which this decoder (as `deciding_decoder` says it) decided would meet the same one here."""
    format_name, _, text = decoder.partition(": ")
    return bool(text) and text == decoder_of(format_name if format_name in BY_FORMAT else None)


def version_numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version that compare as versions do: `1.5.3-0-gb546257` is (1, 5, 3)."""
    leading = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, leading[0].split("."))) if leading else ()


def _version_of(name: str) -> str:
    try:
        return _VERSIONS[name]() or ""
    except ImportError:
        return ""


def _of_pillow(feature: str) -> Callable[[], str | None]:
    return lambda: _pillow_version(feature)


def _pillow_version(feature: str) -> str | None:
    from PIL import features  # noqa: PLC0415 - a process that only hands files to others has no need of Pillow

    return features.version(feature)


def _avif_codec(name: str) -> Callable[[], str | None]:
    """Out of a text such as `dav1d [dec]:1.5.3-0-gb546257, aom [enc]:3.14.1`."""

    def version() -> str | None:
        codecs = import_module("PIL._avif").codec_versions()
        found = re.search(rf"{name} \[[^\]]*dec[^\]]*\]:v?([\d.]+)", codecs)
        return found[1] if found else None

    return version


def _libheif() -> str | None:
    return str(import_module("pillow_heif").libheif_version())


def _libde265() -> str | None:
    decoders = import_module("pillow_heif").libheif_info()["decoders"]
    found = re.search(r"version ([\d.]+)", decoders.get("libde265", ""))
    return found[1] if found else None


_VERSIONS: Final[dict[str, Callable[[], str | None]]] = {
    "Pillow": _of_pillow("pil"),
    "libjpeg-turbo": _of_pillow("libjpeg_turbo"),
    "zlib": _of_pillow("zlib"),
    "libwebp": _of_pillow("webp"),
    "libtiff": _of_pillow("libtiff"),
    "libavif": _of_pillow("avif"),
    "dav1d": _avif_codec("dav1d"),
    "aom": _avif_codec("aom"),
    "libheif": _libheif,
    "libde265": _libde265,
    "OpenJPEG": _of_pillow("jpg_2000"),
}


def all_libraries() -> Iterator[tuple[str, tuple[Library, ...]]]:
    """Every format with its libraries."""
    return ((format_name, libraries_of(format_name)) for format_name in BY_FORMAT)
