"""`digest templates`: your own templates beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from digest.cli.home import Home, as_json_option, pass_home, say

if TYPE_CHECKING:
    from digest.mail.overrides import File

_WORDS = {
    "ours": "ours",
    "yours": "yours",
    "behind": "yours; ours has changed since you copied it",
    "unmarked": "yours; its first line does not say what it was copied from",
    "own": "yours, in place of nothing",
}


@click.group("templates")
def command() -> None:
    """List, copy and check the templates of the letter and the pages."""


@command.command("list")
@as_json_option
@pass_home
def list_(home: Home, *, as_json: bool) -> None:
    """List every template: whether yours or ours is used, and whether ours has changed since you copied it."""
    from digest.pipeline import templates

    found = templates.listed(home.config)
    data = [{"path": file.path, "whose": file.whose, "ours": file.ours, "copied": file.copied} for file in found]
    say({"folder": home.config.site.templates, "templates": data}, _table(found), as_json=as_json)


def _table(files: list[File]) -> str:
    from rich.table import Table

    from digest.cli.tables import drawn

    table = Table("Template", "Used", box=None, pad_edge=False, header_style="bold")
    for file in files:
        table.add_row(file.path, _WORDS[file.whose])
    return drawn(table)


@command.command()
@click.argument("path")
@as_json_option
@pass_home
def copy(home: Home, *, path: str, as_json: bool) -> None:
    """Copy our template PATH, such as digest/body.html, into your folder. Nothing is written over."""
    from digest.errors import ConfigError
    from digest.mail import overrides

    folder = home.config.templates_path
    if folder is None:
        raise ConfigError(['site.templates: found "", needed the folder that your templates go to'], hint='Set templates = "site" under [site].')
    target = overrides.copy(path, folder)
    say({"path": path, "file": str(target)}, f"{target}: yours now. After changing it, run `digest templates check`.", as_json=as_json)


@command.command()
@as_json_option
@pass_home
def check(home: Home, *, as_json: bool) -> int:
    """Make the letter of a full sample edition in every language and read every page; say every problem with its line."""
    from digest.pipeline import templates
    from digest.web.dress import NAMES, engine
    from digest.web.pages import FILTERS

    problems = templates.check(home.config, engine(home.config.templates_path, FILTERS), NAMES)
    if problems and not as_json:
        click.echo("\n".join(map(str, problems)), err=True)
        click.echo(f"{len(problems):,} problem{'' if len(problems) == 1 else 's'}. Mend them before the next `digest edition plan`.", err=True)
        return 1
    data = {"problems": [{"file": problem.file, "line": problem.line, "text": problem.said} for problem in problems]}
    say(data, "Every template can be used in every language.", as_json=as_json)
    return 1 if problems else 0
