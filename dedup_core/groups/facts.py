"""What grouping knows: images, verified pairs of them, and what people decided about pairs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from dedup_core.comparison.sides import ALIKE, Side, Sides
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.features import ImageFeatures

CONTENT_BYTES: Final = 16  # of the SHA-256 of a file: enough that no two files share them


class Family(StrEnum):
    """What holds a group together; an image is in at most one group of each family."""

    SAME = "duplicate"
    ALTERED = "altered"
    COLOR = "color_variant"
    APART = "not_duplicate"
    """Pairs that people decided to be no copies: for whoever wants to look at a decision again."""


class Decision(StrEnum):
    """What a person can say about a pair."""

    DUPLICATE = "duplicate"
    NOT_DUPLICATE = "not_duplicate"
    KEEP_BOTH = "keep_both"


FAMILIES: Final = {
    VerdictKind.IDENTICAL: Family.SAME,
    VerdictKind.DUPLICATE: Family.SAME,
    VerdictKind.ALTERED: Family.ALTERED,
    VerdictKind.COLOR_VARIANT: Family.COLOR,
}


class Rebuild(StrEnum):
    """Told before and after all that is known is told anew; what was told in between need not be all of it."""

    BEGUN = "begun"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image as it is at one version of it; sizes are 0 where they are not known.

    `image_id` is 16 bytes, `content` the first 16 bytes of the SHA-256 of the file. `quality`, `saved_again`,
    `detail_side`, `has_camera_data` and `is_gray` are those of `Provenance`. `added_at` is in microseconds since 1970.
    """

    image_id: bytes
    path: str
    version: int = 0
    content: bytes = b""
    width: int = 0
    height: int = 0
    byte_size: int = 0
    format: str = ""
    quality: int = 100
    saved_again: bool = False
    detail_side: int = 0
    has_camera_data: bool = False
    is_gray: bool = False
    added_at: int = 0
    is_alive: bool = True

    @classmethod
    def of(cls, image_id: bytes, path: str, features: ImageFeatures, added_at: int = 0) -> Self:
        """What the features of a file say about it."""
        provenance = features.provenance
        return cls(
            image_id,
            path,
            content=bytes.fromhex(features.sha256)[:CONTENT_BYTES],
            width=features.width,
            height=features.height,
            byte_size=features.byte_size,
            format=features.format,
            quality=provenance.quality,
            saved_again=provenance.saved_again,
            detail_side=provenance.detail_side,
            has_camera_data=provenance.has_camera_data,
            is_gray=provenance.is_gray,
            added_at=added_at,
        )

    def outranks(self, other: "ImageFacts | None") -> bool:
        """Whether this is what counts of the two, whichever came first: the newer version, and a deletion last."""
        if other is None:
            return True
        ours = (self.version, not self.is_alive, self.added_at, self.content)
        return ours > (other.version, not other.is_alive, other.added_at, other.content)


@dataclass(frozen=True, slots=True)
class Link:
    """One verified pair, the image with the smaller id first, and the versions of both that were compared."""

    first: bytes
    second: bytes
    kind: VerdictKind
    first_version: int = 0
    second_version: int = 0
    verified_at: int = 0
    is_upright: bool = True
    sides: Sides = ALIKE

    @classmethod
    def of(
        cls, left: ImageFacts, right: ImageFacts, kind: VerdictKind, verified_at: int, view: str, sides: Sides
    ) -> Self:
        """The pair in the order of its key, whichever image is given first."""
        if left.image_id > right.image_id:
            left, right, sides = right, left, sides.swapped()
        versions = left.version, right.version
        return cls(left.image_id, right.image_id, kind, *versions, verified_at, view == "upright", sides)

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.first, self.second

    def is_about(self, first: ImageFacts, second: ImageFacts) -> bool:
        """Whether these versions of its two images were compared."""
        return (self.first_version, self.second_version) == (first.version, second.version)

    def side(self, image_id: bytes) -> Side:
        return self.sides.left if image_id == self.first else self.sides.right

    def other(self, image_id: bytes) -> bytes:
        return self.second if image_id == self.first else self.first

    def outranks(self, other: "Link | None") -> bool:
        """Whether this verdict counts of the two: the one about newer versions, then the later one."""
        if other is None:
            return True
        ours = (self.first_version + self.second_version, self.verified_at, self.kind)
        return ours > (other.first_version + other.second_version, other.verified_at, other.kind)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person decided about a pair, and about which contents; `decision` is None where it was taken back.

    `keeper` is the id of the image that was chosen to stay, empty where none was. `at` is in microseconds since 1970.
    """

    first: bytes
    second: bytes
    decision: Decision | None
    first_content: bytes
    second_content: bytes
    keeper: bytes = b""
    by: str = ""
    at: int = 0

    @classmethod
    def of(
        cls,
        left: ImageFacts,
        right: ImageFacts,
        decision: Decision | None,
        *,
        keeper: bytes = b"",
        by: str = "",
        at: int = 0,
    ) -> Self:
        """The pair in the order of its key, whichever image is given first."""
        if left.image_id > right.image_id:
            left, right = right, left
        return cls(left.image_id, right.image_id, decision, left.content, right.content, keeper, by, at)

    @property
    def key(self) -> tuple[bytes, bytes]:
        return self.first, self.second

    def is_about(self, contents: Mapping[bytes, bytes]) -> bool:
        """Whether images with these contents, by their ids, are meant; a decision written by hand names no content."""
        about = (self.first, self.first_content), (self.second, self.second_content)
        return all(content in {b"", contents.get(image_id)} for image_id, content in about)

    def outranks(self, other: "Decided | None") -> bool:
        """Whether this is the later word of the two."""
        if other is None:
            return True
        return (self.at, self.decision or "", self.keeper) > (other.at, other.decision or "", other.keeper)


def by_name(path: str) -> tuple[int, str]:
    """The order of copies of which nothing else tells: `cat.jpg` comes before `cat (1).jpg` and `cat-copy.jpg`."""
    return len(path.rpartition("/")[2]), path
