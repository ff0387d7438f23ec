"""The examination against a real DNS server, a real SMTP server and the real endpoint, all on loopback; each thing wrong alone."""

from __future__ import annotations

import imaplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dns.resolver
import pytest
import uvicorn
from sqlalchemy import Engine, func, select

from digest.config import Config
from digest.db import migrate, schema
from digest.db.session import open_database, read, write
from digest.domain.doctor import Finding, Level
from digest.net.ask import ask
from digest.net.dns import Dns
from digest.pipeline import doctor, doctor_settings, doctor_wire, edition
from digest.pipeline.doctor import Examination, examine
from digest.pipeline.doctor_dns import Domains, records
from digest.smtp.look import Look
from digest.smtp.relay import Relay, Timeouts
from digest.web.serving import application
from tests.certificates import certificate, server_side
from tests.dovecot import Dovecot
from tests.factories import company, crowd
from tests.nameserver import Nameserver, free_port, text
from tests.reports import answer, maildir
from tests.signing import pem, signer
from tests.sink import Fault, Sink

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
DOMAIN = "osterglen.example"
RSA, ED25519 = pem("RSA"), pem("ED25519")
SIGNER = signer({"s2026": RSA, "e2026": ED25519})
ZONE = {
    (DOMAIN, "TXT"): [text("v=spf1 include:relay.example -all"), text("site-verification=1")],
    ("relay.example", "TXT"): [text("v=spf1 ip4:192.0.2.0/24 -all")],
    (f"_dmarc.{DOMAIN}", "TXT"): [text(f"v=DMARC1; p=reject; rua=mailto:d@{DOMAIN}")],
    (DOMAIN, "MX"): ["10 mx.osterglen.example."],
    **{(f"{name}._domainkey.{DOMAIN}", "TXT"): [text(record)] for name, record in SIGNER.records.items()},
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits twenty seconds for a server that hangs on purpose."""
    monkeypatch.setattr(doctor_wire, "QUICK", Timeouts(connect=2, greeting=0.5, command=0.5))
    monkeypatch.setattr("digest.net.dns.PATIENCE", 0.5)


@contextmanager
def pages(engine: Engine, config: Config, port: int) -> Iterator[None]:
    """The real endpoint on `port`."""
    server = uvicorn.Server(uvicorn.Config(application(engine, config, lambda: datetime.now(UTC)), port=port, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    yield
    server.should_exit = True
    thread.join()


@contextmanager
def web_server(answers: Callable[[str, str], tuple[int, Mapping[str, str], bytes]], port: int) -> Iterator[None]:
    """A web server in front that is not ours."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, headers, body = answers(self.command, self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _do  # noqa: N815 - the standard library's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


@dataclass(kw_only=True)
class House:
    """A company whose everything is right, until a test changes one thing."""

    home: Path
    engine: Engine
    url: str
    stack: ExitStack
    zone: dict[tuple[str, str], Sequence[str]] = field(default_factory=lambda: dict(ZONE))
    silent: Sequence[str] = ()
    failing: Sequence[str] = ()
    faults: Sequence[Fault] = ()
    relay: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    ahead: timedelta = timedelta()
    planned: bool = True
    serves: bool = True
    network: bool = True
    mode: int = 0o600  # of the keys

    def examined(self) -> Examination:
        both = certificate(self.home)
        options = {"tls": server_side(both), "login": "digest:secret", "size": 10_000_000, **self.relay}
        sink = self.stack.enter_context(Sink(file=self.home / "mail.jsonl", faults=list(self.faults), **options))
        nameserver = self.stack.enter_context(Nameserver(self.zone, silent=self.silent, failing=self.failing))
        port = free_port()
        smtp = {"port": sink.port, "security": "starttls", "username": "digest", "password": "secret", "ca_file": both.name}
        for name, key in (("s.pem", RSA), ("e.pem", ED25519)):
            (self.home / name).write_bytes(key)
            (self.home / name).chmod(self.mode)
        tables = {
            "sender": {"from": f"Mara <letter@{DOMAIN}>"},
            "dkim": {"selectors": {"s2026": "s.pem", "e2026": "e.pem"}},
            "site": {"url": f"http://127.0.0.1:{port}", "company": "Osterglen"},
            "database": {"url": self.url},
        }
        merged = {**tables, **self.tables, "smtp": {**smtp, **self.tables.get("smtp", {})}}
        config = company(self.engine, self.home, crowd(12), **merged)
        if self.planned:
            edition.plan(self.engine, config, now=EVENING)
        if self.serves:
            self.stack.enter_context(pages(self.engine, config, port))
        found = examine(config, clock=lambda: datetime.now(UTC) + self.ahead, network=self.network, nameserver=nameserver.place)
        assert sink.mails() == []
        assert not any(line.startswith("MAIL") for line in sink.seen)
        return found


@pytest.fixture
def house(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(home=tmp_path, engine=engine, url=database_url, stack=stack)


@pytest.fixture
def sqlite_house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """For what has nothing to do with the database."""
    with ExitStack() as stack:
        engine = open_database(sqlite_url)
        stack.callback(engine.dispose)
        yield House(home=tmp_path, engine=engine, url=sqlite_url, stack=stack, planned=False)


def all_of(found: Examination) -> list[Finding]:
    return [finding for section in found.sections for finding in section.findings]


def bad_ones(found: Examination) -> dict[str, str]:
    return {finding.subject: finding.said for finding in all_of(found) if finding.level is Level.BAD}


def one(found: Examination, subject: str) -> Finding:
    (finding,) = (finding for finding in all_of(found) if finding.subject == subject)
    return finding


def everything(engine: Engine) -> dict[str, int]:
    with read(engine) as connection:
        return {table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one()) for table in schema.metadata.sorted_tables}


def test_where_everything_is_right_nothing_is_bad(house: House) -> None:
    found = house.examined()
    assert bad_ones(found) == {}
    assert found.sound
    lines = {finding.subject: finding.said for finding in all_of(found) if finding.level is Level.OK}
    place = next(subject for subject in lines if subject.startswith("127.0.0.1:"))
    assert "encrypted with TLSv1.3" in lines[place]
    assert "logged in as digest" in lines[place]
    assert "SIZE" in lines[place]
    assert lines[f"SPF of {DOMAIN}"] == "one record, 1 of 10 look-ups, ends in -all"
    assert lines["DKIM s2026"].endswith("is our key (rsa)")
    assert lines["DKIM e2026"].endswith("is our key (ed25519)")
    assert lines[f"DMARC of {DOMAIN}"] == "p=reject"
    assert lines["alignment"].startswith("we sign for osterglen.example")
    assert lines[f"MX of {DOMAIN}"] == "mx.osterglen.example"
    assert "takes the POST of a mail program" in lines["one-click unsubscribe"]
    assert "octets of HTML" in lines["longest letter"]
    assert "agrees with" in lines["clock"]
    assert {f.subject for f in all_of(found) if f.level is Level.WARN} == {"certificate", "site.url"}  # two days left; http on loopback
    assert [section.name for section in found.sections] == ["database", "relay smtp", "sender", "links", "clock", "letter"]


def test_it_changes_nothing_in_the_database(house: House) -> None:
    house.examined()
    before = everything(house.engine)
    (house.home / "mail.jsonl").unlink()
    config = Config.model_validate({"database": {"url": house.url}, "sender": {"from": f"M <l@{DOMAIN}>"}}).model_copy(update={"home": house.home})
    examine(config, clock=lambda: datetime.now(UTC), network=False)
    assert everything(house.engine) == before


def test_the_one_click_probe_leaves_no_trace(house: House) -> None:
    house.planned = False
    found = house.examined()
    assert one(found, "one-click unsubscribe").level is Level.OK
    counts = everything(house.engine)
    assert [counts[name] for name in ("suppression", "consent_event", "audit", "click", "visit") if name in counts] == [0] * 5


TWO_SPF = [text("v=spf1 -all"), text("v=spf1 mx -all")]
RECORDS_WRONG: list[tuple[tuple[str, str], list[str], str, str]] = [
    ((DOMAIN, "TXT"), [text("other")], f"SPF of {DOMAIN}", "there is no record"),
    ((DOMAIN, "TXT"), TWO_SPF, f"SPF of {DOMAIN}", "there are 2 records"),
    ((DOMAIN, "TXT"), [text("v=spf1 +all")], f"SPF of {DOMAIN}", "anybody"),
    ((DOMAIN, "TXT"), [text("v=spf1 -all")], f"SPF of {DOMAIN}", "it names no server"),
    ((DOMAIN, "TXT"), [text("v=spf1 " + " ".join(f"a:{n}.x.example" for n in range(11)) + " -all")], f"SPF of {DOMAIN}", "more than 10"),
    (("relay.example", "TXT"), [text("nothing")], f"SPF of {DOMAIN}", "relay.example"),
    ((f"s2026._domainkey.{DOMAIN}", "TXT"), [], "DKIM s2026", "there is no key"),
    ((f"e2026._domainkey.{DOMAIN}", "TXT"), [text("v=DKIM1; k=ed25519; p=")], "DKIM e2026", "withdrawn"),
    ((f"s2026._domainkey.{DOMAIN}", "TXT"), [text(signer({"s": pem("RSA")}).records["s"])], "DKIM s2026", "another key"),
    ((f"_dmarc.{DOMAIN}", "TXT"), [], f"DMARC of {DOMAIN}", "there is no policy"),
    ((DOMAIN, "MX"), ["0 ."], f"MX of {DOMAIN}", "null MX"),
    ((DOMAIN, "MX"), [], f"MX of {DOMAIN}", "there is none"),
]


@pytest.mark.parametrize(("name", "values", "subject", "says"), RECORDS_WRONG, ids=[f"{subject}: {says}" for _, _, subject, says in RECORDS_WRONG])
def test_each_record_that_is_wrong_is_the_only_bad_thing(
    sqlite_house: House, name: tuple[str, str], values: list[str], subject: str, says: str
) -> None:
    sqlite_house.zone[name] = values
    found = sqlite_house.examined()
    assert not found.sound
    assert list(bad_ones(found)) == [subject]
    assert says in bad_ones(found)[subject]
    assert one(found, subject).do


def test_a_key_to_publish_is_printed_whole(sqlite_house: House) -> None:
    sqlite_house.zone[(f"s2026._domainkey.{DOMAIN}", "TXT")] = []
    do = one(sqlite_house.examined(), "DKIM s2026").do
    assert do.startswith(f'Publish:\ns2026._domainkey.{DOMAIN}. TXT "v=DKIM1; k=rsa; p=MII')
    assert "".join(do.split('"')[1::2]) == SIGNER.records["s2026"]


def test_a_dns_that_says_nothing_is_unknown_and_not_bad(sqlite_house: House) -> None:
    sqlite_house.silent = ["*"]
    found = sqlite_house.examined()
    assert bad_ones(found) == {}
    assert [(f.subject, f.level) for f in found.sections[2].findings] == [(name, Level.UNKNOWN) for name in ("DNS", "DKIM s2026", "DKIM e2026")]
    assert "--nameserver" in one(found, "DNS").do


def test_a_dns_that_is_silent_for_one_name_leaves_the_others_known(sqlite_house: House) -> None:
    sqlite_house.silent = [f"e2026._domainkey.{DOMAIN}"]
    found = sqlite_house.examined()
    assert one(found, "DKIM e2026").level is Level.UNKNOWN
    assert [one(found, name).level for name in ("DKIM s2026", f"SPF of {DOMAIN}", f"MX of {DOMAIN}")] == [Level.OK] * 3


def test_a_dns_that_fails_for_one_name_leaves_the_others_known(sqlite_house: House) -> None:
    sqlite_house.failing = [f"_dmarc.{DOMAIN}"]
    found = sqlite_house.examined()
    assert one(found, f"DMARC of {DOMAIN}").level is Level.UNKNOWN
    assert one(found, f"SPF of {DOMAIN}").level is Level.OK


RELAY_WRONG: list[tuple[dict[str, Any], list[Fault], dict[str, Any], str]] = [
    ({}, [Fault(at="greeting", do="hang")], {}, "no greeting"),
    ({}, [Fault(at="ehlo", do="554 5.5.1 no")], {}, "EHLO"),
    ({"tls": None}, [], {}, "does not offer STARTTLS"),
    ({}, [Fault(at="starttls", do="454 4.7.0 no")], {}, "no encryption"),
    ({}, [], {"ca_file": ""}, "the certificate is not valid"),
    ({}, [], {"password": "wrong"}, "no login: 535"),
]


@pytest.mark.parametrize(("relay", "faults", "smtp", "says"), RELAY_WRONG, ids=[says for *_, says in RELAY_WRONG])
def test_each_thing_wrong_with_the_relay_is_the_only_bad_thing(
    sqlite_house: House, relay: dict[str, Any], faults: list[Fault], smtp: dict[str, Any], says: str
) -> None:
    sqlite_house.relay, sqlite_house.faults, sqlite_house.tables = relay, faults, {"smtp": smtp}
    found = sqlite_house.examined()
    ((subject, said),) = bad_ones(found).items()
    assert (subject.startswith("127.0.0.1:"), says in said) == (True, True), said
    assert "smtp." in one(found, subject).do or "try again" in one(found, subject).do


def test_a_relay_that_is_away(sqlite_house: House) -> None:
    sqlite_house.tables = {"smtp": {"port": free_port()}}
    assert list(bad_ones(sqlite_house.examined()).values()) == ["no connection: refused the connection"]


def test_every_transport_is_looked_at(sqlite_house: House) -> None:
    sqlite_house.tables = {"transports": {"second": {"host": "127.0.0.1", "port": free_port()}}}
    found = sqlite_house.examined()
    assert [section.name for section in found.sections][1:3] == ["relay smtp", "relay transports.second"]
    assert len(bad_ones(found)) == 1


def test_certificates_that_cannot_be_read_are_named(sqlite_house: House) -> None:
    sqlite_house.tables = {"smtp": {"ca_file": "gone.pem"}}
    sqlite_house.tables["transports"] = {
        "second": {"host": "127.0.0.1", "ca_file": "neither.pem"},
        "third": {"host": "127.0.0.1", "port": free_port()},
    }
    found = bad_ones(sqlite_house.examined())
    assert ("gone.pem" in found["smtp"], "neither.pem" in found["transports.second"]) == (True, True)
    assert "no connection: refused the connection" in found.values(), "those behind them are looked at all the same"


def test_a_login_in_the_clear_to_elsewhere_is_bad() -> None:
    open_one = Relay(host="relay.osterglen.example", port=25, username="digest")
    (found,) = doctor_wire._encryption(open_one, Look(open_one), EVENING)
    assert (found.level, "smtp.security" in found.do) == (Level.BAD, True)


def test_a_letter_larger_than_the_relay_takes(sqlite_house: House) -> None:
    sqlite_house.relay, sqlite_house.planned = {"size": 5000}, True
    assert "the relay takes 5,000" in bad_ones(sqlite_house.examined())["longest letter"]


def test_without_an_edition_only_the_letter_is_unknown(house: House) -> None:
    house.planned = False
    found = house.examined()
    assert bad_ones(found) == {}
    assert (one(found, "longest letter").level, one(found, "longest letter").do) == (Level.UNKNOWN, "Run `digest edition plan`.")


def test_pages_that_are_not_served(sqlite_house: House) -> None:
    sqlite_house.serves = False
    found = bad_ones(sqlite_house.examined())
    assert list(found) == ["pages", "one-click unsubscribe"]
    assert "nobody listens there" in found["pages"]


Answers = tuple[int, Mapping[str, str], bytes]
FRONTS: list[tuple[Answers, Answers, dict[str, str]]] = [
    ((200, {}, b"ok\n"), (302, {"location": "https://login.example"}, b""), {"one-click unsubscribe": "redirected to https://login.example"}),
    ((200, {}, b"ok\n"), (403, {}, b""), {"one-click unsubscribe": "forbidden"}),
    ((200, {}, b"ok\n"), (404, {}, b""), {"one-click unsubscribe": "does not know a link that our own key signed"}),
    ((200, {}, b"ok\n"), (502, {}, b""), {"one-click unsubscribe": "502"}),
    ((301, {"location": "https://www.example"}, b""), (200, {}, b""), {"pages": "redirects to https://www.example"}),
    ((200, {}, b"<h1>Welcome to nginx</h1>"), (200, {}, b""), {"pages": "not in our words"}),
    ((503, {}, b"the database did not answer\n"), (200, {}, b""), {"pages": "503: the database did not answer"}),
]


@pytest.mark.parametrize(("health", "click", "wrong"), FRONTS, ids=[str(wrong) for *_, wrong in FRONTS])
def test_a_web_server_in_front_that_gets_in_the_way(sqlite_house: House, health: Answers, click: Answers, wrong: dict[str, str]) -> None:
    port = free_port()
    sqlite_house.serves, sqlite_house.tables = False, {"site": {"url": f"http://127.0.0.1:{port}"}}
    sqlite_house.stack.enter_context(web_server(lambda method, _path: click if method == "POST" else health, port))
    found = bad_ones(sqlite_house.examined())
    assert list(found) == list(wrong)
    assert all(says in found[subject] for subject, says in wrong.items())


def test_pages_over_another_database_do_not_know_our_links(sqlite_house: House, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = open_database(f"sqlite:///{folder}/other.db")
    sqlite_house.stack.callback(other.dispose)
    migrate.upgrade(other)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    config = company(other, folder, crowd(2), site={"url": url})
    sqlite_house.stack.enter_context(pages(other, config, port))
    sqlite_house.serves, sqlite_house.tables = False, {"site": {"url": url}}
    assert list(bad_ones(sqlite_house.examined())) == ["one-click unsubscribe"]


@pytest.mark.parametrize(("minutes", "level"), [(1, Level.WARN), (10, Level.BAD)])
def test_a_clock_that_is_wrong(house: House, minutes: int, level: Level) -> None:
    house.ahead = timedelta(minutes=minutes)
    assert one(house.examined(), "clock").level is level


@pytest.mark.parametrize("url", ["sqlite:///gone.db", "postgresql://nobody@127.0.0.1:1/none", "mysql://x", "nonsense"])
def test_a_database_that_cannot_be_used_leaves_the_rest_examined(tmp_path: Path, url: str) -> None:
    config = Config.model_validate({"database": {"url": url}, "sender": {"from": f"M <l@{DOMAIN}>"}}).model_copy(update={"home": tmp_path})
    found = examine(config, clock=lambda: EVENING, network=False)
    assert list(bad_ones(found)) == ["tables"]
    assert one(found, "tables").do
    assert one(found, "longest letter").level is Level.UNKNOWN
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_another_version_is_named_with_its_cure(tmp_path: Path) -> None:
    open_database("sqlite:///old.db", base=tmp_path).connect().close()
    config = Config.model_validate({"database": {"url": "sqlite:///old.db"}}).model_copy(update={"home": tmp_path})
    found = examine(config, clock=lambda: EVENING, network=False)
    assert one(found, "tables").do == "Run `digest db upgrade`."


def test_keys_that_are_missing_are_named(sqlite_house: House) -> None:
    sqlite_house.network = False
    sqlite_house.examined()
    with write(sqlite_house.engine) as connection:
        connection.execute(schema.key.delete())
    config = Config.model_validate({"database": {"url": sqlite_house.url}}).model_copy(update={"home": sqlite_house.home})
    found = examine(config, clock=lambda: EVENING, network=False)
    assert one(found, "keys").do == "Run `digest db upgrade`."


def test_without_the_network_nobody_is_asked_and_the_records_are_printed(sqlite_house: House) -> None:
    sqlite_house.network = False
    found = sqlite_house.examined()
    assert found.sound
    assert f's2026._domainkey.{DOMAIN}. TXT "v=DKIM1' in one(found, "DKIM s2026").do
    assert "links" not in [section.name for section in found.sections]


def test_a_signing_key_that_is_missing_is_bad(sqlite_house: House) -> None:
    sqlite_house.tables = {"dkim": {"selectors": {"s2026": "gone.pem"}}}
    assert "dkim.selectors.s2026" in bad_ones(sqlite_house.examined())["DKIM"]


def test_without_keys_of_our_own_the_relay_must_sign(sqlite_house: House) -> None:
    sqlite_house.tables = {"dkim": {}}
    found = sqlite_house.examined()
    assert (found.sound, one(found, "DKIM").level) == (True, Level.UNKNOWN)
    assert "digest mail test" in one(found, "DKIM").do


def test_the_bounce_domain_is_the_one_that_spf_and_mx_are_asked_about(sqlite_house: House) -> None:
    bounces = f"b.{DOMAIN}"
    sqlite_house.zone |= {(bounces, "TXT"): [text("v=spf1 mx -all")], (bounces, "MX"): ["10 mx.osterglen.example."]}
    sqlite_house.tables = {"sender": {"from": f"M <l@{DOMAIN}>", "bounces": f"*@{bounces}"}}
    found = sqlite_house.examined()
    assert bad_ones(found) == {}
    assert one(found, f"SPF of {bounces}").level is Level.OK
    assert one(found, f"MX of {bounces}").level is Level.OK


def test_the_examples_sender_is_bad(sqlite_house: House) -> None:
    sqlite_house.tables = {"sender": {}}
    assert list(bad_ones(sqlite_house.examined())) == ["sender.from"]


def test_a_providers_limits_and_record_are_known() -> None:
    zone = {(DOMAIN, "TXT"): [text("v=spf1 mx -all")]}
    with Nameserver(zone) as server:
        found = records(
            Domains(sender=DOMAIN, bounces=DOMAIN, signer=None, includes=("spf.protection.outlook.com",)),
            Dns(server.place, patience=1),
        )
    (missing,) = (finding for finding in found if finding.level is Level.WARN and "SPF" in finding.subject)
    assert '"v=spf1 include:spf.protection.outlook.com mx -all"' in missing.do


def test_the_limits_of_exchange_online_are_printed_without_asking_anybody(tmp_path: Path) -> None:
    config = Config.model_validate({"smtp": {"host": "smtp.office365.com"}}).model_copy(update={"home": tmp_path})
    found = examine(config, clock=lambda: EVENING, network=False)
    assert one(found, "limits of smtp.office365.com").do == "Set in config.toml:\n[smtp]\nconnections = 3\nper_minute = 30\nper_day = 10000"


def test_the_relays_addresses_are_asked_for_their_names() -> None:
    zone = {
        ("relay.example", "A"): ["198.51.100.7", "198.51.100.8", "10.0.0.1"],
        ("7.100.51.198.in-addr.arpa", "PTR"): ["relay.example."],
    }
    with Nameserver(zone) as server:
        found = doctor_wire.reverse_names("relay.example", Dns(server.place, patience=1))
        direct = doctor_wire.reverse_names("198.51.100.7", Dns(server.place, patience=1))
    assert {finding.subject: finding.level for finding in found} == {"PTR of 198.51.100.7": Level.OK, "PTR of 198.51.100.8": Level.WARN}
    assert [finding.level for finding in direct] == [Level.OK]
    assert doctor_wire.reverse_names("127.0.0.1", Dns("127.0.0.1"))[0].level is Level.UNKNOWN


def test_a_machine_that_names_no_dns_server_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", none)
    assert Dns().txt(DOMAIN).problem == "this machine names no DNS server"


def test_the_version_of_the_time_zones_is_found() -> None:
    assert doctor._zone_data()[:2] == "20"


def test_silence_of_the_web_server_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert ask("GET", f"http://127.0.0.1:{silent.getsockname()[1]}/healthz", patience=0.3).problem == "no answer in time"


def test_alignment_promises_nothing_for_keys_that_nobody_published(sqlite_house: House) -> None:
    for selector in ("s2026", "e2026"):
        sqlite_house.zone[(f"{selector}._domainkey.{DOMAIN}", "TXT")] = []
    found = sqlite_house.examined()
    assert list(bad_ones(found)) == ["DKIM s2026", "DKIM e2026"]
    assert one(found, "alignment").level is Level.WARN
    assert f"DKIM will speak for {DOMAIN}, once its record is right" in one(found, "alignment").said
    sqlite_house.zone[(DOMAIN, "TXT")] = []
    again = examine_again(sqlite_house)
    assert one(again, "alignment").level is Level.BAD


def examine_again(house: House) -> Examination:
    """A second look, after the zone changed; the relay and the pages stay away."""
    with Nameserver(house.zone) as nameserver:
        config = Config.model_validate(
            {
                "sender": {"from": f"Mara <letter@{DOMAIN}>"},
                "dkim": {"selectors": {"s2026": "s.pem", "e2026": "e.pem"}},
                "smtp": {"port": free_port()},
                "site": {"url": f"http://127.0.0.1:{free_port()}"},
                "database": {"url": house.url},
            }
        ).model_copy(update={"home": house.home})
        return examine(config, clock=lambda: datetime.now(UTC), nameserver=nameserver.place)


def test_a_key_that_others_may_read_is_a_warning(sqlite_house: House) -> None:
    sqlite_house.mode = 0o640
    found = one(sqlite_house.examined(), "dkim.selectors.s2026")
    assert (found.level, "mode 640" in found.said, found.do) == (Level.WARN, True, f"chmod 600 {sqlite_house.home}/s.pem")


SETTINGS: list[tuple[dict[str, Any], str, Level, str]] = [
    ({"delivery": {"only": ("ana@b.example", "c.example")}}, "delivery.only", Level.WARN, "only these get mail: ana@b.example, c.example; everybody"),
    ({"delivery": {"only": tuple(f"d{n}.example" for n in range(9))}}, "delivery.only", Level.WARN, "d4.example and 4 more; everybody"),
    ({"delivery": {"canary": 50}}, "delivery.canary", Level.WARN, "nothing fetches reports"),
    ({"delivery": {"canary": "1%"}, "inbound": {"mailbox": "mail"}}, "delivery.canary", Level.OK, "1% go first, and the rest 15 minutes later"),
    ({"sender": {"bounces": f"*@b.{DOMAIN}"}}, "inbound.mailbox", Level.WARN, f"reports come back to *@b.{DOMAIN}"),
    ({"inbound": {"mailbox": "mail"}}, "inbound.mailbox", Level.OK, "mail can be read; 2 unread"),
    ({"inbound": {"mailbox": "nowhere"}}, "inbound.mailbox", Level.BAD, "nowhere/new: mail cannot be fetched: No such file or directory"),
    ({"inbound": {"mailbox": "imaps://u@h/F"}}, "inbound.mailbox", Level.UNKNOWN, "imaps://u@h/F was not asked"),
]


@pytest.mark.parametrize(("tables", "subject", "level", "says"), SETTINGS, ids=[says for *_, says in SETTINGS])
def test_settings_that_are_left_from_a_trial_or_wrong_together(
    tmp_path: Path, sqlite_url: str, tables: dict[str, Any], subject: str, level: Level, says: str
) -> None:
    maildir(tmp_path / "mail", [answer(), answer()])
    both = {"database": {"url": sqlite_url}, **tables, "sender": {"from": f"M <l@{DOMAIN}>", **tables.get("sender", {})}}
    config = Config.model_validate(both).model_copy(update={"home": tmp_path})
    found = one(examine(config, clock=lambda: datetime.now(UTC), network=False), subject)
    assert (found.level, says in found.said) == (level, True), found.said
    assert found.do or level in {Level.OK, Level.UNKNOWN}
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 2


def test_an_imap_mailbox_is_opened_and_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Dovecot()
    try:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.cafile))
        program = imaplib.IMAP4_SSL("127.0.0.1", server.imaps, ssl_context=ssl.create_default_context(cafile=str(server.cafile)))
        program.login("ana", "secret")
        program.append("INBOX", None, None, answer())
        said = {"mailbox": f"imaps://ana@127.0.0.1:{server.imaps}/INBOX", "password": "secret"}
        config = Config.model_validate({"inbound": said}).model_copy(update={"home": tmp_path})
        (found,) = doctor_settings.reports(config, network=True)
        assert (found.level, found.said) == (Level.OK, f"{said['mailbox']} can be read; 1 unread")
        program.select("INBOX", readonly=True)
        assert program.uid("SEARCH", "UNSEEN")[1] == [b"1"]
        wrong = config.model_copy(update={"inbound": config.inbound.model_copy(update={"password": "wrong"})})
        (found,) = doctor_settings.reports(wrong, network=True)
        assert (found.level, "Authentication failed" in found.said, "inbound.password" in found.do) == (Level.BAD, True, True)
        program.logout()
    finally:
        server.stop()
