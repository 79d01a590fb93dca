"""Two hosts that work on one account at the same time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from dedup_core.comparison.verdict import VerdictKind
from dedup_core.paths import ImagePath
from local_host.process import HostProcess
from tests.azurite import Account
from tests.conftest import ENGINES, NewIndex
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.e2e.app import CONTAINER, App, app_on, post_blob_created

ROUNDS = 8


@pytest.fixture
def app(account: Account, new_index: NewIndex) -> Iterator[App]:
    with app_on(account, BLOB_TRIGGER_SOURCE="EventGrid", **new_index()) as running:
        yield running


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_look_alikes_that_land_in_the_same_instant_at_two_hosts_find_each_other(app: App) -> None:
    together = Barrier(2)

    def upload(host: HostProcess, name: str, data: bytes) -> None:
        together.wait()
        app.upload({name: data})
        post_blob_created(host, app.account, name)

    # Each host has its own queue of blob events, so it is certain which of them handles which image.
    with app.host("first") as first, app.host("second") as second, ThreadPoolExecutor(2) as threads:
        for number in range(ROUNDS):
            picture = drawn(number, 160, 120)
            left = threads.submit(upload, first, f"{number}-left.png", encoded(picture))
            right = threads.submit(upload, second, f"{number}-right.jpg", encoded(picture, "JPEG"))
            left.result()
            right.result()
        app.wait_until_idle(2 * ROUNDS)
        logs = first.log_text(), second.log_text()
    for number in range(ROUNDS):
        left, right = (ImagePath(CONTAINER, f"{number}-{name}").image_id for name in ("left.png", "right.jpg"))
        assert f'"image": "{left}"' in logs[0]
        assert f'"image": "{right}"' in logs[1]
        pair = app.pair(f"{number}-left.png", f"{number}-right.jpg")
        assert pair is not None, f"the look-alikes of round {number} did not find each other"
        assert pair.verdict is not None
        assert pair.verdict.kind is VerdictKind.DUPLICATE
