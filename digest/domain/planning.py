"""What an edition carries: the queue as of one day, frozen into words that nothing changes later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from functools import partial

from digest.domain.brand import Brand
from digest.domain.calendar import parse_period
from digest.domain.edition import EditionContent, EditionPost, FrozenAnswer, FrozenFigure, FrozenLesson
from digest.domain.employee import Byline, Employee
from digest.domain.link import MAX_NUMBER
from digest.domain.occasion import is_closed
from digest.domain.post import Answer, EditionWords, Figure, Lesson, Origin, Post, Queue, Visibility
from digest.domain.prose import plain
from digest.domain.words import count_words, pace, reading_minutes

_OVERDUE_DAYS = 28  # an open question older than this is named with its owner
_FIGURES = 3  # that make the block
_NEWS_DAYS = 7  # an answer is news for one edition


@dataclass(frozen=True, kw_only=True)
class Words:
    """What the configuration says in every edition."""

    site_name: str
    site_url: str
    company: str
    address: str
    policy_url: str
    reply_to: str
    disclosure: str
    keep_days: int
    tracking: str
    networks: tuple[tuple[str, str, str], ...]
    honeypot: bool = False
    brand: Brand = field(default_factory=Brand)
    zone: tzinfo = UTC  # of the organisation: its days begin there
    first: datetime | None = None  # when the first letter is due: what is not public by then stays inside in all of them


def freeze_edition(
    queue: Queue,
    authors: Mapping[str, Employee],
    words: Words,
    *,
    period: str,
    day: date,
    seen: frozenset[str],
    browser_token: str,
) -> EditionContent:
    """The edition of `period`, due on `day`.

    `authors`: address in lower case -> employee. `seen`: ids of posts that earlier editions carried.
    """
    said = _words_of(queue.editions, period)
    posts = [post for post in queue.posts if _open(post, day)]
    return EditionContent(
        period=period,
        number=parse_period(period)[1],
        day=day,
        site_name=words.site_name,
        site_url=words.site_url,
        company=words.company,
        address=words.address,
        policy_url=words.policy_url,
        reply_to=words.reply_to,
        subject=said.subject,
        note=said.note,
        signed=said.signed,
        ask=said.ask,
        disclosure=words.disclosure,
        keep_days=words.keep_days,
        honeypot=words.honeypot,
        tracking=words.tracking,
        networks=words.networks,
        posts=_numbered(posts, authors, seen, partial(_stays, day=day, words=words), words.zone),
        figures=_figures(queue.figures, day),
        answers=_answers(queue.answers, day),
        lesson=_lesson(queue.lessons, period),
        browser_token=browser_token,
        language=said.language,
        translations=said.translations,
        brand=words.brand,
    )


def _words_of(editions: Sequence[EditionWords], period: str) -> EditionWords:
    """Words for this very week first, then words for any week."""
    for said in [*[e for e in editions if e.week == period], *[e for e in editions if e.week is None]]:
        return said
    return EditionWords()


def _open(post: Post, day: date) -> bool:
    """True while the post's window is open and what it speaks of is not over."""
    if (post.starts and day < post.starts) or (post.ends and day > post.ends):
        return False
    if post.starts_at and date.fromisoformat((post.ends_at or post.starts_at)[:10]) < day:
        return False
    return not is_closed(post.closes, day)


def _stays(post: Post, *, day: date, words: Words) -> bool:
    return post.internal_on(day) if words.first is None else post.internal_at(words.first, words.zone)


def _numbered(
    posts: Sequence[Post], authors: Mapping[str, Employee], seen: frozenset[str], stays: Callable[[Post], bool], zone: tzinfo
) -> tuple[EditionPost, ...]:
    """Colleagues' posts take the first numbers; inside a group the queue's order stays. `stays`: whether a post is inside."""
    ordered = sorted(posts, key=lambda post: (stays(post), post.origin is Origin.CURATED))[:MAX_NUMBER]
    return tuple(_freeze_post(n, post, authors, seen, internal=stays(post), opens=post.opens(zone)) for n, post in enumerate(ordered, start=1))


