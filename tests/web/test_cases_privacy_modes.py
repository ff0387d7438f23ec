"""Each mode from the letter to the report; who said no; who may see what; and no page asks anybody else for anything."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import html5lib
import pytest
from sqlalchemy import Engine, func, select, update

from digest.db.schema import audit, click, employee, message, metadata, token
from digest.db.session import read, write
from digest.demo.mailbox import Mailbox
from digest.pipeline import evidence, personal, report, report_forms, roster, status, suppressions
from digest.pipeline.why import why
from tests.factories import crowd, person
from tests.linked import OURS
from tests.whole import TRACKS, Whole, links_of

Company = Callable[..., Whole]


@pytest.fixture
def made(engine: Engine, tmp_path: Path) -> Iterator[Company]:
    """Companies with a real SMTP server."""
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    yield lambda people, **tables: Whole(engine, tmp_path, mailbox, people, **tables)
    mailbox.stop()


def count(engine: Engine, *tables: str) -> int:
    with read(engine) as connection:
        return sum(connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one() for name in tables)


def test_with_tracking_off_the_letter_has_no_link_of_ours_to_press_and_sharing_works(made: Company) -> None:
    """H6: compose addresses with the article's own address stand in the letter; no pixel, no cookie, nothing is recorded."""
    whole = made(crowd(12), tracking={"mode": "off"})
    for letter in whole.send().values():
        assert links_of(letter, "[rsl]") == []
        html = letter.part("html")
        intents = [unquote(link) for link in re.findall(r'href="(https://www\.linkedin\.com/[^"]+)"', html)]
        assert any("https://example.com/cold-room" in link or "https://example.com/flow-meter" in link for link in intents)
        assert re.findall(r"<img[^>]+https?://letter\.example\.com", html) == []
        assert "https://example.com/flow-meter" in html
        assert "We do not record" in html or "Wir zeichnen nicht auf" in html
    with whole.pages() as web:
        for path in [*links_of(letter), "/s/00000000000000000/010", "/l/000000000000"]:
            assert "set-cookie" not in web.get(path).headers
    assert count(whole.engine, *TRACKS, "day_salt") == 0
    found = report.report(whole.engine, whole.config)
    assert {str(post.read) for post in found.posts} == {"0"}


def test_in_individual_mode_a_press_stands_beside_its_person_and_shows_nowhere(made: Company) -> None:
    """H8: report, status, why, resolve, roster and suppressions say the same of somebody before and after everything was pressed."""
    people = crowd(12)
    whole = made(people)
    letters = whole.send()
    whole.wait(hours=16)

    def shown() -> str:
        who = "person000003@example.org"
        parts = [why(whole.engine, who, now=whole.now), evidence.cases(whole.engine), status.status(whole.engine)]
        listed = [str(one) for one in roster.listed(whole.engine)]
        return json.dumps([*parts, listed, str(suppressions.listed(whole.engine, now=whole.now))], default=str)

    before = shown()
    with whole.pages() as web:
        for path in links_of(letters["person000003@example.org"], "[rs]"):
            web.get(path)
    with read(whole.engine) as connection:
        assert set(connection.execute(select(click.c.employee_id)).scalars()) == {4}
    assert shown() == before
    told = json.dumps(report_forms.as_data(report.report(whole.engine, whole.config)), default=str)
    assert [one for one in people if str(one["address"]) in told or str(one["name"]) in told] == []
    with whole.pages() as web:
        for path in ("/api/v1/clicks", "/api/v1/people/4", "/me/", "/desk/", "/metrics/people", "/clicks.json"):
            assert web.get(path).status_code in {401, 403, 404, 405}, path


def test_printing_somebody_s_data_is_noted_and_told_to_them_and_the_file_is_for_one_reader(made: Company, tmp_path: Path) -> None:
    """H8: an operator can hand a person's data over, and cannot do it behind their back."""
    whole = made([person("ana@example.org"), person("ben@example.org")])
    letters = whole.send()
    whole.wait(hours=16)
    with whole.pages() as web:
        for path in links_of(letters["ben@example.org"], "[rs]"):
            web.get(path)
    found = personal.export(whole.engine, whole.config, "Ben@example.org", who="mara", now=whole.now)
    assert {one["kind"] for one in found["clicks"]} == {"read", "share"}
    assert {one["class"] for one in found["clicks"]} <= {"human", "probable", "machine"}
    assert [one["state"] for one in found["messages"]] == ["sent"]
    assert found["messages"][0]["attempts"][0]["outcome"] == "sent"
    assert found["short_links"][0]["url"].startswith("https://letter.example.com/l/")
    assert found["person"]["name"] == "Ben"
    assert "ana" not in json.dumps(found, default=str).lower()
    file = tmp_path / "ben.json"
    personal.put(file, found, str)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(personal.NotWrittenError):
        personal.put(file, {}, str)
    assert json.loads(file.read_text(encoding="utf-8"))["address"] == "Ben@example.org"
    with read(whole.engine) as connection:
        assert [
            tuple(row) for row in connection.execute(select(audit.c.what, audit.c.who, audit.c.subject).where(audit.c.what == "privacy.export"))
        ] == [("privacy.export", "mara", "employee:2")]
    whole.tick()
    whole.tick()
    told = [letter for letter in whole.mailbox.letters() if letter.parsed["Subject"] == "What we hold about you was printed"]
    assert [letter.recipient for letter in told] == ["ben@example.org"]


