"""Groups made of single values, one after the other: what those made of columns are held against."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from dedup_core.comparison.verdict import VerdictKind
from dedup_core.decoding.history.jpeg_tables import quality_seen_later
from dedup_core.groups.facts import FAMILIES, Decided, Decision, Family, ImageFacts, Link
from dedup_core.groups.group import Group, Member, may_go
from dedup_core.groups.keeper import KeeperPolicy, KeeperStep

type Key = tuple[bytes, bytes]
type Record = ImageFacts | Link | Decided


class PlainGroup(NamedTuple):
    """What a `Group` says of itself."""

    family: Family
    id: str
    newest_at: int
    is_decided: bool
    is_identical: bool
    bytes_to_gain: int
    keeper: ImageFacts
    members: tuple[Member, ...]
    steps: list[KeeperStep]

    @property
    def images(self) -> list[ImageFacts]:
        return [self.keeper, *(it.facts for it in self.members)]

    @classmethod
    def of(cls, group: Group) -> "PlainGroup":
        steps = [reason.step for reason in group.reasons]
        told = group.newest_at, group.is_decided, group.is_identical, group.bytes_to_gain
        return cls(group.family, group.id, *told, group.keeper, group.members, steps)


def plain_group(family: Family, keeper: ImageFacts, members: tuple[Member, ...], steps: list[KeeperStep]) -> PlainGroup:
    first = min(keeper.image_id, *(it.facts.image_id for it in members))
    newest = max(it.link.verified_at if it.link else it.decided.at if it.decided else 0 for it in members)
    is_identical = bool(keeper.content) and {it.facts.content for it in members} == {keeper.content}
    gain = sum(it.facts.byte_size for it in members if may_go(family, it))
    totals = newest, all(it.decided for it in members), is_identical, gain
    return PlainGroup(family, f"{first.hex()}-{family.value}", *totals, keeper, members, steps)


class PlainGroups:
    """The same as `GroupProjection`, as slow as it is simple. Reasons are told by their steps alone."""

    def __init__(self, records: Iterable[Record], policy: KeeperPolicy) -> None:
        self.policy = policy
        self.images: dict[bytes, ImageFacts] = {}
        self.links: dict[Key, Link] = {}
        self.decided: dict[Key, Decided] = {}
        for record in records:
            known, key = self._place(record)
            if record.outranks(known.get(key)):
                known[key] = record

    def _place(self, record):
        if isinstance(record, ImageFacts):
            return self.images, record.image_id
        return (self.links if isinstance(record, Link) else self.decided), record.key

    def groups(self) -> list["PlainGroup"]:
        copies = list(self._of(Family.SAME, {}))
        keepers = {image.image_id: it.keeper.image_id for it in copies for image in it.images}
        rest = [it for family in Family if family is not Family.SAME for it in self._of(family, keepers)]
        return sorted(copies + rest, key=lambda it: (-it.newest_at, it.id))

    def _of(self, family: Family, keepers: dict[bytes, bytes]) -> Iterator["PlainGroup"]:
        known = [key for key in self.links.keys() | self.decided.keys() if self._family(key) is family]
        keys = [key for key in known if self._in_force(key) or not self._is_answered(key, keepers, known)]
        partners = defaultdict(set)
        for first, second in keys:
            partners[first].add(second)
            partners[second].add(first)
        waiting = parts(set(partners), partners)
        while waiting:
            part = waiting.pop()
            links = [self.links[key] for key in keys if key in self.links and part.issuperset(key)]
            decided = [self.decided[key] for key in keys if self._in_force(key) and part.issuperset(key)]
            keeper, steps, settled = elect(sorted(part), self.images, links, decided, self.policy)
            taken = sorted(partners[keeper] & part)
            apart = {it for key in combinations(taken, 2) if self._is_apart(key) for it in key}
            apart |= {it for it in taken for other in {keeper, *taken} - {it} if self._are_wished_for(it, other)}
            members = tuple(self._member(keeper, other, other in settled, other in apart) for other in taken)
            yield plain_group(family, self.images[keeper], members, steps)
            waiting += parts(part - {keeper, *taken}, partners)

    def _is_answered(self, key: Key, keepers: dict[bytes, bytes], known: list[Key]) -> bool:
        first, second = sorted(keepers.get(it, it) for it in key)
        return first == second or ((first, second) != key and (first, second) in known)

    def _family(self, key: Key) -> Family | None:
        first, second = map(self.images.get, key)
        if not (first and second and first.is_alive and second.is_alive):
            return None
        link, verdict = self.links.get(key), None
        if link and (link.first_version, link.second_version) == (first.version, second.version):
            verdict = FAMILIES.get(link.kind)
        if not self._in_force(key):
            return verdict
        match self.decided[key].decision:
            case Decision.NOT_DUPLICATE:
                return Family.APART
            case Decision.DUPLICATE:
                return Family.SAME
            case _:
                return verdict or Family.SAME

    def _in_force(self, key: Key) -> bool:
        decided = self.decided.get(key)
        if decided is None or decided.decision is None:
            return False
        about = zip((decided.first_content, decided.second_content), key, strict=True)
        return all(content in {b"", self.images[image_id].content} for content, image_id in about)

    def _are_wished_for(self, one: bytes, other: bytes) -> bool:
        contents = {self.images[it].content for it in (one, other)}
        return len(contents - {b""}) == 2 and any(
            it.decision in {Decision.NOT_DUPLICATE, Decision.KEEP_BOTH}
            for it in self.decided.values()
            if {it.first_content, it.second_content} == contents
        )

    def _is_apart(self, key: Key) -> bool:
        return self._in_force(key) and self.decided[key].decision is not Decision.DUPLICATE

    def _member(self, keeper: bytes, other: bytes, is_settled: bool, is_apart: bool) -> Member:
        key = min(keeper, other), max(keeper, other)
        decided = self.decided.get(key)
        if decided and decided.decision is None:
            decided = None
        known = (decided, None) if self._in_force(key) else (None, decided)
        link = self.links.get(key)
        is_unsure = link is not None and link.kind is VerdictKind.ALTERED and not is_settled
        is_unsure &= known[0] is None or known[0].decision is Decision.DUPLICATE
        return Member(self.images[other], link, *known, is_unsure, is_apart)


def parts(free: set[bytes], partners: dict[bytes, set[bytes]]) -> list[set[bytes]]:
    """What hangs together of the free ones, where two and more do."""
    found = []
    free = set(free)
    while free:
        part, ahead = set(), [free.pop()]
        while ahead:
            part.add(ahead[-1])
            ahead += [other for other in partners[ahead.pop()] if other in free]
            free.difference_update(ahead)
        found += [part] * (len(part) > 1)
    return found


def elect(
    left: list[bytes],
    images: dict[bytes, ImageFacts],
    links: list[Link],
    decided: list[Decided],
    policy: KeeperPolicy,
) -> tuple[bytes, list[KeeperStep], set[bytes]]:
    """The keeper, the steps that put somebody out, and of whom it is known that they go for the keeper if altered."""
    part, steps, settled = left, [], set()
    is_asked = KeeperStep.CLEAR in policy.steps
    settling = set(policy.steps[: policy.steps.index(KeeperStep.CLEAR)]) if is_asked else set()
    settling = (settling | {KeeperStep.PREFIX}) - {KeeperStep.PERSON}
    for step in policy.steps:
        of = {it: [link for link in links if it in link.key and link.other(it) in left] for it in left}
        stays = staying(step, left, images, of, decided, policy)
        steps += [step] * (len(stays) < len(left))
        settled |= (set(left) - set(stays)) if step in settling else set()
        left = stays
    keeper = min(left, key=lambda it: (len(images[it].path.split("/")[-1]), images[it].path, it))
    settled |= {it for it in part for word in decided if word.keeper == keeper and set(word.key) == {keeper, it}}
    ours = [link for link in links if keeper in link.key and is_asked]
    settled |= {it for link in ours if has_mark(link, it := link.other(keeper), images) and not bears(link, keeper)}
    return keeper, steps, settled


def has_mark(link: Link, image_id: bytes, images: dict[bytes, ImageFacts]) -> bool:
    """Whether one may have been made of the other by what lies over or around it: not of one half as large."""
    ours, theirs = true_size(images[image_id]), true_size(images[link.other(image_id)])
    ways = [ours] if link.is_upright else [ours, ours[::-1]]
    return bears(link, image_id) and all(any(a < 2 * (b - 1) for a, b in zip(way, theirs, strict=True)) for way in ways)


def true_size(image: ImageFacts) -> tuple[float, float]:
    longer = max(1, image.width, image.height)
    true = image.detail_side or longer
    return image.width * (true / longer), image.height * (true / longer)


def bears(link: Link, image_id: bytes) -> bool:
    side = link.side(image_id)
    return side.is_framed or (side.is_overlaid and link.kind is VerdictKind.ALTERED)


def staying(  # noqa: C901, PLR0911, PLR0912 - an answer for each step
    step: KeeperStep,
    left: list[bytes],
    images: dict[bytes, ImageFacts],
    links: dict[bytes, list[Link]],
    decided: list[Decided],
    policy: KeeperPolicy,
) -> list[bytes]:
    def best(score: Callable[[ImageFacts], float], tolerance: float = 0.0) -> list[bytes]:
        scores = {it: score(images[it]) for it in left}
        return [it for it in left if scores[it] >= max(scores.values()) - tolerance]

    def marked(image: ImageFacts) -> bool:
        return any(has_mark(link, image.image_id, images) for link in links[image.image_id])

    def missing(image: ImageFacts) -> float:
        ours, id_ = links[image.image_id], image.image_id
        return max([0.0, *(it.side(id_).shared - it.side(it.other(id_)).shared for it in ours)])

    def upright(image: ImageFacts) -> float:
        ours = links[image.image_id]
        return sum(link.is_upright for link in ours) / len(ours) if ours else 0.0

    def side(image: ImageFacts) -> int:
        return max(image.width, image.height)

    def is_enlarged(image: ImageFacts) -> bool:
        return image.detail_side < side(image)

    def octaves(image: ImageFacts) -> tuple[float, float]:
        middle = math.log2(image.detail_side)
        return (middle - 0.25, middle + 0.5) if is_enlarged(image) else (middle, middle)

    match step:
        case KeeperStep.PREFIX:
            return best(lambda it: -policy.protection(it.path))
        case KeeperStep.PERSON:
            chosen = [it for it in decided if it.keeper in left]
            out = {(set(it.key) - {it.keeper}).pop() for it in chosen}
            return [max(chosen, key=lambda it: (it.keeper not in out, it.at, it.keeper)).keeper] if chosen else left
        case KeeperStep.CLEAR:
            return best(lambda it: -marked(it))
        case KeeperStep.SCENE:
            return best(lambda it: -missing(it), 0.05)
        case KeeperStep.UPRIGHT:
            return best(upright)
        case KeeperStep.DETAIL:
            if any(images[it].detail_side == 0 for it in left):
                return best(lambda it: math.log2(1 + side(it)), 0.02)
            least = max(octaves(images[it])[0] for it in left) - 0.02
            likely = [it for it in left if octaves(images[it])[1] >= least]
            natural = min((side(images[it]) for it in likely if not is_enlarged(images[it])), default=math.inf)
            return [it for it in likely if not (is_enlarged(images[it]) and side(images[it]) > 1.1 * natural)]
        case KeeperStep.COLOR:
            return best(lambda it: not it.is_gray)
        case KeeperStep.CAMERA:
            return best(lambda it: it.has_camera_data)
        case KeeperStep.QUALITY:
            saved = {it: 110 if images[it].quality == 100 else images[it].quality for it in left}
            return best(lambda it: 0 if it.format in {"WEBP", "AVIF", "GIF"} else saved[it.image_id], 5)
        case KeeperStep.FIRST_SAVE:
            lost = [quality_seen_later(it.quality) for it in map(images.get, left) if not it.saved_again]
            return [it for it in left if not (images[it].saved_again and images[it].quality <= max(lost, default=0))]
        case KeeperStep.EARLIER:
            is_known = all(images[it].added_at for it in left)
            return best(lambda it: -it.added_at) if is_known else left
        case KeeperStep.LARGER:
            return best(lambda it: it.width * it.height)
