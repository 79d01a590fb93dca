"""`measure`: copies of a sample are found or lost as ingest would find or lose them, and nothing is ever written."""

import json
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pytest

from dedup_app.feedback.decisions import Act
from dedup_app.intervals import Share
from dedup_app.measure.analysis import Report, analyze
from dedup_app.measure.results import ImageResult, Outcome
from dedup_app.measure.sample import Sample, draw
from dedup_app.measure.service import COPIES_AT_ONCE, MeasureService, without
from dedup_app.measure.stages import Stage
from dedup_app.ports.features import ImageSummary
from dedup_app.ports.image_status import INDEXED
from dedup_changes.copy_maker import MadeCopy
from dedup_changes.transforms import TRANSFORMS, Transform
from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.decoding.headers.header import Header
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import CONTENT_BYTES
from dedup_core.paths import ImagePath
from dedup_core.policy import BALANCED
from dedup_core.views import View
from dedup_decoders.in_process import InProcessDecoders
from tests.app.world import World, copy_of, photo, recolored
from tests.core.pictures import encoded, scene
from tests.remembered import copies_once, measure_once

READING = {
    *("images.read", "features.get", "features.all_summaries", "index.search", "index.catch_up"),
    *("verdict_log.reader", "pairs.all"),
}
FEW = ("jpeg-50", "mirrored", "grey")


@dataclass
class Bench:
    """The copy maker of this process."""

    names: tuple[str, ...] = FEW
    made: list[str] = field(default_factory=list)

    @property
    def changes(self) -> tuple[Transform, ...]:
        return tuple(TRANSFORMS[name] for name in self.names)

    def copies(self, picture: WorkingImage, name: str, changes: Sequence[str]) -> list[MadeCopy]:
        self.made += changes
        return copies_once(picture, name, changes)

    measure = staticmethod(measure_once)


class Pile(dict[str, WorkingImage]):
    """Pictures put aside in memory."""

    def put(self, image_id: str, picture: WorkingImage) -> None:
        self[image_id] = picture


@dataclass
class Trial:
    """One run over a world."""

    world: World
    bench: Bench = field(default_factory=Bench)
    pile: Pile = field(default_factory=Pile)

    @property
    def service(self) -> MeasureService:
        return self.world.services.measure(self.bench, InProcessDecoders(), 2)

    def run(self, most: int = 10) -> tuple[Sample, list[ImageResult], Report]:
        service = self.service
        sample = service.sample("", most, 0)
        results = list(service.run(sample.images, self.pile))
        rows, strangers = service.strangers(sample.images, most)
        compared = list(service.compared(rows, strangers.near, self.pile))
        pairs = strangers.pairs, strangers.known_copies
        limit = self.world.settings.max_candidates
        return sample, results, analyze(sample.images, results, compared, pairs, self.bench.changes, BALANCED, limit)


@pytest.fixture
def trial() -> Trial:
    world = World()
    for seed in range(3):
        world.upload_and_ingest(f"{seed}.png", photo(seed))
    return Trial(world)


def test_copies_are_found_and_judged_as_uploads_would_be(trial: Trial):
    sample, results, report = trial.run()
    assert (len(sample.images), sample.total) == (3, 3)
    assert {result.outcome for result in results} == {Outcome.MEASURED}
    assert {it.name: it.found for it in report.changes} == dict.fromkeys(FEW, Share(3, 3))
    grey = next(it for it in report.changes if it.name == "grey")
    assert (grey.verdicts, grey.same.count) == ({"color_variant": 3}, 0)
    assert (report.strangers.pairs, report.strangers.known_copies) == (3, 0)
    assert {point.name: point.found for point in report.points}["today"] == 1.0


def test_images_of_which_copies_are_lost_more_often_stand_out():
    world = World()
    world.upload_and_ingest("a.png", photo(0))
    world.upload_and_ingest("b.jpg", copy_of(1))
    world.upload_and_ingest("flat.png", encoded(scene(0, (240, 180)).resize((1, 1)).resize((240, 180))))
    _, _, report = Trial(world, Bench(("jpeg-50", "mirrored"))).run()
    assert [(it.by, it.name, it.images, it.found) for it in report.slices] == [
        ("format", "JPEG", 1, Share(2, 2)),
        ("format", "PNG", 2, Share(2, 4)),
        ("size", "under 0.5 MP", 3, Share(4, 6)),
    ]


def test_every_image_is_read_once_and_nothing_is_written(trial: Trial):
    trial.world.calls.clear()
    trial.world.images.reads.clear()
    trial.run()
    assert set(trial.world.calls) <= READING
    assert len(trial.world.images.reads) == 3


