"""The demo waits until nothing more will come, and not a moment less."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dedup_app.ports.image_status import INDEXED, PROCESSING, ImageStatus
from dedup_app.services import Services
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.loading.stats import LoaderStats
from dedup_core.messages import VerifyMessage, VerifyTarget
from demo.progress import Progress, read_progress
from tests.cli.conftest import memory_services
from tests.demo.outcomes import pair, row

NOW = datetime.now(UTC)


def progress(services: Services) -> Progress:
    return read_progress(services, NOW)


@pytest.fixture
def finished() -> Services:
    """An app that has verified one pair of two images."""
    services = memory_services()
    for name in ("a.jpg", "b.jpg"):
        services.features.put(row(name))
    services.pairs.put_verdict(pair("a.jpg", "b.jpg", VerdictKind.DUPLICATE))
    return services


def test_it_is_done_when_all_images_are_final_all_pairs_verified_and_no_message_waits(finished: Services):
    assert progress(finished).is_done(2)


def test_it_is_not_done_before_every_picture_has_a_row(finished: Services):
    assert not progress(finished).is_done(3)


def test_it_is_not_done_while_an_image_is_processing(finished: Services):
    known = finished.features.get(row("b.jpg").path.image_id)
    finished.features.put(replace(known, status=PROCESSING))
    assert not progress(finished).is_done(2)


def test_a_rejected_image_is_finished(finished: Services):
    finished.features.put(row("c.jpg", ImageStatus.rejected("corrupt"), "cut off"))
    assert progress(finished).is_done(3)


def test_it_is_not_done_while_a_pair_waits_for_its_verdict(finished: Services):
    finished.features.put(row("c.jpg", INDEXED))
    finished.pairs.open(pair("a.jpg", "c.jpg", None))
    assert not progress(finished).is_done(3)


def test_it_is_not_done_while_a_message_waits(finished: Services):
    it = pair("a.jpg", "b.jpg", None)
    finished.verify_queue.send(VerifyMessage(it.left, (VerifyTarget(it.right),)))
    assert not progress(finished).is_done(2)
    assert "1 messages wait" in progress(finished).told(2)


def test_the_totals_of_all_processes_of_today_add_up(finished: Services):
    for instance in ("one", "two"):
        finished.stats.put(NOW.date().isoformat(), instance, LoaderStats(comparisons_performed=3))
    assert progress(finished).loaders.comparisons_performed == 6
