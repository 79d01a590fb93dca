"""The report of quality counts what was found, and bounds what is too rare to be measured."""

import io
import json
import math
from argparse import Namespace
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from PIL import Image

from benchmarks import domains, quality, thresholds
from benchmarks.quality_eval import goals, known_pairs, markdown, ours, summary
from benchmarks.quality_eval.pictures import ORIGINAL, Cache, Photo, photos_in
from benchmarks.quality_eval.rates import fit_tail, threshold_at_rate, upper_bound, upper_bound_of_clusters
from dedup_core import ColorMetrics, Hit, PairMeasurement, Verdict, VerdictKind, View, measure_images
from dedup_core.decoding.decoder import decode
from tests.app.judged import measured


def test_the_threshold_lets_no_more_pairs_through_than_the_rate_allows() -> None:
    distances = np.arange(100, 20_100)
    threshold = threshold_at_rate(distances, 1e-4)
    assert (distances < threshold).sum() == 2


def test_pairs_that_tie_at_the_limit_stay_out() -> None:
    distances = [90] + [91] * 5 + [120] * 29_994
    assert threshold_at_rate(distances, 1e-4) == 91


def test_with_too_few_pairs_for_one_to_be_allowed_none_is() -> None:
    assert threshold_at_rate([95, 96, 97], 1e-4) == 95


def test_no_event_in_a_thousand_trials_leaves_three_in_a_thousand_possible() -> None:
    assert upper_bound(0, 1000) == pytest.approx(-math.log(0.05) / 1000)


def test_events_that_come_together_leave_a_wider_bound() -> None:
    apart = upper_bound_of_clusters([1] * 16, 10_000, 1000)
    together = upper_bound_of_clusters([16], 10_000, 1000)
    assert apart == pytest.approx(upper_bound(16, 10_000))
    assert together == pytest.approx(16 * upper_bound(1, 10_000))
    assert upper_bound_of_clusters([], 10_000, 1000) == upper_bound(0, 1000)


def test_the_fitted_tail_finds_a_rate_that_was_too_rare_to_measure() -> None:
    distances = np.rint(np.random.default_rng(1).normal(120, 8, 200_000))
    tail = fit_tail(distances)
    true = NormalDist(120, 8).cdf(80.5)
    assert tail.rate_normal(80) == pytest.approx(true, rel=1)
    assert tail.rate_exponential(80) > true


def test_a_copy_counts_as_found_only_when_it_is_a_candidate_and_its_verdict_is_right() -> None:
    copies = [
        _judged("blur", VerdictKind.DUPLICATE),
        _judged("blur", VerdictKind.IDENTICAL),
        _judged("blur", VerdictKind.DUPLICATE, candidate=False),
        _judged("blur", VerdictKind.COLOR_VARIANT),
    ]
    row = _summarized(copies)["transforms"]["blur"]
    assert (row["candidate_recall"], row["verdict_recall"], row["verdict_alone"]) == (0.75, 0.5, 0.75)
    assert row["verdicts"] == {"duplicate": 2, "identical": 1, "color_variant": 1}


def test_a_grey_copy_is_found_as_a_color_variant() -> None:
    copies = [_judged("grey", VerdictKind.COLOR_VARIANT), _judged("grey", VerdictKind.DISTINCT)]
    assert _summarized(copies)["transforms"]["grey"]["verdict_recall"] == 0.5


def test_a_stranger_called_duplicate_is_a_false_verdict_and_named() -> None:
    strangers = [
        _judged(ORIGINAL, VerdictKind.DUPLICATE, right="b.jpg"),
        _judged(ORIGINAL, VerdictKind.DISTINCT, right="c.jpg"),
        _judged("blur", VerdictKind.COLOR_VARIANT, right="c.jpg"),
    ]
    report = _summarized([_judged("blur", VerdictKind.DUPLICATE)], strangers)
    originals, copies = report["strangers"]["originals"], report["strangers"]["copies"]
    assert (originals["candidates"], originals["false_verdicts"], originals["pairs"]) == (2, 1, 45)
    assert originals["false"][0]["right"] == "b.jpg"
    assert (copies["candidates"], copies["false_verdicts"]) == (1, 0)
    assert report["transforms"]["blur"]["false_candidates_an_image"] == 1


def test_a_tail_is_fitted_only_where_there_are_enough_pairs() -> None:
    few = {(str(number), "other"): 90 + number for number in range(45)}
    many = {(str(number), "other"): 90 + int(number**0.5) for number in range(3000)}
    reports = [summary.summarize(_evaluation([_judged("blur", VerdictKind.DUPLICATE)], [], d), 80) for d in (few, many)]
    assert ["verified by bits, normal tail" in report["false_candidates"]["rates"] for report in reports] == [
        False,
        True,
    ]


def test_the_mean_gives_every_transform_the_same_weight() -> None:
    copies = [_judged("blur", VerdictKind.DUPLICATE)] * 3 + [_judged("grey", VerdictKind.DISTINCT)]
    assert _summarized(copies)["mean"]["verdict_recall"] == 0.5


