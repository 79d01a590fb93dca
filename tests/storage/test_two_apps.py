"""Two apps on one account: with namespaces neither sees the other, without them the second one refuses to work."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.storage.blob import BlobServiceClient

from dedup_app.configuration.ownership import NamespaceTaken
from dedup_app.configuration.settings import Settings
from dedup_app.ports.image_status import INDEXED
from dedup_app.services import Services
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_storage.connect import connect
from tests.app.world import copy_of, photo
from tests.azurite import Account


def app_on(account: Account, container: str, **settings: str) -> Services:
    """What function_app.py makes of these settings."""
    environment = {"ImageStorage": account.connection_string, "IMAGE_CONTAINER": container, **settings}
    return connect(Settings.from_environment(environment | {"DECODER_ISOLATION": "off"}))


def take_in(account: Account, services: Services) -> VerifyMessage:
    """Two look-alikes land in the container of the app; the message about them."""
    container = services.settings.image_container
    with BlobServiceClient.from_connection_string(account.connection_string) as service:
        service.create_container(container)
        for name, data in (("a.png", photo(1)), ("b.png", copy_of(1))):
            service.get_blob_client(container, name).upload_blob(data)
    services.ownership.require()
    a, b = (ImagePath(container, name) for name in ("a.png", "b.png"))
    for path in (a, b):
        services.ingest.ingest(path)
    return VerifyMessage(b, (VerifyTarget(a),))


def test_apps_with_namespaces_share_an_account_and_nothing_in_it(account: Account) -> None:
    apps = [app_on(account, "images"), app_on(account, "catalog", DEDUP_NAMESPACE="shop")]
    paths = [ImagePath(container, name) for container in ("images", "catalog") for name in ("a.png", "b.png")]
    slices = sorted({path.image_id[:2] for path in paths})  # of the ledger; there is nothing in the other 252
    for services in apps:
        message = take_in(account, services)
        services.verify.handle_message(message.to_json(), "1")
        services.reporting.report()
        services.reconcile.reconcile(prefixes=slices)
    for services, namespace in zip(apps, ("", "shop-"), strict=True):
        container = services.settings.image_container
        assert services.features.tally().statuses == {INDEXED: 2}
        assert {pair.left.container for pair in services.pairs.all()} == {container}
        waiting = {name: it.waiting for name, it in services.queues.lengths().items() if it.waiting}
        assert waiting == {f"{namespace}verify-pairs": 1}
        report = services.reports.latest_stats_report()
        assert report is not None
        assert report.totals.comparisons_performed == 1
        ledger = services.reconcile.reconcile(prefixes=slices)
        assert (ledger.images, ledger.complete) == (2, 2)


def test_without_namespaces_the_second_app_refuses_and_the_first_goes_on(account: Account) -> None:
    first, second = app_on(account, "images"), app_on(account, "catalog", WEBSITE_SITE_NAME="func-b")
    take_in(account, first)
    with pytest.raises(NamespaceTaken, match="DEDUP_NAMESPACE"):
        take_in(account, second)
    assert first.queues.waiting() == 1
    app_on(account, "images").ownership.require()


def test_of_many_that_start_at_once_one_owns_the_namespace_and_all_see_the_same(account: Account) -> None:
    apps = [app_on(account, container) for container in ("images", "catalog") * 4]

    def starts(services: Services) -> bool:
        try:
            services.ownership.require()
        except NamespaceTaken:
            return False
        return True

    with ThreadPoolExecutor(len(apps)) as threads:
        started = list(threads.map(starts, apps))
    owner = apps[0].ownership.owner()
    assert owner is not None
    assert [services.settings.image_container == owner.container for services in apps] == started


def test_an_app_that_is_known_costs_one_look_a_process_and_may_be_replaced(account: Account) -> None:
    services = app_on(account, "images")
    services.ownership.require()
    again = app_on(account, "images")
    before = len(account.requests())
    for _ in range(3):
        again.ownership.require()
    assert len(account.requests()) - before == 1
    other = app_on(account, "catalog")
    other.ownership.take_over("func-b")
    owner = other.ownership.owner()
    assert owner is not None
    assert (owner.container, owner.site) == ("catalog", "func-b")
