"""The journal: one writer's file, which nobody reads before the page is turned or the writer is dead."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from digest.files.journal import Journal
from digest.files.spool import Spool, line
from tests.files.test_spool import drained


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "digest.db.spool")


@pytest.fixture
def journal(spool: Spool) -> Journal:
    return Journal(spool)


def lines(*numbers: int) -> bytes:
    return b"".join(line({"n": n}) for n in numbers)


def test_a_page_is_read_back_once_it_is_turned(journal: Journal, spool: Spool) -> None:
    journal.append(lines(0, 1), 2)
    journal.append(lines(2), 1)
    assert (drained(spool), spool.depth()) == ([], 3), "it is being written"
    assert journal.turn()
    journal.append(lines(3), 1)
    assert drained(spool) == [0, 1, 2]
    assert not Journal(spool).turn(), "nothing was written"
    journal.close()
    assert drained(spool) == [3]
    assert journal.written == 4
    assert list(spool.path.parent.iterdir()) == []


def test_only_its_owner_may_read_it(journal: Journal, spool: Spool) -> None:
    journal.append(lines(0), 1)
    assert [path.stat().st_mode & 0o777 for path in spool.path.parent.iterdir()] == [0o600]


def test_the_spool_is_read_back_beside_a_journal_that_is_being_written(journal: Journal, spool: Spool) -> None:
    """What waited while the database was away must not wait for the journal's end."""
    journal.append(lines(0), 1)
    spool.append([{"n": 7}])
    assert drained(spool) == [7]


def test_two_servers_write_and_everybody_reads_and_nothing_is_lost_or_doubled(spool: Spool) -> None:
    found: list[int] = []
    stop = threading.Event()
    journals = [Journal(Spool(spool.path)) for _ in range(4)]

    def write(journal: Journal, first: int) -> None:
        for n in range(first, first + 200, 4):
            journal.append(lines(*range(n, n + 4)), 4)

    def turn(journal: Journal) -> None:
        mine = Spool(spool.path)
        while not stop.is_set():
            journal.turn()
            found.extend(drained(mine))

    writers = [threading.Thread(target=write, args=(journal, 1000 * place)) for place, journal in enumerate(journals)]
    readers = [threading.Thread(target=turn, args=(journal,)) for journal in journals]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    for journal in journals:
        journal.close()
    found.extend(drained(spool))
    assert sorted(found) == [1000 * place + n for place in range(4) for n in range(200)]


def test_beyond_the_limit_it_takes_nothing_until_there_is_room(tmp_path: Path) -> None:
    small = Journal(Spool(tmp_path / "spool", most=200))
    small.append(lines(0, 1, 2), 3)
    with pytest.raises(OSError, match="limit"):
        small.append(lines(*range(3, 30)), 27)
    small.turn()
    with pytest.raises(OSError, match="limit"):
        small.append(lines(*range(3, 15)), 12)
    assert drained(small.spool) == [0, 1, 2]
    small.append(lines(3), 1)
    small.turn()
    small.append(lines(*range(4, 10)), 6)


@pytest.mark.parametrize("torn", [b"1234abcd {", b"\0" * 512, b'00000000 {"n":1}\n'])
def test_a_torn_last_record_harms_no_other(journal: Journal, spool: Spool, torn: bytes) -> None:
    journal.append(lines(0, 1), 2)
    journal.close()
    [page] = spool.path.parent.iterdir()
    with page.open("ab") as file:
        file.write(torn)
    with spool.take() as taken:
        assert taken is not None
        assert [json.loads(text)["n"] for text in taken.texts()] == [0, 1]
        assert taken.damaged == 1


_FILL = """
import resource, sys
from pathlib import Path
from digest.files.journal import Journal
from digest.files.spool import Spool, line
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
journal, kept = Journal(Spool(Path(sys.argv[1]))), []
for n in range(40):
    try:
        journal.append(line({"n": n, "text": "x" * 300}), 1)
        kept.append(n)
    except OSError:
        pass
journal.close()
print(kept)
"""


def test_on_a_full_disk_what_was_not_promised_is_taken_back(spool: Spool) -> None:
    """I2: a process whose files may have 5,000 octets stands for the full disk; the next file fits again."""
    done = subprocess.run([sys.executable, "-c", _FILL, str(spool.path)], capture_output=True, text=True, check=True)
    found = drained(spool)
    assert str(found) == done.stdout.strip()
    assert 30 < len(found) < 40


_HOLD = """
import sys
from pathlib import Path
from digest.files.journal import Journal
from digest.files.spool import Spool, line
journal, n = Journal(Spool(Path(sys.argv[1]))), 0
while True:
    journal.append(line({"n": n}), 1)
    print(n, flush=True)
    n += 1
    if n % 50 == 0:
        journal.turn()
"""


def test_a_killed_writer_leaves_all_it_promised_and_its_death_lets_others_read_it(spool: Spool) -> None:
    """I3: what was on disk before the answer is there after kill -9."""
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(spool.path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(230)]
        os.kill(process.pid, signal.SIGKILL)
        said += [int(text) for text in process.stdout.read().split("\n")[:-1]]
    found = sorted(drained(spool))
    assert found[: len(said)] == said
    assert len(found) - len(said) <= 1
