"""Contributions for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from textwrap import indent
from typing import Any

from digest.cli.tables import drawn, table_of
from digest.domain.contribution import ContributionState, Edit
from digest.pipeline.contribution_moderation import Shown

_WAITS = (ContributionState.PROPOSED, ContributionState.EDITED)


def contribution_table(found: Sequence[Shown], now: datetime) -> str:
    """A line for each; what is late says so."""
    table = table_of("No.", "State", "Version", "By", "Title", "Decide by", "Look at")
    for shown in found:
        one = shown.one
        due = f"{one.decide_by:%Y-%m-%d}" if one.decide_by and one.state in _WAITS else ""
        late = " late" if due and one.decide_by and one.decide_by < now and one.decided_at is None else ""
        asks = [*dict.fromkeys(trigger.value for trigger, _ in shown.risks), *([shown.kept_out.value] if shown.kept_out else [])]
        table.add_row(str(one.id), one.state, str(one.version), _author(shown), one.words.title, f"{due}{late}", ", ".join(asks))
    return drawn(table)


def _author(shown: Shown) -> str:
    return shown.author.address if shown.author else "(erased)"


def contribution_page(shown: Shown) -> str:
    """Everything about one."""
    return "\n".join(_lines(shown))


def _lines(shown: Shown) -> Iterable[str]:
    one, words = shown.one, shown.one.words
    yield f"Contribution {one.id}, version {one.version}: {one.state}"
    trusted = f", a trusted author since {shown.trusted_at:%Y-%m-%d}" if shown.trusted_at else ""
    yield f"By {_author(shown)}{trusted}, {one.source}, {one.made_at:%Y-%m-%d %H:%M} UTC"
    if one.decide_by and one.decided_at is None:
        yield f"Promised to be decided by {one.decide_by:%Y-%m-%d %H:%M} UTC"
    if one.decided_at:
        yield f"Decided {one.decided_at:%Y-%m-%d %H:%M} UTC by {one.decided_by}{f': {one.reason}' if one.reason else ''}"
    if shown.kept_out:
        yield f"Kept out of every edition for now: {shown.kept_out}"
    yield from ("", f"{words.title}  ({words.kind}, {words.visibility})", *([words.url] if words.url else []), "", indent(words.why, "  "), "")
    yield from (f"{name}: {value}" for name, value in sorted(words.facts.items()))
    yield from (f"Look at it: {trigger}: {what}" for trigger, what in shown.risks)
    for edit in shown.edits:
        yield from _edit(edit)
    if shown.history:
        yield from ("", "What was done:")
        yield from (_done(row) for row in shown.history)


def _done(row: Mapping[str, Any]) -> str:
    """A line of its history; of somebody's words the later lines stand further in."""
    detail = row["detail"].replace("\n", "\n      ")
    return f"  {row['at']:%Y-%m-%d %H:%M}  {row['what'].partition('.')[2]}  {row['who']}  {detail}".rstrip()


def _edit(edit: Edit) -> Iterable[str]:
    yield from (
        "",
        f"Changed by {edit.who}, {edit.at:%Y-%m-%d %H:%M} UTC, for {edit.reason}{f': {edit.note}' if edit.note else ''} (version {edit.version})",
    )
    for name in edit.after:
        yield f"  {name}"
        yield indent(str(edit.before.get(name) or ""), "  - ", lambda line: bool(line.strip()))
        yield indent(str(edit.after[name] or ""), "  + ", lambda line: bool(line.strip()))
