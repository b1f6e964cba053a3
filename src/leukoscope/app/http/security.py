"""Access control of the server, and headers that limit what a browser does with a response.

Three checks, in this order: the Host header (DNS rebinding: another site can point its own name at
this machine, and a browser then takes the two for one site), the origin of requests that change
something (CSRF), and the token.
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
PUBLIC = frozenset(("/healthz", "/login", "/static/style.css"))


class SecurityHeadersMiddleware:
    """Add the security headers to every response that does not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


class AuthMiddleware:
    """Pass a request on, or refuse it with 401 or 403."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.token
        self._hosts = {"localhost", "127.0.0.1", "::1", settings.host.lower()}
        # With a token, another host name gains nothing: its pages have neither token nor cookie.
        # Behind a reverse proxy the host name is the proxy's.
        self._any_host = settings.token is not None or not settings.on_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        await (self._refusal(scope) or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._any_host and host_name(headers.get("host", "")) not in self._hosts:
            return problem(
                403, "this server accepts the host name localhost only; open it as http://127.0.0.1"
            )
        if scope["method"] not in SAFE and is_cross_site(headers):
            return problem(403, "requests that change something must come from the app's own page")
        if self._token is None or scope["path"] in PUBLIC or authorized(headers, self._token):
            return None
        if scope["path"] == "/" and scope["method"] in SAFE:
            return RedirectResponse("/login", 303)
        return problem(
            401,
            "a token is required; send it as: Authorization: Bearer TOKEN",
            {"WWW-Authenticate": "Bearer"},
        )


def host_name(host: str) -> str:
    """The name in a Host header, lower case, without port and brackets; empty if invalid."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower() if "@" not in host else ""
    except ValueError:
        return ""


def is_cross_site(headers: Headers) -> bool:
    """Tell whether a browser sent this request for a page of another site.

    Scripts and command-line tools send no such headers, and hold no cookie that a page could abuse.
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
    """Tell whether a request has the token or the cookie for it."""
    scheme, _, token_sent = headers.get("authorization", "").partition(" ")
    # Headers are read as Latin-1, and clients send UTF-8.
    if scheme.lower() == "bearer" and equal(token_sent.strip().encode("latin-1"), token):
        return True
    cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return equal(cookie.encode("utf-8", "replace"), cookie_for(token))


def equal(sent: bytes, secret: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(sent, secret.encode("utf-8"))


def cookie_for(token: str) -> str:
    """The value of the cookie: an HMAC that proves the token without containing it."""
    return hmac.new(token.encode("utf-8"), b"leukoscope cookie", hashlib.sha256).hexdigest()
