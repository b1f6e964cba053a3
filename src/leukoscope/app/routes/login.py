"""Login of a server with a token: an HTML form without scripts, and the cookie it sets."""

import asyncio
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from leukoscope.app.http.problems import RequestError
from leukoscope.app.http.security import COOKIE, cookie_for, equal
from leukoscope.app.state import services
from leukoscope.core.errors import RESEARCH_USE

FORM_BYTES = 4_096
# Delay after a wrong token: it slows guessing down, and a person hardly notices it.
WRONG_SECONDS = 1.0

LOGIN = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leukoscope</title>
<link rel="stylesheet" href="/static/style.css">
</head>
<body>
<main class="login">
<h1>Leukoscope</h1>
<form method="post" action="/login">
{message}<p><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required></p>
<p><button type="submit">Sign in</button></p>
</form>
<p>Enter the token that the server was started with.</p>
<p>{notice}</p>
</main>
</body>
</html>
""")

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login(request: Request) -> Response:
    """Show the form."""
    if services(request).settings.token is None:
        return RedirectResponse("/", 303)
    return _form()


@router.post("/login")
async def enter(request: Request) -> Response:
    """Check the token and set the cookie."""
    token = services(request).settings.token
    if token is None:
        return RedirectResponse("/", 303)
    if not equal((await _token_sent(request)).encode(), token):
        await asyncio.sleep(WRONG_SECONDS)
        return _form("Wrong token. Try again.", 401)
    response = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, cookie_for(token), httponly=True, samesite="strict", secure=secure, path="/"
    )
    return response


async def _token_sent(request: Request) -> str:
    """The token typed into the form."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise RequestError(413, "the form is too large; it holds only a token")
    try:
        return parse_qs(body.decode("utf-8"), max_num_fields=5).get("token", [""])[0]
    except ValueError:
        raise RequestError(400, "not the form of the login page; open /login") from None


def _form(message: str = "", status: int = 200) -> Response:
    line = Markup('<p role="alert">{}</p>\n').format(message) if message else ""
    content = LOGIN.format(message=line, notice=RESEARCH_USE)
    return Response(content, status, media_type="text/html")
