"""Events reach the functions by their names, from the one container, and what cannot be delivered is kept."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.tools.snapshots import ROLE_ASSIGNMENTS
from local_host.event_grid.blob_webhook import WEBHOOK_PATH
from tests.infra.deployments import ROOT, WAYS, only, subscriptions, triggers, way

SUBSCRIPTIONS = "Microsoft.EventGrid/systemTopics/eventSubscriptions"


BY_QUEUE = [name for name in WAYS if way(name).outputs["EVENT_DELIVERY"] == "queue"]
BY_TRIGGER = [name for name in WAYS if name not in BY_QUEUE]


def by_event(name: str = "new account") -> dict[str, dict]:
    """What is subscribed to for each kind of event."""
    found = {}
    for it in subscriptions(name).of_type(SUBSCRIPTIONS):
        for event in it.properties["filter"]["includedEventTypes"]:
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


@pytest.mark.parametrize("name", BY_TRIGGER)
def test_a_created_blob_reaches_the_blob_trigger_by_the_webhook(name: str):
    """The host answers 202 to a wrong name too, and the event is gone: the names are tied together here."""
    (function,) = (name for name, it in triggers().items() if it["type"] == "blobTrigger")
    destination = by_event(name)["BlobCreated"]["destination"]
    expression = destination["properties"]["endpointUrl"]
    address = urlsplit(expression.removeprefix("[format('").partition("'")[0])
    assert destination["endpointType"] == "WebHook"
    assert address.path == "/" + WEBHOOK_PATH
    assert parse_qs(address.query) == {"functionName": [f"Host.Functions.{function}"], "code": ["{1}"]}
    assert "systemKeys.blobs_extension" in expression
    assert function == "extract_features"


@pytest.mark.parametrize("name", BY_TRIGGER)
def test_a_deleted_blob_reaches_the_event_grid_trigger_by_its_resource_id(name: str):
    (function,) = (name for name, it in triggers().items() if it["type"] == "eventGridTrigger")
    destination = by_event(name)["BlobDeleted"]["destination"]
    site = only(way(name), "Microsoft.Web/sites")
    assert destination["endpointType"] == "AzureFunction"
    assert destination["properties"]["resourceId"] == f"{site.id}/functions/{function}"


@pytest.mark.parametrize("name", BY_QUEUE)
def test_by_queue_both_go_into_the_queue_that_a_function_takes_from_and_never_expire(name: str):
    (queue,) = (it["queueName"] for function, it in triggers().items() if function == "take_blob_events")
    queue = f"shop-{queue}" if way(name).outputs["DEDUP_NAMESPACE"] == "shop" else queue
    for properties in by_event(name).values():
        delivery = properties["deliveryWithResourceIdentity"]
        assert delivery["identity"] == {"type": "SystemAssigned"}
        assert delivery["destination"]["endpointType"] == "StorageQueue"
        target = delivery["destination"]["properties"]
        assert (target["queueName"], target["queueMessageTimeToLiveInSeconds"]) == (queue, -1)
        path = f"{target['resourceId']}/queueServices/default/queues/{target['queueName']}"
        assert path in [it.id for it in way(name).of_type("Microsoft.Storage/storageAccounts/queueServices/queues")]
        assert "destination" not in properties  # no address, so no key in it


def test_two_apps_that_share_a_topic_have_subscriptions_of_their_own():
    first, second = (
        {it.name for it in subscriptions(name).of_type(SUBSCRIPTIONS)} for name in ("new account", "existing topic")
    )
    assert (first, second) == ({"dedup-images-queued"}, {"dedup-shop-images-queued"})


@pytest.mark.parametrize("name", WAYS)
def test_what_cannot_be_delivered_is_set_aside_where_the_topic_may_write(name: str):
    for properties in by_event(name).values():
        dead_letters = properties["deadLetterWithResourceIdentity"]
        assert dead_letters["identity"]["type"] == "SystemAssigned"
        destination = dead_letters["deadLetterDestination"]["properties"]
        containers = [it.id for it in way(name).of_type("Microsoft.Storage/storageAccounts/blobServices/containers")]
        path = f"{destination['resourceId']}/blobServices/default/containers/{destination['blobContainerName']}"
        assert path in containers
        assert path in [it.scope for it in subscriptions(name).of_type(ROLE_ASSIGNMENTS)]


def test_the_topic_is_that_of_the_images_account_and_has_an_identity():
    topic = only(way(), "Microsoft.EventGrid/systemTopics")
    assert topic.properties["source"].endswith("storageAccounts/stimagesabc123")
    assert topic.properties["topicType"] == "Microsoft.Storage.StorageAccounts"
    assert topic.body["identity"]["type"] == "SystemAssigned"
    assert way().outputs["SYSTEM_TOPIC_NAME"] == topic.name


def test_the_subscription_that_a_new_namespace_leaves_behind_is_told_by_its_name():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (named,) = re.findall(r"event-subscription delete --name (\S+) ", page)
    assert [it.name for it in subscriptions().of_type(SUBSCRIPTIONS)] == [named]
    assert named not in {it.name for it in subscriptions("existing topic").of_type(SUBSCRIPTIONS)}
