"""Whether the coded pixels of a PNG reach its last row: a stream that ends well but too early is no error to Pillow."""

from collections.abc import Callable
from typing import Final

from PIL import Image, ImageFile

from dedup_core.decoding.headers.header import refuse

_LOOKED_AT: Final = 64  # pixels at the left of the last row
_NARROWEST: Final = {"1": 64}  # in fewer pixels, what is put into the last row to see it change could be in the picture
_NARROWEST_ELSE: Final = 16


def load_whole(picture: ImageFile.ImageFile) -> None:
    """Load this PNG picture; `UnreadableImage` if its pixels end before its last row, which would be black."""
    if picture.width < _NARROWEST.get(picture.mode, _NARROWEST_ELSE):
        picture.load()
        return
    unseen = _unseen(picture)
    last = _filled_last(picture)
    box = (0, last, unseen.width, last + 1)
    read: Callable[[int], bytes] = picture.load_read  # type: ignore[attr-defined]

    def read_first(amount: int) -> bytes:
        picture.im.paste(unseen.im, box)
        picture.load_read = read  # type: ignore[attr-defined]
        return read(amount)

    picture.load_read = read_first  # type: ignore[attr-defined]
    picture.load()
    if picture.mode == unseen.mode and picture.crop(box).tobytes() == unseen.tobytes():
        refuse("truncated", "the PNG file ends before its picture does: its last rows are not there")


def _filled_last(picture: ImageFile.ImageFile) -> int:
    """The row that comes last in the stream: the last one, or where rows are interlaced the last odd one."""
    below = picture.height - 1
    return below - (below % 2 == 0) if picture.info.get("interlace") and below > 0 else below


def _unseen(picture: ImageFile.ImageFile) -> Image.Image:
    """A part of a row that hardly any picture has."""
    width = min(_LOOKED_AT, picture.width)
    row = Image.new(picture.mode, (width, 1))
    values = bytes(7 + 89 * place % 241 for place in range(len(row.tobytes())))
    row.frombytes(values)
    return row
