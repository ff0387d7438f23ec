"""What pages are made with: templates, ours or the site's, and the style sheet in the company's colours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from digest.domain.link import ALPHABET
from digest.errors import TemplateError
from digest.mail.environment import environment, explained, templates_folder
from digest.web.settings import WebSettings

NAMES = frozenset(
    {"style", "scripts", "site_name", "company", "policy_url", "keep_days", "tracking", "say", "language", "direction"}
)  # of every page
_SCRIPTS = ("copy", "share")
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A page, with the style sheet and the script that it holds, for its Content-Security-Policy."""

    html: str
    style: str
    script: str  # "" for none


class Dress:
    """Templates with one style sheet. Raises TemplateError naming file and line."""

    def __init__(self, settings: WebSettings, filters: Mapping[str, Callable[..., Any]], site: Path | None) -> None:
        self._site = site
        self._engine = engine(site, filters)
        self._engine.globals |= {
            "site_name": settings.site_name,
            "company": settings.company,
            "policy_url": settings.policy_url,
            "keep_days": settings.keep_days,
            "tracking": settings.tracking,
        }
        # Checked name by name when the configuration was read, so the quotes in them may stand in a style sheet.
        fonts = {"serif": Markup(settings.brand.serif), "sans": Markup(settings.brand.sans)}  # noqa: S704
        self._style = self._render("style.css", {"letters": ALPHABET[1:], "brand": settings.brand, "fonts": fonts})
        self._scripts = {name: self._script(f"{name}.js") for name in _SCRIPTS}
        self._engine.globals |= {
            "style": Markup(self._style),  # noqa: S704 - our own file, or one that the operator stands for
            "scripts": {name: Markup(text) for name, text in self._scripts.items()},  # noqa: S704 - the same
        }

    def page(self, name: str, values: dict[str, Any]) -> Made:
        """The page `name`."""
        return Made(html=self._render(f"{name}.html", values), style=self._style, script=self._scripts.get(name, ""))

    def _render(self, name: str, values: dict[str, Any]) -> str:
        try:
            return self._engine.get_template(name).render(values)
        except Exception as error:
            if self._site is None:
                raise  # a bug of ours stays one
            raise explained(error, name, self._site / "pages", {*values, *NAMES}) from error

    def _script(self, name: str) -> str:
        own = self._site / "pages" / name if self._site else None
        return (own if own and own.is_file() else templates_folder() / "pages" / name).read_text(encoding="utf-8")


class Dresses:
    """The site's dress over ours: a page that the site's templates cannot make is made by ours, and the log says why."""

    def __init__(self, settings: WebSettings, filters: Mapping[str, Callable[..., Any]]) -> None:
        self._ours = Dress(settings, filters, None)
        self._theirs: Dress | None = None
        try:
            self._theirs = Dress(settings, filters, settings.templates) if settings.templates else None
        except (TemplateError, OSError, UnicodeDecodeError) as error:
            log.warning("%s", error)

    def page(self, name: str, values: dict[str, Any]) -> Made:
        """The page `name`, whatever happens to the site's templates."""
        if self._theirs is not None:
            try:
                return self._theirs.page(name, values)
            except TemplateError as error:
                log.warning("%s", error)
        return self._ours.page(name, values)


def engine(site: Path | None, filters: Mapping[str, Callable[..., Any]]) -> jinja2.Environment:
    """What renders the pages. Files in the folder `pages` of `site` win over ours, and then all run in the sandbox."""
    folders = [*([site / "pages"] if site else []), templates_folder() / "pages"]
    made = environment(site).overlay(loader=jinja2.FileSystemLoader(folders), autoescape=True, keep_trailing_newline=False)
    made.globals = dict(made.globals)
    made.filters = made.filters | dict(filters)
    return made
