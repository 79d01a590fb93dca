"""Who may ask: nobody without the key, and no other site; and what a browser may do with the answers."""

import hmac
import secrets
from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dedup_web.refusal import Refusal

KEY_HEADER = "x-functions-key"
KEY_PARAMETER = "code"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})
# App Service's sign-in sets these after it has dropped what a caller sent under the same names.
PRINCIPAL = "x-ms-client-principal"
PRINCIPAL_NAME = f"{PRINCIPAL}-name"
PRINCIPAL_ID = f"{PRINCIPAL}-id"
MOST_NAME = 256  # characters of a person's name
NO_KEY = Refusal(
    401,
    "the key is missing",
    f"open the address that dedup review printed, all of it; a program sends the key as {KEY_HEADER}",
)
WRONG_KEY = Refusal(
    401, "the key is wrong", "each start of dedup review makes a new one: open the address that it printed last"
)
FIRST_KEY_AGAIN = Refusal(
    401,
    "the address that starts the browser opens once, and has been opened",
    "if you have not opened it, another user of this machine was faster: end dedup review, and start it with "
    "--no-browser; else open the address that it printed",
)
OTHER_HOST = Refusal(
    421, "this page answers on its own address only", "open the address as dedup review printed it, by no other name"
)


class Guard:
    """Stands before the application. `key` is checked here where no host in front has done so.

    `first_key` is for what starts a browser, as everybody on a machine sees with what programs are started: it opens
    once, and leads to the address with the key; who comes second hears that somebody was faster. With `sign_in`, App
    Service has let through nobody but people and programs that Entra ID knows.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        key: str | None = None,
        first_key: str | None = None,
        hosts: Collection[str] | None = None,
        sign_in: bool = False,
    ) -> None:
        self._app = app
        self._key = key
        self._first_key = first_key
        self._has_opened = False
        self._hosts = hosts
        self._sign_in = sign_in

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
        refusal = self._refusal(scope, headers, given)
        if refusal is not None:
            if refusal is FIRST_KEY_AGAIN and not self._has_opened:
                self._has_opened = True
                answer: Response = RedirectResponse(f"/api/review?{urlencode({KEY_PARAMETER: self._key})}", 303)
            else:
                answer = refusal.response(headers.get("accept", ""), nonce)
            await answer(scope, receive, _with_headers(send, nonce))
            return
        await self._app(scope, receive, _with_headers(send, nonce))

    def _refusal(self, scope: Scope, headers: Headers, given: str) -> Refusal | None:
        if self._hosts is not None and headers.get("host", "") not in self._hosts:
            return OTHER_HOST
        if self._key is not None and not hmac.compare_digest(given.encode(), self._key.encode()):
            return FIRST_KEY_AGAIN if self._is_first_key(given) else WRONG_KEY if given else NO_KEY
        unknown = self._refusal_of_person(scope["path"], headers)
        if unknown is not None:
            return unknown
        if _is_of_another_site(scope["method"], headers):
            return Refusal(403, "requests of other sites are refused")
        return None

    def _is_first_key(self, given: str) -> bool:
        return self._first_key is not None and hmac.compare_digest(given.encode(), self._first_key.encode())

    def _refusal_of_person(self, path: str, headers: Headers) -> Refusal | None:
        if not self._sign_in:
            if any(name.startswith(PRINCIPAL) for name in headers):
                return Refusal(403, "no sign-in stands before this app: a header vouches for nobody")
            return None
        # Other paths are let through without sign-in, because webhooks of the host have keys of their own.
        if path != "/" and not path.startswith("/api/"):
            return Refusal(404, "there is nothing here")
        return None if person_of(headers) else Refusal(401, "sign in first")


def _is_of_another_site(method: str, headers: Headers) -> bool:
    is_navigation = headers.get("sec-fetch-mode") == "navigate" and method == "GET"
    if headers.get("sec-fetch-site", "none") not in OWN_SITES and not is_navigation:
        return True
    origin = headers.get("origin")
    if method in SAFE_METHODS or origin is None:
        return False
    host = headers.get("host", "")
    return urlsplit(origin).netloc not in {host, headers.get("x-forwarded-host", host)}


def person_of(headers: Headers) -> str:
    """Whom sign-in has let through: the name of a person, the id of a program; empty where it was nobody."""
    return (headers.get(PRINCIPAL_NAME) or headers.get(PRINCIPAL_ID, ""))[:MOST_NAME]


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
