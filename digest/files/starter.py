"""The files that `digest init` starts from; they travel with the package."""

from __future__ import annotations

import os
from pathlib import Path

from digest.errors import UnreadableFileError

_PACKAGE = Path(__file__).resolve().parent.parent


def starter_sources() -> dict[str, Path]:
    """Name in the new folder -> the file it is copied from; config.example.toml stands at the top of a checkout."""
    inside = _PACKAGE / "_sample" / "config.example.toml"
    config = inside if inside.is_file() else _PACKAGE.parent / "config.example.toml"
    starter = _PACKAGE / "sample" / "starter"
    return {"config.toml": config, "queue.toml": starter / "queue.toml", "roster.csv": starter / "roster.csv"}


def write_starter(folder: Path) -> list[tuple[Path, bool]]:
    """Copy what is missing into `folder`; (path, True when written). An existing file is never touched.

    Raises UnreadableFileError when the folder cannot be written.
    """
    done = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in starter_sources().items():
            path = folder / name
            try:
                # the configuration may come to hold a password, so it is for its owner alone
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if name == "config.toml" else 0o666)
                with os.fdopen(handle, "wb") as file:
                    file.write(source.read_bytes())
            except FileExistsError:
                done.append((path, False))
            else:
                done.append((path, True))
    except OSError as error:
        raise UnreadableFileError(folder, error.strerror or str(error), hint="Name a folder that you may write to.") from error
    return done
