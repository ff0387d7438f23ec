"""The click path: `/r/`, `/s/` and `/l/`, answered without a framework, because gateways press every link at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any

from digest.domain.link import SHARE_PAGE, Tail, parse_tail
from digest.domain.press import SHARE, VISIT, Kind, Press
from digest.domain.share import Network, composed, too_long, with_link
from digest.domain.slug import SlugTail, parse_slug
from digest.pipeline.answer import Answer, Share
from digest.pipeline.events import new_event
from digest.web.metrics import Meters
from digest.web.misses import Gate
from digest.web.pages import Pages, Reply, redirect, reply
from digest.web.prompt import Pending
from digest.web.signals import Head, Proxies, on_phone, preferred_language

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Presser = Gate

Done = Callable[[Reply | None], None]

BY_DEVICE = "User-Agent, Sec-CH-UA-Mobile"
_KINDS = {"/r/": Kind.READ, "/s/": Kind.SHARE, "/l/": Kind.VISIT}


def kind_of(path: str) -> Kind | None:
    """The family of links a path belongs to; a gateway or a QR reader may have changed its case."""
    return _KINDS.get(path[:3].lower())


def read_press(scope: Scope, proxies: Proxies, now: datetime) -> Press | None:
    """The press that a request is, or None when its link is damaged or none of ours: no database is asked about those."""
    peer = (scope.get("client") or ("",))[0]
    return press_of(scope["path"], Head(scope["method"], scope["headers"]), peer, proxies, now)


def press_of(path: str, head: Head, peer: str, proxies: Proxies, now: datetime) -> Press | None:
    """The same, of a head that was read."""
    family = path[:3]
    kind = _KINDS.get(family) or kind_of(path)
    if kind is None:
        return None
    found: SlugTail | Tail | None
    found = parse_slug(path[3:]) if kind is VISIT else parse_tail(path[3:], network=kind is SHARE)
    if found is None:
        return None
    key, n, letter = (found.token, found.n, found.network) if isinstance(found, Tail) else (found.slug, 0, "")
    signals = head.signals
    mutated = found.mutated or family not in _KINDS
    if mutated or found.junk:
        signals = signals | {name: True for name, there in (("mutated", mutated), ("junk", found.junk)) if there}
    address = proxies.client(peer, head.forwarded) if head.forwarded else peer
    referrer = head.referrer if kind is VISIT else ""
    return Press(kind, now, key, n, letter, head.method != "HEAD", address, referrer, signals, new_event())


class LinkDoor:
    """Answers presses; the share page is handed to `pages_app`."""

    def __init__(self, presser: Presser, pages: Pages, proxies: Proxies, clock: Callable[[], datetime], meters: Meters) -> None:
        self.presser = presser
        self._pages = pages
        self._proxies = proxies
        self._clock = clock
        self._meters = meters

    async def answer(self, scope: Scope) -> Reply | None:
        """The reply to a request for a link; None for the share page. Raises StorageError."""
        if scope["method"] not in {"GET", "HEAD"}:
            if scope["method"] == "POST" and kind_of(scope["path"]) is SHARE:
                return None
            return reply(405, {"allow": "GET, HEAD", "cache-control": "no-store"})
        head = Head(scope["method"], scope["headers"])
        press = press_of(scope["path"], head, (scope.get("client") or ("",))[0], self._proxies, self._clock())
        if press is not None and press.letter == SHARE_PAGE:
            return None
        answer = await self.presser.ask(press) if press is not None else self.presser.damaged()
        return self._reply(answer, press, head)

    def at_once(self, path: str, head: Head, peer: str, done: Done) -> bool:
        """Begin to answer a GET of a link; `done` gets its reply, or None when only `answer` can tell. False: not even begun."""
        press = press_of(path, head, peer, self._proxies, self._clock())
        if press is None or press.letter == SHARE_PAGE:
            return False
        return self.presser.hand(_Caller(self, press, path, head, done))

    def tell(self, caller: _Caller, answer: Answer | Exception) -> None:
        """The answer to a press that came the short way."""
        try:
            made = None if isinstance(answer, Exception) else self._reply(answer, caller.press, caller.head)
        except Exception:  # noqa: BLE001 - others of its batch wait behind it; the ordinary way meets it again, alone, and says so
            made = None
        if made is not None:
            self._meters.answered(caller.path, made.status)
        caller.reply(made)

    def _reply(self, answer: Answer, press: Press | None, head: Head) -> Reply:
        return self._composer(answer.share, head) if press is not None and answer.share is not None else self._plain(answer, press, head)

    def _composer(self, share: Share, head: Head) -> Reply:
        """One click: the title to start from. Ready captions are the share page's, so that no link that is opened uses one up."""
        return lead(share, share.post.title, pages=self._pages, phone=on_phone(head.asked), status=302)

    def _plain(self, answer: Answer, press: Press | None, head: Head) -> Reply:
        if press is None or not answer.standing.leads:
            language = answer.language or preferred_language(head.headers)
            return self._pages.standing(answer.standing, language, detail=answer.detail, title=answer.title)
        cache = "private, max-age=0" if press.kind is VISIT else "no-store"
        return redirect(302, answer.target, cache=cache, vary=BY_DEVICE if press.kind is SHARE else "")


class _Caller(Pending):
    """A press that came the short way, and how its browser is answered."""

    __slots__ = ("_door", "head", "path", "reply")

    def __init__(self, door: LinkDoor, press: Press, path: str, head: Head, done: Done) -> None:
        super().__init__(door.presser, press)
        self._door = door
        self.path = path
        self.head = head
        self.reply = done

    def tell(self, answer: Answer | Exception) -> None:
        """Answer the browser."""
        self._door.tell(self, answer)


def lead(share: Share, words: str, *, pages: Pages, phone: bool, status: int, copy: bool = False) -> Reply:
    """To the network's composer; by a page where a redirect cannot carry the text, or `copy` is wanted."""
    network = share.network
    if network is None:
        raise ValueError(share)
    server = share.mastodon if network.server else ""
    title = share.post.title
    disclosure = share.content.disclosure
    caption, target = composed(network, words=words, disclosure=disclosure, link=share.link, phone=phone, title=title, server=server)
    target = "" if too_long(target) else target
    if target and not copy and not _by_page(network) and network.takes_text(phone=phone):
        return redirect(status, target, vary=BY_DEVICE)
    carried = bool(target) and not copy and not _by_page(network)  # the composer brings the link itself
    whole = with_link(caption, share.link)
    return pages.page(
        "copy",
        share.language,
        vary=f"{BY_DEVICE}, Accept-Language",
        text=caption if carried and caption else whole,
        whole=whole,
        target=target,
        how="mail" if _by_page(network) else "open" if target else "bare",
        network=network,
        post=share.post,
        copy=copy,
    )


def _by_page(network: Network) -> bool:
    """True where the address is no web page: mail programs differ on a redirect to it, a link on a page works in all."""
    return network.desktop.startswith("mailto:")
