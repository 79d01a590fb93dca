"""`dedup duplicates` lists pairs for people and for programs."""

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pyarrow import parquet

from dedup_app.ports.image_status import DELETED, ImageStatus
from dedup_app.ports.pairs import PairRow
from dedup_app.services import Services
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.errors import StoreBusy
from dedup_core.paths import ImagePath
from tests.cli.conftest import Known, Run
from tests.core.pictures import encoded, scene
from tests.decisions import decided


def test_a_pair_stands_with_its_verdict_metrics_and_reasons(dedup: Run, known: Known):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE, "structure matches", "colors match")
    told = " ".join(dedup("duplicates", "images/a.jpg").output.split())
    assert "duplicate 1.2 2.5 0.97 images/a.jpg images/b.jpg structure matches; colors match" in told
    assert told.endswith("1 pair")


def test_pairs_that_do_not_look_alike_are_counted_but_shown_only_on_request(dedup: Run, known: Known):
    known.pair("a.jpg", "b.jpg", VerdictKind.COLOR_VARIANT)
    known.pair("a.jpg", "c.jpg", VerdictKind.DISTINCT)
    known.pair("a.jpg", "d.jpg", None)
    usual, everything = dedup("duplicates").output, dedup("duplicates", "--all").output
    assert "1 pair; not shown: 1 distinct, 1 pending (--all shows them)" in usual
    assert "c.jpg" not in usual
    assert "c.jpg" in everything
    assert "d.jpg" in everything


def test_kinds_can_be_chosen_and_combined(dedup: Run, known: Known):
    for name, kind in (("b", VerdictKind.DUPLICATE), ("c", VerdictKind.DISTINCT), ("d", VerdictKind.IDENTICAL)):
        known.pair("a.jpg", f"{name}.jpg", kind)
    result = dedup("duplicates", "--kind", "distinct", "--kind", "identical", "--json")
    assert sorted(pair["verdict"] for pair in json.loads(result.output)) == ["distinct", "identical"]


@pytest.mark.parametrize("status", [DELETED, ImageStatus.rejected("corrupt")])
@pytest.mark.parametrize("image", [[], ["images/a.jpg"]])
def test_pairs_of_images_that_are_gone_are_left_out_unless_asked_for(dedup: Run, known: Known, status, image):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    known.pair("a.jpg", "c.jpg", VerdictKind.DUPLICATE)
    known.pair("a.jpg", "d.jpg", VerdictKind.UNVERIFIABLE, "d is broken")
    for name in ("c.jpg", "d.jpg"):
        known.image(name, status)
    [pair] = json.loads(dedup("duplicates", *image, "--json").output)
    assert {pair["left"], pair["right"]} == {"images/a.jpg", "images/b.jpg"}
    told = dedup("duplicates", *image).output
    assert "1 pair; not shown: 1 unverifiable, 1 of images that are gone (--all shows them)" in told
    assert len(json.loads(dedup("duplicates", *image, "--all", "--json").output)) == 3
    assert len(json.loads(dedup("duplicates", *image, "--kind", "unverifiable", "--json").output)) == 1


def test_one_image_shows_its_pairs_as_seen_from_it(dedup: Run, known: Known):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    known.pair("c.jpg", "d.jpg", VerdictKind.DUPLICATE)
    for name, other in (("a", "b"), ("b", "a")):
        [pair] = json.loads(dedup("duplicates", f"images/{name}.jpg", "--json").output)
        assert (pair["left"], pair["right"]) == (f"images/{name}.jpg", f"images/{other}.jpg")


def test_one_image_shows_what_still_waits_for_it_only_on_request(dedup: Run, known: Known):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    known.pair("c.jpg", "a.jpg", None)
    known.pair("c.jpg", "d.jpg", None)
    [pair] = json.loads(dedup("duplicates", "images/a.jpg", "--kind", "pending", "--json").output)
    assert {pair["left"], pair["right"]} == {"images/a.jpg", "images/c.jpg"}
    assert len(json.loads(dedup("duplicates", "images/a.jpg", "--json").output)) == 1


def test_json_holds_everything_that_is_known_of_a_pair(dedup: Run, known: Known):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE, "one", "two")
    [pair] = json.loads(dedup("duplicates", "images/a.jpg", "--format", "json").output)
    assert pair == {
        "left": "images/a.jpg",
        "right": "images/b.jpg",
        "verdict": "duplicate",
        "dominant_distance": 1.25,
        "pixel_difference": 2.5,
        "histogram_correlation": 0.975,
        "distance_bits": 12,
        "view": "mirrored",
        "reasons": ["one", "two"],
        "regions": [],
        "decision": None,
        "verified_at": "2026-11-22T12:00:00+00:00",
    }


