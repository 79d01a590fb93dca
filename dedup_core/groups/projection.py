"""The groups of all images, kept up to date record by record; the order in which records come does not matter."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from dedup_core.groups.facts import FAMILIES, Decided, Decision, Family, ImageFacts, Link
from dedup_core.groups.keeper import Copies, KeeperPolicy, Reason, elect

type Key = tuple[bytes, bytes]


@dataclass(frozen=True)
class Member:
    """An image of a group that is not its keeper: what was verified against the keeper, and what was decided.

    `link` is None where only a person's word holds the two together. `lapsed` was decided about other bytes.
    """

    facts: ImageFacts
    link: Link | None
    decided: Decided | None
    lapsed: Decided | None


@dataclass(frozen=True)
class Group:
    """A keeper and the images verified directly against it. `newest_at`: when the latest of these was verified."""

    family: Family
    keeper: ImageFacts
    reasons: tuple[Reason, ...]
    members: tuple[Member, ...]
    newest_at: int

    @cached_property
    def id(self) -> str:
        """The same for the same images, whoever of them is the keeper."""
        first = min([self.keeper.image_id, *(member.facts.image_id for member in self.members)])
        return f"{first.hex()}-{self.family.value}"

    @cached_property
    def is_decided(self) -> bool:
        return all(member.decided is not None for member in self.members)

    @cached_property
    def bytes_to_gain(self) -> int:
        """What the images hold that could go."""
        return sum(member.facts.byte_size for member in self.members if may_go(self.family, member))

    @cached_property
    def is_identical(self) -> bool:
        return bool(self.keeper.content) and all(it.facts.content == self.keeper.content for it in self.members)

    @property
    def images(self) -> Iterator[ImageFacts]:
        yield self.keeper
        yield from (member.facts for member in self.members)


def may_go(family: Family, member: Member) -> bool:
    """Whether a plan may name the image: a copy by its verdict, unless a person wants it, or by a person's word."""
    decision = member.decided.decision if member.decided else None
    return decision is Decision.DUPLICATE or (decision is None and family is Family.SAME)


