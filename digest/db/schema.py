"""Every table, in one place. Migrations make them; a test proves that both agree.

Times are UTC. States are text with room to grow. JSON columns hold what is only ever read whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from digest.domain.clock import utc

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    },
)


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored as UTC. A naive one raises NaiveTimeError before it reaches the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive moment; SQLite stores UTC without its zone."""
        if value is None:
            return None
        moment = utc(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id() -> Column[Any]:
    """A number of 64 bits; SQLite counts only in its own INTEGER."""
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


_STATE = String(length=20)

employee = Table(
    "employee",
    metadata,
    _id(),
    Column("address", String(320), nullable=False, unique=True),  # lower case, as compared; mailed as `mailbox`
    Column("mailbox", String(320), nullable=False),
    Column("name", Text, nullable=False),
    Column("roster_id", String(200), unique=True),
    Column("language", String(20), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("country", String(2), nullable=False),
    Column("team", String(200), nullable=False),
    Column("topics", JSON, nullable=False),
    Column("networks", JSON, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("named", Boolean, nullable=False),
    Column("mastodon", String(253), nullable=False, server_default=""),  # the server this person shares to, once told
    Column("measured", Boolean),  # NULL: the person never touched the switch
    Column("picture", String(64), nullable=False, server_default=""),  # name of a picture; shown only where the name is
    Column("frequency", _STATE, nullable=False, server_default="weekly"),  # weekly | fortnightly | monthly
    Column("paused_until", Moment),  # no letter before; NULL: none is paused
    Column("hour", String(5), nullable=False, server_default=""),  # when the person wants it, "07:30"; "": as everybody
    Column("trusted_at", Moment),  # posts of theirs need no review, except for written triggers; NULL: they do
    Column("chosen", JSON, nullable=False),  # names of fields the person set; the roster leaves them alone
    Column("joined_at", Moment, nullable=False),
    Column("left_at", Moment),
    sqlite_autoincrement=True,  # a number is never given twice: old unsubscribe links must not meet a new person
)

post = Table(
    "post",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("title", Text, nullable=False),
    Column("url", Text),  # the current address; redirects follow it at once
    Column("origin", _STATE, nullable=False),
    Column("visibility", _STATE, nullable=False),
    Column("author_id", BigInteger, ForeignKey("employee.id", ondelete="SET NULL")),
    Column("recalled", Text),  # why its links are paused; NULL: they work
    Column("public_from", Moment),  # inside until then, to the second; NULL: no moment keeps it
    Column("first_seen_at", Moment, nullable=False),
)

edition = Table(
    "edition",
    metadata,
    _id(),
    Column("period", String(8), nullable=False, unique=True),  # 2026-W48
    Column("state", _STATE, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("reason", Text, nullable=False),  # of a pause, a skip or a cancellation
    Column("hash", String(64), nullable=False),
    Column("content", JSON),  # EditionContent, frozen
    Column("envelope", JSON),  # sender, reply address, list id: frozen
    Column("browser_token", String(40), unique=True),
    Column("planned_through", BigInteger, nullable=False),  # the last employee whose row is committed; resumes here
    Column("audience", Integer, nullable=False),
    Column("planned_at", Moment),
    Column("due_from", Moment),
    Column("due_until", Moment),
    Column("approved_at", Moment),
    Column("approved_by", Text),
    Column("created_at", Moment, nullable=False),
    Column("routing", String(64), nullable=False, server_default=""),  # hash of the transports its messages were dealt to
    Column("canary_left", Integer),  # messages of the canary not claimed yet; NULL: no canary, or it passed
    Column("canary_until", Moment),  # when the canary is judged; NULL before it is out
)

edition_post = Table(
    "edition_post",
    metadata,
    Column("edition_id", BigInteger, ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("post_id", String(120), nullable=False, index=True),
    Column("internal", Boolean, nullable=False),
)

edition_body = Table(
    "edition_body",
    metadata,
    Column("edition_id", BigInteger, ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("language", String(20), primary_key=True),
    Column("compiled", LargeBinary, nullable=False),
)

message = Table(
    "message",
    metadata,
    _id(),
    Column("edition_id", BigInteger, ForeignKey("edition.id", ondelete="CASCADE"), nullable=False),
    Column("employee_id", BigInteger, ForeignKey("employee.id", ondelete="SET NULL"), index=True),
    Column("state", _STATE, nullable=False),
    Column("reason", String(60), nullable=False),
    Column("language", String(20), nullable=False),
    Column("picks", JSON, nullable=False),  # [[n, because], ...]
    Column("spares", JSON, nullable=False),
    Column("networks", String(8), nullable=False),  # letters of the edition's network list
    Column("name", Text, nullable=False),  # how the letter greets, frozen
    Column("due_at", Moment),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Moment),  # due_at until the first attempt; what a claim looks at
    Column("run_id", String(36)),  # who holds it while it is sending
    Column("dated_at", Moment),  # the Date header: the first claim, kept for every attempt
    Column("sent_at", Moment),
    Column("control_hash", String(64), index=True),
    Column("route", String(40), nullable=False, server_default="smtp"),  # the transport that carries it
    Column("share_token", String(40)),  # what stands in its links; in aggregate mode one for the whole group, with tracking off none
    Column("tally", String(80), nullable=False, server_default=""),  # what it tells its reader of their own last week; "" once it is sent
    UniqueConstraint("edition_id", "employee_id"),
    Index("ix_message_due", "edition_id", "state", "route", "next_attempt_at"),
)

token = Table(
    "token",
    metadata,
    Column("token", String(40), primary_key=True),
    Column("edition_id", BigInteger, ForeignKey("edition.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("employee_id", BigInteger, index=True),  # NULL in aggregate mode
    Column("group_key", String(220)),  # aggregate mode: the smallest group with k members
    Column("numbers", JSON),  # posts of this message (picks and spares); NULL: all public posts of the edition
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)

run = Table(
    "run",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("lock_key", BigInteger, nullable=False),  # its advisory lock on PostgreSQL
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
)

attempt = Table(
    "attempt",
    metadata,
    _id(),
    Column("message_id", BigInteger, ForeignKey("message.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("phase", String(20), nullable=False),
    Column("outcome", _STATE, nullable=False),
    Column("code", Integer),
    Column("text", String(250), nullable=False),
    Column("connection", Integer, nullable=False),
    Column("transport", String(40), nullable=False, server_default=""),
)

transport = Table(
    "transport",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("rest_until", Moment),  # nothing is offered to it before; NULL: it may be used
    Column("reason", String(250), nullable=False),
)

bucket = Table(
    "bucket",
    metadata,
    Column("transport", String(40), primary_key=True),
    Column("period", String(10), primary_key=True),  # second | minute | day
    Column("tokens", Float, nullable=False),
    Column("filled_at", Moment, nullable=False),
)

bounce = Table(
    "bounce",
    metadata,
    _id(),
    Column("fingerprint", String(64), nullable=False, unique=True),  # makes a report that is read twice harmless
    Column("at", Moment, nullable=False),
    Column("message_id", BigInteger, ForeignKey("message.id", ondelete="SET NULL"), index=True),
    Column("employee_id", BigInteger, ForeignKey("employee.id", ondelete="SET NULL"), index=True),
    Column("kind", _STATE, nullable=False),
    Column("source", _STATE, nullable=False),  # smtp | dsn | arf | guess
    Column("status", String(20), nullable=False),  # "5.1.1" (RFC 3463), or "" when none was given
    Column("text", String(250), nullable=False),
)

click = Table(
    "click",
    metadata,
    _id(),
    Column("event", String(36), nullable=False, unique=True),  # makes a replayed spool harmless
    Column("at", Moment, nullable=False, index=True),
    Column("token", String(40), nullable=False),
    Column("edition_id", BigInteger, nullable=False),
    Column("employee_id", BigInteger),
    Column("group_key", String(220)),
    Column("n", Integer, nullable=False),
    Column("post_id", String(120), nullable=False),
    Column("kind", _STATE, nullable=False),  # read | share
    Column("network", String(20), nullable=False),  # "" for read and for the share page
    Column("signals", JSON, nullable=False),  # raw; never changed afterwards
    Column("source", String(64), nullable=False),  # day-salted hash
    Column("class", _STATE, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("rules_version", Integer, nullable=False),
    Index("ix_click_edition", "edition_id", "post_id"),
    Index("ix_click_employee", "employee_id", "source"),  # a visitor is asked for by both
)

visit = Table(
    "visit",
    metadata,
    _id(),
    Column("event", String(36), nullable=False, unique=True),
    Column("at", Moment, nullable=False, index=True),
    Column("slug", String(20), nullable=False),
    Column("signals", JSON, nullable=False),
    Column("visitor", String(64), nullable=False),  # day-salted hash of address, browser and slug
    Column("referrer_host", String(255), nullable=False),
    Column("country", String(2), nullable=False, server_default=""),  # from a local database; "" is unknown
    Column("click_id", String(16), unique=True),  # went with the visitor to a listed host
    Column("class", _STATE, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("rules_version", Integer, nullable=False),
    Index("ix_visit_slug_at", "slug", "at"),
)

short_link = Table(
    "short_link",
    metadata,
    Column("slug", String(20), primary_key=True),
    Column("owner", String(240), nullable=False),  # "employee:12" or "group:team:Quality"
    Column("edition_id", BigInteger, nullable=False),  # the edition that made it; the campaign
    Column("post_id", String(120), nullable=False),
    Column("network", String(20), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    UniqueConstraint("owner", "post_id", "network"),
)

link_change = Table(
    "link_change",
    metadata,
    Column("id", Integer, primary_key=True),  # one row
    Column("mark", BigInteger, nullable=False),  # drawn anew by SQLite's triggers with each change to what links are answered by
)

day_count = Table(
    "day_count",
    metadata,
    _id(),
    Column("day", String(10), nullable=False),  # UTC date; single events older than `keep_days` live on as these sums
    Column("kind", _STATE, nullable=False),  # read | share | visit
    Column("edition_id", BigInteger, nullable=False, index=True),
    Column("post_id", String(120), nullable=False),
    Column("channel", _STATE, nullable=False),  # employee | brand: whose post was followed
    Column("network", String(20), nullable=False),
    Column("country", String(2), nullable=False),
    Column("class", _STATE, nullable=False),
    Column("events", Integer, nullable=False),
    Column("counted", Integer, nullable=False),  # once for each person or visitor, as a report counts
    UniqueConstraint("day", "kind", "edition_id", "post_id", "channel", "network", "country", "class", name="uq_day_count_what"),
)

outcome = Table(
    "outcome",
    metadata,
    _id(),
    Column("key", String(128), nullable=False, unique=True),  # of the sender's own making: the same one twice is one outcome
    Column("at", Moment, nullable=False),  # when it was received
    Column("occurred_at", Moment, nullable=False),
    Column("event", String(60), nullable=False),  # what happened, in the words of [conversions]
    Column("grade", String(1), nullable=False),  # A | B | C: how well it is proven
    Column("click_id", String(16), nullable=False),  # "" when none came along
    Column("edition_id", BigInteger, index=True),
    Column("post_id", String(120), nullable=False),
    Column("network", String(20), nullable=False),
    Column("channel", _STATE, nullable=False),
    Column("owner", String(240), nullable=False),  # of the short link; "" once that person is erased
    Column("visitor_class", _STATE, nullable=False),  # of the visit it came from, at that time; "" without one
    Column("external_id", String(200), nullable=False),
    Column("value_minor", BigInteger),  # in the currency's smallest unit; NULL: no value was named
    Column("currency", String(3), nullable=False),
    Column("source", _STATE, nullable=False),  # api | csv
)

caption_use = Table(
    "caption_use",
    metadata,
    Column("edition_id", BigInteger, ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("network", String(20), primary_key=True),
    Column("caption", Integer, primary_key=True, autoincrement=False),  # its place in the post's list
    Column("uses", Integer, nullable=False),  # how often it was handed out
)

notice = Table(
    "notice",
    metadata,
    _id(),
    Column("employee_id", BigInteger, ForeignKey("employee.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", _STATE, nullable=False),  # which words: left, exported, ...
    Column("about", String(60), nullable=False, server_default=""),  # "contribution:12": one of a kind a day about each thing
    Column("facts", JSON, nullable=False),  # what the words name; never an address
    Column("state", _STATE, nullable=False),  # queued | sending | sent | failed | in_doubt
    Column("made_at", Moment, nullable=False),
    Column("next_attempt_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("dated_at", Moment),  # the first claim
    Column("settled_at", Moment),
    Column("text", String(250), nullable=False),  # the server's last words
    Index("ix_notice_due", "state", "next_attempt_at"),
)

suppression = Table(
    "suppression",
    metadata,
    _id(),
    Column("address_hash", String(64), nullable=False),
    Column("reason", String(30), nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment),  # NULL: until somebody lifts it
    Column("lifted_at", Moment),
    Index("ix_suppression_address_hash", "address_hash"),
)

key = Table(
    "key",
    metadata,
    Column("id", Integer, primary_key=True),  # the newest signs; all verify
    Column("purpose", String(30), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
)

day_salt = Table(
    "day_salt",
    metadata,
    Column("day", String(10), primary_key=True),  # UTC date; rows older than two days are destroyed
    Column("salt", LargeBinary, nullable=False),
)

consent_event = Table(
    "consent_event",
    metadata,
    _id(),
    Column("employee_id", BigInteger, ForeignKey("employee.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("switch", String(20), nullable=False),  # receive | measure | name | nominate | quote
    Column("value", Boolean, nullable=False),
    Column("wording", String(20), nullable=False),  # version of the words the person saw
    Column("how", _STATE, nullable=False, server_default=""),  # form | machine | mail_link | mail_program | told; "": not kept then
    Column("at", Moment, nullable=False),
)

capability = Table(
    "capability",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of what stands in the link
    Column("employee_id", BigInteger, ForeignKey("employee.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("purpose", _STATE, nullable=False),  # export | erase | history | confirm | agree | answer
    Column("subject", BigInteger),  # number of the contribution or letter it is about; NULL: the person
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
)

quota = Table(
    "quota",
    metadata,
    Column("what", String(20), primary_key=True),  # give | write | pass | confirm ...
    Column("who", String(64), primary_key=True),  # the hash of a person's number or of an address
    Column("day", String(10), primary_key=True),  # UTC date; older rows are deleted
    Column("used", Integer, nullable=False),
)

contribution = Table(
    "contribution",
    metadata,
    _id(),
    Column("key", String(128), nullable=False, unique=True),  # of the form or the message: the same one twice is one contribution
    Column("employee_id", BigInteger, ForeignKey("employee.id", ondelete="SET NULL"), index=True),
    Column("source", _STATE, nullable=False),  # form | reply | mail | command
    Column("state", _STATE, nullable=False, index=True),
    Column("kind", _STATE, nullable=False),  # article | story | event | job
    Column("title", Text, nullable=False),
    Column("url", Text, nullable=False),  # "": it is words alone
    Column("why", Text, nullable=False),  # why it matters, in the author's words: what the letter prints
    Column("body", Text, nullable=False),  # everything that was written
    Column("visibility", _STATE, nullable=False),
    Column("language", String(20), nullable=False),
    Column("networks", JSON, nullable=False),
    Column("captions", JSON, nullable=False),  # network -> [caption, ...]
    Column("facts", JSON, nullable=False),  # of its kind: starts_at, place, closes, refer, image, image_alt ...
    Column("edition_id", BigInteger),  # the letter it came out of; NULL: none
    Column("n", Integer),  # the post of that letter it answers
    Column("post_id", String(120), unique=True),  # once accepted: the post it becomes
    Column("version", Integer, nullable=False),  # counts every change: two moderators cannot overwrite one another
    Column("made_at", Moment, nullable=False),
    Column("proposed_at", Moment),  # confirmed by its author: the clock of the promise starts
    Column("decide_by", Moment),  # what the author was promised
    Column("decided_at", Moment),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),  # of a decline
    Column("agreed_version", Integer),  # the version the author last said yes to
    Column("thanked_at", Moment),  # the afterlife letter was written
)

contribution_edit = Table(
    "contribution_edit",
    metadata,
    _id(),
    Column("contribution_id", BigInteger, ForeignKey("contribution.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("version", Integer, nullable=False),  # the one it made
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", _STATE, nullable=False),  # facts | timing | legal
    Column("note", Text, nullable=False),
    Column("before", JSON, nullable=False),  # field -> what it was
    Column("after", JSON, nullable=False),
    UniqueConstraint("contribution_id", "version"),
)

question = Table(
    "question",
    metadata,
    _id(),
    Column("key", String(128), nullable=False, unique=True),
    Column("employee_id", BigInteger, ForeignKey("employee.id", ondelete="SET NULL"), index=True),  # who asked; never printed
    Column("kind", _STATE, nullable=False),  # question | suggestion | objection
    Column("state", _STATE, nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("language", String(20), nullable=False),
    Column("edition_id", BigInteger),  # the letter it came out of
    Column("post_id", String(120), nullable=False),  # what it is about; "" for nothing particular
    Column("asked_at", Moment, nullable=False),
    Column("wording", Text, nullable=False),  # what an edition prints in place of the asker's words; "" for none
    Column("owner", Text, nullable=False),  # who answers; "" while nobody does
    Column("answer", Text, nullable=False),
    Column("answered_at", Moment),
    Column("hard", Boolean, nullable=False),  # the hard question of a week
    Column("printed_in", BigInteger),  # the edition that showed the answer first
    Column("version", Integer, nullable=False),
)

reply = Table(
    "reply",
    metadata,
    _id(),
    Column("message_key", String(64), nullable=False, unique=True),  # SHA-256 of the Message-ID: one entry per reply
    Column("at", Moment, nullable=False),
    Column("employee_id", BigInteger, ForeignKey("employee.id", ondelete="SET NULL"), index=True),
    Column("edition_id", BigInteger),
    Column("state", _STATE, nullable=False),  # kept | skipped
    Column("reason", String(60), nullable=False),
    Column("contribution_id", BigInteger, ForeignKey("contribution.id", ondelete="SET NULL")),
    Column("question_id", BigInteger, ForeignKey("question.id", ondelete="SET NULL")),
)

vote = Table(
    "vote",
    metadata,
    _id(),
    Column("employee_id", BigInteger, ForeignKey("employee.id", ondelete="CASCADE"), nullable=False),
    Column("post_id", String(120), nullable=False, index=True),
    Column("edition_id", BigInteger, nullable=False, index=True),
    Column("reason", _STATE, nullable=False),  # too_salesy | not_my_field | disagree | not_comfortable | already
    Column("at", Moment, nullable=False),
    Column("class", _STATE, nullable=False),  # machine: a form that nobody read; it does not count
    UniqueConstraint("employee_id", "post_id"),
)

correspondence = Table(
    "correspondence",
    metadata,
    _id(),
    Column("key", String(128), nullable=False, unique=True),
    Column("post_id", String(120), nullable=False),
    Column("from_id", BigInteger, ForeignKey("employee.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("to_id", BigInteger, ForeignKey("employee.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("answers", BigInteger),  # the number of the letter this one answers
    Column("text", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("class", _STATE, nullable=False),
)

picture = Table(
    "picture",
    metadata,
    Column("name", String(64), primary_key=True),  # of its octets: another picture has another address, so it may be cached for ever
    Column("type", String(40), nullable=False),  # image/jpeg | image/png
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("internal", Boolean, nullable=False),  # of an internal post alone
    Column("made_at", Moment, nullable=False),
)

picture_source = Table(
    "picture_source",
    metadata,
    Column("source", String(64), primary_key=True),  # SHA-256 of the address or of the file's octets
    Column("picture", String(64)),  # NULL: it could not be had
    Column("problem", Text, nullable=False),
    Column("etag", String(200), nullable=False),
    Column("at", Moment, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(60), nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
