"""`digest`: the door to everything. Commands load when they are called, so `--help` is quick."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from pathlib import Path

import click

from digest import __version__
from digest.cli.home import Home, speak
from digest.errors import DigestError

# command -> module in digest/cli/ that has it as `command`; the order of the week
COMMANDS = {
    "init": "init",
    "demo": "demo",
    "queue": "queue",
    "contributions": "contributions",
    "roster": "roster",
    "preview": "preview",
    "edition": "edition",
    "ledger": "ledger",
    "mail": "mail",
    "tick": "tick",
    "verify": "verify",
    "serve": "serve",
    "links": "links",
    "report": "report",
    "tracking": "tracking",
    "outcome": "outcome",
    "suppress": "suppress",
    "templates": "templates",
    "privacy": "privacy",
    "doctor": "doctor",
    "db": "db",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"digest.cli.{COMMANDS[cmd_name]}").command
        return found if isinstance(found, click.Command) else None


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=lambda: os.environ.get("DIGEST_CONFIG", "config.toml"),
    help="The configuration file (default: config.toml here).",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
@click.version_option(__version__, prog_name="digest")
@click.pass_context
def main(context: click.Context, config_path: Path, *, verbose: bool) -> None:
    """A weekly digest email for employee advocacy: colleagues first, one click to share."""
    speak(verbose=verbose, form="%(message)s")
    home = context.obj = Home(Path(config_path), verbose=verbose)
    context.call_on_close(home.close)


def run() -> None:
    """Run the command line. Exit 0 done, 1 expected error, 2 usage, 3 bug, 130 interrupted."""
    try:
        code = main(prog_name="digest", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except DigestError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except BrokenPipeError:  # the reader of a pipe left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception:
        logging.getLogger("digest").exception("This is a bug in digest; please report it with the lines below.")
        sys.exit(3)
    sys.exit(code if isinstance(code, int) else 0)
