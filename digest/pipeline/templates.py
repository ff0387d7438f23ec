"""A site's own templates: listed, copied, and checked with a whole sample edition in every language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2

from digest.config import Config
from digest.domain import calendar
from digest.domain.brand import Logo
from digest.domain.edition import EditionContent
from digest.domain.message import Pick
from digest.domain.picture import Picture
from digest.domain.planning import freeze_edition
from digest.errors import TemplateError
from digest.mail import catalogue
from digest.mail.clients import faults
from digest.mail.compile import compile_edition, load_compiled
from digest.mail.environment import shown
from digest.mail.fill import Fill, Filler
from digest.mail.inline import inline
from digest.mail.overrides import File, every
from digest.mail.rules import Problem, missing, problems
from digest.mail.sameness import difference
from digest.mail.templates import Job, Page, job, names, place_of, reasons_of, render
from digest.mail.view import SLOTS, PoolView, free_salt, slot_word
from digest.pipeline import branding, queue
from digest.pipeline.freezing import words
from digest.pipeline.rendering import DEAD_TOKEN, DEAD_UNSUBSCRIBE, share_intents

_SAMPLE = Path(__file__).resolve().parent.parent / "sample" / "queue.toml"
_PERIOD = "2026-W48"
_FACE, _PICTURE = Picture(name="sample-face.jpg", width=40, height=40), Picture(name="sample.jpg", width=536, height=300)
_SIDES = ("en", "ar")  # one language written from each side


def site_folder(config: Config) -> Path | None:
    """The folder of the site's templates, or None. Raises TemplateError when it is named and not there."""
    folder = config.templates_path
    if folder is not None and not folder.is_dir():
        hint = "Make it, or put a first template there with `digest templates copy PATH`."
        raise TemplateError("site.templates", f"found {config.site.templates}, which is no folder", hint=hint)
    return folder


def listed(config: Config) -> list[File]:
    """Every template there is, and whose it is."""
    return every(site_folder(config))


def check(config: Config, pages: jinja2.Environment, page_names: frozenset[str]) -> list[Problem]:
    """Every problem of the site's templates at once. `pages`: what renders the pages, `page_names`: what each of them may use."""
    site = site_folder(config)
    content = sample(config)
    found = problems(site, names(job(content, "en")), pages, page_names) if site else []
    if not found:  # what cannot be read cannot be rendered either
        found = [problem for made in _variants(content) for language in catalogue.languages() for problem in _rendered(made, language, site)]
    return sorted({*found, *_untranslated()})


def _untranslated() -> Iterator[Problem]:
    """What our own catalogues do not say in a language; it is said in English meanwhile."""
    for folder in catalogue.FOLDERS:
        for gap in (gap for language in catalogue.languages(folder)[1:] for gap in catalogue.gaps(language, folder)):
            place, _, said = gap.partition(": ")
            file, _, line = place.partition(":")
            yield Problem(file=f"{folder.parent.name}/words/{file}", line=int(line or 1), said=said)


def sample(config: Config) -> EditionContent:
    """An edition that has everything: the demo's week in the site's own words and look."""
    brand, _ = branding.brand(config)
    content = freeze_edition(
        queue.load(_SAMPLE, people=None),
        {},
        replace(words(config), brand=brand, address=config.site.address or "4 Kiln Row, 00000 Sampleton", tracking="individual"),
        period=_PERIOD,
        day=calendar.day_in(_PERIOD, config.schedule.day),
        seen=frozenset(),
        browser_token=DEAD_TOKEN,
    )
    drawn = [replace(post, face=_FACE, picture=_PICTURE, image_alt="Two people at a bench") for post in content.posts[::2]]
    named = [replace(post, author="Ana Sousa", author_team="Quality", author_place="PT", author_id=post.n) for post in drawn]
    return replace(content, posts=tuple(sorted((*named, *content.posts[1::2]), key=lambda post: post.n)))


def _variants(content: EditionContent) -> Iterator[EditionContent]:
    """Everything; the same with tracking off and the other look; and next to nothing."""
    brand = content.brand
    logo = None if brand.logo else Logo(address="https://example.com/logo.png", width=160, height=40)
    yield content
    yield replace(content, tracking="off", figures=(), brand=replace(brand, logo=logo, reserved=not brand.reserved))
    bare = replace(content, note="", signed="", ask="", address="", policy_url="", reply_to="", browser_token="", subject=None)
    yield replace(bare, posts=content.posts[:1], figures=(), answers=(), lesson=None)


def _rendered(content: EditionContent, language: str, site: Path | None) -> Iterator[Problem]:
    intents = share_intents(content) if content.tracking == "off" else {}
    work = job(content, language, intents=intents, site=site)
    try:
        if site and (lacking := _lacking(work, site)):
            yield from lacking
            return
        compiled = load_compiled(compile_edition(content, language, intents=intents, site=site))
        filler = Filler(compiled)
        for reader in _readers(work.content, every_part=language == "en"):
            unlike = difference(work, compiled, filler, reader)
            if unlike:
                yield Problem(file=str(site / unlike[0]) if site and (site / unlike[0]).is_file() else unlike[0], line=1, said=unlike[1])
                return
        if language in _SIDES:
            yield from _unread(work, site)
    except TemplateError as error:
        file, _, line = str(error.subject).rpartition(":")
        yield Problem(file=file or str(error.subject), line=int(line) if file and line.isdigit() else 1, said=error.detail)


def _lacking(work: Job, site: Path) -> list[Problem]:
    page, marked, slots = _pool(work)
    return missing(page, marked, slots, site)


def _unread(work: Job, site: Path | None) -> Iterator[Problem]:
    """What mail programs ignore or break, each at the first tag that has it."""
    page, _, _ = _pool(replace(work, placed=True))
    met = set()
    for fault in faults(inline(page.html), sent=False):
        file, _, line = fault.place.rpartition(":")
        if fault.said not in met:
            met.add(fault.said)
            yield Problem(file=shown(file or "digest/body.html", site), line=int(line or 1), said=fault.said)


def _pool(work: Job) -> tuple[Page, Job, dict[str, str]]:
    """The letter with everything that anybody gets, the job it was made by, and its slots."""
    salt = free_salt(repr((work.content, work.words.phrases)))
    marked, slots = replace(work, salt=salt), {slot: slot_word(salt, slot) for slot in SLOTS}
    return render(marked, (PoolView(salt, html=False), PoolView(salt, html=True)), slots, ["1", "2"]), marked, slots


def _readers(content: EditionContent, *, every_part: bool) -> Iterable[Fill]:
    """One of each kind: everything in order, the reverse without a name or a network, and one post alone of every part."""
    tokens: dict[str, Any] = {"share": DEAD_TOKEN, "control": DEAD_TOKEN, "unsubscribe": DEAD_UNSUBSCRIBE}
    letters = tuple(letter for letter, _, _ in content.networks)
    picks = [Pick(n=post.n, because=(*reasons_of(post), "")[0]) for post in content.posts]
    yield Fill(picks=tuple(picks), networks=letters[:2], name="Ana", **tokens)
    yield Fill(picks=tuple(replace(pick, because="") for pick in reversed(picks)), networks=(), name="", **tokens)
    for n in {place_of(post): post.n for post in content.posts}.values() if every_part else ():
        yield Fill(picks=(Pick(n=n),), networks=letters[:1], name="<b>", **tokens)
