"""Pixels in the color space of an embedded ICC profile -> sRGB."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

MAX_PROFILE_BYTES: Final = 4 * 1024 * 1024  # the largest press profiles in use have about 3 MB
MODE_BY_SPACE: Final = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}


def to_srgb(picture: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """Apply the profile to an RGB, L, CMYK or LAB picture.

    A profile that is damaged, too large or made for another kind of pixel counts as none, as in browsers: the picture
    is there all the same, and without a profile its numbers mean sRGB.
    """
    if picture.mode == "LAB":
        return _transform(picture, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if icc_profile and len(icc_profile) <= MAX_PROFILE_BYTES:
        try:
            profile = ImageCms.ImageCmsProfile(BytesIO(icc_profile))
            if MODE_BY_SPACE.get(profile.profile.xcolor_space) == picture.mode:
                return _transform(picture, profile)
        except (OSError, ValueError, ImageCms.PyCMSError):
            return picture.convert("RGB")
    return picture.convert("RGB")


def _transform(picture: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    transform = ImageCms.buildTransform(
        profile,
        srgb,
        picture.mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return transform.apply(picture)
