"""The keeper: which of several copies is the likeliest original, by ordered steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final
from unicodedata import normalize

import numpy as np

from dedup_core.decoding.history.jpeg_tables import quality_seen_later
from dedup_core.decoding.history.provenance import LOSSLESS
from dedup_core.groups.columns import CAMERA, GRAY, SAVED_AGAIN, Bools, Places, has
from dedup_core.groups.facts import Decided, by_name
from dedup_core.groups.marks import marked_ends
from dedup_core.groups.parts import Parts
from dedup_core.paths import ImagePath


class KeeperStep(StrEnum):
    """One question by which copies are told apart; those that answer it worse than the best are out."""

    PREFIX = "prefix"
    PERSON = "person"
    CLEAR = "clear"
    SCENE = "scene"
    UPRIGHT = "upright"
    DETAIL = "detail"
    COLOR = "color"
    CAMERA = "camera"
    QUALITY = "quality"
    FIRST_SAVE = "first_save"
    EARLIER = "earlier"
    LARGER = "larger"


DEFAULT_STEPS: Final = tuple(KeeperStep)
_SCENE_TOLERANCE: Final = 0.05  # of the picture: what an alignment is unsure of
_QUALITY_TOLERANCE: Final = 5.0  # of 100: editors save a little better, or worse, than what they were given
_DETAIL_TOLERANCE: Final = 0.02  # octaves: rounding of sizes
_LARGER: Final = 1.1  # times the side: more than trimming and rounding make
_DELIVERED: Final = (b"WEBP", b"AVIF", b"GIF")  # what is made for pages, of something else
_SEEN_LATER: Final = np.array([quality_seen_later(it) for it in range(LOSSLESS + 1)])
_LESS, _MORE = 0.25, 0.5  # octaves by which true pixels may be fewer or more than estimated, in steps of 0.5


@dataclass(frozen=True, slots=True)
class KeeperPolicy:
    """The steps in their order, and the prefixes of names whose images stay before all others, the first one first."""

    steps: tuple[KeeperStep, ...] = DEFAULT_STEPS
    protected_prefixes: tuple[str, ...] = ()

    def protection(self, path: str) -> int:
        """The place of the prefix that protects the image (container/name); their number if none does."""
        places = (at for at, prefix in enumerate(self.protected_prefixes) if _is_under(path, prefix))
        return next(places, len(self.protected_prefixes))

    def protects_from(self, path: str, keeper: str) -> str:
        """The prefix that lets the image (container/name) go for no such keeper; empty if none does."""
        place = self.protection(path)
        return self.protected_prefixes[place] if place < self.protection(keeper) else ""


def _is_under(path: str, prefix: str) -> bool:
    """Whether the name begins so, in whichever way people write it, lest a prefix protect nothing for its spelling.

    As storage knows it or as it is shown, with the container or a slash before it, in either Unicode form.
    """
    container, _, shown = path.partition("/")
    asked = _readings(prefix, container)
    return normalize("NFC", shown).startswith(asked) or (
        "%" in shown and normalize("NFC", ImagePath.parse(path).name).startswith(asked)
    )


@cache
def _readings(prefix: str, container: str) -> tuple[str, str]:
    inside = prefix.removeprefix("/").removeprefix(f"{container}/")
    return normalize("NFC", prefix), normalize("NFC", inside or prefix)


@dataclass(frozen=True, slots=True)
class Election:
    """Of each part the place of the one to keep, and the steps that put others out.

    `is_settled` (n,): whether it is known that an image goes for the keeper of its part even where something lies over
    one of the two. What is decided or marked between others, an enlargement or a time say nothing of that.
    """

    keepers: Places
    steps: list[tuple[KeeperStep, ...]]
    is_settled: Bools


def elect(parts: Parts, policy: KeeperPolicy) -> Election:
    """Who is kept of each part, whatever is in other parts."""
    left = np.ones(len(parts.images), bool)
    is_settled = np.zeros(len(parts.images), bool)
    spoke = np.zeros(parts.count, np.int64)  # a bit for each step
    settling = _settling_of_all(policy.steps)
    for at, step in enumerate(policy.steps):
        stays = _STEPS[step](parts, left, policy)
        spoke |= parts.any(left & ~stays).astype(np.int64) << at
        if step in settling:
            is_settled |= left & ~stays
        left = stays
    keepers: dict[int, int] = {}
    places = np.flatnonzero(left)  # in the order of their ids
    for place, part in zip(places.tolist(), parts.part[places].tolist(), strict=True):
        if part not in keepers or by_name(parts.paths[place]) < by_name(parts.paths[keepers[part]]):
            keepers[part] = place
    steps = {
        bits: tuple(step for at, step in enumerate(policy.steps) if bits >> at & 1)
        for bits in np.unique(spoke).tolist()
    }
    of_parts = [steps[bits] for bits in spoke.tolist()]
    elected = np.array([keepers[part] for part in range(parts.count)])
    is_settled[_put_out_by_word(parts, elected)] = True
    if KeeperStep.CLEAR in policy.steps:
        is_settled |= _put_out_by_marks(parts, elected)
    return Election(elected, of_parts, is_settled)


def _settling_of_all(steps: Sequence[KeeperStep]) -> set[KeeperStep]:
    """The steps that settle whomever they put out: protection, and what is asked before what lies over pictures."""
    before = steps[: steps.index(KeeperStep.CLEAR)] if KeeperStep.CLEAR in steps else ()
    return {KeeperStep.PREFIX, *before} - {KeeperStep.PERSON}


def _put_out_by_word(parts: Parts, keepers: Places) -> list[int]:
    """Whom a person decided to be a copy of the very image that is the keeper now."""
    found = []
    for decided in parts.decided:
        keeper = parts.place_of(decided.keeper)
        other = parts.place_of(_other_than_chosen(decided))
        if keeper is not None and other is not None and keepers[parts.part[other]] == keeper:
            found.append(other)
    return found


def _other_than_chosen(decided: Decided) -> bytes:
    return decided.second if decided.keeper == decided.first else decided.first


def _put_out_by_marks(parts: Parts, keepers: Places) -> Bools:
    """Over or around whom something lies in the comparison with the keeper, while nothing does with the keeper."""
    links, is_out = parts.links, np.zeros(len(parts.images), bool)
    kept = keepers[parts.part]
    first_marked, second_marked = marked_ends(parts, links)
    is_out[links.second[(links.first == kept[links.first]) & second_marked & ~links.first_marked]] = True
    is_out[links.first[(links.second == kept[links.second]) & first_marked & ~links.second_marked]] = True
    return is_out


def _prefix(parts: Parts, left: Bools, policy: KeeperPolicy) -> Bools:
    if not policy.protected_prefixes:
        return left
    return parts.best(left, -np.array([policy.protection(path) for path in parts.paths], np.float64))


def _person(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    """Who was chosen, last of all where several were; before it who was chosen over it, as that still holds."""
    words = [
        (place, it)
        for it in parts.decided
        if (place := parts.place_of(it.keeper)) is not None and left[place] and parts.are_together(it.first, it.second)
    ]
    passed_over = {_other_than_chosen(it) for _, it in words}
    chosen: dict[int, tuple[bool, int, bytes, int]] = {}
    for place, it in words:
        part, word = int(parts.part[place]), (it.keeper not in passed_over, it.at, it.keeper, place)
        chosen[part] = max(chosen.get(part, word), word)
    if not chosen:
        return left
    is_chosen = np.zeros(len(left), bool)
    is_chosen[[place for *_, place in chosen.values()]] = True
    return left & (is_chosen | ~parts.any(is_chosen)[parts.part])


def _clear(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    links = parts.links_among(left)
    first_marked, second_marked = marked_ends(parts, links)
    marked = np.zeros(len(left), bool)
    marked[links.first[first_marked]] = True
    marked[links.second[second_marked]] = True
    return parts.best(left, -marked.astype(float))


def _scene(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    """Out is of which another one shows clearly more than of itself."""
    links = parts.links_among(left)
    missing = np.zeros(len(left))
    gap = links.first_shared - links.second_shared
    np.maximum.at(missing, links.first, gap)
    np.maximum.at(missing, links.second, -gap)
    return parts.best(left, -missing, _SCENE_TOLERANCE)


def _upright(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    """Who lies as most others do: of two alone nobody can tell which one was turned."""
    links = parts.links_among(left)
    links = links.where(links.compared)
    ends = np.concatenate([links.first, links.second])
    amounts = np.bincount(ends, minlength=len(left))
    upright = np.bincount(ends, np.tile(links.upright, 2), len(left))
    return parts.best(left, upright / np.maximum(1, amounts))


def _detail(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    sides = np.maximum(parts.images["width"], parts.images["height"]).astype(np.float64)
    true_sides = parts.images["detail_side"].astype(np.float64)
    is_known = ~parts.any(left & (true_sides == 0))[parts.part]
    octaves = np.log2(np.where(is_known, np.maximum(1, true_sides), 1 + sides))
    is_enlarged = is_known & (true_sides < sides)
    least, most = octaves - _LESS * is_enlarged, octaves + _MORE * is_enlarged
    left = parts.best(left, least, _DETAIL_TOLERANCE, at_most=most)
    # Of pictures that show equally much, those were enlarged that need more pixels for it.
    smallest = np.full(parts.count, np.inf)
    natural = left & ~is_enlarged
    np.minimum.at(smallest, parts.part[natural], sides[natural])
    stays: Bools = left & ~(is_enlarged & (sides > _LARGER * smallest[parts.part]))
    return stays


def _color(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    return parts.best(left, -has(parts.images["flags"], GRAY).astype(np.float64))


def _camera(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    return parts.best(left, has(parts.images["flags"], CAMERA).astype(np.float64))


def _quality(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    saved = np.where(parts.images["quality"] == LOSSLESS, LOSSLESS + 2 * _QUALITY_TOLERANCE, parts.images["quality"])
    quality = np.where(np.isin(parts.images["format"], _DELIVERED), 0.0, saved)
    return parts.best(left, quality, _QUALITY_TOLERANCE)


def _first_save(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    """Out is what was saved again where something that shows no earlier save has lost as little.

    One that lost more may hide its own: a coarser save leaves no trace of those before.
    """
    quality, again = parts.images["quality"], has(parts.images["flags"], SAVED_AGAIN)
    first = left & ~again
    best = np.zeros(parts.count)
    np.maximum.at(best, parts.part[first], _SEEN_LATER[quality[first]])
    return left & ~(again & (quality <= best[parts.part]))


def _earlier(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    added = parts.images["added_at"].astype(np.float64)
    is_unknown = parts.any(left & (added == 0))[parts.part]
    return parts.best(left, np.where(is_unknown, 0.0, -added))


def _larger(parts: Parts, left: Bools, _policy: KeeperPolicy) -> Bools:
    return parts.best(left, parts.images["width"].astype(np.float64) * parts.images["height"])


_STEPS: Final[Mapping[KeeperStep, Callable[[Parts, Bools, KeeperPolicy], Bools]]] = {
    KeeperStep.PREFIX: _prefix,
    KeeperStep.PERSON: _person,
    KeeperStep.CLEAR: _clear,
    KeeperStep.SCENE: _scene,
    KeeperStep.UPRIGHT: _upright,
    KeeperStep.DETAIL: _detail,
    KeeperStep.COLOR: _color,
    KeeperStep.CAMERA: _camera,
    KeeperStep.QUALITY: _quality,
    KeeperStep.FIRST_SAVE: _first_save,
    KeeperStep.EARLIER: _earlier,
    KeeperStep.LARGER: _larger,
}
