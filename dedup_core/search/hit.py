"""Hit: what a search finds, and how near it has to be."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from dedup_core.views import View

MAX_DISTANCE_BITS: Final = 78  # docs/fingerprints.md#candidate-threshold
MIN_SHARED_KEYPOINTS: Final = 2  # docs/fingerprints.md#candidate-threshold


@dataclass(frozen=True, slots=True)
class Hit[Id: Hashable = str]:
    """A candidate: an image near the query in `view`, which says how the query must be turned to match it.

    `distance_bits` is that of the nearest windows, about 128 where one picture is a part of the other;
    `shared_keypoints` (0 or at least 2) lie in both in the same arrangement. `version` is that of the content which was
    found, 0 where the index was told none.
    """

    image_id: Id
    distance_bits: int
    view: View
    shared_keypoints: int = 0
    version: int = field(default=0, compare=False)
