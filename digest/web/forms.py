"""Forms that were sent: small ones, of fields."""

from __future__ import annotations

import logging
import re

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a stranger's broken form is answered, not told in our log
_FIELDS = 60  # every network may be ticked
_PART = 65536
_CHARSET = re.compile(r"charset[^=;]*=\s*\"?([^\s\";]*)")
# Python knows codecs that fail, or that make text which cannot be written down again (unicode_escape, utf-7, punycode).
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "cp1252"})


async def read_form(request: Request) -> FormData | None:
    """The sent form, or None when it is none."""
    kind, _, more = request.headers.get("content-type", "").lower().partition(";")
    if kind.strip() not in {"application/x-www-form-urlencoded", "multipart/form-data"} or not _CHARSETS.issuperset(_CHARSET.findall(more)):
        return None
    try:
        return await request.form(max_files=0, max_fields=_FIELDS, max_part_size=_PART)
    except HTTPException:  # broken or too many fields
        return None


def field(form: FormData, name: str) -> str:
    """A field's text, "" when it is absent."""
    value = form.get(name)
    return value if isinstance(value, str) else ""
