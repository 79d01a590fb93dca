"""Groups as they are looked at: a keeper, and the images that were verified directly against it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from dedup_core.groups.columns import IMAGES, Bools, Images, Places, image_of, link_of
from dedup_core.groups.facts import Decided, Decision, Family, ImageFacts, Link
from dedup_core.groups.keeper import KeeperPolicy, KeeperStep
from dedup_core.groups.pair_table import NO_VERDICT, Integers, Pairs, is_verdict
from dedup_core.groups.reasons import Reason, in_words, reason
from dedup_core.groups.rounds import Round
from dedup_core.groups.wishes import is_wish

UNSURE: Final = "it cannot be told which one was altered: choose the one to keep"
TOLD_APART: Final = (
    "a person said of its bytes that they are no copy of another image here, or that both stay: decide whether it is a "
    "copy of the one that stays"
)
CHOSEN: Final = "a person chose it over the one that stays now: choose once more which of the two to keep"
ASKED_AGAIN: Final = "a person wanted it to stay when one of the two had other bytes: decide about it once more"
NOBODY: Final = -1
_UNKNOWN: Final = np.zeros(1, IMAGES)["content"]


@dataclass(frozen=True)
class Member:
    """An image of a group that is not its keeper: what was verified against the keeper, and what was decided.

    `link` is None where only a person's word holds the two together. `lapsed` was decided about other bytes.
    `is_unsure`: something lies over it or over the keeper, and nobody can tell over which. `is_told_apart`: a person
    said of its bytes and those of another image of the group that they are no copies, or that both stay.
    """

    facts: ImageFacts
    link: Link | None
    decided: Decided | None
    lapsed: Decided | None
    is_unsure: bool = False
    is_told_apart: bool = False


@dataclass(frozen=True, eq=False)
class Material:
    """What the groups that were made at one time are made of; nobody changes it.

    Images and their paths in the order of their ids; pairs between them, at `first` and `second`; decisions by the
    places of their pairs, and in which places they are in force; wishes by contents, as `Wishes.of` has them.
    """

    images: Images
    paths: Sequence[str]
    pairs: Pairs
    first: Places
    second: Places
    decided: Mapping[int, Decided]
    in_force: Mapping[int, Decided]
    wishes: Mapping[bytes, Collection[bytes]]
    policy: KeeperPolicy

    def image(self, place: int) -> ImageFacts:
        return image_of(self.images[place].item(), self.paths[place])

    def member(self, place: int, pair: int, is_unsure: bool, is_told_apart: bool) -> Member:
        """The image that a keeper took by the pair."""
        row = self.pairs[pair].item()
        ids = (self.images["image_id"][it[pair]].item() for it in (self.first, self.second))
        decided, in_force = self.decided.get(pair), self.in_force.get(pair)
        link = link_of((*ids, *row[1:])) if is_verdict(row) else None
        lapsed = decided if in_force is None else None
        return Member(self.image(place), link, in_force, lapsed, is_unsure, is_told_apart)


@dataclass(frozen=True, eq=False)
class Group:
    """A keeper and the images verified directly against it. `newest_at`: when the latest of these was verified.

    `id` is the same for the same images, whoever of them is the keeper. `bytes_to_gain` is what the images hold that
    could go. Of half a million images few are looked at, so the rest is made when somebody asks.
    """

    family: Family
    id: str
    newest_at: int
    is_decided: bool
    is_identical: bool
    bytes_to_gain: int
    steps: tuple[KeeperStep, ...]
    _material: Material
    _places: tuple[int, ...]  # the keeper first
    _pairs: tuple[int, ...]
    _are_unsure: tuple[bool, ...]
    _are_told_apart: tuple[bool, ...]

    @cached_property
    def keeper(self) -> ImageFacts:
        return self._material.image(self._places[0])

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        images = [member.facts for member in self.members]
        return tuple(reason(step, self.keeper, self._material.policy, images) for step in self.steps)

    @cached_property
    def members(self) -> tuple[Member, ...]:
        return tuple(map(self._material.member, self._places[1:], self._pairs, self._are_unsure, self._are_told_apart))

    @property
    def is_unsure(self) -> bool:
        """Whether it may be the keeper that something lies over, so that a person has to choose."""
        return any(self._are_unsure)

    @cached_property
    def unsure(self) -> frozenset[bytes]:
        """The ids of the members of which one may be the original, and the keeper what was made of it."""
        return self._ids_where(self._are_unsure)

    @cached_property
    def told_apart(self) -> frozenset[bytes]:
        """The ids of the members that a person told apart from another one."""
        return self._ids_where(self._are_told_apart)

    def _ids_where(self, wanted: Sequence[bool]) -> frozenset[bytes]:
        ids = self._material.images["image_id"]
        members = zip(self._places[1:], wanted, strict=True)
        return frozenset(ids[place].item() for place, is_wanted in members if is_wanted)

    @property
    def why(self) -> list[str]:
        """The reasons in words, and the doubt, where there is one; never nothing."""
        return [*(it.sentence for it in self.reasons), UNSURE] if self.is_unsure else in_words(self.reasons)

    @property
    def images(self) -> Iterator[ImageFacts]:
        yield self.keeper
        yield from (member.facts for member in self.members)

    @property
    def paths(self) -> Iterator[str]:
        """The paths of the images, the keeper's first."""
        return (self._material.paths[place] for place in self._places)


