"""The scripts after a deployment: they wait for the app, subscribe it, may run again, and say what is missing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.tools.ways import DEPLOYER
from tests.infra.deployments import INFRA, ROOT, declared_parameters, subscriptions, triggers, way

SHELL = INFRA / "scripts" / "post-deploy.sh"
POWERSHELL = INFRA / "scripts" / "post-deploy.ps1"
IMAGES_DATA = INFRA / "scripts" / "images-data.sh"
BY_WEBHOOK = {"EVENT_DELIVERY": "trigger"}
FILES = sorted((INFRA / "scripts").iterdir())
SCRIPTS = [it for it in FILES if it.stem != "az"]  # which the others read in
# Stands in for the Azure CLI: it notes its arguments, and answers what the test has laid down for the command.
AZ = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
    *"function list"*) calls=$(grep -c "function list" "$CALLS"); [ "$calls" -gt "$NOT_YET" ] && cat "$FUNCTIONS" ;;
    *"keys list"*) echo "$HAS_KEY" ;;
    *"system-topic show"*) echo "$IDENTITY" ;;
    *"event-subscription show"*) case "$THERE" in *"$6"*) ;; *) exit 3 ;; esac ;;
    *"functionapp show"*) echo "/subscriptions/0/sites/func-dedup" ;;
    "rest "*) echo "- $HOST_ERROR" ;;
    *"deployment group create"*) calls=$(grep -c "deployment group" "$CALLS"); [ "$calls" -gt "$REFUSED" ] ;;
esac
"""


