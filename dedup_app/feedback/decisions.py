"""Decisions: what a person says about a pair or a whole group; stored under both images, and never by a machine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Self

from dedup_app.feedback.shown import shown_of_group, shown_of_pair
from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.pairs import PairRow, PairsTable
from dedup_app.ports.superseded import Superseded
from dedup_app.records.decision_steps import DecisionSteps, never_compared
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import facts_of, id_of, microseconds
from dedup_app.records.journal import VerdictJournal
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import Decided, Decision
from dedup_core.groups.group import Group
from dedup_core.groups.keeper import KeeperPolicy
from dedup_core.paths import ImagePath

OTHERWISE: Final = "{} changed since it was shown, or somebody else decided about it; look at it once more"
MOST_REMEMBERED = 10  # some 150 bytes each in a row that is written anew with every decision


class Act(StrEnum):
    """What a person can do about a pair or a group."""

    DUPLICATE = "duplicate"
    NOT_DUPLICATE = "not_duplicate"
    KEEP_BOTH = "keep_both"
    KEEPER = "keeper"
    """The image named with it is the one to keep."""
    UNDO = "undo"
    """What was decided last is taken back: what was decided before it holds again."""


class NothingToDecide(PermanentError):
    """The pair or group that was named is not there (any more), or cannot be decided so."""

    reason = "nothing-to-decide"


class Said(NamedTuple):
    """A decision as it is told to people: whoever takes one back names it, lest it be the word of somebody else."""

    decision: str
    keeper: str
    by: str

    @classmethod
    def of(cls, decided: Decided) -> Self:
        return cls(decided.decision or "", decided.keeper.hex(), decided.by)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to decide about a pair: `shown` and `undoes` say what they have seen, if that is known."""

    left: ImagePath
    right: ImagePath
    act: Act
    by: str
    keeper: ImagePath | None = None
    shown: str = ""
    undoes: Said | None = None


@dataclass(frozen=True, slots=True)
class PairDecision:
    """One pair after a decision; `decided` is None where none holds."""

    left: ImagePath
    right: ImagePath
    decided: Decided | None


