"""The pictures that were decoded, by content: the last ones in memory, those before them in a file, and no more."""

import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from threading import Lock
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from dedup_core.decoding.working_image import WorkingImage

HELD_PICTURES = 64  # of 0.8 MB, or 3.1 MB for a page: 200 MB at most
MOST_IN_FILE: Final = 1024**3  # bytes, of 1,400 pictures or 350 pages: enough where it is a file in memory
_NO_PIXELS: Final = np.empty((0, 0, 3), np.uint8)


class _Place(NamedTuple):
    """Where the arrays of a picture begin in the file, the shape of each, and the picture without them."""

    start: int
    shapes: list[tuple[int, ...]]
    picture: WorkingImage


@contextmanager
def spare_file() -> Iterator[BinaryIO | None]:
    """A nameless file for pictures that memory is too small for; none where temporary files have no place."""
    with ExitStack() as stack:
        file = None
        with suppress(OSError):
            file = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        yield file


class ScanPictures:
    """For all threads. To read a picture from the file takes a hundredth of the time that decoding it takes.

    `file` is as `spare_file` gives it; without one, or once it is full, pictures are forgotten.
    """

    def __init__(self, file: BinaryIO | None = None) -> None:
        self._held: OrderedDict[bytes, WorkingImage] = OrderedDict()
        self._file = file
        self._places: dict[bytes, _Place] = {}
        self._end = 0
        self._lock = Lock()

    def hold(self, content: bytes, picture: WorkingImage) -> None:
        with self._lock:
            self._hold(content, picture)

    def held(self, content: bytes) -> WorkingImage | None:
        with self._lock:
            if content in self._held:
                self._held.move_to_end(content)
            elif (place := self._places.get(content)) and (picture := self._from_file(place)):
                self._hold(content, picture)
                return picture
            return self._held.get(content)

    def _hold(self, content: bytes, picture: WorkingImage) -> None:
        self._held[content] = picture
        if len(self._held) > HELD_PICTURES:
            self._to_file(*self._held.popitem(last=False))

    def _to_file(self, content: bytes, picture: WorkingImage) -> None:
        arrays = [picture.pixels] if picture.fine is None else [picture.pixels, picture.fine]
        data = b"".join(it.tobytes() for it in arrays)
        if self._file is None or content in self._places or self._end + len(data) > MOST_IN_FILE:
            return
        try:
            self._file.seek(self._end)
            if self._file.write(data) != len(data):
                return
        except OSError:  # the disk is full
            return
        without = replace(picture, pixels=_NO_PIXELS, fine=None)
        self._places[content] = _Place(self._end, [it.shape for it in arrays], without)
        self._end += len(data)

    def _from_file(self, place: _Place) -> WorkingImage | None:
        pixels, *fine = arrays = [np.empty(shape, np.uint8) for shape in place.shapes]
        try:
            assert self._file is not None  # noqa: S101 - there is a place in it
            self._file.seek(place.start)
            read = [self._file.readinto(it.data.cast("B")) for it in arrays]  # type: ignore[attr-defined]
        except OSError:
            return None
        if read != [it.size for it in arrays]:
            return None
        return replace(place.picture, pixels=pixels, fine=fine[0] if fine else None)
