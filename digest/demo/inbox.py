"""The demo's inbox: every message as it was received, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from digest.demo.mailbox import Letter, Mailbox

_FRAME = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:"


def make_inbox(mailbox: Mailbox, environment: Environment, facts: Callable[[], dict[str, Any]]) -> Starlette:
    """The inbox over `mailbox`; `facts` gives the company's name and what to try."""

    def page(request: Request) -> Response:
        letters = mailbox.letters()
        number = int(request.path_params.get("number", letters[0].number if letters else 0))
        chosen = mailbox.letter(number)
        if letters and chosen is None:
            return RedirectResponse("/")
        template = environment.get_template("demo/inbox.html")
        shown = request.query_params.get("as", "html")
        text = "" if chosen is None else _part(chosen, shown)
        listed = [_line(letter) for letter in letters]
        return HTMLResponse(template.render(letters=listed, chosen=chosen and _line(chosen), shown=shown, text=text, **facts()))

    def html(request: Request) -> Response:
        letter = mailbox.letter(int(request.path_params["number"]))
        if letter is None:
            return PlainTextResponse("There is no such message.", status_code=404)
        # The frame must open links in a new tab: a page may not be replaced by what a letter links to.
        body = letter.part("html").replace("<head>", '<head><base target="_blank">', 1)
        return HTMLResponse(body, headers={"Content-Security-Policy": _FRAME})

    routes = [Route("/", page), Route("/{number:int}", page), Route("/{number:int}/html", html)]
    return Starlette(routes=routes)


def _line(letter: Letter) -> dict[str, str | int]:
    parsed = letter.parsed
    return {
        "number": letter.number,
        "to": letter.recipient,
        "subject": str(parsed["Subject"]),
        "sender": str(parsed["From"]),
        "size": len(letter.raw),
    }


def _part(letter: Letter, shown: str) -> str:
    if shown == "text":
        return letter.part("plain")
    if shown == "source":
        return letter.raw.decode("ascii", "replace").replace("\r\n", "\n")
    return ""
