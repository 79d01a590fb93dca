"""What a caller of the library may hand over: the bytes of a file, a Pillow image or an array of pixels."""

from typing import Final

import numpy as np
from PIL import Image

from dedup_core.arrays import Pixels
from dedup_core.decoding.decoder import TRANSPOSE_BY_ORIENTATION, decode, upright_pixels
from dedup_core.decoding.file_bytes import FileBytes, refusal
from dedup_core.decoding.pixels.fine import fine_of
from dedup_core.decoding.pixels.icc import to_srgb
from dedup_core.decoding.pixels.indexed import used_colors
from dedup_core.decoding.pixels.shrink import buffer_bytes, reduce_to_working_size
from dedup_core.decoding.whole import digest_of
from dedup_core.decoding.working_image import Whole, WorkingImage
from dedup_core.errors import ImageTooLarge, UnreadableImage
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits

type Picture = FileBytes | Image.Image | Pixels

_CHANNELS: Final = 3
_ORIENTATION: Final = 0x0112  # the EXIF tag


def working_image_of(picture: Picture, limits: DecodeLimits = DEFAULT_LIMITS) -> WorkingImage:
    """The working image of a file, of a Pillow image as it is shown, or of an array (h, w, 3) of uint8 sRGB.

    Raises `UnreadableImage` or `ImageTooLarge`, `TypeError` for what is no picture, `ValueError` for another array.
    """
    if isinstance(picture, Image.Image):
        return _of_image(picture, limits)
    if isinstance(picture, np.ndarray):
        return _of_array(picture, limits)
    if isinstance(picture, bytes | bytearray | memoryview):
        return decode(picture, limits)
    raise TypeError(refusal(picture, "the bytes of an image file, a Pillow image or an array (height, width, 3)"))


def _of_image(image: Image.Image, limits: DecodeLimits) -> WorkingImage:
    _check_size(image.width, image.height, limits)
    try:
        image.load()
        orientation = image.getexif().get(_ORIENTATION)  # what is left: loading turns a TIFF
        small = to_srgb(reduce_to_working_size(image), image.info.get("icc_profile"))
        transposed = TRANSPOSE_BY_ORIENTATION.get(orientation or 1)
        fine = fine_of(image, small, transposed)
        # A frame is what is handed over, whatever its file holds.
        whole = Whole(digest_of(image, transposed), palette=used_colors(image))
    except (OSError, SyntaxError, ValueError) as error:  # an image that Pillow opened and has not read before
        raise UnreadableImage(f"Pillow cannot read the rest of this image ({error})", reason="corrupt") from error
    pixels, size = upright_pixels(small, image.size, transposed)
    decoded_bytes = max(buffer_bytes(image), pixels.nbytes)
    return WorkingImage(pixels, image.format or "image", *size, decoded_bytes, whole=whole, fine=fine)


def _of_array(pixels: Pixels, limits: DecodeLimits) -> WorkingImage:
    if pixels.dtype != np.uint8 or pixels.ndim != _CHANNELS or pixels.shape[-1] != _CHANNELS or pixels.size == 0:
        given = f"{pixels.shape} of {pixels.dtype}"
        raise ValueError(f"an array of pixels is (height, width, 3) of uint8 in sRGB, not {given}")
    _check_size(pixels.shape[1], pixels.shape[0], limits)
    return _of_image(Image.fromarray(pixels), limits)


def _check_size(width: int, height: int, limits: DecodeLimits) -> None:
    if width * height == 0:
        raise UnreadableImage(f"the picture has {width:,} x {height:,} pixels", reason="corrupt")
    if width * height > limits.max_pixels:
        message = f"the picture has {width:,} x {height:,} pixels, the limit is {limits.max_pixels:,}"
        raise ImageTooLarge(message, reason="too-many-pixels")
