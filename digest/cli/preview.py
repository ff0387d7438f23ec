"""`digest preview`: the coming edition in a browser, made anew as its files change."""

from __future__ import annotations

import signal
import socket
import webbrowser
from collections.abc import Callable

import click

from digest.cli.home import Home, pass_home
from digest.errors import TransportError

_HOST = "127.0.0.1"


class PortError(TransportError):
    """The preview's port cannot be had."""

    summary = "cannot be listened on"


@click.command("preview")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="The port on this machine; 0 takes a free one.")
@click.option("--open", "in_browser", is_flag=True, help="Open it in your browser.")
@pass_home
def command(home: Home, *, port: int, in_browser: bool) -> None:
    """Show the coming edition as any employee would get it, in a browser on this machine; it follows what you save.

    It plans nothing, sends nothing and writes nothing, and its links are dead. Stop it with Ctrl-C.
    """
    from digest.web.preview import make_preview
    from digest.web.preview_studio import Studio

    bound = _bound(port)
    address = f"http://{_HOST}:{bound.getsockname()[1]}/"
    studio = Studio(home.config_path, home.now)
    studio.start()
    try:
        click.echo(f"The preview is at {address} and follows what you save. Stop with Ctrl-C.")
        if in_browser:
            webbrowser.open(address)
        _serve(make_preview(studio, bound.getsockname()[1]), bound, studio.hush)
    finally:
        studio.stop()


def _bound(port: int) -> socket.socket:
    """A socket that only this machine reaches."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((_HOST, port))
    except OSError as error:
        bound.close()
        hint = "Another preview may be running; choose another port: `digest preview --port 0` takes a free one."
        raise PortError(f"{_HOST}:{port}", error.strerror or str(error), hint=hint) from error
    bound.listen(128)
    return bound


def _serve(app: object, bound: socket.socket, hush: Callable[[], None]) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        """One that ends its streams before it waits for them."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            hush()
            await super().shutdown(sockets)

    options = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, server_header=False, proxy_headers=False)  # type: ignore[arg-type]  # any ASGI application
    for number in (signal.SIGINT, signal.SIGTERM):  # the server hears them first and ends; then it raises them once more
        signal.signal(number, lambda _number, _frame: None)
    options.timeout_graceful_shutdown = 2
    Server(options).run(sockets=[bound])
