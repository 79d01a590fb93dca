"""`dedup status` tells what people have seen of the precision."""

import json

from typer.testing import CliRunner

from dedup_cli.main import app
from tests.app.judged import decided


def test_of_how_many_pairs_that_people_looked_at_how_many_were_no_copies():
    world = decided({0.5 + number / 100: number >= 7 for number in range(30)})
    table = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["status"], obj=world.services).stdout
    [row] = [line.split() for line in table.splitlines() if line.strip().startswith("duplicate ")]
    assert row[:3] == ["duplicate", "30", "7"]
    told = json.loads(CliRunner().invoke(app, ["status", "--json"], obj=world.services).stdout)["seen"]
    assert told["is_low"] is True
    assert told["verdicts"]["duplicate"]["no_copies"] == 7
