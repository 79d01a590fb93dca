"""`dedup plan` says what could go, and changes nothing."""

import csv
import io
import json
from dataclasses import replace

import pytest

from dedup_app.records.group_records import facts_of
from dedup_app.services import Services
from dedup_core.comparison.verdict import VerdictKind
from tests.cli.conftest import Known, Run
from tests.storage.examples import some_features


@pytest.fixture
def sized(services: Services):
    """Gives an image features, with a size."""

    def sized(path: str, width: int, byte_size: int) -> None:
        [row] = [row for row in services.features.all() if str(row.path) == path]
        features = replace(some_features(), width=width, height=width, byte_size=byte_size)
        services.verdict_log.append([facts_of(services.features.put(replace(row, features=features)).summary)])

    return sized


@pytest.fixture
def pair(known: Known, sized) -> None:
    known.pair("=a.jpg", "b.jpg", VerdictKind.DUPLICATE)
    sized("images/=a.jpg", 400, 900)
    sized("images/b.jpg", 800, 5000)


@pytest.mark.usefixtures("pair")
def test_people_see_what_stays_what_goes_and_what_it_saves(dedup: Run):
    lines = dedup("plan").output.splitlines()
    assert lines[1].split()[:3] == ["stays", "images/b.jpg", "5,000"]
    assert lines[2].split()[:3] == ["goes", "images/=a.jpg", "900"]
    assert lines[3] == "1 image of 1 group would go (900 bytes); nothing was changed"


@pytest.mark.usefixtures("pair")
def test_programs_get_the_same(dedup: Run):
    plan = json.loads(dedup("plan", "--format", "json").output)
    [group] = plan["groups"]
    assert json.loads(dedup("plan", "--json").output)["groups"] == plan["groups"]
    assert (plan["images"], plan["bytes"], group["stays"]["path"]) == (1, 900, "images/b.jpg")
    assert group["goes"][0]["etag"] == "0x1"
    rows = list(csv.DictReader(io.StringIO(dedup("plan", "--format", "csv").output)))
    assert [(row["action"], row["path"]) for row in rows] == [("stays", "images/b.jpg"), ("goes", "images/=a.jpg")]


@pytest.mark.usefixtures("pair")
def test_options_narrow_it(dedup: Run):
    for options in (["--keep", "decided"], ["--verdict", "identical"], ["--prefix", "b"]):
        assert json.loads(dedup("plan", "--format", "json", *options).output)["images"] == 0


def test_without_groups_there_is_nothing_to_do(dedup: Run):
    assert dedup("plan").output.strip() == "0 images of 0 groups would go (0 bytes); nothing was changed"
