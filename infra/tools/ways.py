"""The ways in which infra/ can be used; of each there is a snapshot of what it creates."""

from collections.abc import Mapping
from typing import Any

EXAMPLE = {"environmentName": "example", "location": "westeurope", "principalName": "someone@example.com"}
DEPLOYER = "00000000-0000-0000-0000-000000000001"

WAYS: Mapping[str, Mapping[str, Any]] = {
    "new account": {},
    "virtual network": {
        "vnetEnabled": True,
        "allowedAddresses": ["203.0.113.7"],
        "imagesCoolAfterDays": 30,
        "indexDatabase": True,
    },
    "existing account": {
        "imagesAccountName": "photosofours",
        "imagesResourceGroupName": "rg-photos",
        "imageContainer": "photos",
        "eventDelivery": "trigger",
    },
    "existing topic": {
        "imagesAccountName": "photosofours",
        "imagesResourceGroupName": "rg-photos",
        "imagesSystemTopicName": "photos-topic",
        "imagesSystemTopicResourceGroupName": "rg-events",
        "namespace": "shop",  # the second app on an account, as one that has a topic already may be
        "tagImages": True,
    },
    "own numbers": {
        "eventDelivery": "trigger",
        "queueBatchSize": 2,
        "queueNewBatchThreshold": 0,
        "blobMaxDegreeOfParallelism": 3,
        "alwaysReady": [{"name": "blob", "instanceCount": 1}],
        "appSettings": {"POLICY": "strict", "POLICY_MIN_STRUCTURE": "0.9"},
        "alertEmail": "someone@example.com",
        "logDailyGB": 2,
        "instanceMemoryMB": 4096,
        "openTelemetry": True,
        "notifyTopic": True,
        "tagImages": True,
        "indexDatabase": True,
        "indexServerSku": "Standard_E8ds_v5",
        "signInClientId": "00000000-0000-0000-0000-000000000002",
    },
}


def inside_parameters(outputs: Mapping[str, str]) -> dict[str, str | bool]:
    """What infra/scripts/images-data.* gives to modules/images-data.bicep for an existing account."""
    return {
        "accountName": outputs["IMAGES_ACCOUNT_NAME"],
        "imageContainer": outputs["IMAGE_CONTAINER"],
        "indexContainer": outputs["INDEX_CONTAINER"],
        "verifyQueue": outputs["VERIFY_QUEUE"],
        "ingestQueue": outputs["INGEST_QUEUE"],
        "eventsQueue": outputs["EVENTS_QUEUE"],
        "namespace": outputs["DEDUP_NAMESPACE"],
        "appPrincipalId": outputs["APP_PRINCIPAL_ID"],
        "personPrincipalId": outputs["PERSON_PRINCIPAL_ID"],
        "personPrincipalType": outputs["PERSON_PRINCIPAL_TYPE"],
        "originalLinks": outputs["ORIGINAL_LINKS"] == "true",
        "tagImages": outputs["TAG_IMAGES"] == "true",
    }


def subscription_parameters(outputs: Mapping[str, str]) -> dict[str, str]:
    """What infra/scripts/post-deploy.* gives to subscriptions.bicep."""
    return {
        "functionAppName": outputs["FUNCTION_APP_NAME"],
        "functionAppResourceGroupName": outputs["AZURE_RESOURCE_GROUP"],
        "systemTopicName": outputs["SYSTEM_TOPIC_NAME"],
        "imagesAccountName": outputs["IMAGES_ACCOUNT_NAME"],
        "imagesAccountResourceGroupName": outputs["IMAGES_ACCOUNT_RESOURCE_GROUP"],
        "imageContainer": outputs["IMAGE_CONTAINER"],
        "eventDelivery": outputs["EVENT_DELIVERY"],
        "eventsQueue": outputs["EVENTS_QUEUE"],
        "namespace": outputs["DEDUP_NAMESPACE"],
        "deadLetterAccountName": outputs["DEAD_LETTER_ACCOUNT_NAME"],
        "deadLetterContainer": outputs["DEAD_LETTER_CONTAINER"],
    }
