"""Bytes -> upright RGB working image; every limit on hostile input is checked before memory is taken."""

import struct
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from typing import Final, cast

import numpy as np
from PIL import Image, ImageFile

from dedup_core.arrays import Pixels
from dedup_core.decoding.codecs.bmp_indexes import read_indexes
from dedup_core.decoding.codecs.bmp_profile import embedded_profile
from dedup_core.decoding.codecs.gif_screen import clear_around_frame
from dedup_core.decoding.codecs.jpeg_scan import load_checked
from dedup_core.decoding.codecs.jpeg_segments import without_short_segments
from dedup_core.decoding.codecs.png_key import spread_key
from dedup_core.decoding.codecs.png_rows import load_whole
from dedup_core.decoding.codecs.png_texts import without_large_texts, without_metadata
from dedup_core.decoding.file_bytes import FileBytes, file_bytes
from dedup_core.decoding.header_check import check_header
from dedup_core.decoding.headers.header import Header, refuse
from dedup_core.decoding.headers.tiff import exif_orientation
from dedup_core.decoding.history.provenance import REDUCED, UNKNOWN, Provenance
from dedup_core.decoding.history.provenance_probe import provenance_of
from dedup_core.decoding.libraries import outdated_library
from dedup_core.decoding.pixels.fine import fine_of
from dedup_core.decoding.pixels.icc import to_srgb
from dedup_core.decoding.pixels.indexed import is_reduced, used_colors
from dedup_core.decoding.pixels.shrink import buffer_bytes, reduce_to_working_size
from dedup_core.decoding.whole import digest_of, frames_of
from dedup_core.decoding.working_image import Whole, WorkingImage
from dedup_core.errors import ImageTooLarge, PermanentError, UnreadableImage
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits, spelled

