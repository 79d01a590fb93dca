"""Groups of a scan: which files that look alike are the same picture, by as few comparisons as tell it."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from dedup_app.pipeline.pairing import IDENTICAL_METRICS
from dedup_app.records.verdict_sides import seen_from_right
from dedup_core.comparison.sides import ALIKE
from dedup_core.comparison.verdict import SAME_PICTURE, Verdict, VerdictKind
from dedup_core.groups.choice import choose_keeper
from dedup_core.groups.facts import FAMILIES, Family, ImageFacts, Link
from dedup_core.groups.keeper import KeeperPolicy
from dedup_core.groups.reasons import Reason, in_words
from dedup_core.views import View

SAME_BYTES = Verdict(
    VerdictKind.IDENTICAL,
    ("the files are byte for byte the same",),
    IDENTICAL_METRICS,
    0,
    View.UPRIGHT.value,
)
MOST_INFERRED = 40  # copies of one file: enough to tell how most of them lie

type Keeper = tuple[ImageFacts, tuple[Reason, ...]]


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that is the same picture as the keeper of its group, and the verdict that says so."""

    facts: ImageFacts
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class CopyGroup:
    """The file to keep, why it is that one, and its copies, each verified directly against it."""

    keeper: ImageFacts
    reasons: tuple[Reason, ...]
    copies: tuple[Copy, ...]

    @property
    def why(self) -> list[str]:
        """The reasons in words; never none."""
        return in_words(self.reasons)

    @property
    def bytes_to_gain(self) -> int:
        return sum(copy.facts.byte_size for copy in self.copies)


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """Two files that are no copies and yet belong together: altered, or the same thing in other colors."""

    left: ImageFacts
    right: ImageFacts
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """A keeper and another file that may be its copy; `view`, if known, is how the keeper is turned to lie on it."""

    left: ImageFacts
    right: ImageFacts
    view: View | None


