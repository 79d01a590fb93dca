"""The demo fails, and says why, whenever the app is wrong about one of its pictures."""

from dataclasses import replace

import pytest

from dedup_app.ports.image_status import INDEXED, PROCESSING, ImageStatus
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.loading.stats import LoaderStats
from demo.check import Outcome, mistakes
from demo.pictures import Picture
from tests.demo.outcomes import every_picture, pair, right_outcome, row


@pytest.fixture(scope="module")
def shown() -> list[Picture]:
    return [*every_picture()]


def with_pair(outcome: Outcome, left: str, right: str, kind: VerdictKind | None) -> Outcome:
    return replace(outcome, pairs={**outcome.pairs, frozenset({left, right}): pair(left, right, kind)})


def test_an_app_that_is_right_makes_no_mistake(shown):
    assert mistakes(shown, right_outcome(shown)) == []


def test_a_picture_without_features_row_is_named(shown):
    outcome = right_outcome(shown)
    spoiled = replace(outcome, rows={name: it for name, it in outcome.rows.items() if name != "rocket.jpg"})
    assert mistakes(shown, spoiled) == ["rocket.jpg has no features row"]


def test_a_picture_that_is_not_indexed_is_named_with_its_status(shown):
    outcome = right_outcome(shown)
    spoiled = replace(outcome, rows={**outcome.rows, "rocket.jpg": row("rocket.jpg", PROCESSING)})
    assert mistakes(shown, spoiled) == ["rocket.jpg is processing instead of indexed: "]


@pytest.mark.parametrize(("status", "detail"), [(INDEXED, ""), (ImageStatus.rejected("corrupt"), "")])
def test_a_broken_file_that_is_not_rejected_with_a_reason_is_named(shown, status, detail):
    outcome = right_outcome(shown)
    spoiled = replace(outcome, rows={**outcome.rows, "broken.jpg": row("broken.jpg", status, detail)})
    assert mistakes(shown, spoiled) == [f"broken.jpg is {status} instead of rejected with a reason"]


def test_a_variant_that_was_not_found_is_named(shown):
    outcome = right_outcome(shown)
    missing = frozenset({"coffee.png", "coffee-turned.jpg"})
    spoiled = replace(outcome, pairs={names: it for names, it in outcome.pairs.items() if names != missing})
    assert mistakes(shown, spoiled) == ["coffee.png and coffee-turned.jpg were not found to be duplicate or identical"]


def test_a_wrong_verdict_is_named_with_the_reasons_of_the_app(shown):
    spoiled = with_pair(right_outcome(shown), "coffee.png", "coffee-grey.jpg", VerdictKind.DUPLICATE)
    assert mistakes(shown, spoiled) == [
        "coffee.png and coffee-grey.jpg are duplicate instead of color_variant: said to be duplicate"
    ]


def test_a_wrong_verdict_about_two_variants_counts_too(shown):
    spoiled = with_pair(right_outcome(shown), "coffee-hue.jpg", "coffee-grey.jpg", VerdictKind.DUPLICATE)
    assert len(mistakes(shown, spoiled)) == 1


def test_strangers_may_be_verified_but_not_be_called_copies(shown):
    outcome = right_outcome(shown)
    assert mistakes(shown, with_pair(outcome, "rocket.jpg", "camera.png", VerdictKind.DISTINCT)) == []
    assert mistakes(shown, with_pair(outcome, "rocket.jpg", "camera.png", VerdictKind.COLOR_VARIANT)) == [
        "rocket.jpg and camera.png are color_variant instead of distinct: said to be color_variant"
    ]


def test_a_pair_without_verdict_is_named(shown):
    spoiled = with_pair(right_outcome(shown), "coffee.png", "coffee-turned.jpg", None)
    assert mistakes(shown, spoiled) == ["coffee.png and coffee-turned.jpg have no verdict"]


def test_more_than_two_reads_a_comparison_are_too_many(shown):
    outcome = right_outcome(shown)
    spoiled = replace(outcome, loaders=LoaderStats(images_downloaded=30, comparisons_performed=10))
    assert mistakes(shown, spoiled) == ["3.0 reads a comparison are more than 2"]


def test_statistics_without_a_comparison_are_a_mistake(shown):
    spoiled = replace(right_outcome(shown), loaders=LoaderStats())
    assert mistakes(shown, spoiled) == ["the statistics count no comparison"]
