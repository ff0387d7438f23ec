"""Feeds and pages become drafts: from a real server, into a real file that people edit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from digest.db.schema import post
from digest.db.session import write
from digest.errors import FileProblemsError, UnreadableFileError
from digest.files import drafts as written
from digest.files.drafts import Draft
from digest.files.feeds import read_feed
from digest.net.refusals import InsideError
from digest.pipeline import drafts, queue
from tests.conftest import NOW
from tests.site import Site, answer

HAND_WRITTEN = """\
# Mara keeps this file. Do not tidy it.

[[post]]   # the one about sensors
title = "The cold room"
url = "https://news.example/cold-room?utm_source=letter"
why = "It lied to us."

# the end
"""
PAGE = b"""<!doctype html><html lang="de"><head><title>Ohne Bild</title>
<link rel="canonical" href="/batteries"><meta property="og:title" content="What &quot;40,000&quot; batteries \\ taught us">
<meta name="description" content="Three things we got wrong."><meta property="og:image" content="https://news.example/b.jpg">
<meta property="og:image:alt" content="A pile"></head><body></body></html>"""


def item(n: int, url: str = "") -> str:
    day = f"Tue, {n:02} Nov 2026 10:00:00 GMT"
    address = url or f"https://news.example/{n}?utm_medium=rss&amp;id={n}"
    says = f"&lt;b&gt;Bold&lt;/b&gt; {n}"
    return f"<item><title>News {n} &amp; more</title><link>{address}</link><description>{says}</description><pubDate>{day}</pubDate></item>"


def feed(*items: str) -> bytes:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><language>en-gb</language>{"".join(items)}</channel></rss>'.encode()


@pytest.fixture
def site() -> Iterator[Site]:
    pages = {"/b": answer(PAGE), "/feed": answer(feed(*map(item, range(1, 8))), kind="application/rss+xml")}
    with Site(pages) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "queue.toml"
    path.write_text(HAND_WRITTEN, encoding="utf-8")
    return path


def nothing() -> frozenset[str]:
    return frozenset()


def test_a_page_becomes_a_draft_and_what_stood_there_stays_to_the_letter(site: Site, file: Path) -> None:
    done = drafts.from_page(site.url("/b"), file, nothing, NOW, way=site.way())
    text = file.read_text(encoding="utf-8")
    assert text.startswith(HAND_WRITTEN)
    checked = queue.check(file, people=None)
    assert checked.problems == ()
    [draft] = checked.queue.drafts
    assert (draft.title, draft.language, draft.image_alt) == ('What "40,000" batteries \\ taught us', "de", "A pile")
    assert draft.url == site.url("/batteries")
    assert "# They say: Three things we got wrong." in text
    assert len(done.written) == 1


def test_a_draft_is_never_planned_until_somebody_says_why(site: Site, file: Path) -> None:
    drafts.from_page(site.url("/b"), file, nothing, NOW, way=site.way())
    assert [one.title for one in queue.load(file, people=None).posts] == ["The cold room"]
    said = file.read_text(encoding="utf-8").replace('# why = ""', 'why = "We were wrong three times."')
    file.write_text("\n".join(line for line in said.splitlines() if not line.startswith("draft")), encoding="utf-8")
    assert len(queue.load(file, people=None).posts) == 2


def test_a_feed_gives_its_newest_that_are_new_here(site: Site, file: Path) -> None:
    had = queue.load(file, people=None)
    site.pages["/feed"] = answer(feed(*map(item, range(1, 8)), item(9, "https://news.example/cold-room")), kind="application/rss+xml")
    done = drafts.from_feed(site.url("/feed"), file, lambda: drafts.addresses(had, None), NOW, most=3, way=site.way())
    assert [draft.title for draft in done.written] == ["News 7 & more", "News 6 & more", "News 5 & more"]
    assert done.written[0].url == "https://news.example/7?id=7"
    assert (done.known, done.more) == (1, 4)
    again = drafts.from_feed(site.url("/feed"), file, lambda: drafts.addresses(queue.load(file, people=None), None), NOW, most=9, way=site.way())
    assert [draft.title for draft in again.written] == [f"News {n} & more" for n in (4, 3, 2, 1)]
    assert queue.check(file, people=None).problems == ()


def test_what_an_edition_carried_before_is_not_drafted_again(engine: Engine, site: Site, file: Path) -> None:
    row = {"id": "x", "title": "X", "origin": "curated", "visibility": "public", "author_id": None, "recalled": None, "first_seen_at": NOW}
    with write(engine) as connection:
        connection.execute(insert(post).values(**row, url="https://news.example/3?id=3"))
    had = queue.load(file, people=None)
    done = drafts.from_feed(site.url("/feed"), file, lambda: drafts.addresses(had, engine), NOW, most=20, way=site.way())
    assert (len(done.written), done.known) == (6, 1)


def test_no_page_can_lead_inside(file: Path) -> None:
    with pytest.raises(InsideError):
        drafts.from_page("http://127.0.0.1:80/", file, nothing, NOW)
    assert file.read_text(encoding="utf-8") == HAND_WRITTEN


def test_a_queue_that_is_broken_is_named_and_not_written(file: Path) -> None:
    file.write_text("[[post]\n", encoding="utf-8")
    with pytest.raises(FileProblemsError, match="not whole"):
        written.append(file, [Draft(title="A", url="https://a.example/")], NOW.date())
    assert file.read_text(encoding="utf-8") == "[[post]\n"


def test_a_folder_of_queues_gets_a_file_of_drafts(tmp_path: Path) -> None:
    made = written.append(tmp_path, [Draft(title="A", url="https://a.example/")], NOW.date())
    assert made == tmp_path / "drafts.toml"
    assert len(queue.load(tmp_path, people=None).drafts) == 1


def test_line_ends_and_a_missing_last_one_are_kept(file: Path) -> None:
    file.write_bytes(b'[[post]]\r\ntitle = "A"\r\nurl = "https://a.example/"\r\nwhy = "b"')
    written.append(file, [Draft(title="B", url="https://b.example/")], NOW.date())
    raw = file.read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert (len(queue.load(file, people=None).posts), len(queue.load(file, people=None).drafts)) == (1, 1)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError):
        written.append(tmp_path / "no" / "queue.toml", [Draft(title="A", url="https://a.example/")], NOW.date())


@pytest.mark.parametrize("by_rename", [True, False])
def test_an_editor_that_saves_at_the_same_moment_loses_nothing(file: Path, by_rename: bool) -> None:
    """As most editors save, by a new file under the old name; and as some do, into the file itself."""
    stop = threading.Event()
    typed = HAND_WRITTEN + "# typed meanwhile\n"

    def edit() -> None:
        turn = 0
        while not stop.is_set() and turn < 200:
            turn += 1
            if by_rename:
                new = file.with_suffix(".new")
                new.write_text(f"{typed}# {turn}\n", encoding="utf-8")
                new.replace(file)
            else:
                file.write_text(f"{typed}# {turn}\n", encoding="utf-8")

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        for n in range(20):
            try:
                written.append(file, [Draft(title=f"Draft {n}", url=f"https://a.example/{n}")], NOW.date())
            except (UnreadableFileError, FileProblemsError):
                continue  # said, and to be tried again
    finally:
        stop.set()
        editor.join()
    assert file.read_text(encoding="utf-8").startswith(typed), "what a person typed stands there whole"


@given(st.builds(Draft, title=st.text(min_size=1), url=st.just("https://a.example/"), they_say=st.text(), image_alt=st.text(), source=st.text()))
def test_whatever_a_page_says_the_queue_stays_whole(tmp_path_factory: pytest.TempPathFactory, draft: Draft) -> None:
    file = tmp_path_factory.mktemp("q") / "queue.toml"
    file.write_text(HAND_WRITTEN, encoding="utf-8")
    written.append(file, [draft], NOW.date())
    assert len(queue.check(file, people=None).queue.posts) == 1


@given(st.binary(max_size=3000))
def test_no_octets_break_the_reading_of_a_feed(data: bytes) -> None:
    assert all(entry.url.startswith("http") for entry in read_feed(b"<rss><channel>" + data, "https://a.example/"))


def test_a_feed_that_names_itself_a_thousand_times_over_costs_nothing() -> None:
    bomb = b'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">' % (c + 1, *[c] * 8) for c in range(97, 117)
    )
    found = read_feed(
        b"<?xml version='1.0'?>" + bomb + b"]><rss><channel><item><title>&u;</title><link>https://a.example/</link></item></channel></rss>", ""
    )
    assert all(len(entry.title) <= 300 for entry in found)
