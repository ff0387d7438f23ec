"""Marks each tag of a template with the file and line it stands in, so that a lint of the finished letter can name them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from digest.mail.anatomy import PLACE

_TAG = re.compile(r"<[a-zA-Z][a-zA-Z0-9]*(?![a-zA-Z0-9:])")  # not <o:PixelsPerInch>, which is Word's


class Places(Extension):
    """Adds `data-place="digest/posts.html:31"` to every tag that is written out in a template."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """The tokens of one template, its text with the marks."""
        for token in stream:
            if token.type == "data" and stream.name and stream.name.endswith(".html"):
                yield Token(token.lineno, token.type, _marked(token.value, token.lineno, stream.name))
            else:
                yield token


def _marked(text: str, first: int, name: str) -> str:
    def put(found: re.Match[str]) -> str:
        return f'{found[0]} {PLACE}="{name}:{first + text.count(chr(10), 0, found.start())}"'

    return _TAG.sub(put, text)
