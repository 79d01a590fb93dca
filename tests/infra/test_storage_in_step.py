"""Every queue, table and container that the code uses exists in Azure before the app starts, under the same name."""

from types import SimpleNamespace
from typing import Any

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueMessage

from dedup_app.configuration.settings import Settings
from dedup_app.configuration.storage_connection import STORAGE, StorageConnection
from dedup_app.ports.queues import BLOB_TRIGGER_QUEUE, QueueLengths, queue_names
from dedup_storage import connect as connect_module
from dedup_storage.messaging.poison_queues import AzurePoisonQueues
from dedup_storage.messaging.queues import POISON_SUFFIX, AzureQueues
from dedup_storage.tables.entity_table import EntityTable
from tests.infra.deployments import ROOT, app_settings, only, triggers, way

CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
QUEUES = "Microsoft.Storage/storageAccounts/queueServices/queues"
TABLES = "Microsoft.Storage/storageAccounts/tableServices/tables"


def names(kind: str, name: str = "new account") -> set[str]:
    return {it.name for it in way(name).of_type(kind)}


def test_the_queues_are_those_of_the_triggers_and_where_the_host_sets_failures_aside():
    listened = {it["queueName"] for it in triggers().values() if it["type"] == "queueTrigger"}
    assert listened == {app_settings()[name] for name in ("VERIFY_QUEUE", "INGEST_QUEUE", "EVENTS_QUEUE")}
    assert names(QUEUES) == listened | {name + POISON_SUFFIX for name in [*listened, BLOB_TRIGGER_QUEUE]}


@pytest.mark.parametrize(("name", "namespace"), [("new account", ""), ("existing topic", "shop")])
def test_the_tables_are_those_that_the_app_opens(monkeypatch: pytest.MonkeyPatch, name: str, namespace: str):
    opened = set()

    class Noted(EntityTable):
        def __init__(self, service: TableServiceClient, name: str) -> None:
            super().__init__(service, name)
            opened.add(name)

    monkeypatch.setattr(connect_module, "EntityTable", Noted)
    connection = "DefaultEndpointsProtocol=https;AccountName=photos;AccountKey=a2V5;EndpointSuffix=core.windows.net"
    connect_module.connect(Settings(image_storage=StorageConnection(connection), namespace=namespace))
    assert names(TABLES, name) == opened


def test_only_queues_that_are_there_are_asked_after():
    """The app has rights on each of them by itself: another name is answered with 403 in Azure, with 404 by Azurite."""
    asked = set()

    class Empty:
        def __init__(self, name: str) -> None:
            asked.add(name)
            self.queue_name = name

        def get_queue_properties(self) -> SimpleNamespace:
            return SimpleNamespace(approximate_message_count=0)

        def peek_messages(self, **_: int) -> list[QueueMessage]:
            return []

        receive_messages = peek_messages

    class Service:
        def get_queue_client(self, queue: str) -> Any:
            return Empty(queue)

    settings = Settings()
    queues, poison = AzureQueues(Service(), queue_names(settings)), AzurePoisonQueues(Service())
    assert all(it == QueueLengths(0, 0) for it in queues.lengths().values())
    assert (queues.waiting(), list(queues.poison())) == (0, [])
    for name in queue_names(settings):
        assert (poison.count(name), list(poison.peek(name)), poison.take(name, 1, lambda _: True)) == (0, [], 0)
    assert asked == names(QUEUES)


def test_two_apps_on_one_account_share_no_table_queue_or_log_but_the_queue_that_the_host_names():
    for kind, shared in ((TABLES, set()), (CONTAINERS, {"app-package", "dead-letters"})):
        assert names(kind, "existing account") & names(kind, "existing topic") == shared
    queues = names(QUEUES, "existing account") & names(QUEUES, "existing topic")
    assert queues == {BLOB_TRIGGER_QUEUE + POISON_SUFFIX}


def test_the_second_app_listens_where_its_queues_are():
    settings = Settings.from_environment(
        {name: it for name, it in app_settings("existing topic").items() if not name.startswith("ImageStorage")}
    )
    listened = {settings.verify_queue, settings.ingest_queue, settings.events_queue}
    assert names(QUEUES, "existing topic") == listened | {it + POISON_SUFFIX for it in [*listened, BLOB_TRIGGER_QUEUE]}
    assert settings.index_container in names(CONTAINERS, "existing topic")


def test_the_containers_are_those_of_the_settings_the_package_and_the_dead_letters():
    settings, site = app_settings(), only(way(), "Microsoft.Web/sites")
    package = site.properties["functionAppConfig"]["deployment"]["storage"]["value"].split("'")[-2]
    dead_letters = way().outputs["DEAD_LETTER_CONTAINER"]
    assert names(CONTAINERS) == {settings["IMAGE_CONTAINER"], settings["INDEX_CONTAINER"], package, dead_letters}


def test_the_blob_trigger_watches_the_container_of_the_settings():
    (blob,) = (it for it in triggers().values() if it["type"] == "blobTrigger")
    assert blob["path"] == app_settings()["IMAGE_CONTAINER"] + "/{name}"


def test_every_connection_of_a_trigger_is_set_for_the_identity():
    connections = {it["connection"] for it in triggers().values() if "connection" in it}
    assert connections == {STORAGE}
    settings = app_settings()
    assert settings[f"{STORAGE}__credential"] == "managedidentity"
    assert {f"{STORAGE}__blobServiceUri", f"{STORAGE}__queueServiceUri"} <= set(settings)  # a blob trigger needs both


def test_images_and_all_that_is_derived_are_in_one_account_and_the_hosts_things_in_another():
    accounts = {it.id.split("/")[3] for kind in (QUEUES, TABLES) for it in way().of_type(kind)}
    assert len(accounts) == 1
    by_account = {it.name: it.id.split("/")[3] for it in way().of_type(CONTAINERS)}
    assert {by_account["images"], by_account["dedup-index"]} == accounts
    assert {by_account["app-package"], by_account["dead-letters"]}.isdisjoint(accounts)


def test_the_plan_runs_the_python_that_the_tests_run():
    runtime = only(way(), "Microsoft.Web/sites").properties["functionAppConfig"]["runtime"]
    assert runtime == {"name": "python", "version": "3.13"}
    assert (ROOT / ".python-version").read_text().strip().startswith(runtime["version"])
