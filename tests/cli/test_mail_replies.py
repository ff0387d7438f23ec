"""`digest mail inbound` with answers of people: by a pipe, out of a Maildir, out of a real IMAP mailbox; said in words and in numbers."""

from __future__ import annotations

import imaplib
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.db.session import open_database
from tests.answers import Answers, written
from tests.dovecot import Dovecot
from tests.reports import maildir

CONFIG = '[database]\nurl = "{url}"\n[sender]\nfrom = "Mara <digest@example.com>"\nreply_to = "letter@example.com"\n'


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Answers]:
    (tmp_path / "config.toml").write_text(CONFIG.format(url=database_url), encoding="utf-8")
    engine = open_database(database_url)
    yield Answers(engine=engine, kept=tmp_path / "inbound").open()
    engine.dispose()


def run(home: Path, *words: str, piped: bytes = b"", **environ: str) -> str:
    """What the command says; it must end well."""
    command = [sys.executable, "-m", "digest", "--config", str(home / "config.toml"), "mail", "inbound", *words]
    done = subprocess.run(command, input=piped, capture_output=True, check=False, env={**os.environ, **environ})
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def letters(desk: Answers) -> list[bytes]:
    return [
        written(answers=desk.letter, identity="<1@x>"),
        written("Close it.", sender="ben@example.org", identity="<2@x>"),
        written("Hello", sender="eve@evil.example", identity="<3@x>"),
        written("Back on Monday.", answers=desk.letter, subject="Out of office", identity="<4@x>"),
    ]


def test_a_mail_server_pipes_an_answer_and_hears_nothing(desk: Answers, tmp_path: Path) -> None:
    for _ in range(2):
        assert run(tmp_path, "-", "--recipient", "letter@example.com", piped=letters(desk)[0]) == ""
    assert (len(desk.rows("question")), desk.told()) == (1, [(desk.office.ana, "entered")])


def test_a_maildir_is_read_and_what_became_of_it_is_said(desk: Answers, tmp_path: Path) -> None:
    said = run(tmp_path, str(maildir(tmp_path / "mail", letters(desk)))).splitlines()
    assert said == [
        "Read 4 messages.",
        "  1 question, in the ledger",
        "  1 suggestion or remark, in the ledger",
        "  1 of these wait for a yes: nothing shows who wrote them, so whoever they name was asked by mail",
        "  1 skipped: a machine, a list or an absence, by the look of it",
        "  1 skipped: the sender is not on the roster",
        f"  2 kept for you to look at, in {tmp_path / 'inbound' / 'replies'}",
    ]


def test_an_imap_mailbox_is_read_and_stays_full(desk: Answers, tmp_path: Path) -> None:
    server = Dovecot()
    try:
        program = imaplib.IMAP4_SSL("127.0.0.1", server.imaps, ssl_context=ssl.create_default_context(cafile=str(server.cafile)))
        program.login("mara", "secret")
        for raw in letters(desk):
            assert program.append("INBOX", "", "", raw)[0] == "OK"
        url = f"imaps://mara@127.0.0.1:{server.imaps}/INBOX"
        found = [json.loads(run(tmp_path, url, "--json", DIGEST_INBOUND_PASSWORD="secret", SSL_CERT_FILE=str(server.cafile))) for _ in range(2)]
        program.select("INBOX")
        assert (program.uid("SEARCH", "UNSEEN")[1], program.uid("SEARCH", "ALL")[1]) == ([b""], [b"1 2 3 4"])
        program.logout()
    finally:
        server.stop()
    assert (found[0]["read"], found[0]["replies"], found[0]["asked"]) == (4, {"question": 1, "suggestion": 1}, 1)
    assert (found[0]["skipped"], found[1]["read"]) == ({"stranger": 1, "maybe_automatic": 1}, 0)
    assert len(desk.rows("question")) == 2
