"""`digest mail inbound` as mail servers and cron call it: a real pipe, a real Maildir, a real IMAP server; and hostile mail, measured."""

from __future__ import annotations

import contextlib
import imaplib
import json
import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from digest.db.session import open_database
from tests.door import Door, door
from tests.dovecot import Dovecot
from tests.reports import Office, answer, arf, away, dsn, maildir

__all__ = ["door"]

MEGABYTE = 1_048_576
PASSWORD = "secret"
FULL = {"status": "5.2.2", "diagnostic": "smtp; 552 5.2.2 full"}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What one command did as a process of its own."""

    code: int
    out: str
    err: str
    seconds: float
    memory: int  # octets, at its peak


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    """A home in `tmp_path` on a database of either kind, with Ana."""
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{database_url}"\n', encoding="utf-8")
    engine = open_database(database_url)
    yield Office(engine=engine, kept=tmp_path / "inbound").open()
    engine.dispose()


# A small process of its own limits and measures the command: one started from here would count our memory as its own.
KEEPER = """\
import json, resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    json.dump([code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss], file)
"""


def run(home: Path, *words: str, stdin: Iterable[bytes] = (), environ: dict[str, str] | None = None) -> Ran:
    """The command as a process with at most two gigabytes of address space, fed as it reads."""
    started = time.monotonic()
    command = [sys.executable, "-m", "digest", "--config", str(home / "config.toml"), "mail", "inbound", *words]
    with (home / "out").open("wb") as out, (home / "err").open("wb") as err:
        keeper = [sys.executable, "-S", "-c", KEEPER, str(home / "used"), *command]
        process = subprocess.Popen(keeper, stdin=subprocess.PIPE, stdout=out, stderr=err, env={**os.environ, **(environ or {})})
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it may leave without reading
            for chunk in stdin:
                process.stdin.write(chunk)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
    code, memory = json.loads((home / "used").read_text())
    said, told = (home / "out").read_text(encoding="utf-8"), (home / "err").read_text(encoding="utf-8")
    unit = 1 if sys.platform == "darwin" else 1024
    return Ran(code=code, out=said, err=told, seconds=time.monotonic() - started, memory=memory * unit)


def test_a_mail_server_pipes_a_bounce_and_hears_nothing_but_0(office: Office, tmp_path: Path) -> None:
    ran = run(tmp_path, "-", "--recipient", office.return_path(office.send()), stdin=[dsn()])
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert list(office.stopped()) == ["hard_bounce"]
    again = run(tmp_path, "-", "--json", stdin=[dsn(to=office.return_path(1))])
    plain = {"read": 1, "empty": 0, "again": 1, "kinds": {}, "replies": {}, "asked": 0, "skipped": {}, "kept": {}}
    assert json.loads(again.out) == {**plain, "stopped": [], "settled": 0, "problems": []}


def test_junk_is_stored_and_accepted(office: Office, tmp_path: Path) -> None:
    for raw in (b"\0\xff" * 1000, dsn()[:500]):
        ran = run(tmp_path, "-", stdin=[raw])
        assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert sorted(office.files()["unreadable"]) == sorted([b"\0\xff" * 1000, dsn()[:500]])


@pytest.mark.parametrize("raw", [b"", b"\n", b" \r\n\r\n"])
def test_an_empty_message_is_accepted_and_not_kept(tmp_path: Path, sqlite_url: str, raw: bytes) -> None:
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{sqlite_url}"\n', encoding="utf-8")
    ran = run(tmp_path, "-", stdin=[raw])
    assert (ran.code, ran.out, ran.err) == (0, "", "The message is empty; nothing was kept.\n")
    assert json.loads(run(tmp_path, "-", "--json", stdin=[raw]).out)["empty"] == 1
    maildir(tmp_path / "mail", [raw, answer()])
    assert run(tmp_path, str(tmp_path / "mail")).out.splitlines()[:3] == [
        "Read 2 messages.",
        "  1 skipped: the sender is not on the roster",
        "  1 empty; nothing to keep",
    ]
    assert [path.name for path in (tmp_path / "inbound").iterdir()] == ["replies"]


def test_a_pattern_that_fails_has_found_nothing(office: Office, tmp_path: Path) -> None:
    """One of the library's patterns breaks on a message without From, and would write a traceback."""
    ran = run(tmp_path, "-", stdin=[b"Subject: Undelivered Mail Returned to Sender\r\n\r\nSomething was wrong.\r\n"])
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert list(office.files()) == ["unreadable"]


