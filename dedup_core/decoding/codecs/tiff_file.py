"""TIFF as it is meant, where Pillow's own plugin takes the bytes for something else.

Uncompressed files Pillow unpacks by itself, and of planes with alpha or 16 bits, and of colors that are stored for
several pixels at once, it makes something else or nothing. libtiff reads them rightly, and Pillow asks it where there
is a compression; so it is told of one. libtiff goes by the file.
"""

from typing import Final

from PIL import ImagePalette, TiffImagePlugin

from dedup_core.decoding.headers.header import refuse
from dedup_core.decoding.headers.tiff import BITS, COMPRESSION, SAMPLES

_PHOTOMETRIC, _PLANES, _COLORS, _EXTRA, _SHARED = 262, 284, 320, 338, 530  # tags
_NONE, _ANY = 1, 5  # of compressions
_ONE_BEHIND_THE_OTHER: Final = 2
_YCBCR: Final = 6
_BYTE: Final = 8  # bits
_LARGEST_BYTE: Final = 255
_EACH_PIXEL: Final = (1, 1)
_NOT_IN_PLANES: Final = ("LA", "La", "PA", "LAB")  # in which the second plane is taken for something else
_AS_UNPACKED: Final = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}
"""How libtiff hands over values in the other order: that of this machine, which Pillow does not expect of these."""


class TiffFile(TiffImagePlugin.TiffImageFile):
    """Pillow's plugin, corrected for every frame that is opened."""

    def _setup(self) -> None:
        tags = self.tag_v2
        if tags.get(COMPRESSION, _NONE) == _NONE:
            if tags.get(SAMPLES, 1) == 1:
                tags[_PLANES] = 1  # a single plane is behind no other
            elif self._is_read_by_libtiff_alone():
                tags[COMPRESSION] = _ANY
        super()._setup()
        if tags.get(_PLANES) == _ONE_BEHIND_THE_OTHER and self.mode in _NOT_IN_PLANES:
            refuse("unsupported-variant", f"TIFF of the kind {self.mode} in planes: save it with its pixels as wholes")
        self._refuse_missing_parts()
        colors = tags.get(_COLORS, ())
        if self.mode == "P" and 0 < max(colors) <= _LARGEST_BYTE:  # libtiff takes such a palette for one of 8 bits, too
            self.palette = ImagePalette.raw("RGB;L", bytes(colors))
        for index, tile in enumerate(self.tile):
            if tile.codec_name == "libtiff" and isinstance(tile.args, tuple) and tile.args[0] in _AS_UNPACKED:
                self.tile[index] = tile._replace(args=(_AS_UNPACKED[tile.args[0]], *tile.args[1:]))

    def _refuse_missing_parts(self) -> None:
        """Refuse a list of strips or tiles that ends early, the rest of which Pillow leaves black."""
        planes = len(self.getbands()) if self.tag_v2.get(_PLANES) == _ONE_BEHIND_THE_OTHER else 1
        boxes = [tile.extents for tile in self.tile if tile.extents]
        covered = sum((right - left) * (below - above) for left, above, right, below in boxes)
        if covered < self.width * self.height * planes and all(tile.codec_name == "raw" for tile in self.tile):
            refuse("truncated", "the TIFF file lists fewer strips or tiles than its picture has")

    def _is_read_by_libtiff_alone(self) -> bool:
        tags = self.tag_v2
        if tags.get(_PHOTOMETRIC) == _YCBCR:
            return tags.get(_PLANES, 1) != 1 or tags.get(_SHARED) != _EACH_PIXEL
        return tags.get(_PLANES) == _ONE_BEHIND_THE_OTHER and (max(tags.get(BITS, (1,))) != _BYTE or _EXTRA in tags)
