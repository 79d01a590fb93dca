"""Families of pairs: what a verdict on these versions of images, or a decision about their bytes, makes of a pair."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.columns import (
    ALIVE,
    FIRST_FRAMED,
    FIRST_OVERLAID,
    KINDS,
    SECOND_FRAMED,
    SECOND_OVERLAID,
    UPRIGHT,
    Images,
    Places,
    has,
)
from dedup_core.groups.facts import FAMILIES, Decided, Decision, Family, ImageFacts
from dedup_core.groups.pair_table import NO_VERDICT, Integers, Pairs
from dedup_core.groups.parts import Ties

FAMILY_NUMBERS: Final = tuple(Family)
NO_FAMILY: Final = -1
_OF_KIND: Final = np.array(
    [FAMILY_NUMBERS.index(FAMILIES[kind]) if kind in FAMILIES else NO_FAMILY for kind in KINDS] + [NO_FAMILY]
)
_ALTERED: Final = KINDS.index(VerdictKind.ALTERED)


def families_of(
    pairs: Pairs, images: Images, first: Places, second: Places, in_force: Mapping[int, Decided]
) -> Integers:
    """The places in `FAMILY_NUMBERS` of pairs between the images at these places; `NO_FAMILY` where nothing holds.

    `in_force` has the decisions that are, by the places of their pairs.
    """
    versions, is_alive = images["version"], has(images["flags"], ALIVE)
    is_current = (versions[first] == pairs["first_version"]) & (versions[second] == pairs["second_version"])
    families = np.where(is_current & is_alive[first] & is_alive[second], _OF_KIND[pairs["kind"]], NO_FAMILY)
    for place, decided in in_force.items():
        before = None if families[place] == NO_FAMILY else FAMILY_NUMBERS[families[place]]
        families[place] = FAMILY_NUMBERS.index(decided_family(decided, before))
    return families


def decided_family(decided: Decided, verdict: Family | None) -> Family:
    """Where a decision that is in force puts a pair, whatever the verdict, which counts where both are to stay."""
    if decided.decision is Decision.NOT_DUPLICATE:
        return Family.APART
    return Family.SAME if decided.decision is Decision.DUPLICATE else verdict or Family.SAME


def is_in_force(decided: Decided, first: ImageFacts, second: ImageFacts) -> bool:
    """Whether it was not taken back, and both images are there with the bytes that it is about."""
    if decided.decision is None or not (first.is_alive and second.is_alive):
        return False
    return decided.is_about({it.image_id: it.content for it in (first, second)})


def ties_of(pairs: Pairs, first: Places, second: Places) -> Ties:
    """What the keeper is told by, of pairs between the images at these places."""
    flags = pairs["flags"]
    # In a duplicate nothing lies over a picture: what looks like it is detail that the other one has lost. Nor does in
    # another color: what looks like it are colors.
    over = pairs["kind"] == _ALTERED
    return Ties(
        first,
        second,
        pairs["kind"] != NO_VERDICT,
        over,
        has(flags, UPRIGHT),
        has(flags, FIRST_FRAMED) | (has(flags, FIRST_OVERLAID) & over),
        has(flags, SECOND_FRAMED) | (has(flags, SECOND_OVERLAID) & over),
        np.round(pairs["first_shared"].astype(np.float64), 3),
        np.round(pairs["second_shared"].astype(np.float64), 3),
    )
