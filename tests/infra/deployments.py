"""What infra/ creates in the ways in which it can be used, evaluated once."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from infra.tools.bicep import Deployment, deploy
from infra.tools.bicep_expressions import Resource

ROOT = Path(__file__).parent.parent.parent
INFRA = ROOT / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))
EXAMPLE = {"environmentName": "example", "location": "westeurope"}

WAYS: dict[str, dict[str, Any]] = {
    "new account": {},
    "virtual network": {"vnetEnabled": True, "allowedAddresses": ["203.0.113.7"], "imagesCoolAfterDays": 30},
    "existing account": {
        "imagesAccountName": "photosofours",
        "imagesResourceGroupName": "rg-photos",
        "imageContainer": "photos",
    },
    "existing topic": {
        "imagesAccountName": "photosofours",
        "imagesSystemTopicName": "photos-topic",
        "imagesSystemTopicResourceGroupName": "rg-events",
    },
    "own numbers": {
        "queueBatchSize": 2,
        "queueNewBatchThreshold": 0,
        "blobMaxDegreeOfParallelism": 3,
        "alwaysReady": [{"name": "blob", "instanceCount": 1}],
        "appSettings": {"POLICY": "strict", "POLICY_MIN_STRUCTURE": "0.9"},
        "alertEmail": "someone@example.com",
        "instanceMemoryMB": 4096,
        "openTelemetry": True,
    },
}


@cache
def main_only(name: str = "new account") -> Deployment:
    """What azd itself deploys, and so would delete."""
    return deploy(INFRA / "main.bicep", {**EXAMPLE, **WAYS[name]})


@cache
def way(name: str = "new account") -> Deployment:
    """The deployment of main.bicep in one of WAYS, with what images-data.sh puts into an existing account."""
    main = main_only(name)
    if main.outputs["IMAGES_ACCOUNT_IS_NEW"] == "True":
        return main
    inside = deploy(
        INFRA / "modules" / "images-data.bicep",
        {
            "accountName": main.outputs["IMAGES_ACCOUNT_NAME"],
            "imageContainer": main.outputs["IMAGE_CONTAINER"],
            "indexContainer": main.outputs["INDEX_CONTAINER"],
            "verifyQueue": main.outputs["VERIFY_QUEUE"],
            "ingestQueue": main.outputs["INGEST_QUEUE"],
            "eventsQueue": main.outputs["EVENTS_QUEUE"],
            "appPrincipalId": main.outputs["APP_PRINCIPAL_ID"],
            "personPrincipalId": "<deployer>",
            "personPrincipalType": "User",
        },
    )
    return Deployment(main.resources + inside.resources, main.outputs)


@cache
def subscriptions(name: str = "new account") -> Deployment:
    """What the post-deploy script deploys with the outputs of main.bicep."""
    outputs = way(name).outputs
    return deploy(
        INFRA / "subscriptions.bicep",
        {
            "functionAppName": outputs["FUNCTION_APP_NAME"],
            "functionAppResourceGroupName": outputs["AZURE_RESOURCE_GROUP"],
            "systemTopicName": outputs["SYSTEM_TOPIC_NAME"],
            "imageContainer": outputs["IMAGE_CONTAINER"],
            "deadLetterAccountId": outputs["DEAD_LETTER_ACCOUNT_ID"],
            "deadLetterContainer": outputs["DEAD_LETTER_CONTAINER"],
        },
    )


def only(deployment: Deployment, kind: str) -> Resource:
    """The one resource of a type."""
    (found,) = deployment.of_type(kind)
    return found


def app_settings(name: str = "new account") -> dict[str, str]:
    return only(way(name), "Microsoft.Web/sites/config").properties


@cache
def triggers() -> dict[str, dict[str, Any]]:
    """What the host is told of each function's trigger; all names are the defaults, as in Azure."""
    spec = importlib.util.spec_from_file_location("function_app_of_infra", ROOT / "function_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)  # an app tells of its functions only once
    return {it.get_function_name(): it.get_trigger().get_dict_repr() for it in module.app.get_functions()}
