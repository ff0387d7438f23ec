"""Drafts, written to the end of a queue that people edit: nothing that stands in it is touched, comments and blank lines included."""

from __future__ import annotations

import errno
import json
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from digest.domain.lines import one_line
from digest.errors import FileProblemsError, UnreadableFileError
from digest.files.problems import decode

_IN_A_FOLDER = "drafts.toml"
_TRIES = 5  # an editor that saves at every one of them is a machine
_NEW = 0o644


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What is known of a post before anybody said why it matters."""

    title: str
    url: str
    they_say: str = ""
    language: str = ""
    image: str = ""
    image_alt: str = ""
    source: str = ""  # where it was found


def place(queue: Path) -> Path:
    """The file that takes drafts: the queue itself, or one of its own in a folder of them."""
    return queue / _IN_A_FOLDER if queue.is_dir() else queue


def append(queue: Path, drafts: Sequence[Draft], today: date) -> Path:
    """Write them to the end of the queue; the file they stand in now.

    One write at the end of the open file, and a look afterwards whether they are there: an editor that saves at the same moment may
    put its own text over ours, never we over its. Raises UnreadableFileError or FileProblemsError, and then nothing was written.
    """
    file = place(queue)
    said = "\n".join(_as_toml(draft, today) for draft in drafts)
    if tomllib.loads(said).keys() != {"post"}:
        raise FileProblemsError([f"{file}: a draft of {drafts[0].source} is no TOML"])
    for _ in range(_TRIES):
        before = _read(file)
        _write(file, before, said)
        if said in _text(file, _read(file)).replace("\r\n", "\n"):
            return file
    raise UnreadableFileError(file, "another program writes it all the time", hint="Close it there, then try again.")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UnreadableFileError(file, error.strerror or str(error), hint="Check the file's permissions.") from error


def _text(file: Path, raw: bytes) -> str:
    text, problem = decode(str(file), raw)
    if problem:
        raise FileProblemsError([str(problem)])
    return text


def _write(file: Path, before: bytes, said: str) -> None:
    """Append in one write, in the file's own kind of line ends, and have it on the disk."""
    text = _text(file, before)
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        raise FileProblemsError([f"{file}: it is not whole as it stands"], hint="Run `digest queue check`, mend it, then try again.") from None
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    octets = (gap + said).replace("\n", "\r\n" if "\r\n" in text else "\n").encode()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _NEW)
        try:
            _all(handle, octets)
        finally:
            os.close(handle)
    except OSError as error:
        raise UnreadableFileError(file, error.strerror or str(error), hint="Check the folder's permissions.") from error


def _all(handle: int, octets: bytes) -> None:
    """All of it, or nothing: half a draft would break a queue that was whole."""
    written = os.write(handle, octets)
    if written < len(octets):
        os.ftruncate(handle, os.fstat(handle).st_size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(handle)


def _as_toml(draft: Draft, today: date) -> str:
    """One `[[post]]`, waiting for somebody to say why."""
    pairs = {
        "title": one_line(draft.title) or draft.url,
        "url": draft.url,
        "language": draft.language,
        "image": draft.image,
        "image_alt": draft.image_alt,
    }
    if not draft.image:
        del pairs["image_alt"]
    origin = f"# Drafted on {today} from {one_line(draft.source)}." if draft.source else f"# Drafted on {today}."
    head = [origin, "[[post]]", "draft = true  # say below why it matters, then delete this line"]
    lines = [f"{key} = {_quoted(value)}" for key, value in pairs.items() if one_line(value)]
    tail = [f"# They say: {one_line(draft.they_say)}"] if draft.they_say else []
    return "\n".join([*head, *lines, *tail, '# why = ""', ""])


def _quoted(value: str) -> str:
    """A basic string: JSON's own escapes are TOML's."""
    return json.dumps(one_line(value), ensure_ascii=False)
