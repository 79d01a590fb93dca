"""Records in columns: what is known of many images and pairs in two arrays, to be taken in at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.comparison.sides import ALIKE, Side, Sides
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.facts import Decided, ImageFacts, Link, Rebuild

type Bools = NDArray[np.bool_]
type Places = NDArray[np.intp]
type Images = NDArray[np.void]
"""(n,) of `IMAGES`."""
type Links = NDArray[np.void]
"""(n,) of `LINKS`."""
type Row = tuple[Any, ...]

# Kinds and flags are stored by their numbers: new ones come at the end.
KINDS: Final = (
    VerdictKind.IDENTICAL,
    VerdictKind.DUPLICATE,
    VerdictKind.ALTERED,
    VerdictKind.COLOR_VARIANT,
    VerdictKind.DISTINCT,
    VerdictKind.UNVERIFIABLE,
)
ALIVE, SAVED_AGAIN, CAMERA, GRAY = 1, 2, 4, 8
UPRIGHT, FIRST_FRAMED, FIRST_OVERLAID, SECOND_FRAMED, SECOND_OVERLAID = 1, 2, 4, 8, 16
IMAGES: Final = np.dtype(
    [
        ("image_id", "V16"),
        ("content", "V16"),
        ("version", "<u8"),
        ("byte_size", "<u8"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("detail_side", "<u4"),
        ("added_at", "<i8"),
        ("quality", "u1"),
        ("flags", "u1"),
        ("format", "S8"),
    ]
)
"""An `ImageFacts` without its path as one row without gaps; content is zeros where it is not known."""
VERDICT: Final = [
    ("first_version", "<u8"),
    ("second_version", "<u8"),
    ("verified_at", "<i8"),
    ("kind", "u1"),
    ("flags", "u1"),
    ("first_shared", "<f4"),
    ("second_shared", "<f4"),
]
LINKS: Final = np.dtype([("first", "V16"), ("second", "V16"), *VERDICT])
"""A `Link` as one row without gaps; `kind` is its place in `KINDS`."""


@dataclass(frozen=True, slots=True)
class Records:
    """Images with their paths, verdicts and decisions as they were read; in each of the three in their order.

    `rebuild` was told after all of them.
    """

    images: Images = field(default_factory=lambda: np.empty(0, IMAGES))
    paths: Sequence[str] = ()
    links: Links = field(default_factory=lambda: np.empty(0, LINKS))
    decided: Sequence[Decided] = ()
    rebuild: Rebuild | None = None

    @classmethod
    def of(cls, records: Iterable[ImageFacts | Link | Decided]) -> "Records":
        """The same in columns."""
        records = list(records)
        images = [it for it in records if isinstance(it, ImageFacts)]
        return cls(
            np.array([image_row(it) for it in images], IMAGES),
            [it.path for it in images],
            np.array([link_row(it) for it in records if isinstance(it, Link)], LINKS),
            [it for it in records if isinstance(it, Decided)],
        )

    def __len__(self) -> int:
        return len(self.images) + len(self.links) + len(self.decided)

    def __iter__(self) -> Iterator[ImageFacts | Link | Decided]:
        """Each as a value of its own: images, then links, then decisions."""
        yield from map(image_of, self.images.tolist(), self.paths)
        yield from map(link_of, self.links.tolist())
        yield from self.decided


def image_row(image: ImageFacts) -> Row:
    """The values in the order of `IMAGES`."""
    flags = ALIVE * image.is_alive + SAVED_AGAIN * image.saved_again + CAMERA * image.has_camera_data
    flags += GRAY * image.is_gray
    sizes = image.version, image.byte_size, image.width, image.height, image.detail_side
    return image.image_id, image.content, *sizes, image.added_at, image.quality, flags, image.format.encode()


def image_of(row: Row, path: str) -> ImageFacts:
    """The image with these values."""
    image_id, content, version, size, width, height, detail, added_at, quality, flags, kind = row
    return ImageFacts(
        image_id,
        path,
        version,
        content if any(content) else b"",
        width,
        height,
        size,
        kind.decode(),
        quality,
        bool(flags & SAVED_AGAIN),
        detail,
        bool(flags & CAMERA),
        bool(flags & GRAY),
        added_at,
        bool(flags & ALIVE),
    )


def link_row(link: Link) -> Row:
    """The values in the order of `LINKS`."""
    first, second = link.sides.left, link.sides.right
    flags = UPRIGHT * link.is_upright + FIRST_FRAMED * first.is_framed + FIRST_OVERLAID * first.is_overlaid
    flags += SECOND_FRAMED * second.is_framed + SECOND_OVERLAID * second.is_overlaid
    versions = link.first_version, link.second_version
    place = KINDS.index(link.kind)
    return link.first, link.second, *versions, link.verified_at, place, flags, first.shared, second.shared


def link_of(row: Row) -> Link:
    """The link with these values; shares are told to a thousandth."""
    first, second, version, other, verified_at, kind, flags, ours, theirs = row
    sides = ALIKE
    if flags & ~UPRIGHT or ours != 1.0 or theirs != 1.0:
        sides = Sides(
            Side(round(ours, 3), bool(flags & FIRST_FRAMED), bool(flags & FIRST_OVERLAID)),
            Side(round(theirs, 3), bool(flags & SECOND_FRAMED), bool(flags & SECOND_OVERLAID)),
        )
    return Link(first, second, KINDS[kind], version, other, verified_at, bool(flags & UPRIGHT), sides)


def has(flags: NDArray[np.uint8], flag: int) -> Bools:
    """Where a flag is set."""
    return np.asarray((flags & flag) != 0)


def winners(keys: NDArray[np.int64], ranks: Callable[[Places], Sequence[NDArray[Any]]]) -> Places:
    """Of the rows with one key the place of the one that ranks highest, of equals the first; in the order of the keys.

    `ranks` gives the ranks of rows at such places, the one that counts most first; only rows with rivals are asked.
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    is_last = np.ones(len(keys), bool)
    is_last[:-1] = ordered[1:] != ordered[:-1]
    has_rivals = ~is_last
    has_rivals[1:] |= ~is_last[:-1]
    rivals = order[has_rivals]
    order[has_rivals] = rivals[np.lexsort((-rivals, *reversed(ranks(rivals)), keys[rivals]))]
    return order[is_last]
