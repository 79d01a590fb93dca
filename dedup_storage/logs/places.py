"""The append-only segments that a log consists of, and places in them."""

from typing import NamedTuple, Protocol


class SegmentFull(Exception):  # not a failure: the log goes on in the next segment
    """The segment has taken all the blocks that it will ever take."""


class Chunk(NamedTuple):
    """A part of a segment, and what tells the segment from one in its place; no part where nothing is there (yet)."""

    data: bytes
    generation: str = ""
    is_missing: bool = False
    """There is no such segment: it has not begun, or was deleted."""
    blocks: int = 0
    """How many the segment had when it was read; 0 where nobody says."""


class BlockPlace(NamedTuple):
    """Where a block landed in its segment: at this byte, as so many-th block (from 1 on; 0 where nobody says)."""

    offset: int
    block: int


class LogPlace(NamedTuple):
    """A place between two records, not at the beginning of a segment, and what was read up to there."""

    segment: int
    offset: int
    generation: str
    """Of that segment."""
    log_bytes: int
    """Of all segments up to here."""
    damaged_bytes: int


class Segments(Protocol):
    """Numbered append-only files, from 1 on."""

    def first(self) -> int:
        """The number of the first segment that is there, 1 if there is none."""
        ...

    def last(self) -> int:
        """The number of the last segment, 0 if there is none yet."""
        ...

    def append(self, number: int, block: bytes) -> BlockPlace:
        """Append the block as a whole, create the segment if none so late is there.

        Raises `SegmentFull`, then for ever, also for a segment that was deleted when there were later ones.
        """
        ...

    def read(self, number: int, offset: int, length: int) -> Chunk:
        """Up to `length` bytes from `offset` on; with data comes the id that the segment got when it was created."""
        ...

    def delete(self, number: int) -> None:
        """Delete a segment that is followed by others."""
        ...
