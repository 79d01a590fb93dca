"""`dedup rejected` lists the files that could not be read."""

import csv
import io
import json

import pytest

from dedup_app.ports.image_status import ImageStatus
from dedup_app.services import Services
from tests.cli.conftest import Known, Run


@pytest.fixture
def broken(known: Known) -> None:
    known.image("fine.jpg")
    for number in range(5):
        known.image(f"broken{number}.jpg", ImageStatus.rejected("corrupt"), "it ends too early")
    known.image("=cmd.txt", ImageStatus.rejected("unsupported-format"), "no image")


def names(dedup: Run, *options: str) -> list[str]:
    return sorted(it["path"].removeprefix("images/") for it in json.loads(dedup("rejected", "--json", *options).stdout))


@pytest.mark.usefixtures("broken")
def test_each_stands_with_its_reason_and_the_sentence_why(dedup: Run):
    told = " ".join(dedup("rejected").output.split())
    assert "corrupt images/broken0.jpg it ends too early" in told
    assert told.endswith("6 files rejected")
    assert "fine.jpg" not in told


@pytest.mark.usefixtures("broken")
def test_they_are_chosen_by_reason_and_by_name(dedup: Run):
    assert names(dedup, "--reason", "unsupported-format") == ["=cmd.txt"]
    assert names(dedup, "--prefix", "broken3") == ["broken3.jpg"]
    refused = dedup("rejected", "--reason", "x' or status ne '")
    assert (refused.exit_code, "is no reason" in refused.stderr) == (2, True)


def test_who_waits_hears_of_it_also_while_none_is_found(services: Services):
    heard: list[int] = []
    assert list(services.rejected.each(progress=heard.append)) == []
    assert heard == [0] * 16


def test_each_is_listed_once_wherever_the_listing_goes_on(services: Services, known: Known):
    for number in range(100):
        known.image(f"broken{number}.jpg", ImageStatus.rejected("corrupt"))
    ids = [row.path.image_id for row in services.rejected.each()]
    assert len(ids) == 100
    assert ids == sorted(ids)
    for place, after in enumerate(ids, 1):
        assert [row.path.image_id for row in services.rejected.each(after=after)] == ids[place:]


@pytest.mark.usefixtures("broken")
def test_csv_is_no_formula(dedup: Run, known: Known):
    known.image("x.jpg", ImageStatus.rejected("corrupt"), "@SUM(1)")
    output = dedup("rejected", "--format", "csv").output
    assert "'@SUM(1)" in [row["detail"] for row in csv.DictReader(io.StringIO(output))]


@pytest.mark.usefixtures("broken")
def test_pages_follow_each_other(dedup: Run):
    seen, cursor = [], ""
    while True:
        result = dedup("rejected", "--json", "--limit", "4", *(["--after", cursor] if cursor else []))
        seen += [it["path"] for it in json.loads(result.stdout)]
        if not result.stderr:
            break
        cursor = result.stderr.split()[-1]
    assert (len(seen), len(set(seen))) == (6, 6)


def test_a_page_for_the_browser_looks_at_a_part_and_says_where_it_stopped(services: Services, known: Known):
    for number in range(40):
        known.image(f"broken{number}.jpg", ImageStatus.rejected("corrupt"))
    for size in (3, 50):
        seen, cursor = [], ""
        while True:
            page = services.rejected.page(cursor, size)
            seen += [str(row.path) for row in page.rows]
            assert len(page.rows) <= size
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        assert (len(seen), len(set(seen))) == (40, 40)