def test_csv_has_the_same_columns_and_reasons_in_one_cell(dedup: Run, known: Known):
    known.pair("a, b.jpg", 'c"d.jpg', VerdictKind.UNVERIFIABLE, "one", "two")
    [row] = csv.DictReader(io.StringIO(dedup("duplicates", "images/a, b.jpg", "--all", "--format", "csv").output))
    assert (row["left"], row["right"], row["reasons"]) == ("images/a, b.jpg", 'images/c"d.jpg', "one; two")
    assert row["dominant_distance"] == ""


def test_without_any_pair_programs_still_get_valid_output(dedup: Run):
    assert json.loads(dedup("duplicates", "--json").output) == []
    assert dedup("duplicates", "--format", "csv").output.startswith("left,right,verdict,")
    assert dedup("duplicates").output.strip() == "0 pairs"


def test_an_unknown_image_is_an_error_that_says_what_to_do(dedup: Run):
    result = dedup("duplicates", "images/nowhere.jpg")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no image images/nowhere.jpg is known" in result.stderr
    assert "dedup ingest images/nowhere.jpg" in result.stderr


def test_a_rejected_image_says_why_it_has_no_pairs(dedup: Run, known: Known):
    known.image("broken.jpg", ImageStatus.rejected("corrupt"), "the file ends too early")
    result = dedup("duplicates", "images/broken.jpg")
    assert result.exit_code == 2
    assert "images/broken.jpg was rejected as corrupt, so it has no pairs: the file ends too early" in result.stderr


def test_a_rejected_image_that_somebody_had_compared_shows_that_nobody_can(dedup: Run, known: Known):
    known.pair("broken.jpg", "a.jpg", VerdictKind.UNVERIFIABLE, "images/broken.jpg cannot be compared (corrupt)")
    known.image("broken.jpg", ImageStatus.rejected("corrupt"), "the file ends too early")
    assert "unverifiable" in dedup("duplicates", "--all", "images/broken.jpg").output
    result = dedup("duplicates", "images/broken.jpg")
    assert (result.exit_code, "--all shows its pairs" in result.stderr) == (2, True)


def test_of_a_picture_without_anything_to_search_by_that_is_told(dedup: Run, services: Services):
    for name, picture in (("plain.png", Image.new("RGB", (160, 120), "white")), ("busy.png", scene(1, (160, 120)))):
        services.images.put(ImagePath("images", name), encoded(picture))
        services.ingest.ingest(ImagePath("images", name))
    result = dedup("duplicates", "images/plain.png", "--json")
    assert json.loads(result.stdout) == []
    assert "images/plain.png is too plain to be searched for: only identical files are found" in result.stderr
    assert dedup("duplicates", "images/busy.png").stderr == ""


def test_a_path_in_another_container_is_refused_with_the_right_one_named(dedup: Run):
    result = dedup("duplicates", "elsewhere/a.jpg")
    assert result.exit_code == 2
    assert "configured: images" in result.stderr


def test_what_a_person_decided_stands_with_the_pair(dedup: Run, known: Known, services: Services):
    pair = known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    services.pairs.decide(decided(pair), None)
    assert "decided by a person: keep_both" in dedup("duplicates").output
    assert json.loads(dedup("duplicates", "--json").output)[0]["decision"] == "keep_both"


def test_names_cannot_move_the_cursor_or_paint_the_table(dedup: Run, known: Known):
    known.pair("[red]a.jpg", "b.jpg", VerdictKind.DUPLICATE, "said \x1b[2J so")
    output = dedup("duplicates").output
    assert "images/[red]a.jpg" in output
    assert "\\x1b[2J" in output
    assert "\x1b" not in output


HIDING = "said \x1b[2J \x9b2J \u202e \U000e0001 sö"


def test_names_cannot_move_the_cursor_as_json_and_are_the_same_to_a_program(dedup: Run, known: Known):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE, HIDING)
    output = dedup("duplicates", "--json").output
    assert output.replace("\n", "").isprintable()
    assert "sö" in output
    assert json.loads(output)[0]["reasons"] == [HIDING]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_names_cannot_move_the_cursor_as_csv_on_a_terminal(
    dedup: Run, known: Known, monkeypatch: pytest.MonkeyPatch, is_terminal: bool
):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE, HIDING)
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda _: is_terminal)
    output = dedup("duplicates", "--format", "csv").stdout
    assert output.replace("\n", "").isprintable() is is_terminal
    assert (HIDING in output) is not is_terminal


def test_a_cell_that_a_spreadsheet_would_run_is_defused(dedup: Run, known: Known):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE, '=HYPERLINK("http://evil.example")', "+1")
    output = dedup("duplicates", "--format", "csv").output
    assert "'=HYPERLINK" in output
    assert ",=" not in output.replace('"', "")


