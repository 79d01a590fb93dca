"""Microsoft's Bicep compiler: where it is, and what it says of a file."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
# Beside the checkout, or beside a folder that it is in.
BESIDE = Path("shared", "tools", "bicep", "bicep")
VERSION = "0.49.2"  # other versions may format and predict differently
WHERE_TO_GET_IT = f"put bicep {VERSION} on PATH (az bicep install --version v{VERSION})"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
_ENVIRONMENT = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "BICEP_TRACING_ENABLED": "false"}


class BicepError(Exception):
    """The compiler refuses a file, or there is no compiler; the text says which and what to do."""


def find_compiler() -> str | None:
    """The program, or None on a machine without it."""
    beside = (folder / BESIDE for folder in ROOT.resolve().parents)
    return shutil.which("bicep") or next((str(it) for it in beside if it.is_file()), None)


def run_compiler(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """All that it says; nothing when there is nothing to complain of. Raises `BicepError` if it fails."""
    compiler = find_compiler()
    if compiler is None:
        raise BicepError(f"There is no Bicep compiler here: {WHERE_TO_GET_IT}")
    done = subprocess.run(  # noqa: S603 - a program of the developer's machine
        [compiler, *arguments],
        cwd=cwd,
        env={**os.environ, **_ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BicepError(done.stdout)
    return done.stdout


def predict(template: Path, parameters: Mapping[str, Any], *, group: str | None = None) -> dict[str, Any]:
    """What a deployment of the template would create: the compiler's own snapshot."""
    with tempfile.TemporaryDirectory(dir=template.parent, prefix=".snapshot-") as folder:
        file = Path(folder, "way.bicepparam")
        lines = [f"using '../{template.name}'", *(f"param {name} = {bicep(it)}" for name, it in parameters.items())]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        where = ["--resource-group", group] if group else ["--deployment-name", "main", "--location", "westeurope"]
        ids = ["--subscription-id", SUBSCRIPTION, "--tenant-id", SUBSCRIPTION]
        run_compiler("snapshot", file, "--mode", "overwrite", *ids, *where)
        predicted: dict[str, Any] = json.loads(Path(folder, "way.snapshot.json").read_text("utf-8"))
    if predicted["diagnostics"]:
        raise BicepError(f"{template.name}: {predicted['diagnostics']}")
    return predicted


def bicep(value: Any) -> str:
    """A value as Bicep writes it."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return "'" + re.sub(r"(['\\]|\$(?=\{))", r"\\\1", value) + "'"
        case list():
            return "[" + ", ".join(map(bicep, value)) + "]"
        case dict():
            return "{ " + ", ".join(f"{name}: {bicep(it)}" for name, it in value.items()) + " }"
        case _:
            raise TypeError(f"{value!r} has no form in Bicep")
