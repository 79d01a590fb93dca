"""BMP whose palette is black and white, or a row of grays, while its indexes are of more bits than those need.

Pillow leaves out such a palette, and takes indexes of 4 and 8 bits for single bits, or those of 4 for grays of 8.
"""

from typing import Final

from PIL import ImageFile, ImagePalette

_CORE_HEADER_BYTES: Final = 12
_INDEXES: Final = {4: "P;4", 8: "P"}  # bits -> how Pillow calls them
_READ_AS: Final = {("1", 4), ("1", 8), ("L", 4)}  # the mode that Pillow chose, for indexes of so many bits


def read_indexes(picture: ImageFile.ImageFile, data: bytes) -> None:
    """Read the indexes of such a picture, which was opened and not loaded, as what they are; others stay."""
    bits = data[24 if data[14] == _CORE_HEADER_BYTES else 28]
    if (picture.mode, bits) not in _READ_AS or picture.tile[0].codec_name != "raw":
        return
    tile = picture.tile[0]
    _, *layout = tile.args if isinstance(tile.args, tuple) else ()
    grays = (0, 255) if picture.mode == "1" else range(1 << bits)
    picture._mode = "P"  # noqa: SLF001
    picture.palette = ImagePalette.raw("RGB", bytes(gray for gray in grays for _ in range(3)))
    picture.tile = [tile._replace(args=(_INDEXES[bits], *layout))]
