"""What may not be said any more leaves letters that are still to go: posts and answers taken back, names withdrawn.

A plan is frozen, and stays approved: nothing is put in, nobody is chosen anew. A post that was taken back gives way to a spare
in each message that no server was offered yet; where words of the edition itself went, its letters are compiled again.
"""

from __future__ import annotations

from sqlalchemy import Engine

from digest.config import Config
from digest.db import editions, redactions
from digest.db.session import read, write, yield_to_others
from digest.domain.edition import Edition, EditionState
from digest.domain.frozen import fingerprint
from digest.domain.saturation import leave_out
from digest.pipeline import ledger, networks
from digest.pipeline.planning import mix_of
from digest.pipeline.rendering import compile_languages
from digest.pipeline.templates import site_folder

_CHUNK = 500  # messages in one transaction
_COMING = (EditionState.DRAFT, EditionState.APPROVED, EditionState.SENDING)


def follow(engine: Engine, config: Config) -> list[str]:
    """Bring every edition on its way up to date with what was taken back; sentences about those that changed. Raises TemplateError."""
    with read(engine) as connection:
        coming = editions.in_states(connection, *_COMING)
    return [said for edition in coming for said in (*_posts(engine, config, edition), *_words(engine, config, edition))]


def _posts(engine: Engine, config: Config, edition: Edition) -> list[str]:
    with read(engine) as connection:
        gone = redactions.recalled(connection, edition.id)
        kinds = {post.n: None if post.internal else post.origin for post in editions.content(connection, edition.id).posts} if gone else {}
    mix, changed, after = mix_of(config), 0, 0
    while gone:
        with write(engine) as connection:
            rows = redactions.carrying(connection, edition.id, gone, after=after, most=_CHUNK)
            for row in rows:
                picks, spares = leave_out(row.picks, row.spares, gone, kinds.get, share=mix.colleague_share, curated=mix.curated)
                redactions.change(connection, row.id, picks, spares)
        if not rows:
            break
        changed, after = changed + len(rows), rows[-1].id
        yield_to_others(engine)
    return [f"{edition.period}: {changed:,} letters go without what was taken back."] if changed else []


def _words(engine: Engine, config: Config, edition: Edition) -> list[str]:
    with read(engine) as connection:
        before, compiled = editions.content(connection, edition.id), redactions.compiled_of(connection, edition.id)
        content = ledger.allowed_in(connection, before)
    if content != before:
        with write(engine) as connection:
            content = ledger.allowed_in(connection, editions.content(connection, edition.id))
            editions.reword(connection, edition.id, content)
    if all(made_of == fingerprint(content) for made_of in compiled.values()):
        return []
    bodies = compile_languages(content, compiled, networks.known(config), site_folder(config))
    with write(engine) as connection:
        if editions.content(connection, edition.id) != content:
            return []  # planned again, or taken back once more, meanwhile: the next look sees it
        editions.put_bodies(connection, edition.id, bodies)
    return [f"{edition.period}: its letters are compiled again, without what was taken back."]
