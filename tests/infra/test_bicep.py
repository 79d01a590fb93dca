"""The Bicep has no errors that can be found without Azure, and no way to use it leaves a door open."""

import json
import re
from pathlib import Path

import pytest
from pycep import BicepParser

from infra.tools.bicep import BicepError, declared_parameters, deploy, syntax_errors, unused_names
from tests.infra.deployments import EXAMPLE, FILES, INFRA, WAYS, main_only, only, subscriptions, way

ACCOUNT = "Microsoft.Storage/storageAccounts"


@pytest.mark.parametrize("file", FILES, ids=lambda it: it.name)
def test_two_parsers_find_nothing_wrong(file: Path):
    assert syntax_errors(file) == []
    assert BicepParser().parse(text=file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FILES, ids=lambda it: it.name)
def test_nothing_is_declared_for_nobody(file: Path):
    assert unused_names(file) == set()


@pytest.mark.parametrize("name", WAYS)
def test_every_way_to_use_it_can_be_evaluated_and_names_nothing_twice(name: str):
    for deployment in (way(name), subscriptions(name)):
        created = [it.id for it in deployment.resources if not it.existing]
        assert sorted(set(created)) == sorted(created)


def test_every_file_is_used_and_none_comes_from_a_registry():
    used = {it.file for it in way("virtual network").resources} | {it.file for it in subscriptions().resources}
    assert used == {it.name for it in FILES}
    assert not any("'br/" in it.read_text() or "'br:" in it.read_text() or "'ts" in it.read_text() for it in FILES)


def test_versions_are_released_ones_and_the_same_for_the_same_type():
    versions: dict[str, set[str]] = {}
    for it in [*way("virtual network").resources, *subscriptions().resources]:
        versions.setdefault(it.type, set()).add(it.api_version)
    assert {kind: found for kind, found in versions.items() if len(found) > 1} == {}
    assert [it for found in versions.values() for it in found if not re.fullmatch(r"\d{4}-\d\d-\d\d", it)] == []


@pytest.mark.parametrize("name", WAYS)
def test_no_account_takes_keys_anonymous_readers_or_old_tls(name: str):
    accounts = way(name).of_type(ACCOUNT)
    assert len(accounts) == (1 if name.startswith("existing") else 2)
    for account in accounts:
        assert account.properties["allowSharedKeyAccess"] is False
        assert account.properties["allowBlobPublicAccess"] is False
        assert account.properties["minimumTlsVersion"] == "TLS1_2"
        assert account.properties["supportsHttpsTrafficOnly"] is True
    assert only(way(name), "Microsoft.Insights/components").properties["DisableLocalAuth"] is True
    assert only(way(name), "Microsoft.Web/sites").properties["httpsOnly"] is True


def test_a_virtual_network_closes_both_accounts_but_for_event_grid():
    for account in way().of_type(ACCOUNT):
        assert account.properties["networkAcls"]["defaultAction"] == "Allow"
    closed = way("virtual network")
    for account in closed.of_type(ACCOUNT):
        assert account.properties["networkAcls"]["defaultAction"] == "Deny"
        assert account.properties["networkAcls"]["bypass"] == "AzureServices"
    site = only(closed, "Microsoft.Web/sites")
    assert site.properties["virtualNetworkSubnetId"].endswith("subnets/app")
    assert only(way(), "Microsoft.Web/sites").properties["virtualNetworkSubnetId"] is None


def test_the_private_endpoints_are_those_of_the_services_that_the_settings_name():
    closed = way("virtual network")
    (settings,) = closed.of_type("Microsoft.Web/sites/config")
    used = {
        (
            "host" if name.startswith("AzureWebJobsStorage") else "images",
            name.partition("__")[2].removesuffix("ServiceUri"),
        )
        for name in settings.properties
        if name.endswith("ServiceUri")
    }
    reached = set()
    for endpoint in closed.of_type("Microsoft.Network/privateEndpoints"):
        (link,) = endpoint.properties["privateLinkServiceConnections"]
        kind = "host" if "sthost" in link["properties"]["privateLinkServiceId"] else "images"
        reached |= {(kind, service) for service in link["properties"]["groupIds"]}
    assert reached == used


@pytest.mark.parametrize("name", ["existing account", "existing topic"])
def test_an_existing_account_keeps_its_container_rules_and_properties(name: str):
    touched = [it for it in way(name).resources if "photosofours" in it.id and not it.existing and "role" not in it.id]
    kinds = {it.type.removeprefix(ACCOUNT + "/") for it in touched}
    assert kinds == {"blobServices/containers", "queueServices/queues", "tableServices/tables"}
    assert [it.name for it in touched if it.type.endswith("/containers")] == ["dedup-index"]


