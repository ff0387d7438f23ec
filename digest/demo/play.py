"""Playing the demo: set up, plan, approve, send, then walk through the week or leave everything running to look at."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from digest.demo.company import Company, found
from digest.demo.inbox import make_inbox
from digest.demo.mailbox import Mailbox, free_port
from digest.demo.servers import Server
from digest.demo.walk import DemoClock
from digest.mail.environment import environment
from digest.pipeline import edition, week
from digest.web.serving import application


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that runs while the demo is open."""

    company: Company
    mailbox: Mailbox
    clock: DemoClock
    inbox_url: str

    @property
    def config_path(self) -> Path:
        """What to give to `digest --config`."""
        return self.company.folder / "config.toml"


@contextmanager
def open_demo(folder: Path | None, real: Callable[[], datetime]) -> Iterator[Stage]:
    """The company with its mail server, pages and inbox, in `folder` or one that is thrown away afterwards."""
    clock = DemoClock(real)
    with ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digest-demo-")))
        mailbox = Mailbox(home / "mailbox" / f"{clock():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}")
        web, inbox = free_port(), free_port()
        company = found(home, web=web, smtp=mailbox.port, now=clock())
        stack.callback(company.engine.dispose)
        mailbox.start()
        stack.callback(mailbox.stop)
        stage = Stage(company=company, mailbox=mailbox, clock=clock, inbox_url=f"http://127.0.0.1:{inbox}/")
        pages = Server(application(company.engine, company.config, clock), web)
        letters = Server(make_inbox(mailbox, environment(), lambda: _facts(stage)), inbox)
        for server in (pages, letters):
            server.start()
            stack.callback(server.stop)
        yield stage


def send_week(stage: Stage, planning: Callable[[int, int], None], sending: Callable[[int], None]) -> str:
    """Plan the coming week, approve it and send it at once; what happened, in a sentence."""
    company = stage.company
    planned = edition.plan(company.engine, company.config, now=stage.clock(), progress=planning)
    edition.approve(company.engine, now=stage.clock(), who="demo", period=planned.edition.period)
    done = week.tick(company.engine, company.config, clock=stage.clock, at_once=True, progress=sending)
    return f"{planned.edition.period}: {week.delivered(done.delivery)}"


def _facts(stage: Stage) -> dict[str, Any]:
    command = f"digest --config {stage.config_path}"
    first = stage.mailbox.letters()[0].recipient if stage.mailbox.letters() else "ADDRESS"
    tries = [
        {"say": "Press Share in a letter, write a sentence of your own, and see what the network gets.", "type": ""},
        {"say": "See what your presses became:", "type": f"{command} report"},
        {"say": "Ask why somebody got what they got:", "type": f"{command} edition why {first}"},
        {"say": "Change queue.toml in the demo's folder and look at it:", "type": f"{command} queue check"},
    ]
    site = stage.company.config.site
    return {"site_name": site.name, "company": site.company, "tries": tries}
