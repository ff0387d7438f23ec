"""The lint of the finished letter: ours passes, and every row of what we know of mail programs finds what it is about."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from digest.mail.anatomy import dissect
from digest.mail.clients import Quirk, faults, known
from digest.mail.compile import compile_edition, load_compiled
from digest.mail.shapes import SHAPES
from tests.factories_mail import edition, html_of, person
from tests.letters_bad import DECLARED, SHAPED, TABLE, letter

ROWS = [row for row in known().rows if row.kind != "shape"]


def _name(row: Quirk) -> str:
    return f"{row.kind} {row.names[0]} {row.value.pattern if row.value else ''}"


@pytest.mark.parametrize("language", ["en", "de", "ja", "ar"])
def test_our_own_letter_passes(language: str) -> None:
    compiled = load_compiled(compile_edition(edition(), language))
    assert [fault.said for fault in faults(html_of(compiled, person()))] == []


def test_the_bare_letter_that_the_examples_grow_from_passes() -> None:
    assert [fault.said for fault in faults(letter("<p class='t'>Words</p>"))] == []


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_every_row_finds_what_it_is_about_or_lets_it_degrade(row: Quirk) -> None:
    made = DECLARED[row.kind](row)
    found = [fault for fault in faults(made) if (fault.then, fault.instead) == (row.then, row.instead)]
    assert bool(found) == bool(row.instead), [fault.said for fault in faults(made)]
    for fault in found:
        assert all(client in fault.said for client in row.clients)
        assert row.instead in fault.said


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_can_fail_and_its_cure_passes(name: str) -> None:
    bad, good = SHAPED[name]
    row = known().quirks["shape", name][0]
    assert row.instead in {fault.instead for fault in faults(bad)}
    assert [fault.said for fault in faults(good)] == []


def test_data_and_code_know_the_same_shapes() -> None:
    assert sorted(SHAPES) == sorted(row.names[0] for row in known().rows if row.kind == "shape")
    assert sorted(SHAPES) == sorted(SHAPED)


def test_every_row_says_where_it_is_from_and_when_it_was_compared() -> None:
    for row in known().rows:
        assert row.clients
        assert row.source, row
        assert date(2026, 11, 1) <= row.verified_on <= date(2100, 1, 1)
        assert not re.search(r"[.!]\Z", row.then + row.instead.removesuffix("…")) or row.instead.endswith("head>"), row


def test_no_property_stands_in_two_camps() -> None:
    facts = known()
    plain = [row for row in facts.rows if row.kind == "css" and row.value is None]
    named = [name for row in plain for name in row.names]
    assert sorted(set(named)) == sorted(named)
    assert set(named) & facts.safe == set()


def test_a_property_that_nobody_knows_is_a_mistake() -> None:
    assert [fault.what for fault in faults(letter("<p class='t' style='colr:#111111'>Words</p>"))] == ["colr on <p>"]


def test_what_is_in_a_comment_for_word_alone_is_words_own() -> None:
    begun = f"<!--[if mso]>{TABLE} width='900'><tr><td style='position:absolute;width:900px'><![endif]-->"
    inside = f"{begun}<p class='t'>Words</p><!--[if mso]></td></tr></table><![endif]-->"
    assert [fault.said for fault in faults(letter(inside))] == []
    found = dissect(letter(inside))
    assert [node.tag for node in found.nodes if node.word_only and ":" not in node.tag] == ["xml", "table", "tr", "td"]


def test_what_word_alone_does_not_see_is_not_held_against_it() -> None:
    shown = "<!--[if !mso]><!--><p class='t' style='padding:4px'>Words</p><!--<![endif]-->"
    assert [fault.said for fault in faults(letter(shown))] == []
    assert faults(letter(shown + "<p class='t' style='padding:4px'>Words</p>")) != []


def test_a_letter_is_only_too_long_when_it_is_what_somebody_gets() -> None:
    long = letter("<p class='t'>" + "word " * 25_000 + "</p>")
    assert [fault.what for fault in faults(long)] == [f"{len(long):,} octets of HTML"]
    assert faults(long, sent=False) == []


def test_the_data_travels_beside_its_code() -> None:
    assert (Path(known.__wrapped__.__code__.co_filename).parent / "clients.toml").is_file()
