"""Rounds: each part of linked images elects a keeper, which takes what is linked to it; the rest goes on in parts."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dedup_core.groups.columns import Bools, Images, Places
from dedup_core.groups.facts import Decided
from dedup_core.groups.keeper import KeeperPolicy, KeeperStep, elect
from dedup_core.groups.parts import Parts, Ties, joined


@dataclass(frozen=True, slots=True)
class Round:
    """The groups of one round, (g,) keepers with the steps that spoke for them.

    `members` and `links` (n,) are what they took and by which links, group by group and in the order of their ids;
    those of group i begin at `starts[i]`. All are places in what `take_in_rounds` was given. `is_unsure` (n,): one
    of member and keeper was altered, and nobody can tell which.
    """

    keepers: Places
    steps: Sequence[tuple[KeeperStep, ...]]
    members: Places
    links: Places
    starts: Places
    is_unsure: Bools


def take_in_rounds(
    images: Images, paths: Sequence[str], links: Ties, decided: Collection[Decided], policy: KeeperPolicy
) -> Iterator[Round]:
    """The groups of these images, which are in the order of their ids, by the links between them, each given once."""
    places, numbers = np.arange(len(images)), np.arange(len(links.first))
    free = np.ones(len(images), bool)
    while True:
        between = free[links.first] & free[links.second]
        links, numbers = links.where(between), numbers[between]
        kept = np.unique(np.concatenate([links.first, links.second]))  # who has no link takes nobody
        if not len(kept):
            return
        places, images, paths = places[kept], images[kept], [paths[place] for place in kept.tolist()]
        first, second = np.searchsorted(kept, links.first), np.searchsorted(kept, links.second)
        links = links.between(first, second)
        labels, part = np.unique(joined(np.arange(len(kept)), first, second), return_inverse=True)
        elected = elect(Parts(images, paths, part, len(labels), links, decided), policy)
        keepers = elected.keepers
        is_keeper = np.zeros(len(kept), bool)
        is_keeper[keepers] = True
        takes = np.flatnonzero(is_keeper[first] | is_keeper[second])
        members = np.where(is_keeper[first[takes]], second[takes], first[takes])
        order = np.lexsort((members, part[members]))
        starts = np.searchsorted(part[members][order], np.arange(len(labels)))
        is_unsure = links.altered[takes] & ~elected.is_settled[members]
        yield Round(
            places[keepers], elected.steps, places[members[order]], numbers[takes[order]], starts, is_unsure[order]
        )
        free = ~is_keeper
        free[members] = False
