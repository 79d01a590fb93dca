"""Microsoft's Bicep compiler: where it is, and what it says of a file."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent.parent
# Beside the checkout, or beside a folder that it is in.
BESIDE = Path("shared", "tools", "bicep", "bicep")
VERSION = "0.49.2"  # other versions may format and predict differently
WHERE_TO_GET_IT = f"put bicep {VERSION} on PATH (az bicep install --version v{VERSION})"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
_ENVIRONMENT = {
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
    "BICEP_TRACING_ENABLED": "false",
    "DOTNET_TieredPGO": "0",  # it would watch what it does more than it does it, so short it lives
}


class BicepError(Exception):
    """The compiler refuses a file, or there is no compiler; the text says which and what to do."""


def find_compiler() -> str | None:
    """The program, or None on a machine without it."""
    beside = (folder / BESIDE for folder in ROOT.resolve().parents)
    return shutil.which("bicep") or next((str(it) for it in beside if it.is_file()), None)


class Compiler:
    """The compiler as one process that answers any number of questions, since it takes seconds to start.

    A context manager; raises `BicepError` where there is no compiler, and where it refuses a file. It is asked by
    JSON-RPC 2.0, in frames as language servers use them.
    """

    def __init__(self) -> None:
        program = find_compiler()
        if program is None:
            raise BicepError(f"There is no Bicep compiler here: {WHERE_TO_GET_IT}")
        self._asked = 0
        self._process = subprocess.Popen(  # noqa: S603 - a program of the developer's machine
            [program, "jsonrpc", "--stdio"],
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()  # it ends with its input

    def complaints(self, template: Path) -> list[str]:
        """What compiler and linter have to say against a file and its modules."""
        found = self._ask("compile", path=str(template.resolve()))["diagnostics"]
        return [f"{Path(it['source']).name}: {it['code']}: {it['message']}" for it in found]

    def formatted(self, template: Path) -> str:
        """The text of a file as the compiler would write it."""
        return str(self._ask("format", path=str(template.resolve()))["contents"])

    def predict(self, template: Path, parameters: Mapping[str, Any], *, group: str | None = None) -> dict[str, Any]:
        """What a deployment of the template would create: the compiler's own snapshot."""
        where = {"resourceGroup": group} if group else {"deploymentName": "main", "location": "westeurope"}
        metadata = {"tenantId": SUBSCRIPTION, "subscriptionId": SUBSCRIPTION, **where}
        with tempfile.TemporaryDirectory(dir=template.parent, prefix=".snapshot-") as folder:
            file = Path(folder, "way.bicepparam").resolve()
            lines = [f"using '../{template.name}'", *(f"param {name} = {bicep(it)}" for name, it in parameters.items())]
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            answer = self._ask("getSnapshot", path=str(file), metadata=metadata, externalInputs=[])
        predicted: dict[str, Any] = json.loads(answer["snapshot"])
        if predicted["diagnostics"]:
            raise BicepError(f"{template.name}: {predicted['diagnostics']}")
        return predicted

    def _ask(self, question: str, **values: Any) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101 - for mypy
        self._asked += 1
        asked = {"jsonrpc": "2.0", "id": self._asked, "method": f"bicep/{question}", "params": values}
        text = json.dumps(asked).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(text), text))
        self._process.stdin.flush()
        while (answer := self._read()).get("id") != self._asked:
            pass  # a notification, which nobody has asked for
        if "error" in answer:
            raise BicepError(f"bicep {question} {values['path']}: {answer['error']['message']}")
        return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - for mypy
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if length == 0:
            raise BicepError(f"the Bicep compiler ended with {self._process.wait()}: {WHERE_TO_GET_IT}")
        return dict(json.loads(self._process.stdout.read(length)))


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
