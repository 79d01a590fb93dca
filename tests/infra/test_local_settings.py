"""local.settings.sample.json works as copied: for `func start`, for local_host, and with Azurite as it starts."""

import json

from dedup_app.configuration.settings import Settings
from local_host.settings import load_local_settings
from tests.infra.deployments import ROOT, app_settings, triggers
from tests.infra.test_settings_in_step import Recorded

SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))
# Of the host and its worker; in Azure they are properties of the app, or an identity takes their place.
READ_BY_OTHERS = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}


def test_core_tools_find_what_they_need():
    assert SAMPLE["IsEncrypted"] is False
    assert SAMPLE["Values"]["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert all(isinstance(value, str) for value in SAMPLE["Values"].values())


def test_host_and_app_use_azurite():
    connections = {"AzureWebJobsStorage"} | {it["connection"] for it in triggers().values() if "connection" in it}
    assert {SAMPLE["Values"][name] for name in connections} == {"UseDevelopmentStorage=true"}


def test_every_value_is_read_and_taken():
    environment = Recorded(SAMPLE["Values"])
    assert Settings.from_environment(environment).require_image_storage().connection_string
    assert set(environment) - READ_BY_OTHERS <= environment.asked


def test_local_host_reads_the_copy_as_core_tools_do(tmp_path):
    (tmp_path / "local.settings.json").write_text((ROOT / "local.settings.sample.json").read_text())
    environment: dict[str, str] = {}
    load_local_settings(tmp_path, environment)
    assert environment == SAMPLE["Values"]


def test_only_the_way_in_differs_from_azure():
    """Both name the same places; here the account is reached by a connection string and blobs are found by looking."""
    same = set(SAMPLE["Values"]) & set(app_settings())
    differing = {name for name in same if SAMPLE["Values"][name] != app_settings()[name]}
    assert {"IMAGE_CONTAINER", "INDEX_CONTAINER", "VERIFY_QUEUE", "INGEST_QUEUE", "POLICY"} <= same
    assert differing == {"BLOB_TRIGGER_SOURCE"}


def test_the_sample_is_not_deployed_and_a_copy_is_not_committed():
    assert "/local.settings*.json" in (ROOT / ".funcignore").read_text().split()
    assert "local.settings.json" in (ROOT / ".gitignore").read_text().split()