def page(dedup: Run, *options: str) -> tuple[list[tuple[str, str]], str]:
    """The pairs of a page, and the cursor of the next one, empty where it is the last."""
    result = dedup("duplicates", "--json", *options)
    told = result.stderr.split()
    return [(pair["left"], pair["right"]) for pair in json.loads(result.stdout)], told[-1] if told else ""


def test_pages_follow_each_other_and_miss_nothing(dedup: Run, known: Known):
    for number in range(7):
        known.pair("a.jpg", f"b{number}.jpg", VerdictKind.DUPLICATE)
    known.pair("a.jpg", "gone.jpg", VerdictKind.DUPLICATE)
    known.image("gone.jpg", DELETED)
    seen, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        found, cursor = page(dedup, "--limit", "3", *(["--after", cursor] if cursor else []))
        seen += found
        pages += 1
    assert (len(seen), len(set(seen)), pages) == (7, 7, 3)
    assert set(seen) == set(page(dedup)[0])


def test_a_cursor_that_no_page_gave_is_refused(dedup: Run):
    result = dedup("duplicates", "--json", "--after", "' or PartitionKey gt '")
    assert result.exit_code == 2
    assert "this cursor was not given by a page before" in result.stderr


def test_pairs_are_told_apart_by_name_and_by_day(dedup: Run, known: Known):
    known.pair("shop/a.jpg", "uploads/b.jpg", VerdictKind.DUPLICATE)
    known.pair("c.jpg", "d.jpg", VerdictKind.DUPLICATE)
    known.pair("c.jpg", "uploads/e.jpg", None)
    assert [set(pair) for pair in page(dedup, "--prefix", "uploads/")[0]] == [
        {"images/shop/a.jpg", "images/uploads/b.jpg"}
    ]
    assert "1 pair; not shown: 1 pending" in dedup("duplicates", "--prefix", "uploads/").output
    assert len(page(dedup, "--since", "2026-11-22")[0]) == 2
    assert page(dedup, "--since", "2026-11-22T12:00:01", "--all")[0] == []


def test_a_parquet_file_holds_the_same_with_types(dedup: Run, known: Known, tmp_path: Path):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE, "one", "=two")
    known.pair("a.jpg", "c.jpg", None)
    file = tmp_path / "pairs.parquet"
    result = dedup("duplicates", "--all", "--format", "parquet", "--output", str(file))
    assert result.output == f"2 pairs written to {file}\n"
    rows = {row["verdict"]: row for row in parquet.read_table(file).to_pylist()}
    whole = {it["verdict"]: it for it in json.loads(dedup("duplicates", "--all", "--json").output)}
    assert set(rows) == {"duplicate", "pending"}
    assert rows["duplicate"]["reasons"] == ["one", "=two"]
    assert rows["duplicate"]["verified_at"].isoformat() == whole["duplicate"]["verified_at"]
    for row in rows.values():
        same = {key: value for key, value in row.items() if key not in {"regions", "verified_at"}}
        assert same.items() <= whole[row["verdict"]].items()


def test_a_parquet_file_that_cannot_be_written_is_told(dedup: Run, tmp_path: Path):
    result = dedup("duplicates", "--format", "parquet", "--output", str(tmp_path / "missing" / "pairs.parquet"))
    assert (result.exit_code, "cannot write" in result.stderr) == (2, True)
    assert "--format parquet --output" in dedup("duplicates", "--format", "parquet").stderr


def test_a_parquet_file_that_breaks_off_leaves_what_was_there(
    dedup: Run, known: Known, services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    known.pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    file = tmp_path / "pairs.parquet"
    file.write_bytes(b"of yesterday")

    def breaks_off(*_: object) -> Iterator[PairRow]:
        raise StoreBusy("no answer")
        yield

    monkeypatch.setattr(services.pair_list, "each", breaks_off)
    result = dedup("duplicates", "--format", "parquet", "--output", str(file))
    assert (result.exit_code, "no answer" in result.stderr) == (4, True)
    assert {it.name: it.read_bytes() for it in tmp_path.iterdir()} == {"pairs.parquet": b"of yesterday"}


def test_a_parquet_file_is_refused_where_a_table_goes_already(dedup: Run):
    result = dedup("duplicates", "--format", "parquet", "--output", "-")
    assert (result.exit_code, "cannot write to -" in result.stderr, Path("-").exists()) == (2, True, False)


def test_without_its_extra_a_parquet_file_names_it(dedup: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = dedup("duplicates", "--format", "parquet", "--output", str(tmp_path / "pairs.parquet"))
    assert (result.exit_code, "'.[parquet]'" in result.stderr) == (2, True)
