"""DKIM and DMARC records judged, and whether what is signed and bounced to fits the sender's domain (RFC 6376, RFC 7489)."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass

from digest.domain.doctor import Finding, bad, ok, txt_record, unknown, warn

# Second-level names under which countries let people register; everywhere else the last two labels are the organisation's.
_SHARED = {"ac", "co", "com", "edu", "gob", "gov", "gouv", "ltd", "me", "mil", "ne", "net", "nom", "or", "org", "plc", "sch"}
_POLICIES = {"none", "quarantine", "reject"}
_COUNTRY = 2  # letters


def organisation(domain: str) -> str:
    """The organisational domain: `example.co.uk` of `mail.example.co.uk`, `example.com` of `a.b.example.com`.

    A simple rule instead of the Public Suffix List: two labels, and three under a country's `co`, `com`, `ac` and the like.
    """
    labels = domain.lower().rstrip(".").split(".")
    three = len(labels) > 2 and len(labels[-1]) == _COUNTRY and labels[-2] in _SHARED  # noqa: PLR2004 - a name of its own before them
    return ".".join(labels[-3:] if three else labels[-2:])


def aligned(one: str, other: str, *, strict: bool) -> bool:
    """True when two domains are one for DMARC: the same, or (relaxed) of one organisation (RFC 7489, 3.1)."""
    return one.lower() == other.lower() if strict else organisation(one) == organisation(other)


def tags(text: str) -> dict[str, str]:
    """`v=DKIM1; p=...` as a mapping; white space around names and values is no part of them (RFC 6376, 3.2)."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def judge_dkim(selector: str, domain: str, ours: str, texts: Sequence[str]) -> Finding:
    """The record of one selector. `ours`: what it must say for our key; `texts`: what the DNS says."""
    name = f"{selector}._domainkey.{domain}"
    subject = f"DKIM {selector}"
    publish = f"Publish:\n{txt_record(name, ours)}"
    keys = [text for text in texts if "p" in tags(text)]
    if not keys:
        return bad(subject, f"there is no key at {name}", publish)
    if len(keys) > 1:
        return bad(
            subject, f"there are {len(keys)} keys at {name}, and receivers take any one of them", f"Keep only this one:\n{txt_record(name, ours)}"
        )
    found, mine = tags(keys[0]), tags(ours)
    problem = _dkim_problem(found, mine)
    if problem:
        return bad(subject, f"{name}: {problem}", publish)
    if "y" in found.get("t", "").split(":"):
        return warn(
            subject, f"{name} is our key, and says that it is only being tried out (t=y)", f"When it works, publish:\n{txt_record(name, ours)}"
        )
    return ok(subject, f"{name} is our key ({mine['k']})")


def _dkim_problem(found: dict[str, str], mine: dict[str, str]) -> str:
    if found.get("v", "DKIM1") != "DKIM1":
        return f"found v={found['v']}, allowed v=DKIM1"
    if not found["p"]:
        return "the key was withdrawn (p= is empty)"
    if found.get("k", "rsa") != mine["k"]:
        return f"it is of the kind {found.get('k', 'rsa')}, ours is {mine['k']}"
    if not _same_key(found["p"], mine["p"]):
        return "it is another key than ours"
    if "h" in found and "sha256" not in found["h"].split(":"):
        return f"it allows only {found['h']}, and we sign with sha256"
    return "" if found.get("s", "*") == "*" or "email" in found.get("s", "").split(":") else "it is not meant for email (s=)"


