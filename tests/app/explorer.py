"""Random schedules of everything that may happen to a few images, checked in the end: `python -m tests.app.explorer`.

Every delivery runs in a process of its own, as a greenlet that stops before each single storage operation. Dice decide
who goes on, what people do meanwhile, and which operation fails: without effect, after its effect (which a client that
asks once more may meet), or so that its effect comes later than its caller gave up; or the process dies. The host's
rules then bring the delivery back.
"""

import argparse
import hashlib
import logging
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from typing import Any
from unittest.mock import patch

from greenlet import greenlet

from dedup_app.configuration.settings import Settings
from dedup_app.pipeline import pairing
from dedup_app.ports.image_status import INDEXED
from dedup_app.ports.pairs import PairRow
from dedup_app.records.current_pairs import is_current
from dedup_app.services import Services
from dedup_core.comparison import measure
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import StoreBusy, TemporaryError
from dedup_core.events import BLOB_DELETED, BlobEvent
from dedup_core.features import ImageFeatures
from dedup_core.messages import IngestMessage, VerifyMessage
from dedup_core.paths import ImagePath
from dedup_decoders.in_process import InProcessDecoders
from dedup_storage.logs import fingerprint_log
from dedup_storage.logs.fingerprint_log import FingerprintLog
from dedup_storage.logs.places import SegmentFull
from dedup_storage.logs.verdict_log import VerdictLog
from dedup_storage.tables.features import AzureFeaturesTable
from dedup_storage.tables.pairs import AzurePairsTable
from dedup_storage.tables.rows import features_entity  # noqa: F401 - for those who plant bugs
from tests.app.plain_fingerprint_index import PlainFingerprintIndex
from tests.app.world import copy_of, photo
from tests.groups import groups_of_log, groups_of_tables
from tests.memory import (
    MemoryEntities,
    MemoryImages,
    MemoryPoisonQueues,
    MemoryQueues,
    MemoryReportsTable,
    MemorySegments,
    MemoryStatsTable,
)

PATHS = tuple(ImagePath("images", name) for name in ("x.png", "y.png", "z.png"))
GARBAGE = b"Dear Sir or Madam"
CONTENTS = (photo(1), photo(1), copy_of(1), photo(2), GARBAGE)
PICTURES = {photo(1): 1, copy_of(1): 1, photo(2): 2}  # which scene each file shows
SCENES = {hashlib.sha256(data).hexdigest(): (data, scene) for data, scene in PICTURES.items()}
WRITES = frozenset({"create", "update", "upsert", "delete", "append", "send"})
CONDITIONAL = frozenset({"create", "update"})
MOST_CHANGES = 5
MOST_FAULTS = 3
MOST_RUNNING = 3
MOST_STEPS = 3_000
STEPS_A_LOOK = 6  # of a reader who looks at the tables while everything is in work
NOON = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)


class Died(BaseException):
    """The process dies; nothing catches it."""


class Wrong(AssertionError):
    """What a schedule left behind is not what processing each final blob once would leave."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the host hands to a process: the event of an upload or a deletion, or a message of one of the two queues."""

    kind: str
    what: ImagePath | IngestMessage | VerifyMessage


class Steps:
    """Stands before a part of the storage of the schedule being played: whoever calls it waits for the dice."""

    explorer: "Explorer"

    def __init__(self, part: str) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        explorer = Steps.explorer
        target = getattr(explorer.parts[self._part], name)
        if not callable(target):
            return target
        return lambda *args, **kwargs: explorer.step(name, lambda: target(*args, **kwargs))


class Anew:
    """A log of a process that knows nothing of it, or what the deliveries before told it if it runs for longer."""

    def __init__(self, opened: Callable[[], object]) -> None:
        self._opened = opened
        self.start(anew=True)

    def start(self, *, anew: bool) -> None:
        if anew:
            self._log = self._opened()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


@dataclass
class Queue:
    """One queue of the app; what is sent becomes a delivery."""

    kind: str
    deliveries: list[Delivery]

    def send(self, message: Any) -> None:
        self.deliveries.append(Delivery(self.kind, message))

    def send_all(self, messages: Any) -> int:
        sent = [self.send(message) for message in messages]
        return len(sent)


