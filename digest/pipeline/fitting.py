"""Fitting: an edition compiled so that its longest letter stays whole in Gmail, and who reads it in which language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from babel import Locale, UnknownLocaleError

from digest.config import Config
from digest.domain.edition import EditionContent
from digest.domain.selection import Mix
from digest.domain.share import Network
from digest.domain.translation import explained
from digest.domain.trim import steps
from digest.domain.words import same_language
from digest.mail import catalogue
from digest.mail.budget import Meter
from digest.mail.compile import load_compiled
from digest.pipeline.planning import mix_of
from digest.pipeline.rendering import compile_languages
from digest.pipeline.templates import site_folder


def fitted(content: EditionContent, languages: Iterable[str], config: Config, known: Iterable[Network]) -> tuple[EditionContent, dict[str, bytes]]:
    """The edition compiled, with as much left out as its longest letter must lose to stay whole in Gmail. Raises TemplateError."""
    spoken, mix, folder, shares = frozenset(languages), mix_of(config), site_folder(config), tuple(known)

    def compiled(tried: EditionContent) -> dict[str, bytes]:
        return compile_languages(tried, spoken, shares, folder)

    bodies = compiled(content)
    lighter = steps(content)
    while longest(content, bodies, mix) > config.budget.html_bytes and (less := next(lighter, None)) is not None:
        content, bodies = less, compiled(less)
    return content, bodies


def longest(content: EditionContent, bodies: Mapping[str, bytes], mix: Mix) -> int:
    """The bytes of HTML of the longest letter that anybody can get, in any language."""
    meters = [Meter(content, load_compiled(body)) for body in bodies.values()]
    worst = [(meter, meter.worst(posts=mix.posts, curated=mix.curated, inside=mix.inside)) for meter in meters]
    return max(meter.html_bytes(choice.picks, choice.networks) for meter, choice in worst)


def languages_said(content: EditionContent, readers: Mapping[str, int]) -> list[str]:
    """Who reads the letter in which language and why, and how many posts are in it: one sentence a language."""
    heard: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for language, count in readers.items():
        heard[catalogue.spoken(language)][language] = count
    return [_language_said(content, spoken, asked) for spoken, asked in sorted(heard.items())]


def _language_said(content: EditionContent, spoken: str, asked: Mapping[str, int]) -> str:
    count = sum(asked.values())
    counts = explained(content, spoken)
    posts = [f"{counts['own']} in it", f"{counts['translated']} translated", f"{counts['foreign']} in other languages, marked as such"]
    said = ", ".join(text for text in posts if not text.startswith("0 "))
    strangers = {tongue: number for tongue, number in sorted(asked.items()) if not same_language(tongue, spoken)}
    others = [f"{number:,} asked for {_named(tongue)}" for tongue, number in strangers.items()]
    why = f" ({', '.join(others)}, which the letter does not speak)" if others else ""
    return f"{_named(spoken)}: {count:,} {'reader' if count == 1 else 'readers'}{why}; posts: {said}."


def _named(language: str) -> str:
    try:
        return str(Locale.parse(language, sep="-").english_name)
    except (ValueError, UnknownLocaleError):
        return language or "no language"
