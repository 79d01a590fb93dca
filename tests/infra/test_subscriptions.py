"""Events reach the functions by their names, from the one container, and what cannot be delivered is kept."""

from urllib.parse import parse_qs, urlsplit

import pytest

from local_host.event_grid.blob_webhook import WEBHOOK_PATH
from tests.infra.deployments import WAYS, only, subscriptions, triggers, way

SUBSCRIPTIONS = "Microsoft.EventGrid/systemTopics/eventSubscriptions"


def by_event(name: str = "new account") -> dict[str, dict]:
    found = {}
    for it in subscriptions(name).of_type(SUBSCRIPTIONS):
        (event,) = it.properties["filter"]["includedEventTypes"]
        found[event.removeprefix("Microsoft.Storage.")] = it.properties
    return found


@pytest.mark.parametrize("name", WAYS)
def test_only_the_watched_container_is_announced(name: str):
    container = way(name).outputs["IMAGE_CONTAINER"]
    assert set(by_event(name)) == {"BlobCreated", "BlobDeleted"}
    for properties in by_event(name).values():
        prefix = properties["filter"]["subjectBeginsWith"]
        assert prefix == f"/blobServices/default/containers/{container}/blobs/"
        assert f"/blobServices/default/containers/{container}/blobs/a.jpg".startswith(prefix)
        assert not f"/blobServices/default/containers/{container}2/blobs/a.jpg".startswith(prefix)


def test_a_created_blob_reaches_the_blob_trigger_by_the_webhook():
    (function,) = (name for name, it in triggers().items() if it["type"] == "blobTrigger")
    destination = by_event()["BlobCreated"]["destination"]
    address = urlsplit(destination["properties"]["endpointUrl"])
    assert destination["endpointType"] == "WebHook"
    assert address.path == "/" + WEBHOOK_PATH
    assert parse_qs(address.query) == {"functionName": [f"Host.Functions.{function}"], "code": ["<key>"]}
    assert function == "extract_features"


def test_a_deleted_blob_reaches_the_event_grid_trigger_by_its_resource_id():
    (function,) = (name for name, it in triggers().items() if it["type"] == "eventGridTrigger")
    destination = by_event()["BlobDeleted"]["destination"]
    site = only(way(), "Microsoft.Web/sites")
    assert destination["endpointType"] == "AzureFunction"
    assert destination["properties"]["resourceId"] == f"{site.id}/functions/{function}"


@pytest.mark.parametrize("name", WAYS)
def test_what_cannot_be_delivered_is_set_aside_where_the_topic_may_write(name: str):
    for properties in by_event(name).values():
        dead_letters = properties["deadLetterWithResourceIdentity"]
        if name == "existing topic":
            assert dead_letters is None
            continue
        destination = dead_letters["deadLetterDestination"]["properties"]
        containers = [it.id for it in way(name).of_type("Microsoft.Storage/storageAccounts/blobServices/containers")]
        path = f"{destination['resourceId']}/blobServices/default/containers/{destination['blobContainerName']}"
        assert path in containers
        topic = only(way(name), "Microsoft.EventGrid/systemTopics")
        assert topic.body["identity"]["type"] == dead_letters["identity"]["type"] == "SystemAssigned"


def test_the_topic_is_that_of_the_images_account():
    topic = only(way(), "Microsoft.EventGrid/systemTopics")
    assert topic.properties["source"].startswith("storageAccounts/stimages")
    assert topic.properties["topicType"] == "Microsoft.Storage.StorageAccounts"
    assert way().outputs["SYSTEM_TOPIC_NAME"] == topic.name
