"""What `doctor` asks the DNS: SPF, DKIM, DMARC, alignment, and where reports come back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from digest.domain import spf
from digest.domain.authentication import Speaking, judge_alignment, judge_dkim, judge_dmarc, judge_mx, organisation, relay_signs
from digest.domain.doctor import Finding, Level, bad, txt_record, unknown
from digest.mail.dkim import Signer
from digest.net.dns import Dns

_EXAMPLES = {"example.com", "example.net", "example.org"}
_ROUNDS = 12  # an SPF record that leads on further than this has too many look-ups anyway
_ASK = "Ask again when a DNS server can be reached, or name one: `digest doctor --nameserver ADDRESS`."


@dataclass(frozen=True, kw_only=True)
class Domains:
    """The three domains that must fit together, in ASCII."""

    sender: str  # of From
    bounces: str  # of the envelope sender
    signer: Signer | None
    includes: Sequence[str] = field(default=())  # what the relays' providers ask for in SPF


def records(domains: Domains, dns: Dns | None) -> list[Finding]:
    """Everything the DNS says about the sender. `dns` None: nobody is asked, and what should stand there is printed."""
    if domains.sender in _EXAMPLES:
        said = f"found an address at {domains.sender}, which is the example's"
        return [bad("sender.from", said, "Set sender.from to a mailbox of your own domain.")]
    if dns is None:
        return _unasked(domains)
    found_spf = _spf(domains, dns)
    dmarc, policy = _dmarc(domains.sender, dns)
    if dns.silent:
        return [unknown("DNS", "no DNS server answers", _ASK), *_unasked(domains)]
    keys = _dkim(domains.signer, dns) if domains.signer else [relay_signs()]
    speaking = Speaking(keys=any(one.level is not Level.BAD for one in keys), spf=all(one.level is not Level.BAD for one in found_spf))
    return [
        *found_spf,
        *keys,
        *dmarc,
        *judge_alignment(domains.sender, domains.signer.domain if domains.signer else None, domains.bounces, policy, speaking),
        _mx(domains.bounces, dns),
    ]


def _unasked(domains: Domains) -> list[Finding]:
    if domains.signer is None:
        return [relay_signs()]
    return [
        unknown(f"DKIM {selector}", "the DNS was not asked", f"This must stand in it:\n{txt_record(_key_place(selector, domains.signer), text)}")
        for selector, text in domains.signer.records.items()
    ]


def _spf(domains: Domains, dns: Dns) -> list[Finding]:
    found: dict[str, Sequence[str]] = {}
    for _ in range(_ROUNDS):
        for name in (missing := spf.wanted(domains.bounces, found)):
            answer = dns.txt(name)
            if answer.problem:
                return [unknown(f"SPF of {domains.bounces}", f"{name}: {answer.problem}", _ASK)]
            found[name] = answer.values
        if not missing:
            break
    return spf.judge(domains.bounces, found, domains.includes)


def _dkim(signer: Signer, dns: Dns) -> list[Finding]:
    said = []
    for selector, text in signer.records.items():
        answer = dns.txt(_key_place(selector, signer))
        if answer.problem:
            said.append(unknown(f"DKIM {selector}", f"{_key_place(selector, signer)}: {answer.problem}", _ASK))
        else:
            said.append(judge_dkim(selector, signer.domain, text, answer.values))
    return said


def _key_place(selector: str, signer: Signer) -> str:
    return f"{selector}._domainkey.{signer.domain}"


def _dmarc(domain: str, dns: Dns) -> tuple[list[Finding], dict[str, str]]:
    own = dns.txt(f"_dmarc.{domain}")
    top = organisation(domain)
    above = dns.txt(f"_dmarc.{top}") if top != domain else own
    problem = own.problem or above.problem
    if problem:
        return [unknown(f"DMARC of {domain}", problem, _ASK)], {}
    return judge_dmarc(domain, own.values, above.values if top != domain else ())


def _mx(domain: str, dns: Dns) -> Finding:
    answer = dns.mx(domain)
    if answer.problem:
        return unknown(f"MX of {domain}", answer.problem, _ASK)
    return judge_mx(domain, answer.values)
