"""An invented edition with every kind of block, a reader's view for the slow way, and messages to fill in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import Any

from digest.domain.edition import EditionContent, EditionPost, FrozenAnswer, FrozenFigure, FrozenLesson
from digest.domain.employee import EmployeeId
from digest.domain.envelope import Envelope, Keys
from digest.domain.message import Message, MessageId, Pick
from digest.domain.post import Kind, Origin
from digest.mail.compile import Compiled
from digest.mail.fill import BOUNDARY, Fill, Filler, choices
from digest.mail.inline import Inliner, inline
from digest.mail.receipt import told
from digest.mail.templates import Page, job, render
from digest.mail.view import ReaderView

SHARE, CONTROL, UNSUBSCRIBE = "7k2m9x4c8v3q5t1n0", "m4q8z2w6r0h5d9k3c", "0" * 35 + "7"
NETWORKS = (("1", "linkedin", "LinkedIn"), ("2", "x", "X"), ("5", "bluesky", "Bluesky"), ("6", "mastodon", "Mastodon"))
KEYS = Keys(control=b"c" * 32, unsubscribe_id=2, unsubscribe=b"u" * 32, message_id=b"m" * 32)
ENVELOPE = Envelope(
    from_name="Mara at Osterglen",
    from_address="letter@osterglen.example",
    reply_to="mara@osterglen.example",
    list_name="The Osterglen Letter",
    list_id="digest.osterglen.example",
    message_id_domain="osterglen.example",
)


def colleague(n: int, **changes: Any) -> EditionPost:
    """A colleague's post."""
    post = EditionPost(
        n=n,
        id=f"colleague-{n}",
        origin=Origin.COLLEAGUE,
        kind=Kind.STORY,
        internal=False,
        title="The bakery that returned our ovens",
        why="Three bakers sent the same oven back within a week. I flew there to argue, and came home with a list of what we had never tried.",
        url=f"https://osterglen.example/stories/{n}?from=letter&part=a",
        minutes=3,
        author="Tomasz Wilk",
        author_team="service",
        author_place="PL",
        author_id=n,
        topics=("repair",),
    )
    return replace(post, **changes)


def curated(n: int, **changes: Any) -> EditionPost:
    """A post by the comms team."""
    post = EditionPost(
        n=n,
        id=f"curated-{n}",
        origin=Origin.CURATED,
        kind=Kind.ARTICLE,
        internal=False,
        title="What a kilowatt hour of bread costs",
        why="For anyone who bakes for a living: measured in eleven bakeries, with the two where our oven was the worse choice.",
        url=f"https://osterglen.example/blog/{n}",
        minutes=4,
        topics=("energy", "food trade"),
        ends=date(2026, 12, 6),
        questions=("Which oven would you keep?",),
    )
    return replace(post, **changes)


def inside(n: int, **changes: Any) -> EditionPost:
    """An internal post."""
    post = EditionPost(
        n=n,
        id=f"inside-{n}",
        origin=Origin.CURATED,
        kind=Kind.ARTICLE,
        internal=True,
        title="One decision, explained: no showroom in Lyon",
        why="Bakers there told us they would rather have a technician within two hours. So we hire two, and rent nothing.",
        url=None,
        author_team="Sales",
        topics=("strategy",),
    )
    return replace(post, **changes)


def _figure(name: str, value: str, before: str, *, rising: bool, you_can: str, meaning: str = "") -> FrozenFigure:
    return FrozenFigure(name=name, value=value, before=before, good="up", rising=rising, meaning=meaning, you_can=you_can)


