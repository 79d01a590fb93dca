"""What people do to a container, thrown by dice: uploads, copies, overwrites, deletions, the same bytes again."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from PIL import Image

from tests.core.drawings import drawn
from tests.core.pictures import encoded, hue_shifted

SIZE = (160, 120)
RECENT = 25  # changes go to images that may still be in work
MOST_OF_A_SCENE = 8  # below the crowds of which the index keeps the likeliest only
GARBAGE = (b"Dear Sir or Madam", b"", b"\x89PNG\r\n\x1a\n" + bytes(40))


class Deed(StrEnum):
    """What is done to one blob."""

    UPLOAD = "uploads"
    OVERWRITE = "overwrites"
    DELETE = "deletions"
    AGAIN = "uploads of the same bytes again"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the container; no data deletes the blob. `twice`: its event comes twice."""

    deed: Deed
    name: str
    data: bytes | None
    twice: bool
    late: int  # after how many more changes its event comes


@dataclass
class Plan:
    """The changes, each thrown when it is asked for; `blobs` is what the container holds after those thrown so far."""

    seed: int
    left: dict[Deed, int]
    blobs: dict[str, bytes] = field(default_factory=dict)
    made: set[frozenset[str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._deleted: dict[str, bytes] = {}
        self._of_scene: dict[int, int] = {}
        self._number = 0

    def changes(self) -> Iterator[Change]:
        while any(self.left.values()):
            deed = self._dice.choices(list(self.left), list(self.left.values()))[0]
            if deed is not Deed.UPLOAD and not self.blobs:
                deed = Deed.UPLOAD
            self.left[deed] = max(0, self.left[deed] - 1)
            name, data = self._thrown(deed)
            if data is None:
                self._deleted[name] = self.blobs.pop(name)
            else:
                self.blobs.pop(name, None)  # the most recent is last
                self.blobs[name] = data
            twice, is_late = self._dice.random() < 0.1, self._dice.random() < 0.2
            yield Change(deed, name, data, twice, self._dice.randrange(1, 40) if is_late else 0)

    def _thrown(self, deed: Deed) -> tuple[str, bytes | None]:
        if deed is Deed.UPLOAD:
            self._number += 1
            return f"{self._number % 7}/{self._number}", self._content()
        if deed is Deed.AGAIN and self._deleted and self._dice.random() < 0.5:
            return self._deleted.popitem()
        names = list(self.blobs)
        name = self._dice.choice(names[-RECENT:] if self._dice.random() < 0.6 else names)
        if deed is Deed.DELETE:
            return name, None
        return name, self.blobs[name] if deed is Deed.AGAIN else self._content()

    def _content(self) -> bytes:
        thrown = self._dice.random()
        if thrown < 0.03:
            return self._dice.choice(GARBAGE)
        known = [scene for scene, count in list(self._of_scene.items())[-60:] if count < MOST_OF_A_SCENE]
        if thrown < 0.60 or not known:
            scene = len(self._of_scene)
            self._of_scene[scene] = 1
            return picture(scene, 0)
        scene = self._dice.choice(known)
        self._of_scene[scene] += 1
        return picture(scene, self._dice.randrange(VARIANTS))


VARIANTS = 6


@cache
def picture(scene: int, variant: int) -> bytes:
    """A painting as it is; the same in other files, another size, mirrored, and in other colors."""
    whole = drawn(scene, *SIZE)
    match variant:
        case 0:
            return encoded(whole)
        case 1 | 2:
            return encoded(whole, "JPEG", quality=90 - 10 * variant)
        case 3:
            return encoded(whole.resize((240, 180), Image.Resampling.BICUBIC), "WEBP", quality=85)
        case 4:
            return encoded(whole.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
        case _:
            return encoded(hue_shifted(whole, 60))
