"""The compiler has nothing to say against the Bicep, and no way to use it leaves a door open."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dedup_app.configuration.index_address import IndexAddress
from infra.tools.compiler import WHERE_TO_GET_IT, BicepError, Compiler, find_compiler
from infra.tools.snapshots import ROLE_ASSIGNMENTS, as_text, is_stale, snapshot_file, take
from infra.tools.ways import inside_parameters, subscription_parameters
from local_host.event_grid.blob_webhook import WEBHOOK_PATH
from local_host.event_grid.event_webhook import EVENT_TRIGGER_PATH
from tests.infra.deployments import (
    FILES,
    INFRA,
    WAYS,
    app_settings,
    declared_parameters,
    everything,
    main_only,
    only,
    site_config,
    way,
)

ACCOUNT = "Microsoft.Storage/storageAccounts"
SERVER = "Microsoft.DBforPostgreSQL/flexibleServers"
SITE = "Microsoft.Web/sites"

with_compiler = pytest.mark.skipif(find_compiler() is None, reason=f"no Bicep compiler here: {WHERE_TO_GET_IT}")


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    """One process for all questions of this module: most of what a question costs is the start."""
    with Compiler() as running:
        yield running


@with_compiler
@pytest.mark.parametrize("template", ["main", "subscriptions"])
def test_the_compiler_builds_every_file_without_a_warning(compiler: Compiler, template: str):
    assert compiler.complaints(INFRA / f"{template}.bicep") == []


@with_compiler
def test_every_file_is_formatted_as_the_compiler_does_it(compiler: Compiler):
    changed = [it.name for it in FILES if compiler.formatted(it) != it.read_text(encoding="utf-8")]
    assert changed == [], "run: bicep format --pattern 'infra/**/*.bicep'"


@with_compiler
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("param nobody string\n", "no-unused-params"),
        ("output server string = 'x.blob.core.windows.net'\n", "no-hardcoded-env-urls"),
    ],
)
def test_a_warning_would_be_noticed(compiler: Compiler, tmp_path: Path, text: str, complaint: str):
    (tmp_path / "careless.bicep").write_text(text)
    [said] = compiler.complaints(tmp_path / "careless.bicep")
    assert complaint in said


@with_compiler
def test_a_file_that_does_not_compile_and_one_that_is_not_there_are_refused(compiler: Compiler, tmp_path: Path):
    (tmp_path / "broken.bicep").write_text("param who string = 1\n")
    assert any("BCP033" in it for it in compiler.complaints(tmp_path / "broken.bicep"))
    with pytest.raises(BicepError, match=r"missing\.bicep"):
        compiler.complaints(tmp_path / "missing.bicep")


@with_compiler
@pytest.mark.parametrize("name", WAYS)
def test_the_snapshots_are_what_the_compiler_predicts(compiler: Compiler, name: str):
    assert as_text(take(name, compiler)) == snapshot_file(name).read_text(encoding="utf-8"), "run make docs"


def test_the_snapshots_are_of_the_bicep_that_is_here():
    assert not is_stale(), "run make docs, with a Bicep compiler"


@pytest.mark.parametrize("name", WAYS)
def test_no_way_to_use_it_names_anything_twice(name: str):
    created = [it.id for it in everything(name)]
    assert sorted(set(created)) == sorted(created)


def test_every_file_is_used_and_none_comes_from_a_registry():
    text = "".join(it.read_text(encoding="utf-8") for it in FILES)
    used = set(re.findall(r"^module \w+ '([^']+)'", text, re.MULTILINE))
    assert used == {it.relative_to(INFRA).as_posix() for it in FILES if it.parent != INFRA}


def test_a_deployment_gives_every_parameter_and_no_other():
    outputs = way("existing account").outputs
    assert set(inside_parameters(outputs)) == set(declared_parameters(INFRA / "modules" / "images-data.bicep"))
    assert set(subscription_parameters(outputs)) == set(declared_parameters(INFRA / "subscriptions.bicep"))


def test_versions_are_released_ones_and_the_same_for_the_same_type():
    versions: dict[str, set[str]] = {}
    for it in everything("virtual network"):
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
    assert only(way(name), SITE).properties["httpsOnly"] is True


@pytest.mark.parametrize("name", WAYS)
def test_nobody_sends_code_to_the_app_with_a_password(name: str):
    ways = {it.name: it.properties["allow"] for it in way(name).of_type(f"{SITE}/basicPublishingCredentialsPolicies")}
    assert ways == {"ftp": False, "scm": False}


def test_people_sign_in_only_where_a_registration_is_named_and_events_need_no_person():
    assert [name for name in WAYS if site_config("authsettingsV2", name)] == ["own numbers"]
    signed_in = site_config("authsettingsV2", "own numbers")
    validation = signed_in["globalValidation"]
    assert signed_in["platform"]["enabled"] is True
    assert validation["requireAuthentication"] is True
    assert validation["unauthenticatedClientAction"] == "RedirectToLoginPage"
    entra = signed_in["identityProviders"]["azureActiveDirectory"]
    client_id = WAYS["own numbers"]["signInClientId"]
    assert entra["registration"]["clientId"] == client_id
    assert "/v2.0" in entra["registration"]["openIdIssuer"]
    assert entra["validation"]["allowedAudiences"] == [client_id, f"api://{client_id}"]
    assert "Secret" not in json.dumps(signed_in)
    # Each of the host's webhooks by name, because a star is understood by some versions of the platform only.
    excluded = {path.removeprefix("/").lower() for path in validation["excludedPaths"]}
    assert {WEBHOOK_PATH, EVENT_TRIGGER_PATH} <= excluded
    assert all(path.startswith(("/runtime/webhooks/", "/admin/")) for path in validation["excludedPaths"])


def test_a_virtual_network_closes_both_accounts_but_for_event_grid():
    for account in way().of_type(ACCOUNT):
        assert account.properties["networkAcls"]["defaultAction"] == "Allow"
    closed = way("virtual network")
    for account in closed.of_type(ACCOUNT):
        assert account.properties["networkAcls"]["defaultAction"] == "Deny"
        assert account.properties["networkAcls"]["bypass"] == "AzureServices"
    site = only(closed, SITE)
    assert site.properties["virtualNetworkSubnetId"].endswith("subnets/app")
    assert only(way(), SITE).properties["virtualNetworkSubnetId"] is None


def test_the_server_of_the_index_takes_identities_only_and_is_closed_by_a_virtual_network():
    for name in WAYS:
        assert len(way(name).of_type(SERVER)) == bool(WAYS[name].get("indexDatabase"))
    for name in ("own numbers", "virtual network"):
        server = only(way(name), SERVER)
        auth = server.properties["authConfig"]
        assert (auth["activeDirectoryAuth"], auth["passwordAuth"]) == ("Enabled", "Disabled")
        is_private = name == "virtual network"
        assert server.properties["network"]["publicNetworkAccess"] == ("Disabled" if is_private else "Enabled")
        rules = way(name).of_type(f"{SERVER}/firewallRules")
        assert [rule.name for rule in rules] == ([] if is_private else ["azure"])
    assert only(way("own numbers"), SERVER).body["sku"] == {"name": "Standard_E8ds_v5", "tier": "MemoryOptimized"}


def test_those_who_sign_in_to_the_index_are_the_app_and_who_deploys_under_the_names_of_their_addresses():
    for name in ("own numbers", "virtual network"):
        server = only(way(name), SERVER).name
        signed_in = {it.properties["principalName"] for it in way(name).of_type(f"{SERVER}/administrators")}
        urls = (app_settings(name)["INDEX_URL"], way(name).outputs["INDEX_URL"])
        addresses = [IndexAddress.parse(url) for url in urls]
        assert [it.user for it in addresses] == ["id-dedup-abc123", "someone@example.com"]
        assert {it.user for it in addresses} == signed_in
        assert {it.host for it in addresses} == {f"{server}.postgres.database.azure.com"}
        # Every server has it, of all administrators; one that is made before them belongs to none, made after, to one.
        assert {it.database for it in addresses} == {"postgres"}
        assert way(name).of_type(f"{SERVER}/databases") == []
        assert [it.password for it in addresses] == ["", ""]


def test_nobody_is_made_an_administrator_of_the_index_before_its_server_lets_calls_in():
    """It refuses this for a while, and knows no other sign of being ready."""
    text = (INFRA / "main.bicep").read_text()
    (sign_ins,) = re.findall(r"^module \w+ 'modules/index-sign-ins.bicep'.*?^}", text, re.MULTILINE | re.DOTALL)
    assert "  dependsOn: [network]\n" in sign_ins  # which has the private endpoint
    assert "indexServer!.outputs" in sign_ins  # which has the rule of the firewall
    made = {file.stem for file in FILES if f"'{SERVER}/administrators@" in file.read_text()}
    assert made == {"index-sign-ins"}
    assert f"'{SERVER}/firewallRules@" in (INFRA / "modules" / "index-database.bicep").read_text()


def test_the_servers_version_of_postgresql_is_one_that_the_api_knows():
    """17 came with 2025-08-01; the compiler does not complain of it in an older one."""
    server = only(way("own numbers"), SERVER)
    assert server.properties["version"] == "17"
    assert server.api_version >= "2025-08-01"


def test_the_private_endpoints_are_those_of_the_services_that_the_settings_name():
    closed = way("virtual network")
    used = {
        (
            "host" if name.startswith("AzureWebJobsStorage") else "images",
            name.partition("__")[2].removesuffix("ServiceUri"),
        )
        for name in app_settings("virtual network")
        if name.endswith("ServiceUri")
    }
    used.add(("index", "postgresqlServer"))
    reached: set[tuple[str, str]] = set()
    for endpoint in closed.of_type("Microsoft.Network/privateEndpoints"):
        (link,) = endpoint.properties["privateLinkServiceConnections"]
        if SERVER in link["properties"]["privateLinkServiceId"]:
            reached.add(("index", *link["properties"]["groupIds"]))
            continue
        kind = "host" if "sthost" in link["properties"]["privateLinkServiceId"] else "images"
        reached |= {(kind, service) for service in link["properties"]["groupIds"]}
    assert reached == used


@pytest.mark.parametrize("name", ["existing account", "existing topic"])
def test_an_existing_account_keeps_its_container_rules_and_properties(name: str):
    touched = [it for it in way(name).resources if "photosofours" in it.id and it.type != ROLE_ASSIGNMENTS]
    kinds = {it.type.removeprefix(ACCOUNT + "/") for it in touched}
    assert kinds == {"blobServices/containers", "queueServices/queues", "tableServices/tables"}
    prefix = "shop-" if name == "existing topic" else ""
    assert [it.name for it in touched if it.type.endswith("/containers")] == [f"{prefix}dedup-index"]


@pytest.mark.parametrize("name", ["existing account", "existing topic"])
def test_azd_down_could_not_delete_the_group_of_an_existing_account(name: str):
    """It deletes each group that its deployment has put something into, whoever made the group."""
    assert {it.group for it in main_only(name).resources} == {"rg-example"}
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
    taggable = [it for it in way("virtual network").resources if "location" in it.body]
    assert len(taggable) > 10
    assert [it.id for it in taggable if it.body["tags"].get("azd-env-name") != "example"] == []


def test_logs_have_no_end_a_day_unless_one_is_named():
    ends = {
        name: only(way(name), "Microsoft.OperationalInsights/workspaces").properties["workspaceCapping"]["dailyQuotaGb"]
        for name in WAYS
    }
    assert ends == {name: WAYS[name].get("logDailyGB", -1) for name in WAYS}
    assert ends["own numbers"] > 0


def test_names_are_ones_that_azure_takes():
    for deployment in map(way, WAYS):
        accounts = deployment.of_type(ACCOUNT)
        assert accounts
        for account in accounts:  # uniqueString gives 13 characters, here it is shorter
            assert re.fullmatch(r"[a-z0-9]{3,24}", account.name.replace("abc123", "a" * 13))
        assert len(only(deployment, SITE).name.replace("abc123", "a" * 13)) <= 60


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
    text = (INFRA / "main.bicep").read_text()
    for name, (_, default) in variables.items():
        if default:  # what azd fills in where nobody has set the variable is what the template would take anyway
            declared = re.search(rf"^param {name} \w+ = '?([^'\n]*)'?$", text, re.MULTILINE)
            assert declared, name
            assert declared[1] == default, name


def test_what_azd_keeps_after_a_deployment_does_not_change_the_next_one():
    """An output with the name of a variable that parameters are read from would be its value the next time."""
    text = (INFRA / "main.parameters.json").read_text()
    read = set(re.findall(r"\$\{([A-Z_]+)", text))
    fed_back = read & set(way().outputs)
    assert fed_back == {"AZURE_LOCATION", "DEDUP_NAMESPACE", "IMAGE_CONTAINER", "EVENT_DELIVERY", "TAG_IMAGES"}
    assert way().outputs["IMAGE_CONTAINER"] == "images"
