"""The wheel carries everything: installed outside the checkout, it starts from nothing and plays a whole week."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
Run = Callable[..., "subprocess.CompletedProcess[str]"]

_WHERE = """
import importlib, pkgutil, digest
names = [found.name for found in pkgutil.walk_packages(digest.__path__, "digest.") if "__main__" not in found.name]
modules = [digest, *map(importlib.import_module, names)]
print(*(module.__file__ for module in modules), sep="\\n")
"""


def travelling() -> dict[str, Path]:
    """Name in the wheel -> file of the checkout, for everything that must travel."""
    places = {"digest": ROOT / "digest", "digest/_templates": ROOT / "templates", "digest/_migrations": ROOT / "migrations"}
    files = {
        f"{place}/{path.relative_to(folder).as_posix()}": path
        for place, folder in places.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return {**files, "digest/_sample/config.example.toml": ROOT / "config.example.toml"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment with the wheel in it; its dependencies are those of the running one."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    places = {"base": str(folder), "platbase": str(folder)}
    # A path in a .pth file is not searched for .pth files of its own, so the link to the checkout stays behind.
    Path(sysconfig.get_path("purelib", "venv", places), "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    scripts = Path(sysconfig.get_path("scripts", "venv", places))
    words = ["--python", str(scripts / "python"), "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return scripts


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Runs a command of the installed wheel in an empty folder, with nothing of our environment but PATH."""
    home = tmp_path / "home"
    home.mkdir()
    clean = {"PATH": f"{installed}{os.pathsep}{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8", "PYTHONWARNINGS": "default"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([str(installed / words[0]), *words[1:]], cwd=home, env=clean, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, f"{' '.join(words)}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    return run


def test_the_wheel_holds_every_file_of_the_package_as_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    assert held == {name: path.read_bytes() for name, path in travelling().items()}


def test_the_wheel_brings_its_licence_and_its_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (points,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "digest = digest.cli.main:run" in archive.read(points).decode()
    assert any(name.endswith("LICENSE") for name in names)


def test_what_runs_comes_from_the_wheel(installed: Path, run: Run) -> None:
    found = [Path(line) for line in run("python", "-c", _WHERE).stdout.splitlines()]
    assert len(found) > len("digest")
    assert [path for path in found if installed.parent not in path.parents] == []


def test_the_installed_wheel_says_its_version(run: Run) -> None:
    assert run("digest", "--version").stdout.startswith("digest, version ")


def test_the_installed_wheel_starts_from_nothing(run: Run, tmp_path: Path) -> None:
    run("digest", "init", "letter")
    assert {"config.toml", "queue.toml", "roster.csv", "digest.db"} <= {path.name for path in (tmp_path / "home" / "letter").iterdir()}
    run("digest", "--config", "letter/config.toml", "db", "check")
    run("digest", "--config", "letter/config.toml", "queue", "check")


@pytest.mark.slow
def test_the_installed_wheel_plays_the_whole_week(run: Run) -> None:
    run("digest", "demo", "--once")