def edition(**changes: Any) -> EditionContent:
    """An edition with everything in it."""
    posts = (
        colleague(1),
        colleague(
            2,
            title="Nine hundred lines I deleted",
            why="The controller now starts in four seconds instead of forty. Ask me which part I was proud of, and which part was in the way.",
            author="Meera Joshi",
            author_team="firmware",
            author_place="IN",
            minutes=4,
            topics=("firmware", "repair"),
        ),
        colleague(
            3,
            title="Wer hat den Teig bewegt?",
            why="Ein Geselle hat unseren Fühler mit einem Löffel überlistet. Der Löffel liegt jetzt auf meinem Schreibtisch.",
            author="",
            author_team="Entwicklung",
            author_place="",
            language="de",
            minutes=2,
        ),
        curated(4),
        curated(
            5,
            kind=Kind.EVENT,
            title="An evening at the test bakery",
            why="Bring a friend who bakes. Ours is the only oven in the room that you may open while it runs.",
            starts_at="2026-12-03T18:30:00+01:00",
            place="Porto",
            ends=None,
            minutes=None,
            questions=(),
        ),
        curated(
            6,
            kind=Kind.JOB,
            title="A technician for Lyon, two of them",
            why="You know more people who can mend things than we do.",
            closes=date(2026, 12, 15),
            refer="jobs@osterglen.example",
            place="Lyon",
            ends=None,
            minutes=None,
            questions=(),
        ),
        inside(7),
        inside(
            8,
            title="Where the new line stands",
            why="Two weeks behind, and the reason is a hinge.",
            url="https://intranet.osterglen.example/line",
            minutes=2,
            author="Katrin Aydin",
            author_id=9,
        ),
    )
    content = EditionContent(
        period="2026-W48",
        number=48,
        day=date(2026, 11, 24),
        site_name="The Osterglen Letter",
        site_url="https://letter.osterglen.example",
        company="Osterglen Ovens",
        address="4 Kiln Row, 00000 Sampleton",
        policy_url="https://osterglen.example/sharing",
        reply_to="mara@osterglen.example",
        subject=None,
        note="Two of this week's stories begin with something we got wrong. I would rather send you those than another launch.",
        signed="Mara, communications",
        ask="What did a baker teach you this month?",
        disclosure="I work at Osterglen",
        keep_days=90,
        tracking="individual",
        networks=NETWORKS,
        posts=posts,
        figures=(
            _figure("Orders on time", "91%", "88%", rising=True, you_can="Tell planning the same day when a date slips."),
            _figure("Repair time", "11 days", "9 days", rising=True, meaning="Porto is one person short.", you_can="A full fault sheet saves a day."),
            _figure("Open roles", "14", "17", rising=False, you_can="Five are in Pune. Send us names."),
        ),
        answers=(
            FrozenAnswer(
                question="Why do spare parts need two signatures?",
                owner="Pieter, finance",
                answer="They no longer do. One is enough below €500 from 1\u00a0December.",
                days=6,
            ),
            FrozenAnswer(question="Can Nairobi keep its own parts?", owner="Katrin, operations", answer="", days=34),
        ),
        lesson=FrozenLesson(
            id="say-where",
            rule="Say where you work, in the post itself.",
            example="“I build these ovens at Osterglen” takes six words. A line in your profile does not do it.",
            question="Is #ee enough?",
            choices=("Yes", "No"),
        ),
        browser_token="q8d2k6x0b4n7v9s3t",
    )
    return replace(content, **changes)


def message(**changes: Any) -> Message:
    """A message to Ana with three colleagues' posts, one curated and one internal post."""
    made = Message(
        id=MessageId(17),
        edition=1,
        period="2026-W48",
        employee=EmployeeId(7),
        address="ana@osterglen.example",
        name="Ana Sousa",
        language="en",
        picks=(Pick(n=1, because="topic:repair"), Pick(n=2), Pick(n=3, because="team"), Pick(n=4, because="topic:energy"), Pick(n=7)),
        spares=(Pick(n=5),),
        networks=("1",),
        share_token=SHARE,
        due_at=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        attempts=0,
        dated_at=datetime(2026, 11, 24, 8, 0, 5, tzinfo=UTC),
    )
    return replace(made, **changes)


def person(**changes: Any) -> Fill:
    """What Ana's message is filled in with."""
    ana = message()
    fill = Fill(picks=ana.picks, networks=ana.networks, name="Ana", share=SHARE, control=CONTROL, unsubscribe=UNSUBSCRIBE)
    return replace(fill, **changes)


def slow_page(
    content: EditionContent,
    compiled: Compiled,
    fill: Fill,
    *,
    inliner: Inliner = inline,
    site: Path | None = None,
) -> Page:
    """The page of this person alone, rendered and inlined for nobody else."""
    slots = {"share": fill.share, "control": fill.control, "unsubscribe": fill.unsubscribe, "name": fill.name, "subject": ""}
    slots |= told(compiled.language, fill.tally).texts
    chosen = choices(compiled, fill)
    view = ReaderView(chosen)
    page = render(job(content, compiled.language, site=site), (view, view), slots, chosen["minutes"])
    return replace(page, html=inliner(page.html))


def html_of(compiled: Compiled, fill: Fill) -> str:
    """The page that a person gets, decoded."""
    head = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'.encode("ascii")
    body = message_from_bytes(head + Filler(compiled).fill(fill).body, policy=default).get_body(("html",))
    return "" if body is None else str(body.get_content()).replace("\r\n", "\n")


def slow_message(page: Page, subject: str) -> bytes:
    """The same page as the standard library would build it."""
    made = EmailMessage(policy=SMTP.clone(max_line_length=998, cte_type="7bit"))
    made["From"] = "Mara at Osterglen <letter@osterglen.example>"
    made["To"] = "Ana Sousa <ana@osterglen.example>"
    made["Subject"] = subject
    made.set_content(page.text, cte="quoted-printable")
    made.add_alternative(page.html, subtype="html", cte="quoted-printable")
    return made.as_bytes()
