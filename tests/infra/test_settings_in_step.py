"""The Function app has every setting that is read, none that nobody reads, and values that `Settings` takes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dedup_app.configuration.settings import Settings
from tests.infra.deployments import ROOT, WAYS, app_settings, way

# Read by the Functions host, its worker or the telemetry library, and what each says.
READ_BY_OTHERS = {
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__queueServiceUri",
    "ImageStorage__credential",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
}
# Left to whoever wants it: a connection string in place of the identity.
# The keeper is chosen where groups are looked at; who has no wish sets nothing.
# The site's name, and whether people sign in, are set by Azure.
NOT_SET = {
    *("ImageStorage", "DEDUP_NAMESPACE", "KEEPER_STEPS", "PROTECTED_PREFIXES", "RECONCILE_HOURS"),
    *("EVENTS_TOPIC_ENDPOINT", "INDEX_URL", "NOTIFY_QUEUE", "WEBSITE_SITE_NAME", "WEBSITE_AUTH_ENABLED"),
    *("KEEP_REPORTS_DAYS", "KEEP_STATISTICS_DAYS", "KEEP_DELETED_DAYS"),
    "ALERT_PRECISION_PERCENT",
}
# Flex Consumption refuses or ignores these (functions-app-settings, "Flex Consumption plan deprecations").
REFUSED_BY_FLEX = {
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_MAX_HTTP_CONCURRENCY",
    "FUNCTIONS_WORKER_PROCESS_COUNT",
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_TIME_ZONE",
    "WEBSITE_VNET_ROUTE_ALL",
}


class Recorded(Mapping[str, str]):
    """Settings that remember which names were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def as_deployed(name: str = "new account") -> dict[str, str]:
    """The settings with addresses and ids in place of what only Azure knows."""
    places = (
        (re.compile(r"<primaryEndpoints\.(\w+) of \w+>"), r"https://photos.\1.core.windows.net/"),
        (re.compile(r"<endpoint of (\S+)>"), r"https://\1.eventgrid.azure.net/api/events"),
    )
    settings = app_settings(name)
    for known_in_azure, example in places:
        settings = {key: known_in_azure.sub(example, it) for key, it in settings.items()}
    return settings


@pytest.mark.parametrize("name", WAYS)
def test_every_setting_that_is_read_is_set_and_the_other_way_round(name: str):
    environment = Recorded(as_deployed(name))
    Settings.from_environment(environment)
    overrides = {it for it in environment if it.startswith("AzureFunctionsJobHost__")}
    exporter = {"OTEL_TRACES_EXPORTER"} if "AzureFunctionsJobHost__telemetryMode" in overrides else set()
    chosen = set(environment) - READ_BY_OTHERS - overrides - exporter
    assert chosen - NOT_SET == environment.asked - NOT_SET


@pytest.mark.parametrize("name", WAYS)
def test_every_value_is_a_text_that_is_not_empty_and_none_is_refused_by_the_plan(name: str):
    assert {key: it for key, it in app_settings(name).items() if not isinstance(it, str) or not it} == {}
    assert set(app_settings(name)) & REFUSED_BY_FLEX == set()


@pytest.mark.parametrize("name", WAYS)
def test_no_connection_string_is_left_behind_empty_in_the_way_of_the_identity(name: str):
    """An empty one counted as a connection string (Functions host 11787)."""
    keys = {"AzureWebJobsStorage", "ImageStorage", "DEPLOYMENT_STORAGE_CONNECTION_STRING"}
    assert set(app_settings(name)) & keys == set()


def test_what_is_not_chosen_has_the_default_of_the_code():
    settings = Settings.from_environment(as_deployed())
    storage = settings.require_image_storage()
    assert storage.uses_identity
    assert storage.client_id == "<clientId of id-dedup-abc123>"
    expected = replace(Settings(), image_storage=storage, blob_trigger_source="EventGrid", original_links=True)
    assert {name: value for name, value in vars(settings).items() if value != vars(expected)[name]} == {}


def test_with_open_telemetry_the_host_and_the_worker_both_send_and_lines_come_once():
    together = {
        "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
        "AzureFunctionsJobHost__telemetryMode": "OpenTelemetry",
    }
    assert together.items() <= app_settings("own numbers").items()
    assert "AzureFunctionsJobHost__telemetryMode" not in app_settings()
    assert Settings.from_environment(as_deployed("own numbers")).telemetry


def test_a_chosen_setting_wins():
    settings = Settings.from_environment(as_deployed("own numbers"))
    assert settings.policy_preset == "strict"
    assert settings.policy.min_structure == 0.9
    assert Settings.from_environment(as_deployed("existing account")).image_container == "photos"


@pytest.mark.parametrize("name", ["new account", "existing topic"])
def test_the_outputs_are_settings_for_the_dedup_command(name: str):
    deployed = as_deployed(name)
    outputs = {key: it for key, it in way(name).outputs.items() if key.startswith("ImageStorage") or key in deployed}
    addresses = {key: deployed[key] for key in outputs}
    settings = Settings.from_environment(addresses)
    of_the_app = Settings.from_environment(deployed)
    assert (settings.verify_queue, settings.index_container) == (of_the_app.verify_queue, of_the_app.index_container)
    assert settings.namespace == of_the_app.namespace
    assert settings.require_image_storage().uses_identity
    assert settings.image_storage is not None
    assert settings.image_storage.client_id == ""  # whoever is signed in
    assert {"IMAGE_CONTAINER", "INDEX_CONTAINER", "VERIFY_QUEUE", "INGEST_QUEUE"} <= set(outputs)


def test_every_setting_is_documented():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    environment = Recorded(as_deployed())
    Settings.from_environment(environment)
    assert [name for name in sorted(environment.asked) if f"`{name}`" not in page] == []


def test_secrets_are_in_no_file():
    for file in (ROOT / "infra").rglob("*.*"):
        if Path(file).suffix in {".bicep", ".json", ".sh", ".ps1"}:
            text = file.read_text(encoding="utf-8")
            assert "AccountKey=" not in text
            assert "InstrumentationKey=" not in text
