"""The keeper: which of several copies is the likeliest original, by ordered steps, each with its reason in words."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple

from dedup_core.comparison.sides import ALIKE, Side
from dedup_core.groups.facts import FAMILIES, Decided, Family, ImageFacts, Link


class KeeperStep(StrEnum):
    """One question by which copies are told apart; those that answer it worse than the best are out."""

    PREFIX = "prefix"
    PERSON = "person"
    CLEAR = "clear"
    SCENE = "scene"
    UPRIGHT = "upright"
    DETAIL = "detail"
    CAMERA = "camera"
    QUALITY = "quality"
    FIRST_SAVE = "first_save"
    EARLIER = "earlier"
    LARGER = "larger"


DEFAULT_STEPS: Final = tuple(KeeperStep)
_SCENE_TOLERANCE: Final = 0.05  # of the picture: what an alignment is unsure of
_QUALITY_TOLERANCE: Final = 2  # of 100: how surely a quality is told from the coefficients
_DETAIL_TOLERANCE: Final = 0.02  # octaves: rounding of sizes
_DELIVERED: Final = frozenset({"WEBP", "AVIF", "GIF"})  # what is made for pages, of something else
_SOFT_TOLERANCE: Final = 0.25  # octaves: half of the step in which true pixels are estimated


@dataclass(frozen=True, slots=True)
class KeeperPolicy:
    """The steps in their order, and the prefixes of names whose images stay before all others, the first one first."""

    steps: tuple[KeeperStep, ...] = DEFAULT_STEPS
    protected_prefixes: tuple[str, ...] = ()

    def protection(self, path: str) -> int:
        """The place of the prefix that protects the image (container/name); their number if none does."""
        name = path.partition("/")[2]
        places = (at for at, prefix in enumerate(self.protected_prefixes) if name.startswith(prefix))
        return next(places, len(self.protected_prefixes))


class Reason(NamedTuple):
    """Why the keeper stays: the step that spoke for it, and the sentence."""

    step: KeeperStep
    sentence: str


@dataclass(frozen=True)
class Copies:
    """Images that may be copies of each other, the links between them, and what people decided."""

    images: Mapping[bytes, ImageFacts]
    links: Sequence[Link]
    decided: Sequence[Decided] = ()

    @cached_property
    def are_whole(self) -> bool:
        """Whether none shows less than another one, or has anything over it or around it: most copies."""
        return all(link.sides is ALIKE or link.sides == ALIKE for link in self.links)


def elect(candidates: Collection[bytes], copies: Copies, policy: KeeperPolicy) -> tuple[bytes, tuple[Reason, ...]]:
    """The one to keep of the candidates, and the reasons. The same whatever the order in which they are given."""
    left, reasons = sorted(candidates), []
    for step in policy.steps:
        if len(left) == 1:
            break
        best = _STEPS[step](left, copies, policy)
        if len(best) < len(left):
            reasons.append(Reason(step, _sentence(step, copies.images[best[0]], policy)))
            left = best
    keeper = min(left, key=lambda image_id: (copies.images[image_id].path, image_id))
    return keeper, tuple(reasons)


def _best(candidates: list[bytes], score: Callable[[bytes], float], tolerance: float = 0.0) -> list[bytes]:
    scores = {image_id: score(image_id) for image_id in candidates}
    least = max(scores.values()) - tolerance
    return [image_id for image_id in candidates if scores[image_id] >= least]


def _links_of(candidates: list[bytes], copies: Copies) -> dict[bytes, list[Link]]:
    """The links of each candidate to other candidates."""
    found: dict[bytes, list[Link]] = {image_id: [] for image_id in candidates}
    for link in copies.links:
        if link.first in found and link.second in found:
            found[link.first].append(link)
            found[link.second].append(link)
    return found


def _prefix(candidates: list[bytes], copies: Copies, policy: KeeperPolicy) -> list[bytes]:
    return _best(candidates, lambda it: -policy.protection(copies.images[it].path))


def _person(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    chosen = [it for it in copies.decided if it.keeper in candidates]
    return [max(chosen, key=lambda it: (it.at, it.keeper)).keeper] if chosen else candidates


def _clear(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    if copies.are_whole:
        return candidates
    links = _links_of(candidates, copies)

    def is_marked(image_id: bytes) -> bool:
        return any(_is_marked(link, link.side(image_id)) for link in links[image_id])

    return _best(candidates, lambda it: -is_marked(it))


def _is_marked(link: Link, side: Side) -> bool:
    """In a duplicate nothing lies over a picture: what looks like it is detail that the other one has lost."""
    return side.is_framed or (side.is_overlaid and FAMILIES.get(link.kind) is not Family.SAME)


def _scene(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    if copies.are_whole:
        return candidates
    links = _links_of(candidates, copies)

    def missing(image_id: bytes) -> float:
        """How much more of its own scene another one has, at most."""
        gaps = (link.side(image_id).shared - link.side(link.other(image_id)).shared for link in links[image_id])
        return max(0.0, *gaps, 0.0)

    return _best(candidates, lambda it: -missing(it), _SCENE_TOLERANCE)


def _upright(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    """Who lies as most others do: of two alone nobody can tell which one was turned."""
    links = _links_of(candidates, copies)

    def share(image_id: bytes) -> float:
        ours = links[image_id]
        return sum(link.is_upright for link in ours) / len(ours) if ours else 0.0

    return _best(candidates, share)


def _detail(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    if any(copies.images[it].detail_side == 0 for it in candidates):
        return _best(candidates, lambda it: math.log2(1 + _side(copies.images[it])), _DETAIL_TOLERANCE)
    spans = {it: _octaves(copies.images[it]) for it in candidates}
    least = max(low for low, _ in spans.values()) - _DETAIL_TOLERANCE
    return [it for it in candidates if spans[it][1] >= least]


def _octaves(image: ImageFacts) -> tuple[float, float]:
    """Between which sizes the true side lies, in octaves."""
    octaves = math.log2(image.detail_side)
    unsure = _SOFT_TOLERANCE if image.detail_side < _side(image) else 0.0
    return octaves - unsure, octaves + unsure


def _camera(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    return _best(candidates, lambda it: copies.images[it].has_camera_data)


def _quality(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    def quality(image_id: bytes) -> float:
        image = copies.images[image_id]
        return 0.0 if image.format.upper() in _DELIVERED else image.quality

    return _best(candidates, quality, _QUALITY_TOLERANCE)


def _first_save(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    return _best(candidates, lambda it: not copies.images[it].saved_again)


def _earlier(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    if any(copies.images[it].added_at == 0 for it in candidates):
        return candidates
    return _best(candidates, lambda it: -copies.images[it].added_at)


def _larger(candidates: list[bytes], copies: Copies, _policy: KeeperPolicy) -> list[bytes]:
    return _best(candidates, lambda it: copies.images[it].width * copies.images[it].height)


_STEPS: Final[Mapping[KeeperStep, Callable[[list[bytes], Copies, KeeperPolicy], list[bytes]]]] = {
    KeeperStep.PREFIX: _prefix,
    KeeperStep.PERSON: _person,
    KeeperStep.CLEAR: _clear,
    KeeperStep.SCENE: _scene,
    KeeperStep.UPRIGHT: _upright,
    KeeperStep.DETAIL: _detail,
    KeeperStep.CAMERA: _camera,
    KeeperStep.QUALITY: _quality,
    KeeperStep.FIRST_SAVE: _first_save,
    KeeperStep.EARLIER: _earlier,
    KeeperStep.LARGER: _larger,
}
_SENTENCES: Final = {
    KeeperStep.PERSON: "a person chose it",
    KeeperStep.CLEAR: "nothing lies over it and no frame is around it",
    KeeperStep.SCENE: "it shows more of the scene",
    KeeperStep.UPRIGHT: "it lies as most of the others do",
    KeeperStep.CAMERA: "its file names the camera",
    KeeperStep.QUALITY: "it lost less to compression",
    KeeperStep.FIRST_SAVE: "it was not made from another JPEG",
    KeeperStep.EARLIER: "it was there earlier",
    KeeperStep.LARGER: "it has the most pixels",
}


def _sentence(step: KeeperStep, image: ImageFacts, policy: KeeperPolicy) -> str:
    if step is KeeperStep.PREFIX:
        return f"it is under {policy.protected_prefixes[policy.protection(image.path)]}"
    if step is KeeperStep.DETAIL:
        return f"it has more true pixels ({image.detail_side or _side(image):,} on its longer side)"
    return _SENTENCES[step]


def _side(image: ImageFacts) -> int:
    return max(image.width, image.height)