def test_a_run_goes_on_where_it_was(trial: Trial):
    service = trial.service
    sample = service.sample("", 10, 0)
    first = next(iter(service.run(sample.images[:1], trial.pile)))
    kept = ImageResult.from_dict(json.loads(json.dumps(first.as_dict())))
    assert [copy.measurement.structure for copy in kept.copies] == [it.measurement.structure for it in first.copies]
    left = without(sample.images, {kept.path})
    assert [str(image.path) for image in left] == [str(image.path) for image in sample.images[1:]]


def test_an_image_that_was_begun_is_left_at_its_next_copy_once_nobody_waits_for_it(trial: Trial):
    handed_out, most = [], 5_000

    class Endless(Bench):
        """The first image has no copies, the next one has thousands of the same."""

        begun: ClassVar[list[str]] = []

        def copies(self, picture: WorkingImage, name: str, changes: Sequence[str]) -> list[MadeCopy]:
            self.begun.append(name)
            if name == self.begun[0]:
                return []
            [made] = super().copies(picture, name, changes)
            return (handed_out.append(made) or made for _ in range(most))  # type: ignore[func-returns-value, return-value]

    trial.bench = Endless(("jpeg-50",))
    running = trial.service.run(trial.service.sample("", 2, 0).images, trial.pile)
    assert next(running).copies == ()
    running.close()
    assert len(handed_out) < most


def test_as_many_images_are_at_work_as_there_are_threads():
    world = World()
    for seed in range(8):
        world.upload_and_ingest(f"{seed}.png", photo(seed))
    everybody = threading.Barrier(4, timeout=30)  # broken unless four are at it at once, twice

    class Meeting(Bench):
        def copies(self, picture: WorkingImage, name: str, changes: Sequence[str]) -> list[MadeCopy]:
            everybody.wait()
            return super().copies(picture, name, changes)

    service = world.services.measure(Meeting(("jpeg-50",)), InProcessDecoders(), 4)
    results = list(service.run(service.sample("", 8, 0).images, Pile()))
    assert [it.outcome for it in results] == [Outcome.MEASURED] * 8


