"""The lines of the log that docs/settings.md lists are those that the app writes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEVELS = {"info", "warning", "error"}  # those of DEBUG are for whoever works on the code


def written() -> Iterator[str]:
    """The event of every call of an `EventLog`, and of what the decoders tell it."""
    for path in (
        it for folder in ("dedup_app", "dedup_storage", "dedup_decoders") for it in (ROOT / folder).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("log"), attr=level), args=[ast.Constant(str(event))]):
                    if level in LEVELS:
                        yield event
                case ast.Call(
                    func=ast.Attribute(value=ast.Call(func=ast.Name("EventLog"))), args=[ast.Constant(str(event))]
                ):
                    yield event


def test_every_line_of_the_log_is_documented():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    table = page.partition("## Telemetry")[2].partition("These settings")[0]
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|.*\|.*\|$", table, re.MULTILINE)
    documented = {event for row in rows for event in re.findall("`([a-z_]+)`", row)}
    assert set(written()) - documented == set()
