"""A site's folder of templates beside ours: what is whose, what was copied from what, and copying."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from digest.errors import NotFoundError, TemplateError
from digest.mail.environment import offered, templates_folder

_FIRST_LINE = "Copied from digest's own {path}, {hash}. Keep this line: `digest templates list` reads it."
_COPIED = re.compile(r"Copied from digest's own \S+, ([0-9a-f]{16})\.")
_COMMENTS = {".js": "/* {} */"}  # sent as it is; in everything else a comment of the template engine leaves no trace
_NOT_OURS_TO_CHANGE = ("demo/", "preview/")  # pages of the demo and of the live preview


class Whose(StrEnum):
    """Whose file a template is."""

    OURS = "ours"
    YOURS = "yours"
    BEHIND = "behind"  # yours, and ours has changed since it was copied
    UNMARKED = "unmarked"  # yours in place of ours, without the line that says what it was copied from
    OWN = "own"  # yours, in place of nothing


@dataclass(frozen=True, kw_only=True)
class File:
    """A template, by its path in the folder."""

    path: str
    whose: Whose
    ours: str = ""  # hash of ours; "" when there is none
    copied: str = ""  # hash of what yours was copied from


def every(site: Path | None) -> list[File]:
    """Every template there is, ours and the site's."""
    ours = {path.relative_to(templates_folder()).as_posix(): _hash(path) for path in _files(templates_folder())}
    ours = {name: hashed for name, hashed in ours.items() if not name.startswith(_NOT_OURS_TO_CHANGE)}
    theirs = {path.relative_to(site).as_posix(): _copied_from(path) for path in _files(site)} if site else {}
    return [_file(name, ours.get(name, ""), theirs.get(name)) for name in sorted({*ours, *theirs})]


def _file(name: str, ours: str, copied: str | None) -> File:
    if copied is None:
        return File(path=name, whose=Whose.OURS, ours=ours)
    whose = Whose.OWN if not ours else Whose.UNMARKED if not copied else Whose.YOURS if copied == ours else Whose.BEHIND
    return File(path=name, whose=whose, ours=ours, copied=copied)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _copied_from(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        found = _COPIED.search(file.readline())
    return found[1] if found else ""


def copy(path: str, site: Path) -> Path:
    """Put our template at `path` into the site's folder, marked with what it is a copy of. Raises NotFoundError, TemplateError."""
    known = [file.path for file in every(None)]
    if path not in known:
        raise NotFoundError(path, f"there is no such template, allowed {offered(path, known)}", hint="List them all with `digest templates list`.")
    source, target = templates_folder() / path, site / path
    line = _FIRST_LINE.format(path=path, hash=_hash(source))
    text = f"{_COMMENTS.get(source.suffix, '{{# {} #}}').format(line)}\n{source.read_text(encoding='utf-8')}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        hint = "To start anew, move it away first. To take over what has changed in ours, copy it into an empty folder and compare."
        raise TemplateError(target, "it is there already, and nothing is written over it", hint=hint) from None
    except OSError as error:
        raise TemplateError(target, f"it cannot be written: {error.strerror}", hint="Check site.templates and the folder's permissions.") from error
    return target
