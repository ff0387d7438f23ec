"""The spool: whole lines or none, one reader, and nothing lost between writers and readers."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.files.spool import Record, Spool, line, read_line

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def rows(count: int, start: int = 0) -> list[Record]:
    return [{"n": n} for n in range(start, start + count)]


def drained(spool: Spool) -> list[int]:
    """Every record's number; the files are removed."""
    found: list[int] = []
    while True:
        with spool.take() as taken:
            if taken is None:
                return found
            found += [int(json.loads(text)["n"]) for text in taken.texts()]
            taken.remove()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "digest.db.spool")


def test_what_is_written_is_read_back_once_and_in_order(spool: Spool) -> None:
    spool.append(rows(3))
    spool.append(rows(2, 3))
    assert (spool.depth(), spool.octets() > 0) == (5, True)
    assert drained(spool) == [0, 1, 2, 3, 4]
    assert (drained(spool), spool.depth(), spool.octets()) == ([], 0, 0)


def test_only_its_owner_may_read_it(spool: Spool) -> None:
    spool.append(rows(1))
    assert spool.path.stat().st_mode & 0o777 == 0o600


@given(st.dictionaries(st.text(), JSON))
def test_every_record_survives_its_line(record: dict[str, Any]) -> None:
    raw = line(record)
    assert raw.count(b"\n") == 1
    assert read_line(raw) == json.loads(json.dumps(record))


@given(st.binary(max_size=60))
def test_anything_else_is_no_record(junk: bytes) -> None:
    assert read_line(junk) is None


@given(st.data())
def test_a_line_that_was_cut_or_changed_is_no_record(data: st.DataObject) -> None:
    raw = line({"what": "click", "row": {"n": 12, "ua": "Ünïcode"}})
    place = data.draw(st.integers(0, len(raw) - 2))
    assert read_line(raw[:place]) is None
    octet = data.draw(st.integers(0, 255).filter(lambda value: value != raw[place]))
    assert read_line(raw[:place] + bytes([octet]) + raw[place + 1 :]) is None


@pytest.mark.parametrize("torn", [b"1234abcd {", b"\0" * 512, b"\xff\xfe", b"00000000 {}"])
def test_what_a_crash_left_half_written_harms_no_other_record(spool: Spool, torn: bytes) -> None:
    spool.append(rows(2))
    with spool.path.open("ab") as file:
        file.write(torn)
    spool.append(rows(2, 2))
    with spool.take() as taken:
        assert taken is not None
        assert [json.loads(text)["n"] for text in taken.texts()] == [0, 1, 2, 3]
        assert taken.damaged == 1


def test_a_file_that_is_being_read_is_left_alone_and_writers_do_not_wait(spool: Spool) -> None:
    spool.append(rows(2))
    with spool.take() as taken:
        assert taken is not None
        assert Spool(spool.path).take().__enter__() is None
        spool.append(rows(1, 2))
        assert [json.loads(text)["n"] for text in taken.texts()] == [0, 1]
    assert sorted(drained(spool)) == [0, 1, 2], "what was not removed is read again"


def test_many_writers_and_readers_lose_and_double_nothing(spool: Spool) -> None:
    found: list[int] = []
    stop = threading.Event()

    def write(first: int) -> None:
        mine = Spool(spool.path)
        for n in range(first, first + 100, 5):
            mine.append(rows(5, n))

    def read() -> None:
        mine = Spool(spool.path)
        while not stop.is_set():
            found.extend(drained(mine))

    writers = [threading.Thread(target=write, args=(first,)) for first in range(0, 800, 100)]
    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    found.extend(drained(spool))
    assert sorted(found) == list(range(800))


def test_beyond_its_limit_it_takes_nothing(tmp_path: Path) -> None:
    small = Spool(tmp_path / "spool", most=200)
    small.append(rows(5))
    with pytest.raises(OSError, match="limit"):
        small.append(rows(50))
    assert drained(small) == [0, 1, 2, 3, 4]
    small.append(rows(1))


_FILL = """
import resource, sys
from pathlib import Path
from digest.files.spool import Spool
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
spool, kept = Spool(Path(sys.argv[1])), 0
for n in range(100):
    try:
        spool.append([{"n": n, "text": "x" * 300}])
        kept += 1
    except OSError:
        pass
print(kept)
"""


def test_a_full_disk_leaves_whole_lines_only(spool: Spool) -> None:
    """I2: what does not fit is not begun; a process that may write 5,000 octets into a file stands for the full disk."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    done = subprocess.run([sys.executable, "-c", _FILL, str(spool.path)], capture_output=True, text=True, check=True)
    kept = int(done.stdout)
    assert 5 < kept < 20
    raw = spool.path.read_bytes()
    assert all(read_line(one) for one in raw.split(b"\n") if one)
    assert raw.endswith(b"\n")
    assert spool.depth() == kept


def test_what_was_written_in_the_last_seconds_is_found_without_reading_a_day(spool: Spool) -> None:
    """Sixteen megabytes in all, from the end; a storm writes less in the time that a journal's page lies open."""
    files = []
    for n in range(3):
        spool.append([{"n": f"first of {n}"}, *({"n": "x" * 1_000_000} for _ in range(7))])
        files.append(spool.path.rename(spool.path.with_name(f"{spool.path.name}.{n}")))
        os.utime(files[-1], (n, n))
    assert list(spool.lately(b'{"n":"first of ', [b"0", b"1", b"2", b"3"])) == [b'{"n":"first of 2"}', b'{"n":"first of 1"}']


_HOLD = """
import sys
from pathlib import Path
from digest.files.spool import Spool
spool = Spool(Path(sys.argv[1]))
n = 0
while True:
    spool.append([{"n": n}])
    print(n, flush=True)
    n += 1
"""


def test_a_killed_writer_leaves_everything_it_had_finished(spool: Spool) -> None:
    """I3: what was synced before the answer is there after kill -9."""
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(spool.path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(200)]
        os.kill(process.pid, 9)
        said += [int(text) for text in process.stdout.read().split("\n")[:-1]]
    found = drained(spool)
    assert found[: len(said)] == said
    assert len(found) - len(said) <= 1
