"""Presses: look each up, record it, say where it leads.

They come in batches: two look-ups and one commit serve all that wait. Nothing is answered before its event is on disk.
"""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine

from digest.db import editions, links, short_links
from digest.db.session import read, write
from digest.domain.edition import EditionContent
from digest.domain.link import web_address, with_utm
from digest.domain.press import EXPIRED, GO, PAUSED, SHARE, UNKNOWN, VISIT, LinkedPost, LinkToken, Press, Standing, owner, standing
from digest.domain.target import is_own_link
from digest.errors import StorageError
from digest.pipeline.answer import NOWHERE, Answer, Looked, Remembered, Row, Share
from digest.pipeline.batch import Batch, Find
from digest.pipeline.events import Events
from digest.pipeline.fresh import Fresh
from digest.pipeline.landing import public_title, visited
from digest.pipeline.minting import Minting
from digest.pipeline.seen import Seen
from digest.pipeline.tracking import OWN_MINUTES, Mode, TrackingSettings

_CACHED_EDITIONS = 8
_BELIEVED = timedelta(seconds=30)  # an edition's words; a name in them may be withdrawn
_SALT_BYTES = 32
_NEVER = datetime.min.replace(tzinfo=UTC)


class Tracker:
    """Answers presses in batches; used by one thread at a time."""

    def __init__(
        self,
        engine: Engine,
        settings: TrackingSettings,
        random: Callable[[int], bytes] = secrets.token_bytes,
        *,
        seen: Seen | None = None,
        minting: Minting | None = None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._random = random
        self._letters = {network.letter: network for network in settings.networks}
        self._salt = ("", b"")
        self._trap = f"{settings.site_url}/robots.txt" if settings.honeypot else ""
        self._editions: OrderedDict[int, tuple[str, datetime, EditionContent]] = OrderedDict()
        self._fresh = Fresh()
        self.seen = seen or Seen()
        self._minting = minting  # None: short links are written to the database before anything else
        self._events = Events(settings, random, self.seen)

    @property
    def judged(self) -> Counter[tuple[str, str]]:
        """(kind, class) -> presses since the start."""
        return self._events.judged

    def answer(self, presses: Sequence[Press]) -> list[Answer]:
        """An answer for each press, its event committed. Raises StorageError; then nothing was recorded."""
        batch = self._written(presses, self._record)
        return [self._answer(find, batch) for find in batch.finds]

    def mint(self, presses: Sequence[Press]) -> Looked:
        """What `presses` find and leave; short links and the day's salt are written where they were missing. Raises StorageError."""
        batch = self._written(presses, self._provide)
        return self._looked(batch, self._events.counted(batch), [])

    def _written(self, presses: Sequence[Press], record: Callable[[Connection, Batch], None]) -> Batch:
        try:
            with write(self._engine) as connection:
                batch = self._look_up(connection, presses)
                record(connection, batch)
        except StorageError:  # it may still be read, and memory will be asked
            with suppress(StorageError), read(self._engine) as connection:
                self._look_up(connection, presses)
            raise
        self.seen.minted(batch)
        return batch

    def from_memory(self, presses: Sequence[Press]) -> Remembered:
        """Answers out of what was seen, and the events they leave. Asks no database and mints no short link (share-links O5)."""
        batch = self.seen.batch(presses, self._trap)
        self._judge(batch)
        self._wish(batch)
        self.seen.fill_slugs(batch)
        counted = self._events.counted(batch)
        day = max((find.press.at for find in counted), default=_NEVER).date().isoformat()
        if self._salt[0] not in {day, f"~{day}"}:
            self._salt = (f"~{day}", self._random(_SALT_BYTES))  # in memory only; the day's own takes over when it can be had
        clicks, visits = self._events.rows(batch, counted, self._salt[1])
        answers = {id(find.press): self._answer(find, batch) for find in batch.finds}
        return Remembered(answers=[answers.get(id(press)) for press in presses], clicks=clicks, visits=visits)

    def look(self, presses: Sequence[Press]) -> Looked | None:
        """What `presses` find and leave, by reading alone; None where something must be written first. Raises StorageError."""
        with read(self._engine) as connection:
            batch = self._look_up(connection, presses)
            now = max(press.at for press in presses)
            made = self._made(connection, batch, now)
            if made is None:
                return None
            counted = self._events.counted(batch)
            if counted and not self._take_salt(now, lambda: links.salt(connection, now)):
                return None
            self._recognise(connection, batch, counted)
        return self._looked(batch, counted, made)

    def _made(self, connection: Connection, batch: Batch, now: datetime) -> list[Row] | None:
        """Rows of the short links that are missing; None when they cannot be made by reading alone."""
        missing = [want for want in batch.wants.values() if want.key not in batch.slugs]
        made = self._minting.make(connection, missing, now) if missing and self._minting else None
        batch.slugs |= {(row["owner"], row["post_id"], row["network"]): row["slug"] for row in made or ()}
        return made if missing else []

    def _looked(self, batch: Batch, counted: Sequence[Find], made: list[Row]) -> Looked:
        clicks, visits = self._events.rows(batch, counted, self._salt[1])
        return Looked(answers=[self._answer(find, batch) for find in batch.finds], batch=batch, clicks=clicks, visits=visits, made=made)

    def store(self, found: Sequence[Looked]) -> None:
        """Put the events and short links of what was looked up into the database, or none of them. Raises StorageError."""
        with write(self._engine) as connection:
            for looked in found:
                short_links.put(connection, looked.made)
                links.put_events(connection, looked.clicks, looked.visits)

    def kept(self, looked: Looked) -> None:
        """What was looked up is on disk: its short links may be handed out again."""
        self.seen.minted(looked.batch)

    def prepare(self, now: datetime) -> None:
        """Make the salt of that day, if anything is counted, so that no press has to. Raises StorageError."""
        if self._settings.mode is not Mode.OFF:
            with write(self._engine) as connection:
                links.ensure_salt(connection, now, self._random)

    def _look_up(self, connection: Connection, presses: Sequence[Press]) -> Batch:
        batch = Batch(presses=presses, trap=self._trap)
        self._fresh.look(connection)
        keys = {press.key for press in presses if press.kind is not VISIT}
        if keys:
            batch.tokens, batch.read_tokens = self._fresh.tokens(connection, keys)
        shown = {token.edition for token in batch.tokens.values()}
        if shown:
            batch.posts = self._fresh.posts(connection, shown)
        slugs = {press.key for press in presses if press.kind is VISIT}
        if slugs:
            batch.links, batch.read_links = self._fresh.links(connection, slugs)
            if self._minting is not None and (missing := slugs - batch.links.keys()):
                found = self._minting.find(connection, missing)
                batch.links |= found
                batch.read_links |= found
        self._judge(batch)
        self._plan_shares(connection, batch)
        self.seen.keep(batch)
        return batch

    def _recognise(self, connection: Connection, batch: Batch, counted: Sequence[Find]) -> None:
        """Which visitors are at home here; the day's salt is there."""
        owners = self._events.owners(counted, self._salt[1])
        if owners:
            batch.own = links.pressed(connection, owners, max(find.press.at for find in counted) - timedelta(minutes=OWN_MINUTES))

    def _judge(self, batch: Batch) -> None:
        for find in batch.match():
            press = find.press
            find.standing = self._link_standing(find.link, press.at) if press.kind is VISIT else self._standing(find)

    def _standing(self, find: Find) -> Standing:
        press, post = find.press, find.post
        if press.letter and press.letter != "0" and press.letter not in self._letters:
            return UNKNOWN
        found = standing(press.kind, find.token, post, press.at)
        return UNKNOWN if post is not None and found.leads and not self._leads(post.url) else found

    def _link_standing(self, link: short_links.ShortLink | None, now: datetime) -> Standing:
        if link is None:
            return UNKNOWN
        if link.disabled or link.post.inside(now) or link.post.recalled is not None:
            return PAUSED
        return GO if self._leads(link.post.url) else EXPIRED

    def _leads(self, url: str | None) -> bool:
        """Whether an address leads to an article: it was checked when it was stored, and is once more."""
        return url is not None and web_address(url) is not None and not is_own_link(url, self._settings.site_url)

    def _plan_shares(self, connection: Connection, batch: Batch) -> None:
        """The short links that exist already, and the words of the editions that are shared from."""
        self._wish(batch)
        if batch.wants:
            batch.slugs = self._fresh.slugs(connection, {want.key: want for want in batch.wants.values()})
        if batch.shared:
            for edition, (_, digest) in self._fresh.hashes(connection, batch.shared).items():
                batch.contents[edition] = self._content(connection, edition, digest, max(press.at for press in batch.presses))

    def _wish(self, batch: Batch) -> None:
        """Which editions are shared from, and which short links are needed."""
        for find in batch.finds:
            press, token, post = find.press, find.token, find.post
            if press.kind is SHARE and find.standing is GO and token and post:
                batch.shared.add(token.edition)
                network = self._letters.get(press.letter)
                if network is not None and self._settings.counts(token) and self._settings.short:
                    measured = self._settings.measures(token)
                    batch.wants[press.key, press.n, press.letter] = short_links.Want(
                        owner=owner(token, measured=measured), edition=token.edition, post=post.id, network=network.name
                    )

    def _content(self, connection: Connection, edition: int, digest: str, now: datetime) -> EditionContent:
        cached = self._editions.get(edition)
        if cached is None or not digest or cached[0] != digest or not cached[1] <= now < cached[1] + _BELIEVED:
            cached = (digest, now, editions.content(connection, edition))
            self._editions[edition] = cached
            if len(self._editions) > _CACHED_EDITIONS:
                self._editions.popitem(last=False)
        return cached[2]

    def _record(self, connection: Connection, batch: Batch) -> None:
        self._provide(connection, batch)
        counted = self._events.counted(batch)
        if counted:
            links.put_events(connection, *self._events.rows(batch, counted, self._salt[1]))

    def _provide(self, connection: Connection, batch: Batch) -> None:
        """The short links that are missing, and the salt of the day."""
        if not batch.presses:
            return
        now = max(press.at for press in batch.presses)
        counted = self._events.counted(batch)
        if counted:
            self._take_salt(now, lambda: links.ensure_salt(connection, now, self._random))
            self._recognise(connection, batch, counted)
        missing = [want for want in batch.wants.values() if want.key not in batch.slugs]
        if missing:
            batch.slugs |= short_links.mint(connection, missing, self._random, now)

    def _take_salt(self, now: datetime, find: Callable[[], bytes | None]) -> bool:
        """Whether the salt of that day is there, or can be found."""
        day = now.date().isoformat()
        if self._salt[0] != day:
            found = find()
            if found is None:
                return False
            self._salt = (day, found)
        return True

    def _answer(self, find: Find, batch: Batch) -> Answer:
        press, found, token, post = find.press, find.standing, find.token, find.post
        if press.kind is VISIT:
            return visited(found, find.link, find.click_id, press.at)
        if token is None or post is None or found is UNKNOWN:
            return NOWHERE
        if found is GO and press.kind is SHARE:
            return self._shared(press, batch, token, post)
        if found.leads:
            return Answer(found, web_address(post.url) or "")
        detail = (post.recalled or "") if found is PAUSED else ""
        return Answer(found, title=public_title(post, press.at), language=token.language, detail=detail)

    def _shared(self, press: Press, batch: Batch, token: LinkToken, post: LinkedPost) -> Answer:
        content = batch.contents[token.edition]
        frozen = content.post(press.n)
        if frozen is None:
            return NOWHERE
        network = self._letters.get(press.letter)
        address = web_address(post.url) or ""
        link = ""
        if network is not None:
            want = batch.wants.get((press.key, press.n, press.letter))
            if want is not None:
                link = f"{self._settings.site_url}/l/{batch.slugs[want.key]}"
            elif self._settings.mode is Mode.OFF:
                link = address
            else:
                link = with_utm(address, source=network.name, campaign=content.period, content=post.id)
        measured = self._settings.measures(token)
        share = Share(
            content=content,
            post=frozen,
            network=network,
            link=link,
            language=token.language,
            networks=token.networks,
            edition=token.edition,
            person=token.employee if measured else None,
            mastodon=token.mastodon if measured else "",
            counted=self._settings.counts(token),
        )
        return Answer(standing=GO, target=address, share=share, title=post.title, language=token.language)