def test_an_unusable_recipient_loses_no_mail_on_a_pipe(office: Office, tmp_path: Path) -> None:
    ran = run(tmp_path, "-", "--recipient", "garbage", stdin=[dsn(to=office.return_path(office.send()))])
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "--recipient: found 'garbage', allowed an address such as ana@example.com; going on without it.\n"
    assert list(office.stopped()) == ["hard_bounce"]
    (tmp_path / "one.eml").write_bytes(answer())
    assert run(tmp_path, str(tmp_path / "one.eml"), "--recipient", "garbage").code == 2


@pytest.mark.parametrize(
    ("source", "code", "says"),
    [
        ("/nope", 1, "/nope: mail cannot be fetched: there is nothing of this name\nName a file that holds one message, a Maildir"),
        (".", 1, "new: mail cannot be fetched: No such file or directory\nName a Maildir, the folder that has new, cur and tmp, or a file."),
        ("pop3://ana:secret@host", 2, "SOURCE: found 'pop3://ana:...@host', allowed imaps://USER@HOST/FOLDER"),
        ("imaps://host", 2, "SOURCE: found 'imaps://host', allowed imaps://USER@HOST/FOLDER"),
        (
            "imaps://ana:secret@host/F",
            2,
            "SOURCE: found 'imaps://ana:...@host/F', allowed imaps://USER@HOST/FOLDER with the password in inbound.password",
        ),
    ],
)
def test_a_source_that_is_none_is_refused_with_what_is(door: Door, source: str, code: int, says: str) -> None:
    door.write("config.toml", "")
    door("db", "upgrade")
    said = door("mail", "inbound", source)
    assert (said.code, says in said.err, "secret" in said.err) == (code, True, False), said.err


def test_what_is_kept_is_for_its_owner_alone(office: Office, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(config.read_text(encoding="utf-8") + '[inbound]\nkept = "mail/for us"\n', encoding="utf-8")
    assert run(tmp_path, "-", stdin=[answer()]).code == 0
    assert office.files() == {}
    modes = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in (tmp_path / "mail").rglob("*") if path.is_dir()}
    assert {"mail": (tmp_path / "mail").stat().st_mode & 0o777, **modes} == {"mail": 0o700, "mail/for us": 0o700, "mail/for us/replies": 0o700}


@pytest.mark.parametrize("trouble", ["no database", "no tables", "a wrong configuration", "no configuration", "no room"])
def test_whatever_is_wrong_with_us_the_mail_server_keeps_the_message(tmp_path: Path, sqlite_url: str, trouble: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "{sqlite_url}"\n', encoding="utf-8")
    match trouble:
        case "no database":
            config.write_text('[database]\nurl = "postgresql://nobody@127.0.0.1:1/nowhere"\n', encoding="utf-8")
        case "no tables":
            config.write_text('[database]\nurl = "sqlite:///empty.db"\n', encoding="utf-8")
        case "a wrong configuration":
            config.write_text("[inbund]\n", encoding="utf-8")
        case "no configuration":
            config.unlink()
        case _:
            (tmp_path / "inbound").write_text("a file where the folder belongs", encoding="utf-8")
    ran = run(tmp_path, "-", stdin=[answer()])
    assert (ran.code, ran.out, "Traceback" in ran.err) == (75, "", False)
    assert ran.err.strip()


def test_a_bug_of_ours_keeps_the_message_too(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.write("config.toml", "")
    assert door("db", "upgrade").code == 0

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("digest.pipeline.inbound.collect", broken)
    assert door("mail", "inbound", "-").code == 75


def test_the_configured_maildir_is_read_by_cron_and_the_operator_is_told(office: Office, tmp_path: Path) -> None:
    number = office.send()
    others = Office(engine=office.engine, kept=office.kept, ana=office.ana)
    maildir(tmp_path / "mail", [dsn(to=others.return_path(number)), away(to=others.return_path(number)), answer(), arf()])
    config = tmp_path / "config.toml"
    config.write_text(config.read_text(encoding="utf-8") + '[inbound]\nmailbox = "mail"\nkept = "for-us"\n', encoding="utf-8")
    ran = run(tmp_path)
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "Read 4 messages.",
            "  1 automatic answer",
            "  1 hard bounce",
            "  1 skipped: the sender is not on the roster",
            f"  1 kept for you to look at, in {tmp_path}/for-us/replies",
            f"  1 kept for you to look at, in {tmp_path}/for-us/unsigned",
            "Stopped: ana@example.org (hard_bounce: the mailbox does not exist)",
            "Tell whoever keeps the roster: mostly these people have left.",
        ],
    )
    assert run(tmp_path).out == "Nothing is waiting.\n"
    assert sorted(path.name for path in (tmp_path / "for-us").iterdir()) == ["replies", "unsigned"]


