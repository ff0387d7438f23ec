"""The usual ways to send the same letters: a script that does everything per employee, and Django's mail.

`python -m tests.bench.mailing.rivals naive|django URL PORT COUNT` prints messages a second. Both read the same planned edition.
"""

from __future__ import annotations

import logging
import smtplib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from premailer import transform
from sqlalchemy import select

from digest.db import editions
from digest.db.schema import edition, employee, message
from digest.db.session import open_database, read
from digest.domain.edition import EditionContent
from digest.domain.message import Pick
from digest.mail.compile import Compiled, load_compiled
from digest.mail.fill import Fill
from tests import factories_mail as mail


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One person's letter, not yet made."""

    address: str
    fill: Fill
    content: EditionContent
    compiled: Compiled


def letters(url: str, count: int) -> list[Letter]:
    """The first `count` messages of the planned edition."""
    engine = open_database(url)
    with read(engine) as connection:
        found = connection.execute(select(edition.c.id)).scalars().first()
        assert found is not None
        content = editions.content(connection, found)
        compiled = {language: load_compiled(body) for language, body in editions.bodies(connection, found).items()}
        rows = connection.execute(
            select(message, employee.c.mailbox).join(employee, employee.c.id == message.c.employee_id).order_by(message.c.id).limit(count)
        ).all()
    engine.dispose()
    return [
        Letter(
            address=row.mailbox,
            content=content,
            compiled=compiled.get(row.language) or next(iter(compiled.values())),
            fill=Fill(
                picks=tuple(Pick(n=n, because=because) for n, because in row.picks),
                networks=tuple(row.networks[:2]),
                name=row.name.split()[0],
                share=row.share_token,
                control=mail.CONTROL,
                unsubscribe=mail.UNSUBSCRIBE,
            ),
        )
        for row in rows
    ]


def naive(found: list[Letter], port: int) -> Callable[[], None]:
    """Render with Jinja, inline with premailer as it comes, build with EmailMessage, for each; one connection for all."""
    inliner = partial(transform, cssutils_logging_level=logging.CRITICAL)  # it warns of every property it does not know

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as server:
            for one in found:
                page = mail.slow_page(one.content, one.compiled, one.fill, inliner=inliner)
                server.sendmail("digest@example.com", [one.address], mail.slow_message(page, one.compiled.titles[one.fill.picks[0].n]))

    return send


def django(found: list[Letter], port: int) -> Callable[[], None]:
    """EmailMultiAlternatives over one connection, from a template inlined once. Everybody gets the posts of the first: less work than ours."""
    import django as framework  # type: ignore[import-untyped]  # it ships no types
    from django.conf import settings  # type: ignore[import-untyped]  # the same
    from django.core.mail import EmailMultiAlternatives, get_connection  # type: ignore[import-untyped]  # the same
    from django.template import Context, Engine  # type: ignore[import-untyped]  # the same

    settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT=port, INSTALLED_APPS=[], USE_I18N=False)
    framework.setup()
    first = found[0]
    page = mail.slow_page(first.content, first.compiled, first.fill)

    def marked(text: str) -> str:
        for value, name in ((first.fill.share, "share"), (first.fill.control, "control"), (first.fill.unsubscribe, "unsubscribe")):
            text = text.replace(value, "{{ " + name + " }}")
        return text.replace(f"{first.fill.name},", "{{ name }},")

    html, text = (Engine().from_string(marked(part)) for part in (page.html, page.text))

    def send() -> None:
        connection = get_connection()
        connection.open()
        for one in found:
            context = Context({"share": one.fill.share, "control": one.fill.control, "unsubscribe": one.fill.unsubscribe, "name": one.fill.name})
            letter = EmailMultiAlternatives("The Weekly Letter", text.render(context), "digest@example.com", [one.address], connection=connection)
            letter.attach_alternative(html.render(context), "text/html")
            letter.send()
        connection.close()

    return send


def main() -> None:
    """Print messages a second."""
    found = letters(sys.argv[2], int(sys.argv[4]))
    ways: dict[str, Callable[[list[Letter], int], Callable[[], None]]] = {"naive": naive, "django": django}
    send = ways[sys.argv[1]](found, int(sys.argv[3]))
    start = time.perf_counter()
    send()
    sys.stdout.write(str(len(found) / (time.perf_counter() - start)))


if __name__ == "__main__":
    main()
