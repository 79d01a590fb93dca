"""Verification messages that a person puts on the queue."""

import base64
import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from dedup_cli.main import app as dedup
from dedup_core.comparison.verdict import VerdictKind
from tests.azurite import Account
from tests.conftest import NewIndex
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.e2e.app import App, app_on

ONLY_VERIFY = {"AzureWebJobs.extract_features.Disabled": "true"}


@pytest.fixture
def app(account: Account, new_index: NewIndex) -> Iterator[App]:
    with app_on(account, **ONLY_VERIFY, **new_index()) as running:
        yield running


def test_each_message_gets_its_verdict_with_one_read_an_image_and_a_malformed_one_shows_in_the_status(app: App) -> None:
    app.upload({"a.png": encoded(drawn(1)), "b.jpg": encoded(drawn(1), "JPEG"), "c.png": encoded(drawn(2))})
    app.put_message('{"left": "images/a.png", "right": "images/b.jpg"}')
    with app.host():
        assert app.wait_for_verdict("a.png", "b.jpg").verdict.kind is VerdictKind.DUPLICATE
        assert app.image_reads() == 2
        app.put_message('{"left": "images/a.png", "right": "images/nonsense')
        app.put_message(base64.b64encode(b'{"left": "images/a.png", "right": "images/c.png"}').decode())
        app.put_message('{"left": "images/a.png", "right": "images/lost.png"}')
        assert app.wait_for_verdict("a.png", "c.png").verdict.kind is VerdictKind.DISTINCT
        app.wait_for(lambda: len(app.services.reports.rejected_messages()) == 2, "the two refused messages")
        assert app.pair("a.png", "lost.png") is None
    status = CliRunner().invoke(dedup, ["status", "--json"], env=dict(app.environment))
    assert status.exit_code == 0, status.output
    shown = json.dumps(json.loads(status.output))
    assert "images/nonsense" in shown
    assert "JSON" in shown
    assert "There is no blob images/lost.png" in shown