def test_every_preset_has_its_point_from_the_same_measurements() -> None:
    def between(transform: str, residual: float, right: str = "a.jpg", *, candidate: bool = True) -> ours.Judged:
        judged = _judged(transform, VerdictKind.DUPLICATE, right=right, candidate=candidate)
        return replace(judged, measurement=measured(residual))

    residuals = (1.9, 2.4, 5.0)  # up to that of strict, of balanced, of loose
    copies = [between("blur", residual) for residual in residuals] + [between("blur", 1.0, candidate=False)]
    strangers = [between(ORIGINAL, 5.0, "b.jpg"), between("blur", 2.4, "b.jpg")]
    points = _summarized(copies, strangers)["presets"]
    assert {name: (it["found"], it["copies"]) for name, it in points.items()} == {
        "strict": (1, 4),
        "balanced": (2, 4),
        "loose": (3, 4),
    }
    called = {name: (it["originals_called"], it["copies_called"]) for name, it in points.items()}
    assert called == {"strict": (0, 0), "balanced": (0, 1), "loose": (1, 1)}
    assert (points["loose"]["pairs_of_originals"], points["loose"]["pairs_of_copies"]) == (45, 36)


def test_the_sample_of_a_measurement_can_be_what_is_copied(tmp_path: Path) -> None:
    drawn = tmp_path / "record.json"
    drawn.write_text(json.dumps({"images": {"names": ["images/b.jpg", "images/d.jpg"]}}))
    photos = [Photo(tmp_path / f"{name}.jpg") for name in "abcd"]
    options = Namespace(copies_of_sample=drawn, copies_of=None)
    assert [photo.name for photo in quality.chosen(photos, options)] == ["b.jpg", "d.jpg"]


def test_groups_join_candidates_that_are_duplicates_of_a_third() -> None:
    names = [("a", "b"), ("c", "d"), ("b", "c")]
    duplicate = _judged("blur", VerdictKind.DUPLICATE).verdict
    pairs = [known_pairs.KnownPair("copies", Path(a), Path(b), candidate=True, verdict=duplicate) for a, b in names]
    alone = known_pairs.KnownPair("copies", Path("e"), Path("f"), candidate=False, verdict=duplicate)
    assert summary.summarize_groups([*pairs, alone]) == [["a", "b", "c", "d"]]


def test_a_limit_spreads_the_photos_over_the_folder(tmp_path: Path) -> None:
    for number in range(10):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{number}.png")
    (tmp_path / "sources.tsv").write_text("no picture")
    assert [photo.name for photo in photos_in(tmp_path, 5)] == ["0.png", "2.png", "4.png", "6.png", "8.png"]


def test_what_was_made_once_is_not_made_again_until_the_photo_changes(tmp_path: Path) -> None:
    photo = Photo(tmp_path / "a.jpg")
    photo.path.write_bytes(b"first")
    cache, made = Cache(tmp_path / "cache"), iter(["one", "two"])
    first = [cache.remembered(Path("place"), photo, lambda: next(made)) for _ in range(2)]
    photo.path.write_bytes(b"second")
    assert [*first, cache.remembered(Path("place"), photo, lambda: next(made))] == ["one", "one", "two"]


def test_measured_pairs_are_written_one_to_a_line(tmp_path: Path) -> None:
    evaluation = _evaluation([_judged("blur", VerdictKind.DUPLICATE)] * 2, [], {})
    summary.write_pairs(evaluation, tmp_path / "pairs.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert [line["measurement"]["metrics"]["pixel_difference"] for line in lines] == [0.0, 0.0]


def test_a_run_without_other_hashes_leaves_what_the_page_says_of_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (start, end), (start_of_others, end_of_others) = markdown.OURS, markdown.OTHERS
    page.write_text(f"{start_of_others}\nof others\n{end_of_others}\n{start}\nstale\n{end}\nafter\n")
    report = {"ours": _summarized([_judged("page", VerdictKind.ALTERED)]), "goals": [], "command": "python"}
    markdown.write_into(page, report | {"photos": 10, "copied": 1})
    written = page.read_text()
    assert "of others" in written
    assert "stale" not in written
    assert "| page | 1.000 | 1.000 | **1.000** | altered 1 |" in written
    assert written.endswith("after\n")


def _judged(
    transform: str, kind: VerdictKind, *, candidate: bool = True, left: str = "a.jpg", right: str = "a.jpg"
) -> ours.Judged:
    metrics = ColorMetrics(1.0, 2.0, 0.9)
    measurement = _measurement()
    verdict = Verdict(kind, ("made up",), metrics, 12, "upright")
    return ours.Judged(transform, left, right, 12, 0, candidate, candidate, measurement, verdict)


@cache
def _measurement() -> PairMeasurement:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), (90, 120, 60)).save(stream, "PNG")
    picture = decode(stream.getvalue())
    return measure_images(picture, picture)


