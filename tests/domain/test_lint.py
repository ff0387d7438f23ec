"""What is wrong with a letter: what was found, what is allowed, what to change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.domain.lint import Letter, Limits, check_letter, check_markup, check_subject, essence, repeats, subjects_of

GOOD = Letter(
    language="en",
    kind="typical",
    people=10,
    posts=5,
    outward=4,
    words=300,
    minutes=2,
    links=25,
    images=0,
    without_alt=0,
    subject="Three ovens came back",
    preheader="Nine hundred lines I deleted",
    first_title="The bakery that returned our ovens",
    html_bytes=40_000,
    text_bytes=4_000,
    wire_bytes=50_000,
)


def test_a_good_letter_has_nothing_to_mend() -> None:
    assert check_letter(GOOD, Limits()) == []


@pytest.mark.parametrize(
    ("changes", "found", "stops"),
    [
        ({"html_bytes": 90_001}, "90,001 bytes of HTML", True),
        ({"words": 501}, "501 words", True),
        ({"words": 249}, "249 words", True),
        ({"words": 249, "kind": "shortest"}, "249 words", False),
        ({"outward": 6}, "6 posts to share", True),
        ({"outward": 2}, "2 posts to share", False),
        ({"links": 37}, "37 links", True),
        ({"without_alt": 1}, "1 images without alt text", True),
        ({"subject": "é" * 43}, "a subject of 43 characters", True),
        ({"subject": " "}, "no subject", True),
        ({"preheader": ""}, "no preheader", False),
        ({"preheader": "Three ovens came back, and more"}, "a preheader that repeats “Three ovens came back”", True),
        ({"preheader": "The bakery that returned our ovens"}, "a preheader that repeats “Three ovens came back”", True),
    ],
)
def test_each_limit_is_named_with_what_to_change(changes: dict[str, object], found: str, stops: bool) -> None:
    (finding,) = check_letter(replace(GOOD, **changes), Limits())  # type: ignore[arg-type]  # fields by name
    assert (finding.found, finding.stops) == (found, stops)
    assert str(finding).startswith(f"en, {changes.get('kind', 'typical')} letter: found {found}, allowed ")
    assert finding.change


def test_letters_at_the_limit_pass_and_a_long_letter_may_be_short_of_words() -> None:
    edge = replace(GOOD, html_bytes=90_000, words=500, links=36, outward=5, subject="👩🏽‍🔬" * 42)
    assert check_letter(edge, Limits()) == []
    assert check_letter(replace(GOOD, words=10, kind="longest"), Limits()) == []


def test_a_subject_comes_once_in_eight_editions() -> None:
    earlier = {f"2026-W{week}": (f"Subject {chr(week + 50)}",) for week in range(47, 37, -1)} | {"2026-W20": ("Long ago",)}
    assert [str(f) for f in check_subject("subject A", {"2026-W47": ("Subject “a”!",)}, site_name="The Letter")] == [
        "subject “subject A”: found the subject of 2026-W47 again, allowed a new one every week. Say in [edition] what is new this week."
    ]
    assert check_subject("Long ago", earlier, site_name="The Letter") == []
    assert [f.stops for f in check_subject("12 questions for you", {"2026-W47": ("9 questions for you",)}, site_name="")] == [False]


@pytest.mark.parametrize("subject", ["The Letter: three ovens", "No. 48: three ovens", "KW 48", "Week 48, three ovens", "第48号 オーブン"])
def test_the_point_comes_first(subject: str) -> None:
    assert [finding.allowed for finding in check_subject(subject, {}, site_name="The Letter")] == ["the point first"]


def test_what_mail_programs_break_is_said_once_with_the_first_letter_that_has_it() -> None:
    unread = (("display:flex on <td>", "Outlook for Windows ignores", "a table row"),)
    found = check_markup([GOOD, replace(GOOD, kind="longest", unread=unread), replace(GOOD, language="de", unread=unread)])
    assert [str(finding) for finding in found] == [
        (
            "en, longest letter and 1 more: found display:flex on <td>, allowed nothing that Outlook for Windows ignores. "
            "Write a table row; `digest templates check` names the line."
        ),
    ]
    assert found[0].stops


def test_the_rules_beneath() -> None:
    assert essence("Three ovens: 40,000!") == "three ovens"
    assert repeats("One decision, explained: no showroom in Lyon", ("One decision, explained: no showroom in…",))
    assert not repeats("Another", ("",))
    assert subjects_of("Mine", ["A"]) == ("Mine",)
    assert subjects_of(None, ["A", "x" * 50]) == ("A", "x" * 41 + "…")
