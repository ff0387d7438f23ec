"""The live preview's pages: who is answered, what is shown when something is broken, and that nothing acts."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, func, select

from digest.config import load_config
from digest.db.schema import metadata
from digest.db.session import open_database, read
from digest.pipeline import edition
from digest.web.preview_ask import Ask, asked
from tests.conftest import NOW
from tests.factories import QUEUE, company, person
from tests.pictures import png
from tests.rehearsed import Desk, configured, previewed

PEOPLE = [person("ana@example.org", name="Ana Sousa", team="Quality"), person("zoe@example.org", name="Zoë <b>", language="de", zone="Europe/Berlin")]


@pytest.fixture
def desk(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Two people, three posts; on SQLite and on PostgreSQL."""
    company(engine, tmp_path, PEOPLE)
    configured(tmp_path, database_url)
    with previewed(tmp_path) as found:
        yield found


def ask(desk: Desk, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=20)
    connection.request(method, path, headers=dict(headers or {}))
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(errors="replace"), {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return found


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:{port}"}, 200),
        ({"Host": "LOCALHOST:{port}"}, 200),
        ({"Host": "127.0.0.1"}, 421),
        ({"Host": "evil.example:{port}"}, 421),
        ({"Host": "127.0.0.1.evil.example:{port}"}, 421),
        ({"Host": "[::1]:{port}"}, 421),
        ({"Host": ""}, 421),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/", "/letter", "/style.css"])
def test_only_this_machines_own_browser_is_answered(desk_of_sqlite: Desk, path: str, headers: dict[str, str], status: int) -> None:
    given = {name: value.format(port=desk_of_sqlite.port) for name, value in headers.items()}
    found, body, _ = ask(desk_of_sqlite, path, given)
    assert found == status
    assert status == 200 or "Ana" not in body


@pytest.fixture(scope="module")
def desk_of_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all questions that change nothing."""
    home = tmp_path_factory.mktemp("desk")
    (home / "digest.db").write_bytes(sqlite_template.read_bytes())
    engine = open_database(f"sqlite:///{home / 'digest.db'}")
    company(engine, home, PEOPLE)
    engine.dispose()
    configured(home, "sqlite:///digest.db")
    with previewed(home) as found:
        found.wait(whole=True)
        yield found


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_asked_to_act(desk_of_sqlite: Desk, method: str) -> None:
    for path in ("/", "/letter", "/changes"):
        assert ask(desk_of_sqlite, path, method=method)[0] == 405


def test_looking_at_everything_writes_nothing_and_sends_nothing(desk: Desk, engine: Engine) -> None:
    def rows() -> dict[str, int]:
        with read(engine) as connection:
            return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in metadata.sorted_tables}

    before = rows()
    desk.wait(whole=True)
    for look in ("light", "dark", "inverted"):
        for reader in ("", "made-up", "zoe@example.org"):
            assert ask(desk, f"/?look={look}&reader={reader}&part=text&q=an")[0] == 200
            assert ask(desk, f"/letter?look={look}&reader={reader}")[0] == 200
    assert rows() == before


def test_the_letter_is_shut_in(desk_of_sqlite: Desk) -> None:
    status, html, headers = ask(desk_of_sqlite, "/letter?look=dark")
    assert status == 200
    policy = headers["content-security-policy"]
    assert policy.startswith("sandbox allow-same-origin; default-src 'none';")
    assert "allow-scripts" not in policy
    assert headers["cache-control"] == "no-store"
    hrefs = re.findall(r"<a\b[^>]*\shref=\"([^\"]*)\"", html)
    assert hrefs
    assert {href.partition("?")[0] for href in hrefs} == {"/where"}
    assert "'none'" in re.findall(r"img-src ([^;]+)", ask(desk_of_sqlite, "/letter?pictures=off")[2]["content-security-policy"])[0]


def test_the_page_lets_nothing_in_from_elsewhere(desk_of_sqlite: Desk) -> None:
    _, html, headers = ask(desk_of_sqlite, "/?reader=zoe@example.org")
    policy = headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-src 'self'", "script-src 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert "Zoë &lt;b&gt;" in html
    assert re.findall(r'(?:src|href)="(?:https?:)?//', html) == []


def test_where_a_link_leads_is_told_and_cannot_break_out(desk_of_sqlite: Desk) -> None:
    _, html, headers = ask(desk_of_sqlite, f"/where?to={quote('https://letter.example.com/r/00000000000000001/01')}")
    assert "the article “The cold room that lied to us” at https://example.com/cold-room." in html
    _, html, headers = ask(desk_of_sqlite, f"/where?to={quote('</p><script>alert(1)</script>')}")
    assert "<script" not in html
    assert "script-src" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


def test_a_broken_queue_keeps_the_last_good_letter_and_says_where(desk: Desk) -> None:
    desk.wait()
    good = ask(desk, "/letter")[1]
    desk.queue.write_text(QUEUE.replace('visibility = "internal"', 'visibility = "interna"'), encoding="utf-8")
    desk.wait(broken=True)
    page = ask(desk, "/")[1]
    assert "queue.toml:28:14" in page
    assert "found &#34;interna&#34;" in page
    assert "This is the last good letter" in page
    assert ask(desk, "/letter")[1] == good
    desk.queue.write_text(QUEUE.replace("lied", "spoke"), encoding="utf-8")
    desk.wait()
    assert "The cold room that spoke to us" in ask(desk, "/letter")[1]
    assert "last good letter" not in ask(desk, "/")[1]


def test_started_on_broken_files_it_waits_for_good_ones(engine: Engine, database_url: str, tmp_path: Path) -> None:
    company(engine, tmp_path, PEOPLE, queue="[[post]\n")
    config = tmp_path / "config.toml"
    config.write_text("[site]\nnmae = 1\n", encoding="utf-8")
    with previewed(tmp_path) as desk:
        desk.wait(broken=True)
        status, page, _ = ask(desk, "/")
        assert (status, "site.nmae: no such key" in page, "config.example.toml" in page) == (200, True, True)
        assert ask(desk, "/letter")[0] == 404
        configured(tmp_path, database_url)
        _until(desk, "queue.toml:1:7")
        assert "Mend what stands under" in ask(desk, "/")[1]
        desk.queue.write_text(QUEUE, encoding="utf-8")
        _until(desk, "/letter?v=")


def _until(desk: Desk, words: str) -> None:
    end = time.monotonic() + 30
    while words not in ask(desk, "/")[1]:
        assert time.monotonic() < end, f"{words} never came"
        time.sleep(0.05)


def test_templates_translations_and_the_configuration_are_followed(desk: Desk) -> None:
    site = desk.home / "site" / "digest"
    site.mkdir(parents=True)
    config = desk.home / "config.toml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("[site]\n", '[site]\ntemplates = "site"\n').replace("Fernwood Letter", "Oak Letter"), "utf-8"
    )
    _until(desk, "The Oak Letter")
    (site / "subject.txt").write_text("Subject {{ slot.subjekt }}", encoding="utf-8")
    _until(desk, "site/digest/subject.txt:1")
    assert "found .subjekt, allowed" in ask(desk, "/")[1]
    (site / "subject.txt").write_text("New: {{ slot.subject }}", encoding="utf-8")
    _until(desk, "None.")
    (site / "subject.txt").unlink()
    _until(desk, "The cold room that lied to us</b>")


def test_a_database_that_is_not_there_is_said_and_waited_for(tmp_path: Path, sqlite_template: Path) -> None:
    (tmp_path / "queue.toml").write_text(QUEUE, encoding="utf-8")
    configured(tmp_path, "sqlite:///digest.db")
    with previewed(tmp_path) as desk:
        _until(desk, "digest db upgrade")
        assert not (tmp_path / "digest.db").exists()
        (tmp_path / "digest.db").write_bytes(sqlite_template.read_bytes())
        _until(desk, "No. 48 for Robin Reader")


def test_what_is_planned_already_is_said(desk: Desk, engine: Engine) -> None:
    desk.wait()
    assert "Not planned yet" in ask(desk, "/")[1]
    edition.plan(engine, load_config(desk.home / "config.toml"), now=NOW)
    desk.queue.write_text(QUEUE + "\n", encoding="utf-8")
    _until(desk, "It is planned already, as a draft.")


def test_a_logo_of_ours_is_shown_and_none_from_elsewhere_is_fetched(desk: Desk) -> None:
    config = desk.home / "config.toml"
    plain = config.read_text(encoding="utf-8")
    (desk.home / "logo.png").write_bytes(png(160, 40))
    config.write_text(f'[brand]\nlogo = "logo.png"\n{plain}', encoding="utf-8")
    _until(desk, "/letter?v=")
    end = time.monotonic() + 20
    while not (found := re.findall(r'src="(/b/[^"]+)"', ask(desk, "/letter")[1])):
        assert time.monotonic() < end
    status, _, headers = ask(desk, found[0])
    assert (status, headers["content-type"]) == (200, "image/png")
    config.write_text(f'[brand]\nlogo = "https://elsewhere.example/l.png"\nlogo_size = "160x40"\n{plain}', encoding="utf-8")
    _until(desk, "Not fetched here: https://elsewhere.example/l.png")
    assert 'src="/elsewhere"' in ask(desk, "/letter")[1]


def test_a_picture_beside_the_queue_is_shown_and_stored_nowhere(desk: Desk) -> None:
    desk.queue.write_text(QUEUE.replace('id = "cold-room"', 'id = "cold-room"\nimage = "cold.png"'), encoding="utf-8")
    _until(desk, "there is no such file")
    (desk.home / "cold.png").write_bytes(png(160, 90))
    _until(desk, "its image has no image_alt")
    found = re.findall(r'src="(/p/[^"]+)" width="160" height="90"', ask(desk, "/letter")[1])
    status, _, headers = ask(desk, found[0])
    assert (status, headers["content-type"]) == (200, "image/png")
    assert ask(desk, "/p/nothing.png")[0] == 404


def test_a_save_is_told_to_whoever_listens(desk: Desk) -> None:
    desk.wait(whole=True)
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=20)
    connection.request("GET", "/changes")
    stream = connection.getresponse()
    assert stream.getheader("content-type", "").startswith("text/event-stream")
    lines = iter(lambda: stream.fp.readline().decode().strip(), None)
    first = next(int(line[6:]) for line in lines if line.startswith("data: "))
    desk.queue.write_text(QUEUE.replace("lied", "spoke"), encoding="utf-8")
    assert next(int(line[6:]) for line in lines if line.startswith("data: ")) > first
    connection.close()


def test_switches_that_are_none_count_as_not_said() -> None:
    assert asked({"width": "9", "look": "x", "pictures": "", "part": "<", "language": "xx"}) == Ask()
    chosen = asked({"width": "375", "look": "dark", "pictures": "off", "part": "text", "language": "ja", "reader": "a@b.c", "q": "z"})
    assert chosen.href() == "/?reader=a%40b.c&language=ja&width=375&look=dark&pictures=off&part=text&q=z"
    assert chosen.href(width="640", q="") == "/?reader=a%40b.c&language=ja&look=dark&pictures=off&part=text"
    assert Ask().href("/letter") == "/letter"