@pytest.mark.parametrize("name", ["existing account", "existing topic"])
def test_azd_down_could_not_delete_the_group_of_an_existing_account(name: str):
    """It deletes each group that its deployment has put something into, whoever made the group."""
    assert [it.id for it in main_only(name).resources if "photosofours" in it.id and not it.existing] == []
    text = (INFRA / "main.bicep").read_text()
    modules = re.findall(r"^module .*?^}", text, re.MULTILINE | re.DOTALL)
    assert len(modules) == text.count("\nmodule ") > 0
    assert {scope for module in modules for scope in re.findall(r"^  scope: (.*)$", module, re.MULTILINE)} == {"group"}
    assert all("  scope: group\n" in module for module in modules)


def test_an_existing_topic_is_used_and_not_made():
    assert way("existing topic").of_type("Microsoft.EventGrid/systemTopics") == []
    outputs = way("existing topic").outputs
    assert (outputs["SYSTEM_TOPIC_NAME"], outputs["SYSTEM_TOPIC_RESOURCE_GROUP"]) == ("photos-topic", "rg-events")
    assert way("existing account").outputs["SYSTEM_TOPIC_RESOURCE_GROUP"] == "rg-example"


def test_everything_that_takes_tags_has_those_of_the_environment():
    taggable = [it for it in way("virtual network").resources if "location" in it.body and not it.existing]
    assert len(taggable) > 10
    assert [it.id for it in taggable if it.body["tags"].get("azd-env-name") != "example"] == []


def test_names_are_ones_that_azure_takes():
    for deployment in map(way, WAYS):
        for account in deployment.of_type(ACCOUNT):  # uniqueString gives 13 characters, here it is shorter
            assert re.fullmatch(r"[a-z0-9]{3,24}", account.name.replace("abc123", "a" * 13))
        assert len(only(deployment, "Microsoft.Web/sites").name.replace("abc123", "a" * 13)) <= 60


def test_the_parameters_file_gives_declared_parameters_from_the_environment():
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    assert set(given) <= set(declared_parameters(INFRA / "main.bicep"))
    assert {"environmentName", "location"} <= set(given)
    variables = {}
    for name, entry in given.items():
        match = re.fullmatch(r"\$\{([A-Z_]+)(?:=(.*))?\}", entry["value"])
        assert match, name
        variables[name] = match[1], match[2]
    assert len({variable for variable, _ in variables.values()}) == len(variables)
    defaults = {name: default for name, (_, default) in variables.items() if default}
    kinds = declared_parameters(INFRA / "main.bicep")
    read = {"int": int, "bool": lambda text: {"true": True, "false": False}[text], "string": str}
    evaluated = deploy(
        INFRA / "main.bicep", {**EXAMPLE, **{it: read[kinds[it]](text) for it, text in defaults.items()}}
    )
    assert [it.id for it in evaluated.resources] == [it.id for it in way().resources]


def test_what_azd_keeps_after_a_deployment_does_not_change_the_next_one():
    """An output with the name of a variable that parameters are read from would be its value the next time."""
    text = (INFRA / "main.parameters.json").read_text()
    read = set(re.findall(r"\$\{([A-Z_]+)", text))
    fed_back = read & set(way().outputs)
    assert fed_back == {"AZURE_LOCATION", "IMAGE_CONTAINER"}
    assert way().outputs["IMAGE_CONTAINER"] == "images"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("var a = b", "b is not declared"),
        ("param a int", "needs the parameter a"),
        ("param a int = 'one'", "which is no int"),
        ("var a = 1\nvar a = 2", "declared twice"),
        ("var a = nonsense(1)", "nonsense is not known"),
        ("module m 'inner.bicep' = {\n  name: 'm'\n}", "needs the parameter wanted"),
        ("module m 'inner.bicep' = {\n  name: 'm'\n  params: { wanted: 'x', more: 1 }\n}", "no parameter more"),
        (
            "module m 'inner.bicep' = {\n  name: 'm'\n  params: { wanted: 'x' }\n}\noutput o string = m.outputs.b",
            "no b",
        ),
        ("resource r 'A/b@2020-01-01' = {\n  name: 'r'", "bad.bicep:"),
    ],
)
def test_what_a_compiler_would_refuse_is_refused_here(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "inner.bicep").write_text("param wanted string\noutput a string = wanted\n")
    (tmp_path / "bad.bicep").write_text(text + "\n")
    with pytest.raises(BicepError, match=complaint):
        deploy(tmp_path / "bad.bicep", {})
