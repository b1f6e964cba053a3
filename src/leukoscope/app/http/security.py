"""Who may talk to the server, and what a browser may do with what it gets.

Three doors, in this order: the Host header (a page elsewhere can point a name of its own at this
machine, and a browser would then take the two for one site), the origin of requests that change
something, and the token. Headers on every answer close the rest.
"""

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leukoscope.app.http.headers import HEADERS
from leukoscope.app.http.problems import problem
from leukoscope.app.settings import Settings

COOKIE = "leukoscope"
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
OPEN = frozenset(("/healthz", "/login", "/static/style.css"))


class SecurityHeadersMiddleware:
    """Puts the headers on every answer that has not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


class AuthMiddleware:
    """Lets a request through, or answers it with 400, 401 or 403."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.token
        self._hosts = {"localhost", "127.0.0.1", "::1", settings.host.lower()}
        # With a token a foreign name gains nothing: its pages have neither token nor cookie. And
        # behind a reverse proxy the name is the proxy's.
        self._any_host = settings.token is not None or not settings.on_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        await (self._refusal(scope) or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._any_host and host_name(headers.get("host", "")) not in self._hosts:
            return problem(
                403, "this server answers to localhost only; open it under http://127.0.0.1"
            )
        if scope["method"] not in SAFE and foreign(headers):
            return problem(403, "requests that change something must come from the app's own page")
        if self._token is None or scope["path"] in OPEN or authorized(headers, self._token):
            return None
        if scope["path"] == "/" and scope["method"] in SAFE:
            return RedirectResponse("/login", 303)
        return problem(
            401,
            "a token is needed; send it as: Authorization: Bearer TOKEN",
            {"WWW-Authenticate": "Bearer"},
        )


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, in lower case; empty if it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower() if "@" not in host else ""
    except ValueError:
        return ""


def foreign(headers: Headers) -> bool:
    """Whether a browser says that another site's page sent this.

    Scripts and command lines say nothing about it, and hold no cookie that a page could abuse.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:
        return True


def authorized(headers: Headers, token: str) -> bool:
    """Whether a request shows the token or the cookie that was given for it."""
    kind, _, shown = headers.get("authorization", "").partition(" ")
    # Headers are read as Latin-1, and clients send UTF-8.
    if kind.lower() == "bearer" and same(shown.strip().encode("latin-1"), token):
        return True
    cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return same(cookie.encode("utf-8", "replace"), cookie_for(token))


def same(shown: bytes, secret: str) -> bool:
    """Whether two texts are equal, in a time that tells nothing about where they differ."""
    return hmac.compare_digest(shown, secret.encode("utf-8"))


def cookie_for(token: str) -> str:
    """What the cookie holds: proof of the token, and not the token."""
    return hmac.new(token.encode("utf-8"), b"leukoscope cookie", hashlib.sha256).hexdigest()
