"""The reference of the API as a page, made from its OpenAPI description; no script, nothing from elsewhere."""

from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:52rem;margin:2rem auto;padding:0 1rem}
h2{margin:2rem 0 .3rem;font-size:1.05rem}code{font-size:.95em}
b{display:inline-block;min-width:3.5rem}dl{margin:.4rem 0 0 3.5rem}dt{font-weight:600}dd{margin:0 0 .4rem}
"""


class Input(NamedTuple):
    """What may be given with a request; `values` where there are only these."""

    name: str
    place: str
    told: str
    values: tuple[str, ...]


def inputs_of(operation: dict[str, Any], schema: dict[str, Any]) -> Iterator[Input]:
    """The parameters of an operation, and the keys of its body or else what kind of body it is."""
    for it in operation.get("parameters", ()):
        yield Input(it["name"], it["in"], it.get("description", ""), _values(it["schema"], schema))
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        keys = _referred(body["schema"], schema).get("properties", {})
        for name, it in keys.items():
            yield Input(name, "body", it.get("description", ""), _values(it, schema))
        if not keys:
            yield Input(kind, "body", "", ())


def _values(kind: dict[str, Any], schema: dict[str, Any]) -> tuple[str, ...]:
    kind = _referred(kind, schema)
    return (*kind.get("enum", ()), *(value for it in kind.get("anyOf", ()) for value in _values(it, schema)))


def _referred(kind: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = kind.get("$ref", "").rpartition("/")[2]
    return {**kind, **schema["components"]["schemas"].get(name, {})}


def docs_html(schema: dict[str, Any], nonce: str) -> str:
    """All operations, each with its parameters and answers."""
    title = escape(schema["info"]["title"])
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>",
        f"<meta name=viewport content='width=device-width'><style nonce='{nonce}'>{STYLE}</style>",
        f"<main><h1>{title}</h1><p>{escape(schema['info'].get('description', ''))}</p>",
    ]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            parts.append(f"<h2><b>{escape(method.upper())}</b> <code>{escape(path)}</code></h2>")
            parts.append(f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p><dl>")
            for name, place, told, values in inputs_of(operation, schema):
                which = ", ".join(f"<code>{escape(it)}</code>" for it in values)
                parts.append(f"<dt><code>{escape(name)}</code> ({place})</dt><dd>{escape(told)} {which}</dd>")
            answers = ", ".join(f"{code}: {escape(it['description'])}" for code, it in operation["responses"].items())
            parts.append(f"<dt>answers</dt><dd>{answers}</dd></dl>")
    return "".join(parts) + "</main></html>"
