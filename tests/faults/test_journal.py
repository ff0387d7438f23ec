"""The server of the links with its journal, really killed and really out of room: what was answered is recorded, once."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from digest.db.session import open_database
from digest.files.spool import read_line
from tests.away import wait_for
from tests.faults import pressing
from tests.faults.pressing import Crowd
from tests.linked import ANA, Linked, read_link

JOURNAL = '[tracking]\ndurability = "journal"\n'


@dataclass(frozen=True, kw_only=True)
class Site:
    """A folder with a configuration over linked tables, two ports for its pages, the database."""

    home: Path
    ports: tuple[int, int]
    engine: Engine

    def waiting(self) -> list[Path]:
        """Files with presses in them."""
        return [path for path in self.home.glob("*.spool*") if path.exists() and path.stat().st_size]


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    engine = open_database(database_url)
    Linked(engine)
    made = Site(home=tmp_path, ports=(pressing.port(), pressing.port()), engine=engine)
    pressing.configure(tmp_path, database_url, made.ports[0], JOURNAL)
    yield made
    engine.dispose()


def hold(engine: Engine) -> str:
    """The statement that keeps everybody else from storing presses until its transaction ends."""
    return "LOCK TABLE click IN ACCESS EXCLUSIVE MODE" if engine.dialect.name == "postgresql" else "SELECT 1"


def test_a_server_killed_between_its_journal_and_the_database_loses_nothing(site: Site) -> None:
    """I3: hundreds of answered presses stand on disk alone when kill -9 comes; the next start brings them in."""
    [port, _] = site.ports
    with pressing.serving(site.home, port) as process, Crowd(port) as crowd:
        wait_for(lambda: len(crowd.answered) > 50)
        with site.engine.begin() as connection:  # what is answered from now on cannot reach the database
            connection.execute(text(hold(site.engine)))
            time.sleep(0.5)
            before = len(crowd.answered)
            wait_for(lambda: len(crowd.answered) > before + 300)
            pressing.kill(process)
    assert site.waiting()
    assert len(crowd.answered - set(pressing.recorded(site.engine))) > 250
    with pressing.serving(site.home, port):
        wait_for(lambda: not site.waiting())
    assert pressing.check(site.engine, site.home, crowd.answered) >= 350


def test_a_torn_last_record_and_a_second_replay_change_nothing(site: Site) -> None:
    """I4: the machine died in the middle of a record that nobody was promised; a backup brings the same file again."""
    [port, _] = site.ports
    with pressing.serving(site.home, port) as process, Crowd(port) as crowd, site.engine.begin() as connection:
        connection.execute(text(hold(site.engine)))
        wait_for(lambda: len(crowd.answered) > 60)
        pressing.kill(process)
    copies = {path: path.read_bytes() for path in site.waiting()}
    lines = [line for raw in copies.values() for line in raw.splitlines(keepends=True)]
    assert all(read_line(line) for line in lines)
    for turn in range(3):
        for path, raw in copies.items():
            path.write_bytes(raw + lines[0][: 40 + turn])
        pressing.check(site.engine, site.home, crowd.answered)
        assert not site.waiting()


def test_two_servers_with_one_folder_are_killed_and_each_press_is_there_once(site: Site) -> None:
    """Each writes a file of its own; the one that goes on brings in what the dead one left, and not what it writes itself."""
    first, second = site.ports
    other = site.home / "other"
    other.mkdir()
    config = (site.home / "config.toml").read_text(encoding="utf-8").replace(f":{first}", f":{second}")
    (other / "config.toml").write_text(config.replace("[web]", f'[web]\nspool_folder = "{site.home}"'), encoding="utf-8")
    answered: set[str] = set()
    with pressing.serving(other, second), Crowd(second, people=4) as steady:
        for _ in range(3):
            with pressing.serving(site.home, first) as process, Crowd(first, people=4) as crowd:
                wait_for(lambda: len(crowd.answered) > 80)
                pressing.kill(process)
            answered |= crowd.answered
        wait_for(lambda: len(steady.answered) > 100)
    pressing.check(site.engine, site.home, answered | steady.answered)


def test_a_full_journal_leaves_presses_to_the_database_and_loses_none(site: Site) -> None:
    """I2: no file of the server may grow beyond 100 KB, so pages are full long before they are turned; the answers go on."""
    if site.engine.dialect.name == "sqlite":
        pytest.skip("its own file could not grow either: see test_clicks")
    [port, _] = site.ports
    limited = ["/bin/sh", "-c", 'ulimit -f 40 && exec "$@"', "sh"]
    with pressing.serving(site.home, port, before=limited) as process, Crowd(port) as crowd:
        wait_for(lambda: len(crowd.answered) > 600)
        assert process.poll() is None
    pressing.check(site.engine, site.home, crowd.answered)


def test_a_folder_that_cannot_be_written_leaves_presses_to_the_database(site: Site) -> None:
    """I2: the journal's folder is a file; links go on, durable as ever, and the log says so once."""
    [port, _] = site.ports
    (site.home / "taken").write_text("no folder")
    config = (site.home / "config.toml").read_text(encoding="utf-8")
    (site.home / "config.toml").write_text(config.replace("[web]", '[web]\nspool_folder = "taken"'), encoding="utf-8")
    with pressing.serving(site.home, port) as process, Crowd(port) as crowd:
        wait_for(lambda: len(crowd.answered) > 100)
        pressing.kill(process)
    found = pressing.recorded(site.engine)
    assert len(found) == len(set(found))
    assert not crowd.answered - set(found)
    log = (site.home / "serve.log").read_text(encoding="utf-8")
    assert log.count("cannot be written") == 1, log
    assert ANA not in log


def test_a_server_that_stops_leaves_nothing_on_disk(site: Site) -> None:
    [port, _] = site.ports
    with pressing.serving(site.home, port) as process:
        for turn in range(20):
            assert pressing.status(port, read_link(ANA, 1), f"agent {turn}") == 302
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert not site.waiting()
    assert len(pressing.recorded(site.engine)) == 20
