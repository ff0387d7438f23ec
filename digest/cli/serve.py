"""`digest serve`: the web pages and the worker, each a process of its own, under one parent."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import queue
import resource
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

import click

from digest.cli.home import Home, pass_home
from digest.cli.logs import Form, speak
from digest.cli.signals import PAUSING, pausing
from digest.errors import TransportError

_STOPPING = (signal.SIGTERM, signal.SIGINT)
_LOOK = 0.5  # seconds between looks at the children
_SOCKETS = 65536
_log = logging.getLogger("digest.serve")


class ListenError(TransportError):
    """The address of the pages cannot be had."""

    summary = "cannot be listened on"


@dataclass(frozen=True, kw_only=True)
class _Start:
    """What each process is told."""

    config_path: Path
    verbose: bool
    form: Form


@click.command("serve")
@click.option("--only", type=click.Choice(["web", "worker"]), help="Run one of the two (for several machines).")
@click.option("--log", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How the log is written.")
@pass_home
def command(home: Home, *, only: str | None, form: Form) -> None:
    """Serve the links and pages, and plan and send by the clock. Stop it with Ctrl-C or SIGTERM: it finishes what is on the wire."""
    parts = [only] if only else ["web", "worker"]
    home.engine.dispose()  # checked here, opened by each process for itself
    bound = _listen(home.config.web.listen) if "web" in parts else None
    if bound is not None:
        click.echo(f"Serving {home.config.site.url} on {home.config.web.listen}. Stop with Ctrl-C.")
    _run(parts, bound, _Start(config_path=home.config_path, verbose=home.verbose, form=form))


def _listen(address: str) -> socket.socket:
    """The bound socket: bound before anything starts, so a taken port is one clear sentence."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host.strip("[]"), int(port)))
    except OSError as error:
        bound.close()
        raise ListenError(
            f"web.listen {address}", error.strerror or str(error), hint="Stop what listens there, or choose another port in config.toml."
        ) from error
    bound.listen(2048)
    return bound


def _run(parts: list[str], bound: socket.socket | None, start: _Start) -> None:
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()
    signal.pthread_sigmask(signal.SIG_BLOCK, PAUSING)  # children inherit that, and listen when they are ready
    for number in (*_STOPPING, *PAUSING):
        signal.signal(number, lambda heard, _frame: asked.put(heard))
    children = _started(parts, bound, start)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PAUSING)
    stopping = False
    while any(child.is_alive() for child in children):
        heard = _next(asked)
        if heard in PAUSING:
            _tell([child for child in children if child.name == "worker"], heard)
        elif heard is not None or (not stopping and not all(child.is_alive() for child in children)):
            _tell(children, signal.SIGQUIT if stopping else signal.SIGTERM)
            stopping = stopping or heard is not None
    failed = [child.name for child in children if child.exitcode]
    if failed and not stopping:
        raise TransportError(" and ".join(failed), "stopped by itself", hint="Its last words stand above; start again with `digest serve`.")


def _started(parts: list[str], bound: socket.socket | None, start: _Start) -> list[BaseProcess]:
    context = multiprocessing.get_context("spawn")
    work: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {
        "web": (_web, (start, bound)),
        "worker": (_worker, (start,)),
    }
    children: list[BaseProcess] = [context.Process(target=work[part][0], args=work[part][1], name=part) for part in parts]
    for child in children:
        child.start()
    return children


def _next(asked: queue.SimpleQueue[int]) -> int | None:
    """The next signal, or None after a moment: then it is time to look at the children."""
    try:
        return asked.get(timeout=_LOOK)
    except queue.Empty:
        return None


def _tell(children: list[BaseProcess], number: int) -> None:
    for child in children:
        if child.is_alive() and child.pid is not None:
            os.kill(child.pid, number)


def _web(start: _Start, bound: socket.socket) -> None:
    import uvicorn

    from digest.pipeline import collector
    from digest.web.bounded import BoundedProtocol
    from digest.web.serving import application

    for number in PAUSING:  # they are for the worker, but a service manager sends them to everybody
        signal.signal(number, signal.SIG_IGN)
    home = _home(start, hosts=True)
    _make_room()
    _outlived()  # until the server takes SIGTERM over, it simply ends us, and nothing has begun
    options = uvicorn.Config(
        application(home.engine, home.config, home.now), log_config=None, log_level="warning", access_log=False, server_header=False
    )
    options.http, options.ws = BoundedProtocol, "none"
    options.proxy_headers = False  # we read forwarded headers ourselves, from named proxies only
    options.timeout_graceful_shutdown = max(home.config.delivery.grace_seconds, 1)  # a visitor who never finishes must not keep the port
    gc.collect()
    with collector.seldom():  # walking through all that is loaded, or through the links that are remembered, would hold every press up
        uvicorn.Server(options).run(sockets=[bound])


def _worker(start: _Start) -> None:
    from digest.scheduler import Clock

    asked: queue.SimpleQueue[int] = queue.SimpleQueue()  # an Event's lock would hold a second signal up inside the first, for ever
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to us all; the parent passes on what it means
    signal.signal(signal.SIGTERM, lambda heard, _frame: asked.put(heard))
    signal.signal(signal.SIGQUIT, _break_off)
    _outlived()
    home = _home(start, hosts=False)
    clock = Clock(home.engine, home.config, now=home.now)
    with pausing(home.engine, home.now, resumed=clock.wake):
        clock.start()
        asked.get()
        clock.stop()


def _outlived() -> None:
    """When the parent dies without a word, stop as if it had asked: else we would go on with its old configuration and hold its port.

    Only the parent holds the other end of a pipe that multiprocessing opens for each child, so its end is the parent's.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), name="parent", daemon=True).start()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    _log.warning("The process that started this one is gone; finishing what is begun.")
    os.kill(os.getpid(), signal.SIGTERM)


def _break_off(_number: int, _frame: FrameType | None) -> None:
    """Told twice to stop: leave as if killed. What is on the wire is in doubt, and the next run says so."""
    os._exit(130)


def _make_room() -> None:
    """As many open connections as the system lets us have: slow visitors must not keep the others out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _SOCKETS if hard == resource.RLIM_INFINITY else min(hard, _SOCKETS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _home(start: _Start, *, hosts: bool) -> Home:
    speak(verbose=start.verbose, form=start.form, hosts=hosts)
    return Home(start.config_path, verbose=start.verbose)
