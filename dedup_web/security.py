"""Who may ask: nobody without the key, and no other site; and what a browser may do with the answers."""

import hmac
import secrets
from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})


class Guard:
    """Stands before the application. `key` is checked here where no host in front has done so."""

    def __init__(self, app: ASGIApp, *, key: str | None = None, hosts: Collection[str] | None = None) -> None:
        self._app = app
        self._key = key
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        given = headers.get(KEY_HEADER) or query.pop(KEY_PARAMETER, "")
        query.pop(KEY_PARAMETER, None)
        nonce = secrets.token_urlsafe(16)
        # The key goes no further: neither into a log nor into an answer.
        scope = {**scope, "query_string": urlencode(query).encode(), "nonce": nonce}
        refusal = self._refusal(scope["method"], headers, given)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send, nonce))
            return
        await self._app(scope, receive, _with_headers(send, nonce))

    def _refusal(self, method: str, headers: Headers, given: str) -> JSONResponse | None:
        host = headers.get("host", "")
        if self._hosts is not None and host not in self._hosts:
            return JSONResponse({"detail": "this page answers on its own address only"}, 421)
        if self._key is not None and not hmac.compare_digest(given.encode(), self._key.encode()):
            return JSONResponse({"detail": f"the key is missing: send it as {KEY_HEADER}"}, 401)
        is_navigation = headers.get("sec-fetch-mode") == "navigate" and method == "GET"
        if headers.get("sec-fetch-site", "none") not in OWN_SITES and not is_navigation:
            return JSONResponse({"detail": "requests of other sites are refused"}, 403)
        origin = headers.get("origin")
        if method not in SAFE_METHODS and origin is not None:
            ours = {host, headers.get("x-forwarded-host", host)}
            if urlsplit(origin).netloc not in ours:
                return JSONResponse({"detail": "requests of other sites are refused"}, 403)
        return None


def _with_headers(send: Send, nonce: str) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["content-security-policy"] = (
                f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
                "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'"
            )
            headers["x-content-type-options"] = "nosniff"
            headers["referrer-policy"] = "no-referrer"
            headers["cross-origin-opener-policy"] = "same-origin"
            headers["cross-origin-resource-policy"] = "same-origin"
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sent
