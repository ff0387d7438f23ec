"""Preview: the message one employee gets, as they would see it. Nothing is stored, and its links are dead."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from digest.db import editions, ledger, people
from digest.db.session import read
from digest.domain.employee import EmployeeId
from digest.domain.message import Message, MessageId, Pick
from digest.errors import EditionError, NotFoundError
from digest.pipeline import renderers
from digest.pipeline.edition import find
from digest.pipeline.rendering import DEAD_TOKEN


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One message, taken apart."""

    period: str
    address: str
    html: str
    text: str
    headers: tuple[tuple[str, str], ...]
    links: tuple[str, ...]
    size: int  # octets on the wire
    html_size: int
    eml: bytes

    def part(self, name: str) -> str:
        """`text`, `html`, `headers` or `links`, for a terminal."""
        match name:
            case "html":
                return self.html
            case "headers":
                return "\n".join(f"{key}: {value}" for key, value in self.headers)
            case "links":
                return "\n".join(self.links)
            case _:
                head = "\n".join(f"{key}: {value}" for key, value in self.headers if key in {"From", "To", "Subject"})
                return f"{head}\n\n{self.text}\n{self.size:,} bytes, of which HTML {self.html_size:,}; {len(self.links)} links."

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "period": self.period,
            "address": self.address,
            "headers": dict(self.headers),
            "text": self.text,
            "html": self.html,
            "links": list(self.links),
            "bytes": {"message": self.size, "html": self.html_size},
        }


def preview(engine: Engine, address: str, *, period: str | None, now: datetime) -> Preview:
    """The message of the employee at `address` in an edition. Raises NotFoundError, and EditionError when they get none."""
    with read(engine) as connection:
        found = find(connection, period)
        person = people.by_address(connection, address)
        if person is None:
            raise NotFoundError(address, "nobody on the roster has this address", hint="List them with `digest roster list`.")
        row = ledger.of_employee(connection, found.id, person.id)
        if row is None or not row.picks:
            reason = "joined after it was planned" if row is None else row.reason or row.state
            raise EditionError(found.period, f"{address} gets no message in it: {reason}", hint=f"See `digest edition why {address}`.")
        frozen = editions.content(connection, found.id)
    message = Message(
        id=MessageId(row.id),
        edition=found.id,
        period=frozen.period,
        employee=EmployeeId(person.id),
        address=person.address,
        name=row.name,
        zone=person.zone,
        language=row.language,
        picks=tuple(Pick(n=n, because=because) for n, because in row.picks),
        spares=(),
        networks=tuple(row.networks),
        share_token=DEAD_TOKEN,
        due_at=row.due_at,
        attempts=0,
        dated_at=max(row.due_at, now),
    )
    renderer = renderers.load(engine, found.id, live=False)
    shown = renderer.preview(message)
    return Preview(
        period=frozen.period,
        address=address,
        html=shown["html"],
        text=shown["text"],
        headers=tuple(shown["headers"]),
        links=tuple(shown["links"]),
        size=shown["size"],
        html_size=shown["html_size"],
        eml=renderer.wire(message).replace(b"\r\n..", b"\r\n."),
    )


def save_page(shown: Preview) -> Path:
    """The HTML as a file that a browser can open."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix=f"digest-{shown.period}-", suffix=".html", delete=False) as file:
        file.write(shown.html)
        return Path(file.name)