def _freeze_post(n: int, post: Post, authors: Mapping[str, Employee], seen: frozenset[str], *, internal: bool, opens: datetime | None) -> EditionPost:
    author = authors.get(post.by or "")
    by = author.byline(agreed=post.named) if author else Byline()
    return EditionPost(
        n=n,
        id=post.id,
        origin=post.origin,
        kind=post.kind,
        internal=internal,
        title=post.title,
        why=post.why,
        url=post.url,
        minutes=post.minutes or (reading_minutes(count_words(plain(post.why)), pace(post.language)) if post.url is None else None),
        language=post.language,
        author=by.name,
        author_team=by.team,
        author_place=by.place,
        author_id=author.id if author else None,
        topics=post.topics,
        ends=post.ends,
        questions=post.questions,
        captions=post.captions,
        place=post.place,
        starts_at=post.starts_at,
        ends_at=post.ends_at,
        closes=post.closes,
        refer=post.refer,
        only=post.only,
        translations=post.translations,
        image=post.image or "",
        image_alt=post.image_alt,
        fresh=post.id not in seen,
        opens=opens.astimezone(UTC).isoformat() if opens and post.visibility is Visibility.PUBLIC else "",
    )


def _figures(figures: Sequence[Figure], day: date) -> tuple[FrozenFigure, ...]:
    """Exactly three complete figures, or none at all: in a quiet period the whole block is silent."""
    speaking = _speaking(figures, day)
    return () if figures_withheld(figures, day) else tuple(_freeze_figure(figure) for figure in speaking[:_FIGURES])


def figures_withheld(figures: Sequence[Figure], day: date) -> str:
    """Why "how we are doing" is not in the edition of `day`; "" when it is, or when there are no figures."""
    quiet = [f for f in figures if _is_quiet(f, day)]
    speaking = _speaking(figures, day)
    if not figures or len(speaking) >= _FIGURES:
        return ""
    if quiet:
        until = max(f.quiet_until for f in quiet if f.quiet_until)
        return f"it is a quiet period until {until}"
    return f"{len(speaking)} of its figures have a value, a comparison and both sentences, and it needs {_FIGURES}"


def _speaking(figures: Sequence[Figure], day: date) -> list[Figure]:
    return [f for f in figures if all((f.name, f.value, f.before, f.meaning, f.you_can)) and not _is_quiet(f, day)]


def _is_quiet(figure: Figure, day: date) -> bool:
    return bool(figure.quiet_from and figure.quiet_until and figure.quiet_from <= day < figure.quiet_until)


def _freeze_figure(figure: Figure) -> FrozenFigure:
    before, value = _number(figure.before), _number(figure.value)
    rising = None if before is None or value is None or before == value else value > before
    unit = f"{'' if figure.unit in {'%', '‰'} else ' '}{figure.unit}" if figure.unit else ""
    return FrozenFigure(
        name=figure.name,
        value=f"{figure.value}{unit}",
        before=f"{figure.before}{unit}",
        good=figure.good,
        rising=rising,
        meaning=figure.meaning,
        you_can=figure.you_can,
    )


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "").rstrip("%"))
    except ValueError:
        return None


def _answers(answers: Sequence[Answer], day: date) -> tuple[FrozenAnswer, ...]:
    """News of the last week, the hard question, and everything open for more than 28 days, with its owner."""
    found = []
    for entry in answers:
        news = entry.answered is not None and 0 <= (day - entry.answered).days <= _NEWS_DAYS
        overdue = entry.answered is None and not entry.answer and (day - entry.asked).days > _OVERDUE_DAYS
        undated = entry.answered is None and bool(entry.answer)
        if news or overdue or undated or entry.hard:
            end = entry.answered or day
            found.append(
                FrozenAnswer(question=entry.question, owner=entry.owner, answer=entry.answer, days=(end - entry.asked).days, hard=entry.hard)
            )
    return tuple(sorted(found, key=lambda answer: (not answer.hard, not answer.answer)))


def _lesson(lessons: Sequence[Lesson], period: str) -> FrozenLesson | None:
    """Plain rotation: the weeks walk through the lessons in the queue's order."""
    if not lessons:
        return None
    year, week = parse_period(period)
    lesson = lessons[(year * 53 + week) % len(lessons)]
    return FrozenLesson(id=lesson.id, rule=lesson.rule, example=lesson.example, question=lesson.question, choices=lesson.choices)