@pytest.mark.usefixtures("office")
def test_a_recipient_means_a_pipe_whatever_is_configured_and_a_file_is_one_message(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(config.read_text(encoding="utf-8") + '[inbound]\nmailbox = "nowhere"\n', encoding="utf-8")
    assert run(tmp_path, "--recipient", "digest@example.com", stdin=[answer()]).code == 0
    kept = next((tmp_path / "inbound" / "replies").iterdir())
    assert run(tmp_path, str(kept)).out.splitlines() == [
        "Read 1 message.",
        "  1 skipped: the sender is not on the roster",
        f"  1 kept for you to look at, in {tmp_path}/inbound/replies",
    ]
    ran = run(tmp_path)
    assert (ran.code, "nowhere" in ran.err, "a Maildir (the folder" in ran.err) == (1, True, True)


def test_the_real_path_through_delivery_and_back(office: Office, tmp_path: Path) -> None:
    """The address that a letter carries and the address that is read are made in two places."""
    number = office.send(state="in_doubt")
    ran = run(tmp_path, "-", "--json", "--recipient", office.return_path(number).upper(), stdin=[dsn(action="delayed")])
    assert (json.loads(ran.out)["settled"], office.state(number)) == (1, ("sent", "evidence"))


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    yield server
    server.stop()


def put(server: Dovecot, user: str, messages: Iterable[bytes], folder: str = "INBOX") -> imaplib.IMAP4_SSL:
    """Deliver messages to somebody's mailbox; returns their mail program, still connected."""
    program = imaplib.IMAP4_SSL("127.0.0.1", server.imaps, ssl_context=ssl.create_default_context(cafile=str(server.cafile)))
    program.login(user, PASSWORD)
    folder = f'"{folder}"'
    program.create(folder)
    for raw in messages:
        assert program.append(folder, "", "", raw)[0] == "OK"
    program.select(folder)
    return program


def at_imap(home: Path, url: str, server: Dovecot, *, password: str = PASSWORD, trusted: bool = True) -> Ran:
    environ = {"DIGEST_INBOUND_PASSWORD": password} | ({"SSL_CERT_FILE": str(server.cafile)} if trusted else {})
    return run(home, url, "--json", environ=environ)


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
def test_an_imap_mailbox_is_read_marked_and_never_emptied(office: Office, tmp_path: Path, dovecot: Dovecot, scheme: str) -> None:
    number = office.send()
    large = answer() + b"x" * (2 * MEGABYTE) + b"\r\n"
    user = f"{scheme}-{office.engine.dialect.name}@example.com"
    program = put(dovecot, user, [dsn(to=office.return_path(number)), answer(), large], "Back log")
    url = f"{scheme}://{user.replace('@', '%40')}@127.0.0.1:{dovecot.imaps if scheme == 'imaps' else dovecot.imap}/Back%20log"
    ran = at_imap(tmp_path, url, dovecot)
    found = json.loads(ran.out)
    assert (ran.code, found["read"], found["kinds"], found["kept"]) == (0, 3, {"hard": 1}, {"replies": 2})
    assert sorted(office.files()["replies"]) == sorted([answer(), large])
    program.noop()
    assert (program.uid("SEARCH", "UNSEEN")[1], program.uid("SEARCH", "ALL")[1]) == ([b""], [b"1 2 3"])
    assert json.loads(at_imap(tmp_path, url, dovecot).out)["read"] == 0
    program.logout()


def test_what_is_wrong_with_an_imap_mailbox_is_said(office: Office, tmp_path: Path, dovecot: Dovecot) -> None:
    put(dovecot, "eve", [answer()]).logout()
    put(dovecot, "eve", [answer()], "Back log").logout()
    place = f"127.0.0.1:{dovecot.imaps}"
    known = f"imaps://eve@{place}"
    wrong = {
        f"{known}/INBOX: mail cannot be fetched: the server says: [AUTHENTICATIONFAILED] Authentication failed.\nCheck the user": at_imap(
            tmp_path, f"{known}/INBOX", dovecot, password="wrong"
        ),
        f"{known}/INBOX: mail cannot be fetched: its certificate is not trusted": at_imap(tmp_path, f"{known}/INBOX", dovecot, trusted=False),
        f"{known}/Nowhere: mail cannot be fetched: the server says: Mailbox doesn't exist: Nowhere\nName a folder of the server's: ": at_imap(
            tmp_path, f"{known}/Nowhere", dovecot
        ),
        "imaps://eve%40x@127.0.0.1:1/INBOX: mail cannot be fetched: Connection refused\nCheck host and port": at_imap(
            tmp_path, "imaps://eve%40x@127.0.0.1:1/INBOX", dovecot
        ),
        "it does not speak TLS there": at_imap(tmp_path, f"imaps://eve@127.0.0.1:{dovecot.imap}/INBOX", dovecot),
        "letters outside ASCII": at_imap(tmp_path, f"{known}/B%C3%BCro", dovecot),
    }
    for words, ran in wrong.items():
        assert (ran.code, words in ran.err, "Traceback" in ran.err, "secret" in ran.err) == (1, True, False, False), ran.err
        assert not re.search(r"b['\"]|secs|inbound\.mailbox", ran.err), ran.err
    listed = next(ran.err for words, ran in wrong.items() if "Nowhere" in words).splitlines()[1].removeprefix("Name a folder of the server's: ")
    assert sorted(listed.rstrip(".").split(", ")) == ["Back log", "INBOX"]
    assert office.files() == {}


def test_a_message_is_not_marked_before_it_is_safe(office: Office, tmp_path: Path, dovecot: Dovecot) -> None:
    user = f"safe-{office.engine.dialect.name}"
    program = put(dovecot, user, [answer()])
    office.kept.write_text("a file where the folder belongs")
    url = f"imaps://{user}@127.0.0.1:{dovecot.imaps}/INBOX"
    assert at_imap(tmp_path, url, dovecot).code == 1
    program.noop()
    assert program.uid("SEARCH", "UNSEEN")[1] == [b"1"]
    office.kept.unlink()
    assert json.loads(at_imap(tmp_path, url, dovecot).out)["kept"] == {"replies": 1}
    program.logout()


def nested(levels: int) -> bytes:
    return b"From: x@y\r\n" + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels))


