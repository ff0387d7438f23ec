"""The queue's stage: what is known of authors, networks and limits comes together here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

import digest
from digest.db.schema import post
from digest.db.session import read, write
from digest.domain.edition import EditionContent, EditionPost
from digest.domain.post import Kind, Origin
from digest.errors import FileProblemsError
from digest.pipeline import queue
from tests.conftest import NOW
from tests.factories import company, person

SAMPLE = Path(digest.__file__).parent / "sample"


def test_the_bundled_company_has_no_problems_and_no_dates_that_go_stale() -> None:
    checked = queue.check(SAMPLE / "queue.toml", people=queue.authors_in(SAMPLE / "roster.csv"))
    assert (checked.problems, len(checked.queue.posts), checked.colleagues, checked.internal) == ((), 10, 7, 2)
    assert {post.kind for post in checked.queue.posts} == set(Kind)
    assert (len(checked.queue.figures), len(checked.queue.answers), len(checked.queue.lessons)) == (3, 2, 2)
    assert [post.id for post in checked.queue.posts if post.starts or post.ends or post.public_from] == []
    assert checked.queue.editions[0].week is None


def test_the_starter_has_no_problems_and_shows_every_key() -> None:
    path = SAMPLE / "starter" / "queue.toml"
    assert queue.load(path, people=queue.authors_in(SAMPLE / "starter" / "roster.csv")).posts
    commented = path.read_text(encoding="utf-8")
    for noun in ("Post", "Figure", "Answer", "Lesson", "EditionWords"):
        fields = getattr(__import__("digest.domain.post", fromlist=[noun]), noun).__dataclass_fields__
        assert [name for name in fields if name not in commented] == []


def test_captions_are_counted_as_their_network_counts_beside_link_and_disclosure(tmp_path: Path) -> None:
    path = tmp_path / "queue.toml"
    text = '[[post]]\ntitle = "a"\nwhy = "b"\nurl = "https://example.com"\n[post.captions]\nx = ["{}"]\nmyspace = ["a"]\n'
    path.write_text(text.format("w" * 250), encoding="utf-8")
    assert [str(p).split(": ", 1)[1][:32] for p in queue.check(path, people=None).problems] == ["found myspace, no such network; "]
    assert "as x counts them" in str(queue.check(path, people=None, disclosure="I work at Example.").problems[0])


def test_a_queue_with_problems_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "queue.toml"
    path.write_text("[[post]]\n", encoding="utf-8")
    with pytest.raises(FileProblemsError) as caught:
        queue.load(path, people=None)
    assert len(caught.value.problems) == 3


def test_authors_are_everybody_on_the_roster_or_unknown_while_it_is_empty(engine: Engine, tmp_path: Path) -> None:
    assert queue.authors(engine) is None
    company(engine, tmp_path, [person("Ana@example.org"), person("ben@example.org", left_at=NOW)])
    assert queue.authors(engine) == frozenset({"ana@example.org", "ben@example.org"})


def test_a_roster_with_problems_names_no_authors(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("name\n", encoding="utf-8")
    with pytest.raises(FileProblemsError, match="found no column address"):
        queue.authors_in(path)


def test_stored_posts_follow_the_queue(engine: Engine) -> None:
    def store(url: str, *, internal: bool) -> None:
        said = EditionPost(n=1, id="a", origin=Origin.CURATED, kind=Kind.ARTICLE, internal=internal, title="A", why="b", url=url)
        with write(engine) as connection:
            queue.store_posts(connection, _content(said), NOW)

    store("https://example.com/old", internal=True)
    store("https://example.com/new", internal=False)
    with read(engine) as connection:
        rows = connection.execute(select(post.c.id, post.c.url, post.c.visibility, post.c.recalled)).all()
    assert [tuple(row) for row in rows] == [("a", "https://example.com/new", "public", None)]


def _content(said: EditionPost) -> EditionContent:
    names = ("site_name", "company", "address", "policy_url", "reply_to", "note", "signed", "ask", "disclosure")
    words: dict[str, Any] = dict.fromkeys(names, "")
    return EditionContent(
        period="2026-W48",
        number=48,
        day=NOW.date(),
        site_url="https://example.com",
        subject=None,
        keep_days=90,
        tracking="individual",
        networks=(),
        posts=(said,),
        **words,
    )
