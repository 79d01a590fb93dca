"""Pixels in the color space of an embedded ICC profile -> sRGB."""

from functools import lru_cache
from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

MAX_PROFILE_BYTES: Final = 4 * 1024 * 1024  # the largest press profiles in use have about 3 MB
_KEPT: Final = 8  # transforms of the profiles that many pictures share, of cameras and phones
_KEPT_BYTES: Final = 64 * 1024  # of such a profile
_TAG_COUNT, _FIRST_TAG, _TAG_BYTES = 128, 132, 12  # of the table of tags
_MOST_TAGS: Final = 100  # that lcms2 takes
_FLOAT_TABLE, _NO_TABLE = b"D2B", b"none"
MODE_BY_SPACE: Final = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}


def to_srgb(picture: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """Apply the profile to an RGB, L, CMYK or LAB picture.

    A profile that is damaged, too large or made for another kind of pixel counts as none, as in browsers: the picture
    is there all the same, and without a profile its numbers mean sRGB.
    """
    if picture.mode == "LAB":
        return _transform(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB").apply(picture)
    if icc_profile and len(icc_profile) <= MAX_PROFILE_BYTES:
        try:
            transform_of = _kept_transform if len(icc_profile) <= _KEPT_BYTES else _transform_of
            if transform := transform_of(icc_profile, picture.mode):
                return transform.apply(picture)
        except (OSError, ValueError, ImageCms.PyCMSError):
            return picture.convert("RGB")
    return picture.convert("RGB")


def _transform_of(icc_profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """None for a profile of another kind of pixel."""
    profile = ImageCms.ImageCmsProfile(BytesIO(_without_float_tables(icc_profile)))
    return _transform(profile, mode) if MODE_BY_SPACE.get(profile.profile.xcolor_space) == mode else None


def _without_float_tables(icc_profile: bytes) -> bytes:
    """The profile without its `D2B` tags, which browsers do not use either: nothing bounds the steps of these.

    Of 4 MiB they may list half a million, all of them the same one, for each color: docs/decoding.md#hostile-files
    """
    data = bytearray(icc_profile)
    last = _FIRST_TAG + _TAG_BYTES * min(int.from_bytes(data[_TAG_COUNT:_FIRST_TAG], "big"), _MOST_TAGS)
    for at in range(_FIRST_TAG, min(last, len(data)), _TAG_BYTES):
        if data.startswith(_FLOAT_TABLE, at):
            data[at : at + len(_NO_TABLE)] = _NO_TABLE
    return bytes(data)


_kept_transform = lru_cache(maxsize=_KEPT)(_transform_of)  # threads may share a transform: lcms2 only reads it


def _transform(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        profile,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
