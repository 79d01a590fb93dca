"""Whole apps on one account, each with a host: by namespaces they share nothing, without them one is refused."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from dedup_app.ports.image_status import INDEXED
from dedup_core.comparison.verdict import VerdictKind
from local_host.process import HostProcess
from tests.azurite import Account
from tests.conftest import NewIndex
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.e2e.app import App, app_on

LOOK_ALIKES = {"a.png": encoded(drawn(1)), "b.jpg": encoded(drawn(1), "JPEG")}
LATER = {"later.png": encoded(drawn(2))}


@pytest.fixture
def first(account: Account, new_index: NewIndex) -> Iterator[App]:
    with app_on(account, **new_index()) as app:
        yield app


@pytest.fixture
def shop(account: Account, new_index: NewIndex) -> Iterator[App]:
    with app_on(account, "catalog", DEDUP_NAMESPACE="shop", **new_index()) as app:
        yield app


@pytest.fixture
def stranger(account: Account, new_index: NewIndex) -> Iterator[App]:
    with app_on(account, "letters", WEBSITE_SITE_NAME="func-b", **new_index()) as app:
        yield app


def refusal(host: HostProcess) -> str:
    """What the review page of the host says."""
    request = urllib.request.Request(  # noqa: S310 - our own host
        f"{host.url.rstrip('/')}/api/groups", headers={"x-functions-key": host.status.keys["function"]}
    )
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    assert answer.value.code == 503
    detail: str = json.load(answer.value)["detail"]
    return detail


def test_two_hosts_of_two_namespaces_do_their_own_work_and_a_third_in_a_taken_one_none(
    first: App, shop: App, stranger: App
) -> None:
    both = (first, shop)
    for app in both:
        app.upload(LOOK_ALIKES)
    with ExitStack() as hosts:
        for app in both:
            hosts.enter_context(app.host(app.container))
        for app in both:
            app.wait_until_idle(len(LOOK_ALIKES))
        for app in both:
            assert {str(row.path) for row in app.rows().values()} == {f"{app.container}/{name}" for name in LOOK_ALIKES}
            assert [pair.verdict and pair.verdict.kind for pair in app.pairs().values()] == [VerdictKind.DUPLICATE]
            app.services.index.refresh()
            assert len(app.services.index.held("")) == len(LOOK_ALIKES)
        stranger.upload(LOOK_ALIKES)
        refused = hosts.enter_context(stranger.host(stranger.container))
        reason = refusal(refused)
        assert "DEDUP_NAMESPACE" in reason
        assert "take-over --site func-b" in reason
        stranger.wait_for(lambda: reason.splitlines()[0] in refused.log_text(), "the reason in the host's log")
        for app in both:
            app.upload(LATER)
            app.wait_for(lambda app=app: app.rows().get("later.png"), "an image that lands later")
            app.wait_until_idle(len(LOOK_ALIKES) + len(LATER))
            assert {(row.path.container, row.status) for row in app.rows().values()} == {(app.container, INDEXED)}
