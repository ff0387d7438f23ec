"""SPF records as receivers read them."""

from __future__ import annotations

import pytest

from digest.domain import spf
from digest.domain.doctor import Finding, Level

DOMAIN = "osterglen.example"


def judge(record: str | list[str], relays: tuple[str, ...] = (), **others: str) -> list[Finding]:
    """`others`: further records; `_` in their names stands for a dot."""
    own = [record] if isinstance(record, str) else record
    return spf.judge(DOMAIN, {DOMAIN: own, **{name.replace("_", "."): [text] for name, text in others.items()}}, relays)


def levels(found: list[Finding]) -> list[Level]:
    return [finding.level for finding in found]


@pytest.mark.parametrize("end", ["-all", "~all"])
def test_one_record_that_ends_well_is_fine(end: str) -> None:
    (found,) = judge(f"v=spf1 ip4:192.0.2.0/24 mx {end}")
    assert (found.level, found.said) == (Level.OK, f"one record, 1 of 10 look-ups, ends in {end}")


def test_no_record_is_bad_and_the_one_to_publish_is_printed() -> None:
    (found,) = judge(["google-site-verification=abc"], relays=("spf.protection.outlook.com",))
    assert found.level is Level.BAD
    assert found.do.endswith('osterglen.example. TXT "v=spf1 include:spf.protection.outlook.com -all"')


def test_two_records_are_none() -> None:
    (found,) = judge(["v=spf1 -all", "V=SPF1 mx -all"])
    assert (found.level, "2 records" in found.said) == (Level.BAD, True)


@pytest.mark.parametrize(("end", "level"), [("+all", Level.BAD), ("all", Level.BAD), ("?all", Level.WARN), ("", Level.WARN)])
def test_an_end_that_lets_others_in(end: str, level: Level) -> None:
    assert levels(judge(f"v=spf1 mx {end}".strip())) == [level]


def test_ten_look_ups_are_allowed_and_eleven_are_not() -> None:
    many = "v=spf1 " + " ".join(f"a:h{n}.example" for n in range(9))
    assert levels(judge(f"{many} mx -all")) == [Level.OK]
    assert levels(judge(f"{many} mx exists:x.example -all")) == [Level.BAD]


def test_look_ups_of_included_records_count_too() -> None:
    inner = "v=spf1 " + " ".join(f"include:i{n}" for n in range(5)) + " -all"
    leaves = {f"i{n}": "v=spf1 a mx -all" for n in range(5)}
    world = {DOMAIN: ["v=spf1 include:inner -all"], "inner": [inner], **{name: [text] for name, text in leaves.items()}}
    assert spf.lookups(DOMAIN, {**world, "inner": ["v=spf1 include:i0 include:i1 -all"]}) == 1 + 2 + 4
    assert spf.lookups(DOMAIN, world) > spf.MOST_LOOKUPS
    assert levels(spf.judge(DOMAIN, world, ())) == [Level.BAD]


def test_a_loop_ends_and_counts_as_too_many() -> None:
    (found,) = judge("v=spf1 include:b -all", b=f"v=spf1 include:{DOMAIN} -all")
    assert (found.level, "look-ups" in found.said) == (Level.BAD, True)


def test_a_redirect_is_followed_for_its_end() -> None:
    (found,) = judge("v=spf1 redirect=other", other="v=spf1 mx ~all")
    assert (found.level, "2 of 10" in found.said) == (Level.OK, True)


def test_an_include_without_a_record_of_its_own_is_bad() -> None:
    found = spf.judge(DOMAIN, {DOMAIN: ["v=spf1 include:gone -all"], "gone": []}, ())
    assert ["gone" in finding.said for finding in found] == [True]
    assert levels(found) == [Level.BAD]


def test_a_word_that_spf_does_not_know_is_bad() -> None:
    assert levels(judge("v=spf1 ipv4:192.0.2.1 -all")) == [Level.BAD]


def test_unknown_modifiers_and_macros_are_let_through() -> None:
    assert levels(judge("v=spf1 include:%{i}.x.example exp=why.example mx/24 a:b.example/28//64 -all")) == [Level.OK]


def test_the_providers_record_is_looked_for_however_deep() -> None:
    assert levels(judge("v=spf1 include:b -all", ("c",), b="v=spf1 include:c -all", c="v=spf1 ip4:192.0.2.1 -all")) == [Level.OK, Level.OK]
    missing = judge("v=spf1 mx -all", ("spf.protection.outlook.com",))
    assert levels(missing) == [Level.OK, Level.WARN]
    assert '"v=spf1 include:spf.protection.outlook.com mx -all"' in missing[1].do


def test_what_must_be_fetched_is_named_until_nothing_is_missing() -> None:
    records: dict[str, list[str]] = {}
    world = {DOMAIN: ["v=spf1 include:B. redirect=c"], "b": ["v=spf1 include:d -all"], "c": ["v=spf1 -all"], "d": []}
    rounds = []
    while missing := spf.wanted(DOMAIN, records):
        rounds.append(missing)
        records |= {name: world[name] for name in missing}
    assert rounds == [[DOMAIN], ["b", "c"], ["d"]]


def test_a_hostile_chain_of_records_ends() -> None:
    records = {f"h{n}": [f"v=spf1 include:h{n + 1} include:h{n + 2} include:h{n + 3} -all"] for n in range(5000)}
    assert spf.lookups("h0", records) > spf.MOST_LOOKUPS
    assert len(spf.wanted("h0", {"h0": ["v=spf1 " + " ".join(f"include:x{n}" for n in range(300))]})) <= 40


NOBODY: list[tuple[str, dict[str, str]]] = [
    ("v=spf1 -all", {}),
    ("v=spf1 ~all", {}),
    ("v=spf1 ?all", {}),
    ("v=spf1", {}),
    ("v=spf1 -mx -all", {}),
    ("v=spf1 -all mx", {}),
    ("v=spf1 redirect=b -all", {"b": "v=spf1 mx -all"}),
    ("v=spf1 exp=why.example -all", {}),
    ("v=spf1 include:b -all", {"b": "v=spf1 -all"}),
    ("v=spf1 redirect=b", {"b": "v=spf1 -all"}),
    ("v=spf1 redirect=b", {"b": "v=spf1 include:c -all", "c": "v=spf1 ~all"}),
    ("v=spf1 -include:b -all", {"b": "v=spf1 mx -all"}),
]


@pytest.mark.parametrize(("record", "others"), NOBODY, ids=[f"{record} {' '.join(others.values())}" for record, others in NOBODY])
def test_a_record_that_names_no_server_is_bad(record: str, others: dict[str, str]) -> None:
    (found,) = judge(record, (), **others)
    assert (found.level, "names no server" in found.said) == (Level.BAD, True)
    assert 'osterglen.example. TXT "v=spf1 a:YOUR-RELAY -all"' in found.do


def test_what_cannot_be_followed_from_here_may_name_a_server() -> None:
    assert levels(judge("v=spf1 include:%{d}.relay.example -all")) == [Level.OK]
    assert levels(judge("v=spf1 exists:%{i}.ok.example -all")) == [Level.OK]


def test_one_server_in_a_record_further_on_is_enough() -> None:
    assert levels(judge("v=spf1 include:b redirect=c", b="v=spf1 -all", c="v=spf1 ip6:2001:db8::/32 -all")) == [Level.OK]
