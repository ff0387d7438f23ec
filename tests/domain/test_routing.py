"""Which transport carries whom."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from digest.domain.routing import Route, pool, route_of, signature, stands_in_for

ONE, TWO = Route(name="smtp"), Route(name="second", weight=3)
OWN = Route(name="exchange", domains=frozenset({"example.com"}))


def test_a_domain_goes_to_the_transport_that_serves_it() -> None:
    assert route_of("Example.COM", 7, [ONE, OWN]) == "exchange"
    assert route_of("example.org", 7, [ONE, OWN]) == "smtp"


def test_the_pool_shares_everybody_else_by_weight() -> None:
    found = Counter(route_of("example.org", employee, [ONE, TWO, OWN]) for employee in range(8000))
    assert set(found) == {"smtp", "second"}
    assert 0.72 < found["second"] / 8000 < 0.78


def test_two_that_serve_one_domain_share_it() -> None:
    other = Route(name="exchange-two", domains=frozenset({"example.com"}))
    found = Counter(route_of("example.com", employee, [ONE, OWN, other]) for employee in range(2000))
    assert set(found) == {"exchange", "exchange-two"}
    assert 0.45 < found["exchange"] / 2000 < 0.55


def test_a_person_moves_only_when_their_transport_goes() -> None:
    third = Route(name="third")
    before = {n: route_of("example.org", n, [ONE, TWO, third]) for n in range(1000)}
    after = {n: route_of("example.org", n, [ONE, TWO]) for n in range(1000)}
    assert all(after[n] == before[n] for n in before if before[n] != "third")


def test_without_weight_a_transport_only_stands_in() -> None:
    spare = Route(name="spare", weight=0)
    assert {route_of("example.org", n, [ONE, spare]) for n in range(200)} == {"smtp"}
    assert stands_in_for("spare", [ONE, spare, OWN]) == {"smtp": None}
    assert route_of("example.org", 1, [spare]) == "spare"


def test_a_domains_transport_stands_in_for_nobody() -> None:
    assert stands_in_for("exchange", [ONE, TWO, OWN]) == {}
    assert stands_in_for("smtp", [ONE, TWO, OWN]) == {"second": None}


def test_two_that_serve_one_domain_stand_in_for_each_other() -> None:
    other = Route(name="exchange-two", domains=frozenset({"example.com"}))
    assert stands_in_for("exchange", [ONE, OWN, other]) == {"exchange-two": None}
    assert stands_in_for("exchange-two", [ONE, OWN, other]) == {"exchange": None}


def test_a_transport_takes_over_only_the_domains_that_it_serves_itself() -> None:
    wide = Route(name="wide", domains=frozenset({"example.com", "elsewhere.net"}))
    assert stands_in_for("exchange", [ONE, OWN, wide]) == {"wide": frozenset({"example.com"})}
    assert stands_in_for("wide", [ONE, OWN, wide]) == {"exchange": None}
    assert stands_in_for("smtp", [ONE, TWO, OWN, wide]) == {"second": None}


def test_nobody_takes_over_what_the_last_resort_carries_for_everybody_else() -> None:
    other = Route(name="exchange-two", domains=frozenset({"example.com"}))
    assert stands_in_for("exchange-two", [OWN, other]) == {"exchange": frozenset({"example.com"})}
    assert stands_in_for("exchange", [OWN, other]) == {"exchange-two": None}


@given(
    st.lists(st.frozensets(st.sampled_from(["a.org", "b.org", "c.org"])), min_size=1, max_size=5),
    st.sampled_from(["a.org", "b.org", "c.org", "d.org"]),
    st.integers(0, 99),
)
def test_whoever_takes_over_a_message_might_have_been_dealt_it(served: list[frozenset[str]], domain: str, employee: int) -> None:
    routes = [Route(name=f"r{n}", domains=domains) for n, domains in enumerate(served)]
    home = route_of(domain, employee, routes)
    able = {route.name for route in routes if domain in route.domains} or {route.name for route in pool(routes)}
    taking = {one.name for one in routes if (may := stands_in_for(one.name, routes).get(home, frozenset())) is None or domain in may}
    assert taking == able - {home}


def test_when_every_transport_serves_domains_the_first_carries_the_rest() -> None:
    assert route_of("elsewhere.net", 1, [OWN, Route(name="b", domains=frozenset({"b.org"}))]) == "exchange"


def test_the_signature_changes_with_what_decides_and_not_with_the_order() -> None:
    assert signature([ONE, TWO]) == signature([TWO, ONE])
    assert len({signature([ONE]), signature([ONE, TWO]), signature([ONE, OWN]), signature([Route(name="smtp", weight=2)])}) == 4
