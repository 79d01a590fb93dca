"""Bytes -> upright RGB working image; every limit on hostile input lives here."""

import math
import struct
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from dedup_core.errors import ImageTooLarge, PermanentError, UnreadableImage

WORKING_SIZE = 512


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What a decode may cost, checked before memory is taken."""

    max_bytes: int = 64 * 1024 * 1024
    max_pixels: int = 100_000_000


@dataclass(frozen=True, slots=True)
class WorkingImage:
    """A small upright picture: all that the features and the metrics ever look at.

    `pixels` is (h, w, 3) uint8 sRGB with the longer side at most `WORKING_SIZE`; `width` and `height` are those of
    the whole picture, upright; `decoded_bytes` is the largest pixel buffer that decoding took.
    """

    pixels: NDArray[np.uint8]
    format: str
    width: int
    height: int
    decoded_bytes: int


DEFAULT_LIMITS: Final = DecodeLimits()

# Format -> Pillow plugin. Plugins are called directly: `Image.open` would consult and fill process-wide registries.
PLUGINS: Final = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
}

SIGNATURES: Final = {
    "JPEG": ((0, b"\xff\xd8\xff"),),
    "PNG": ((0, b"\x89PNG\r\n\x1a\n"),),
    "WEBP": ((8, b"WEBPVP8 "), (8, b"WEBPVP8L"), (8, b"WEBPVP8X")),
    "GIF": ((0, b"GIF87a"), (0, b"GIF89a")),
    "TIFF": ((0, b"II*\x00"), (0, b"MM\x00*"), (0, b"II+\x00"), (0, b"MM\x00+")),
    "JPEG2000": ((0, b"\xff\x4f\xff\x51"), (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n")),
    "AVIF": ((4, b"ftypavif"), (4, b"ftypavis"), (4, b"ftypmif1"), (4, b"ftypmsf1")),
    "BMP": ((0, b"BM"),),
}

BAND_PIXELS: Final = 1 << 20  # rows converted at a time, so that a change of mode never copies the whole picture
ORIENTATION_TAG: Final = 0x0112

TRANSPOSE_BY_ORIENTATION: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes, limits: DecodeLimits = DEFAULT_LIMITS) -> WorkingImage:
    """Decode the first frame at working size. Raises `UnreadableImage` or `ImageTooLarge`, and nothing else."""
    if len(data) > limits.max_bytes:
        message = f"the file has {len(data):,} bytes, the limit is {limits.max_bytes:,}"
        raise ImageTooLarge(message, reason="too-many-bytes")
    format_name = sniff_format(data)
    try:
        return _decode_as(format_name, data, limits)
    except PermanentError:
        raise
    except MemoryError as error:
        raise ImageTooLarge(f"decoding this {format_name} file needs more memory than there is") from error
    except Exception as error:  # whatever a damaged file makes a decoder say, it is the file that is unreadable
        raise _unreadable(format_name, error) from error


def sniff_format(data: bytes) -> str:
    """The format by the first bytes, never by a name; raises `UnreadableImage` for anything that is not on the list."""
    for format_name, signatures in SIGNATURES.items():
        if any(data[at : at + len(text)] == text for at, text in signatures):
            return format_name
    if not data:
        raise UnreadableImage("the file is empty", reason="empty")
    raise UnreadableImage(
        "the content is none of JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, JPEG 2000", reason="unsupported-format"
    )


def _decode_as(format_name: str, data: bytes, limits: DecodeLimits) -> WorkingImage:
    if format_name == "WEBP":  # its decoder takes memory for the whole canvas as soon as it is opened
        _check_pixels(_webp_size(data), limits)
    module, class_name = PLUGINS[format_name]
    plugin = getattr(import_module(module), class_name)
    picture = cast("ImageFile.ImageFile", plugin(BytesIO(data)))
    try:
        width, height = picture.size
        _check_pixels((width, height), limits)
        orientation = 1 if format_name == "TIFF" else _orientation(picture)  # the TIFF plugin turns by itself
        _draft(picture)
        picture.load()
        decoded_bytes = _buffer_bytes(picture)
        small = _reduce(picture, _working_size(picture.size, (width, height)))
    finally:
        picture.close()
    if orientation in TRANSPOSE_BY_ORIENTATION:
        small = small.transpose(TRANSPOSE_BY_ORIENTATION[orientation])
    if (small.width > small.height) != (width > height):
        width, height = height, width
    pixels = np.array(small, dtype=np.uint8)  # (h, w, 3)
    return WorkingImage(pixels, format_name, width, height, max(decoded_bytes, pixels.nbytes))


def _check_pixels(size: tuple[int, int], limits: DecodeLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"the picture has {width:,} x {height:,} pixels, the limit is {limits.max_pixels:,} pixels",
            reason="too-many-pixels",
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    chunk = data[12:16]
    if chunk == b"VP8X" and len(data) >= 30:  # noqa: PLR2004 - the length of the header
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L" and len(data) >= 25:  # noqa: PLR2004
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and len(data) >= 30:  # noqa: PLR2004
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise UnreadableImage("the WebP header is damaged", reason="corrupt")


def _orientation(picture: ImageFile.ImageFile) -> int:
    """EXIF orientation 1..8; metadata that cannot be read counts as none, as in every browser."""
    if not any(key in picture.info for key in ("exif", "Raw profile type exif")):
        return 1
    try:
        value = picture.getexif().get(ORIENTATION_TAG, 1)
    except (ValueError, TypeError, SyntaxError, LookupError, OSError, struct.error, ArithmeticError):
        return 1
    return value if isinstance(value, int) else 1


def _draft(picture: ImageFile.ImageFile) -> None:
    """Let the JPEG decoder shrink by 2, 4 or 8, leaving enough for the box filter to do the last step."""
    longer = max(picture.size)
    scale = max((s for s in (1, 2, 4, 8) if longer // s >= 2 * WORKING_SIZE), default=1)
    if scale > 1:
        picture.draft(None, (picture.width // scale, picture.height // scale))


def _working_size(decoded: tuple[int, int], full: tuple[int, int]) -> tuple[int, int]:
    """Size with the longer side at most WORKING_SIZE; a TIFF may have been turned since its header was read."""
    width, height = full if (decoded[0] > decoded[1]) == (full[0] > full[1]) else full[::-1]
    factor = min(1.0, WORKING_SIZE / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _buffer_bytes(picture: Image.Image) -> int:
    bytes_per_pixel = 1 if picture.mode in ("1", "L", "P") else 2 if picture.mode.startswith("I;16") else 4
    return picture.width * picture.height * bytes_per_pixel


def _reduce(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Average to RGB at `size`: whole factors first, in bands of rows, then one resampling by less than 4."""
    factor = max(1, math.floor(min(picture.width / size[0], picture.height / size[1]) / 2))
    small = Image.new("RGB", (-(-picture.width // factor), -(-picture.height // factor)))
    rows = max(1, BAND_PIXELS // (picture.width * factor)) * factor
    span = _value_span(picture)
    for top in range(0, picture.height, rows):
        band = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        small.paste(_to_rgb(band, span).reduce(factor), (0, top // factor))
    box = (0.0, 0.0, picture.width / factor, picture.height / factor)
    return small.resize(size, Image.Resampling.HAMMING, box=box)


def _value_span(picture: Image.Image) -> tuple[float, float]:
    """The values that mean black and white in modes deeper than 8 bits."""
    if picture.mode in ("I", "F"):
        values = np.asarray(picture, dtype=np.float32)
        finite = values[np.isfinite(values)]
        return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return 0.0, 65535.0


def _to_rgb(band: Image.Image, span: tuple[float, float]) -> Image.Image:
    if band.mode == "RGB":
        return band
    if band.mode in ("I", "F") or band.mode.startswith("I;16"):
        return _scale_deep(band, span).convert("RGB")
    if band.has_transparency_data:
        band = band.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", band.size, "white"), band).convert("RGB")
    return band.convert("RGB")


def _scale_deep(band: Image.Image, span: tuple[float, float]) -> Image.Image:
    low, high = span
    values = np.nan_to_num(np.asarray(band, dtype=np.float32), nan=low, posinf=high, neginf=low)
    scaled = (values - low) * (255.0 / (high - low or 1.0))
    return Image.fromarray((scaled + 0.5).clip(0, 255).astype(np.uint8))


def _unreadable(format_name: str, error: Exception) -> UnreadableImage:
    text = str(error)
    if "truncated" in text.lower():
        return UnreadableImage(f"the {format_name} file ends too early: {text}", reason="truncated")
    return UnreadableImage(
        f"the {format_name} file cannot be decoded: {text or type(error).__name__}", reason="corrupt"
    )
