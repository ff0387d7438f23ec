"""Rendering: compile an edition once per language, then make each message's octets from it and the message's row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from digest.domain.edition import EditionContent, EditionPost
from digest.domain.envelope import Envelope, Keys
from digest.domain.link import TOKEN_LENGTH, control_token, sign_unsubscribe
from digest.domain.message import Message
from digest.domain.occasion import elsewhere
from digest.domain.reference import reference
from digest.domain.share import Network, compose, intent
from digest.domain.tally import read_tally
from digest.domain.words import nearest
from digest.errors import NotFoundError
from digest.files.networks import load_networks
from digest.mail import catalogue
from digest.mail.compile import compile_edition, load_compiled
from digest.mail.fill import Fill, Filler
from digest.mail.mime import Letter, build, constant_head, needs_smtputf8

# Dead tokens stand in previews and tests: their check character is wrong and their signature cannot be one.
DEAD_TOKEN = "0" * (TOKEN_LENGTH - 1) + "1"
DEAD_UNSUBSCRIBE = "z" + "0" * 35


def compile_languages(
    content: EditionContent,
    languages: Iterable[str],
    networks: Iterable[Network] | None = None,
    site: Path | None = None,
) -> dict[str, bytes]:
    """The compiled edition in each language that the letter speaks to readers of `languages`; at least one.

    `networks`: whose compose addresses stand in it when tracking is off; None: ours. `site`: a folder whose templates win over ours.
    """
    wanted = sorted({catalogue.spoken(language) for language in languages} or {catalogue.spoken("")})
    intents = share_intents(content, networks) if content.tracking == "off" else {}
    return {language: compile_edition(content, language, intents=intents, site=site) for language in wanted}


def share_intents(content: EditionContent, known: Iterable[Network] | None = None) -> dict[tuple[int, str], str]:
    """With tracking off the message itself holds the compose addresses: (post, network letter) -> address."""
    letters = {letter for letter, _, _ in content.networks}
    networks = [network for network in (load_networks() if known is None else known) if network.letter in letters]
    found = {(post.n, network.letter): _intent(content, post, network) for post in content.posts for network in networks if not post.internal}
    return {key: address for key, address in found.items() if address}


def _intent(content: EditionContent, post: EditionPost, network: Network) -> str:
    """The same for everybody, so without a ready caption: those are handed out a few times each."""
    link = post.url or ""
    caption = compose(network, words="", disclosure=content.disclosure, link=link, title=post.title)
    return intent(network, caption=caption, link=link, title=post.title, phone=False) if link else ""


@dataclass(frozen=True, kw_only=True)
class _Language:
    filler: Filler
    head: bytes


class Renderer:
    """Makes each message of one edition. Holds what was frozen at planning and nothing else.

    `live=False` puts dead tokens into every link, for previews and test messages.
    """

    def __init__(self, content: EditionContent, envelope: Envelope, bodies: Mapping[str, bytes], keys: Keys, *, live: bool = True) -> None:
        if not bodies:
            raise NotFoundError(content.period, "the edition has no compiled body", hint="Run `digest edition plan` again.")
        self._content = content
        self._envelope = envelope
        self._keys = keys
        self._live = live
        self._languages = {
            language: _Language(filler=Filler(load_compiled(body)), head=constant_head(envelope, content.period, language))
            for language, body in bodies.items()
        }
        self._for: dict[str, _Language] = {}
        self._hours = {post.n: post.starts_at for post in content.posts if post.starts_at}

    def wire(self, message: Message) -> bytes:
        """The whole message: CRLF, no line begins with a dot, ends with CRLF, without the final dot. Raises HeadError."""
        language = self._language(message.language)
        unsubscribe = sign_unsubscribe(self._keys.unsubscribe_id, self._keys.unsubscribe, message.employee) if self._live else DEAD_UNSUBSCRIBE
        filled = language.filler.fill(
            Fill(
                picks=message.picks,
                networks=message.networks[:2],
                name=_given_name(message.name),
                share=message.share_token if self._live else DEAD_TOKEN,
                control=self._control(message) if language.filler.uses("control") else "",
                unsubscribe=unsubscribe,
                tally=read_tally(message.tally),
                alone=bool(message.name),  # planning leaves the name of a mailbox of several people out
                clocks=self._clocks(message),
            ),
        )
        letter = Letter(
            to_name=message.name,
            to_address=message.address,
            subject=filled.subject,
            date=message.dated_at,
            reference=self.reference(message),
            unsubscribe=f"{self._content.site_url}/u/{unsubscribe}",
        )
        return build(language.head, self._envelope.message_id_domain, letter, filled.body)

    def reference(self, message: Message) -> str:
        """The local part of the Message-ID: the same on every attempt, and nobody else can make it."""
        return reference(self._keys.message_id, message.period, message.id)

    @staticmethod
    def smtputf8(message: Message) -> bool:
        """True when only a server that offers SMTPUTF8 can take it."""
        return needs_smtputf8(message.address)

    def preview(self, message: Message) -> dict[str, Any]:
        """What a person would see: html, text, headers (in order), size in octets, links (in the HTML's order)."""
        wire = self.wire(message)
        parsed = message_from_bytes(wire, policy=policy.default)
        html, text = _part(parsed, "html"), _part(parsed, "plain")
        return {
            "html": html,
            "text": text,
            "headers": [(name, str(value)) for name, value in parsed.items()],
            "size": len(wire),
            "html_size": len(html.encode()),
            "links": links_of(html),
        }

    def _clocks(self, message: Message) -> tuple[tuple[int, str], ...]:
        """The events of this message that are at another hour where its reader lives."""
        if not self._hours:
            return ()
        mine = ((pick.n, self._hours[pick.n]) for pick in message.picks if pick.n in self._hours)
        return tuple((n, offset) for n, iso in mine if (offset := elsewhere(iso, message.zone)))

    def _control(self, message: Message) -> str:
        return control_token(self._keys.control, message.period, message.employee) if self._live else DEAD_TOKEN

    def _language(self, language: str) -> _Language:
        found = self._for.get(language)
        if found is None:
            found = self._for[language] = self._languages[nearest(language, sorted(self._languages))]
        return found

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages this edition was compiled in."""
        return tuple(sorted(self._languages))


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def links_of(html: str) -> list[str]:
    """Every address a page links to, once each, in order."""
    reader = _Anchors()
    reader.feed(html)
    return list(dict.fromkeys(reader.found))


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _given_name(name: str) -> str:
    words = name.split()
    return words[0] if words else ""
