"""The keep plan: groups -> which images would go, why, and what that saves; nothing here can act on it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.facts import Decision, Family
from dedup_core.groups.group import UNSURE, Group, Member, asked_about, may_go
from dedup_core.groups.reasons import in_words
from dedup_core.paths import ImagePath


class Keep(StrEnum):
    """Who says which images go."""

    POLICY = "policy"
    """Verdicts (`identical`, `duplicate`) and what people decided; the policy names the keeper."""
    DECIDED = "decided"
    """What people decided, and nothing else."""


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """An image as it was when it was planned about: `etag` without quotes, `sha256` in hexadecimal."""

    path: ImagePath
    etag: str
    sha256: str
    byte_size: int


@dataclass(frozen=True, slots=True)
class PlannedCopy:
    """An image that would go. `verdict` is empty where it was never compared; `decided_by` where nobody decided."""

    image: PlannedImage
    verdict: str
    decided_by: str
    why: str


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """An image that stays, why it does, and its copies that would go."""

    group_id: str
    keeper: PlannedImage
    why: tuple[str, ...]
    copies: tuple[PlannedCopy, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An image that could go, but for what is said here."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class KeepPlan:
    """What would go from one account, as it was at `made_at` (ISO 8601, UTC)."""

    account: str
    keep: Keep
    made_at: str
    groups: tuple[PlannedGroup, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def copies(self) -> list[PlannedCopy]:
        return [copy for group in self.groups for copy in group.copies]

    @property
    def going(self) -> Iterator[tuple[PlannedImage, PlannedImage]]:
        """Each image that would go, after the one that stays for it."""
        return ((group.keeper, copy.image) for group in self.groups for copy in group.copies)

    @property
    def bytes_to_gain(self) -> int:
        return sum(copy.image.byte_size for copy in self.copies)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan is narrowed to: verdicts (all if there are none) and the beginning of the names of what would go."""

    keep: Keep = Keep.POLICY
    verdicts: Collection[VerdictKind] = ()
    prefix: str = ""


def plan_groups(
    groups: Iterable[Group], known: Mapping[bytes, PlannedImage], wanted: Wanted
) -> tuple[tuple[PlannedGroup, ...], tuple[LeftOut, ...]]:
    """What would go of the groups, in order of their keepers, and what is left out although it could go.

    `known` has the images by their ids that are still as they were compared. Each image is in one group of copies, so
    no image that stays for another one goes itself.
    """
    planned, left_out = [], []
    for group in sorted(groups, key=lambda group: group.keeper.path):
        going = [member for member in group.members if _is_wanted(group, member, wanted)]
        doubts = ((it, _doubt(group, it)) for it in group.members if _is_asked_for(it, wanted))
        left_out += [LeftOut(it.facts.path, why) for it, why in doubts if why]
        if group.keeper.image_id not in known:
            left_out += [LeftOut(it.facts.path, f"{group.keeper.path}, which would stay, changed") for it in going]
            continue
        left_out += [
            LeftOut(it.facts.path, "it changed since it was compared") for it in going if it.facts.image_id not in known
        ]
        copies = tuple(
            _copy(group, member, known[member.facts.image_id]) for member in going if member.facts.image_id in known
        )
        if copies:
            why = tuple(in_words(group.reasons))
            planned.append(PlannedGroup(group.id, known[group.keeper.image_id], why, copies))
    return tuple(planned), tuple(left_out)


def _doubt(group: Group, member: Member) -> str:
    """What a person has to decide before a copy may go; empty for one that may, and for what is no copy."""
    if group.family is Family.SAME and (why := asked_about(member)):
        return why
    return UNSURE if member.is_unsure and _is_copy_by_word(member) else ""


def _is_copy_by_word(member: Member) -> bool:
    return member.decided is not None and member.decided.decision is Decision.DUPLICATE


def _is_wanted(group: Group, member: Member, wanted: Wanted) -> bool:
    return may_go(group.family, member) and _is_asked_for(member, wanted)


def _is_asked_for(member: Member, wanted: Wanted) -> bool:
    if wanted.keep is Keep.DECIDED and not _is_copy_by_word(member):
        return False
    if wanted.verdicts and (member.link is None or member.link.kind not in wanted.verdicts):
        return False
    return ImagePath.parse(member.facts.path).begins_with(wanted.prefix)


def _copy(group: Group, member: Member, image: PlannedImage) -> PlannedCopy:
    verdict = member.link.kind.value if member.link else ""
    if member.decided is None:
        return PlannedCopy(image, verdict, "", f"{verdict} of {group.keeper.path}")
    who = member.decided.by or "a person"
    return PlannedCopy(image, verdict, who, f"{who} decided that it is a copy of {group.keeper.path}")
