"""A rehearsal shows what planning would make, for anybody, and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, func, select

from digest.config import Config
from digest.db import editions, suppressions
from digest.db.schema import metadata
from digest.db.session import for_reading, read, write
from digest.domain.message import Pick
from digest.domain.suppression import SuppressionReason
from digest.errors import StorageError
from digest.mail.budget import Meter
from digest.net.fetch import Way
from digest.pipeline import casting, edition, preview, rehearsing
from digest.pipeline.casting import MADE_UP, Cast, Shown
from digest.pipeline.rehearsing import Take
from digest.pipeline.rendering import DEAD_TOKEN, Renderer
from tests.conftest import NOW
from tests.factories import QUEUE, company, crowd, person

GERMAN = '[post.translations.de]\ntitle = "Zwölf Fragen zum Durchflussmesser"\nwhy = "Eine Seite."\n\n[[post]]\nid = "no-lyon"'


def made(engine: Engine, config: Config) -> Take:
    found, troubles = rehearsing.rehearse(engine, config, now=NOW)
    assert troubles == ()
    assert found is not None
    return found


def shown(engine: Engine, take: Take, reader: str, language: str = "") -> Shown:
    found = casting.cast(engine, take, reader=reader, language=language, now=NOW).shown
    assert isinstance(found, Shown), found
    return found


def rows(engine: Engine) -> Mapping[str, int]:
    with read(engine) as connection:
        return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in metadata.sorted_tables}


def test_what_is_seen_is_what_planning_makes(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, crowd(12), queue=QUEUE.replace('[[post]]\nid = "no-lyon"', GERMAN))
    before = rows(engine)
    take = made(engine, config)
    seen = {address: shown(engine, take, address) for address in ("ana@example.org", "person000003@example.org", "person000010@example.org")}
    rehearsing.whole(engine, take)
    assert rows(engine) == before
    planned = edition.plan(engine, config, now=NOW).edition
    with read(engine) as connection:
        token = editions.content(connection, planned.id).browser_token
    for address, letter in seen.items():
        sent = preview.preview(engine, address, period=None, now=NOW)
        assert letter.html == sent.html.replace(token, DEAD_TOKEN)
        assert letter.text == sent.text.replace(token, DEAD_TOKEN)
        assert letter.subject == dict(sent.headers)["Subject"]
    assert "Zwölf Fragen" in seen["person000003@example.org"].text


def test_the_quick_letter_is_the_one_out_of_the_whole_edition(engine: Engine, tmp_path: Path) -> None:
    more = "".join(
        f'\n[[post]]\nid = "m{n}"\ntitle = "Post {n}"\nurl = "https://example.com/{n}"\nwhy = "**Words** {n}."\n{"by" if n % 2 else "kind"} = '
        f'"{"ana@example.org" if n % 2 else "article"}"\ntopics = ["quality"]\n'
        for n in range(30)
    )
    config = company(engine, tmp_path, crowd(6), queue=QUEUE + more)
    take = made(engine, config)
    quick = shown(engine, take, "person000001@example.org")
    everything = replace(take, rehearsal=_Slow(take.content, config, take.rehearsal._known, {}))
    slow = shown(engine, everything, "person000001@example.org")
    assert (quick.html, quick.text, quick.subject) == (slow.html, slow.text, slow.subject)
    assert quick.measured == slow.measured


class _Slow(rehearsing.Rehearsal):
    """Compiles every post, whoever reads."""

    def made(self, language: str, picks: object) -> tuple[Renderer, Meter]:
        del picks
        return super().made(language, [Pick(n=post.n) for post in self.content.posts])


def test_no_letter_shows_a_live_token(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [person("zoe@example.org"), person("ana@example.org")])
    edition.plan(engine, config, now=NOW)
    letter = shown(engine, made(engine, config), "zoe@example.org")
    assert f"/r/{DEAD_TOKEN}/" in letter.html
    tokens = {part for part in letter.html.replace('"', "/").split("/") if len(part) == len(DEAD_TOKEN) and part[:1] == "0"}
    assert tokens == {DEAD_TOKEN}


def test_an_empty_roster_has_a_made_up_reader(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "queue.toml").write_text(QUEUE, encoding="utf-8")
    config = Config().model_copy(update={"home": tmp_path})
    take = made(engine, config)
    letter = shown(engine, take, "")
    assert (letter.person.name, letter.person.id) == ("Robin Reader", 0)
    assert "Hello Robin" in letter.text
    _, everything = rehearsing.whole(engine, take)
    assert (everything.readers, everything.examples, [one.language for one in everything.linted.letters]) == (0, (), ["en"])
    assert "ar" in {shown(engine, take, MADE_UP, language).language for language in ("ar", "ja")}


def test_somebody_unknown_is_said_and_the_first_is_shown(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [person("zoe@example.org"), person("ana@example.org")])
    found: Cast = casting.cast(engine, made(engine, config), reader="nobody@example.org", language="", now=NOW)
    assert (found.person.address, found.missing) == ("zoe@example.org", "Nobody on the roster has the address nobody@example.org.")


def test_why_somebody_gets_none_is_said(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [person("zoe@example.org"), person("amy@example.org", team="Lab")], queue='[[post]]\nid = "a"\n' + ONLY)
    with write(engine) as connection:
        suppressions.suppress(connection, "amy@example.org", SuppressionReason.UNSUBSCRIBED, NOW)
    take = made(engine, config)
    assert casting.cast(engine, take, reader="zoe@example.org", language="", now=NOW).shown == "no post of the edition is for them"
    assert shown(engine, take, "amy@example.org").why_not == "their address gets no letters: unsubscribed"
    assert rehearsing.whole(engine, take)[1].without == {"nothing_for_you": 1}


ONLY = 'title = "T"\nurl = "https://example.com/"\nwhy = "Words."\nonly = { teams = ["Lab"] }\n'


def test_people_are_found_by_parts_of_name_or_address(engine: Engine, tmp_path: Path) -> None:
    people = [person("zoe@example.org", name="Zoë Ölander"), person("amy@example.org", name="Amy 100%"), person("left@example.org", left_at=NOW)]
    company(engine, tmp_path, people)
    assert [one.address for one in casting.search(engine, "öland")] == ["zoe@example.org"]
    assert [one.address for one in casting.search(engine, "AMY example")] == ["amy@example.org"]
    assert [one.address for one in casting.search(engine, "%")] == ["amy@example.org"]
    assert casting.search(engine, "left") == []
    assert casting.search(engine, "  ") == []


def test_every_problem_has_its_place_and_nothing_is_made(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [person("zoe@example.org"), person("ana@example.org")], queue=QUEUE.replace("why", "whi"))
    found, troubles = rehearsing.rehearse(engine, config, now=NOW)
    assert found is None
    assert ("queue.toml:10:1", "found whi, no such key; did you mean why?") in {(one.place, one.said) for one in troubles}
    (tmp_path / "queue.toml").unlink()
    _, troubles = rehearsing.rehearse(engine, config, now=NOW)
    assert [(one.place, one.cure) for one in troubles] == [("queue.toml", "Name the queue's file or folder, or run `digest init`.")]


def test_what_would_be_too_long_is_fitted_and_said(engine: Engine, tmp_path: Path) -> None:
    one = '\n[[post]]\nid = "l{n}"\ntitle = "Long {n}"\nurl = "https://example.com/l{n}"\nwhy = "{why}"\nby = "ana@example.org"\n'
    more = "".join(one.format(n=n, why="Many words. " * 300) for n in range(8))
    config = company(engine, tmp_path, crowd(3), queue=QUEUE + more, budget={"html_bytes": 30_000})
    done, measured = rehearsing.whole(engine, made(engine, config))
    assert done.content.trimmed
    assert set(done.content.trimmed) <= {note.said for note in done.notes}
    assert measured.linted.trimmed == done.content.trimmed


def test_a_database_opened_for_reading_cannot_be_written(engine: Engine, database_url: str, request: pytest.FixtureRequest) -> None:
    table = metadata.tables["key"]
    closed = for_reading(database_url)
    request.addfinalizer(closed.dispose)
    with read(closed) as connection:
        assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0
    with pytest.raises(StorageError, match=r"readonly|read-only"), write(closed) as connection:
        connection.execute(delete(table))
    with read(engine) as connection:
        assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_no_database_is_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="digest db upgrade"):
        for_reading("sqlite:///digest.db", base=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_elsewhere_is_asked_for_behind_the_letter_and_never_before_it(engine: Engine, tmp_path: Path) -> None:
    image = 'image = "https://pictures.example/pump.jpg"\nimage_alt = "A pump"\n'
    config = company(engine, tmp_path, crowd(2), queue=QUEUE.replace('id = "flow-meter"\n', f'id = "flow-meter"\n{image}'))
    asked: list[str] = []

    def resolve(name: str, _port: int) -> list[str]:
        asked.append(name)
        return ["192.0.2.1"]  # documentation only (RFC 5737): refused before anything is opened

    take = made(engine, config)
    assert "picture" not in " ".join(note.said for note in take.notes)
    assert asked == []
    done, _ = rehearsing.whole(engine, take, way=Way(resolve=resolve))
    assert asked == ["pictures.example"]
    assert "The letter goes without it." in " ".join(note.said for note in done.notes)
    again, _ = rehearsing.rehearse(engine, config, now=NOW, album=take.album)
    assert again is not None
    assert "The letter goes without it." in " ".join(note.said for note in again.notes)
    rehearsing.whole(engine, again, way=Way(resolve=resolve))
    assert asked == ["pictures.example"]  # not again within minutes
