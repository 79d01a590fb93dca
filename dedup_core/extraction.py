"""Image bytes -> ImageFeatures."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.color.summary import palette_and_histogram_of
from dedup_core.decoding.decoder import decode
from dedup_core.decoding.file_bytes import FileBytes, file_bytes
from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.features import LAYOUT_SIDE, ImageFeatures
from dedup_core.fingerprinting.hashes import fingerprints_and_quality
from dedup_core.fingerprinting.record import CONTENT_BYTES, SCHEME
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits


def extract_features(
    data: FileBytes, limits: DecodeLimits = DEFAULT_LIMITS, header: Header | None = None
) -> ImageFeatures:
    """Decode the image file once and keep what identifies it. Raises `UnreadableImage` or `ImageTooLarge`.

    Features name the file by the SHA-256 of its bytes, so a path or a picture without a file raises `TypeError`.
    `header` as for `decode`.
    """
    data = file_bytes(data)
    working = decode(data, limits, header, with_provenance=True, for_comparison=False)
    return features_of(working, hashlib.sha256(data).digest(), len(data))


def features_and_picture(
    data: bytes, limits: DecodeLimits = DEFAULT_LIMITS, header: Header | None = None
) -> tuple[ImageFeatures, WorkingImage]:
    """Both by one decoding. Raises `UnreadableImage` or `ImageTooLarge`."""
    working = decode(data, limits, header, with_provenance=True)
    return features_of(working, hashlib.sha256(data).digest(), len(data)), working


def features_of(working: WorkingImage, digest: bytes, byte_size: int) -> ImageFeatures:
    """The features of a file that was decoded `with_provenance` and has this SHA-256 (32 bytes) and so many bytes."""
    picture = Image.fromarray(working.pixels)
    fingerprints, quality = fingerprints_and_quality(picture, digest[:CONTENT_BYTES])
    palette, histogram = palette_and_histogram_of(picture)
    return ImageFeatures(
        scheme=SCHEME,
        sha256=digest.hex(),
        format=working.format,
        width=working.width,
        height=working.height,
        byte_size=byte_size,
        quality=quality,
        fingerprints=fingerprints,
        palette=palette,
        histogram=histogram.astype("<f2").astype(np.float32),
        layout=_layout_of(picture),
        provenance=working.provenance,
    )


def _layout_of(picture: Image.Image) -> NDArray[np.uint8]:
    layout = picture.resize((LAYOUT_SIDE, LAYOUT_SIDE), Image.Resampling.BOX)
    return np.asarray(layout, np.uint8)  # (32, 32, 3)
