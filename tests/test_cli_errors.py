"""Every command in every sort of trouble: one clear sentence, what to type next, the right exit code, nothing half written."""

from __future__ import annotations

import hashlib
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digest.demo.mailbox import Mailbox, free_port
from tests.typist import DONE, ENV, EXPECTED, INSIDES, USAGE, Ended, Typist

# a command line that is right -> what it reads: c(onfig), d(atabase), q(ueue)
COMMANDS = {
    "queue check": "cq",
    "queue list": "cq",
    "roster check roster.csv": "",
    "roster import roster.csv": "cd",
    "roster import roster.csv --dry-run": "cd",
    "roster list": "cd",
    "roster erase you@example.com --yes": "cd",
    "edition plan": "cdq",
    "edition preview --as you@example.com": "cd",
    "edition approve": "cd",
    "edition status": "cd",
    "edition status --json": "cd",
    "edition why you@example.com": "cd",
    "edition pause": "cd",
    "edition resume": "cd",
    "edition cancel --yes": "cd",
    "edition resolve": "cd",
    "tick": "cd",
    "tick --now": "cd",
    "verify": "cd",
    "serve": "cd",
    "report": "cd",
    "db upgrade": "c",
    "db check": "cd",
}
READS_CONFIG = [line for line, reads in COMMANDS.items() if "c" in reads]
READS_DATABASE = [line for line, reads in COMMANDS.items() if "d" in reads]
READS_QUEUE = ["queue check", "edition plan"]
NEEDS_EDITION = [line for line in COMMANDS if line.startswith("edition ") and "plan" not in line] + ["report"]


Type = Callable[[str], Ended]


@pytest.fixture(scope="module")
def typist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    typist = Typist(tmp_path_factory.mktemp("typist"))
    yield typist
    typist.close()


@pytest.fixture
def type_(typist: Typist, tmp_path: Path) -> Type:
    """Types a command in the test's own folder."""
    return lambda line: typist.type(line, tmp_path)


@pytest.fixture(scope="module")
def started(typist: Typist, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `digest init` leaves it."""
    folder = tmp_path_factory.mktemp("started")
    typist.type("init .", folder).is_done()
    return folder


@pytest.fixture(scope="module")
def planned_once(typist: Typist, started: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its people and a planned, approved edition."""
    folder = tmp_path_factory.mktemp("planned")
    copy(started, folder)
    for line in ("roster import roster.csv", "edition plan", "edition approve"):
        typist.type(line, folder).is_done()
    return folder


def copy(source: Path, folder: Path) -> None:
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())


@pytest.fixture
def letter(started: Path, tmp_path: Path) -> Path:
    """A fresh copy of what `init` leaves, with free ports: nobody listens on the relay's."""
    copy(started, tmp_path)
    with_free_ports(tmp_path)
    return tmp_path


@pytest.fixture
def planned(planned_once: Path, tmp_path: Path) -> Path:
    """A fresh copy of the planned one, with free ports as well."""
    copy(planned_once, tmp_path)
    with_free_ports(tmp_path)
    return tmp_path


def with_free_ports(folder: Path) -> None:
    change(folder, "port = 25\n", f"port = {free_port()}\n")
    change(folder, "127.0.0.1:8080", f"127.0.0.1:{free_port()}")


