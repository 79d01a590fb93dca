"""Images that land, from the upload to the verdict."""

from collections.abc import Iterator

import pytest

from dedup_app.ports.image_status import INDEXED, ImageStatus
from dedup_core.comparison.verdict import VerdictKind
from tests.azurite import Account
from tests.conftest import NewIndex
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.e2e.app import App, app_on
from tests.e2e.ingestion import run_ingestion


@pytest.fixture
def app(account: Account, new_index: NewIndex) -> Iterator[App]:
    """An app that could send telemetry, had it been told to: nothing may come."""
    with run_ingestion() as ingestion:
        settings = ingestion.settings
        del settings["PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"]
        with app_on(account, **settings, **new_index()) as running:
            yield running
        assert ingestion.envelopes == []


def test_uploads_are_indexed_or_rejected_their_look_alikes_verified_and_overwritten_ones_looked_up_again(
    app: App,
) -> None:
    shirt = drawn(1)
    app.upload(
        {
            "shop/a b#1.png": encoded(shirt),
            "shop/copy 100%.png": encoded(shirt),
            "shop/ähnlich.jpg": encoded(shirt, "JPEG"),
            "shop/stranger.png": encoded(drawn(2)),
            "shop/letter.jpg": b"Dear Sir or Madam",
        }
    )
    with app.host():
        app.wait_until_idle(5)
        rows = app.rows()
        assert rows.pop("shop/letter.jpg").status == ImageStatus.rejected("unsupported-format")
        assert {row.status for row in rows.values()} == {INDEXED}
        kinds = {names: pair.verdict.kind for names, pair in app.pairs().items()}
        assert kinds == {
            frozenset({"shop/a b#1.png", "shop/copy 100%.png"}): VerdictKind.IDENTICAL,
            frozenset({"shop/a b#1.png", "shop/ähnlich.jpg"}): VerdictKind.DUPLICATE,
            frozenset({"shop/copy 100%.png", "shop/ähnlich.jpg"}): VerdictKind.DUPLICATE,
        }
        app.upload({"shop/stranger.png": encoded(shirt)})
        verdict = app.wait_for_verdict("shop/a b#1.png", "shop/stranger.png").verdict
        assert verdict.kind is VerdictKind.IDENTICAL
