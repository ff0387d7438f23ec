"""One person in the database: forgetting them, and everything that is held about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, null, select, update

from digest.db import contributions, correspondences, pictures, questions, replies, suppressions
from digest.db.schema import (
    attempt,
    audit,
    bounce,
    capability,
    click,
    consent_event,
    edition,
    edition_body,
    employee,
    message,
    notice,
    outcome,
    post,
    short_link,
    suppression,
    token,
    transport,
    visit,
)
from digest.domain.edition import EditionState
from digest.domain.employee import Employee
from digest.domain.message import MessageState
from digest.domain.press import ERASED
from digest.domain.suppression import SuppressionReason, address_hash

_GONE = "employee:erased"  # whom an audit row was about
_LETTERS = "erase.letters"  # an edition on its way still names somebody who was erased
_OVER = (EditionState.CLOSED, EditionState.CANCELLED, EditionState.SKIPPED)
Rows = list[dict[str, Any]]


def erase(connection: Connection, person: Employee, now: datetime, *, draw: Callable[[], str], who: str = "operator") -> None:
    """Forget one person: their row, their name, and every thread that leads from a figure back to them.

    `draw` gives letters nobody can guess. What was counted stays counted, and so does for which group; short links keep
    leading to their articles and belong to nobody; messages not sent yet are suppressed. A hash of the address stays, so
    that no import brings the person back.
    """
    number = person.id
    suppressions.suppress(connection, person.address, SuppressionReason.ERASED, now)
    _forget_messages(connection, number)
    let_go(connection, number, draw)
    replies.forget_notes(connection, number)
    connection.execute(update(token).where(token.c.employee_id == number).values(employee_id=null(), numbers=null(), revoked_at=now))
    connection.execute(update(audit).where(audit.c.subject == f"employee:{number}").values(subject=_GONE))
    contributions.forget_person(connection, number, person.address)
    _forget_words(connection, person.address)
    correspondences.forget_person(connection, number)
    questions.forget_person(connection, number)
    pictures.forget_face(connection, number)
    connection.execute(delete(employee).where(employee.c.id == number))
    note(connection, "privacy.erase", f"address:{address_hash(person.address)[:16]}", "", who=who, now=now)


def _forget_messages(connection: Connection, number: int) -> None:
    theirs = message.c.employee_id == number
    waiting = theirs & message.c.state.in_([MessageState.QUEUED, MessageState.DEFERRED])
    ids = select(message.c.id).where(theirs)
    connection.execute(update(attempt).where(attempt.c.message_id.in_(ids)).values(text=""))
    connection.execute(update(bounce).where((bounce.c.employee_id == number) | bounce.c.message_id.in_(ids)).values(text="", employee_id=null()))
    connection.execute(update(message).where(waiting).values(state=MessageState.SUPPRESSED, reason=SuppressionReason.ERASED))
    connection.execute(update(message).where(theirs).values(name="", control_hash=null(), networks="", tally=""))


def let_go(connection: Connection, number: int, draw: Callable[[], str]) -> None:
    """Cut the thread from every press, short link and outcome to a person; what was counted stays counted.

    A token stands in letters that others may still have, so presses let go of it too.
    """
    connection.execute(update(message).where(message.c.employee_id == number, message.c.tally != "").values(tally=""))
    connection.execute(update(short_link).where(short_link.c.owner == f"employee:{number}").values(owner=f"erased:{draw()}"))
    connection.execute(update(outcome).where(outcome.c.owner == f"employee:{number}").values(owner=""))
    for old in connection.execute(select(click.c.token).where(click.c.employee_id == number).distinct()).scalars().all():
        mine = (click.c.token == old) & (click.c.employee_id == number)
        connection.execute(update(click).where(mine).values(token=f"{ERASED}{draw()}"[:40], employee_id=null()))


def _forget_words(connection: Connection, address: str) -> None:
    """Servers quote addresses, and their words stand as reasons; where letter case differs the whole sentence goes."""
    for column in (edition.c.reason, transport.c.reason, audit.c.detail):
        quoted = update(column.table).where(func.lower(column).contains(address.lower(), autoescape=True))
        for said in (address, address.lower()):
            connection.execute(quoted.values({column.name: func.replace(column, said, "(erased)")}))
        connection.execute(quoted.values({column.name: "(erased)"}))


def forget_orphans(connection: Connection, since: datetime, draw: Callable[[], str]) -> int:
    """Presses that were under way while their person was erased let go of them too; how many."""
    if connection.execute(select(audit.c.id).where(audit.c.what == "privacy.erase", audit.c.at >= since).limit(1)).first() is None:
        return 0
    gone = ~select(employee.c.id).where(employee.c.id == click.c.employee_id).exists()
    orphans = connection.execute(select(click.c.token).where(click.c.at >= since, click.c.employee_id.is_not(None), gone).distinct()).scalars().all()
    return sum(
        connection.execute(update(click).where(click.c.token == old).values(token=f"{ERASED}{draw()}"[:40], employee_id=null())).rowcount
        for old in orphans
    )


def keep_letters(connection: Connection, edition_id: int, *, who: str, now: datetime) -> None:
    """Note that an edition on its way names somebody who was erased: its compiled letters go once it is over."""
    note(connection, _LETTERS, f"edition:{edition_id}", "", who=who, now=now)


def forget_letters(connection: Connection) -> int:
    """Compiled letters of editions that are over and name somebody who was erased; how many editions."""
    noted = connection.execute(select(audit.c.subject).where(audit.c.what == _LETTERS)).scalars()
    numbers = {int(subject.partition(":")[2]) for subject in noted}
    if not numbers:
        return 0
    over = select(edition.c.id).where(edition.c.id.in_(numbers), edition.c.state.in_(_OVER))
    return len(connection.execute(delete(edition_body).where(edition_body.c.edition_id.in_(over)).returning(edition_body.c.edition_id)).all())


def note(connection: Connection, what: str, subject: str, detail: str, *, who: str, now: datetime) -> None:
    """An audit row."""
    connection.execute(insert(audit).values(at=now, who=who, what=what, subject=subject, detail=detail))


def row(connection: Connection, number: int) -> dict[str, Any]:
    """The person's own row, as the roster and the person made it."""
    names = [column for column in employee.c if column.name != "address"]  # in small letters, to compare; `mailbox` is how it is mailed
    return dict(connection.execute(select(*names).where(employee.c.id == number)).mappings().one())