@dataclass
class Explorer:
    """One schedule, thrown by dice with this seed; `trace` tells what happened."""

    seed: int
    faults: int = MOST_FAULTS
    trace: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.images = MemoryImages()
        self.deliveries: list[Delivery] = []
        self.running: dict[greenlet, Delivery] = {}
        self.parts = {
            "images": self.images,
            "features": MemoryEntities(),
            "pairs": MemoryEntities(),
            "segments": MemorySegments(max_blocks=6),
            "verdict_segments": MemorySegments(),
            "ingest": Queue("ingest", self.deliveries),
            "verify": Queue("verify", self.deliveries),
        }
        self.late: list[tuple[str, Callable[[], object]]] = []
        self.time = NOON
        self.changes = self.dice.randint(2, MOST_CHANGES)
        self.contents: dict[ImagePath, bytes] = {}
        self.last: dict[ImagePath, bytes] = {}  # what was uploaded there, also if it was deleted
        self.idle: list[Services] = []  # processes that go on after a delivery
        self.versions: dict[tuple[str, str], tuple[int, int]] = {}  # of the pair rows, when a reader last looked
        self.main = greenlet.getcurrent()

    def run(self) -> None:
        """Play the schedule to its end. Raises `Wrong`."""
        Steps.explorer = self
        for number in range(MOST_STEPS):
            if number % STEPS_A_LOOK == 0:
                self._read()
            moves = self._moves()
            if not moves:
                self._check()
                _idle.extend(self.idle)
                return
            self.dice.choice(moves)()
        raise Wrong(f"schedule {self.seed} never ends: {self.trace[-20:]}")

    def step(self, name: str, operation: Callable[[], object]) -> object:
        """A process is about to do a storage operation; with a chance it does not go well."""
        if greenlet.getcurrent() is self.main:
            return operation()
        self.main.switch()
        if self.faults == 0 or self.dice.random() > 0.04:
            return operation()
        self.faults -= 1
        fault = self.dice.choice(("busy", "dies before", "dies after", "answer lost", "late"))
        self.trace.append(f"  {name}: {fault}")
        if fault == "late" and name in WRITES:
            self.late.append((name, operation))
        elif fault in ("dies after", "answer lost"):
            answer = operation()
            if fault == "answer lost" and name in CONDITIONAL and answer is not None and self.faults % 2:
                return None  # the client has asked once more, and has met what it had written
        if fault.startswith("dies"):
            raise Died
        raise StoreBusy(f"{name} gave no answer")

    def _moves(self) -> list[Callable[[], None]]:
        moves: list[Callable[[], None]] = [lambda task=task: self._resume(task) for task in self.running for _ in "ab"]
        if self.deliveries and len(self.running) < MOST_RUNNING:
            moves.append(self._deliver)
        if self.changes:
            moves.append(self._change)
        if self.late:
            moves.append(self._take_effect)
        return moves

    def _change(self) -> None:
        """Somebody uploads, overwrites or deletes an image; the event may come twice."""
        self.changes -= 1
        gone = [path for path in self.last if path not in self.contents]
        path = self.dice.choice(gone if gone and self.dice.random() < 0.5 else PATHS)
        kind = "event"
        if path in self.contents and self.dice.random() < 0.3:
            kind = "deletion"
            del self.contents[path]
            self.images.delete(path)
            self.trace.append(f"delete {path.name}")
        else:
            again = self.dice.random() < (0.6 if path in gone else 0.3) and path in self.last
            data = self.last[path] if again else self.dice.choice(CONTENTS)
            self.contents[path] = self.last[path] = data
            self.images.put(path, data)
            self.trace.append(f"upload {path.name} with {CONTENTS.index(data)}")
        for _ in range(self.dice.choice((1, 1, 1, 2))):
            self.deliveries.append(Delivery(kind, path))

    def _deliver(self) -> None:
        delivery = self.deliveries.pop(self.dice.randrange(len(self.deliveries)))
        services = self.idle.pop() if self.idle and self.dice.random() < 0.5 else None
        anew = services is None
        if services is None:
            services = _idle.pop() if _idle else process()
        services.index.start(anew=anew)  # type: ignore[attr-defined]
        services.verdict_log.start(anew=anew)  # type: ignore[attr-defined]
        task = greenlet(lambda: self._handle(services, delivery), self.main)
        self.running[task] = delivery
        self._resume(task)

    def _handle(self, services: Services, delivery: Delivery) -> None:
        try:
            if delivery.kind == "deletion":
                url = f"https://account.blob.core.windows.net/{delivery.what}"
                services.blob_events.handle(BlobEvent(BLOB_DELETED, url))
            elif isinstance(delivery.what, ImagePath):
                services.ingest.handle_blob(delivery.what.container, delivery.what.name)
            elif isinstance(delivery.what, IngestMessage):
                services.ingest.handle_message(delivery.what.to_json(), "1")
            else:
                services.verify.handle_message(delivery.what.to_json(), "1")
        except Died:
            _idle.append(services)
            raise
        except BaseException:
            self.idle.append(services)
            raise
        self.idle.append(services)

    def _resume(self, task: greenlet) -> None:
        delivery = self.running[task]
        self.time += timedelta(milliseconds=1)
        self.trace.append((list(self.running).index(task), delivery))
        try:
            task.switch()
        except (Died, TemporaryError):
            self.deliveries.append(delivery)  # faults are fewer than the host's tries
        if task.dead:
            del self.running[task]

    def _take_effect(self) -> None:
        name, operation = self.late.pop(self.dice.randrange(len(self.late)))
        self.trace.append(f"{name} takes effect")
        with suppress(SegmentFull):
            operation()

    def _read(self) -> None:
        """What readers take for current is true of the versions that the rows have, at any moment; none goes back."""
        pairs = list(_reader().pairs.all())
        if not pairs:
            return
        rows = {row.path.image_id: row for row in _reader().features.all_summaries()}
        for pair in pairs:
            key, versions = (pair.left.image_id, pair.right.image_id), (pair.left_version, pair.right_version)
            before = self.versions.get(key, (0, 0))
            # 0 is what was read before any row was about it: no reader takes that for current.
            is_newer = all(new >= old or new == 0 for new, old in zip(versions, before, strict=True))
            self._must(is_newer, f"{pair.left}, {pair.right}: {versions} after {before}")
            self.versions[key] = tuple(map(max, versions, before))  # type: ignore[assignment]
            if pair.verdict is None or pair.verdict.kind is VerdictKind.UNVERIFIABLE or not is_current(pair, rows):
                continue
            left, right = (SCENES.get(rows[it].sha256) for it in key)
            if left is not None and right is not None:
                kind = pair.verdict.kind
                self._must(kind is _kind_of(left, right), f"{pair.left}, {pair.right} were {kind} for a reader")

    def _check(self) -> None:
        services = process()
        services.index.refresh()
        rows = {row.path: row for row in services.features.all()}
        held: dict[str, int] = {}
        for path in PATHS:
            held |= services.index.held(path.image_id[:2])
        for path in PATHS:
            row, data = rows.get(path), self.contents.get(path)
            if data is None:
                self._must(row is None or row.status.is_gone, f"{path} is gone and has a row")
                self._must(path.image_id not in held, f"{path} is gone and held")
                continue
            self._must(row is not None, f"{path} has no row")
            assert row is not None
            self._must(row.etag == self.images.etag(path), f"{path} has a row about other bytes")
            if data == GARBAGE:
                self._must(row.status.is_rejected and path.image_id not in held, f"{path} is garbage")
            else:
                self._must(row.status == INDEXED, f"{path} is {row.status}")
                self._must(held.get(path.image_id) == row.version, f"{path} is not held at its version")
        self._check_pairs(services)
        self._check_groups(services)

    def _check_pairs(self, services: Services) -> None:
        rows = {row.path.image_id: row for row in services.features.all_summaries()}
        current = {frozenset((pair.left, pair.right)): pair for pair in services.pairs.all() if is_current(pair, rows)}
        for left, right in combinations(PATHS, 2):
            pair = current.get(frozenset((left, right)))
            expected = _expected(self.contents.get(left), self.contents.get(right))
            if expected is not None or pair is not None:  # an open one of which no message is left stays open
                self._must(pair is not None and pair.verdict is not None, f"{left}, {right}: no verdict")
            if pair is not None and pair.verdict is not None and left in self.contents and right in self.contents:
                kind = expected or VerdictKind.DISTINCT
                is_garbage = GARBAGE in (self.contents[left], self.contents[right])
                kinds = {VerdictKind.UNVERIFIABLE} if is_garbage else {kind}
                self._must(pair.verdict.kind in kinds, f"{left}, {right}: {pair.verdict.kind}, not {kinds}")
            self._must(_sides_agree(services, pair), f"{left}, {right}: the sides differ")

    def _check_groups(self, services: Services) -> None:
        """The verdict log, from which alone groups come, says what the tables say."""
        told = groups_of_log(services)
        expected = groups_of_tables(services, services.features.all_summaries(), services.pairs.all())
        self._must(told == expected, f"the groups are {told}, not {expected}")

    def _must(self, holds: bool, what: str) -> None:
        if not holds:
            trace = "\n".join(map(_told, self.trace))
            raise Wrong(f"schedule {self.seed}: {what}\n{trace}")