class Azure:
    """A folder with a stand-in for `az`, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.calls_file = folder / "calls"
        (folder / "functions").write_text("".join(f"func-dedup/{name}\n" for name in triggers()))
        (folder / "az").write_text(AZ)
        (folder / "az").chmod(0o755)
        outputs = {name: str(value) for name, value in way().outputs.items()}
        self.environment = {
            **outputs,
            "PATH": f"{folder}{os.pathsep}{os.defpath}",
            "CALLS": str(self.calls_file),
            "PAUSE_SECONDS": "0",
            "FUNCTIONS": str(folder / "functions"),
            "HAS_KEY": "true",
            "IDENTITY": "SystemAssigned",
            "THERE": "",
            "HOST_ERROR": "POLICY is 'lax'; set it to one of strict, balanced, loose",
            "NOT_YET": "0",
            "REFUSED": "0",
        }

    def run(self, script: Path = SHELL, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [script], env={**self.environment, **environment}, cwd=ROOT, capture_output=True, text=True, check=False
        )

    def calls(self, words: str) -> list[str]:
        return [it for it in self.calls_file.read_text().splitlines() if words in it]


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    return Azure(tmp_path)


def test_the_app_is_subscribed_with_what_the_template_takes(azure: Azure):
    assert azure.run().returncode == 0
    (deployment,) = azure.calls("deployment group create")
    given = dict(re.findall(r"(\w+)=(\S*)", deployment))
    assert set(given) == set(declared_parameters(INFRA / "subscriptions.bicep"))
    assert given["functionAppName"] == way().outputs["FUNCTION_APP_NAME"]
    (template,) = re.findall(r"--template-file (\S+)", deployment)
    assert (ROOT / template).resolve() == INFRA / "subscriptions.bicep"
    assert f"--resource-group {way().outputs['SYSTEM_TOPIC_RESOURCE_GROUP']} " in deployment


def test_running_it_again_does_the_same(azure: Azure):
    assert [azure.run().returncode for _ in range(2)] == [0, 0]
    first, second = azure.calls("deployment group create")
    assert first == second


def test_it_waits_for_the_functions_and_tries_again_when_the_handshake_fails(azure: Azure):
    assert azure.run(NOT_YET="3", REFUSED="2").returncode == 0
    assert len(azure.calls("function list")) == 6
    assert len(azure.calls("deployment group create")) == 3


@pytest.mark.parametrize("trouble", [BY_WEBHOOK | {"HAS_KEY": "false"}, {"REFUSED": "99"}, {"NOT_YET": "99"}])
def test_it_gives_up_with_what_to_do(azure: Azure, trouble: dict[str, str]):
    failed = azure.run(**trouble)
    assert failed.returncode == 1
    assert "azd hooks run postdeploy" in failed.stderr
    assert "POLICY is 'lax'" in failed.stderr  # what the portal shows as an app without functions
    (asked,) = azure.calls("hostruntime/admin/host/status")
    assert "https://management.azure.com/subscriptions/0/sites/func-dedup/hostruntime" in asked


def test_a_function_that_is_missing_is_waited_for(azure: Azure, tmp_path: Path):
    (tmp_path / "functions").write_text("func-dedup/extract_features\n")
    assert azure.run(**BY_WEBHOOK).returncode == 1
    assert azure.calls("deployment group create") == []


def test_an_existing_topic_without_an_identity_gets_one_and_no_other_is_touched(azure: Azure):
    for identity in ("", "None"):
        assert azure.run(IDENTITY=identity).returncode == 0
    assert len(azure.calls("system-topic update")) == 2
    for identity in ("SystemAssigned", "SystemAssigned, UserAssigned"):
        assert azure.run(IDENTITY=identity).returncode == 0
    assert len(azure.calls("system-topic update")) == 2
    refused = azure.run(IDENTITY="UserAssigned")
    assert refused.returncode == 1
    assert "system-assigned one too" in refused.stderr
    assert len(azure.calls("system-topic update")) == 2


def test_by_queue_only_its_function_is_waited_for_and_no_key(azure: Azure, tmp_path: Path):
    (tmp_path / "functions").write_text("func-dedup/take_blob_events\n")
    assert azure.run(EVENT_DELIVERY="queue", HAS_KEY="false").returncode == 0
    assert azure.calls("keys list") == []
    (deployment,) = azure.calls("deployment group create")
    assert "eventDelivery=queue" in deployment


def test_the_second_app_on_an_account_touches_only_its_own_subscriptions(azure: Azure):
    theirs = "dedup-images-created dedup-images-deleted"
    assert azure.run(EVENT_DELIVERY="queue", DEDUP_NAMESPACE="shop", THERE=theirs).returncode == 0
    assert azure.calls("event-subscription delete") == []
    (deployment,) = azure.calls("deployment group create")
    assert "namespace=shop " in deployment


def test_apps_that_share_groups_deploy_there_under_names_of_their_own(azure: Azure):
    """A group takes one deployment of a name at a time, and the modules of one are deployments, too."""
    existing = {name: str(value) for name, value in way("existing topic").outputs.items()}
    for app in ("func-dedup-one", "func-dedup-two"):
        for script in (SHELL, IMAGES_DATA):
            assert azure.run(script, **existing | {"FUNCTION_APP_NAME": app}).returncode == 0
    names = [it.partition("--name ")[2].split()[0] for it in azure.calls("deployment group create")]
    assert sorted(set(names)) == sorted(names)
    text = (INFRA / "subscriptions.bicep").read_text()
    modules = re.findall(r"^module \w+ .*\n  name: '(.*)'$", text, re.MULTILINE)
    assert len(modules) == text.count("\nmodule ") > 0
    assert [it for it in modules if not it.startswith("${functionAppName}-")] == []
    longest = max(map(len, [*modules, "${functionAppName}-subscriptions", "${functionAppName}-images-data"]))
    assert longest - len("${functionAppName}") + len("func-dedup-") + 13 <= 64


@pytest.mark.parametrize(
    ("delivery", "left"),
    [("queue", ["dedup-images-created", "dedup-images-deleted"]), ("trigger", ["dedup-images-queued"])],
)
def test_the_other_way_ends_after_the_new_one_has_begun(azure: Azure, delivery: str, left: list[str]):
    assert azure.run(EVENT_DELIVERY=delivery, THERE=" ".join(left)).returncode == 0
    removed = azure.calls("event-subscription delete")
    assert [it.partition("--name ")[2].split()[0] for it in removed] == left
    order = azure.calls("")
    assert order.index(azure.calls("deployment group create")[0]) < order.index(removed[0])
    by_queue, by_trigger = (
        {it.name for it in subscriptions(name).resources} for name in ("new account", "existing account")
    )
    made, before = (by_queue, by_trigger) if delivery == "queue" else (by_trigger, by_queue)
    assert made.isdisjoint(left)
    assert before.issuperset(left)


def test_another_way_of_delivery_is_refused(azure: Azure):
    refused = azure.run(EVENT_DELIVERY="mail")
    assert refused.returncode == 1
    assert "trigger or queue" in refused.stderr


@pytest.mark.parametrize("name", ["FUNCTION_APP_NAME", "SYSTEM_TOPIC_NAME", "IMAGE_CONTAINER"])
def test_without_a_deployment_it_says_so(azure: Azure, name: str):
    failed = azure.run(**{name: ""})
    assert failed.returncode != 0
    assert f"{name}: run azd provision first" in failed.stderr
    assert not azure.calls_file.exists()


def test_the_key_is_in_no_command_and_in_no_output(azure: Azure):
    done = azure.run(**BY_WEBHOOK)
    assert not any("code=" in it for it in azure.calls(""))
    assert [it for it in azure.calls("keys list") if "!= null" not in it] == []
    assert azure.calls("keys list")
    assert "code=" not in done.stdout + done.stderr


def test_every_command_names_the_subscription_of_azd_and_none_chooses_it_for_good(azure: Azure):
    outputs = {name: str(value) for name, value in way("existing account").outputs.items()}
    azure.run(AZURE_SUBSCRIPTION_ID="1234", HAS_KEY="false", **BY_WEBHOOK)
    azure.run(IMAGES_DATA, **outputs, AZURE_SUBSCRIPTION_ID="1234")
    assert {it.partition("--")[0].strip() for it in azure.calls("")} > {"rest", "deployment group create"}
    assert [it for it in azure.calls("") if not it.endswith(" --subscription 1234")] == []
    assert [it.name for it in FILES if re.search(r"^\s*az account set", it.read_text(), re.MULTILINE)] == []


def test_both_scripts_read_the_outputs_and_wait_for_the_functions_that_events_go_to():
    event_driven = {name for name, it in triggers().items() if it["type"] in {"blobTrigger", "eventGridTrigger"}}
    event_driven |= {name for name, it in triggers().items() if it.get("queueName") == way().outputs["EVENTS_QUEUE"]}
    for script, variable in ((SHELL, r"\$\{?([A-Z_]{6,})"), (POWERSHELL, r"\$env:([A-Z_]{6,})")):
        text = script.read_text()
        read = set(re.findall(variable, text)) - {"AZURE_SUBSCRIPTION_ID", "PAUSE_SECONDS", "TEMPLATE"}
        assert read <= set(way().outputs)
        assert {"FUNCTION_APP_NAME", "SYSTEM_TOPIC_NAME", "DEAD_LETTER_ACCOUNT_NAME"} <= read
        assert {name for name in triggers() if name in text} == event_driven
        given = set(re.findall(r"\b(\w+)=[\"$]", text)) & set(declared_parameters(INFRA / "subscriptions.bicep"))
        assert given == set(declared_parameters(INFRA / "subscriptions.bicep"))


@pytest.mark.parametrize("script", [IMAGES_DATA, SHELL], ids=lambda it: it.name)
def test_without_the_azure_cli_it_says_what_to_do(azure: Azure, tmp_path: Path, script: Path):
    (tmp_path / "az").unlink()
    outputs = {name: str(value) for name, value in way("existing account").outputs.items()}
    failed = azure.run(script, **outputs)
    assert failed.returncode == 1
    assert "The Azure CLI (az) is needed" in failed.stderr
    assert "azd hooks run post" in failed.stderr


def test_how_az_is_called_stands_once_in_each_language():
    for suffix in (".sh", ".ps1"):
        told = [it.name for it in FILES if it.suffix == suffix and "AZURE_SUBSCRIPTION_ID" in it.read_text()]
        assert told == [f"az{suffix}"]


@pytest.mark.parametrize("script", [it for it in SCRIPTS if it.suffix == ".ps1"], ids=lambda it: it.name)
def test_a_powershell_script_is_balanced_and_looks_at_every_exit_code(script: Path):
    text = re.sub(r"#.*|'[^']*'|\"[^\"]*\"", "", script.read_text())
    for opening, closing in ("()", "{}", "[]"):
        assert text.count(opening) == text.count(closing)
    calls = re.findall(r"^\s*(?:\$\w+ = )?az (?:`\n|.)*", text, re.MULTILINE)
    assert len(calls) == text.count("$LASTEXITCODE") > 0
    assert [it for it in calls if " @subscription" not in it] == []


@pytest.mark.parametrize("script", [it for it in SCRIPTS if it.suffix == ".sh"], ids=lambda it: it.name)
def test_shellcheck_has_nothing_to_say(script: Path):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = ["shellcheck", "--external-sources", "--check-sourced", script]  # with what it reads in
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert checked.stdout + checked.stderr == ""
    assert checked.returncode == 0


def test_a_new_account_needs_no_second_deployment(azure: Azure):
    assert azure.run(IMAGES_DATA).returncode == 0
    assert not azure.calls_file.exists()


def test_an_existing_account_gets_what_it_lacks_by_a_deployment_of_its_own(azure: Azure):
    outputs = {name: str(value) for name, value in way("existing account").outputs.items()}
    done = azure.run(IMAGES_DATA, **outputs)
    assert done.returncode == 0, done.stderr
    (deployment,) = azure.calls("deployment group create")
    given = dict(re.findall(r"(\w+)=(\S*)", deployment))
    assert set(given) == set(declared_parameters(INFRA / "modules" / "images-data.bicep"))
    assert "--resource-group rg-photos " in deployment
    assert given["accountName"] == "photosofours"
    assert (given["personPrincipalId"], given["personPrincipalType"]) == (DEPLOYER, "User")
    (template,) = re.findall(r"--template-file (\S+)", deployment)
    assert (ROOT / template).resolve() == INFRA / "modules" / "images-data.bicep"


def test_an_existing_account_is_prepared_with_nothing_but_what_azd_keeps():
    """azd fills AZURE_PRINCIPAL_ID into parameters and nowhere else: no script is told it."""
    shell, powershell = (IMAGES_DATA.with_suffix(suffix).read_text() for suffix in (".sh", ".ps1"))
    read = set(re.findall(r"\$\{?([A-Z_]{6,})", shell)) | set(re.findall(r"\$env:([A-Z_]{6,})", powershell))
    assert read - {"AZURE_SUBSCRIPTION_ID"} <= set(way("existing account").outputs)


def test_a_refused_deployment_stops_azd(azure: Azure):
    outputs = {name: str(value) for name, value in way("existing account").outputs.items()}
    assert azure.run(IMAGES_DATA, **outputs, REFUSED="9").returncode != 0


def test_both_languages_read_the_same_and_give_the_same():
    for name in ("post-deploy", "images-data"):
        shell, powershell = ((INFRA / "scripts" / (name + suffix)).read_text() for suffix in (".sh", ".ps1"))
        read = set(re.findall(r"\$\{?([A-Z_]{6,})", shell)) - {"PAUSE_SECONDS", "TEMPLATE"}
        assert read == set(re.findall(r"\$env:([A-Z_]{6,})", powershell)) | set(
            re.findall(r"'([A-Z_]{6,})'", powershell)
        )


def test_azd_runs_all_scripts_and_deploys_to_the_app_that_is_tagged():
    text = (ROOT / "azure.yaml").read_text()
    hooks = dict(re.findall(r"^  (post\w+):\n(.*?)(?=^  \w|\Z)", text, re.MULTILINE | re.DOTALL))
    assert {it.name for it in SCRIPTS if it.stem == "images-data"} == set(
        re.findall(r"scripts/(\S+)", hooks["postprovision"])
    )
    assert {it.name for it in SCRIPTS if it.stem == "post-deploy"} == set(
        re.findall(r"scripts/(\S+)", hooks["postdeploy"])
    )
    assert all(os.access(it, os.X_OK) for it in SCRIPTS if it.suffix == ".sh")
    (site,) = way().of_type("Microsoft.Web/sites")
    assert f"\n  {site.body['tags']['azd-service-name']}:\n    project: .\n" in text


def test_the_workbook_and_parameters_are_json():
    for file in INFRA.glob("*.json"):
        json.loads(file.read_text())
