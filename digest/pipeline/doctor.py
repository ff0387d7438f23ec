"""The examination: database, relays, DNS, links, clock and letter, each finding with what to do. Sends nothing, changes nothing."""

from __future__ import annotations

import importlib.metadata
import shutil
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, make_url, text
from sqlalchemy.exc import ArgumentError

from digest.config import Config
from digest.db import editions, keys, longest, migrate
from digest.db.session import open_database, place, read
from digest.domain.doctor import Finding, Level, Section, bad, clock, free_disk, letter_size, ok, unknown, worst, zones
from digest.domain.employee import EmployeeId
from digest.domain.message import Message, MessageId, Pick
from digest.errors import DigestError, StorageError
from digest.files.relays import known_relay
from digest.mail.dkim import Signer
from digest.net.dns import Dns
from digest.pipeline import doctor_dns, doctor_settings, doctor_wire, renderers, signing
from digest.pipeline.rendering import DEAD_TOKEN
from digest.pipeline.transports import relay, tables

_CANDIDATES = 100  # letters with the most posts; the longest is among them unless posts differ wildly in length


@dataclass(frozen=True, kw_only=True)
class Examination:
    """Everything that was found, in sections."""

    sections: tuple[Section, ...]

    @property
    def sound(self) -> bool:
        """False when anything is bad."""
        return worst(self.sections) is not Level.BAD

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        sections = [
            {"name": section.name, "findings": [{"level": f.level, "subject": f.subject, "said": f.said, "do": f.do} for f in section.findings]}
            for section in self.sections
        ]
        return {"sound": self.sound, "worst": worst(self.sections), "sections": sections}


@dataclass(kw_only=True)
class _Case:
    """What one section learns and another needs."""

    config: Config
    clock: Callable[[], datetime]
    dns: Dns | None  # None: ask nobody outside
    engine: Engine | None = None  # None: it cannot be used
    size: int = 0  # the smallest SIZE that a relay offers; 0: none
    clocks: dict[str, datetime] = field(default_factory=dict)


def examine(config: Config, *, clock: Callable[[], datetime], network: bool = True, nameserver: str = "") -> Examination:
    """Look at everything. `network` False: only what is on this machine. `nameserver`: the DNS server to ask instead of the system's."""
    case = _Case(config=config, clock=clock, dns=Dns(nameserver) if network else None)
    try:
        sections = [Section(name="database", findings=tuple(_database(case)))]
        sections += _relays(case)
        sections.append(Section(name="delivery", findings=tuple(doctor_settings.delivery(config))))
        sections.append(Section(name="sender", findings=(*_sender(case), *doctor_settings.secrets(config))))
        sections.append(Section(name="reports", findings=tuple(doctor_settings.reports(config, network=network))))
        if network:
            sections.append(Section(name="links", findings=tuple(_links(case))))
        sections.append(Section(name="sharing", findings=tuple(doctor_settings.sharing(config, clock()))))
        sections.append(Section(name="look", findings=tuple(doctor_settings.look(config))))
        sections.append(Section(name="clock", findings=tuple(_clock(case))))
        sections.append(Section(name="letter", findings=(_letter(case),)))
    finally:
        if case.engine is not None:
            case.engine.dispose()
    return Examination(sections=tuple(section for section in sections if section.findings))


def _told(subject: str, error: DigestError, do: str = "Correct it in config.toml.") -> Finding:
    """An expected error as a finding: what it says, and its hint or else `do`."""
    return bad(subject, str(error).removesuffix(error.hint).strip(), error.hint or do)


def _database(case: _Case) -> list[Finding]:
    folder = case.config.home
    try:
        file = _sqlite_file(case.config)
        if file is not None and not file.exists():
            return [bad("tables", f"{file} is not there", "Run `digest db upgrade` (or `digest init` in an empty folder).")]
        folder = file.parent if file is not None else folder
        engine = open_database(case.config.database.url, base=case.config.home)
        migrate.check(engine)
        with read(engine) as connection:
            lacking = [purpose for purpose in keys.PURPOSES if not keys.signing_keys(connection, purpose)]
            if engine.dialect.name == "postgresql":
                case.clocks["the database server"] = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    except StorageError as error:
        return [_told("tables", error, "Correct database.url in config.toml, or see that the server runs.")]
    case.engine = engine
    made = ok("keys", "those that sign links are there")
    if lacking:
        made = bad("keys", f"there are none for {', '.join(lacking)}", "Run `digest db upgrade`.")
    return [ok("tables", f"{place(engine)} is up to date"), made, free_disk(shutil.disk_usage(folder).free, str(folder))]