class DecisionService:
    """Writes decisions. Doing it again changes nothing but the time.

    With `shown`, nothing is decided about anything else than what was shown, nor over what somebody decided since.
    """

    def __init__(
        self,
        *,
        features: FeaturesTable,
        pairs: PairsTable,
        journal: VerdictJournal,
        book: GroupBook,
        policy: KeeperPolicy,
        now: Callable[[], datetime],
    ) -> None:
        self._features = features
        self._pairs = pairs
        self._journal = journal
        self._steps = DecisionSteps(pairs, journal)
        self._book = book
        self._policy = policy
        self._now = now

    def decide_pair(
        self,
        left: ImagePath,
        right: ImagePath,
        act: Act,
        by: str,
        keeper: ImagePath | None = None,
        *,
        shown: str = "",
        undoes: Said | None = None,
    ) -> PairDecision:
        """Decide about one pair, or take back what was decided, which `undoes` may name. Raises `NothingToDecide`."""
        asked = Asked(left, right, act, by, keeper, shown, undoes)
        while True:
            rows = self._features.summaries([left.image_id, right.image_id])
            with suppress(Superseded):  # somebody else has decided in between: whether this may follow is asked anew
                return self._decide(asked, self._pairs.get(left, right), rows)

    def _decide(self, asked: Asked, pair: PairRow | None, rows: Mapping[str, ImageSummary]) -> PairDecision:
        """Decide about the pair as it was read. Raises `Superseded` where somebody has decided since."""
        paths = asked.left, asked.right
        missing = [path for path in paths if path.image_id not in rows]
        if missing or asked.left == asked.right:
            raise NothingToDecide(f"nothing can be decided: {(missing or paths)[0]} is no image, or named twice")
        if asked.act is Act.UNDO:
            return self._undo(asked, pair)
        _must_be_there(paths, rows)
        if asked.keeper is not None:
            self._must_not_be_protected_from(asked.keeper, [it for it in paths if it != asked.keeper])
        ours, theirs = (rows[it.image_id] for it in paths)
        shown = shown_of_pair(facts_of(ours), facts_of(theirs), pair.decided if pair else None)
        if asked.shown not in {"", shown}:
            raise NothingToDecide(f"nothing was decided: {OTHERWISE.format('this pair')}")
        decided = Decided.of(
            facts_of(ours),
            facts_of(theirs),
            Decision.DUPLICATE if asked.act is Act.KEEPER else Decision(asked.act),
            keeper=id_of(asked.keeper) if asked.act is Act.KEEPER and asked.keeper else b"",
            by=asked.by,
            at=self._later_than(pair),
        )
        pair = pair or never_compared(*paths, rows)
        return self._put(pair, _as_chosen_before(decided, pair.decided), pair.decided)

    def decide_group(
        self, group_id: str, act: Act, by: str, keeper: ImagePath | None = None, *, shown: str = ""
    ) -> list[PairDecision]:
        """Decide about every image of a group against its keeper, or against the one that is named as such."""
        group = self.group(group_id)
        rows = self._features.summaries([image.image_id.hex() for image in group.images])
        if shown and (shown != shown_of_group(group) or _has_changed(group, rows)):
            raise NothingToDecide(f"nothing was decided: {OTHERWISE.format('this group')}")
        chosen = keeper or ImagePath.parse(group.keeper.path)
        others = [path for image in group.images if (path := ImagePath.parse(image.path)) != chosen]
        if len(others) != len(group.members):
            raise NothingToDecide(f"this group does not hold {chosen}: load it again")
        named = chosen if act is Act.KEEPER else None
        # What cannot be decided about one of them is not decided about the others, either.
        if act is not Act.UNDO:
            _must_be_there([chosen, *others], rows)
        if named is not None:
            self._must_not_be_protected_from(named, others)
        pairs = [self._pairs.get(chosen, other) for other in others]  # all of them, before the first is decided about
        if shown:
            self._must_still_be_shown(group_id, shown, [pair for pair in pairs if pair is not None])
        try:
            return [
                self._decide(Asked(chosen, other, act, by, named), pair, rows)
                for pair, other in zip(pairs, others, strict=True)
                # What nothing was decided about has nothing to take back, unless that is all of them, which is told.
                if act is not Act.UNDO or _is_decided(pair) or not any(map(_is_decided, pairs))
            ]
        except Superseded:
            raise NothingToDecide(
                "somebody else is deciding about this group at the same time, so not all of it was decided about; look "
                "at it once more"
            ) from None

    def _must_still_be_shown(self, group_id: str, shown: str, pairs: Sequence[PairRow]) -> None:
        """Whether what was decided about the pairs, as they were read, was in the group that was shown.

        What is stored and not told, because somebody is at it right now or has died over it, is told here.
        """
        with self._book.current() as log:
            group = log.group(group_id)
            untold = [it for it in pairs if it.decided and _is_untold(it.decided, log.decided(*it.decided.key))]
        if untold:
            self._journal.tell(untold, {})
        if untold or group is None or shown != shown_of_group(group):
            raise NothingToDecide(f"nothing was decided: {OTHERWISE.format('this group')}")

    def group(self, group_id: str) -> Group:
        """The group with this id. Raises `NothingToDecide`."""
        with self._book.current() as projection:
            group = projection.group(group_id)
        if group is None:
            raise NothingToDecide("there is no such group any more: load the list again")
        return group

    def _undo(self, asked: Asked, pair: PairRow | None) -> PairDecision:
        both = f"{asked.left} and {asked.right}"
        if pair is None or pair.decided is None or pair.decided.decision is None:
            raise NothingToDecide(f"nothing was decided about {both}")
        if asked.undoes not in {None, Said.of(pair.decided)}:
            who = pair.decided.by or "somebody"
            raise NothingToDecide(f"nothing was taken back: {who} has decided about {both} since")
        before = (
            pair.decision_history[-1] if pair.decision_history else replace(pair.decided, decision=None, keeper=b"")
        )
        again = replace(before, at=self._later_than(pair), by=before.by if before.decision else asked.by)
        earlier = replace(pair, decided=None, decision_history=pair.decision_history[:-1])
        return self._put(earlier, again, before=pair.decided)

    def _later_than(self, pair: PairRow | None) -> int:
        """Now, or just after what was decided before by a clock that is ahead of ours: the later word counts."""
        before = pair.decided.at if pair is not None and pair.decided is not None else 0
        return max(microseconds(self._now()), before + 1)

    def _put(self, pair: PairRow, decided: Decided, before: Decided | None) -> PairDecision:
        history: Sequence[Decided] = pair.decision_history
        if pair.decided is not None and pair.decided.decision is not None:
            history = [*history, pair.decided][-MOST_REMEMBERED:]
        row = self._steps.take(replace(pair, decided=decided, decision_history=tuple(history)), before, {})
        return PairDecision(row.left, row.right, decided if decided.decision is not None else None)

    def _must_not_be_protected_from(self, keeper: ImagePath, others: Sequence[ImagePath]) -> None:
        for other in others:
            if prefix := self._policy.protects_from(str(other), str(keeper)):
                raise NothingToDecide(
                    f"{other} is under the protected prefix {prefix}, so {keeper} cannot be kept before it"
                )


def _must_be_there(paths: Iterable[ImagePath], rows: Mapping[str, ImageSummary]) -> None:
    for path in paths:
        row = rows.get(path.image_id)
        if row is None or not row.is_alive:
            raise NothingToDecide(f"nothing was decided: {path} is gone, or cannot be read any more")
        if not row.sha256:  # about whatever comes to be there, it would hold of any bytes
            raise NothingToDecide(f"nothing was decided: {path} has not been read yet; try again in a moment")


def _as_chosen_before(decided: Decided, before: Decided | None) -> Decided:
    """With the keeper that somebody chose of the same two: that they are copies takes nothing of it back."""
    if before is None or decided.keeper or {decided.decision, before.decision} != {Decision.DUPLICATE}:
        return decided
    of_now, of_then = ((it.first_content, it.second_content) for it in (decided, before))
    return replace(decided, keeper=before.keeper) if of_now == of_then else decided


def _is_untold(decided: Decided, told: Decided | None) -> bool:
    """Whether it is later than what the log has heard; neither of them names what was taken back."""
    return (decided if decided.decision else None) != told and decided.outranks(told)


def _is_decided(pair: PairRow | None) -> bool:
    return pair is not None and pair.decision is not None


def _has_changed(group: Group, rows: Mapping[str, ImageSummary]) -> bool:
    """Whether an image has other bytes by now, of which the verdict log has not heard yet."""
    now = {facts.image_id: facts.content for facts in map(facts_of, rows.values())}
    return any(image.content and now.get(image.image_id) != image.content for image in group.images)