def consents(connection: Connection, number: int) -> Rows:
    """Every choice they made, and which words they saw."""
    columns = (consent_event.c[name] for name in ("at", "switch", "value", "wording", "how"))
    return _rows(connection, select(*columns).where(consent_event.c.employee_id == number).order_by(consent_event.c.id))


def messages(connection: Connection, number: int) -> Rows:
    """Every message with its edition, and what stood in it by number."""
    names = ("id", "edition_id", "state", "reason", "language", "picks", "spares", "networks", "name", "due_at", "sent_at", "tally")
    columns = (message.c[name] for name in names)
    joined = message.join(edition, edition.c.id == message.c.edition_id)
    return _rows(
        connection,
        select(edition.c.period, *columns).select_from(joined).where(message.c.employee_id == number).order_by(message.c.id),
    )


def attempts(connection: Connection, message_ids: Sequence[int]) -> Rows:
    """Every SMTP try for these messages."""
    columns = (attempt.c[name] for name in ("message_id", "at", "phase", "outcome", "code", "text"))
    return _rows(connection, select(*columns).where(attempt.c.message_id.in_(message_ids)).order_by(attempt.c.id))


def clicks(connection: Connection, number: int) -> Rows:
    """Every press that stands beside them."""
    columns = (click.c[name] for name in ("at", "post_id", "kind", "network", "class", "reasons", "signals"))
    joined = click.outerjoin(edition, edition.c.id == click.c.edition_id)
    return _rows(connection, select(edition.c.period, *columns).select_from(joined).where(click.c.employee_id == number).order_by(click.c.id))


