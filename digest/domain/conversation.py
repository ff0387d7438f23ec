"""A conversation with a relay told to people: which steps passed, which one failed, and what to check then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from digest.domain.phase import Event, Kind, Outcome, Phase, event_of


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a conversation; `do` says what to check when it failed."""

    phase: Phase
    ok: bool
    said: str
    do: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the configuration says of the relay, and what was met."""

    place: str  # "smtp.example.net:587"
    table: str  # "smtp" or "transports.NAME": where its keys stand
    security: str  # none | starttls | tls
    username: str
    protocol: str = ""  # of TLS, once it stands
    offers: Mapping[str, str] | None = None  # of EHLO


def opening(outcome: Outcome, settings: Settings) -> tuple[Step, ...]:
    """The steps up to the end of `outcome`, which opening the connection gave."""
    steps = _order(settings)
    if outcome.accepted:
        return tuple(_passed(phase, settings) for phase in steps)
    before = steps[: steps.index(outcome.phase)] if outcome.phase in steps else []
    return (*(_passed(phase, settings) for phase in before), failed(outcome, settings))


def sending(outcome: Outcome, settings: Settings) -> Step:
    """The step of offering one message."""
    if outcome.phase is Phase.DOT and outcome.accepted:
        return Step(phase=Phase.DOT, ok=True, said=f"accepted the message: {outcome.text}")
    return failed(outcome, settings)


def failed(outcome: Outcome, settings: Settings) -> Step:
    """The step that failed, in the server's words or ours, and what to check."""
    return Step(phase=outcome.phase, ok=False, said=f"{_AT[outcome.phase]}: {outcome.text or outcome.kind}", do=_advice(outcome, settings))


def unusable(outcome: Outcome, settings: Settings) -> str:
    """One sentence for the log and the tick: why the relay cannot be used, and what to check."""
    step = failed(outcome, settings)
    if outcome.kind is Kind.BROKEN and outcome.phase is Phase.CONNECT:
        return f"SMTP relay {settings.place} {outcome.text}; nothing was offered, so nothing is lost. {step.do}"
    return f"SMTP relay {settings.place} cannot be used, {step.said}; nothing was offered, so nothing is lost. {step.do}"


def _order(settings: Settings) -> list[Phase]:
    first = [Phase.CONNECT, Phase.STARTTLS, Phase.GREETING] if settings.security == "tls" else [Phase.CONNECT, Phase.GREETING]
    return [
        *first,
        Phase.EHLO,
        *([Phase.STARTTLS] if settings.security == "starttls" else []),
        *([Phase.AUTH] if settings.username else []),
    ]


def _passed(phase: Phase, settings: Settings) -> Step:
    return Step(phase=phase, ok=True, said=_PASSED[phase].format(settings=settings, offers=", ".join(sorted(settings.offers or {})) or "nothing"))


_PASSED = {
    Phase.CONNECT: "connected to {settings.place}",
    Phase.GREETING: "it greets as a mail server",
    Phase.EHLO: "it offers {offers}",
    Phase.STARTTLS: "encrypted with {settings.protocol}, and its certificate is valid",
    Phase.AUTH: "logged in as {settings.username}",
}
_AT = {
    Phase.CONNECT: "no connection",
    Phase.GREETING: "no greeting",
    Phase.EHLO: "it did not accept our EHLO",
    Phase.STARTTLS: "no encryption",
    Phase.AUTH: "no login",
    Phase.MAIL: "it refused the sender",
    Phase.RCPT: "it refused the recipient",
    Phase.DATA: "it did not want the message",
    Phase.BODY: "the connection broke while the message was on its way, so it was not sent",
    Phase.DOT: "after the message",
}


def _advice(outcome: Outcome, settings: Settings) -> str:
    table = settings.table
    special = _special(outcome, settings)
    return special or {
        Phase.CONNECT: f"Check {table}.host and {table}.port, and that a firewall lets this machine through to them.",
        Phase.GREETING: f'Check {table}.security: port 465 speaks "tls", 587 and 25 "starttls" or "none". Or the relay lets few machines in.',
        Phase.EHLO: f"Check that {table}.host is a relay for this machine, and not a web server or a firewall.",
        Phase.STARTTLS: f"Check that {table}.host is the name in the relay's certificate; for one of your own authority set {table}.ca_file.",
        Phase.AUTH: f"Check {table}.username and its password, and that the account may use SMTP AUTH (providers switch it off by default).",
        Phase.MAIL: "Ask the relay's keeper to let this login send from the address in sender.from (and sender.bounces).",
        Phase.RCPT: "Check the address; if it is right, ask the relay's keeper whether this machine may send there.",
    }.get(outcome.phase, "Read the server's words; they name what it misses.")


def _special(outcome: Outcome, settings: Settings) -> str:
    """Advice for what a server's words show more exactly than the phase does; the first that fits."""
    phase, table = outcome.phase, settings.table
    cases = (
        (
            phase is Phase.EHLO and "AUTH" in outcome.text,
            f'The relay wants no login this way: empty {table}.username, or set {table}.security to "starttls" or "tls".',
        ),
        (
            phase is Phase.STARTTLS and "does not offer" in outcome.text,
            f'Set {table}.security to "tls" with port 465, or to "none" when the relay is on this machine or network.',
        ),
        (phase is Phase.STARTTLS and "no TLS" in outcome.text, f'Check {table}.port: "tls" belongs to 465, "starttls" to 587 or 25.'),
        (
            phase is Phase.DOT and outcome.kind in {Kind.BROKEN, Kind.UNREADABLE},
            "Nobody knows whether it arrived; look into the mailbox, and into the relay's log.",
        ),
        (outcome.kind is Kind.TEMPORARY, "The relay says not now; try again in some minutes."),
        (
            phase in {Phase.RCPT, Phase.DATA, Phase.DOT} and event_of(outcome) is Event.POLICY,
            "A rule of the receiving side about us: run `digest doctor`, which looks at SPF, DKIM and DMARC.",
        ),
    )
    return next((advice for fits, advice in cases if fits), "")
