"""TIFF whose colors of 16 bits lie in planes, one behind the other, without compression.

Pillow takes each byte of it for a color. libtiff reads it rightly, and is asked by Pillow where there is a compression.
"""

from typing import Final

from PIL import ImageFile

_BITS, _PLANES, _EXTRA = 258, 284, 338  # tags
_ONE_BEHIND_THE_OTHER: Final = 2
_MULTIPLIED: Final = (1,)  # colors that are multiplied by their alpha
_RAW_MODES: Final = {"RGB": "RGB;16N", "RGBA": "RGBA;16N", "CMYK": "CMYK;16N"}


def read_planes_by_libtiff(picture: ImageFile.ImageFile) -> None:
    """Let libtiff read such a picture, which was opened and not loaded; others stay as they are."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    is_raw = bool(picture.tile) and picture.tile[0].codec_name == "raw"
    if not is_raw or tags.get(_PLANES) != _ONE_BEHIND_THE_OTHER or max(tags.get(_BITS, (1,))) != 16:  # noqa: PLR2004
        return
    raw_mode = "RGBa;16N" if tags.get(_EXTRA) == _MULTIPLIED else _RAW_MODES.get(picture.mode)
    if raw_mode is None:
        return
    parts = [tile.extents for tile in picture.tile if tile.extents]
    extents = (0, 0, max(right for _, _, right, _ in parts), max(bottom for _, _, _, bottom in parts))
    picture.use_load_libtiff = True  # type: ignore[attr-defined]
    picture.tile = [ImageFile._Tile("libtiff", extents, 0, (raw_mode, False, tags.offset))]  # noqa: SLF001
