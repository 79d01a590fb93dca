"""Subcommands that are loaded when they are asked for: with the modules of all of them, each would start later."""

from collections import UserDict
from importlib import import_module
from typing import Any

import typer
from typer.main import get_command

from dedup_cli.presentation.failures import SentencesForErrors

# In the order in which the help lists them; each is a function of its name, in this module.
MODULES = {
    "scan": "local.scan",
    "duplicates": "results.duplicates",
    "groups": "results.groups",
    "report": "results.report",
    "review": "results.review",
    "rejected": "results.rejected",
    "status": "operations.status",
    "compare": "local.compare",
    "plan": "cleanup.plan",
    "apply": "cleanup.apply",
    "undo": "cleanup.undo",
    "purge": "cleanup.purge",
    "enqueue": "operations.enqueue",
    "ingest": "operations.ingest",
    "reconcile": "operations.reconcile",
    "poison": "operations.poison",
    "reindex": "operations.reindex",
    "rejudge": "operations.rejudge",
    "decoders": "local.decoders",
    "measure": "quality.measure",
    "tune": "quality.tune",
    "owner": "operations.owner",
    "export-decisions": "results.decision_files",
    "import-decisions": "results.decision_files",
}


class LoadedCommands(UserDict[str, Any]):
    """Commands by name, None until one is looked up."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(MODULES))

    def __getitem__(self, name: str) -> Any:
        command = super().__getitem__(name)
        if command is None:
            module = import_module(f"dedup_cli.{MODULES[name]}")
            alone = typer.Typer(add_completion=False)
            alone.command(name)(getattr(module, name.replace("-", "_")))
            command = self.data[name] = get_command(alone)
        return command


class Subcommands(SentencesForErrors):
    """The group of all of them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = LoadedCommands()
