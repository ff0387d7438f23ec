"""What the preview's page says: everything as plain values and sentences, so that the template only lays it out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale

from digest.domain.calendar import zone_of
from digest.domain.destination import destination
from digest.domain.edition import EditionState
from digest.domain.employee import Employee
from digest.domain.lint import Finding, Letter, Limits
from digest.domain.words import SUBJECT_LENGTH, direction, letters_of
from digest.errors import DigestError
from digest.mail import catalogue
from digest.mail.shown import pictures_of
from digest.pipeline.casting import MADE_UP, Cast, Shown
from digest.pipeline.rehearsing import troubles
from digest.web.preview_ask import LOOKS, PARTS, PICTURES, WIDTHS, Ask
from digest.web.preview_studio import Scene

_UNPLANNED = "Not planned yet: `digest edition plan` freezes it."
_FROZEN = {
    EditionState.PLANNING: "It is being planned; what you change now waits for the next `digest edition plan`.",
    EditionState.DRAFT: "It is planned already, as a draft. What you change now goes out only after `digest edition plan`.",
    EditionState.APPROVED: "It is planned and approved. What you change now goes out only if it is planned and approved again.",
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One look at the scene: a reader, and their letter or why they get none."""

    scene: Scene
    cast: Cast | None = None
    found: tuple[Employee, ...] = ()
    broken: DigestError | None = None  # this reader's letter could not be made

    @property
    def person(self) -> Employee | None:
        """Who reads."""
        return self.cast.person if self.cast else None

    @property
    def shown(self) -> Shown | None:
        """Their letter, if there is one."""
        return self.cast.shown if self.cast and isinstance(self.cast.shown, Shown) else None

    @property
    def why_not(self) -> str:
        """Why they get none, or would not get what is shown; "" when they do."""
        return self.shown.why_not if self.shown else str(self.cast.shown) if self.cast else ""


def values(page: Page, ask: Ask) -> dict[str, Any]:
    """Everything the template needs."""
    scene, shown = page.scene, page.shown
    home = str(scene.config.home) if scene.config else ""
    mine = troubles(page.broken, home) if page.broken else ()
    return {
        "ask": ask,
        "site_name": scene.config.site.name if scene.config else "Live preview",
        "version": scene.version,
        "made": _made(scene),
        "title": _title(page),
        "about": list(_about(page)),
        "why_not": page.why_not,
        "problems": (*scene.troubles, *mine),
        "stale": bool(scene.troubles) and scene.take is not None,
        "notes": scene.take.notes if scene.take else (),
        "tools": _tools(ask),
        "frame": _frame(shown, ask) if shown else None,
        "inbox": _inbox(shown) if shown else None,
        "budget": _budget(page, shown) if shown else None,
        "found": [_named(person, ask) for person in page.found],
        "examples": _examples(page, ask),
        "every": _every(scene),
    }


def _made(scene: Scene) -> str:
    if scene.made_at is None:
        return "Nothing made yet"
    at = scene.made_at.astimezone().strftime("%H:%M:%S")
    return f"{'Last good letter' if scene.troubles else 'Made'} {at}, in {scene.took:.2f} s"


def _title(page: Page) -> str:
    if page.scene.take is None:
        return "No letter yet"
    content = page.scene.take.content
    who = page.person.name or page.person.address if page.person else "nobody"
    return f"No. {content.number} for {who}"


def _about(page: Page) -> Iterator[str]:
    """Who reads, and what becomes of what is seen."""
    if page.cast and page.cast.missing:
        yield page.cast.missing
    if page.person and page.person.id == 0:
        yield "A made-up reader: new, and follows nothing."
    elif page.person:
        bits = [
            page.person.address,
            page.person.team,
            page.person.country,
            ", ".join(page.person.topics) and f"follows {', '.join(page.person.topics)}",
        ]
        yield " · ".join(bit for bit in bits if bit)
    if page.shown:
        yield f"{_due(page.shown)} {_standing(page.scene)}"


def _due(shown: Shown) -> str:
    zone = shown.person.zone or "UTC"
    at = shown.due.at.astimezone(zone_of(zone, ZoneInfo("UTC")))
    return f"Due {at:%A} {at.day} {at:%B at %H:%M} in {zone.rpartition('/')[2].replace('_', ' ')}."


def _standing(scene: Scene) -> str:
    planned = scene.take.edition if scene.take else None
    return _FROZEN.get(planned.state, _UNPLANNED) if planned else _UNPLANNED


def _tools(ask: Ask) -> list[dict[str, Any]]:
    """The switches, each with its options as links."""
    tongues = {"": "Theirs"} | {language: language for language in catalogue.languages()}
    switches: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("width", "Width", dict(WIDTHS)),
        ("look", "Look", {look.value: name for look, name in LOOKS.items()}),
        ("pictures", "Pictures", dict(PICTURES)),
        ("part", "Part", dict(PARTS)),
        ("language", "Language", tongues),
    )
    return [
        {
            "name": name,
            "label": label,
            "options": [
                {
                    "text": text,
                    "key": f"{name}-{value or 'own'}",
                    "href": ask.href(**{name: value}),
                    "chosen": getattr(ask, name) == value,
                    "title": str(Locale.parse(value, sep="-").english_name) if name == "language" and value else "",
                }
                for value, text in options.items()
            ],
        }
        for name, label, options in switches
    ]