def test_who_said_no_has_links_that_are_nobody_s_and_no_share_of_any_figure(made: Company) -> None:
    """H7: in the next letter one token for all of them, in letters that are out nothing is kept; and groups count without them."""
    people = [person("ana@example.org", team="A"), *(person(f"no{n}@example.org", team="A", measured=False) for n in range(2))]
    people += [person(f"yes{n}@example.org", team="A") for n in range(4)]
    whole = made(people)
    letters = whole.send()
    static = [links_of(letters[f"no{n}@example.org"], "[rs]") for n in range(2)]
    assert {path.split("/")[2] for paths in static for path in paths} == {static[0][0].split("/")[2]}
    whole.wait(hours=16)
    with write(whole.engine) as connection:  # changes their mind after the letter
        connection.execute(update(employee).where(employee.c.address == "yes0@example.org").values(measured=False))
    with whole.pages() as web:
        for path in [*static[0], *static[1], *links_of(letters["yes0@example.org"], "[rs]")]:
            answer = web.get(path)
            assert answer.status_code in {200, 302}
            assert "letter.example.com/l/" not in unquote(answer.headers.get("location", "")) + answer.text
            if answer.status_code == 200:
                assert "Nothing is recorded here" in answer.text
    assert count(whole.engine, "click", "short_link", "visit") == 0
    with whole.pages() as web:
        web.get(links_of(letters["yes1@example.org"], "r")[0])
    with read(whole.engine) as connection:
        assert connection.execute(select(click.c.group_key)).scalars().all() == ["team:A"]
        groups = connection.execute(select(token.c.group_key, func.count()).where(token.c.employee_id.is_not(None)).group_by(token.c.group_key)).all()
    assert [tuple(row) for row in groups] == [("team:A", 5)]
    assert report.report(whole.engine, whole.config).teams == {"A": None}


def test_opt_in_counts_only_who_said_yes_and_a_choice_told_to_an_operator_is_kept(made: Company) -> None:
    """H7: the ledger remembers what was said and how."""
    whole = made([person("ana@example.org"), person("ben@example.org")], tracking={"consent": "opt-in"})
    personal.measure(whole.engine, "ben@example.org", value=True, now=whole.now)
    letters = whole.send()
    whole.wait(hours=16)
    with whole.pages() as web:
        for letter in letters.values():
            web.get(links_of(letter, "r")[0])
    with read(whole.engine) as connection:
        assert connection.execute(select(click.c.employee_id)).scalars().all() == [2]
    said = personal.export(whole.engine, whole.config, "ben@example.org", who="mara", now=whole.now)["consents"]
    assert [(one["switch"], one["value"], one["wording"]) for one in said] == [("measure", True, "at their word")]


def test_a_shared_mailbox_shares_the_token_of_its_group(made: Company) -> None:
    """E2: in both modes; no click, short link or export of it is one person's."""
    people = [*crowd(12), person("desk@example.org", team="Lab", shared=True)]
    whole = made(people)
    letters = whole.send()
    whole.wait(hours=16)
    with whole.pages() as web:
        for path in links_of(letters["desk@example.org"], "[rs]"):
            web.get(path)
    with read(whole.engine) as connection:
        assert set(connection.execute(select(click.c.employee_id)).scalars()) == {None}
        [name] = connection.execute(select(message.c.name).where(message.c.employee_id == 13)).scalars()
    assert name == ""
    assert "group:" in whole.rows("short_link")
    assert "employee:13" not in whole.rows(*TRACKS)
    assert personal.export(whole.engine, whole.config, "desk@example.org", who="mara", now=whole.now)["clicks"] == []


def test_no_page_makes_a_browser_ask_anybody_else(made: Company) -> None:
    """H9: policy and source of every page: nothing from elsewhere, no frame, no cookie; only words that are sent may leave for a network."""
    whole = made([person("ana@example.org"), person("ben@example.org")])
    letter = whole.send()["ben@example.org"]
    leave = links_of(letter, "u")[0]
    share = next(path for path in links_of(letter, "s") if path.endswith("0"))
    with whole.pages() as web:
        form = dict(re.findall(r'name="(action|check)" value="(\w+)"', web.get(leave).text))
        pages = [web.get(path) for path in (leave, share, links_of(letter, "w")[0], "/nothing", "/s/zzz/010", "/r/00000000000000000/01")]
        pages += [web.post(leave, data=form, headers=OURS), web.post(share, data={"network": "1", "words": "x", "copy": "1"}, headers=OURS)]
    for page in pages:
        assert page.status_code in {200, 404, 422}
        policy = page.headers["content-security-policy"]
        sources = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert sources["default-src"] == "'none'"
        assert sources["frame-ancestors"] == "'none'"
        assert "http" not in "".join(value for name, value in sources.items() if name != "form-action")
        assert "set-cookie" not in page.headers
        tree = html5lib.parse(page.text, namespaceHTMLElements=False)
        asked = [
            (one.tag, one.get("src") or one.get("href"))
            for one in tree.iter()
            if one.tag in {"img", "script", "link", "iframe", "object", "embed", "source"}
        ]
        assert [(tag, where) for tag, where in asked if where and not where.startswith("/")] == []
        assert [one.get("action") for one in tree.iter("form") if (one.get("action") or "/").startswith("http")] == []