def may_go(family: Family, member: Member) -> bool:
    """Whether a plan may name the image: a copy by its verdict, unless a person wants it, or by a person's word.

    Never where it may be the original and the keeper what was made of it.
    """
    if member.is_unsure or asked_about(member):
        return False
    return family is Family.SAME if member.decided is None else member.decided.decision is Decision.DUPLICATE


def asked_about(member: Member) -> str:
    """Why a person has to decide about it, or to decide anew, before it goes; empty where nothing speaks against that.

    Of two that a person told apart one cannot be a copy of the keeper, or both are wanted. And whoever wanted an image
    to stay is asked once more when one of the two has other bytes: the verdict on them may be as wrong as before. So is
    whoever chose it over the image that is the keeper now, by a later choice between others or by a protected prefix.
    """
    if member.decided is not None:
        return CHOSEN if member.decided.keeper == member.facts.image_id else ""
    if member.is_told_apart:
        return TOLD_APART
    return ASKED_AGAIN if member.lapsed is not None and is_wish(member.lapsed) else ""


def groups_of(family: Family, material: Material, made: Round) -> Iterator[tuple[Group, tuple[int, ...]]]:
    """The groups of a round, each with the places of its images, the keeper's first."""
    if not len(made.keepers):
        return
    images = material.images
    of_group = np.repeat(np.arange(len(made.keepers)), np.diff(made.starts, append=len(made.members)))
    kept = images["content"][made.keepers][of_group] == images["content"][made.members]
    is_same = np.logical_and.reduceat(kept, made.starts) & (images["content"][made.keepers] != _UNKNOWN)
    is_told_apart = _are_told_apart(material, made, of_group)
    may, is_unsure, is_decided, times = _standing(family, material, made, is_told_apart)
    firsts = np.minimum(made.keepers, np.minimum.reduceat(made.members, made.starts))
    ids = images["image_id"][firsts].tolist()
    newest = np.maximum.reduceat(times, made.starts).tolist()
    are_decided = np.logical_and.reduceat(is_decided, made.starts).tolist()
    gains = np.add.reduceat(np.where(may, images["byte_size"][made.members], 0), made.starts).tolist()
    are_same, are_unsure, are_told_apart = is_same.tolist(), is_unsure.tolist(), is_told_apart.tolist()
    members, links = made.members.tolist(), made.links.tolist()
    stops = [*made.starts.tolist()[1:], len(members)]
    for at, (keeper, start, stop) in enumerate(zip(made.keepers.tolist(), made.starts.tolist(), stops, strict=True)):
        places = (keeper, *members[start:stop])
        group = Group(
            family,
            f"{ids[at].hex()}-{family.value}",
            newest[at],
            are_decided[at],
            are_same[at],
            gains[at],
            made.steps[at],
            material,
            places,
            tuple(links[start:stop]),
            tuple(are_unsure[start:stop]),
            tuple(are_told_apart[start:stop]),
        )
        yield group, places


def _standing(
    family: Family, material: Material, made: Round, is_told_apart: Bools
) -> tuple[Bools, Bools, Bools, Integers]:
    """Of each member whether it may go, is unsure and is decided about, and when it was verified, or else decided."""
    pairs, ids = material.pairs[made.links], material.images["image_id"]
    may, is_decided = ~is_told_apart & (family is Family.SAME), np.zeros(len(pairs), bool)
    is_unsure = made.is_unsure.copy()
    times = np.where(pairs["kind"] == NO_VERDICT, 0, pairs["verified_at"])
    for at, place in enumerate(made.links.tolist() if material.decided else ()):
        if (decided := material.in_force.get(place)) is None:
            may[at] &= (lapsed := material.decided.get(place)) is None or not is_wish(lapsed)
        else:
            may[at], is_decided[at] = decided.decision is Decision.DUPLICATE, True
            is_unsure[at] &= may[at]  # who keeps both need not choose
            may[at] &= decided.keeper != ids[made.members[at]].item()
            if pairs["kind"][at] == NO_VERDICT:
                times[at] = decided.at
    return may & ~is_unsure, is_unsure, is_decided, times


def _are_told_apart(material: Material, made: Round, of_group: Places) -> Bools:
    """Of which members a person said, of each and another one of its group, that they are no copies or both stay.

    Or of images with their bytes, under whatever names: then the other one may be the keeper, too.
    """
    found = np.zeros(len(made.members), bool)
    apart = [at for at, it in material.in_force.items() if is_wish(it)]
    if apart:
        number = np.full(len(material.images), NOBODY)
        number[made.members] = np.arange(len(made.members))
        first, second = number[material.first[apart]], number[material.second[apart]]
        are_both = (first != NOBODY) & (second != NOBODY)
        first, second = first[are_both], second[are_both]
        is_one_group = of_group[first] == of_group[second]
        found[first[is_one_group]] = found[second[is_one_group]] = True
    if material.wishes:
        contents = material.images["content"][made.members].tolist()
        kept = material.images["content"][made.keepers].tolist()
        starts = [*made.starts.tolist(), len(contents)]
        for at, content in enumerate(contents):
            if wanted := material.wishes.get(content):
                group = of_group[at]
                beside = {kept[group], *contents[starts[group] : starts[group + 1]]}
                found[at] |= not beside.isdisjoint(wanted)
    return found