# Format -> Pillow plugin. Plugins are called directly: `Image.open` would consult and fill process-wide registries
# and warn about large pictures, which a host may have turned into errors.
PLUGINS: Final = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("dedup_core.decoding.codecs.tiff_file", "TiffFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIC": ("pillow_heif", "HeifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
}
TRANSPOSE_BY_ORIENTATION: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What plugins say of broken metadata; and of a text in a PNG that has the name of an entry of theirs, as `icc_profile`.
DAMAGE: Final = (OSError, SyntaxError, ValueError, IndexError, TypeError, struct.error)
TIFF_BLOCKS: Final = {"xmp", "icc_profile"}
EXIF_IN_PLUGIN: Final = ("WEBP", "AVIF")  # their containers are taken apart in C; the others' EXIF is in our header


def decode(
    data: FileBytes,
    limits: DecodeLimits = DEFAULT_LIMITS,
    header: Header | None = None,
    *,
    with_provenance: bool = False,
    for_comparison: bool = True,
) -> WorkingImage:
    """Decode the first frame at working size. Raises `UnreadableImage` or `ImageTooLarge`, and nothing else for bytes.

    `TypeError` says what to hand over in place of anything else, such as a path.

    `header` is what `check_header` said of this file, if it was asked already. Provenance is for features only, the
    digest of a small picture and the fine luma of a page for comparisons only.
    """
    data = file_bytes(data)
    header = header or check_header(data, limits)
    try:
        return _decode_despite_metadata(data, header, limits, with_provenance, for_comparison)
    except PermanentError:
        raise
    except MemoryError as error:
        message = f"decoding this {spelled(header.format)} file needs more memory than there is"
        raise ImageTooLarge(message, reason="too-much-memory") from error
    except Exception as error:  # whatever a damaged file makes a decoder say, it is the file that is unreadable
        raise _unreadable(header.format, error) from error


def _decode_despite_metadata(
    data: bytes, header: Header, limits: DecodeLimits, with_provenance: bool, for_comparison: bool
) -> WorkingImage:
    """Decode the file, and where that fails once more without what of its metadata is broken."""
    try:
        return _decode(data, header, None, with_provenance, for_comparison)
    except DAMAGE:
        plain, profile = _without_broken_metadata(data, header.format)
        if len(plain) == len(data):
            raise
        return _decode(plain, check_header(plain, limits), profile, with_provenance, for_comparison)


def _decode(
    data: bytes, header: Header, profile: bytes | None, with_provenance: bool, for_comparison: bool
) -> WorkingImage:
    picture = _open(data, header, profile)
    try:
        if picture.width * picture.height > header.width * header.height:
            refuse("corrupt", f"the {spelled(header.format)} file names two sizes for the same picture")
        width, height = picture.size
        orientation = header.orientation
        if header.format in EXIF_IN_PLUGIN:
            orientation = exif_orientation(picture.info.get("exif") or b"")
        _load(picture, data, header)
        decoded_bytes = buffer_bytes(picture)
        icc_profile = picture.info.get("icc_profile")
        provenance = _provenance(data, picture, header, (width, height)) if with_provenance else UNKNOWN
        transposed = TRANSPOSE_BY_ORIENTATION.get(orientation)
        small = reduce_to_working_size(picture)
        fine = fine_of(picture, small, transposed) if for_comparison else None
        is_whole = header.halvings == 0
        digest = digest_of(picture, transposed, data, header) if for_comparison and is_whole else ""
        palette = used_colors(picture) if for_comparison else b""
        whole = Whole(digest, frames_of(picture, header, transposed), palette)
    finally:
        picture.close()
    pixels, (width, height) = upright_pixels(to_srgb(small, icc_profile), (width, height), transposed)
    decoded_bytes = max(decoded_bytes, pixels.nbytes)
    return WorkingImage(pixels, header.format, width, height, decoded_bytes, provenance, whole, fine)


def upright_pixels(
    small: Image.Image, size: tuple[int, int], transposed: Image.Transpose | None
) -> tuple[Pixels, tuple[int, int]]:
    """The pixels (h, w, 3) as the picture is shown, and how large it is then where it had this size in the file."""
    if transposed is not None:
        small = small.transpose(transposed)
    width, height = size
    is_turned = (small.width - small.height) * (width - height) < 0  # here, or by the plugin
    return np.asarray(small, np.uint8), (height, width) if is_turned else size


def _without_broken_metadata(data: bytes, format_name: str) -> tuple[bytes, bytes | None]:
    """The file with sound metadata only, and its profile if that is not in the file any more."""
    if format_name == "PNG":
        return without_metadata(data)
    return (without_short_segments(data) if format_name == "JPEG" else data), None


def _provenance(data: bytes, picture: ImageFile.ImageFile, header: Header, size: tuple[int, int]) -> Provenance:
    exif = data if header.format == "TIFF" else picture.info.get("exif") or b""
    tables = getattr(picture, "quantization", None) if header.format == "JPEG" else None
    found = provenance_of(picture, size, tables[0] if tables else None, exif)
    return replace(found, quality=REDUCED) if is_reduced(picture) else found


def _open(data: bytes, header: Header, profile: bytes | None) -> ImageFile.ImageFile:
    module_name, class_name = PLUGINS[header.format]
    try:
        plugin = getattr(import_module(module_name), class_name)
    except ImportError as error:
        message = f"{spelled(header.format)} files need the package {module_name}, which is not installed"
        raise UnreadableImage(message, reason="unsupported-format") from error
    if library := outdated_library(header.format):
        refuse(
            "decoder-outdated",
            f"{library} has known holes, {spelled(header.format)} files need {library.floor} or newer",
        )
    if header.format == "PNG" and profile is None:
        data, profile = without_large_texts(data)
    picture = cast("ImageFile.ImageFile", plugin(BytesIO(data)))
    if header.format == "BMP":
        read_indexes(picture, data)
        profile = embedded_profile(data)
    if header.format == "PNG":
        spread_key(picture, data)
    if header.format == "TIFF":
        for name in TIFF_BLOCKS & picture.info.keys():
            if not isinstance(picture.info[name], bytes):  # its entry is of another kind: what is broken is left out
                del picture.info[name]
    if profile:
        picture.info["icc_profile"] = profile
    return picture


def _load(picture: ImageFile.ImageFile, data: bytes, header: Header) -> None:
    """Read the pixels, by what each format needs for that."""
    _shrink_while_decoding(picture, header)
    if header.format == "JPEG":
        load_checked(picture, data, header)
    elif header.format == "PNG":
        load_whole(picture)
    else:
        picture.load()
    if header.format == "BMP":
        _show_unused_alpha(picture)
    elif header.format == "GIF":
        clear_around_frame(picture)


def _show_unused_alpha(picture: ImageFile.ImageFile) -> None:
    """A BMP all of whose alpha is zero is opaque, as in browsers: who wrote it did not fill the fourth byte."""
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (0, 0):
        picture.putalpha(255)


def _shrink_while_decoding(picture: ImageFile.ImageFile, header: Header) -> None:
    if header.halvings == 0:
        return
    if header.format == "JPEG":
        scale = 1 << header.halvings
        picture.draft(None, (max(1, picture.width // scale), max(1, picture.height // scale)))
    else:
        picture.reduce = header.halvings  # type: ignore[method-assign, assignment] # how the JPEG 2000 plugin takes it
        power = 1 << header.halvings
        # The format rounds a halved size up, and the plugin to the nearest, for which it finds no picture.
        picture._size = (-(-picture.width // power) * power, -(-picture.height // power) * power)  # noqa: SLF001


def _unreadable(format_name: str, error: Exception) -> UnreadableImage:
    detail, file = str(error) or type(error).__name__, f"the {spelled(format_name)} file"
    if "truncated" in detail.lower() or isinstance(error, EOFError):
        message = f"{file} ends before its picture does ({detail}); it was probably cut off on its way"
        return UnreadableImage(message, reason="truncated")
    if isinstance(error, OSError) and detail.startswith("Unsupported BMP"):
        message = f"{file} is of a kind that is not read here ({detail})"
        return UnreadableImage(message, reason="unsupported-variant")
    if "unknown pixel mode" in detail:
        message = f"{file} holds samples that are not read here, as colors in floating point are"
        return UnreadableImage(message, reason="unsupported-format")
    return UnreadableImage(f"{file} is damaged ({detail})", reason="corrupt")
