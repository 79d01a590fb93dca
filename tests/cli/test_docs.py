"""Every command and option has help, an example, and a place in docs/command.md."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from dedup_cli.main import app
from dedup_cli.presentation.failures import ExitCode

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
COMMANDS = get_command(app).commands


def section(name: str) -> str:
    _, _, rest = PAGE.partition(f"\n## dedup {name}\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_has_help_with_an_example(name: str):
    assert f"Example: dedup {name} " in COMMANDS[name].help
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_and_option_has_help(name: str):
    silent = [parameter.name for parameter in COMMANDS[name].params if not getattr(parameter, "help", "")]
    assert silent == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_and_all_its_options_are_documented_with_an_example(name: str):
    text = section(name)
    assert f"```console\n$ dedup {name}" in text
    options = [option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("--")]
    assert [option for option in options if f"`{option}" not in text and option != "--help"] == []


def test_the_tables_of_options_are_those_of_the_commands():
    """`make check` asks the same."""
    done = subprocess.run([sys.executable, "docs/write_references.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_every_documented_command_exists():
    documented = [line.removeprefix("## dedup ") for line in PAGE.splitlines() if line.startswith("## dedup ")]
    assert sorted(documented) == sorted(COMMANDS)


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented(code: ExitCode):
    assert f"| {code.value} |" in PAGE
