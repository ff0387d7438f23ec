"""The house checks itself: floors, words that must stand somewhere, locks, and nothing of the machine it was built on."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel

import digest
import digest.domain
from digest.cli.main import main
from digest.config import Config, known_keys, load_config

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(digest.__file__).resolve().parent
COMMANDS_PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "config.example.toml"

# From the top. A module may import its own room and rooms on lower floors; rooms of one floor do not visit each other.
FLOORS = (
    {"__main__"},
    {"cli"},
    {"demo"},  # plays the whole house
    {"web", "scheduler", "workers"},
    {"pipeline"},
    {"config", "files", "net", "db", "mail", "smtp"},
    {"domain"},
    {"errors"},
)
SAME_ROOM = {"config_tables": "config", "config_brand": "config", "config_mail": "config", "config_values": "config"}
PURE = {"ada_url", "babel", "markdown_it", "regex"}  # what the ground floor may use besides the standard library
IMPURE = (
    {"asyncio", "glob", "http", "importlib", "io", "logging", "multiprocessing", "os", "pathlib", "pickle", "platform", "pwd", "random"}
    | {"secrets", "select", "shelve", "shutil", "signal", "smtplib", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading"}
    | {"time", "urllib.request", "uuid", "webbrowser"}
)
IMPURE_CALLS = {"open", "input", "print", "now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes"}
LONG_ROOMS = {"db/schema.py"}  # every table in one place, by design
LONGEST = 300

MODULES = sorted(PACKAGE.rglob("*.py"))
TOP = {name for floor in FLOORS for name in floor}
OURS_ELSEWHERE = re.compile(r"/(?:home|Users|root|work)/[a-z]|(?:pypi|pythonhosted|npmjs)\.(?:org|com)")


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(module: str) -> str:
    """`digest.db.schema` -> `db`; `digest` itself -> ""."""
    room = module.split(".")[1] if "." in module else ""
    return SAME_ROOM.get(room, room)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, those inside functions too; `from digest import x` counts as `digest.x`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: a relative import; imports are absolute"
            module = str(node.module)
            rooms = [f"digest.{alias.name}" for alias in node.names if alias.name in TOP] if module == "digest" else []
            yield from ((node.lineno, name) for name in rooms or [module])


def floor_of(room: str) -> int:
    found = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert found, f"the room {room!r} stands on no floor; add it to FLOORS or move it"
    return found[0]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_only_go_down(path: Path) -> None:
    module = "digest." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    room = room_of(module)
    for line, imported in imports(path):
        if imported.split(".")[0] != "digest" or imported == "digest" or room_of(imported) == room:
            continue
        assert room != "__init__", f"{name_of(path)}:{line}: the package itself imports nothing"
        assert floor_of(room_of(imported)) > floor_of(room), f"{name_of(path)}:{line}: {room} may not import {imported}"


@pytest.mark.parametrize("path", [path for path in MODULES if room_of("digest." + name_of(path).replace("/", ".")) == "domain"], ids=name_of)
def test_the_ground_floor_is_pure(path: Path) -> None:
    allowed = (sys.stdlib_module_names - IMPURE) | PURE | {"digest"}
    for line, imported in imports(path):
        assert imported.split(".")[0] in allowed, f"{name_of(path)}:{line}: {imported} is not for the ground floor"
        assert imported not in IMPURE, f"{name_of(path)}:{line}: {imported} is not for the ground floor"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called not in IMPURE_CALLS, (
                f"{name_of(path)}:{node.lineno}: {called}() reads a clock, a disk or a terminal; take it as an argument"
            )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_click_library_stays_at_the_door(path: Path) -> None:
    if name_of(path).startswith("cli/"):
        return
    assert [line for line, imported in imports(path) if imported.split(".")[0] == "click"] == [], f"{name_of(path)} imports click"


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=name_of)
def test_packages_hand_nothing_on(path: Path) -> None:
    assert list(imports(path)) == [], f"{name_of(path)}: import a name where it is defined"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_room_is_crowded(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST or name_of(path) in LONG_ROOMS, f"{name_of(path)} has {lines} lines; split it below {LONGEST}"


def tables() -> dict[str, type[BaseModel]]:
    models = {name: field.annotation for name, field in Config.model_fields.items()}
    return {name: model for name, model in models.items() if isinstance(model, type) and issubclass(model, BaseModel)}


def test_the_example_holds_every_key_with_its_default() -> None:
    found = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert found == {name: defaults(model) for name, model in tables().items()}
    assert known_keys() == list(names(found))


def defaults(model: type[BaseModel]) -> dict[str, Any]:
    """Key -> default, as TOML gives it; of a table inside a table its own keys."""
    plain = {field.alias or key: field.default for key, field in model.model_fields.items()}
    return {
        key: defaults(type(value)) if isinstance(value, BaseModel) else list(value) if isinstance(value, tuple) else value
        for key, value in plain.items()
    }


def names(found: dict[str, Any], within: str = "") -> Iterator[str]:
    """Every key as `table.key`, and every table."""
    for key, value in found.items():
        yield within + key
        if isinstance(value, dict) and (value or not within):
            yield from names(value, f"{within}{key}.")


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(EXAMPLE.read_bytes())
    assert load_config(tmp_path / "config.toml", {}) == Config(home=tmp_path)


def test_every_key_of_the_example_has_its_sentence() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    bare = [line for above, line in pairwise(lines) if re.match(r"\w+ = ", line) and not re.match(r"# .+[.:)]$", above)]
    assert bare == []


def test_every_key_is_read_somewhere() -> None:
    whole = [
        path for path in MODULES if re.search(r"from digest\.config import|home\.config\b", path.read_text(encoding="utf-8"))
    ]  # who sees it whole
    read = {node.attr for path in whole for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)}
    unread = [f"{table}.{key}" for table, model in tables().items() for key in model.model_fields if key not in read]
    assert unread == [], "a key that nothing reads is a promise nobody keeps"


def commands(group: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, by its words: ("queue", "check")."""
    if not isinstance(group, click.Group):
        yield words, group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        assert command.help, f"`digest {' '.join((*words, name))}` has no help"
        yield from commands(command, (*words, name))