def _sqlite_file(config: Config) -> Path | None:
    """The database's file, or None for another kind; a URL that is none is reported by whoever opens it."""
    try:
        url = make_url(config.database.url)
    except ArgumentError:
        return None
    named = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return config.home / str(url.database) if named else None


def _relays(case: _Case) -> list[Section]:
    sections = []
    for name, said in tables(case.config).items():
        title = f"relay {name if name == 'smtp' else f'transports.{name}'}"
        try:
            one = relay(name, said, case.config.home)
        except DigestError as error:
            sections.append(Section(name=title, findings=(_told(title.removeprefix("relay "), error),)))
            continue
        met = doctor_wire.relay(one, said.model_dump(include={"connections", "per_second", "per_minute", "per_day"}), case.dns, case.clock())
        case.size = min(size for size in (case.size, met.size) if size) if case.size or met.size else 0
        sections.append(Section(name=title, findings=met.findings))
    return sections


def _sender(case: _Case) -> list[Finding]:
    config = case.config
    try:
        signer: Signer | None = signing.load(config)
    except DigestError as error:
        return [_told("DKIM", error)]
    sender = signing.sender_domain(config)
    known = [known_relay(host) for host in dict.fromkeys([config.smtp.host, *(one.host for one in config.transports.values())])]
    bounces = config.sender.bounces.rpartition("@")[2].lower() or sender
    includes = tuple(dict.fromkeys(relay.include for relay in known if relay and relay.include))
    return doctor_dns.records(doctor_dns.Domains(sender=sender, bounces=bounces, signer=signer, includes=includes), case.dns)


def _links(case: _Case) -> list[Finding]:
    key: tuple[int, bytes] | None = None
    if case.engine is not None:
        with read(case.engine) as connection:
            key = next(iter(keys.signing_keys(connection, "unsubscribe").items()), None)
    found, date = doctor_wire.links(case.config.site.url, key)
    moment = doctor_wire.moment(date)
    if moment is not None:
        case.clocks["the web server"] = moment
    return found


def _clock(case: _Case) -> list[Finding]:
    now = case.clock()
    return [*([clock(now, case.clocks)] if case.dns is not None or case.clocks else []), zones(_zone_data(), now)]


def _zone_data() -> str:
    """The version of the data that zoneinfo reads: the system's, or else the package's."""
    for folder in map(Path, zoneinfo.TZPATH):
        for name, first in (("tzdata.zi", "# version "), ("+VERSION", "")):
            file = folder / name
            if file.is_file():
                with file.open(encoding="utf-8") as lines:
                    return lines.readline().strip().removeprefix(first)
        if (folder / "UTC").exists():
            return ""
    return importlib.metadata.version("tzdata")


def _letter(case: _Case) -> Finding:
    if case.engine is None:
        return unknown("longest letter", "the database could not be read")
    with read(case.engine) as connection:
        planned = [edition for edition in editions.every(connection) if edition.planned_at is not None]
        rows = longest.most_picks(connection, planned[-1].id, _CANDIDATES) if planned else []
    if not any(row.picks for row in rows):
        return unknown("longest letter", "no edition is planned yet, so there is none to measure", "Run `digest edition plan`.")
    try:
        renderer = renderers.load(case.engine, planned[-1].id, live=False)
    except DigestError as error:
        return unknown("longest letter", str(error).splitlines()[0], error.hint)
    letters = [_message(planned[-1].id, planned[-1].period, row, case.clock()) for row in rows if row.picks]
    shown = renderer.preview(max(letters, key=lambda letter: len(renderer.wire(letter))))
    return letter_size(shown["html_size"], shown["size"], case.size)


def _message(edition_id: int, period: str, row: Row[Any], now: datetime) -> Message:
    return Message(
        id=MessageId(row.id),
        edition=edition_id,
        period=period,
        employee=EmployeeId(row.employee_id),
        address="x" * 64 + "@example.com",  # the longest local part there is; whose letter it was is nobody's business here
        name=row.name,
        language=row.language,
        picks=tuple(Pick(n=n, because=because) for n, because in row.picks),
        spares=(),
        networks=tuple(row.networks),
        share_token=DEAD_TOKEN,
        due_at=now,
        attempts=0,
        dated_at=now,
    )
