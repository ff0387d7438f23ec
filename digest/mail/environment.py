"""The template engine: where templates are found, what they may do, and errors that say file, line and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from markupsafe import Markup

from digest.domain.link import number
from digest.domain.words import direction, initial
from digest.errors import TemplateError
from digest.mail.places import Places
from digest.mail.plain import clean, columns, paragraphs, prose, unmarked, wrap
from digest.mail.view import SLOTS

_LISTED = 24  # names that an error offers
_SLIPS = (jinja2.TemplateError, KeyError)  # what a template of ours may raise; anything else is a bug and stays one
_MORE_SLIPS = (*_SLIPS, TypeError, ValueError, AttributeError, ArithmeticError, LookupError, RecursionError, OSError)


def templates_folder() -> Path:
    """`templates/` beside the package in a checkout, inside the package in a wheel."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_templates"
    return inside if inside.is_dir() else package.parent / "templates"


class _Missing(jinja2.StrictUndefined):
    """A name that is not there, with those that are."""

    @property
    def _undefined_message(self) -> str:
        owner = self._undefined_obj
        if self._undefined_hint or owner is missing or not isinstance(self._undefined_name, str):
            return super()._undefined_message
        names = owner if isinstance(owner, dict) else dir(owner)
        return f"found .{self._undefined_name}, allowed {offered(self._undefined_name, [name for name in names if not name.startswith('_')])}"


_OTHERS: Mapping[type[Exception], str] = {
    RecursionError: "it includes or extends itself without end",
    UnicodeDecodeError: "found bytes that are not UTF-8, allowed UTF-8 text",
}


def offered(found: str, allowed: Collection[str]) -> str:
    """Those of `allowed` as a sentence, and the one that was probably meant."""
    near = difflib.get_close_matches(found, sorted(allowed), n=1)
    some = sorted(allowed)[:_LISTED]
    more = f" and {len(allowed) - _LISTED} more" if len(allowed) > _LISTED else ""
    return f"{', '.join(some) or 'none'}{more}" + (f"; did you mean {near[0]}?" if near else "")


def _finalize(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return clean(value)
    return value


@jinja2.pass_context
def _whole(context: jinja2.runtime.Context, value: object) -> object:
    """The same for templates of a site, which may have cut a slot: here the line is still known."""
    salt = context.get("_salt")
    if salt and isinstance(value, str) and (said := cut(value, salt)):
        raise jinja2.TemplateRuntimeError(said)
    return _finalize(value)


def cut(text: str, salt: str) -> str:
    """What is wrong with the slots in `text`, "" when each is whole."""
    if salt not in text.casefold():
        return ""
    plain = re.sub(rf"(?:<!--{salt}|{salt}<)(?:o \w+\.\d+ \w*|c)(?:-->|>)", "", text)
    parts = plain.split(salt)
    if plain.casefold().count(salt) + 1 == len(parts) and len(parts) % 2 and all(part in SLOTS for part in parts[1::2]):
        return ""
    return "found a slot that was cut or changed, allowed slots and links as they are, without a filter: every person's own is put in later"


@cache
def environment(site: Path | None = None, *, placed: bool = False) -> jinja2.Environment:
    """The engine: HTML escaped, nothing undefined, control characters dropped from every value.

    `site`: a folder whose files win over ours. Then all run in a sandbox, nothing can be printed unescaped, and slots are watched.
    `placed`: every tag says in which file and line it stands.
    """
    kind = ImmutableSandboxedEnvironment if site else jinja2.Environment
    made = kind(
        loader=jinja2.FileSystemLoader([site, templates_folder()] if site else templates_folder()),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=_Missing,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_whole if site else _finalize,
        auto_reload=site is not None,
        extensions=[Places] if placed else [],
    )
    made.filters.update(wrap=wrap, paragraphs=paragraphs, prose=prose, unmarked=unmarked, columns=columns)
    made.filters.update(initial=initial, number=number, direction=direction)
    if site:
        del made.filters["safe"]
    return made


def render_file(name: str, context: dict[str, object], site: Path | None = None, *, placed: bool = False) -> str:
    """The template `name` with `context`. Raises TemplateError naming file and line."""
    slips = _MORE_SLIPS if site else _SLIPS
    try:
        return environment(site, placed=placed).get_template(name).render(context)
    except slips as error:
        raise explained(error, name, site, context) from error


def explained(error: Exception, name: str, site: Path | None, known: Collection[str]) -> TemplateError:
    """`error`, met while rendering or reading the template `name`, as file, line and words. `known`: the names it may use."""
    file, line = _place(error, site)
    if isinstance(error, jinja2.TemplateSyntaxError):
        file, line = error.name or name, error.lineno
    where = f"{shown(file or name, site)}:{line}" if line else shown(file or name, site)
    return TemplateError(where, _words(error, known))


def _words(error: Exception, known: Collection[str]) -> str:
    text = str(error)
    match error:
        case jinja2.TemplateSyntaxError():
            return error.message or text
        case jinja2.TemplateNotFound():
            return f"{error.name}: there is no such template"
        case jinja2.UndefinedError():
            found = re.fullmatch(r"'(\w+)' is undefined", error.message or "")
            return (
                f"{error.message}, allowed {offered(found[1], [name for name in known if not name.startswith('_')])}"
                if found and known
                else error.message or text
            )
        case KeyError():
            return f"found {text}, and there is no such phrase or key"
    text = _OTHERS.get(type(error), text)
    return text if isinstance(error, jinja2.TemplateError | ValueError | RecursionError) else f"{type(error).__name__}: {text}"


def shown(name: str, site: Path | None) -> str:
    """The template `name` as its reader finds it: the site's file with its path, ours by name."""
    return str(site / name) if site and (site / name).is_file() else name


def _place(error: BaseException, site: Path | None) -> tuple[str, int]:
    """Name and line of the innermost template: Jinja rewrites the traceback so that its frames are the templates'."""
    name, line, trace = "", 0, error.__traceback__
    roots = [root for root in (site, templates_folder()) if root]
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        root = next((root for root in roots if file.is_relative_to(root)), None)
        if root is not None:
            name, line = file.relative_to(root).as_posix(), trace.tb_lineno
        trace = trace.tb_next
    return name, line