def section(words: tuple[str, ...]) -> str:
    """What docs/commands.md says under the command's own heading, or ""."""
    found = re.search(rf"^### `digest {' '.join(words)}\b[^\n]*\n(.*?)(?=^##|\Z)", COMMANDS_PAGE, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def test_every_command_has_help_and_stands_on_its_page() -> None:
    problems = []
    for words, command in commands(main):
        text = section(words)
        if not text:
            problems.append(f"docs/commands.md: no heading ### `digest {' '.join(words)}`")
        for option in (parameter for parameter in command.params if isinstance(parameter, click.Option)):
            problems += [f"`digest {' '.join(words)} {option.opts[0]}` has no help"] if not option.help else []
            problems += [
                f"docs/commands.md: {' '.join(words)} does not mention {name}" for name in option.opts if name.startswith("--") and name not in text
            ]
    assert problems == []


def test_the_page_of_commands_names_no_command_that_is_not_there() -> None:
    known = {" ".join(words) for words, _ in commands(main)}
    named = re.findall(r"^### `digest ([a-z]+(?: [a-z]+)?)", COMMANDS_PAGE, re.MULTILINE)
    assert sorted(named) == sorted(known)


def states() -> list[StrEnum]:
    """Every member of every StrEnum of the ground floor, found by looking."""
    enums = set()
    for module in pkgutil.iter_modules(digest.domain.__path__, "digest.domain."):
        values = vars(importlib.import_module(module.name)).values()
        enums |= {value for value in values if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum}
    return sorted((member for enum in enums for member in enum), key=lambda member: (type(member).__module__, type(member).__name__, member))


def test_every_state_has_its_sentence() -> None:
    needed = Counter(str(state) for state in states())
    assert len(needed) > len("every")
    written = Counter(re.findall(r"^- \*\*([^*]+)\*\*: .{12,}", GLOSSARY, re.MULTILINE))
    assert {state: f"{count} sentences, found {written[state]}" for state, count in needed.items() if written[state] < count} == {}
    assert {state for state in written if state not in needed} == set(), "the glossary explains states that are not there"


def test_locks_have_hashes_and_no_addresses() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text, name
        entries = re.split(r"\n(?=\S)", text.strip())
        assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry or "==" not in entry] == []


def test_the_development_lock_holds_the_running_one() -> None:
    running, development = (
        set(re.findall(r"^\S+==\S+", (ROOT / name).read_text("utf-8"), re.MULTILINE)) for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert running - development == set(), "scripts/install lets a development .venv serve for running; compile both locks together"


def test_the_locks_hold_every_dependency_that_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = [*project["project"]["dependencies"], *chain(*project["project"]["optional-dependencies"].values())]
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert {name for line in declared if (name := re.split(r"[\[<>=;, ]", line)[0].lower()) not in locked} == set()
    developed = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements-dev.lock").read_text("utf-8"), re.MULTILINE))
    assert {name for line in project["dependency-groups"]["dev"] if (name := re.split(r"[\[<>=;, ]", line)[0].lower()) not in developed} == set()


def own_files() -> Iterator[Path]:
    """Every file of the checkout, without caches and what git keeps."""
    for top in ROOT.iterdir():
        if top.is_file():
            yield top
        elif top.name == ".ci" or not (top.name.startswith(".") or top.name in {"dist", "build"}):
            yield from (path for path in top.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def test_nothing_names_the_machine_it_was_written_on_or_a_registry() -> None:
    problems = []
    for path in own_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        problems += [f"{path.relative_to(ROOT)}: {found[0]}" for found in OURS_ELSEWHERE.finditer(text)]
    assert problems == []
