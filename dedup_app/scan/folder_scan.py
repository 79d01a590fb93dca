"""Folder scan: files of one machine -> groups of the same picture, each with the copy to keep, without any storage."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import batched
from math import ceil
from threading import Event, Lock

from dedup_app.ports.decoders import Decoders
from dedup_app.scan.candidates import Candidates
from dedup_app.scan.groups import SAME_BYTES, ComparedPair, Component, CopyGroup, LookAlikes
from dedup_app.scan.memory import Contents, MadeOfFile, ScanMemory
from dedup_app.scan.pictures import ScanPictures
from dedup_core.comparison.measure import measure_all
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.verdict import Verdict, decide
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import CONTENT_BYTES, ImageFacts
from dedup_core.policy import Policy
from dedup_core.views import View

AT_ONCE = 8  # comparisons of one file: who interrupts waits for no more, and no more pictures are handed over

type Measure = Callable[[WorkingImage, Sequence[tuple[WorkingImage, View | None]]], list[PairMeasurement]]
"""`measure_all`, or the same in another process."""
type Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is, and of how much."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that was passed over: the code of the reason, and the reason in words."""

    name: str
    reason: str
    detail: str
    is_folder: bool = False


class ChangedFile(PermanentError):
    """What is in the file now is not what was looked up."""

    reason = "changed"


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan found. `images` were read, `comparisons` made; whatever is nowhere in here has no copy.

    What could not be read once more is `unreadable` and no image.
    `too_plain` are the names of images that show nothing to search by: only their identical files are found.
    """

    images: int
    comparisons: int
    groups: tuple[CopyGroup, ...]
    look_alikes: tuple[LookAlikes, ...]
    unreadable: tuple[Unreadable, ...]
    too_plain: tuple[str, ...]


class FolderScan:
    """Every file is read once, and once more where something looks like it and its picture is no longer held.

    Files with the same bytes are decoded and compared as one.

    `read` gives the bytes of a file by its name and raises `PermanentError` for one that cannot be read. `pictures`
    holds what was decoded, `memory` what other scans found out.
    """

    def __init__(
        self,
        decoders: Decoders,
        read: Callable[[str], bytes],
        policy: Policy,
        *,
        threads: int,
        measure: Measure = measure_all,
        progress: Progress = lambda _what, _done, _of: None,
        pictures: ScanPictures | None = None,
        memory: ScanMemory | None = None,
    ) -> None:
        self._decoders = decoders
        self._read = read
        self._policy = policy
        self._threads = threads
        self._measure = measure
        self._progress = progress
        self._pictures = pictures or ScanPictures()
        self._memory = memory or ScanMemory()
        self._made: dict[bytes, MadeOfFile | Future[MadeOfFile | None]] = {}  # by content; or who makes it
        self._lost: dict[str, Unreadable] = {}  # files that were read, and could not be once more

    def scan(self, names: Sequence[str]) -> ScanReport:
        """Read and compare these files. Raises `TemporaryError` if there is no decoder to be had."""
        images: dict[bytes, ImageFacts] = {}
        unreadable: list[Unreadable] = []
        too_plain: list[str] = []
        candidates = Candidates()
        # One thread more than processes, so that none of these waits for its next picture.
        with ThreadPoolExecutor(self._threads + 1) as threads:
            found = threads.map(self._features, names)
            for number, (name, it) in enumerate(zip(names, found, strict=True), 1):
                if isinstance(it, Unreadable):
                    unreadable.append(it)
                else:
                    facts = replace(it.facts, image_id=number.to_bytes(16), path=name)
                    images[facts.image_id] = facts
                    candidates.add(facts, it.fingerprints)
                    if it.fingerprints.is_flat:
                        too_plain.append(name)
                self._progress("reading", number, len(names))
            components = candidates.components()
            work = [Component(images, ids, candidates.views) for ids in components]
            counter = _Counter(self._progress, candidates.count, len(work))
            is_over = Event()
            with ThreadPoolExecutor(self._threads + 1) as comparing:
                try:
                    for _ in threads.map(lambda component: self._settle(component, comparing, counter, is_over), work):
                        pass  # so that what went wrong in a thread rises here
                finally:
                    is_over.set()  # who interrupts does not wait for all that is left
        unreadable += [lost for _, lost in sorted(self._lost.items())]
        groups = sorted((group for it in work for group in it.groups), key=lambda it: it.keeper.path)
        alike = sorted((pair for it in work for pair in it.look_alikes()), key=lambda it: (it.left.path, it.right.path))
        read = len(images) - len(self._lost)
        return ScanReport(read, counter.done, tuple(groups), tuple(alike), tuple(unreadable), tuple(too_plain))

    def _features(self, name: str) -> MadeOfFile | Unreadable:
        stamp = self._memory.stamp(name)
        if stamp is not None and (known := self._memory.file(stamp)) is not None:
            return known
        try:
            made = self._made_of(self._read(name))
        except PermanentError as error:
            return Unreadable(name, error.reason, str(error))  # the error itself would hold the file
        if stamp is not None and stamp == self._memory.stamp(name):  # it was not written to while it was read
            self._memory.keep_file(stamp, made)
        return made

    def _made_of(self, data: bytes) -> MadeOfFile:
        content = sha256(data).digest()[:CONTENT_BYTES]
        ours: Future[MadeOfFile | None] = Future()
        while (first := self._made.setdefault(content, ours)) is not ours:
            if made := first.result() if isinstance(first, Future) else first:
                return made
        made = None
        try:
            features, picture = self._decoders.features_and_picture(data)
            self._pictures.hold(content, picture)
            made = MadeOfFile(ImageFacts.of(b"", "", features), features.fingerprints)
            return made
        finally:
            if made is None:  # who waits for it tries for itself
                del self._made[content]
            else:
                self._made[content] = made
            ours.set_result(made)

    def _settle(self, component: Component, comparing: Executor, counter: "_Counter", is_over: Event) -> None:
        """Compare until everything is said."""
        component.copies_by_content()
        known: dict[Contents, Verdict] = {}
        while pairs := component.next_pairs():
            while new := self._to_compare(pairs, known):
                # Where few components are left, as of a thousand forms that all look alike, each takes several threads.
                most = ceil(len(new) * min(counter.components_left, self._threads) / self._threads)
                for found in comparing.map(
                    lambda some: None if is_over.is_set() else self._verdicts(some),
                    batched(new, min(most, AT_ONCE), strict=False),
                ):
                    if found is None:
                        return
                    known |= found
                    counter.count(len(found))
            component.settle(pairs, [known.get(Contents.of(pair)) for pair in pairs])
            component.leave_out(self._lost)
        counter.end_of_component()

    def _to_compare(self, pairs: Sequence[ComparedPair], known: dict[Contents, Verdict]) -> list[ComparedPair]:
        """One pair of each contents that were not compared yet; of equal ones `known` is told."""
        new: dict[Contents, ComparedPair] = {}
        for pair in pairs:
            contents = Contents.of(pair)
            if contents.left == contents.right:
                known[contents] = SAME_BYTES
            elif contents not in known and self._lost.keys().isdisjoint((pair.left.path, pair.right.path)):
                new.setdefault(contents, pair)
        return list(new.values())

    def _verdicts(self, pairs: Sequence[ComparedPair]) -> dict[Contents, Verdict]:
        """Of pairs with one keeper; none where a file is gone or another one by now."""
        found = {it: known for it in map(Contents.of, pairs) if (known := self._memory.pair(it)) is not None}
        new = [pair for pair in pairs if Contents.of(pair) not in found]
        keeper = self._picture(new[0].left) if new else None
        if keeper is not None:
            shown = [(pair, other) for pair in new if (other := self._picture(pair.right)) is not None]
            measured = self._measure(keeper, [(other, pair.view) for pair, other in shown])
            for (pair, _), it in zip(shown, measured, strict=True):
                found[Contents.of(pair)] = it
                self._memory.keep_pair(Contents.of(pair), it)
        return {contents: decide(it, self._policy) for contents, it in found.items()}

    def _picture(self, facts: ImageFacts) -> WorkingImage | None:
        """The picture as it was when it was looked up; None, and noted, where the file is another one by now."""
        if (held := self._pictures.held(facts.content)) is not None:
            return held
        try:
            data = self._read(facts.path)
            if sha256(data).digest()[:CONTENT_BYTES] != facts.content:
                raise ChangedFile("the file changed while the folder was scanned: scan it again")
            picture = self._decoders.decode(data)
        except PermanentError as error:
            self._lost[facts.path] = Unreadable(facts.path, error.reason, str(error))
            return None
        self._pictures.hold(facts.content, picture)
        return picture


class _Counter:
    """Tells how many comparisons were made, and holds how many components are left, from whatever thread."""

    def __init__(self, progress: Progress, expected: int, components: int) -> None:
        self.done = 0
        self.components_left = components
        self._progress = progress
        self._expected = expected
        self._lock = Lock()

    def count(self, comparisons: int) -> None:
        with self._lock:
            self.done += comparisons
            self._progress("comparing", self.done, max(self.done, self._expected))

    def end_of_component(self) -> None:
        with self._lock:
            self.components_left -= 1
