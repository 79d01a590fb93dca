"""The command finds its settings in the environment or in local.settings.json, and says what is wrong with them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient
from typer.testing import CliRunner, Result

from dedup_app.ports.queues import BLOB_TRIGGER_QUEUE
from dedup_cli.connection import read_settings
from dedup_cli.local_app import STATUS_FILE
from dedup_cli.main import app
from dedup_core.errors import InvalidSetting
from dedup_storage.connect import connect
from dedup_storage.messaging.queues import send_text
from tests.local_host.conftest import wait_until

ROOT = Path(__file__).parent.parent.parent
EMULATOR = "UseDevelopmentStorage=true"
STORAGE_OF_HOST = "AzureWebJobsStorage"
ELSEWHERE = "AccountName=devstoreaccount1;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:41001/devstoreaccount1"


def write_settings(folder: Path, content: object) -> None:
    (folder / "local.settings.json").write_text(content if isinstance(content, str) else json.dumps(content))


def run_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("ImageStorage", raising=False)
    return CliRunner().invoke(app, arguments)


def test_values_of_the_file_are_used(tmp_path: Path):
    write_settings(tmp_path, {"Values": {"ImageStorage": EMULATOR, "IMAGE_CONTAINER": "pictures"}})
    assert read_settings(tmp_path, {}).image_container == "pictures"


def test_the_environment_wins_over_the_file(tmp_path: Path):
    write_settings(tmp_path, {"Values": {"ImageStorage": EMULATOR, "IMAGE_CONTAINER": "pictures"}})
    assert read_settings(tmp_path, {"IMAGE_CONTAINER": "photos"}).image_container == "photos"


def test_an_account_of_the_environment_wins_however_the_file_names_another_one(tmp_path: Path):
    uris = {f"ImageStorage__{it}ServiceUri": f"https://real.{it}.core.windows.net" for it in ("blob", "queue", "table")}
    write_settings(tmp_path, {"Values": {"ImageStorage": EMULATOR, "IMAGE_CONTAINER": "pictures"}})
    settings = read_settings(tmp_path, uris)
    assert (settings.account, settings.image_container) == ("real", "pictures")
    write_settings(tmp_path, {"Values": uris})
    assert connection_of(tmp_path, ImageStorage=ELSEWHERE) == ELSEWHERE


def test_without_account_the_command_says_where_to_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    result = run_in(tmp_path, monkeypatch, "status")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: ImageStorage is not set")
    assert "local.settings.json" in result.stderr


def test_the_account_that_other_tools_go_by_is_named_and_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", ELSEWHERE)
    result = run_in(tmp_path, monkeypatch, "status")
    assert result.exit_code == 3
    assert "AZURE_STORAGE_CONNECTION_STRING names the account devstoreaccount1" in result.stderr
    assert 'export ImageStorage="$AZURE_STORAGE_CONNECTION_STRING"' in result.stderr
    assert "a2V5" not in result.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{nonsense", "not valid JSON"),
        ("[" * 20_000, "not valid JSON"),
        ({"Values": {"IMAGE_CONTAINER": 7}}, "IMAGE_CONTAINER"),
        ({"IsEncrypted": True, "Values": {}}, "not encrypted"),
        ([], "IsEncrypted"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_is_wrong(tmp_path: Path, content: object, said: str):
    write_settings(tmp_path, content)
    with pytest.raises(InvalidSetting, match=said) as raised:
        read_settings(tmp_path, {})
    assert "local.settings.json" in str(raised.value)


def test_a_wrong_setting_ends_with_its_name_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_settings(tmp_path, {"Values": {"ImageStorage": EMULATOR, "IMAGE_CONTAINER": "Not A Container"}})
    result = run_in(tmp_path, monkeypatch, "status")
    assert result.exit_code == 3
    assert "IMAGE_CONTAINER" in result.stderr
    assert "Traceback" not in result.output


def test_compare_needs_no_settings_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    result = run_in(tmp_path, monkeypatch, "compare", "a.jpg", "b.jpg")
    assert result.exit_code == 2
    assert "cannot read a.jpg: No such file or directory" in result.stderr


def write_status(folder: Path, pid: int, azurite: str | None) -> None:
    (folder / ".local_host").mkdir()
    (folder / ".local_host" / "status.json").write_text(json.dumps({"pid": pid, "azurite": azurite}))


def connection_of(folder: Path, **environment: str) -> str:
    return read_settings(folder, environment).require_image_storage().connection_string


@pytest.mark.parametrize("spelling", [EMULATOR, " usedevelopmentstorage=TRUE; "])
def test_the_emulator_means_the_one_that_the_app_of_this_folder_has_started(tmp_path: Path, spelling: str):
    write_settings(tmp_path, {"Values": {"ImageStorage": spelling}})
    write_status(tmp_path, os.getpid(), ELSEWHERE)
    assert connection_of(tmp_path) == ELSEWHERE


def test_an_account_that_is_named_is_never_replaced(tmp_path: Path):
    write_status(tmp_path, os.getpid(), ELSEWHERE)
    assert (
        connection_of(tmp_path, ImageStorage="AccountName=real;AccountKey=a2V5") == "AccountName=real;AccountKey=a2V5"
    )


@pytest.mark.parametrize("status", ["{broken", "[]", '{"pid": "1", "azurite": "x"}', '{"pid": 0, "azurite": "x"}'])
def test_a_status_file_that_says_nothing_leaves_the_usual_ports(tmp_path: Path, status: str):
    write_status(tmp_path, 1, None)
    (tmp_path / ".local_host" / "status.json").write_text(status)
    assert connection_of(tmp_path, ImageStorage=EMULATOR) == EMULATOR


def test_the_status_of_a_host_that_was_killed_leaves_the_usual_ports(tmp_path: Path):
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    write_status(tmp_path, ended.pid, ELSEWHERE)
    assert connection_of(tmp_path, ImageStorage=EMULATOR) == EMULATOR


def test_the_status_of_an_app_on_a_real_account_leaves_the_usual_ports(tmp_path: Path):
    write_status(tmp_path, os.getpid(), None)
    assert connection_of(tmp_path, ImageStorage=EMULATOR) == EMULATOR


def test_the_command_finds_storage_and_waiting_uploads_of_an_app_that_was_started_as_make_start_does(tmp_path: Path):
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.route(route='hello')\n"
        "def hello(req: func.HttpRequest) -> str:\n"
        "    return 'hello'\n"
    )
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    write_settings(tmp_path, {"Values": {"AzureWebJobsStorage": EMULATOR, "ImageStorage": EMULATOR}})
    command = [sys.executable, "-m", "local_host", "start", "--app", str(tmp_path), "--in-memory", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if name not in {"ImageStorage", STORAGE_OF_HOST}}
    with subprocess.Popen([*command, "--stop-with-stdin"], cwd=ROOT, env=environment, stdin=subprocess.PIPE) as host:
        wait_until((tmp_path / STATUS_FILE).exists)
        settings = read_settings(tmp_path, {})
        services = connect(settings)
        assert services.features.tally().statuses == {}
        assert services.queues.lengths()[BLOB_TRIGGER_QUEUE].waiting == 0
        named = json.loads((tmp_path / STATUS_FILE).read_text())
        assert named["uploads_queue"] == f"azure-webjobs-blobtrigger-{named['host_id']}"
        with QueueClient.from_connection_string(connection_of(tmp_path), named["uploads_queue"]) as uploads:
            send_text(uploads, "a blob")
        assert services.queues.lengths()[BLOB_TRIGGER_QUEUE].waiting == services.queues.waiting() == 1
        host.communicate(timeout=60)
    assert connection_of(tmp_path) == EMULATOR