def _sides_agree(services: Services, pair: PairRow | None) -> bool:
    """Whether a verified pair stands under its other image, too."""
    if pair is None or pair.verdict is None:
        return True
    return all(
        any(
            it.right == other and it.verdict and it.verdict.kind is pair.verdict.kind
            for it in services.pairs.of_image(one)
        )
        for one, other in ((pair.left, pair.right), (pair.right, pair.left))
    )


def _expected(left: bytes | None, right: bytes | None) -> VerdictKind | None:
    """The verdict on two files that the index finds by each other; None for others."""
    if left is None or right is None or PICTURES.get(left) is None or PICTURES.get(left) != PICTURES.get(right):
        return None
    return VerdictKind.IDENTICAL if left == right else VerdictKind.DUPLICATE


def _kind_of(left: tuple[bytes, int], right: tuple[bytes, int]) -> VerdictKind:
    """The verdict on two files, of which each shows a scene."""
    if left[1] != right[1]:
        return VerdictKind.DISTINCT
    return VerdictKind.IDENTICAL if left == right else VerdictKind.DUPLICATE


def _told(move: object) -> str:
    if not isinstance(move, tuple):
        return str(move)
    task, delivery = move
    what = delivery.what
    if isinstance(what, VerifyMessage):
        return f"{task} verify {what.left.name} and {[target.path.name for target in what.rights]}"
    return f"{task} {delivery.kind} {what if isinstance(what, ImagePath) else what.path}"