def _evaluation(
    copies: list[ours.Judged], strangers: list[ours.Judged], distances: dict[tuple[str, str], int]
) -> ours.Evaluation:
    hit = Hit("0" * 32, 12, View.UPRIGHT)
    found = [ours.Stranger(item.transform, item.left, item.right, hit) for item in strangers]
    return ours.Evaluation(copies, strangers, found, distances)


def _summarized(copies: list[ours.Judged], strangers: list[ours.Judged] | None = None) -> summary.Report:
    distances = {(str(number), "other"): 90 + number for number in range(45)}
    return summary.summarize(_evaluation(copies, strangers or [], distances), photos=10)


def test_a_goal_names_every_transform_in_which_another_hash_is_ahead() -> None:
    ours_report = _summarized([_judged("blur", VerdictKind.DISTINCT), _judged("grey", VerdictKind.DUPLICATE)])
    peers = {"pHash": {"recall": {"blur": 0.5, "grey": 1.0}}}
    by_promise = {goal.promise: goal for goal in goals.goals({"ours": ours_report, "peers": peers})}
    ahead = next(goal for promise, goal in by_promise.items() if promise.startswith("ahead of every other hash"))
    assert (ahead.found, ahead.met) == ("blur (0.000, pHash 0.500)", False)


def test_each_part_of_the_evaluation_has_a_goal_of_its_own() -> None:
    copies = [_judged("page", VerdictKind.ALTERED), _judged("rotate-45-expand", VerdictKind.DISTINCT)]
    copies += [_judged("clahe", VerdictKind.ALTERED), _judged("sepia", VerdictKind.COLOR_VARIANT)]
    found = {goal.found: goal.met for goal in goals.goals({"ours": _summarized(copies)})}
    told = (
        ("1.000 (page)", True),
        ("0.000 (rotate-45-expand)", False),
        ("0.000 (clahe)", False),
        ("1.000 (sepia)", True),
    )
    assert dict(told).items() <= found.items()
    assert not any(goal.promise.startswith("mean") for goal in goals.goals({"ours": _summarized(copies)}))


def test_results_are_written_between_the_marks_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (start, end), (start_of_others, end_of_others) = markdown.OURS, markdown.OTHERS
    page.write_text(f"before\n{start}\nstale\n{end}\n{start_of_others}\nstale\n{end_of_others}\nafter\n")
    ours_report = _summarized([_judged("blur", VerdictKind.DUPLICATE)])
    peer = {"recall": {"blur": 0.5}, "mean_recall": 0.5, "threshold": 31, "rate": 0.0, "stranger_rate": 0.0}
    report = {"ours": ours_report, "peers": dict.fromkeys(markdown.PEERS_SHOWN, peer), "products": {}, "goals": []}
    markdown.write_into(
        page, report | {"given_copies": {}, "exif_groups": [], "command": "python", "photos": 10, "copied": 10}
    )
    written = page.read_text()
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "stale" not in written
    assert "| blur | 1.000 | 1.000 | **1.000** | duplicate 1 |" in written
    assert "| blur | 1.000 | **1.000** | 0.500 imagehash pHash 256 | 0.500 | 0.500 | 0.500 |" in written


def test_a_page_without_the_marks_is_not_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- first -->\n")
    with pytest.raises(ValueError, match="second"):
        markdown.write_between(page, "<!-- first -->", "<!-- second -->", "rows")
    assert page.read_text() == "before\n<!-- first -->\n"


def test_a_table_of_thresholds_takes_the_place_of_the_one_of_its_name() -> None:
    page = "before\n\n| structure | pairs |\n|---|---|\n| copies | 1 |\n\nbetween\n\n| coverage | pairs |\n|---|---|\n"
    written = thresholds.with_tables(page, ["| structure | pairs |\n|---|---|\n| copies | 2 |"])
    assert written == page.replace("| copies | 1 |", "| copies | 2 |")


def test_the_table_of_drawn_pictures_names_kinds_of_which_there_is_something_to_say() -> None:
    quiet = domains.Outcome(Counter(distinct=3), Counter(duplicate=2), things=2)
    loud = domains.Outcome(Counter(duplicate=1), Counter({"not found": 1, "duplicate": 1}), things=2)
    told = domains.page_table({"form": quiet, "clock": loud}, 2)
    assert "form" not in told
    assert "| clock | 0.500 | 0.000 | 0.0 | duplicate 1, not found 1 | duplicate 1 |" in told
    assert "| **all** | 0.750 |" in told
    assert "tells apart" not in told


def test_kinds_of_which_a_person_cannot_tell_two_things_apart_are_counted_apart() -> None:
    found, lost = (
        domains.Outcome(copies=Counter(duplicate=2), things=2),
        domains.Outcome(copies=Counter({"not found": 2}), things=2),
    )
    told = domains.page_table({"form": found, "black_noise": lost}, 2)
    assert "| **all** | 0.500 |" in told
    assert "| **all that a person tells apart** | 1.000 |" in told
