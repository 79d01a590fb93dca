"""What became of an image: the status of its row in the `features` table, as a value."""

from dataclasses import dataclass
from typing import Self

_REJECTED = "rejected"
_ALIVE = ("processing", "indexed")
_GONE = ("deleted", "absent")


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """`processing` (row written, not yet read or not yet searched), `indexed`, `deleted`, or `rejected` for a `reason`.

    `removing` is what an image is while it is taken out of the index, on its way to one of the last two. `absent` is
    one of which nobody ever found a blob: its row only keeps out late claims, and no reader takes it for an image.

    A name that this version does not know was written by a newer one: such an image is neither alive nor rejected here.
    """

    name: str
    reason: str | None = None

    @classmethod
    def rejected(cls, reason: str) -> Self:
        """Refused for good, for one of the reasons of `dedup_core.errors`."""
        return cls(_REJECTED, reason)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The status as it is stored and told: its name or, with a reason, `rejected:<reason>`."""
        name, colon, reason = text.partition(":")
        return cls(name, reason if colon else None)

    def __str__(self) -> str:
        return self.name if self.reason is None else f"{self.name}:{self.reason}"

    @property
    def is_alive(self) -> bool:
        """Whether there is an image to compare: neither deleted nor rejected."""
        return self.name in _ALIVE

    @property
    def is_gone(self) -> bool:
        """Whether there was no blob when somebody looked last."""
        return self.name in _GONE

    @property
    def is_rejected(self) -> bool:
        return self.name == _REJECTED


PROCESSING = ImageStatus("processing")
INDEXED = ImageStatus("indexed")
REMOVING = ImageStatus("removing")
DELETED = ImageStatus("deleted")
ABSENT = ImageStatus("absent")