def presses(connection: Connection, number: int, most: int) -> Rows:
    """The newest presses that stand beside them, with the post's title."""
    columns = (click.c.at, post.c.title, click.c.kind, click.c.network, click.c["class"])
    joined = click.outerjoin(post, post.c.id == click.c.post_id)
    mine = select(*columns).select_from(joined).where(click.c.employee_id == number).order_by(click.c.at.desc(), click.c.id.desc())
    return _rows(connection, mine.limit(most))


def pressed(connection: Connection, number: int) -> int:
    """How many presses stand beside them."""
    return int(connection.execute(select(func.count()).select_from(click).where(click.c.employee_id == number)).scalar_one())


def links_once(connection: Connection, number: int) -> Rows:
    """Links that work once which were mailed to them."""
    columns = (capability.c[name] for name in ("purpose", "made_at", "expires_at", "used_at"))
    return _rows(connection, select(*columns).where(capability.c.employee_id == number).order_by(capability.c.made_at))


def short_links(connection: Connection, number: int) -> Rows:
    """Their short links, each with its visits by class; who came is nobody's to know."""
    columns = (short_link.c[name] for name in ("slug", "post_id", "network", "created_at", "disabled_at"))
    mine = short_link.c.owner == f"employee:{number}"
    found = _rows(connection, select(*columns).where(mine).order_by(short_link.c.created_at, short_link.c.slug))
    counted = select(visit.c.slug, visit.c["class"], func.count().label("visits")).group_by(visit.c.slug, visit.c["class"])
    visits: dict[str, Counter[str]] = {}
    for one in connection.execute(counted.where(visit.c.slug.in_(select(short_link.c.slug).where(mine)))).mappings():
        visits.setdefault(one["slug"], Counter())[one["class"]] += one["visits"]
    return [{**link, "visits": dict(visits.get(link["slug"], {}))} for link in found]


def outcomes(connection: Connection, number: int) -> Rows:
    """What came of their links; whom it is about stays with the system that told us."""
    columns = (outcome.c[name] for name in ("occurred_at", "event", "grade", "post_id", "network"))
    return _rows(connection, select(*columns).where(outcome.c.owner == f"employee:{number}").order_by(outcome.c.id))


def bounces(connection: Connection, number: int) -> Rows:
    """What came back of their mail."""
    columns = (bounce.c[name] for name in ("at", "kind", "source", "status", "text"))
    return _rows(connection, select(*columns).where(bounce.c.employee_id == number).order_by(bounce.c.id))


def held(connection: Connection, address: str) -> Rows:
    """Every suppression of the address, lifted ones included; it is known by its hash alone."""
    columns = (suppression.c[name] for name in ("at", "reason", "until", "lifted_at"))
    return _rows(connection, select(*columns).where(suppression.c.address_hash == address_hash(address)).order_by(suppression.c.id))


def authored(connection: Connection, number: int) -> Rows:
    """Posts they wrote."""
    return _rows(connection, select(post.c.id, post.c.title, post.c.url).where(post.c.author_id == number).order_by(post.c.id))


def notices(connection: Connection, number: int) -> Rows:
    """Single letters about their own affairs."""
    columns = (notice.c[name] for name in ("made_at", "kind", "state", "settled_at"))
    return _rows(connection, select(*columns).where(notice.c.employee_id == number).order_by(notice.c.id))


def noted(connection: Connection, number: int) -> Rows:
    """What was done about them and when, without who did it."""
    columns = (audit.c[name] for name in ("at", "what", "detail"))
    return _rows(connection, select(*columns).where(audit.c.subject == f"employee:{number}").order_by(audit.c.id))


def leavers(connection: Connection, since: datetime) -> Mapping[str, int]:
    """Class -> people who stopped the letter by its page since then, as the page saw them. Mail programs are not in it."""
    said = select(audit.c.detail).where(audit.c.what == "unsubscribed", audit.c.at >= since, audit.c.detail.startswith("form; "))
    return Counter(detail.removeprefix("form; ").partition(" ")[0] for detail in connection.execute(said).scalars())


def _rows(connection: Connection, statement: Select[Any]) -> Rows:
    return [dict(one) for one in connection.execute(statement).mappings()]
