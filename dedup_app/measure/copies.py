"""The ports of `measure`: what makes copies, and what keeps pictures for a while."""

from collections.abc import Sequence
from typing import Protocol

from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.views import View


class Change(Protocol):
    """One way in which a copy differs; `right` are the verdicts that are right for it."""

    @property
    def name(self) -> str: ...

    @property
    def part(self) -> str: ...

    @property
    def right(self) -> frozenset[str]: ...


class MadeCopy(Protocol):
    """A copy as the app would see it, had somebody uploaded it."""

    @property
    def change(self) -> str: ...

    @property
    def fingerprints(self) -> Fingerprints: ...

    @property
    def picture(self) -> WorkingImage: ...


class CopyMaker(Protocol):
    """Makes copies and measures pairs, on all cores. Every method may be called from many threads at once."""

    @property
    def changes(self) -> Sequence[Change]: ...

    def copies(self, picture: WorkingImage, name: str, changes: Sequence[str]) -> Sequence[MadeCopy]:
        """The copies of a picture by these changes, through real encoded bytes; the same ones every time.

        None by a change that takes what the picture does not have.
        """
        ...

    def measure(self, left: WorkingImage, right: WorkingImage, hint: View | None) -> PairMeasurement:
        """As `measure_images`."""
        ...


class PictureStore(Protocol):
    """Pictures by image id, kept where they take no memory."""

    def put(self, image_id: str, picture: WorkingImage) -> None: ...

    def get(self, image_id: str) -> WorkingImage | None: ...
