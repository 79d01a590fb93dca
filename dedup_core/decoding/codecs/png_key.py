"""The color key of a gray PNG of 2 or 4 bits: Pillow spreads its shades to 8 bits, and leaves the key as it is."""

from typing import Final

from PIL import ImageFile

_BITS_AT: Final = 24  # in the file
_BITS: Final = 8


def spread_key(picture: ImageFile.ImageFile, data: bytes) -> None:
    """Spread the key of such a picture, which was opened and not loaded, as its shades will be."""
    key, most = picture.info.get("transparency"), (1 << data[_BITS_AT]) - 1
    if picture.mode == "L" and isinstance(key, int) and data[_BITS_AT] < _BITS:
        picture.info["transparency"] = (key & most) * 255 // most  # of more bits only the last count, by the format
