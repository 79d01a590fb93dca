"""Parts: images that links hold together, all parts at once, in columns."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from dedup_core.arrays import Float64s
from dedup_core.groups.columns import Bools, Images, Places
from dedup_core.groups.facts import Decided


@dataclass(frozen=True, slots=True)
class Ties:
    """Pairs of images that are named by their places, (n,) each; `marked` has something over or around it.

    What is not `compared` is held together by a person's word, and the rest says nothing. Of the `altered` ones one
    shows something that the other one does not.
    """

    first: Places
    second: Places
    compared: Bools
    altered: Bools
    upright: Bools
    first_marked: Bools
    second_marked: Bools
    first_shared: Float64s
    second_shared: Float64s

    def where(self, mask: Bools) -> "Ties":
        return Ties(*(getattr(self, column.name)[mask] for column in fields(self)))

    def between(self, first: Places, second: Places) -> "Ties":
        """The same links between images that have other places now."""
        return replace(self, first=first, second=second)


@dataclass(frozen=True)
class Parts:
    """Images in the order of their ids, the part (0..`count` - 1) that each is in, and what holds parts together."""

    images: Images
    paths: Sequence[str]
    part: Places
    count: int
    links: Ties
    decided: Collection[Decided] = ()

    def any(self, mask: Bools) -> Bools:
        """Of each part, whether the mask is set for any of its images."""
        return np.bincount(self.part[mask], minlength=self.count) > 0

    def best(self, left: Bools, scores: Float64s, tolerance: float = 0.0, *, at_most: Float64s | None = None) -> Bools:
        """Who of the images left in each part has the highest score, or may have it where scores reach `at_most`."""
        least = np.full(self.count, -np.inf)
        np.maximum.at(least, self.part[left], scores[left])
        return left & ((scores if at_most is None else at_most) >= least[self.part] - tolerance)

    def links_among(self, left: Bools) -> Ties:
        if left.all():
            return self.links
        return self.links.where(left[self.links.first] & left[self.links.second])

    def place_of(self, image_id: bytes) -> int | None:
        return self._places.get(image_id)

    def are_together(self, left: bytes, right: bytes) -> bool:
        first, second = self.place_of(left), self.place_of(right)
        return first is not None and second is not None and bool(self.part[first] == self.part[second])

    @cached_property
    def _places(self) -> dict[bytes, int]:
        return {image_id: place for place, image_id in enumerate(self.images["image_id"].tolist())}


def joined(labels: Places, first: Places, second: Places) -> Places:
    """Labels (n,) after the pairs were joined: of all that hangs together the least one; each labels itself.

    Every label is hooked to the least one that it meets and then follows it to the end, until no pair is apart (after
    Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", 1982).
    """
    while True:
        left, right = labels[first], labels[second]
        apart = left != right
        if not apart.any():
            return labels
        leader = np.arange(len(labels))
        np.minimum.at(leader, np.maximum(left, right)[apart], np.minimum(left, right)[apart])
        while not np.array_equal(further := leader[leader], leader):
            leader = further
        labels = leader[labels]
