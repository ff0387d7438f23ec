"""The content queue: what is read, and every problem at its place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pytest

from digest.domain.post import Audience, Kind, Origin, Queue, Visibility
from digest.errors import UnreadableFileError
from digest.files import addresses, checks
from digest.files.content_queue import read_queue
from digest.files.places import Places

NETWORKS = frozenset({"linkedin", "x", "bluesky"})
POST = '[[post]]\ntitle = "A title"\nwhy = "Because."\nurl = "https://example.com/a"\n'

Write = Callable[..., Path]


def caption_problem(network: str, caption: str) -> str | None:
    return f"found {len(caption)} characters, {network} allowed 10" if len(caption) > 10 else None


def read(path: Path, people: frozenset[str] | None = None) -> tuple[Queue, list[str]]:
    queue, problems = read_queue(path, people=people, caption_problem=caption_problem, networks=NETWORKS)
    return queue, [str(problem).removeprefix(f"{path}/").removeprefix(f"{path.parent}/") for problem in problems]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(text: str | bytes, name: str = "queue.toml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put


def test_every_key_of_the_queue_is_read(write: Write) -> None:
    text = """
    [edition]
    week = "2026-W48"
    subject = "Forty thousand batteries"
    note = "One sentence."
    signed = "Mara"
    ask = "What next?"

    [[post]]
    id = "battery-recycling"
    title = "What 40,000 returned batteries taught us"
    url = "https://example.com/blog/battery-recycling"
    why = "Facts your network can use."
    by = "Mara@example.com"
    named = true
    kind = "event"
    visibility = "public"
    public_from = 2026-12-01
    topics = ["Sustainability", "engineering", "engineering"]
    starts = 2026-11-23
    ends = "2026-12-06"
    only = { countries = ["de", "FR"], teams = ["Quality"], languages = ["pt-BR"] }
    language = "EN"
    minutes = 3
    image = "batteries.jpg"
    image_alt = "A heap"
    questions = ["What surprised you?"]
    place = "Hall 2"
    starts_at = 2026-12-03T17:00:00+01:00
    closes = 2026-12-31
    refer = "jobs@example.com"
    [post.captions]
    linkedin = ["Ten or few", "Two"]
    x = "One"

    [[figure]]
    name = "On time"
    value = 91
    before = "88"
    unit = "%"
    good = "up"
    meaning = "Better."
    you_can = "Call."
    quiet_from = 2026-12-01
    quiet_until = 2026-12-08

    [[answer]]
    question = "Why?"
    asked = 2026-11-01
    owner = "Pieter"
    answer = "So."
    answered = 2026-11-07
    hard = true

    [[lesson]]
    id = "say-it"
    rule = "Say it."
    example = "Like so."
    question = "Is it enough?"
    choices = ["Yes", "No"]
    right = "No"
    after = "first post"
    """
    queue, problems = read(write(text))
    assert problems == []
    (post,), (words,), (figure,), (answer,), (lesson,) = queue.posts, queue.editions, queue.figures, queue.answers, queue.lessons
    assert (post.by, post.origin, post.kind, post.topics) == ("mara@example.com", Origin.COLLEAGUE, Kind.EVENT, ("sustainability", "engineering"))
    assert (post.ends, post.public_from, post.starts_at) == (date(2026, 12, 6), date(2026, 12, 1), "2026-12-03T17:00:00+01:00")
    assert post.only == Audience(countries=("DE", "FR"), teams=("Quality",), languages=("pt-br",))
    assert post.captions == {"linkedin": ("Ten or few", "Two"), "x": ("One",)}
    assert (post.language, post.minutes, post.image_alt, post.refer) == ("en", 3, "A heap", "jobs@example.com")
    assert (words.week, words.signed, words.ask) == ("2026-W48", "Mara", "What next?")
    assert (figure.value, figure.quiet_until, answer.hard, lesson.right) == ("91", date(2026, 12, 8), True, "No")


def test_an_empty_file_is_an_empty_queue(write: Write) -> None:
    assert read(write("")) == (Queue(), [])


def test_a_byte_order_mark_and_windows_line_ends_are_fine(write: Write) -> None:
    queue, problems = read(write(b"\xef\xbb\xbf" + POST.replace("\n", "\r\n").encode()))
    assert (len(queue.posts), problems) == (1, [])


def test_every_problem_comes_at_once_at_the_line_of_its_own_key(write: Write) -> None:
    text = """titel = "x"
