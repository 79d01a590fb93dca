"""What a file holds beyond the pixels that are compared: every channel, every bit and every further frame."""

import hashlib
from contextlib import suppress
from typing import Final

from PIL import Image

from dedup_core.decoding.codecs.png_colors import other_colors
from dedup_core.decoding.codecs.png_texts import SIGNATURE
from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.headers.tiff import BITS, KIND_OF_PAGE, REDUCED, SAMPLES
from dedup_core.decoding.pixels.deep import is_deep
from dedup_core.decoding.pixels.shrink import averaged
from dedup_core.decoding.working_image import DIGEST_BYTES, FRAME_SIDE, MAX_SAMPLES
from dedup_core.limits import MAX_FRAME_PIXELS, MAX_FRAMES, WORKING_SIZE

_SHOWN_ALIKE: Final = frozenset({"1", "L", "P", "PA", "LA", "RGB", "RGBA"})
_ROUNDED: Final = frozenset({"AVIF", "HEIC", "JPEG2000"})  # decoded to 8 bits, whatever they hold
_NO_PAGE: Final = REDUCED | 4  # bits of its kind: a smaller copy of a page, or where it is transparent
_MANY_BITS: Final = 8
_DEEP_PNG: Final = b"\x10"


def digest_of(
    picture: Image.Image, transposed: Image.Transpose | None, data: bytes = b"", header: Header | None = None
) -> str:
    """The digest of a decoded picture, upright; empty for a large one and where the decoder dropped something."""
    if max(picture.size) > WORKING_SIZE or _has_more_frames(picture, header):
        return ""
    if header is not None and _is_rounded(picture, data, header.format):
        return ""
    values = picture.convert("RGBA") if picture.mode in _SHOWN_ALIKE else picture
    if transposed is not None:
        values = values.transpose(transposed)
    hasher = hashlib.blake2b(digest_size=DIGEST_BYTES)
    colors = picture.info.get("icc_profile") or (other_colors(data) if data.startswith(SIGNATURE) else b"")
    for part in (values.mode.encode(), repr(values.size).encode(), colors):
        hasher.update(part + b"\0")
    if is_deep(values.mode) and "transparency" in values.info:
        hasher.update(repr(values.info["transparency"]).encode() + b"\0")
    hasher.update(values.tobytes())
    return hasher.hexdigest()


def frames_of(picture: Image.Image, header: Header, transposed: Image.Transpose | None = None) -> bytes:
    """Samples of the frames after the first, upright.

    They end where a frame cannot be read or would cost too much, which is no reason to refuse the first one.
    """
    samples: list[bytes] = []
    with suppress(Exception):  # whatever a damaged frame makes a decoder say
        count = header.decodable_frames or int(getattr(picture, "n_frames", 1))
        most = max(1, MAX_FRAME_PIXELS // (picture.width * picture.height))
        last = min(count - 1, most, MAX_FRAMES - 1)
        for index in sorted({last * step // MAX_SAMPLES for step in range(1, MAX_SAMPLES + 1)} - {0}):
            picture.seek(index)
            if picture.width * picture.height > MAX_FRAME_PIXELS:
                break
            if getattr(picture, "tag_v2", {}).get(KIND_OF_PAGE, 0) & _NO_PAGE:
                continue
            sample = small_luma(picture)
            samples.append((sample if transposed is None else sample.transpose(transposed)).tobytes())
    return b"".join(samples)


def small_luma(picture: Image.Image) -> Image.Image:
    """The luma of a picture, stretched to `FRAME_SIDE` x `FRAME_SIDE`; what is transparent lies on white."""
    picture.load()
    small, box = averaged(picture, (FRAME_SIDE, FRAME_SIDE))
    if small.mode == "RGBa":
        ink = small.convert("RGBA")
        small = Image.alpha_composite(Image.new("RGBA", ink.size, "white"), ink)
    return small.convert("RGB").convert("L").resize((FRAME_SIDE, FRAME_SIDE), Image.Resampling.BOX, box=box)


def _has_more_frames(picture: Image.Image, header: Header | None) -> bool:
    if header is not None and header.frames:
        return header.frames > 1
    try:
        return int(getattr(picture, "n_frames", 1)) > 1
    except Exception:  # noqa: BLE001 - there is a second one, and it is damaged
        return True


def _is_rounded(picture: Image.Image, data: bytes, format_name: str) -> bool:
    """Whether the file holds more than was decoded: further bits or channels, or a further picture."""
    if format_name in _ROUNDED:
        return True
    if format_name == "PNG":
        return data[24:25] == _DEEP_PNG and not picture.mode.startswith("I")
    if format_name == "BMP":
        return data[28:30] == b"\x20\x00" and picture.mode == "RGB"
    if format_name == "JPEG":
        return "mp" in picture.info  # several pictures in one file
    if format_name == "TIFF":
        tags = picture.tag_v2  # type: ignore[attr-defined]
        bits = max(tags.get(BITS, (1,)))
        more_channels = tags.get(SAMPLES, 1) > len(picture.getbands())
        return more_channels or (bits > _MANY_BITS and picture.mode in _SHOWN_ALIKE)
    return False
