"""A request that is refused before the application sees it, as a person in a browser and as a program is told so."""

from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse, JSONResponse, Response

STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:34rem;margin:4rem auto;padding:0 1rem}h1{font-size:1.4rem}
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`reason` and `remedy` begin in lower case and end without a period."""

    status: int
    reason: str
    remedy: str = ""

    def response(self, accept: str, nonce: str) -> Response:
        """A page where the header `accept` asks for one, as a browser does for what it opens; else JSON."""
        if "text/html" in accept:
            return HTMLResponse(self._html(nonce), self.status)
        return JSONResponse({"detail": f"{self.reason}: {self.remedy}" if self.remedy else self.reason}, self.status)

    def _html(self, nonce: str) -> str:
        title = escape(_begun_as_a_sentence(self.reason))
        remedy = f"<p>{escape(_begun_as_a_sentence(self.remedy))}.</p>" if self.remedy else ""
        return (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
            f"<meta name=viewport content='width=device-width'><style nonce='{nonce}'>{STYLE}</style>"
            f"<main><h1>{title}</h1>{remedy}</main></html>"
        )


def _begun_as_a_sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
