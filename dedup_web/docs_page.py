"""The reference of the API as a page, made from its OpenAPI description; no script, nothing from elsewhere."""

from html import escape
from typing import Any

STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:52rem;margin:2rem auto;padding:0 1rem}
h2{margin:2rem 0 .3rem;font-size:1.05rem}code{font-size:.95em}
b{display:inline-block;min-width:3.5rem}dl{margin:.4rem 0 0 3.5rem}dt{font-weight:600}dd{margin:0 0 .4rem}
"""


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
            for parameter in operation.get("parameters", ()):
                told = parameter.get("description") or parameter["schema"].get("title", "")
                parts.append(
                    f"<dt><code>{escape(parameter['name'])}</code> ({parameter['in']})</dt><dd>{escape(told)}</dd>"
                )
            answers = ", ".join(f"{code}: {escape(it['description'])}" for code, it in operation["responses"].items())
            parts.append(f"<dt>answers</dt><dd>{answers}</dd></dl>")
    return "".join(parts) + "</main></html>"
