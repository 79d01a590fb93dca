"""The command finds its settings in the environment or in local.settings.json, and says what is wrong with them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dedup_cli.connection import read_settings
from dedup_cli.main import app
from dedup_core.errors import InvalidSetting

EMULATOR = "UseDevelopmentStorage=true"


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


def test_without_account_the_command_says_where_to_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    result = run_in(tmp_path, monkeypatch, "status")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: ImageStorage is not set")
    assert "local.settings.json" in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{nonsense", "not valid JSON"),
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