class Census:
    """How many pictures there are, by their pixels: now, and at most."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a picture may go while another one is counted
        self.alive = self.most = 0

    def count(self, picture: WorkingImage) -> WorkingImage:
        """A copy of the picture, whose pixels are its own and are counted until they go."""
        counted = replace(picture, pixels=np.array(picture.pixels))
        with self._lock:
            self.alive += 1
            self.most = max(self.most, self.alive)
        weakref.finalize(counted.pixels, self._gone)
        return counted

    def _gone(self) -> None:
        with self._lock:
            self.alive -= 1


@pytest.mark.parametrize("images", [5, 30])
def test_no_more_pictures_are_held_however_many_are_measured(images: int):
    census, threads = Census(), 2
    world = World()
    for seed in range(images):
        world.upload_and_ingest(f"{seed}.png", encoded(scene(seed, (120, 90))))
    example = InProcessDecoders().decode(photo(0))
    prints, measured = fingerprints_of(example, bytes(CONTENT_BYTES)), measure_images(example, example)

    class Counting(Bench):
        def copies(self, picture: WorkingImage, _name: str, changes: Sequence[str]) -> list[MadeCopy]:
            return [MadeCopy(change, prints, census.count(picture)) for change in changes]

        def measure(self, _left: WorkingImage, _right: WorkingImage, _hint: View | None) -> PairMeasurement:  # type: ignore[override]
            return measured

    class CountingDecoders(InProcessDecoders):
        def decode(self, data: bytes, header: Header | None = None) -> WorkingImage:
            return census.count(super().decode(data, header))

    class Away:
        def put(self, _image_id: str, _picture: WorkingImage) -> None: ...

        def get(self, _image_id: str) -> WorkingImage:
            return census.count(example)

    service = world.services.measure(Counting(tuple(TRANSFORMS)[: 2 * COPIES_AT_ONCE]), CountingDecoders(), threads)
    sample = service.sample("", images, 0)
    for _ in service.run(sample.images, Away()):
        pass
    assert COPIES_AT_ONCE <= census.most <= threads * (COPIES_AT_ONCE + 2)  # its own, and the copy that was last
    census.most = 0
    rows, strangers = service.strangers(sample.images, images)
    for _ in service.compared(rows, strangers.near, Away()):
        pass
    assert 0 < census.most <= threads * 2


def test_images_that_vanish_or_change_meanwhile_are_left_out_and_counted(trial: Trial):
    service = trial.service
    sample = service.sample("", 10, 0)
    trial.world.images.delete(ImagePath("images", "0.png"))
    trial.world.images.put(ImagePath("images", "1.png"), photo(7))
    results = {result.path: result for result in service.run(sample.images, trial.pile)}
    assert results["images/0.png"].outcome is Outcome.VANISHED
    assert results["images/1.png"].outcome is Outcome.CHANGED
    assert results["images/2.png"].outcome is Outcome.MEASURED
    assert [len(result.copies) for result in results.values() if result.outcome is not Outcome.MEASURED] == [0, 0]


def test_copies_beyond_the_limit_of_candidates_are_told_as_such():
    world = World(max_candidates=1)
    for number in range(3):
        world.upload_and_ingest(f"{number}.png", photo(1))
    _, _, report = Trial(world, Bench(("jpeg-50",))).run()
    [change] = report.changes
    assert (change.found.count, change.stages) == (1, {Stage.BEYOND: 2})
    assert [(it.setting, it.value, it.copies_back) for it in report.advice] == [("MAX_CANDIDATES", "3", 2)]


def test_a_copy_that_the_search_does_not_meet_is_told_as_such(trial: Trial):
    trial.world.upload_and_ingest("flat.png", encoded(scene(0, (240, 180)).resize((1, 1)).resize((240, 180))))
    trial.bench = Bench(("jpeg-50",))
    _, _, report = trial.run()
    [change] = report.changes
    assert change.stages == {Stage.NO_CANDIDATE: 1}
    [lost] = change.lost
    assert lost.image == "images/flat.png"


def test_what_is_the_same_file_or_was_decided_a_copy_is_no_stranger():
    world = World()
    for name, data in {"a.png": photo(1), "b.png": photo(1), "c.jpg": copy_of(1), "d.png": recolored(1)}.items():
        world.upload_and_ingest(name, data)
    world.verify_all()
    a, c, d = (ImagePath("images", name) for name in ("a.png", "c.jpg", "d.png"))
    world.services.decisions.decide_pair(a, c, Act.DUPLICATE, "ann")
    world.services.decisions.decide_pair(a, d, Act.NOT_DUPLICATE, "ann")
    _, _, report = Trial(world, Bench(())).run()
    assert (report.strangers.pairs, report.strangers.known_copies) == (4, 2)
    closest = {frozenset((pair.left, pair.right)) for pair, _ in report.strangers.closest}
    assert frozenset(("images/a.png", "images/b.png")) not in closest
    assert frozenset(("images/a.png", "images/d.png")) in closest
    called = {kind: share.count for kind, share in report.strangers.verdicts.items()}
    assert called["duplicate"] == 1  # b.png and c.jpg, of which nobody has said anything


def summaries(formats: dict[str, int]) -> list[ImageSummary]:
    kinds = [name for name, count in formats.items() for _ in range(count)]
    return [
        ImageSummary(ImagePath("images", f"{place}"), "0x1", INDEXED, 2, 640, 480, 1000, 1, "aa", kind)
        for place, kind in enumerate(kinds)
    ]


def test_the_sample_is_the_same_for_a_seed_in_whatever_order_the_images_come():
    images = summaries({"JPEG": 40, "PNG": 10})
    drawn = draw(images, lambda _: "none", 10, 5)
    assert draw(images[::-1], lambda _: "none", 10, 5) == drawn
    assert draw(images, lambda _: "none", 10, 6).images != drawn.images


def test_every_kind_of_image_has_its_share_and_at_least_one():
    drawn = draw(summaries({"JPEG": 400, "PNG": 99, "GIF": 1}), lambda _: "none", 10)
    assert {it.format: counts for it, counts in drawn.strata.items()} == {
        "JPEG": (8, 400),
        "PNG": (1, 99),
        "GIF": (1, 1),
    }
    assert len(drawn.images) == 10


def test_of_fewer_images_than_asked_for_all_are_taken_but_those_too_small_to_be_changed():
    images = summaries({"JPEG": 4})
    drawn = draw([*images, replace(images[0], path=ImagePath("images", "dot"), height=31)], lambda _: "none", 300)
    assert (len(drawn.images), drawn.total, drawn.too_small) == (4, 4, 1)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (5, 10, 0.2366, 0.7634), (95, 100, 0.8882, 0.9785)],
)
def test_intervals_are_those_of_wilson(count: int, of: int, low: float, high: float):
    share = Share(count, of)
    assert (share.low, share.high) == pytest.approx((low, high), abs=1e-4)