def _frame(shown: Shown, ask: Ask) -> dict[str, Any]:
    language = {"lang": shown.language, "dir": direction(shown.language)}
    if ask.part == "text":
        return {"src": "", "text": shown.text, **language}
    name = hashlib.sha256(shown.html.encode()).hexdigest()[:16]
    src = ask.href("/letter", width="640", part="html", q="")
    return {"src": f"{src}{'&' if '?' in src else '?'}v={name}", "text": "", **language}


def _inbox(shown: Shown) -> dict[str, Any]:
    letters = letters_of(shown.subject)
    return {
        "sender": shown.sender,
        "subject": shown.subject,
        "preheader": shown.measured.preheader,
        "lang": shown.language,
        "dir": direction(shown.language),
        "count": f"Subject {letters} of {SUBJECT_LENGTH} characters, preheader {letters_of(shown.measured.preheader)}.",
        "over": letters > SUBJECT_LENGTH,
    }


def _budget(page: Page, shown: Shown) -> dict[str, Any]:
    take = page.scene.take
    assert take is not None  # noqa: S101 - there is a letter, so there is something that it was made of
    config, measured = take.rehearsal.config, shown.measured
    limits = Limits(**{name: getattr(config.budget, name) for name in ("words_from", "words_to", "posts_from", "posts_to", "links", "html_bytes")})
    elsewhere = [address for address in pictures_of(shown.html) if not address.startswith(take.content.site_url)]
    return {
        "rows": list(_rows(measured, limits)),
        "parts": [(name, f"{size:,}") for name, size in measured.sections.items() if size],
        "findings": [(finding.stops, _sentence(finding)) for finding in shown.findings],
        "elsewhere": f"Not fetched here: {', '.join(elsewhere)}" if elsewhere else "",
    }


def _rows(measured: Letter, limits: Limits) -> Iterator[tuple[str, str, str, bool]]:
    """Label, figure, what is allowed, and whether it is broken."""
    words, posts = measured.words, measured.outward
    yield "Words", f"{words:,}", f"of {limits.words_from:,} to {limits.words_to:,}", not limits.words_from <= words <= limits.words_to
    yield "Reading time", f"{measured.minutes} min", "", False
    yield "Posts to share", f"{posts}", f"of {limits.posts_from} to {limits.posts_to}", not limits.posts_from <= posts <= limits.posts_to
    yield "Links", f"{measured.links:,}", f"of {limits.links:,}", measured.links > limits.links
    yield "HTML", f"{measured.html_bytes:,}", f"of {limits.html_bytes:,} octets", measured.html_bytes > limits.html_bytes
    yield "Text", f"{measured.text_bytes:,}", "octets", False
    yield "Message", f"{measured.wire_bytes:,}", "octets", False
    yield "Pictures", f"{measured.images}", f"{measured.without_alt} without words" if measured.without_alt else "", bool(measured.without_alt)


def _sentence(finding: Finding) -> str:
    return f"Found {finding.found}, allowed {finding.allowed}. {finding.change}"


def _named(person: Employee, ask: Ask) -> dict[str, str]:
    rest = " · ".join(bit for bit in (person.team, person.country, person.language) if bit)
    return {"name": person.name or person.address, "rest": rest, "href": ask.href(reader=person.address, q=""), "key": f"reader-{person.address}"}


def _examples(page: Page, ask: Ask) -> dict[str, Any]:
    whole = page.scene.whole
    listed = [
        {**_named(example.person, ask), "language": str(Locale.parse(example.language, sep="-").english_name), "kind": example.kind}
        for example in (whole.examples if whole else ())
    ]
    for row in listed:
        row["key"] = f"{row['kind']}-{row['language']}"
    nobody = {"name": "A made-up reader", "rest": "new, follows nothing", "href": ask.href(reader=MADE_UP, q=""), "key": "reader-made-up"}
    return {"listed": listed, "nobody": nobody, "waiting": whole is None and page.scene.take is not None and not page.scene.troubles}


def _every(scene: Scene) -> dict[str, Any] | None:
    """All letters of the edition, as `digest edition lint` prints them."""
    if scene.whole is None:
        return None
    whole = scene.whole
    none = sum(whole.without.values())
    said = [f"{whole.readers:,} {'reader' if whole.readers == 1 else 'readers'}"]
    said += [f"{none:,} of them get no letter"] if none else []
    return {
        "said": ", ".join(said) + ".",
        "letters": [(f"{one.language}, {one.kind}", one.people, one.words, one.links, one.html_bytes) for one in whole.linted.letters],
        "findings": [(finding.stops, f"{finding.where}: {_sentence(finding)}") for finding in whole.linted.findings],
        "languages": whole.linted.languages,
    }


def leads_to(scene: Scene, address: str) -> str:
    """Where a link of the letter leads, in words."""
    return destination(address, scene.take.content) if scene.take else address
