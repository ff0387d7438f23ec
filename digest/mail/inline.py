"""Move a page's CSS onto its elements, because mail programs drop style sheets. Costs tens of milliseconds: once per edition."""

from __future__ import annotations

import logging
import re
from typing import Protocol

from premailer import Premailer

from digest.errors import TemplateError

# A tag's style attribute; never words that look like one, since `<` before a letter is escaped in text and attributes.
_STYLE = re.compile(r"""(<[a-z0-9]+(?: [a-z-]+=(?:"[^"]*"|'[^']*'))* style=(["']))(.*?)\2""")


class Inliner(Protocol):
    """Anything that turns a page with a style sheet into the same page with style attributes."""

    def __call__(self, page: str, /) -> str:
        """The page with its plain style blocks inlined; blocks marked `data-premailer="ignore"` stay word for word."""


def inline(page: str) -> str:
    """`page` inlined by premailer, offline. Raises TemplateError when the page or its CSS cannot be read."""
    try:
        premailer = Premailer(
            allow_network=False,  # else a <link> in a template reads addresses and files
            disable_basic_attributes=["align", "bgcolor", "height", "valign", "width"],  # the templates write theirs by hand
            disable_validation=True,  # mso- properties are unknown to it and wanted
            align_floating_images=False,
            cssutils_logging_level=logging.CRITICAL,
        )
        return _small(premailer.transform(page, pretty_print=False))
    except (ValueError, AssertionError, SyntaxError) as error:
        raise TemplateError("body.html", f"its style sheet cannot be inlined: {error}") from error


def _small(page: str) -> str:
    """White space costs a tenth of the page, and Gmail clips at 102 KB."""
    tight = _STYLE.sub(lambda found: f"{found[1]}{found[3].replace('; ', ';').replace(', ', ',')}{found[2]}", page)
    return re.sub(r"\n\s*\n", "\n", tight)
