"""What README and docs tell people to type works, in that order, with real parts."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from digest.cli.main import main
from digest.demo.mailbox import Mailbox, free_port

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "config.example.toml", *sorted((ROOT / "docs").glob("*.md"))]
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.name.endswith(".py"))


def typed(text: str) -> list[str]:
    """Every line of the page's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


class Reader:
    """Somebody at a terminal who types what README says into an empty folder."""

    def __init__(self, folder: Path, mailbox: Mailbox) -> None:
        self.folder = folder
        self.mailbox = mailbox
        self.port = free_port()
        door = folder / "bin" / "digest"
        door.parent.mkdir()
        door.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m digest "$@"\n', encoding="utf-8")
        door.chmod(0o755)
        path = f"{door.parent}{os.pathsep}{os.environ['PATH']}"
        self.env = {"PATH": path, "HOME": str(folder), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PYTHONWARNINGS": "default"}

    def type(self, line: str) -> None:
        """Run one line; anything but success fails the test."""
        words = shlex.split(line)
        if words[0].startswith("scripts/"):  # they install; that is run for itself, not from here
            assert ROOT / words[0] in SCRIPTS, f"README: {words[0]} is not there"
        elif words[0] == "cd":
            self.folder /= words[1]
        elif words[:2] == ["digest", "serve"]:
            self.serve(words)
        else:
            assert words[0] == "digest", f"README: `{line}` is not a command that this test knows how to try"
            done = subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False, timeout=120)
            allowed = {0, 1} if words[1] == "doctor" else {0}  # it finds that nothing here is meant for the world
            assert done.returncode in allowed, f"`{line}` ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
            if words[:2] == ["digest", "init"]:
                self.edit(self.folder / words[-1] / "config.toml")

    def edit(self, config: Path) -> None:
        """What README says to edit: here the relay and the address of the pages."""
        text = config.read_text(encoding="utf-8")
        for found, mine in (("port = 25\n", f"port = {self.mailbox.port}\n"), ("127.0.0.1:8080", f"127.0.0.1:{self.port}")):
            assert found in text
            text = text.replace(found, mine)
        config.write_text(text, encoding="utf-8")

    def serve(self, words: list[str]) -> None:
        """Start it, see a page, stop it as a service manager does."""
        with (self.folder / "serve.log").open("wb") as log:
            served = subprocess.Popen(words, cwd=self.folder, env=self.env, stdout=log, stderr=log)
            try:
                answered = self.answers(served)
            finally:
                served.send_signal(signal.SIGTERM)
                code = served.wait(timeout=60)
        said = (self.folder / "serve.log").read_text(encoding="utf-8")
        assert answered, f"no page answered\n{said}"
        assert code == 0, f"serve ended with {code}\n{said}"

    def answers(self, served: subprocess.Popen[bytes]) -> bool:
        for _ in range(150):
            if served.poll() is not None:
                return False
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", "/healthz")
                if connection.getresponse().status == http.client.OK:
                    return True
            except OSError:
                time.sleep(0.2)
            finally:
                connection.close()
        return False


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    mailbox = Mailbox(tmp_path / "mailbox")
    mailbox.start()
    yield Reader(tmp_path, mailbox)
    mailbox.stop()


@pytest.mark.slow
def test_what_readme_says_works_in_its_order(reader: Reader) -> None:
    for line in typed(README):
        reader.type(line)
    roster = (reader.folder / "roster.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    people = {line.split(",")[0].strip().lower() for line in roster if line.strip()}
    received = [letter.recipient.lower() for letter in reader.mailbox.letters() if b"X-Digest-Test: 1" not in letter.raw]
    assert len(received) == len(reader.mailbox.letters()) - 1
    assert sorted(received) == sorted(set(received)), "somebody got it twice"
    assert set(received) == people


def test_readme_starts_with_the_demo_and_the_tests() -> None:
    assert typed(README)[:2] == ["scripts/demo", "scripts/test"]


def resolve(words: list[str]) -> click.Command | None:
    """The command that `digest WORDS` means, or None."""
    command: click.Command | None = main
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), word)
    return command


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in [*re.findall(r"`digest ([^`]+)`", text), *re.findall(r"\bdigest ((?:tick|verify|report)\b[^\n`]*)", text)]:
        words = [word.strip(".,;") for word in line.split()]
        names = [word for word in words if re.fullmatch(r"[a-z]+", word)]
        if not names:  # the shape of a command line: `digest [--config FILE] COMMAND`
            continue
        command = resolve(names)
        assert command is not None, f"{page.name}: `digest {line}` names no command"
        known = {option for parameter in [*command.params, *main.params] for option in (*parameter.opts, *parameter.secondary_opts)} | {
            "--help",
            "--version",
        }
        assert {word for word in words if word.startswith("--")} <= known, f"{page.name}: `digest {line}` has an option that is not there"


@pytest.mark.parametrize("page", [path for path in PAGES if path.suffix == ".md"], ids=lambda path: path.name)
def test_every_link_between_the_pages_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_can_be_run_and_read_by_its_shell(script: Path) -> None:
    assert os.access(script, os.X_OK), f"{script.name} has no run bit"
    first = script.read_text(encoding="utf-8").splitlines()[0]
    if first.endswith("sh"):
        shell = first.removeprefix("#!").split()[-1]
        done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_build_machine_runs_the_same_two_scripts_as_people() -> None:
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert set(re.findall(r"^scripts/\w+", run.read_text(encoding="utf-8"), re.MULTILINE)) == {"scripts/check", "scripts/test"}