HOSTILE = {
    "a letter as ever": (answer(),),
    "a hundred megabytes": (answer(), *(b"x" * 70 + b"\r\n" for _ in range(100 * MEGABYTE // 72))),
    "a report of a hundred megabytes": (dsn(), *(b"x" * 70 + b"\r\n" for _ in range(100 * MEGABYTE // 72))),
    "one line of a hundred megabytes": (answer(), *(b"x" * MEGABYTE for _ in range(100))),
    "a field of fifty megabytes": (b"From: x\r\nSubject: ", *(b"y" * MEGABYTE for _ in range(50)), b"\r\n\r\nz"),
    "a hundred thousand fields": (b"From: x\r\n", *(b"X-%d: y\r\n" % n for n in range(100_000)), b"\r\nz"),
    "a thousand nested parts": (nested(1000),),
    "a hundred thousand nested parts": (nested(100_000),),
    "NULs": (b"\0" * (20 * MEGABYTE),),
}


def test_hostile_mail_costs_bounded_time_and_memory_and_is_kept_whole(tmp_path: Path, sqlite_url: str) -> None:
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{sqlite_url}"\n', encoding="utf-8")
    plain = run(tmp_path, "-", stdin=HOSTILE["a letter as ever"])
    lines = []
    for name, chunks in HOSTILE.items():
        ran = run(tmp_path, "-", "--json", stdin=chunks)
        size = sum(map(len, chunks))
        lines.append(f"{name}: {size / MEGABYTE:.1f} MB, {ran.seconds:.2f} s, {ran.memory / MEGABYTE:.0f} MB of memory")
        kept = json.loads(ran.out)["kept"]
        assert (ran.code, sum(kept.values())) == (0, 1), name
        (stored,) = (path for path in (tmp_path / "inbound").rglob("*.eml") if path.stat().st_size == size)
        with stored.open("rb") as file:
            assert all(file.read(len(chunk)) == chunk for chunk in chunks), name
        stored.unlink()
        assert ran.memory < plain.memory + 32 * MEGABYTE, lines[-1]
        assert ran.seconds < plain.seconds + 10, lines[-1]
    print("\n" + "\n".join(lines))  # noqa: T201 - shown with -s
