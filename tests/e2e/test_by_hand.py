"""Verification messages that a person puts on the queue."""

import base64
import json

from typer.testing import CliRunner

from dedup_cli.main import app as dedup
from dedup_core.comparison.verdict import VerdictKind
from tests.core.drawings import drawn, encoded
from tests.e2e.app import App

ONLY_VERIFY = {"AzureWebJobs.extract_features.Disabled": "true"}


def test_plain_and_base64_messages_get_their_verdicts_and_a_malformed_one_shows_in_the_status(app: App) -> None:
    app.upload({"a.png": encoded(drawn(1)), "b.jpg": encoded(drawn(1), "JPEG"), "c.png": encoded(drawn(2))})
    app.put_message('{"left": "images/a.png", "right": "images/nonsense')
    app.put_message('{"left": "images/a.png", "right": "images/b.jpg"}')
    app.put_message(base64.b64encode(b'{"left": "images/a.png", "right": "images/c.png"}').decode())
    app.put_message('{"left": "images/a.png", "right": "images/lost.png"}')
    with app.host():
        assert app.wait_for_verdict("a.png", "b.jpg").verdict.kind is VerdictKind.DUPLICATE
        assert app.wait_for_verdict("a.png", "c.png").verdict.kind is VerdictKind.DISTINCT
        app.wait_for(lambda: len(app.services.reports.rejected_messages()) == 2, "the two refused messages")
        assert app.pair("a.png", "lost.png") is None
    status = CliRunner().invoke(dedup, ["status", "--json"], env=dict(app.environment))
    assert status.exit_code == 0, status.output
    shown = json.dumps(json.loads(status.output))
    assert "images/nonsense" in shown
    assert "JSON" in shown
    assert "There is no blob images/lost.png" in shown


def test_a_lone_comparison_reads_each_image_once(app: App) -> None:
    app.upload({"a.png": encoded(drawn(1)), "b.png": encoded(drawn(2))})
    app.put_message('{"left": "images/a.png", "right": "images/b.png"}')
    only_verify = type(app)(app.account, app.services, {**app.environment, **ONLY_VERIFY})
    with only_verify.host():
        app.wait_for_verdict("a.png", "b.png")
    assert app.image_reads() == 2
