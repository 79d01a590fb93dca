"""Events as Event Grid sends them: more than once, late, in any order; the tables say what is in the container."""

import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from typer.testing import CliRunner

from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import ABSENT, DELETED, INDEXED, ImageStatus
from dedup_app.ports.pairs import PairRow
from dedup_cli.main import app as dedup
from dedup_core.comparison.verdict import VerdictKind
from tests.azurite import Account, Azurite
from tests.conftest import NewIndex
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.e2e.app import App, app_on, post_blob_created, post_blob_deleted

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
PICTURES = {
    "shop/a b#1.png": encoded(drawn(1, 160, 120)),
    "shop/copy 100%.png": encoded(drawn(1, 160, 120)),
    "shop/50%25.jpg": encoded(drawn(1, 160, 120), "JPEG"),
    "shop/ähnlich?.jpg": encoded(drawn(1, 160, 120), "JPEG", quality=70),
    "stranger.png": encoded(drawn(2, 160, 120)),
    "letter.jpg": b"Dear Sir or Madam",
}


@pytest.fixture
def app(account: Account, new_index: NewIndex) -> Iterator[App]:
    with app_on(account, BLOB_TRIGGER_SOURCE="EventGrid", **new_index()) as running:
        yield running


def test_a_deleted_image_is_retracted_by_its_event_and_comes_back_by_the_next(app: App) -> None:
    app.upload({"a b.png": encoded(drawn(1, 160, 120)), "copy.jpg": encoded(drawn(1, 160, 120), "JPEG")})
    with app.host() as host:
        for name in ("a b.png", "copy.jpg"):
            post_blob_created(host, app.account, name)
        app.wait_for_verdict("a b.png", "copy.jpg")
        app.wait_until_idle(2)
        app.delete("a b.png")
        post_blob_deleted(host, app.account, "a b.png")  # the answer comes when the function has ended
        assert app.rows()["a b.png"].status == DELETED
        shown = CliRunner().invoke(dedup, ["duplicates", "--json"], env=dict(app.environment))
        assert (shown.exit_code, shown.output.strip()) == (0, "[]")
        app.upload({"a b.png": encoded(drawn(1, 160, 120))})
        post_blob_created(host, app.account, "a b.png")
        post_blob_deleted(host, app.account, "a b.png")  # late: the image is there again
        app.wait_for(lambda: app.rows()["a b.png"].status == INDEXED, "the image that is back")
        app.wait_until_idle(2)
        etag = app.rows()["a b.png"].etag
        app.wait_for(lambda: app.pair("a b.png", "copy.jpg").left_etag == etag, "its new verdict")
    pair = app.pair("a b.png", "copy.jpg")
    assert pair is not None
    assert pair.verdict is not None
    assert pair.verdict.kind is VerdictKind.DUPLICATE


def test_events_twice_and_in_any_order_give_the_same_tables_as_the_container_scan(
    azurite: Azurite, new_index: NewIndex
) -> None:
    with ExitStack() as stack:
        posted, queued, scanned = (
            stack.enter_context(app_on(azurite.new_account(), BLOB_TRIGGER_SOURCE=source, **new_index()))
            for source in ("EventGrid", "EventGrid", "LogsAndContainerScan")
        )
        for app in (posted, queued, scanned):
            app.upload(PICTURES)
        for number, (name, deleted) in enumerate(shuffled_events()):
            queued.put_event("BlobDeleted" if deleted else "BlobCreated", name, cloud_event=number % 2 == 0)
        with posted.host() as host, scanned.host(), queued.host():
            for name, deleted in shuffled_events():
                (post_blob_deleted if deleted else post_blob_created)(host, posted.account, name)
            for app in (posted, queued, scanned):
                app.wait_until_idle(len(PICTURES))
    assert rows_of(posted) == rows_of(queued) == rows_of(scanned)
    assert pairs_of(posted) == pairs_of(queued) == pairs_of(scanned)
    assert {row.status for row in rows_of(scanned).values()} == {INDEXED, ImageStatus.rejected("unsupported-format")}
    assert len(pairs_of(scanned)) == 6


def test_by_queue_an_image_goes_and_comes_back_and_a_late_deletion_changes_nothing(app: App) -> None:
    """Two images with a copy each, one pair by each schema."""
    pairs = {"a b.png": "copy.jpg", "cloud.png": "cloud-copy.jpg"}
    pictures = {"a b.png": drawn(1, 160, 120), "cloud.png": drawn(2, 160, 120)}

    def put_events(*kinds: str, names: Iterable[str] = pairs) -> None:
        for name, kind in product(names, kinds):
            app.put_event(kind, name, cloud_event=name.startswith("cloud"))

    def wait_for_status(status: ImageStatus) -> None:
        for name in pairs:
            app.wait_for(lambda name=name: app.rows()[name].status == status, f"{name}: {status}")

    app.upload({name: encoded(picture) for name, picture in pictures.items()})
    app.upload({pairs[name]: encoded(picture, "JPEG") for name, picture in pictures.items()})
    put_events("BlobCreated", names=[*pairs, *pairs.values()])
    with app.host():  # the events were there before it was: nothing is lost while no instance runs
        for pair in pairs.items():
            app.wait_for_verdict(*pair)
        app.wait_until_idle(4)
        for name in pairs:
            app.delete(name)
        put_events("BlobDeleted")
        wait_for_status(DELETED)
        app.upload({name: encoded(picture) for name, picture in pictures.items()})
        put_events("BlobCreated", "BlobDeleted", "BlobCreated")
        wait_for_status(INDEXED)
        app.wait_until_idle(4)
    assert app.services.reports.rejected_messages() == []
    assert all(length.poison == 0 for length in app.services.queues.lengths().values())


def shuffled_events() -> list[tuple[str, bool]]:
    """Each upload twice and, at any moment, an event of an earlier deletion, also of an image that never was there."""
    events = [(name, deleted) for name in PICTURES for deleted in (False, False, True)]
    events += [("never.png", False), ("never.png", True)]
    random.Random(5).shuffle(events)
    return events


def rows_of(app: App) -> dict[str, FeaturesRow]:
    """What may differ between two accounts is left out: etags, versions, times, and names that were only looked for."""
    same = {"etag": "", "version": 0, "added_at": None, "updated_at": NEVER}
    return {name: replace(row, **same) for name, row in app.rows().items() if row.status != ABSENT}


def pairs_of(app: App) -> dict[frozenset[str], PairRow]:
    same = {"left_etag": "", "right_etag": "", "left_version": 0, "right_version": 0, "verified_at": NEVER}
    return {names: replace(pair, **same) for names, pair in app.pairs().items()}