class GroupProjection:
    """What is known of images, pairs and decisions, and the groups that follow from it. Not for several threads."""

    def __init__(self, policy: KeeperPolicy | None = None) -> None:
        self._policy = policy or KeeperPolicy()
        self._images: dict[bytes, ImageFacts] = {}
        self._links: dict[Key, Link] = {}
        self._decided: dict[Key, Decided] = {}
        self._neighbors: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._groups: dict[bytes, dict[Family, Group]] = {}  # by each image that is in one
        self._dirty: set[bytes] = set()

    def add_image(self, facts: ImageFacts) -> None:
        """Take in what is known of an image; older facts than those that are known change nothing."""
        if facts.outranks(self._images.get(facts.image_id)):
            self._images[facts.image_id] = facts
            if facts.image_id in self._neighbors:
                self._dirty.add(facts.image_id)

    def add_link(self, link: Link) -> None:
        """Take in a verdict; an older one than that which is known changes nothing."""
        key = link.first, link.second
        if link.outranks(self._links.get(key)):
            self._connect(key)
            self._links[key] = link

    def add_decided(self, decided: Decided) -> None:
        """Take in a decision; an older one than that which is known changes nothing."""
        if decided.outranks(self._decided.get(decided.key)):
            self._connect(decided.key)
            self._decided[decided.key] = decided

    def image(self, image_id: bytes) -> ImageFacts | None:
        return self._images.get(image_id)

    def decided(self, left: bytes, right: bytes) -> Decided | None:
        """What was last decided about a pair, in force or not; None where it was taken back."""
        found = self._decided.get(_key(left, right))
        return found if found is not None and found.decision is not None else None

    def link(self, left: bytes, right: bytes) -> Link | None:
        return self._links.get(_key(left, right))

    def links_since(self, moment: int) -> Iterator[Link]:
        """Pairs whose newest verdict is from then or later, current or not."""
        return (link for link in self._links.values() if link.verified_at >= moment)

    def decisions_since(self, moment: int) -> Iterator[Decided]:
        """What was decided last about pairs then or later, unless it was taken back."""
        return (it for it in self._decided.values() if it.at >= moment and it.decision is not None)

    def decisions(self) -> Iterator[tuple[ImageFacts, ImageFacts, Link | None, Decided]]:
        """Every decision in force, its two images, and the verdict on them as they are, where there is one."""
        for key in self._decided:
            first, second = self._images.get(key[0]), self._images.get(key[1])
            if first is None or second is None or (decided := self._in_force(key, first, second)) is None:
                continue
            link = self._links.get(key)
            is_current = link and (link.first_version, link.second_version) == (first.version, second.version)
            yield first, second, link if is_current else None, decided

    def is_copy(self, keeper: bytes, other: bytes) -> bool:
        """Whether the other one may go for this keeper, as `may_go` has it, whoever the policy would keep."""
        key = _key(keeper, other)
        first, second = self._images.get(key[0]), self._images.get(key[1])
        if first is None or second is None or self._family(key) is not Family.SAME:
            return False
        return may_go(Family.SAME, Member(second, self._links.get(key), self._in_force(key, first, second), None))

    def group_of(self, image_id: bytes, family: Family) -> Group | None:
        self._settle()
        return self._groups.get(image_id, {}).get(family)

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
        self._settle()
        found = [
            group
            for image_id, by_family in self._groups.items()
            for group in by_family.values()
            if group.keeper.image_id == image_id
        ]
        return sorted(found, key=lambda group: (-group.newest_at, group.id))

    def _connect(self, key: Key) -> None:
        if key not in self._links and key not in self._decided:
            first, second = key
            self._neighbors[first].append(second)
            self._neighbors[second].append(first)
        self._dirty.update(key)

    def _settle(self) -> None:
        """Make the groups anew wherever something changed; a group hangs on nothing outside of its component."""
        seen: set[bytes] = set()
        for start in self._dirty:
            if start not in seen:
                component = _reachable(start, self._neighbors)
                seen |= component
                for image_id in component:
                    self._groups.pop(image_id, None)
                self._regroup(component)
        self._dirty.clear()

    def _regroup(self, component: set[bytes]) -> None:
        by_family: dict[Family, list[Key]] = {}
        for first in component:
            for second in self._neighbors.get(first, ()):
                if first < second and (family := self._family((first, second))) is not None:
                    by_family.setdefault(family, []).append((first, second))
        for family in sorted(by_family, key=lambda it: it is not Family.SAME):
            asked = [key for key in by_family[family] if family is Family.SAME or not self._is_answered(key)]
            for group in self._grouped(family, asked):
                for image in group.images:
                    self._groups.setdefault(image.image_id, {})[family] = group

    def _is_answered(self, key: Key) -> bool:
        """Whether both are copies of one keeper, and nobody has decided about them: then nobody is asked."""
        groups = (self._groups.get(image_id, {}).get(Family.SAME) for image_id in key)
        first, second = groups
        if first is None or first is not second:
            return False
        return self._in_force(key, self._images[key[0]], self._images[key[1]]) is None

    def _family(self, key: Key) -> Family | None:
        """Where the pair belongs: a decision about these contents counts, else a verdict on these versions."""
        first, second = self._images.get(key[0]), self._images.get(key[1])
        if first is None or second is None or not (first.is_alive and second.is_alive):
            return None
        link = self._links.get(key)
        is_current = link is not None and (link.first_version, link.second_version) == (first.version, second.version)
        verdict = FAMILIES.get(link.kind) if link is not None and is_current else None
        decided = self._in_force(key, first, second)
        if decided is None:
            return verdict
        if decided.decision is Decision.NOT_DUPLICATE:
            return Family.APART
        return Family.SAME if decided.decision is Decision.DUPLICATE else verdict or Family.SAME

    def _in_force(self, key: Key, first: ImageFacts, second: ImageFacts) -> Decided | None:
        decided = self._decided.get(key)
        if decided is None or decided.decision is None:
            return None
        contents = (decided.first_content, first.content), (decided.second_content, second.content)
        # Decisions that were written by hand name no content.
        return decided if all(about in {b"", content} for about, content in contents) else None

    def _grouped(self, family: Family, keys: list[Key]) -> Iterator[Group]:
        partners: dict[bytes, list[bytes]] = defaultdict(list)
        for first, second in keys:
            partners[first].append(second)
            partners[second].append(first)
        links = {key: link for key in keys if (link := self._links.get(key)) is not None}
        decided = {key: it for key in keys if (it := self._decided.get(key)) is not None and it.decision}
        seen: set[bytes] = set()
        for start in sorted(partners):
            if start in seen:
                continue
            free = _reachable(start, partners)
            seen |= free
            inside = [
                key for one in free for other in partners[one] if (key := (one, other)) in links or key in decided
            ]
            copies = Copies(
                self._images,
                [links[key] for key in inside if key in links],
                [decided[key] for key in inside if key in decided],
            )
            while len(free) > 1:
                keeper, reasons = elect(free, copies, self._policy)
                taken = sorted(free.intersection(partners[keeper]))
                free -= {keeper, *taken}
                if taken:
                    yield self._group(family, keeper, reasons, taken)

    def _group(self, family: Family, keeper: bytes, reasons: tuple[Reason, ...], taken: Iterable[bytes]) -> Group:
        members = tuple(self._member(keeper, image_id) for image_id in taken)
        times = [
            member.link.verified_at if member.link else member.decided.at if member.decided else 0 for member in members
        ]
        return Group(family, self._images[keeper], reasons, members, max(times))

    def _member(self, keeper: bytes, image_id: bytes) -> Member:
        key = _key(keeper, image_id)
        decided = self.decided(*key)
        in_force = self._in_force(key, self._images[key[0]], self._images[key[1]])
        return Member(self._images[image_id], self._links.get(key), in_force, decided if in_force is None else None)


def _key(left: bytes, right: bytes) -> Key:
    return (left, right) if left <= right else (right, left)


def _reachable(start: bytes, partners: dict[bytes, list[bytes]]) -> set[bytes]:
    found, ahead = {start}, [start]
    while ahead:
        for other in partners.get(ahead.pop(), ()):
            if other not in found:
                found.add(other)
                ahead.append(other)
    return found
