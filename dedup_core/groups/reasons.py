"""Why a keeper stays, in words: a sentence for each step that put others out."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from dedup_core.groups.facts import ImageFacts
from dedup_core.groups.keeper import KeeperPolicy, KeeperStep

UNTOLD: Final = "nothing tells them apart, and its name is the shortest, or the first of those"
_SENTENCES: Final = {
    KeeperStep.PERSON: "a person chose it",
    KeeperStep.CLEAR: "nothing lies over it and no frame is around it",
    KeeperStep.SCENE: "it shows more around what all show",
    KeeperStep.UPRIGHT: "it lies as most of the others do",
    KeeperStep.COLOR: "it has colors",
    KeeperStep.CAMERA: "its file names the camera",
    KeeperStep.QUALITY: "it lost less to compression",
    KeeperStep.FIRST_SAVE: "it shows no earlier save as JPEG",
    KeeperStep.EARLIER: "it was there earlier",
    KeeperStep.LARGER: "it has the most pixels",
}


class Reason(NamedTuple):
    """Why the keeper stays: the step that spoke for it, and the sentence."""

    step: KeeperStep
    sentence: str


def in_words(reasons: Sequence[Reason]) -> list[str]:
    """The sentences; never none."""
    return [it.sentence for it in reasons] or [UNTOLD]


def reason(step: KeeperStep, keeper: ImageFacts, policy: KeeperPolicy, group: Iterable[ImageFacts]) -> Reason:
    """In words, why the keeper of a group stays by this step."""
    if step is KeeperStep.PREFIX:
        return Reason(step, f"it is under {policy.protected_prefixes[policy.protection(keeper.path)]}")
    if step is not KeeperStep.DETAIL:
        return Reason(step, _SENTENCES[step])
    side = max(keeper.width, keeper.height)
    if 0 < keeper.detail_side < side:
        return Reason(step, f"it has more true pixels ({keeper.detail_side:,} on its longer side)")
    if any(max(it.width, it.height) > side for it in group):
        return Reason(step, f"larger ones were enlarged, and show no more than its {side:,} pixels")
    return Reason(step, f"it has more pixels ({side:,} on its longer side)")