@pytest.fixture
def mailbox(planned: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    box = Mailbox(tmp_path_factory.mktemp("mailbox"))
    box.start()
    text = (planned / "config.toml").read_text(encoding="utf-8")
    (planned / "config.toml").write_text(re.sub(r"^port = \d+$", f"port = {box.port}", text, flags=re.MULTILINE), encoding="utf-8")
    yield box
    box.stop()


def change(folder: Path, found: str, mine: str) -> None:
    text = (folder / "config.toml").read_text(encoding="utf-8")
    assert found in text
    (folder / "config.toml").write_text(text.replace(found, mine), encoding="utf-8")


def everything(folder: Path) -> dict[str, str]:
    """What stands in the folder, by content; a database by its rows."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".db":
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as rows:
                found[path.name] = hashlib.sha256("\n".join(rows.iterdump()).encode()).hexdigest()
            rows.close()
        elif path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock")):
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.mark.parametrize("line", READS_CONFIG)
def test_without_a_config(type_: Type, tmp_path: Path, line: str) -> None:
    (tmp_path / "roster.csv").write_text("address,name\nyou@example.com,Ana\n", encoding="utf-8")
    before = everything(tmp_path)
    type_(line).is_refused(saying="digest init")
    assert everything(tmp_path) == before


@pytest.mark.parametrize("line", READS_CONFIG)
def test_with_an_unknown_key(type_: Type, letter: Path, line: str) -> None:
    change(letter, "[smtp]\n", "[smtp]\nprot = 26\n")
    before = everything(letter)
    type_(line).is_refused(saying="config.toml: smtp.prot: no such key, did you mean smtp.port?")
    assert everything(letter) == before


@pytest.mark.parametrize("line", READS_CONFIG)
def test_with_a_folder_in_place_of_the_config(type_: Type, tmp_path: Path, line: str) -> None:
    (tmp_path / "config.toml").mkdir()
    (tmp_path / "roster.csv").write_text("address,name\nyou@example.com,Ana\n", encoding="utf-8")
    type_(line).is_refused(saying="Is a directory")


@pytest.mark.parametrize("url", ["mysql://root@127.0.0.1/digest", "nonsense", "", "sqlite:///no/such/folder/digest.db"])
@pytest.mark.parametrize("line", READS_DATABASE)
def test_with_a_database_url_that_names_none(type_: Type, letter: Path, line: str, url: str) -> None:
    change(letter, "sqlite:///digest.db", url)
    before = everything(letter)
    type_(line).is_refused()
    assert everything(letter) == before


@pytest.mark.parametrize("line", READS_DATABASE)
def test_with_a_database_server_that_is_not_there(type_: Type, letter: Path, line: str) -> None:
    change(letter, "sqlite:///digest.db", f"postgresql://digest:hunter2@127.0.0.1:{free_port()}/digest")
    ended = type_(line)
    ended.is_refused()
    assert "hunter2" not in str(ended)


@pytest.mark.parametrize("line", READS_DATABASE)
def test_with_a_database_without_tables(type_: Type, letter: Path, line: str) -> None:
    (letter / "digest.db").unlink()
    type_(line).is_refused(saying="digest db upgrade")


@pytest.mark.parametrize("line", READS_DATABASE)
def test_with_a_database_that_is_another_file(type_: Type, letter: Path, line: str) -> None:
    (letter / "digest.db").write_bytes(b"This is a letter to my aunt and no database at all.\n" * 40)
    before = (letter / "digest.db").read_bytes()
    type_(line).is_expected(EXPECTED)
    assert (letter / "digest.db").read_bytes() == before


@pytest.mark.parametrize("line", READS_QUEUE)
@pytest.mark.parametrize("sort", ["missing", "folder", "bytes", "toml", "key"])
def test_with_a_queue_that_cannot_be_read(type_: Type, letter: Path, line: str, sort: str) -> None:
    type_("roster import roster.csv").is_done()
    queue = letter / "queue.toml"
    text = queue.read_text(encoding="utf-8")
    queue.unlink()
    if sort == "bytes":
        queue.write_bytes(b"[[post]]\ntitle = '\xff'\n")
    elif sort == "toml":
        queue.write_text("[[post]\n", encoding="utf-8")
    elif sort == "key":
        queue.write_text(text + "\n[[post]]\ntitel = 'A'\n", encoding="utf-8")
    elif sort == "folder":
        (queue / "inner.toml").mkdir(parents=True)
    before = everything(letter)
    type_(line).is_expected(EXPECTED, saying="queue.toml")
    assert everything(letter) == before


def test_an_empty_queue_is_named_before_anything_is_planned(type_: Type, letter: Path) -> None:
    type_("roster import roster.csv").is_done()
    (letter / "queue.toml").write_text("", encoding="utf-8")
    before = everything(letter)
    type_("edition plan").is_refused()
    assert everything(letter) == before


@pytest.mark.parametrize("line", ["roster check roster.csv", "roster import roster.csv", "roster import roster.csv --dry-run"])
@pytest.mark.parametrize("sort", ["missing", "folder", "bytes", "empty", "header", "twice"])
def test_with_a_roster_that_cannot_be_read(type_: Type, letter: Path, line: str, sort: str) -> None:
    roster = letter / "roster.csv"
    roster.unlink()
    wrong = {
        "bytes": b"address,name\nyou@example.com,\xff\xfe\x81\n",
        "empty": b"",
        "header": b"mail,name\nyou@example.com,Ana\n",
        "twice": b"address,name\nyou@example.com,Ana\nYOU@example.com,Ana\n",
    }
    if sort in wrong:
        roster.write_bytes(wrong[sort])
    elif sort == "folder":
        roster.mkdir()
    before = everything(letter)
    type_(line).is_expected(EXPECTED, saying="roster.csv")
    assert everything(letter) == before


def test_an_empty_roster_is_named_before_anything_is_planned(type_: Type, letter: Path) -> None:
    before = everything(letter)
    type_("edition plan").is_refused(saying="digest roster import")
    assert everything(letter) == before


@pytest.mark.parametrize("line", NEEDS_EDITION)
def test_without_an_edition(type_: Type, letter: Path, line: str) -> None:
    before = everything(letter)
    type_(line).is_refused(saying="digest edition plan")
    assert everything(letter) == before


@pytest.mark.parametrize("line", NEEDS_EDITION)
@pytest.mark.parametrize("week", ["2020-W01", "2026-W99", "next", "2026-11-24"])
def test_with_a_week_that_was_never_planned(type_: Type, planned: Path, line: str, week: str) -> None:
    before = everything(planned)
    type_(f"{line} --edition {week}").is_refused(EXPECTED, USAGE, saying=week)
    assert everything(planned) == before


@pytest.mark.parametrize("week", ["2026-W99", "next", "2026-11-24", "2020-W01"])
def test_a_week_that_cannot_be_planned(type_: Type, planned: Path, week: str) -> None:
    before = everything(planned)
    type_(f"edition plan --edition {week}").is_refused(EXPECTED, USAGE, saying=week)
    assert everything(planned) == before


@pytest.mark.parametrize(
    "line", ["edition preview --as nobody@example.com", "edition why nobody@example.com", "roster erase nobody@example.com --yes"]
)
def test_with_an_address_that_is_not_on_the_roster(type_: Type, planned: Path, line: str) -> None:
    before = everything(planned)
    type_(line).is_refused(saying="nobody@example.com")
    assert everything(planned) == before


@pytest.mark.parametrize("line", ["roster erase you@example.com", "edition cancel"])
def test_what_cannot_be_undone_asks_first_and_no_answer_is_no(type_: Type, planned: Path, line: str) -> None:
    before = everything(planned)
    type_(line).is_expected(EXPECTED, USAGE, 130)
    assert everything(planned) == before


@pytest.mark.usefixtures("planned")
def test_a_relay_that_refuses_loses_nothing(type_: Type) -> None:
    type_("tick --now").is_expected(EXPECTED, saying="refused")
    status = type_("edition status --json")
    assert re.search(r'"queued": [1-9]', status.out), status
    assert '"sending": 0' in status.out, status
    assert '"failed": 0' in status.out, status


def test_a_relay_that_does_not_speak_smtp_loses_nothing(type_: Type, planned: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the port of a web server, as it were: it takes the call and never greets
        text = (planned / "config.toml").read_text(encoding="utf-8")
        (planned / "config.toml").write_text(re.sub(r"^port = \d+$", f"port = {silent.getsockname()[1]}", text, flags=re.MULTILINE), encoding="utf-8")
        silent.settimeout(30)
        words = [sys.executable, "-P", "-m", "digest", "tick", "--now"]
        env = ENV
        with subprocess.Popen(words, cwd=planned, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
            for _ in range(64):
                if running.poll() is not None:
                    break
                try:
                    caller, _ = silent.accept()
                except TimeoutError:
                    break
                caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                caller.close()
                silent.settimeout(5)
            out, _ = running.communicate(timeout=60)
    assert running.returncode == EXPECTED, out
    assert not INSIDES.search(out), out
    status = type_("edition status --json")
    assert re.search(r'"queued": [1-9]', status.out), status
    assert '"in_doubt": 0' in status.out, status


def test_nobody_due_is_said_and_is_no_error(type_: Type, mailbox: Mailbox) -> None:
    type_("tick --now").is_done()
    sent = len(mailbox.letters())
    assert sent > 0
    type_("tick --now").is_done(saying="Nothing was due")
    assert len(mailbox.letters()) == sent


def test_a_taken_port_is_one_sentence(type_: Type, letter: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = (letter / "config.toml").read_text(encoding="utf-8")
        (letter / "config.toml").write_text(re.sub(r'^listen = ".*"$', f'listen = "127.0.0.1:{port}"', text, flags=re.MULTILINE), encoding="utf-8")
        type_("serve").is_refused(saying=str(port))


@pytest.mark.parametrize("listen", ["no.such.host.invalid:8080", "203.0.113.9:8080"])
def test_an_address_that_is_not_ours_is_one_sentence(type_: Type, letter: Path, listen: str) -> None:
    text = (letter / "config.toml").read_text(encoding="utf-8")
    (letter / "config.toml").write_text(re.sub(r'^listen = ".*"$', f'listen = "{listen}"', text, flags=re.MULTILINE), encoding="utf-8")
    type_("serve").is_refused(saying=listen)


@pytest.mark.parametrize(
    "line",
    [
        "qeue check",
        "queue chekc",
        "queue",
        "edition",
        "edition plan --now",
        "edition preview",
        "edition why",
        "roster import",
        "roster erase",
        "report --format xml",
        "serve --only cron",
        "edition resolve --as sent",
        "edition resolve --message one --as sent",
    ],
)
def test_a_command_typed_wrongly_ends_with_two_and_says_how(type_: Type, planned: Path, line: str) -> None:
    before = everything(planned)
    type_(line).is_expected(USAGE, saying="Usage: ")
    assert everything(planned) == before


def test_init_overwrites_nothing(type_: Type, letter: Path) -> None:
    (letter / "queue.toml").write_text("# mine\n", encoding="utf-8")
    before = everything(letter)
    type_("init").is_done(saying="stays as it is")
    assert everything(letter) == before


def test_init_in_a_place_that_cannot_be_written_is_one_sentence(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    type_("init file/letter").is_refused(EXPECTED, USAGE)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_closed_pipe_is_no_error(type_: Type, planned: Path) -> None:
    assert type_("edition status").code == DONE
    words = f"{sys.executable} -P -m digest edition preview --as you@example.com --part html | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words}"],
        cwd=planned,
        env=ENV,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    assert done.stderr == ""
