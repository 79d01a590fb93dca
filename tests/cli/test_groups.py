"""`dedup groups` lists what is the same picture, with the copy to keep of each."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from dedup_app.ports.image_status import DELETED, ImageStatus
from dedup_app.records.group_records import facts_of, records_of
from dedup_app.services import Services
from dedup_cli.main import app
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.group import UNSURE
from tests.cli.conftest import Known, Run
from tests.decisions import decided
from tests.storage.examples import some_features


@pytest.fixture
def sized(services: Services):
    """Gives an image a size."""

    def sized(path: str, width: int, height: int, byte_size: int) -> None:
        [row] = [row for row in services.features.all() if str(row.path) == path]
        features = replace(some_features(), width=width, height=height, byte_size=byte_size)
        stored = services.features.put(replace(row, features=features))
        services.verdict_log.append([facts_of(stored.summary)])

    return sized


def grouped(dedup: Run, *options: str) -> list[tuple[str, list[str]]]:
    found = json.loads(dedup("groups", "--json", *options).output)
    return sorted((group["best"], sorted(image["path"] for image in group["images"])) for group in found)


def test_a_group_is_its_keeper_and_what_was_verified_against_it(dedup: Run, known: Known, sized):
    for left, right, kind in (
        ("a.jpg", "b.jpg", VerdictKind.DUPLICATE),
        ("b.jpg", "c.jpg", VerdictKind.IDENTICAL),
        ("d.jpg", "e.jpg", VerdictKind.DUPLICATE),
        ("a.jpg", "x.jpg", VerdictKind.DISTINCT),
        ("a.jpg", "y.jpg", None),
    ):
        known.pair(left, right, kind)
    sized("images/a.jpg", 400, 300, 900)
    sized("images/b.jpg", 800, 600, 5000)
    sized("images/c.jpg", 80, 60, 700)
    [first, second] = sorted(json.loads(dedup("groups", "--json").output), key=lambda group: group["best"])
    assert (first["best"], second["best"]) == ("images/b.jpg", "images/d.jpg")
    undecided = {"decision": "", "decided_by": "", "unsure": False}
    assert first["images"] == [
        {"path": "images/b.jpg", "width": 800, "height": 600, "bytes": 5000, **undecided},
        {"path": "images/a.jpg", "width": 400, "height": 300, "bytes": 900, **undecided},
        {"path": "images/c.jpg", "width": 80, "height": 60, "bytes": 700, **undecided},
    ]


def test_the_keeper_stands_first_for_people_and_says_why(dedup: Run, known: Known, sized):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    sized("images/a.jpg", 400, 300, 1000)
    sized("images/b.jpg", 800, 600, 5000)
    lines = [line.split() for line in dedup("groups").output.splitlines()]
    assert lines[1][:7] == ["1", "images/b.jpg", "800", "x", "600", "5,000", "keep:"]
    assert "most pixels" in " ".join(lines[1])
    assert lines[2] == ["1", "images/a.jpg", "400", "x", "300", "1,000"]
    assert lines[3] == ["1", "group,", "2", "images"]


def test_nothing_is_marked_as_the_one_to_keep_where_nobody_can_tell(dedup: Run, known: Known, services: Services):
    for left, right, kind in (("a.jpg", "b.jpg", VerdictKind.ALTERED), ("c.jpg", "d.jpg", VerdictKind.DUPLICATE)):
        row = services.pairs.decide(decided(known.pair(left, right, kind), "duplicate"), None)
        services.verdict_log.append(records_of(row))
    rows = csv.DictReader(io.StringIO(dedup("groups", "--format", "csv").output))
    words = {row["path"].removeprefix("images/"): (row["keep"], row["unsure"]) for row in rows}
    assert words == {"a.jpg": ("yes", "yes"), "b.jpg": ("no", "yes"), "c.jpg": ("yes", "no"), "d.jpg": ("no", "no")}
    lines = {
        line.split()[1].removeprefix("images/"): line.rstrip() for line in dedup("groups").output.splitlines()[1:5]
    }
    assert f"unsure: {UNSURE}" in lines["a.jpg"]
    assert lines["b.jpg"].endswith("  unsure")
    assert "  keep: nothing tells them apart" in lines["c.jpg"]
    colored = CliRunner(env={"COLUMNS": "300", "FORCE_COLOR": "1"}).invoke(app, ["groups"], obj=services).output
    assert re.findall(r"\x1b\[1mimages/([^\s\x1b]+)", colored) == ["c.jpg"]


def test_what_a_person_is_asked_about_is_unsure_for_who_goes_by_what_to_keep(
    dedup: Run, known: Known, sized, services: Services
):
    for name in ("b.jpg", "c.jpg"):
        known.pair("a.jpg", name, VerdictKind.DUPLICATE)
    apart = services.pairs.decide(decided(known.pair("b.jpg", "c.jpg", VerdictKind.DUPLICATE), "not_duplicate"), None)
    services.verdict_log.append(records_of(apart))
    sized("images/a.jpg", 800, 600, 5000)
    rows = csv.DictReader(io.StringIO(dedup("groups", "--format", "csv").output))
    words = {row["path"].removeprefix("images/"): (row["keep"], row["unsure"]) for row in rows}
    assert words == {"a.jpg": ("yes", "no"), "b.jpg": ("no", "yes"), "c.jpg": ("no", "yes")}
    [group] = json.loads(dedup("groups", "--json").output)
    assert {it["path"]: it["unsure"] for it in group["images"]} == {
        "images/a.jpg": False,
        "images/b.jpg": True,
        "images/c.jpg": True,
    }


def test_what_people_keep_is_told_to_programs(dedup: Run, known: Known, services: Services):
    kept = services.pairs.decide(decided(known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE), "keep_both"), None)
    services.verdict_log.append(records_of(kept))
    [group] = json.loads(dedup("groups", "--json").output)
    rows = csv.DictReader(io.StringIO(dedup("groups", "--format", "csv").output))
    found = [(it["decision"], it["decided_by"]) for it in group["images"]]
    assert found == [(row["decision"], row["decided_by"]) for row in rows]
    assert [decision for decision, _ in found] == ["", "keep_both"]


def test_other_colors_are_listed_only_on_request(dedup: Run, known: Known):
    known.pair("a.jpg", "b.jpg", VerdictKind.COLOR_VARIANT)
    assert grouped(dedup) == []
    assert grouped(dedup, "--color-variants") == [("images/a.jpg", ["images/a.jpg", "images/b.jpg"])]


@pytest.mark.parametrize("status", [DELETED, ImageStatus.rejected("corrupt")])
def test_images_that_are_gone_hold_nothing_together(dedup: Run, known: Known, status: ImageStatus):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    known.image("b.jpg", status)
    assert grouped(dedup) == []


def test_a_person_has_the_last_word(dedup: Run, known: Known, services: Services):
    for left, right, verdict, decision in (
        ("a.jpg", "b.jpg", VerdictKind.DUPLICATE, "not_duplicate"),
        ("c.jpg", "d.jpg", VerdictKind.DISTINCT, "duplicate"),
        ("e.jpg", "f.jpg", VerdictKind.DUPLICATE, "keep_both"),
    ):
        pair = known.pair(left, right, verdict)
        services.verdict_log.append(records_of(services.pairs.decide(decided(pair, decision), None)))
    assert [best for best, _ in grouped(dedup)] == ["images/c.jpg", "images/e.jpg"]


@pytest.mark.parametrize("prefix", ["a b#c%2B?", "a b#c%252B?"])
def test_a_prefix_is_given_as_the_name_is_or_as_it_is_printed(dedup: Run, known: Known, prefix: str):
    pair = known.pair("a b#c%2B?.png", "d.jpg", VerdictKind.DUPLICATE)
    known.pair("a b#c+?.png", "e.jpg", VerdictKind.DUPLICATE)
    [(_, paths)] = grouped(dedup, "--prefix", prefix)
    assert set(paths) == {str(pair.left), str(pair.right)} == {"images/a b#c%252B?.png", "images/d.jpg"}
    assert "1 pair\n" in dedup("duplicates", "--prefix", prefix).output


@pytest.mark.parametrize("command", ["groups", "duplicates", "plan", "rejected"])
def test_a_prefix_with_the_container_before_it_is_told_of(dedup: Run, known: Known, command: str):
    known.pair("uploads/a.jpg", "uploads/b c.jpg", VerdictKind.DUPLICATE)
    told = dedup(command, "--prefix", "images/uploads/b c").stderr
    assert "names like images/images/uploads/b c…; if you mean the container, give --prefix 'uploads/b c'" in told
    assert "if you mean the container, leave it out" in dedup(command, "--prefix", "images/").stderr
    assert dedup(command, "--prefix", "uploads/").stderr == ""


def test_without_any_group_programs_still_get_valid_output(dedup: Run):
    assert grouped(dedup) == []
    assert dedup("groups").output.strip() == "0 groups, 0 images"


def test_csv_has_a_row_an_image_with_what_was_decided(dedup: Run, known: Known, services: Services):
    pair = known.pair("=a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    known.pair("c.jpg", "d.jpg", VerdictKind.DUPLICATE)
    row = services.pairs.decide(decided(pair), None)
    services.verdict_log.append(records_of(row))
    rows = list(csv.DictReader(io.StringIO(dedup("groups", "--format", "csv").output)))
    assert len({row["group"] for row in rows}) == 2
    assert [row["keep"] for row in rows] == ["yes", "no", "yes", "no"]
    by_path = {row["path"]: row for row in rows}
    assert {"images/=a.jpg", "images/b.jpg", "images/c.jpg", "images/d.jpg"} == set(by_path)
    assert {row["decision"] for row in rows if row["keep"] == "no"} == {"keep_both", ""}


def test_groups_are_told_apart_by_name_and_by_day(dedup: Run, known: Known):
    known.pair("shop/a.jpg", "uploads/b.jpg", VerdictKind.DUPLICATE)
    known.pair("c.jpg", "d.jpg", VerdictKind.DUPLICATE)
    assert [best for best, _ in grouped(dedup, "--prefix", "uploads/")] == ["images/shop/a.jpg"]
    assert len(grouped(dedup, "--since", "2026-11-22")) == 2
    assert grouped(dedup, "--since", "2026-11-23") == []
