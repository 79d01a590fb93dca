"""The review page: one answer with its style and script in it, allowed by a nonce and by nothing else."""

from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse

STYLES = ("review", "statistics")
# One script in this order: a part may use those above it as it is read, and all others once it runs.
SCRIPTS = (
    *("elements", "state", "asking", "list", "group", "comparison", "deciding", "address"),
    *("rejected", "plots", "precision", "statistics", "tune", "start"),
)


def page(request: Request) -> HTMLResponse:
    """The page; it asks the API for everything that it shows."""
    return HTMLResponse(_template().replace("{{nonce}}", request.scope["nonce"]))


@cache
def _template() -> str:
    static = files("dedup_web") / "static"
    html = (static / "review.html").read_text("utf-8")
    style = "\n".join((static / f"{name}.css").read_text("utf-8") for name in STYLES)
    script = "\n".join((static / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    return html.replace("{{style}}", style).replace("{{script}}", script)
