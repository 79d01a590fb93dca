"""The groups of all images, kept up to date as records come; the order in which they come does not matter.

Verdicts are held in columns, and groups are made of all that changed at once: half a million pairs are taken in as one
is, in a second or two.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.columns import VERDICT, Bools, Places, Records, link_of
from dedup_core.groups.facts import FAMILIES, Decided, Family, ImageFacts, Link
from dedup_core.groups.families import FAMILY_NUMBERS, decided_family, families_of, is_in_force, ties_of
from dedup_core.groups.group import Group, Material, Member, groups_of, may_go
from dedup_core.groups.image_table import ImageTable
from dedup_core.groups.keeper import KeeperPolicy, KeeperStep
from dedup_core.groups.pair_table import PAIRS, Pairs, PairTable, key_of, keys_of, slots_of
from dedup_core.groups.parts import joined
from dedup_core.groups.rounds import take_in_rounds
from dedup_core.groups.wishes import Wishes

NOBODY = -1


class GroupProjection:
    """What is known of images, pairs and decisions, and the groups that follow from it. Not for several threads."""

    def __init__(self, policy: KeeperPolicy | None = None) -> None:
        self._policy = policy or KeeperPolicy()
        self._images = ImageTable()
        self._pairs = PairTable()
        self._decided: dict[int, Decided] = {}  # by the key of the pair
        self._wishes = Wishes()
        self._chosen: defaultdict[bytes, set[int]] = defaultdict(set)  # by the image: the pairs it was to stay of
        self._labels: Places = np.empty(0, np.intp)  # which slots hang together, by whatever pair
        self._groups: dict[Family, dict[int, Group]] = {family: {} for family in Family}  # by the slots of its images
        self._dirty: set[int] = set()  # slots of images about which something else is known

    def add(self, records: Records) -> None:
        """Take in many records; older ones than those that are known change nothing."""
        self._images.add(records.images, records.paths)
        first, second = (
            [self._images[image_id] for image_id in records.links[name].tolist()] for name in ("first", "second")
        )
        rows = np.empty(len(first), PAIRS)
        rows["key"] = keys_of(first, second)
        for name, _ in VERDICT:
            rows[name] = records.links[name]
        self._pairs.add(rows)
        for decided in records.decided:
            slots = self._images[decided.first], self._images[decided.second]
            key = key_of(*slots)
            if decided.outranks(before := self._decided.get(key)):
                self._decided[key] = decided
                self._wishes.note(key, decided, before)
                if decided.keeper:
                    self._chosen[decided.keeper].add(key)
                self._pairs.add_unverified(key)
                self._dirty.update(slots)

    def image(self, image_id: bytes) -> ImageFacts | None:
        self._take_in()
        return self._images.image(image_id)

    def decided(self, left: bytes, right: bytes) -> Decided | None:
        """What was last decided about a pair, in force or not; None where it was taken back."""
        found = self._decided.get(self._key(left, right))
        return found if found is not None and found.decision is not None else None

    def link(self, left: bytes, right: bytes) -> Link | None:
        self._take_in()
        row = self._pairs.find(self._key(left, right))
        return None if row is None else link_of((*_sorted(left, right), *row[1:]))

    def verdicts_since(self, moment: int) -> Iterator[tuple[int, VerdictKind]]:
        """When and what was last said of the pairs of which it was said then or later, current or not."""
        self._take_in()
        return self._pairs.verdicts_since(moment)

    def decisions_since(self, moment: int) -> Iterator[Decided]:
        """What was decided last about pairs then or later, unless it was taken back."""
        return (it for it in self._decided.values() if it.at >= moment and it.decision is not None)

    def chosen(self, image_id: bytes) -> Iterator[Decided]:
        """What was decided last about pairs, of those of which this image was chosen to stay."""
        found = (self._decided[key] for key in self._chosen.get(image_id, ()))
        return (it for it in found if it.keeper == image_id and it.decision is not None)

    def decisions(self) -> Iterator[tuple[ImageFacts, ImageFacts, Link | None, Decided]]:
        """Every decision in force, its two images, and the verdict on them as they are, where there is one."""
        for decided in self._decided.values():
            first, second = self.image(decided.first), self.image(decided.second)
            if first is None or second is None or decided.decision is None or not is_in_force(decided, first, second):
                continue
            link = self.link(decided.first, decided.second)
            yield first, second, link if link is not None and link.is_about(first, second) else None, decided

    def is_copy(self, keeper: bytes, other: bytes, *, by_word: bool = False) -> bool:
        """Whether the other one may go for this keeper, as `may_go` has it, whoever the policy would keep.

        Not what stays in the group of now because a person chose it, beside whichever image. Of an altered pair a
        person has to have chosen this keeper, or the group of now has to know that it stays. With `by_word` it goes by
        no verdict: a person has to have decided that it is a copy.
        """
        first, second = (self.image(it) for it in _sorted(keeper, other))
        if first is None or second is None or not (first.is_alive and second.is_alive):
            return False
        facts = first if first.image_id == other else second
        link = self.link(keeper, other)
        family = FAMILIES.get(link.kind) if link is not None and link.is_about(first, second) else None
        decided, lapsed = self.decided(keeper, other), None
        if decided is not None and is_in_force(decided, first, second):
            family = decided_family(decided, family)
        else:
            decided, lapsed = None, decided
        if by_word and decided is None:
            return False
        group = self.group_of(other, Family.SAME)
        if group is not None and group.keeper.image_id == other and KeeperStep.PERSON in group.steps:
            return False
        is_chosen = decided is not None and decided.keeper == keeper
        is_unsure = group is not None and other in group.unsure
        if link is not None and link.kind is VerdictKind.ALTERED and not is_chosen:
            is_unsure |= group is None or group.keeper.image_id != keeper
        is_told_apart = group is not None and other in group.told_apart
        is_told_apart |= second.content in self._wishes.of([first.content]).get(first.content, ())
        return family is Family.SAME and may_go(family, Member(facts, link, decided, lapsed, is_unsure, is_told_apart))

    def is_wanted_beside(self, content: bytes, keeper: bytes) -> bool:
        """Whether a person wanted an image with this content to stay beside that keeper, or beside a copy of it."""
        group, alone = self.group_of(keeper, Family.SAME), self.image(keeper)
        beside = group.images if group else [alone] if alone else ()
        wanted = self._wishes.of([content]).get(content, ())
        return any(image.content in wanted for image in beside)

    def group_of(self, image_id: bytes, family: Family) -> Group | None:
        self.settle()
        return self._groups[family].get(self._images.get(image_id, -1))

    def group(self, group_id: str) -> Group | None:
        """The group with this id, if there still is one."""
        text, _, family = group_id.partition("-")
        try:
            first, of = bytes.fromhex(text), Family(family)
        except ValueError:
            return None
        group = self.group_of(first, of)
        return group if group is not None and group.id == group_id else None

    def groups(self) -> list[Group]:
        """All groups, the newest first."""
        self.settle()
        found = {id(group): group for by_slot in self._groups.values() for group in by_slot.values()}
        return sorted(found.values(), key=lambda group: (-group.newest_at, group.id))

    def settle(self) -> None:
        """Make the groups anew wherever something changed; a group hangs on nothing outside of what hangs together."""
        self._take_in()
        if not self._dirty:
            return
        is_dirty = np.zeros(len(self._labels), bool)
        is_dirty[self._labels[list(self._dirty)]] = True
        self._dirty.clear()
        inside = is_dirty[self._labels]
        for by_slot in self._groups.values():
            for slot in np.flatnonzero(inside).tolist() if by_slot else ():
                by_slot.pop(slot, None)
        pairs = self._pairs.touching(inside)
        if len(pairs):
            self._regroup(pairs)

    def _key(self, left: bytes, right: bytes) -> int:
        """The key of a pair; -1, which no pair has, where an image was never heard of."""
        first, second = (self._images.get(it) for it in _sorted(left, right))
        return -1 if first is None or second is None else key_of(first, second)

    def _take_in(self) -> None:
        """Bring images, pairs and what hangs together up to date."""
        self._dirty.update(self._images.take_in().tolist())
        changed = slots_of(self._pairs.take_in())
        if len(self._labels) < len(self._images):
            self._labels = np.concatenate([self._labels, np.arange(len(self._labels), len(self._images))])
        if len(changed[0]):
            self._labels = joined(self._labels, *changed)
            self._dirty.update(np.unique(np.concatenate(changed)).tolist())

    def _regroup(self, pairs: Pairs) -> None:
        """Make all groups of the images that these pairs are about."""
        ends = slots_of(pairs["key"])
        slots = np.unique(np.concatenate(ends)).tolist()
        slots.sort(key=self._images.ids.__getitem__)
        place = np.empty(len(self._images), np.intp)
        place[slots] = np.arange(len(slots))
        keys = pairs["key"].tolist() if self._decided else ()
        decided = {
            at: found
            for at, key in enumerate(keys)
            if (found := self._decided.get(key)) is not None and found.decision is not None
        }
        in_force = {at: it for at, it in decided.items() if self._is_in_force(it)}
        images, first, second = self._images.rows[slots], place[ends[0]], place[ends[1]]
        paths = [self._images.paths[slot] for slot in slots]
        contents = set(images["content"].tolist()) if self._wishes else ()
        wishes = self._wishes.of(contents)
        material = Material(images, paths, pairs, first, second, decided, in_force, wishes, self._policy)
        families = families_of(pairs, images, first, second, in_force)
        is_decided = np.zeros(len(pairs), bool)
        is_decided[list(in_force)] = True
        copies_of = np.full(len(slots), NOBODY)  # the keeper of each image that is in a group of copies
        for family in sorted(FAMILY_NUMBERS, key=lambda it: it is not Family.SAME):
            is_ours = families == FAMILY_NUMBERS.index(family)
            chosen = np.flatnonzero(is_ours & (is_decided | ~_are_answered(copies_of, first, second, is_ours)))
            if not len(chosen):
                continue
            ties = ties_of(pairs[chosen], first[chosen], second[chosen])
            decided_here = [in_force[at] for at in in_force.keys() & set(chosen.tolist())] if in_force else []
            for made in take_in_rounds(images, paths, ties, decided_here, self._policy):
                if family is Family.SAME:
                    copies_of[made.keepers] = made.keepers
                    copies_of[made.members] = np.repeat(made.keepers, np.diff(made.starts, append=len(made.members)))
                for group, places in groups_of(family, material, replace(made, links=chosen[made.links])):
                    for it in places:
                        self._groups[family][slots[it]] = group

    def _is_in_force(self, decided: Decided) -> bool:
        first, second = self._images.image(decided.first), self._images.image(decided.second)
        return first is not None and second is not None and is_in_force(decided, first, second)


def _are_answered(copies_of: Places, first: Places, second: Places, is_ours: Bools) -> Bools:
    """Of which pairs nobody is asked unless a person has decided about them: two copies of one keeper, and a copy
    beside something that its keeper is asked about as well.
    """
    keepers = np.where(copies_of == NOBODY, np.arange(len(copies_of)), copies_of)
    ours, theirs = keepers[first], keepers[second]
    pairs = np.minimum(first, second) * len(keepers) + np.maximum(first, second)
    instead = np.minimum(ours, theirs) * len(keepers) + np.maximum(ours, theirs)
    answered: Bools = ours == theirs
    moved = np.flatnonzero(is_ours & (instead != pairs))
    if len(moved):
        answered[moved] |= np.isin(instead[moved], pairs[is_ours])
    return answered


def _sorted(left: bytes, right: bytes) -> tuple[bytes, bytes]:
    return (left, right) if left <= right else (right, left)