_idle: list[Services] = []


def process() -> Services:
    """A process on the storage of whatever schedule is being played."""
    return Services(
        settings=_settings(),
        images=Steps("images"),  # type: ignore[arg-type]
        decoders=_decoders(),
        features=AzureFeaturesTable(Steps("features")),  # type: ignore[arg-type]
        pairs=AzurePairsTable(Steps("pairs")),  # type: ignore[arg-type]
        stats=MemoryStatsTable(),
        reports=MemoryReportsTable(),
        verify_queue=Steps("verify"),  # type: ignore[arg-type]
        ingest_queue=Steps("ingest"),  # type: ignore[arg-type]
        queues=MemoryQueues({}),
        poison_queues=MemoryPoisonQueues(),
        open_index=lambda: Anew(lambda: FingerprintLog(Steps("segments"))),  # type: ignore[arg-type]
        verdict_log=Anew(lambda: VerdictLog(Steps("verdict_segments"))),  # type: ignore[arg-type]
        instance="one",
        now=lambda: Steps.explorer.time,
    )


@cache
def _reader() -> Services:
    return process()


@cache
def _settings() -> Settings:
    return Settings()


@cache
def _decoders() -> InProcessDecoders:
    decoders = InProcessDecoders()
    decoders.extract_features = _remembering(decoders.extract_features)  # type: ignore[method-assign]
    decoders.decode = _remembering(decoders.decode)  # type: ignore[method-assign]
    return decoders


def _remembering(function: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """The same answer for the same bytes, the same error too."""
    known: dict[bytes, Any] = {}

    def answer(data: bytes, *_header: object) -> Any:
        if data not in known:
            try:
                known[data] = function(data)
            except Exception as error:  # noqa: BLE001 - raised below
                known[data] = error
        if isinstance(known[data], Exception):
            raise known[data]
        return known[data]

    return answer


_measured: dict[tuple[int, int], Any] = {}
_measure = measure.measure_images


def _measure_once(left: Any, right: Any, hint: Any, *rest: Any) -> Any:
    key = (id(left.working), id(right.working))
    if key not in _measured:
        _measured[key] = _measure(left, right, hint, *rest)
    return _measured[key]


@contextmanager
def quick() -> Iterator[None]:
    """Everything that is not the handlers' own work is remembered or plain."""
    logging.disable(logging.CRITICAL)
    image_id = cache(ImagePath.image_id.fget)  # type: ignore[attr-defined]
    from_columns, known = ImageFeatures.from_columns, {}

    def remembered(columns: dict[str, Any]) -> ImageFeatures:
        sha256 = columns["sha256"]
        if sha256 not in known:
            known[sha256] = from_columns(columns)
        return known[sha256]

    with (
        patch.object(ImagePath, "image_id", property(image_id)),
        patch.object(ImageFeatures, "from_columns", remembered),
        patch.object(measure, "measure_images", _measure_once),
        patch.object(fingerprint_log, "FingerprintIndex", PlainFingerprintIndex),
    ):
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def explore(first: int, schedules: int, faults: int = MOST_FAULTS) -> None:
    """Play schedules from a seed on. Raises `Wrong` at the first that ends badly."""
    with quick():
        for seed in range(first, first + schedules):
            # In every other one all comparisons go by messages, as those of more look-alikes do.
            with patch.object(pairing, "MOST_AT_ONCE", 0 if seed % 2 else pairing.MOST_AT_ONCE):
                Explorer(seed, faults).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    for first in range(options.seed, options.seed + options.schedules, 1000):
        end = min(first + 1000, options.seed + options.schedules)
        explore(first, end - first)
        seconds = time.monotonic() - started
        sys.stderr.write(f"{end - options.seed} schedules in {seconds:.0f} s, nothing found\n")


if __name__ == "__main__":
    main()
