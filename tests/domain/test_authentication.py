"""DKIM and DMARC records, and which domains speak for each other."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain import spf
from digest.domain.authentication import Speaking, aligned, judge_alignment, judge_dkim, judge_dmarc, judge_mx, organisation, tags
from digest.domain.doctor import Level, txt_record
from tests.signing import pem, signer

RECORDS = signer({"s": pem("RSA"), "e": pem("ED25519")}).records
RSA, ED25519 = RECORDS["s"], RECORDS["e"]
P = tags(RSA)["p"]
DOMAIN = "osterglen.example"


def dkim(*texts: str, ours: str = RSA) -> tuple[Level, str]:
    found = judge_dkim("s", DOMAIN, ours, texts)
    return found.level, found.said


@pytest.mark.parametrize("ours", [RSA, ED25519], ids=["rsa", "ed25519"])
def test_our_own_key_is_fine(ours: str) -> None:
    assert dkim(ours, ours=ours)[0] is Level.OK


@pytest.mark.parametrize(
    "text",
    [
        RSA.replace("v=DKIM1; k=rsa; ", ""),
        RSA.replace("; ", " ;\t"),
        RSA[:100] + "  " + RSA[100:],
        RSA + ";",
        RSA.replace("k=rsa", "k=rsa; h=sha256; s=email; t=s; n=hello"),
        RSA.replace(P, b64encode(b64decode(P)[24:]).decode()),
    ],
    ids=["short", "spaced", "cut", "ended", "with tags", "unwrapped"],
)
def test_our_key_however_it_is_written(text: str) -> None:
    assert dkim(text) == (Level.OK, f"s._domainkey.{DOMAIN} is our key (rsa)")


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([], "there is no key"),
        (["v=spf1 -all"], "there is no key"),
        ([RSA, ED25519], "there are 2 keys"),
        (["v=DKIM1; k=rsa; p="], "withdrawn"),
        ([ED25519], "it is of the kind ed25519, ours is rsa"),
        ([signer({"s": pem("RSA")}).records["s"]], "another key than ours"),
        (["v=DKIM1; k=rsa; p=not base64!"], "another key than ours"),
        ([RSA.replace("DKIM1", "DKIM2")], "found v=DKIM2"),
        ([RSA.replace("k=rsa", "k=rsa; h=sha1")], "allows only sha1"),
        ([RSA.replace("k=rsa", "k=rsa; s=other")], "not meant for email"),
    ],
)
def test_a_record_that_is_not_ours_is_bad_and_ours_is_printed(texts: list[str], says: str) -> None:
    found = judge_dkim("s", DOMAIN, RSA, texts)
    assert (found.level, says in found.said) == (Level.BAD, True), found.said
    assert txt_record(f"s._domainkey.{DOMAIN}", RSA) in found.do


def test_a_key_that_is_being_tried_out_is_a_warning() -> None:
    assert dkim(RSA.replace("k=rsa", "k=rsa; t=y:s"))[0] is Level.WARN


def test_a_long_record_is_printed_in_strings_of_255() -> None:
    line = txt_record("s._domainkey.x.example", RSA)
    strings = line.split('"')[1::2]
    assert "".join(strings) == RSA
    assert max(map(len, strings)) == 255
    assert line.startswith('s._domainkey.x.example. TXT "v=DKIM1; k=rsa; p=MII')


@pytest.mark.parametrize(
    ("domain", "top"),
    [
        ("example.com", "example.com"),
        ("a.b.Example.com.", "example.com"),
        ("mail.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("mail.example.de", "example.de"),
        ("news.example.com.au", "example.com.au"),
        ("localhost", "localhost"),
    ],
)
def test_the_organisations_domain(domain: str, top: str) -> None:
    assert organisation(domain) == top


def test_alignment_is_by_organisation_or_to_the_letter() -> None:
    assert aligned("news.example.com", "bounce.Example.com", strict=False)
    assert not aligned("news.example.com", "bounce.example.com", strict=True)
    assert not aligned("example.co.uk", "other.co.uk", strict=False)


def dmarc(own: list[str], above: list[str] | None = None, domain: str = DOMAIN) -> list[tuple[Level, str]]:
    return [(finding.level, finding.said) for finding in judge_dmarc(domain, own, above or [])[0]]


@pytest.mark.parametrize("policy", ["none", "quarantine", "reject"])
def test_a_policy_with_reports_is_fine(policy: str) -> None:
    assert dmarc([f"v=DMARC1; p={policy}; rua=mailto:d@{DOMAIN}", "v=spf1 -all"]) == [(Level.OK, f"p={policy}")]


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ([], "there is no policy"),
        (["v=DMARC2; p=none"], "there is no policy"),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "2 policies"),
        (["v=DMARC1; p=maybe"], "found p='maybe'"),
        (["v=DMARC1"], "found p=''"),
    ],
)
def test_a_policy_that_receivers_do_not_heed(own: list[str], says: str) -> None:
    ((level, said), *_) = dmarc(own)
    assert (level, says in said) == (Level.BAD, True)


def test_a_missing_policy_is_printed_for_the_whole_organisation() -> None:
    finding = judge_dmarc("news.osterglen.example", [], [])[0][0]
    assert '_dmarc.osterglen.example. TXT "v=DMARC1; p=none; rua=mailto:dmarc@osterglen.example"' in finding.do


def test_nobody_reading_reports_is_a_warning() -> None:
    assert [level for level, _ in dmarc(["v=DMARC1;p=none"])] == [Level.OK, Level.WARN]


def test_the_organisations_policy_holds_below_it() -> None:
    above = ["v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@x.example"]
    assert dmarc([], above, "news.osterglen.example") == [(Level.OK, "p=quarantine, that of osterglen.example")]


@pytest.mark.parametrize(
    ("signing", "bounces", "policy", "level"),
    [
        ("osterglen.example", "b.osterglen.example", {}, Level.OK),
        ("osterglen.example", "other.example", {}, Level.WARN),
        ("other.example", "osterglen.example", {}, Level.WARN),
        ("other.example", "other.example", {}, Level.BAD),
        (None, "osterglen.example", {}, Level.WARN),
        (None, "other.example", {}, Level.BAD),
        ("d.osterglen.example", "b.osterglen.example", {"adkim": "s", "aspf": "s"}, Level.BAD),
        ("osterglen.example", "b.osterglen.example", {"adkim": "s", "aspf": "s"}, Level.WARN),
    ],
)
def test_one_of_dkim_and_spf_must_speak_for_the_sender(signing: str | None, bounces: str, policy: dict[str, str], level: Level) -> None:
    (found,) = judge_alignment(DOMAIN, signing, bounces, policy, Speaking())
    assert found.level is level


@pytest.mark.parametrize(
    ("signing", "dns", "level", "says"),
    [
        (DOMAIN, Speaking(keys=False), Level.WARN, f"DKIM will speak for {DOMAIN}, once its record is right; "),
        (DOMAIN, Speaking(keys=False, spf=False), Level.BAD, f"SPF will speak for {DOMAIN}, once"),
        (DOMAIN, Speaking(spf=False), Level.WARN, f"DKIM speaks for {DOMAIN}; reports come back to {DOMAIN}, so SPF will speak"),
        (None, Speaking(spf=False), Level.BAD, f"SPF will speak for {DOMAIN}"),
        ("other.example", Speaking(spf=False), Level.BAD, "DKIM does not speak"),
    ],
)
def test_a_domain_that_fits_says_nothing_before_its_record_stands(signing: str | None, dns: Speaking, level: Level, says: str) -> None:
    (found,) = judge_alignment(DOMAIN, signing, DOMAIN, {}, dns)
    assert (found.level, says in found.said, bool(found.do)) == (level, True, True)


@pytest.mark.parametrize(("servers", "level"), [(["mx.x.example"], Level.OK), ([], Level.BAD), (["."], Level.BAD)])
def test_reports_need_somewhere_to_go(servers: list[str], level: Level) -> None:
    assert judge_mx(DOMAIN, servers).level is level


RECORDS_OF_ANYBODY = st.lists(st.one_of(st.text(max_size=60), st.text("vDKIM1AR=;: pkhst+-~?allinclude%{/.", max_size=60)), max_size=3)


@given(RECORDS_OF_ANYBODY, RECORDS_OF_ANYBODY)
def test_whatever_stands_in_the_dns_ends_in_findings(texts: list[str], others: list[str]) -> None:
    """Anybody may publish anything."""
    assert judge_dkim("s", DOMAIN, RSA, texts).said
    assert judge_dmarc(DOMAIN, texts, others)[0]
    assert spf.judge(DOMAIN, {DOMAIN: [f"v=spf1 {text}" for text in texts], "p": others}, ("relay.example",))
    assert isinstance(spf.wanted(DOMAIN, {DOMAIN: [f"v=spf1 {text}" for text in texts]}), list)
