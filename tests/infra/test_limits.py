"""Numbers that must fit together: host.json, the code's limits, the instance's memory and Event Grid's retries."""

import json
import re
from datetime import timedelta

import pytest

from local_host.settings import parse_time_span, read_host_config
from tests.infra.deployments import (
    INFRA,
    ROOT,
    WAYS,
    app_settings,
    declared_parameters,
    only,
    subscriptions,
    triggers,
    way,
)

MEBIBYTE = 1024 * 1024
# The Functions host and the interpreter with its libraries before the first image (docs/benchmarks.md has the latter).
HOST_MEGABYTES = 500
INDEX_BYTES_AN_IMAGE = 400
SMALLEST_COLLECTION = 1_000_000
# Flex Consumption gives one core for 2,048 MB.
CORES = {2048: 1, 4096: 2}


def memory_mb(name: str) -> int:
    scale = only(way(name), "Microsoft.Web/sites").properties["functionAppConfig"]["scaleAndConcurrency"]
    return int(scale["instanceMemoryMB"])


@pytest.mark.parametrize("name", WAYS)
def test_the_budgets_and_a_million_images_fit_into_an_instance(name: str):
    settings = app_settings(name)
    budgets = int(settings["DOWNLOAD_BUDGET_BYTES"]) + int(settings["DECODE_BUDGET_BYTES"])
    index = SMALLEST_COLLECTION * INDEX_BYTES_AN_IMAGE
    assert (budgets + index) / MEBIBYTE + HOST_MEGABYTES < memory_mb(name)


def test_a_largest_image_fits_into_the_download_budget():
    settings = app_settings()
    assert int(settings["MAX_IMAGE_BYTES"]) <= int(settings["DOWNLOAD_BUDGET_BYTES"])


@pytest.mark.parametrize("name", WAYS)
def test_every_message_in_work_has_a_thread(name: str):
    """The worker of Flex Consumption starts its threads before it knows the settings: Python's default it is."""
    settings = app_settings(name)
    config = read_host_config(ROOT, settings, processors=CORES[memory_mb(name)])
    threads = CORES[memory_mb(name)] + 4
    assert config.queues.batch_size + config.queues.new_batch_threshold <= threads
    assert config.blobs.max_degree_of_parallelism <= threads


def test_concurrency_parameters_reach_the_host_and_else_host_json_rules():
    written = read_host_config(ROOT, {}, processors=1)
    assert read_host_config(ROOT, app_settings(), processors=1) == written
    chosen = read_host_config(ROOT, app_settings("own numbers"), processors=1)
    assert (chosen.queues.batch_size, chosen.queues.new_batch_threshold) == (2, 0)
    assert chosen.blobs.max_degree_of_parallelism == 3
    assert chosen.queues.max_dequeue_count == written.queues.max_dequeue_count


def test_a_function_ends_before_its_message_shows_again_and_within_what_the_plan_allows():
    host = json.loads((ROOT / "host.json").read_text())
    timeout = timedelta(seconds=parse_time_span(host["functionTimeout"]))
    assert timeout <= timedelta(minutes=10)  # what a received message stays hidden


def test_failures_of_storage_are_outwaited_before_a_message_is_set_aside():
    queues = read_host_config(ROOT, {}, processors=1).queues
    assert queues.max_dequeue_count * queues.visibility_timeout_seconds >= timedelta(minutes=10).total_seconds()
    assert queues.max_dequeue_count == 10


@pytest.mark.parametrize("name", ["new account", "existing account"])
def test_event_grid_tries_for_as_long_as_it_can(name: str):
    made = subscriptions(name).of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    assert made
    for it in made:
        assert it.properties["retryPolicy"] == {"eventTimeToLiveInMinutes": 1440, "maxDeliveryAttempts": 30}


def test_the_extension_bundle_is_pinned_to_a_major_version_that_flex_consumption_runs():
    bundle = json.loads((ROOT / "host.json").read_text())["extensionBundle"]
    assert bundle["id"] == "Microsoft.Azure.Functions.ExtensionBundle"
    lower, _, upper = bundle["version"].strip("[)").partition(", ")
    assert lower.startswith("4.")
    assert upper == "5.0.0"


def test_what_can_be_set_about_scale_is_a_parameter():
    parameters = declared_parameters(INFRA / "main.bicep")
    text = (INFRA / "main.bicep").read_text()
    assert re.search(
        r"@minValue\(1\)\n@maxValue\(1000\)\n@description\([^\n]*\)\nparam maximumInstanceCount int = 40\n", text
    )
    assert {"instanceMemoryMB", "maximumInstanceCount", "alwaysReady", "queueBatchSize"} <= set(parameters)
    scale = only(way("own numbers"), "Microsoft.Web/sites").properties["functionAppConfig"]["scaleAndConcurrency"]
    assert scale == {
        "instanceMemoryMB": 4096,
        "maximumInstanceCount": 40,
        "alwaysReady": [{"name": "blob", "instanceCount": 1}],
        "triggers": {"http": {"perInstanceConcurrency": 8}},
    }


@pytest.mark.parametrize("name", WAYS)
def test_one_instance_makes_the_pictures_that_a_browser_asks_for_at_once(name: str):
    """For Python the plan takes one request an instance if nothing is said; a browser keeps six connections."""
    scale = only(way(name), "Microsoft.Web/sites").properties["functionAppConfig"]["scaleAndConcurrency"]
    assert scale["triggers"]["http"]["perInstanceConcurrency"] >= 6


def test_what_all_instances_take_of_the_quota_is_what_the_page_says():
    """Each function that takes messages scales by itself, all HTTP together; the timer runs once."""
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    kinds = [trigger["type"] for trigger in triggers().values()]
    scaling = kinds.count("queueTrigger") + ("httpTrigger" in kinds)
    scale = only(way(), "Microsoft.Web/sites").properties["functionAppConfig"]["scaleAndConcurrency"]
    instances = scale["maximumInstanceCount"]
    memory = instances * scaling * memory_mb("new account")
    assert scaling == 4
    assert f"{instances} instances of the four functions that scale take {memory:,} " in page


def test_a_pause_of_the_page_is_one_that_the_parameters_can_hold():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (function,) = re.findall(r"`AzureWebJobs\.(\w+)\.Disabled`", page)
    assert function in triggers()
    assert f"AzureWebJobs.{function}.Disabled" not in app_settings()  # so that only `appSettings` says it
    assert "appSettings" in declared_parameters(INFRA / "main.bicep")
