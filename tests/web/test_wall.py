"""The wall: whatever is internal, and until whenever, none of its words leaves by a subject, a preheader, a page, a caption or a redirect."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from digest.db.schema import edition, edition_post, message, post, token
from digest.db.session import open_database, write
from digest.domain.edition import EditionContent
from digest.domain.frozen import freeze
from digest.domain.message import Pick
from digest.domain.planning import Words, freeze_edition
from digest.domain.post import EditionWords, Figure, Post, PostId, Queue, Visibility
from digest.mail.budget import Choice, Meter
from digest.mail.compile import compile_edition, load_compiled
from digest.pipeline import queue as stage
from tests.conftest import NOW
from tests.linked import ANA, BROWSER_TOKEN, CONTENT, Linked, read_link, share_link

SECOND = timedelta(seconds=1)
WALLS = st.sampled_from(["public", "internal", -3600, -1, 0, 1, 3600, 90_000])  # seconds from the first letter to `public_from`
FIGURES = tuple(Figure(name=f"Figurename{n}", value=f"{n}11.5", before=f"{n}22.5", meaning=f"Meaning{n}", you_can=f"Cando{n}") for n in range(3))


def made(n: int, wall: str | int) -> Post:
    """A post whose every word is its own."""
    values: dict[str, Any] = {"title": f"Title{n}secret", "why": f"Why{n}secret. More{n}secret.", "place": f"Place{n}secret"}
    values |= {"questions": (f"Ask{n}secret?",), "captions": {} if wall == "internal" else {"linkedin": (f"Caption{n}secret",)}}
    values |= {"public_from": NOW + wall * SECOND} if isinstance(wall, int) else {}
    values |= {"visibility": Visibility.INTERNAL} if wall == "internal" else {}
    return Post(id=PostId(f"id{n}secret"), url=f"https://example.com/url{n}secret", **values)


def frozen(walls: list[str | int], subject: str | None) -> EditionContent:
    words = Words(
        **{name: getattr(CONTENT, name) for name in ("site_name", "site_url", "company", "address", "policy_url", "reply_to", "disclosure")},
        **{name: getattr(CONTENT, name) for name in ("keep_days", "tracking", "networks")},
        first=NOW,
    )
    queue = Queue(posts=tuple(made(n, wall) for n, wall in enumerate(walls)), figures=FIGURES, editions=(EditionWords(subject=subject),))
    return freeze_edition(queue, {}, words, period="2026-W48", day=NOW.date(), seen=frozenset(), browser_token=BROWSER_TOKEN)


def secrets(content: EditionContent, now: datetime) -> set[str]:
    """What must not be seen outside at that moment."""
    hidden = {one.id.removeprefix("id") for one in content.posts if one.internal or (one.opens and now < datetime.fromisoformat(one.opens))}
    return hidden | {f"{what}{n}" for n in range(3) for what in ("Figurename", "Meaning", "Cando")} | {f"{n}11.5" for n in range(3)}


@settings(max_examples=25, deadline=None)
@given(st.lists(WALLS, min_size=1, max_size=5), st.booleans(), st.data())
def test_no_subject_or_preheader_has_an_internal_word(walls: list[str | int], titled: bool, data: st.DataObject) -> None:
    content = frozen(walls, "A subject" if titled else None)
    meter = Meter(content, load_compiled(compile_edition(content, "en", inliner=lambda page: page)))
    numbers = [one.n for one in content.posts]
    for chosen in (*([n] for n in numbers), data.draw(st.lists(st.sampled_from(numbers), unique=True))):
        letter = meter.letter(Choice(picks=tuple(Pick(n=n) for n in sorted(chosen)), networks="12"), "typical")
        for word in secrets(content, NOW):
            assert word not in letter.subject
            assert word not in letter.preheader


def linked(folder: Path, template: Path, content: EditionContent) -> Linked:
    """The application over this edition; everybody has every post."""
    path = folder / "wall.db"
    shutil.copy(template, path)
    found = Linked(open_database(f"sqlite:///{path}"))
    with write(found.engine) as connection:
        connection.execute(delete(edition_post))
        connection.execute(delete(post))
        connection.execute(update(edition).values(content=freeze(content)))
        stage.store_posts(connection, content, NOW)
        rows = [{"edition_id": found.edition, "n": one.n, "post_id": one.id, "internal": one.internal} for one in content.posts]
        connection.execute(insert(edition_post), rows)
        numbers = [one.n for one in content.posts]
        connection.execute(update(message).values(picks=[[n, ""] for n in numbers]))
        connection.execute(update(token).where(token.c.token == ANA).values(numbers=numbers))
    return found


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WALLS, min_size=1, max_size=4), st.sampled_from([-2, -1, 0, 1, 2, 3599, 3600, 100_000]))
def test_no_page_and_no_redirect_has_an_internal_word(sqlite_template: Path, tmp_path: Path, walls: list[str | int], later: int) -> None:
    content = frozen(walls, None)
    found = linked(tmp_path, sqlite_template, content)
    found.now = NOW + later * SECOND
    hidden = secrets(content, found.now)
    with found.client() as web:
        asked: list[Any] = [web.get(f"/w/{BROWSER_TOKEN}")]
        asked += [web.get(share_link(ANA, one.n, letter)) for one in content.posts for letter in "012"]
        asked += [
            web.get(read_link(ANA, one.n), follow_redirects=False)
            for one in content.posts
            if not one.internal and one.id.removeprefix("id") not in hidden
        ]
        asked += [web.get(link) for link in [f"/l/{row['slug']}" for row in found.short_links()]]
        for page in asked:
            seen = page.text + str(page.headers)
            assert not {word for word in hidden if word in seen}, page.request.url
        counted = {click["post_id"] for click in found.clicks() if click["kind"] == "share"}
        assert not {one for one in counted if one.removeprefix("id") in hidden}, "nothing of it is counted"
        assert not {row["post_id"] for row in found.short_links() if row["post_id"].removeprefix("id") in hidden}
    found.engine.dispose()


def test_the_share_link_of_an_embargo_opens_at_its_second(sqlite_template: Path, tmp_path: Path) -> None:
    content = frozen([0], None)
    opens = replace(content, posts=(replace(content.posts[0], opens=(NOW + 60 * SECOND).isoformat()),))
    found = linked(tmp_path, sqlite_template, opens)
    statuses = []
    with found.client() as web:
        for later in (59, 60, 61):
            found.now = NOW + later * SECOND
            statuses.append((web.get(share_link(ANA, 1, "1")).status_code, web.get(f"/w/{BROWSER_TOKEN}").text.count("Title0secret")))
    assert [status for status, _ in statuses] == [403, 302, 302]
    assert [bool(count) for _, count in statuses] == [False, True, True]
    found.engine.dispose()
