"""Where a copy is lost, what would bring it back, and that a copy fares as an upload of the same bytes does."""

import io
from dataclasses import replace

import pytest
from PIL import Image

from dedup_app.measure.analysis import Report, analyze
from dedup_app.measure.results import CopyResult, ImageResult, Outcome, StrangerPair
from dedup_app.measure.service import NO_GROUP
from dedup_app.measure.stages import Stage, stage_of_search, stage_of_verdict
from dedup_app.pipeline.candidates import Candidate
from dedup_changes.transforms import TRANSFORMS
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.verdict import decide
from dedup_core.groups.facts import Family
from dedup_core.paths import ImagePath
from dedup_core.policy import BALANCED, STRICT
from dedup_core.search.hit import Hit
from dedup_core.views import View
from dedup_decoders.in_process import InProcessDecoders, extract_features
from tests.app.judged import measured
from tests.app.test_measure import Bench, Pile
from tests.app.world import World, copy_of, photo

SAME = TRANSFORMS["jpeg-50"].right


@pytest.mark.parametrize("change", ["jpeg-50", "mirrored", "sepia", "half-crop", "avatar"])
def test_a_copy_is_found_and_judged_as_an_upload_of_the_same_bytes(change: str):
    world = World()
    for seed in range(3):
        world.upload_and_ingest(f"{seed}.png", photo(seed))
    original = ImagePath("images", "0.png")
    service = world.services.measure(Bench((change,)), InProcessDecoders(), 1)
    drawn = service.sample("0", 1, 0)
    [result] = service.run(drawn.images, Pile())
    [copy] = result.copies
    with Image.open(io.BytesIO(photo(0))) as picture:
        made = TRANSFORMS[change].copy_of(picture.convert("RGB"), "0.png")
    path = world.upload_and_ingest("copy.jpg", made)
    world.verify_all()
    pair = world.pairs.get(path, original)
    assert (copy.search is Stage.FOUND) is (pair is not None)
    if pair is not None:
        assert pair.verdict is not None
        assert pair.verdict.kind is decide(copy.measurement, BALANCED).kind


@pytest.mark.parametrize(
    ("measurement", "stage"),
    [
        (measured(1.0), Stage.FOUND),
        (measured(9.0), Stage.COLOR),
        (measured(structure=0.3), Stage.STRUCTURE),
        (replace(measured(structure=0.1), detail=None), Stage.ALIGNMENT),
    ],
)
def test_what_of_a_comparison_loses_a_copy(measurement: PairMeasurement, stage: Stage):
    assert stage_of_verdict(measurement, BALANCED, SAME) is stage


def test_a_hit_that_what_is_stored_does_not_bear_out_or_that_a_crowd_displaces_is_thinned():
    world = World(plain_index=True)
    row = world.row(world.upload_and_ingest("a.png", photo(1)))
    ours, others = (extract_features(photo(seed)).fingerprints for seed in (1, 2))
    near, far = (Hit(row.path.image_id, bits, View.UPRIGHT, 0) for bits in (0, 90))
    assert stage_of_search(row, others, [far], [], 10) is Stage.THINNED
    assert stage_of_search(row, ours, [near], [Candidate(row, near)], 10) is Stage.THINNED
    assert stage_of_search(row, ours, [], [], 10) is Stage.NO_CANDIDATE


def analyzed(copies: list[PairMeasurement], strangers: list[PairMeasurement]) -> Report:
    made = tuple(CopyResult("jpeg-50", Stage.FOUND, 1, 0, it) for it in copies)
    met = [StrangerPair("images/a", f"images/{number}", 40, True, it) for number, it in enumerate(strangers)]
    results = [ImageResult("images/a", Outcome.MEASURED, 10, made)]
    return analyze([], results, met, (100, 0), [TRANSFORMS["jpeg-50"]], STRICT, 50)


def test_a_setting_that_brings_copies_back_is_told_with_the_strangers_that_it_costs():
    weak = measured(structure=0.5)  # between what strict and loose ask for
    report = analyzed([measured()] * 3 + [weak] * 4, [weak] * 2 + [measured(structure=0.2)])
    [advice] = [it for it in report.advice if it.setting == "POLICY_MIN_ALTERED_STRUCTURE"]
    assert (advice.value, advice.copies_back, advice.strangers_more) == ("0.4", 4, 2)


def test_presets_are_points_with_an_interval_each():
    report = analyzed([measured(residual) for residual in (1.9, 2.4, 5.0, 9.0)], [measured(2.4)])
    points = {it.name: (it.found, it.interval.count, it.strangers.count) for it in report.points}
    assert points == {"today": (0.25, 1, 0), "strict": (0.25, 1, 0), "balanced": (0.5, 2, 1), "loose": (0.75, 3, 1)}


def test_the_sample_is_drawn_by_format_size_and_verdict_so_far_of_names_that_begin_so():
    world = World()
    for name, data in {"x/a.png": photo(1), "x/b.jpg": copy_of(1), "x/c.png": photo(2), "y/d.png": photo(3)}.items():
        world.upload_and_ingest(name, data)
    world.verify_all()
    drawn = world.services.measure(Bench(()), InProcessDecoders(), 1).sample("x/", 10, 0)
    assert {str(image.path) for image in drawn.images} == {"images/x/a.png", "images/x/b.jpg", "images/x/c.png"}
    kinds = {(it.format, it.size, it.verdict) for it in drawn.strata}
    small, same = "under 0.5 MP", Family.SAME.value
    assert kinds == {("PNG", small, same), ("JPEG", small, same), ("PNG", small, NO_GROUP)}
