"""html-validate, which reads HTML as the standard has it; from npm, by the lock in tests/html."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.needs import missing

_ROOT = Path(__file__).resolve().parent
_PROGRAM = _ROOT.parent / ".venv" / "node" / "node_modules" / ".bin" / "html-validate"


def complaints(pages: Mapping[str, str], profile: str, folder: Path) -> list[str]:
    """What is wrong with `pages` (name -> HTML), by the rules of tests/html/PROFILE.json; they are put into `folder` for it."""
    if not _PROGRAM.exists():
        missing("html-validate")
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    said = folder / "said.json"  # a file: what it writes to a pipe is cut off at 64 KB
    words = [str(_PROGRAM), "--config", str(_ROOT / "html" / f"{profile}.json"), "--formatter", f"json={said}"]
    words += [str(folder / f"{name}.html") for name in pages]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode in {0, 1}, done.stderr
    found = json.loads(said.read_text(encoding="utf-8"))
    assert done.returncode == bool(found), found
    return [
        f"{Path(one['filePath']).stem}:{that['line']}:{that['column']}: {that['message']} ({that['ruleId']})"
        for one in found
        for that in one["messages"]
    ]