def _same_key(found: str, mine: str) -> bool:
    """True for the same octets; an RSA key may also stand there without its outer wrapping (RFC 6376, 3.6.1; erratum 3017)."""
    try:
        theirs, ours = b64decode(re.sub(r"\s", "", found), validate=True), b64decode(mine)
    except binascii.Error:
        return False
    return bool(theirs) and (theirs == ours or (len(theirs) > len(ours) // 2 and ours.endswith(theirs)))


def is_dmarc(text: str) -> bool:
    """True for a DMARC record; anything else at that place is not for us."""
    return re.match(r"v\s*=\s*DMARC1\s*(;|$)", text) is not None


def judge_dmarc(domain: str, texts: Sequence[str], parent: Sequence[str]) -> tuple[list[Finding], dict[str, str]]:
    """The policy for the sender's `domain`, and its tags. `texts`: at `_dmarc.DOMAIN`; `parent`: at the organisation's."""
    subject = f"DMARC of {domain}"
    own, above = ([text for text in found if is_dmarc(text)] for found in (texts, parent))
    top = organisation(domain)
    publish = f"Publish, and raise p to quarantine or reject once the reports are clean:\n{txt_record(f'_dmarc.{top}', _suggested(top))}"
    records = own or above
    if not records:
        return [bad(subject, "there is no policy, and the large providers ask for one", publish)], {}
    if len(records) > 1:
        return [bad(subject, f"there are {len(records)} policies, and receivers then heed none", f"Keep one of them:\n{chr(10).join(records)}")], {}
    found = tags(records[0])
    policy = found.get("p", "") if own or "sp" not in found else found["sp"]
    if policy not in _POLICIES:
        return [bad(subject, f"found p={policy!r}, allowed none, quarantine or reject", publish)], found
    where = "" if own or top == domain else f", that of {top}"
    reports = [] if "rua" in found else [warn(subject, "nobody gets the receivers' reports (no rua)", f"Add ; rua=mailto:dmarc@{top} to it.")]
    return [ok(subject, f"p={policy}{where}"), *reports], found


def _suggested(domain: str) -> str:
    return f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}"


@dataclass(frozen=True, kw_only=True)
class Speaking:
    """What the DNS was found to say; True where it could not be asked."""

    keys: bool = True  # at least one of our keys is published
    spf: bool = True  # the record can be heeded


def judge_alignment(sender: str, signing: str | None, bounces: str, policy: dict[str, str], dns: Speaking) -> list[Finding]:
    """Whether DKIM (`signing`: our d=, None when the relay signs) and SPF (`bounces`) speak for the From domain `sender`.

    DMARC passes when one of the two does; forwarding breaks SPF, so DKIM is the one to have.
    """
    spf = aligned(sender, bounces, strict=policy.get("aspf") == "s")
    spf_said = f"reports come back to {bounces}, so SPF {_speaks(sender, fits=spf, found=dns.spf)}"
    if signing is None:
        return [_by_spf_alone(sender, spf_said, fits=spf, found=dns.spf)]
    dkim = aligned(sender, signing, strict=policy.get("adkim") == "s")
    dkim_said = f"we sign for {signing}, so DKIM {_speaks(sender, fits=dkim, found=dns.keys)}"
    said, spf_passes = f"{dkim_said}; {spf_said}", spf and dns.spf
    if dkim and dns.keys:
        return [ok("alignment", dkim_said) if spf_passes else warn("alignment", said, "It passes, as one of the two is enough.")]
    do = _PUBLISH if dkim else f'Set dkim.domain = "{sender}" (or leave it empty) and publish its records.'
    return [(warn if spf_passes else bad)("alignment", said, do)]


def _speaks(sender: str, *, fits: bool, found: bool) -> str:
    """How the sentence ends: a domain that fits says nothing before its record stands."""
    if not fits:
        return f"does not speak for {sender}"
    return f"speaks for {sender}" if found else f"will speak for {sender}, once its record is right"


def _by_spf_alone(sender: str, said: str, *, fits: bool, found: bool) -> Finding:
    if not fits:
        return bad("alignment", f"{said}, and we do not sign", f"Set sender.bounces to a domain below {sender}, or dkim.selectors.")
    if not found:
        return bad("alignment", f"{said}; whether the relay signs shows in a received letter", _PUBLISH)
    return warn("alignment", f"{said}; whether the relay signs for {sender} shows in a received letter", _LOOK_AT_IT)


_PUBLISH = "Publish what stands above."
_LOOK_AT_IT = "Run `digest mail test ADDRESS`, open the received letter's source and look for dkim=pass in Authentication-Results."


def relay_signs() -> Finding:
    """Without keys of our own."""
    return unknown("DKIM", "we do not sign, so the relay must", _LOOK_AT_IT)


def judge_mx(domain: str, servers: Sequence[str]) -> Finding:
    """Whether reports about undeliverable mail can come back to `domain`."""
    subject = f"MX of {domain}"
    if list(servers) == ["."]:
        return bad(subject, "it says that the domain takes no mail (a null MX)", "Set sender.bounces to a domain that does.")
    if not servers:
        return bad(subject, "there is none, so reports and answers have nowhere to go", f"Publish one: {domain}. MX 10 YOUR-MAIL-SERVER.")
    return ok(subject, f"{', '.join(servers)}")