class Component:
    """Files that may be copies of each other, and what is known of their pairs so far.

    The likeliest original is compared with the second likeliest, then with more and more of those that look like it; as
    the verdicts may tell of a likelier one, this goes on until the keeper has been compared with every file that looks
    like it. What is not its copy then goes on alone.
    """

    def __init__(
        self, images: Mapping[bytes, ImageFacts], ids: Sequence[bytes], views: Mapping[tuple[bytes, bytes], View]
    ) -> None:
        self.groups: list[CopyGroup] = []
        self._images = images
        self._free = sorted(ids)
        self._views = views
        self._verdicts: dict[tuple[bytes, bytes], Verdict | None] = {}
        self._links: dict[tuple[bytes, bytes], Link] = {}
        self._keeper: Keeper | None = None  # as long as no link and no file came or went
        self._at_once = 1  # comparisons before the keeper is chosen anew

    def copies_by_content(self) -> None:
        """Settle the pairs of files with the same bytes, of which none need be read again."""
        by_content: dict[bytes, list[bytes]] = defaultdict(list)
        for it in self._free:
            by_content[self._images[it].content].append(it)
        for same in by_content.values():
            for left, right in combinations(same, 2):
                if (left, right) in self._views:
                    self._note(left, right, SAME_BYTES)

    def next_pairs(self) -> list[ComparedPair]:
        """Pairs of one keeper that want a verdict; none when everything is settled."""
        while len(self._free) > 1:
            chosen, reasons = self._keeper = self._keeper or self._choose(self._free)
            keeper = chosen.image_id
            others = self._alike(keeper)
            unknown = [it for it in others if (keeper, it) not in self._verdicts]
            if unknown:
                return [self._pair(keeper, it) for it in self._next_of(unknown)]
            copies = [Copy(self._images[it], verdict) for it in others if (verdict := self._same(keeper, it))]
            if copies:
                self.groups.append(CopyGroup(chosen, self._why(chosen, copies, reasons), tuple(copies)))
            gone = {keeper, *(copy.facts.image_id for copy in copies)}
            self._free = [it for it in self._free if it not in gone]
            self._keeper, self._at_once = None, 1
        return []

    def _choose(self, ids: Iterable[bytes]) -> Keeper:
        return choose_keeper([self._images[it] for it in ids], self._links.values(), KeeperPolicy())

    def _why(self, keeper: ImageFacts, copies: Sequence[Copy], reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
        """Why it is kept of its own group: `reasons` may be about files that look alike and are no copies."""
        alone, of_group = self._choose([keeper.image_id, *(copy.facts.image_id for copy in copies)])
        return of_group if alone == keeper else reasons

    def _next_of(self, unknown: list[bytes]) -> list[bytes]:
        """The likeliest original of them alone, since its verdict may change the keeper; then twice as many each time.

        So few comparisons are with one that is not kept in the end, and choices are few as well.
        """
        count, self._at_once = self._at_once, 2 * self._at_once
        if count >= len(unknown):
            return unknown
        likeliest = self._choose(unknown)[0].image_id
        return [likeliest, *(it for it in unknown if it != likeliest)][:count]

    def _alike(self, keeper: bytes) -> list[bytes]:
        """Those that look like it, or like a copy of it: of two small parts each may look like the whole alone."""
        shown = [keeper, *(it for it in self._free if self._same(keeper, it))]
        return [it for it in self._free if it != keeper and (it in shown or self._looks_like_any(it, shown))]

    def _looks_like_any(self, image_id: bytes, shown: Sequence[bytes]) -> bool:
        return any((it, image_id) in self._views for it in shown)

    def _pair(self, keeper: bytes, other: bytes) -> ComparedPair:
        return ComparedPair(self._images[keeper], self._images[other], self._views.get((keeper, other)))

    def settle(self, pairs: Sequence[ComparedPair], verdicts: Iterable[Verdict | None]) -> None:
        for pair, verdict in zip(pairs, verdicts, strict=True):
            self._note(pair.left.image_id, pair.right.image_id, verdict)
        self._infer_views(pairs[0].left)

    def leave_out(self, gone: Container[str]) -> None:
        """Files by their paths that are no more what they were: none is kept, is a copy, or looks like another one."""
        lost = {it for it in self._free if self._images[it].path in gone}
        if lost:
            self._free = [it for it in self._free if it not in lost]
            self._verdicts = {pair: verdict for pair, verdict in self._verdicts.items() if lost.isdisjoint(pair)}
            self._links = {key: link for key, link in self._links.items() if lost.isdisjoint(key)}
            self._keeper, self._at_once = None, 1

    def _infer_views(self, keeper: ImageFacts) -> None:
        """How copies of one file lie to each other follows from how they lie to that file."""
        views = {it: same.view for it in self._free if (same := self._same(keeper.image_id, it))}
        for first, second in combinations(list(views)[:MOST_INFERRED], 2):
            left, right = self._images[first], self._images[second]
            view = View.UPRIGHT if views[first] == views[second] else View.MIRRORED  # whichever: it is not upright
            inferred = Link.of(left, right, VerdictKind.DUPLICATE, 0, view, ALIKE)
            self._links.setdefault(inferred.key, inferred)

    def look_alikes(self) -> Iterator[LookAlikes]:
        """Pairs of different pictures that belong together all the same.

        None of two copies of one file; and none of a copy where what is kept of it belongs to the same file.
        """
        kept = {copy.facts.image_id: group.keeper.image_id for group in self.groups for copy in group.copies}
        for (left, right), verdict in self._verdicts.items():
            if left < right and verdict is not None and self._belong_together(left, right):
                lefts, rights = {left, kept.get(left, left)}, {right, kept.get(right, right)}
                nearer = set(product(lefts, rights)) - {(left, right)}
                if not lefts & rights and not any(self._belong_together(*pair) for pair in nearer):
                    yield LookAlikes(self._images[left], self._images[right], verdict)

    def _belong_together(self, left: bytes, right: bytes) -> bool:
        verdict = self._verdicts.get((left, right))
        return verdict is not None and FAMILIES.get(verdict.kind) in {Family.ALTERED, Family.COLOR}

    def _same(self, left: bytes, right: bytes) -> Verdict | None:
        verdict = self._verdicts.get((left, right))
        return verdict if verdict is not None and verdict.kind in SAME_PICTURE else None

    def _note(self, left: bytes, right: bytes, verdict: Verdict | None) -> None:
        self._verdicts[left, right] = verdict
        self._verdicts[right, left] = None if verdict is None else seen_from_right(verdict)
        if verdict is not None and verdict.kind in SAME_PICTURE:
            first, second = self._images[left], self._images[right]
            link = Link.of(first, second, verdict.kind, 0, verdict.view, verdict.sides)
            self._links[link.key] = link
            self._keeper = None
