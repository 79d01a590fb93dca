"""The demo's result shows every pair, reason and number, and fits a terminal of 80 columns."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from dedup_app.ports.image_status import ImageStatus
from dedup_core.comparison.verdict import VerdictKind
from demo.check import Outcome
from demo.pictures import Picture
from demo.table import result
from tests.demo.outcomes import every_picture, pair, right_outcome, row


@pytest.fixture(scope="module")
def shown() -> list[Picture]:
    return [*every_picture()]


def printed(shown: list[Picture], outcome: Outcome, mistakes: list[str], width: int = 80) -> str:
    file = StringIO()
    Console(file=file, width=width).print(result(shown, outcome, mistakes))
    return file.getvalue()


def test_every_variant_stands_with_its_verdict_metrics_and_reason(shown):
    lines = printed(shown, right_outcome(shown), []).splitlines()
    line = next(it for it in lines if "coffee-grey.jpg" in it)
    assert " ".join(line.split()) == "coffee-grey.jpg color_variant 1.2 2.5 0.97"
    assert "without color: said to be color_variant" in lines[lines.index(line) + 1]


def test_no_line_is_wider_than_the_terminal_and_no_name_is_cut(shown):
    text = printed(shown, right_outcome(shown), [])
    assert max(len(line) for line in text.splitlines()) <= 80
    assert all(picture.name in text for picture in shown if picture.original != picture.name)


def test_rejected_files_stand_with_their_reason(shown):
    assert "rejected:corrupt" in printed(shown, right_outcome(shown), [])
    assert "cut off" in printed(shown, right_outcome(shown), [])


def test_reads_a_comparison_stand_against_the_six_of_before(shown):
    outcome = right_outcome(shown)
    told = printed(shown, outcome, [])
    assert f"{20 / len(outcome.pairs):.1f}  reads a comparison, against 6" in told


def test_pairs_of_two_variants_and_of_strangers_are_counted(shown):
    outcome = right_outcome(shown)
    more = {
        frozenset({"coffee-hue.jpg", "coffee-grey.jpg"}): pair(
            "coffee-hue.jpg", "coffee-grey.jpg", VerdictKind.COLOR_VARIANT
        ),
        frozenset({"rocket.jpg", "camera.png"}): pair("rocket.jpg", "camera.png", VerdictKind.DISTINCT),
    }
    told = printed(shown, replace(outcome, pairs={**outcome.pairs, **more}), [])
    assert "two variants of one photograph: 1 color_variant" in told
    assert "unrelated pictures: 1 distinct" in told


def test_a_right_result_says_how_to_go_on(shown):
    assert "make start" in printed(shown, right_outcome(shown), [])


def test_a_wrong_result_names_each_mistake(shown):
    told = printed(shown, right_outcome(shown), ["a is wrong", "b is wrong"])
    assert "- a is wrong" in told
    assert "- b is wrong" in told
    assert "All verdicts are right" not in told


def test_words_from_outside_cannot_move_the_cursor(shown):
    outcome = right_outcome(shown)
    spoiled = replace(
        outcome, rows={**outcome.rows, "broken.jpg": row("broken.jpg", ImageStatus.rejected("x"), "\x1b[2J[red]")}
    )
    assert "\\x1b[2J[red]" in printed(shown, spoiled, [])
