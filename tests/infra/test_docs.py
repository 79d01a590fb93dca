"""docs/deploy.md says what infra/ does: its tables are made from the Bicep, and its names exist."""

import json
import re

import pytest

from infra.tools import tables
from infra.tools.snapshots import ROLE_ASSIGNMENTS, ROLE_DEFINITIONS
from tests.infra.deployments import INFRA, ROOT, WAYS, declared_parameters, site_config, way

PAGE = tables.PAGE.read_text(encoding="utf-8")
TOLD_BY_ROLE = {ROLE_ASSIGNMENTS, ROLE_DEFINITIONS}


def test_the_tables_are_up_to_date():
    assert tables.with_tables(PAGE) == PAGE, "run python -m infra.tools.tables"
    assert len(re.findall("<!-- from infra: ", PAGE)) == 3
    assert tables.main(["--check"]) == 0


def test_a_stale_table_is_noticed_and_mended(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys):
    page = tmp_path / "deploy.md"
    page.write_text(PAGE.replace("| `POLICY` | `balanced` |", "| `POLICY` | `loose` |"), encoding="utf-8")
    monkeypatch.setattr(tables, "PAGE", page)
    assert tables.main(["--check"]) == 1
    assert "python -m infra.tools.tables" in capsys.readouterr().err
    assert tables.main([]) == 0
    assert page.read_text(encoding="utf-8") == PAGE


def test_azd_up_is_in_the_first_screen():
    assert "azd up" in "\n".join(PAGE.splitlines()[:30])
    assert "azd down" in PAGE


def test_every_variable_of_the_page_is_one_that_the_parameters_are_read_from():
    file = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    read = {match[1] for it in file.values() if (match := re.search(r"\$\{([A-Z_]+)", it["value"]))}
    documented = set(re.findall(r"azd env set ([A-Z_]{6,})", PAGE))
    assert documented <= read
    given_by_azd = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID", "AZURE_PRINCIPAL_TYPE"}
    assert {name for name in read - given_by_azd if f"`{name}`" not in PAGE and name not in documented} == set()


def test_a_second_app_looks_for_the_topic_where_the_first_has_made_it():
    first = way("existing account").outputs
    assert (
        first["SYSTEM_TOPIC_RESOURCE_GROUP"] == first["AZURE_RESOURCE_GROUP"] != first["IMAGES_ACCOUNT_RESOURCE_GROUP"]
    )
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^azd env set (IMAGES_\w+) ([\w-]+)", page, re.MULTILINE))
    assert said["IMAGES_SYSTEM_TOPIC_RESOURCE_GROUP"] != said["IMAGES_RESOURCE_GROUP"]


def test_who_has_to_be_assigned_is_consented_for():
    """Where assignment is required, Entra ID lets nobody consent for themselves: no sign-in would get further."""
    required = PAGE.index("--set appRoleAssignmentRequired=true")
    consent = re.search(r"^az ad app permission grant .*--scope openid profile email\b", PAGE[required:], re.MULTILINE)
    assert consent
    assert "azd provision" in PAGE[required + consent.end() :]


def test_every_parameter_is_described_where_it_is_declared():
    text = (INFRA / "main.bicep").read_text(encoding="utf-8")
    for name in declared_parameters(INFRA / "main.bicep"):
        before, _, _ = text.partition(f"\nparam {name} ")
        assert "@description(" in before.rpartition("\n\n")[2], name


def test_the_dedup_command_is_told_where_the_account_is():
    assert "azd env get-values" in PAGE
    told = set(re.findall(r"`(ImageStorage__\w+)`", PAGE.partition("## What it creates")[0]))
    assert told
    assert told <= set(way().outputs)


def test_without_azd_every_variable_of_the_script_is_set():
    section = PAGE.partition("## Without azd")[2]
    needed = re.findall(r'^: "\$\{(\w+):', (INFRA / "scripts" / "post-deploy.sh").read_text(), re.MULTILINE)
    assert set(needed) <= set(re.findall(r"\b([A-Z_]{6,})=", section))


def test_without_azd_events_come_as_they_do_with_it():
    """The script takes none for an app from before there was a choice, whose webhooks can lose events."""
    section = PAGE.partition("## Without azd")[2]
    assert re.findall(r"\bEVENT_DELIVERY=(\w+)", section) == [way().outputs["EVENT_DELIVERY"]]


def test_the_registration_for_sign_in_gives_tokens_that_the_app_takes_from_programs():
    """Entra ID knows no audience that is not registered, and its tokens are of another issuer unless told not to."""
    section = PAGE.partition("### Sign-in in front of the page")[2].partition("\n## ")[0]
    azure_ad = site_config("authsettingsV2", "own numbers")["identityProviders"]["azureActiveDirectory"]
    client_id = azure_ad["registration"]["clientId"]
    (uri,) = re.findall(r'--identifier-uris "(.*?)"', section)
    assert uri.replace("$id", client_id) in azure_ad["validation"]["allowedAudiences"]
    assert "--requested-access-token-version 2" in section
    assert azure_ad["registration"]["openIdIssuer"].startswith("[format('{0}{1}/v2.0'")


def test_sign_in_is_ended_by_a_command_that_knows_its_settings():
    """The Azure CLI by itself knows only those of version 1, and is refused."""
    section = PAGE.partition("### Sign-in in front of the page")[2].partition("\n## ")[0]
    assert "`az webapp auth update" in section
    assert "extension `authV2`" in section


def test_scripts_and_files_that_the_page_names_exist():
    names = re.findall(r"`(infra/[\w./-]+|examples/[\w./-]+|azure\.yaml)`", PAGE)
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_without_azd_each_environment_has_a_deployment_of_its_own():
    """A subscription keeps the region of a deployment's name, and refuses it in another one."""
    name, environment = re.findall(
        r"az deployment sub create --name (\S+) .*\n.*environmentName=(\S+)", PAGE, re.MULTILINE
    )[0]
    assert name == f"dedup-{environment}"


def test_what_stays_when_a_choice_is_taken_back_is_told_by_its_name():
    """Azure deletes nothing that a template does not name any more: a server would cost on without a word."""
    told = PAGE.partition("### Taking a choice back")[2].partition("\n### ")[0]
    always = {it.id for it in way().resources}
    resources = [it for name in WAYS for it in way(name).resources if it.id not in always]
    extra = [it for it in resources if it.type.count("/") == 1 and "photosofours" not in it.id]
    named = {re.sub(r"[^a-z].*", "", it.name.removeprefix("[format('")) for it in extra if it.type not in TOLD_BY_ROLE}
    assert named == {"psql", "dedup", "privatelink", "pe", "vnet", "evgt", "ag"}
    assert [name for name in named if f"`{name}" not in told] == []
    roles = {it.properties["roleName"].partition(" of ")[0] for it in extra if it.type == ROLE_DEFINITIONS}
    assert [role for role in roles if f"`{role} of" not in told] == []
    rules = [it for it in resources if it.type.endswith("/managementPolicies")]
    assert {rule["name"] for it in rules for rule in it.properties["policy"]["rules"]} == {"cool-images"}
    assert "`cool-images`" in told
