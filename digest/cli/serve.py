"""`digest serve`: the web pages and the worker, each a process of its own, under one parent."""

from __future__ import annotations

import multiprocessing
import signal
import socket
import threading
from multiprocessing.process import BaseProcess
from pathlib import Path

import click

from digest.cli.home import Home, pass_home, speak
from digest.errors import TransportError


class ListenError(TransportError):
    """The address of the pages cannot be had."""

    summary = "cannot be listened on"


@click.command("serve")
@click.option("--only", type=click.Choice(["web", "worker"]), help="Run one of the two (for several machines).")
@pass_home
def command(home: Home, *, only: str | None) -> None:
    """Serve the links and pages, and plan and send by the clock. Stop it with Ctrl-C or SIGTERM: it finishes what is on the wire."""
    parts = [only] if only else ["web", "worker"]
    home.engine.dispose()  # checked here, opened by each process for itself
    bound = _listen(home.config.web.listen) if "web" in parts else None
    if bound is not None:
        click.echo(f"Serving {home.config.site.url} on {home.config.web.listen}. Stop with Ctrl-C.")
    _run(home.config_path, parts, bound, verbose=home.verbose)


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


def _run(config_path: Path, parts: list[str], bound: socket.socket | None, *, verbose: bool) -> None:
    context = multiprocessing.get_context("spawn")
    children: list[BaseProcess] = []
    stopping = threading.Event()
    for part in parts:
        if part == "web":
            child: BaseProcess = context.Process(target=_web, args=(config_path, verbose, bound), name=part)
        else:
            child = context.Process(target=_worker, args=(config_path, verbose), name=part)
        child.start()
        children.append(child)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    while not stopping.is_set() and all(child.is_alive() for child in children):
        stopping.wait(0.5)
    for child in children:
        child.terminate()
    for child in children:
        child.join()
    failed = [child.name for child in children if child.exitcode]
    if failed and not stopping.is_set():
        raise TransportError(" and ".join(failed), "stopped by itself", hint="Its last words stand above; start again with `digest serve`.")


def _web(config_path: Path, verbose: bool, bound: socket.socket) -> None:
    import uvicorn

    from digest.web.serving import application

    home = _home(config_path, verbose=verbose)
    options = uvicorn.Config(application(home.engine, home.config, home.now), log_level="warning", access_log=False, server_header=False)
    options.proxy_headers = False  # we read forwarded headers ourselves, from named proxies only
    uvicorn.Server(options).run(sockets=[bound])


def _worker(config_path: Path, verbose: bool) -> None:
    from digest.scheduler import Clock

    home = _home(config_path, verbose=verbose)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    clock = Clock(home.engine, home.config, now=home.now)
    clock.start()
    stop.wait()
    clock.stop()


def _home(config_path: Path, *, verbose: bool) -> Home:
    speak(verbose=verbose, form="%(asctime)s %(name)s: %(message)s")
    return Home(config_path, verbose=verbose)
