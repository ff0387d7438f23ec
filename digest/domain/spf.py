"""SPF records judged as a receiver would read them (RFC 7208), as far as that is possible without knowing the sending address.

Nothing is fetched here: `wanted` names the records that are still missing, and `judge` reads what was fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from digest.domain.doctor import Finding, bad, ok, txt_record, warn

MOST_LOOKUPS = 10  # RFC 7208, 4.6.4
_ASKING = {"include", "a", "mx", "ptr", "exists"}
_KNOWN = _ASKING | {"all", "ip4", "ip6"}
Records = Mapping[str, Sequence[str]]  # domain -> its TXT texts


@dataclass(frozen=True, kw_only=True)
class _Term:
    """One mechanism or modifier: `~all`, `include:example.net`, `redirect=example.net`."""

    qualifier: str
    name: str
    value: str
    modifier: bool


def of(texts: Sequence[str]) -> list[str]:
    """Those TXT texts that are SPF records (RFC 7208, 4.5)."""
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


def wanted(domain: str, records: Records) -> list[str]:
    """Domains whose records must be known to count on; empty when `judge` can be asked. Ends, as loops are walked once."""
    missing: list[str] = []
    for name, found in _walk(domain, records):
        if found is None and name not in missing:
            missing.append(name)
    return missing


def _walk(domain: str, records: Records) -> Iterator[tuple[str, Sequence[str] | None]]:
    """Every domain that the record leads to, once, with its SPF records or None where they are not known."""
    todo: list[str] = [domain]
    seen: set[str] = set()
    while todo and len(seen) < 4 * MOST_LOOKUPS:
        name = todo.pop(0)
        if name in seen:
            continue
        seen.add(name)
        found = of(records[name]) if name in records else None
        yield name, found
        for record in (found or [])[:1]:
            todo += [term.value.lower().rstrip(".") for term in _terms(record) if _leads_on(term)]


def _leads_on(term: _Term) -> bool:
    """True when the term names another record; one with macros cannot be followed from here."""
    named = (term.name == "include" and not term.modifier) or (term.name == "redirect" and term.modifier)
    return named and bool(term.value) and "%" not in term.value


def _terms(record: str) -> list[_Term]:
    return [_term(word) for word in record.split()[1:]]


def _term(word: str) -> _Term:
    qualifier = word[0] if word[0] in "+-~?" else "+"
    rest = word.lstrip("+-~?")
    place = min((rest.find(mark) for mark in ":=/" if mark in rest), default=len(rest))
    name, mark, value = rest[:place].lower(), rest[place : place + 1], rest[place + 1 :]
    return _Term(qualifier=qualifier, name=name, value=value, modifier=mark == "=")


def lookups(domain: str, records: Records) -> int:
    """How many DNS questions a receiver must ask, those of included records with them; a loop counts as too many."""
    return _lookups(domain, records, ())


def _lookups(domain: str, records: Records, above: tuple[str, ...]) -> int:
    if domain in above or len(above) > MOST_LOOKUPS:
        return MOST_LOOKUPS + 1
    found = of(records.get(domain, ()))
    count = 0
    for term in _terms(found[0]) if found else []:
        asks = (term.name in _ASKING and not term.modifier) or (term.name == "redirect" and term.modifier)
        count += asks
        if _leads_on(term) and count <= MOST_LOOKUPS:
            count += _lookups(term.value.lower().rstrip("."), records, (*above, domain))
    return count


def judge(domain: str, records: Records, relays: Sequence[str]) -> list[Finding]:
    """Findings about the SPF record of `domain`. `relays`: the domains that the providers of the relays say to include."""
    subject = f"SPF of {domain}"
    found = of(records.get(domain, ()))
    if not found:
        return [bad(subject, "there is no record", f"Publish, with the servers that send for you:\n{_example(domain, relays)}")]
    if len(found) > 1:
        return [bad(subject, f"there are {len(found)} records, and receivers then heed none", f"Make one of them:\n{chr(10).join(found)}")]
    broken = _broken(subject, domain, records, found[0])
    return broken or [_end(subject, domain, records, found[0], relays), *(_relay(subject, domain, records, found[0], relay) for relay in relays)]


def _example(domain: str, relays: Sequence[str]) -> str:
    named = " ".join(f"include:{relay}" for relay in relays) or "a:YOUR-RELAY"
    return txt_record(domain, f"v=spf1 {named} -all")


def _broken(subject: str, domain: str, records: Records, record: str) -> list[Finding]:
    """What makes receivers throw the whole record away."""
    problems = []
    strange = [term.name for term in _terms(record) if not term.modifier and term.name not in _KNOWN]
    if strange:
        problems.append(bad(subject, f"it has words that SPF does not know: {', '.join(strange)}", f"Correct them in:\n{record}"))
    empty = [name for name, spf in _walk(domain, records) if name != domain and spf is not None and len(spf) != 1]
    if empty:
        problems.append(bad(subject, f"it includes domains without one record of their own: {', '.join(empty)}", f"Take them out of:\n{record}"))
    count = lookups(domain, records)
    if count > MOST_LOOKUPS:
        do = f"Take out services that no longer send for you, or send the letter from a subdomain with a record of its own. Now it says:\n{record}"
        problems.append(bad(subject, f"it needs more than {MOST_LOOKUPS} DNS look-ups, and receivers then heed none of it", do))
    return problems


def _end(subject: str, domain: str, records: Records, record: str, relays: Sequence[str]) -> Finding:
    count = lookups(domain, records)
    end = _all(domain, records, ())
    do = f"End it in -all (or ~all while you are watching). Now it says:\n{record}"
    if end == "+":
        return bad(subject, "it ends in +all, which lets anybody send in your name", do)
    if not _names_a_server(domain, records, ()):
        named = f"Name the servers that send for you (your relay's provider says how), for example:\n{_example(domain, relays)}"
        return bad(subject, f"it names no server, so it allows none: {record}", named)
    if end in {"-", "~"}:
        return ok(subject, f"one record, {count} of {MOST_LOOKUPS} look-ups, ends in {end}all")
    return warn(subject, "it does not say what happens to others" if not end else "it ends in ?all, which says nothing about others", do)


def _names_a_server(domain: str, records: Records, above: tuple[str, ...]) -> bool:
    """True when some server may pass, here or in a record that this one leads to; one that cannot be followed may name some."""
    if domain in above or domain not in records:
        return True
    found = of(records[domain])
    terms = _terms(found[0]) if found else []
    end = next((place for place, term in enumerate(terms) if term.name == "all" and not term.modifier), None)
    return any(
        not _leads_on(term) or _names_a_server(term.value.lower().rstrip("."), records, (*above, domain))
        for term in (terms if end is None else terms[: end + 1])  # nothing behind `all` counts (RFC 7208, 5.1)
        if (term.name in _KNOWN and not term.modifier and term.qualifier == "+") or (term.name == "redirect" and term.modifier and end is None)
    )


def _all(domain: str, records: Records, above: tuple[str, ...]) -> str:
    """The qualifier of `all`, followed through redirects, or "" where there is none."""
    found = of(records.get(domain, ()))
    terms = _terms(found[0]) if found and domain not in above else []
    for term in terms:
        if term.name == "all" and not term.modifier:
            return term.qualifier
    onward = next((term.value.lower() for term in terms if term.name == "redirect" and term.modifier), "")
    return _all(onward, records, (*above, domain)) if onward else ""


def _relay(subject: str, domain: str, records: Records, record: str, relay: str) -> Finding:
    if relay in {name for name, _ in _walk(domain, records)}:
        return ok(subject, f"it includes {relay}, the relay's provider")
    words = record.split()
    changed = " ".join([words[0], f"include:{relay}", *words[1:]])
    return warn(subject, f"it does not include {relay}, which the relay's provider asks for", f"Publish instead:\n{txt_record(domain, changed)}")
