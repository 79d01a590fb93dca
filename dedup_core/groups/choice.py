"""The keeper of a few images of which one at a time is compared, before it is known what holds together."""

from collections.abc import Iterable

import numpy as np

from dedup_core.groups.columns import Records
from dedup_core.groups.facts import ImageFacts, Link
from dedup_core.groups.families import ties_of
from dedup_core.groups.keeper import KeeperPolicy, elect
from dedup_core.groups.parts import Parts
from dedup_core.groups.reasons import Reason, reason


def choose_keeper(
    images: Iterable[ImageFacts], links: Iterable[Link], policy: KeeperPolicy
) -> tuple[ImageFacts, tuple[Reason, ...]]:
    """The one to keep, and why, by the links among these images; links with others say nothing."""
    candidates = sorted(images, key=lambda image: image.image_id)
    places = {image.image_id: place for place, image in enumerate(candidates)}
    inside = [link for link in links if link.first in places and link.second in places]
    columns = Records.of([*candidates, *inside])
    ends = (np.array([places[it] for it in ids], np.intp) for ids in zip(*(link.key for link in inside), strict=True))
    first, second = ends if inside else (np.empty(0, np.intp),) * 2
    part = np.zeros(len(candidates), np.intp)
    parts = Parts(columns.images, columns.paths, part, 1, ties_of(columns.links, first, second))
    elected = elect(parts, policy)
    [keeper], [steps] = elected.keepers, elected.steps
    chosen = candidates[keeper]
    return chosen, tuple(reason(step, chosen, policy, candidates) for step in steps)
