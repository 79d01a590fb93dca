"""Folder scan: files of one machine -> groups of the same picture, each with the copy to keep, without any storage."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, islice
from threading import Event, Lock

from dedup_app.pairing import SAME
from dedup_app.ports.decoders import Decoders
from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.sides import ALIKE
from dedup_core.comparison.verdict import Verdict, VerdictKind, decide
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import PermanentError
from dedup_core.features import ImageFeatures
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.groups.choice import choose_keeper
from dedup_core.groups.facts import FAMILIES, Family, ImageFacts, Link
from dedup_core.groups.keeper import KeeperPolicy, Reason
from dedup_core.policy import Policy
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.second_look import is_plausible
from dedup_core.views import View, opposite

MAX_CANDIDATES = 100  # of one file, the nearest: as many as the app looks at
HELD_PICTURES = 64  # of each thread, of 0.8 MB at most
MOST_INFERRED = 40  # copies of one file: enough to tell how most of them lie
EACH_OTHER = (VerdictKind.IDENTICAL, VerdictKind.DUPLICATE)

type Measure = Callable[[WorkingImage, WorkingImage, View | None], PairMeasurement]
type Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is, and of how much."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that was passed over: the code of the reason, and the reason in words."""

    name: str
    reason: str
    detail: str


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
    def bytes_to_gain(self) -> int:
        return sum(copy.facts.byte_size for copy in self.copies)


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """Two files that are no copies and yet belong together: altered, or the same thing in other colors."""

    left: ImageFacts
    right: ImageFacts
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan found. `images` were read, `comparisons` made; whatever is nowhere in here has no copy."""

    images: int
    comparisons: int
    groups: tuple[CopyGroup, ...]
    look_alikes: tuple[LookAlikes, ...]
    unreadable: tuple[Unreadable, ...]


class FolderScan:
    """Every file is read once for its features, and once more where something looks like it.

    `read` gives the bytes of a file by its name and raises `PermanentError` for one that cannot be read.
    """

    def __init__(
        self,
        decoders: Decoders,
        read: Callable[[str], bytes],
        policy: Policy,
        *,
        threads: int,
        measure: Measure = measure_images,
        progress: Progress = lambda _what, _done, _of: None,
    ) -> None:
        self._decoders = decoders
        self._read = read
        self._policy = policy
        self._threads = threads
        self._measure = measure
        self._progress = progress

    def scan(self, names: Sequence[str]) -> ScanReport:
        """Read and compare these files. Raises `TemporaryError` if there is no decoder to be had."""
        images: dict[bytes, ImageFacts] = {}
        unreadable: list[Unreadable] = []
        candidates = _Candidates()
        with ThreadPoolExecutor(self._threads) as threads:
            found = threads.map(self._features, names)
            for number, (name, it) in enumerate(zip(names, found, strict=True), 1):
                if isinstance(it, PermanentError):
                    unreadable.append(Unreadable(name, it.reason, str(it)))
                else:
                    facts = ImageFacts.of(number.to_bytes(16), name, it)
                    images[facts.image_id] = facts
                    candidates.add(facts, it.fingerprints)
                self._progress("reading", number, len(names))
            components = candidates.components()
            work = [_Component(images, ids, candidates.views) for ids in components]
            counter = _Counter(self._progress, candidates.count)
            is_over = Event()
            try:
                for _ in threads.map(lambda component: self._settle(component, counter, is_over), work):
                    pass  # so that what went wrong in a thread rises here
            finally:
                is_over.set()  # who interrupts does not wait for all that is left
        groups = sorted((group for it in work for group in it.groups), key=lambda it: it.keeper.path)
        alike = sorted((pair for it in work for pair in it.look_alikes()), key=lambda it: (it.left.path, it.right.path))
        return ScanReport(len(images), counter.done, tuple(groups), tuple(alike), tuple(unreadable))

    def _features(self, name: str) -> ImageFeatures | PermanentError:
        try:
            return self._decoders.extract_features(self._read(name))
        except PermanentError as error:
            return error

    def _settle(self, component: "_Component", counter: "_Counter", is_over: Event) -> None:
        """Compare until everything is said; few pictures are decoded twice, and a bounded number is held."""
        component.copies_by_content()
        picture = lru_cache(maxsize=HELD_PICTURES)(self._picture)
        while pairs := component.next_pairs():
            verdicts = []
            for pair in pairs:
                if is_over.is_set():
                    return
                verdicts.append(self._verdict(picture(pair.left.path), picture(pair.right.path), pair.view))
                counter.count()
            component.settle(pairs, verdicts)

    def _verdict(self, keeper: WorkingImage | None, other: WorkingImage | None, view: View | None) -> Verdict | None:
        """None where a file is gone by now."""
        if keeper is None or other is None:
            return None
        return decide(self._measure(keeper, other, view), self._policy)

    def _picture(self, path: str) -> WorkingImage | None:
        try:
            return self._decoders.decode(self._read(path))
        except PermanentError:
            return None


class _Counter:
    """Tells how many comparisons were made, from whatever thread."""

    def __init__(self, progress: Progress, expected: int) -> None:
        self.done = 0
        self._progress = progress
        self._expected = expected
        self._lock = Lock()

    def count(self) -> None:
        with self._lock:
            self.done += 1
            self._progress("comparing", self.done, max(self.done, self._expected))


@dataclass(frozen=True, slots=True)
class _Pair:
    """A keeper and another file that may be its copy; `view`, if known, is how the keeper is turned to lie on it."""

    left: ImageFacts
    right: ImageFacts
    view: View | None


class _Candidates:
    """Which files look alike from afar, found file by file."""

    def __init__(self) -> None:
        self.views: dict[tuple[bytes, bytes], View] = {}
        self._index = FingerprintIndex()
        self._held: dict[str, Fingerprints] = {}
        self._partners: dict[bytes, list[bytes]] = defaultdict(list)

    @property
    def count(self) -> int:
        return len(self.views) // 2

    def add(self, facts: ImageFacts, fingerprints: Fingerprints) -> None:
        name = facts.image_id.hex()
        hits = self._index.search(fingerprints)
        near = (hit for hit in hits if is_plausible(fingerprints, self._held[hit.image_id], hit))
        for hit in islice(near, MAX_CANDIDATES):
            other = bytes.fromhex(hit.image_id)
            self.views[facts.image_id, other] = hit.view
            self.views[other, facts.image_id] = opposite(hit.view)
            self._partners[facts.image_id].append(other)
            self._partners[other].append(facts.image_id)
        self._index.add(name, fingerprints)
        self._held[name] = fingerprints

    def components(self) -> Iterator[list[bytes]]:
        """Files that hang together by their looks; a file that looks like no other is in none."""
        seen: set[bytes] = set()
        for start in self._partners:
            if start in seen:
                continue
            seen.add(start)
            found, ahead = [start], [start]
            while ahead:
                for other in self._partners[ahead.pop()]:
                    if other not in seen:
                        seen.add(other)
                        found.append(other)
                        ahead.append(other)
            yield found


class _Component:
    """Files that may be copies of each other, and what is known of their pairs so far.

    The likeliest original is compared with the second likeliest, then with all that look like it; as the verdicts may
    tell of a likelier one, this goes on until the keeper has been compared with every file that looks like it. What is
    not its copy then goes on alone.
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

    def copies_by_content(self) -> None:
        """Settle the pairs of files with the same bytes, of which none need be read again."""
        for left in self._free:
            for right in self._free:
                content = self._images[left].content
                if left < right and (left, right) in self._views and content == self._images[right].content:
                    same = ("the files are byte for byte the same",)
                    self._note(left, right, Verdict(VerdictKind.IDENTICAL, same, SAME, 0, View.UPRIGHT.value))

    def next_pairs(self) -> list[_Pair]:
        """Pairs of one keeper that want a verdict; none when everything is settled."""
        while len(self._free) > 1:
            free = [self._images[it] for it in self._free]
            chosen, reasons = choose_keeper(free, self._links.values(), KeeperPolicy())
            keeper = chosen.image_id
            others = self._alike(keeper)
            unknown = [it for it in others if (keeper, it) not in self._verdicts]
            if unknown:
                return [self._pair(keeper, it) for it in self._next_best(others, unknown)]
            copies = [Copy(self._images[it], verdict) for it in others if (verdict := self._same(keeper, it))]
            if copies:
                self.groups.append(CopyGroup(chosen, reasons, tuple(copies)))
            gone = {keeper, *(copy.facts.image_id for copy in copies)}
            self._free = [it for it in self._free if it not in gone]
        return []

    def _next_best(self, others: Sequence[bytes], unknown: list[bytes]) -> list[bytes]:
        """The second likeliest original alone, since the verdict on it may change which is the likeliest; then all."""
        second, _ = choose_keeper([self._images[it] for it in others], self._links.values(), KeeperPolicy())
        return [second.image_id] if second.image_id in unknown else unknown

    def _alike(self, keeper: bytes) -> list[bytes]:
        """Those that look like it, or like a copy of it: of two small parts each may look like the whole alone."""
        shown = [keeper, *(it for it in self._free if self._same(keeper, it))]
        return [it for it in self._free if it != keeper and (it in shown or self._looks_like_any(it, shown))]

    def _looks_like_any(self, image_id: bytes, shown: Sequence[bytes]) -> bool:
        return any((it, image_id) in self._views for it in shown)

    def _pair(self, keeper: bytes, other: bytes) -> _Pair:
        return _Pair(self._images[keeper], self._images[other], self._views.get((keeper, other)))

    def settle(self, pairs: Sequence[_Pair], verdicts: Iterable[Verdict | None]) -> None:
        for pair, verdict in zip(pairs, verdicts, strict=True):
            self._note(pair.left.image_id, pair.right.image_id, verdict)
        self._infer_views(pairs[0].left)

    def _infer_views(self, keeper: ImageFacts) -> None:
        """How copies of one file lie to each other follows from how they lie to that file."""
        views = {it: same.view for it in self._free if (same := self._same(keeper.image_id, it))}
        for first, second in combinations(list(views)[:MOST_INFERRED], 2):
            left, right = self._images[first], self._images[second]
            view = View.UPRIGHT if views[first] == views[second] else View.MIRRORED  # whichever: it is not upright
            inferred = Link.of(left, right, VerdictKind.DUPLICATE, 0, view, ALIKE)
            self._links.setdefault(inferred.key, inferred)

    def look_alikes(self) -> Iterator[LookAlikes]:
        """Pairs of different pictures that belong together all the same."""
        for (left, right), verdict in self._verdicts.items():
            if left < right and verdict is not None and FAMILIES.get(verdict.kind) in {Family.ALTERED, Family.COLOR}:
                yield LookAlikes(self._images[left], self._images[right], verdict)

    def _same(self, left: bytes, right: bytes) -> Verdict | None:
        verdict = self._verdicts.get((left, right))
        return verdict if verdict is not None and verdict.kind in EACH_OTHER else None

    def _note(self, left: bytes, right: bytes, verdict: Verdict | None) -> None:
        self._verdicts[left, right] = self._verdicts[right, left] = verdict
        if verdict is not None and verdict.kind in EACH_OTHER:
            first, second = self._images[left], self._images[right]
            link = Link.of(first, second, verdict.kind, 0, verdict.view, verdict.sides)
            self._links[link.key] = link