[edition]
subject = "Forty thousand batteries and much more than fits"
week = "2026-W54"
[[post]]
titel = "What"
url = "javascript:alert(1)"
by = "not an address"
kind = "storry"
only = { countries = ["Germany", "FR"], team = [] }
starts = 2026-11-23
ends = 2026-11-22
named = "yes"
minutes = true
[post.captions]
linkedin = ["far too long a caption", 5]
linkdin = ["x"]
questions = ["x"]
[[post]]
title = "Two"
why = "b\\u0007"
kind = "job"
[[posts]]
"""
    _, problems = read(write(text))
    assert problems == [
        "queue.toml:1:1: found titel, no such key; allowed edition, post, figure, answer, lesson, allow",
        'queue.toml:3:11: found "Forty thousand batteries and much more than fits", allowed 42 characters at most, not 48',
        'queue.toml:4:8: found "2026-W54", allowed a week such as 2026-W48',
        "queue.toml:5:1: found no title, needed title = ...",
        "queue.toml:5:1: found no why, needed why = ...",
        "queue.toml:6:1: found titel, no such key; did you mean title?",
        'queue.toml:7:7: found "javascript:alert(1)", allowed an address that starts with https:// or http://',
        'queue.toml:8:6: found "not an address", allowed an address such as name@example.com: an email address must have an @-sign',
        'queue.toml:9:8: found "storry", allowed "article", "story", "event", "job"',
        'queue.toml:10:23: found "Germany", allowed a country\'s two letters, such as DE',
        "queue.toml:10:41: found team, no such key; did you mean teams?",
        "queue.toml:12:8: found 2026-11-22, allowed no day before starts = 2026-11-23",
        'queue.toml:13:9: found "yes", allowed true or false, without quotes',
        "queue.toml:14:11: found true, allowed whole minutes, 1 to 600, without quotes",
        "queue.toml:16:13: found 22 characters, linkedin allowed 10",
        "queue.toml:16:39: found 5, allowed text in quotes",
        "queue.toml:17:1: found linkdin, no such network; did you mean linkedin?; allowed bluesky, linkedin, x",
        "queue.toml:18:1: found questions in [post.captions], allowed networks only; put questions above the line [post.captions]",
        "queue.toml:19:1: found no closes, needed of a job: closes = 2026-12-31",
        'queue.toml:19:1: found no url, needed url = "https://..."; only posts with visibility = "internal" go without',
        'queue.toml:21:7: found "b\\u0007", allowed text without the control character U+0007',
        "queue.toml:23:3: found posts, no such table; did you mean post?",
    ]


@pytest.mark.parametrize("words", ["\u200b\u2060", "\u3164", "\u2800 \u200d", "\ufeff"])
def test_words_that_nobody_can_see_are_none(words: str) -> None:
    with pytest.raises(addresses.RefusedError, match="words that can be seen"):
        checks.line(words)
    assert checks.line(f"{words}a") == f"{words}a".strip()


@pytest.mark.parametrize(("count", "fine"), [(10, True), (11, False)])
def test_marks_piled_on_one_letter_would_run_through_other_lines(count: int, fine: bool) -> None:
    piled = "Z" + "\u0301\u0323" * (count // 2) + "\u0301" * (count % 2)
    with nullcontext() if fine else pytest.raises(addresses.RefusedError, match="at most 10 marks on one letter"):
        assert checks.text(f"Zalgo {piled} here.") == f"Zalgo {piled} here."


@pytest.mark.parametrize(
    "words", ["བསྒྲུབས་ཏེ།", "ข้าวผัดที่นี่", "e\u0302\u0304\u030c", "👩🏽‍🔬", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"]
)
def test_every_writing_s_own_marks_are_words(words: str) -> None:
    assert checks.line(words) == words


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (POST + 'kind = "event"\n', "1:1: found no starts_at, needed of an event: starts_at = 2026-12-03T17:00:00+01:00"),
        (POST + 'kind = "event"\nstarts_at = 2026-12-03T17:00:00\n', "6:13: found 2026-12-03T17:00:00, allowed a date and time with its zone"),
        (POST + 'visibility = "internal"\ncaptions = { x = ["a"] }\n', "6:12: found captions of an internal post, allowed none"),
        (POST + 'visibility = "internal"\npublic_from = 2026-12-01\n', "6:15: found public_from of an internal post"),
        (POST + "ends = 2026-11-31\n", "5:8: found something that is not TOML: invalid date or datetime"),
        (POST + "ends = 2026-11-30T00:00:00Z\n", "5:8: found 2026-11-30T00:00:00+00:00, allowed a date such as 2026-11-24"),
        (POST + 'topics = "one"\n', '5:10: found "one", allowed a list, such as ["one"]'),
        (POST + "only = 1\n", "5:8: found 1, allowed a table with countries, teams, languages"),
        (POST + "captions = 1\n", "5:12: found 1, allowed a table: network = [captions]"),
        (POST + 'image = "../secret.png"\n', '5:9: found "../secret.png", allowed a file beside the queue, or an https address'),
        (POST + 'image = "http://example.com/a.png"\n', "5:9: found"),
        (POST + 'language = "english"\n', '5:12: found "english", allowed a language tag'),
        (POST + 'id = "Has Spaces"\n', "5:6: found"),
        (POST + 'refer = "javascript://x"\n', '5:9: found "javascript://x", allowed an address that starts with https://'),
        (POST + 'refer = "a@b@c"\n', '5:9: found "a@b@c", allowed an address such as name@example.com'),
        ('[[post]]\ntitle = "a\\nb"\nwhy = "c"\nurl = "https://e.com"', '2:9: found "a\\nb", allowed one line without a line break'),
        ('[[post]]\ntitle = "a\\u202Eb"\nwhy = "c"\nurl = "https://e.com"', "2:9: found"),
        ('[[post]]\ntitle = " "\nwhy = "c"\nurl = "https://e.com"', '2:9: found " ", allowed some words'),
        ("[post]\n", "1:2: found [post], allowed [[post]]"),
        ("post = 1\n", "1:1: found post = ..., allowed [[post]]"),
        ('title = "x"\n', "1:1: found title above the first header, allowed under [[post]]"),
        ('"new\\nline" = 1\n', '1:1: found "new\\nline", no such key'),
        ("[[figure]]\nname = 'a'\nvalue = 1\n", "1:1: found no before, needed before = ..."),
        ("[[figure]]\nname='a'\nvalue='1'\nbefore='2'\nquiet_from=2026-12-01\n", "5:12: found quiet_from alone, needed quiet_until beside it"),
        (
            "[[figure]]\nname='a'\nvalue='1'\nbefore='2'\nquiet_from=2026-12-01\nquiet_until=2026-12-01\n",
            "6:13: found 2026-12-01, allowed after quiet_from = 2026-12-01",
        ),
        ("[[answer]]\nquestion='a'\nasked=2026-11-02\nowner='b'\nanswered=2026-11-03\n", "5:10: found answered without an answer"),
        (
            "[[answer]]\nquestion='a'\nasked=2026-11-02\nowner='b'\nanswer='c'\nanswered=2026-11-01\n",
            "6:10: found 2026-11-01, allowed no day before asked = 2026-11-02",
        ),
        ("[[lesson]]\nid='a'\nrule='b'\nexample='c'\nchoices=['d']\nright='e'\n", '6:7: found "e", allowed one of the choices: "d"'),
        ("[[lesson]]\nid='a'\nrule='b'\nexample='c'\nright='e'\n", "5:7: found right without choices"),
        ("[edition]\nnote = 'a'\nnote = 'b'\n", "3:11: found a key that stands twice in its table"),
        ("[edition]\nnote = a\n", "2:8: found something that is no value; text stands in quotes"),
        ("[edition]\nnote\n", "2:5: found a line that is neither key = value nor [header]"),
        ('[edition]\nnote = "a', "2:10: found something that is not TOML: unterminated string"),
        ("[edition]\nnote = [1,", "2:11: found something that is no value; text stands in quotes, at the end of the file"),
        ("x = " + "[" * 5000, "1:1: found lists inside lists without end"),
        ("x = " + "9" * 5000, "1:1: found something that is not TOML"),
        ("[edition]\n[[edition]]\n", "2:10: found a key that stands twice in its table"),
        ("[edition]\n[edition]\n", "2:9: found a table that stands twice; tables of which there are several are written [[...]]"),
        ("x = 1\r\n\x01", "2:1: found something that is not TOML: invalid statement"),
    ],
)
def test_a_problem_says_where_what_was_found_and_what_is_allowed(write: Write, text: str, problem: str) -> None:
    _, problems = read(write(text))
    assert [found[: len(problem) + len("queue.toml:")] for found in problems] == [f"queue.toml:{problem}"]


def test_bytes_that_are_not_utf8_are_named_by_line_and_column(write: Write) -> None:
    _, problems = read(write(b"\xef\xbb\xbf[edition]\nnote = '\xc3\xbc\xfc'\n"))
    assert problems == ["queue.toml:2:10: found byte 0xFC, allowed UTF-8 text; the file was saved in another encoding, save it as UTF-8"]


def test_a_file_saved_as_utf16_is_named_as_that(write: Write) -> None:
    _, problems = read(write("[edition]\n".encode("utf-16")))
    assert problems == ["queue.toml:1:1: found UTF-16, allowed UTF-8; save the file as UTF-8"]


def test_no_depth_of_nesting_is_too_much(write: Write) -> None:
    for depth in range(280, 520, 7):
        queue, problems = read(write(f"x = {'[' * depth}{']' * depth}"))
        assert (queue, len(problems)) == (Queue(), 1)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="there is no such file"):
        read(tmp_path / "queue.toml")


def test_files_of_a_folder_are_read_in_order_and_hidden_or_other_ones_are_not(write: Write, tmp_path: Path) -> None:
    write(POST.replace("A title", "Second"), "b.toml")
    write(POST.replace("A title", "First"), "a.toml")
    write("nonsense", ".c.toml")
    write("nonsense", "notes.txt")
    queue, problems = read(tmp_path)
    assert ([post.title for post in queue.posts], problems) == (["First", "Second"], [])


def test_one_broken_file_of_a_folder_does_not_hide_the_problems_of_another(write: Write, tmp_path: Path) -> None:
    write("[", "a.toml")
    write("[[post]]\ntitle = 1\nwhy = 'a'\nurl = 'https://example.com'\n", "b.toml")
    _, problems = read(tmp_path)
    assert [problem.split(": ")[0] for problem in problems] == ["a.toml:1:2", "b.toml:2:9"]


def test_an_id_that_stands_twice_names_both_places_across_files(write: Write, tmp_path: Path) -> None:
    write(POST + 'id = "same"\n', "a.toml")
    write(POST + 'id = "same"\n', "b.toml")
    _, problems = read(tmp_path)
    assert problems == [f'b.toml:5:6: found id "same", allowed once; it stands at {tmp_path}/a.toml:5:6 too']


def test_two_editions_may_have_a_week_each_but_not_the_same(write: Write) -> None:
    queue, problems = read(write("[[edition]]\nweek='2026-W48'\n[[edition]]\nweek='2026-W49'\n[[edition]]\nnote='x'\n"))
    assert ([words.week for words in queue.editions], problems) == (["2026-W48", "2026-W49", None], [])
    _, problems = read(write("[[edition]]\nweek='2026-W48'\n[[edition]]\nweek='2026-W48'\n[[edition]]\n[[edition]]\n"))
    assert [problem.split(", allowed")[0] for problem in problems] == [
        'queue.toml:4:6: found week "2026-W48"',
        "queue.toml:6:1: found a second [edition] without a week",
    ]


def test_ids_are_made_from_titles_and_never_twice(write: Write) -> None:
    titles = ["Größe & Maß!", "Größe & Maß!", "taken", "日本語", "x" * 300]
    text = "".join(POST.replace("A title", title) for title in titles) + POST + 'id = "taken"\n'
    queue, problems = read(write(text))
    ids = [post.id for post in queue.posts]
    assert problems == []
    assert ids[:3] == ["groesse-mass", "groesse-mass-2", "taken-2"]
    assert ids[3].startswith("post-")
    assert all(checks.identifier(post_id) for post_id in ids)
    assert len(set(ids)) == len(ids)


def test_an_author_must_be_on_the_roster_when_there_is_one(write: Write) -> None:
    path = write(POST + 'by = "Mara.Lind@example.com"\n' + POST + 'by = "mara.lint@example.com"\n' + POST + 'by = "zz@other.example"\n')
    assert read(path)[1] == []
    _, problems = read(path, frozenset({"mara.lind@example.com", "ben@example.com"}))
    assert problems == [
        'queue.toml:10:6: found "mara.lint@example.com", allowed the address of somebody on the roster; did you mean mara.lind@example.com?',
        'queue.toml:15:6: found "zz@other.example", allowed the address of somebody on the roster',
    ]


def test_internal_posts_need_no_url_and_keep_what_they_have(write: Write) -> None:
    queue, problems = read(write('[[post]]\ntitle = "a"\nwhy = """\nTwo\nlines."""\nvisibility = "internal"\n'))
    assert (problems, queue.posts[0].visibility, queue.posts[0].why, queue.posts[0].url) == ([], Visibility.INTERNAL, "Two\nlines.", None)


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("HTTPS://Exämple.com:443/Größe und mehr?q=ü#ä", "https://xn--exmple-cua.com/Gr%C3%B6%C3%9Fe%20und%20mehr?q=%C3%BC#%C3%A4"),
        ("http://example.com", "http://example.com/"),
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("https://[::1]:8080/", "https://[::1]:8080/"),
        ("https://example.com/{slot}|\"'<>", None),
    ],
)
def test_a_web_address_is_stored_as_browsers_write_it(raw: str, stored: str | None) -> None:
    found = checks.url(raw)
    assert found.isascii()
    assert found == (stored or found)
    assert checks.url(found) == found


@pytest.mark.parametrize(
    "raw",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.com",
        "//example.com/a",
        "/a",
        "example.com",
        "https:example.com",
        "https:/example.com",
        "https://user@example.com",
        "https://user:pass@example.com",
        "https://@example.com",
        "https://evil.com\\@example.com",
        "https://example.com\\a",
        "\x01https://example.com",
        "\thttps://example.com",
        "https://example.com/\r\nLocation: x",
        "https://exa\tmple.com",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://",
        "https://exa mple.com",
        "https://%00.com",
        "https://\u202eexample.com",
        "https://example.com/" + "a" * 2000,
        "",
        5,
    ],
)
def test_a_web_address_that_a_browser_reads_otherwise_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match=r"web address|an address"):
        checks.url(raw)


def test_a_subject_is_counted_as_readers_see_it() -> None:
    family = "👨‍👩‍👧‍👦"
    assert checks.subject(family * 42) == family * 42
    with pytest.raises(ValueError, match="42 characters at most, not 43"):
        checks.subject(family * 43)


def test_five_thousand_posts_are_looked_at_once_each(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work grows with the posts and no faster: one look at each address and caption, and places only for what is wrong."""
    looked: list[str] = []
    address = addresses.address

    def counted(text: str) -> str:
        looked.append(text)
        return address(text)

    monkeypatch.setattr(checks, "address", counted)
    monkeypatch.setattr(Places, "__init__", None)
    captions: list[str] = []
    text = "".join(f'{POST}id = "p{i}"\nby = "p{i % 500}@example.com"\n[post.captions]\nx = ["{i}"]\n' for i in range(5000))
    queue, problems = read_queue(
        write(text),
        people=frozenset(f"p{i}@example.com" for i in range(500)),
        caption_problem=lambda _network, caption: captions.append(caption),
        networks=NETWORKS,
    )
    assert (len(queue.posts), problems, len(captions), len(looked)) == (5000, [], 5000, 500)
