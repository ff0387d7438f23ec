"""The command line as a person meets it: words in, exit code and two streams out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from digest.cli.main import run


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one command answered."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Door:
    """Runs commands in a folder of its own, in this process."""

    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: object) -> Said:
        """`digest WORDS`."""
        self.monkeypatch.chdir(self.home)
        self.monkeypatch.delenv("DIGEST_CONFIG", raising=False)
        self.monkeypatch.setattr("sys.argv", ["digest", *map(str, words)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            run()
        said = self.capsys.readouterr()
        return Said(code=int(left.value.code or 0), out=said.out, err=said.err)

    def write(self, name: str, text: str) -> Path:
        """Put a file into the folder."""
        path = self.home / name
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Door:
    """A door into an empty folder."""
    return Door(home=tmp_path, monkeypatch=monkeypatch, capsys=capsys)
