"""A host that dies in the middle of its work."""

from dedup_app.ports.image_status import INDEXED, PROCESSING
from dedup_core.comparison.verdict import VerdictKind
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.e2e.app import App

PAIRS = 30
KILL_AT = (10, 35)  # finished images
LEASE_SECONDS = 2  # as long as the messages in the dead host's hands stay hidden


def test_killed_twice_in_the_middle_of_its_work_it_still_finds_every_image_and_pair(app: App) -> None:
    for number in range(PAIRS):
        picture = drawn(number, 160, 120)
        app.upload({f"{number}.png": encoded(picture), f"{number}.jpg": encoded(picture, "JPEG")})
    for kill_at in KILL_AT:
        with app.host(lease_seconds=LEASE_SECONDS) as host:
            app.wait_for(lambda kill_at=kill_at: finished(app) >= kill_at, f"{kill_at} finished images")
            host.kill()
        assert finished(app) < 2 * PAIRS, "the host was done before it could be killed"
    with app.host(lease_seconds=LEASE_SECONDS):
        app.wait_until_idle(2 * PAIRS)
    assert {row.status for row in app.rows().values()} == {INDEXED}
    for number in range(PAIRS):
        pair = app.pair(f"{number}.png", f"{number}.jpg")
        assert pair is not None, f"the copies of picture {number} did not find each other"
        assert pair.verdict is not None
        assert pair.verdict.kind is VerdictKind.DUPLICATE
    assert all(length.poison == 0 for length in app.services.queues.lengths().values())


def finished(app: App) -> int:
    counts = app.services.features.tally().statuses
    return sum(count for status, count in counts.items() if status != PROCESSING)
