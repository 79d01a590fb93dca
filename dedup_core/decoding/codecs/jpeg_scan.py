"""Whether a JPEG file's coded picture ends where its end marker says, which libjpeg knows and Pillow keeps to itself.

Coded bits that were changed or zeroed decode to something all the same, but hardly ever to as many blocks as there are.
So the decoder is fed up to just before the end, and must still lack its last row there, and have it just after.
"""

from typing import Final, NoReturn

from PIL import Image, ImageFile

from dedup_core.decoding.headers.header import Header, refuse
from dedup_core.decoding.headers.jpeg import END, FILL, MARKER, MAX_SEGMENTS, SCAN_MARKER

_END_OF_IMAGE: Final = bytes([FILL, END])
_SURPLUS: Final = 4  # bytes at the end of a scan that need not be used
_READ_AHEAD: Final = bytes(8)  # libjpeg's bit buffer: with less after the last block it waits instead of finishing
_NARROWEST: Final = 16  # pixels: in fewer, what is put into the last row to see it change could be in the picture
_LEAST_HOLE: Final = 256  # bytes
_BLOCK_PIXELS: Final = 64
_ZEROS_A_BLOCK: Final = 2  # bits: a flat block takes one for its mean and one for its end, and both may be zeros


def load_checked(picture: ImageFile.ImageFile, data: bytes, header: Header) -> None:
    """Load this JPEG picture; `UnreadableImage` if its scan is too short or too long for its pixels.

    Only where one scan holds it all; of several scans, as progressive files have, libjpeg shows nothing before their
    end, and a hole of zeros is all that is looked for.
    """
    end = _end_of_scan(data, header.scan_at) if header.in_one_scan else None
    if end is None or picture.width < _NARROWEST:
        _refuse_hole(data, header)
        picture.load()
        _refuse_missing_component(picture, data, header)
        return
    watched = _Watched(picture, data, end)
    picture.load_read = watched.read  # type: ignore[attr-defined]
    picture.load()
    watched.finish()


def _end_of_scan(data: bytes, start: int) -> int | None:
    """Where the first marker stands that ends a scan; None where the file ends before."""
    marker = MARKER.search(data, start)
    if marker is None:
        return None
    end = marker.start()
    while data[end - 1] == FILL:
        end -= 1
    return end


class _Watched:
    """Feeds a file in three parts, and looks at the last row of the picture between them."""

    def __init__(self, picture: ImageFile.ImageFile, data: bytes, end: int) -> None:
        self._picture = picture
        near = max(0, end - _SURPLUS)
        self._parts = [data[:near], data[near:end] + _READ_AHEAD, data[end:]]
        self._fed = 0
        pattern = bytes(7 + 89 * place % 241 for place in range(_NARROWEST * len(picture.getbands())))
        self._unseen = Image.frombytes(picture.mode, (_NARROWEST, 1), pattern)

    def read(self, _: int) -> bytes:
        """The next part. The decoder asks for it when it has used what it can of the one before."""
        if self._fed == 0:
            bottom = self._picture.height
            self._picture.im.paste(self._unseen.im, (0, bottom - 1, _NARROWEST, bottom))
        if self._fed == 1 and self._has_last_row():
            _refuse_surplus()
        if self._fed == 2 and not self._has_last_row():  # noqa: PLR2004 - the third part
            refuse("corrupt", "the JPEG file is damaged: its coded picture ends before its last pixel")
        part = self._parts[self._fed] if self._fed < len(self._parts) else b""
        self._fed += 1
        return part

    def finish(self) -> None:
        """To be called when all is loaded."""
        if self._fed == 1:
            _refuse_surplus()

    def _has_last_row(self) -> bool:
        below = self._picture.height - 1
        return any(self._picture.im.getpixel((x, below)) != self._unseen.im.getpixel((x, 0)) for x in range(_NARROWEST))


def _refuse_missing_component(picture: ImageFile.ImageFile, data: bytes, header: Header) -> None:
    """Refuse a picture of which the luma or a color is in no scan; libjpeg leaves it flat, and says nothing."""
    left = {component for component, *_ in picture.layer}  # type: ignore[attr-defined] # of the frame
    scan = data.rfind(SCAN_MARKER, 0, header.scan_at)
    for _ in range(MAX_SEGMENTS):
        if scan < 0 or not left:
            break
        first, count = scan + 5, int.from_bytes(data[scan + 4 : scan + 5])
        left.difference_update(data[first : first + 2 * count : 2])
        scan = data.find(SCAN_MARKER, scan + 2)
    if left:
        refuse("corrupt", "the JPEG file is damaged: a component of its picture is in none of its scans")


def _refuse_surplus() -> NoReturn:
    refuse("corrupt", "the JPEG file is damaged: its coded picture goes on after its last pixel")


def _refuse_hole(data: bytes, header: Header) -> None:
    """Refuse a run of zeros that stands for more blocks than the picture has; what follows its end is no part of it."""
    most = header.width * header.height * 3 // _BLOCK_PIXELS * _ZEROS_A_BLOCK // 8
    end = data.find(_END_OF_IMAGE, header.scan_at)
    if data.find(bytes(max(_LEAST_HOLE, most)), header.scan_at, end if end >= 0 else len(data)) >= 0:
        refuse("corrupt", "the JPEG file is damaged: a hole of zeros is in its coded picture")
