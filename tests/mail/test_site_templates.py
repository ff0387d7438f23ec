"""A site's own templates: every mistake has its file and line, and what they make is still what the slow way makes."""

from __future__ import annotations

import quopri
from pathlib import Path

import pytest

from digest.domain.edition import EditionContent
from digest.errors import NotFoundError, TemplateError
from digest.mail.compile import compile_edition, load_compiled
from digest.mail.environment import environment, templates_folder
from digest.mail.fill import Filler, fill
from digest.mail.overrides import Whose, copy, every
from digest.mail.rules import problems
from digest.mail.templates import job, names
from digest.web.dress import NAMES, engine
from digest.web.pages import FILTERS
from tests.factories_mail import edition, person


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for path in ("digest/body.html", "digest/body.txt", "_base/macros.html", "_base/body.html"):
        copy(path, tmp_path / "site")
    return tmp_path / "site"


def change(site: Path, name: str, before: str, after: str) -> int:
    """Put `after` in the place of `before`; the line it stands in."""
    text = (site / name).read_text(encoding="utf-8")
    assert text.count(before) >= 1, before
    (site / name).write_text(text.replace(before, after), encoding="utf-8")
    return text.count("\n", 0, text.index(before)) + 1


def refused(site: Path, content: EditionContent | None = None) -> str:
    with pytest.raises(TemplateError) as caught:
        compile_edition(content or edition(), "en", site=site)
    return str(caught.value).replace(f"{site}/", "")


def static(site: Path) -> list[str]:
    found = problems(site, names(job(edition(), "en")), engine(site, FILTERS), NAMES)
    return [str(problem).replace(f"{site}/", "") for problem in found]


def test_a_copy_changes_no_octet_and_has_no_problem(site: Path) -> None:
    assert compile_edition(edition(), "de", site=site) == compile_edition(edition(), "de")
    assert static(site) == []


def test_every_template_of_ours_can_be_copied_and_used(tmp_path: Path) -> None:
    for file in every(None):
        copy(file.path, tmp_path / "all")
    assert {file.whose for file in every(tmp_path / "all")} == {Whose.YOURS}
    assert static(tmp_path / "all") == []
    assert compile_edition(edition(), "en", site=tmp_path / "all") == compile_edition(edition(), "en")


def test_a_file_of_the_site_wins_by_its_path(site: Path) -> None:
    change(site, "digest/body.html", "{% block footer %}", "{% block footer %}<p>Baked</p>")
    theirs, ours = (fill(load_compiled(compile_edition(edition(), "en", site=folder)), person()).body for folder in (site, None))
    assert b">Baked<" in quopri.decodestring(theirs)
    assert b">Baked<" not in quopri.decodestring(ours)


def test_a_change_is_seen_at_once(site: Path) -> None:
    before = compile_edition(edition(), "en", site=site)
    change(site, "digest/body.txt", 'heading(words("turn"))', 'heading("Over to you")')
    assert compile_edition(edition(), "en", site=site) != before


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("digest/body.html", "{{ edition.signed }}", "{{ edition.sined }}", "found .sined, allowed address, answers"),
        ("digest/body.html", "{{ edition.signed }}", "{{ edition.sined }}", "did you mean signed?"),
        ("digest/body.html", "{{ edition.signed }}", '{{ words("sined") }}', "found 'sined', and there is no such phrase or key"),
        ("digest/body.html", "{{ edition.signed }}", "{{ links._job }}", "access to attribute '_job' of 'Links' object is unsafe"),
        ("digest/body.html", "{{ edition.signed }}", "{{ ''.__class__.__mro__ }}", "is unsafe"),
        ("digest/body.html", "{{ edition.signed }}", "{{ slot.update(share='x') }}", "access to attribute 'update' of 'dict' object is unsafe"),
        ("digest/body.html", "{{ edition.signed }}", "{{ 1 // 0 }}", "ZeroDivisionError"),
        ("digest/body.html", "{{ edition.signed }}", "{{ slot.name|upper }}", "found a slot that was cut or changed"),
        ("digest/body.html", "{{ edition.signed }}", "{{ slot.share[:12] }}", "found a slot that was cut or changed"),
        ("digest/body.html", "{{ edition.signed }}", "{{ links.read(posts['1'])[:-3] ~ links.stop[:50] }}", "found a slot that was cut or changed"),
        ("digest/body.html", "{{ edition.signed }}", '{{ view.pick("shraing", ["1"]) }}', "found view.pick('shraing'), allowed colleagues, sharing"),
        ("digest/body.html", "{{ edition.signed }}", '{% include "mine/none.html" %}', "mine/none.html: there is no such template"),
        ("digest/body.html", "{{ edition.signed }}", '{% include "../../secret" %}', "there is no such template"),
    ],
)
def test_a_mistake_in_a_letter_is_named_by_file_and_line(site: Path, name: str, before: str, after: str, said: str) -> None:
    line = change(site, name, before, after)
    found = refused(site)
    assert said in found
    assert found.startswith(f"{name}:{line}: ")


def test_a_mistake_in_a_macro_is_named_where_the_macro_is(site: Path) -> None:
    line = change(site, "_base/macros.html", "{{ caller() }}</table>", "{{ caler() }}</table>")
    line = change(site, "_base/macros.html", 'class="hair line"', 'class="{{ hairy }}"')
    assert refused(site).startswith(f"_base/macros.html:{line}: ")


@pytest.mark.parametrize(
    ("name", "before", "after", "block", "said"),
    [
        ("digest/body.html", 'action(links.stop, words("stop")', 'action("#", words("stop")', "{% block leaving", "found no whole link to leave"),
        ("digest/body.html", "links.stop,", "links.stop|truncate(30),", "{% block leaving", "found no whole link to leave"),
        ("digest/body.txt", "links.stop", "links.policy", "", "found no whole link to leave"),
        ("_base/body.html", "{{ edition.address }}", "", "", "found the letter without {{ edition.address }}"),
        ("digest/body.html", 'words("inside")', 'words("stop")', "{% block content", 'found the letter without {{ words("inside") }}'),
        (
            "digest/body.html",
            'view.open("sharing", n)',
            'view.open("sharing", "9")',
            "{% block content",
            "found no place for some posts of the part sharing",
        ),
    ],
)
def test_what_every_letter_needs_is_missed_at_the_block_that_had_it(site: Path, name: str, before: str, after: str, block: str, said: str) -> None:
    change(site, name, before, after)
    text = (site / name).read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index(block)) + 1 if block else 1
    found = refused(site)
    assert said in found
    assert found.startswith(f"{name}:{line if block else ''}"), found


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("digest/body.html", "{% block minutes %}", "{% block minuts %}", "found the block minuts, which nothing shows, allowed content, footer"),
        ("digest/body.html", "{{ edition.signed }}", "{{ editon.signed }}", "found editon, which is not there"),
        ("digest/body.html", "{{ edition.signed }}", "{{ edition.signed|safe }}", "found the filter safe, which is not there"),
        ("digest/body.html", "{{ edition.signed }}", "{% autoescape false %}{{ edition.signed }}{% endautoescape %}", "found {% autoescape %}"),
        ("digest/body.html", "{{ edition.signed }}", "{% endfi %}", "Encountered unknown tag 'endfi'"),
        ("digest/body.html", "import space, section", "import spase, section", "found spase, which _base/macros.html does not have"),
        ("digest/body.html", '{% extends "_base/body.html" %}', '{% extends "_base/bdy.html" %}', "found _base/bdy.html, allowed"),
    ],
)
def test_what_can_be_seen_without_rendering_is_seen_there(site: Path, name: str, before: str, after: str, said: str) -> None:
    line = change(site, name, before, after)
    found = [one for one in static(site) if said in one]
    assert [one for one in found if one.startswith(f"{name}:{line}: ")] == found[:1] != []


def test_a_block_or_macro_that_ours_need_is_missed(site: Path) -> None:
    (site / "digest/body.html").unlink()
    change(site, "_base/body.html", "{% block leaving %}", "{% block leving %}")
    change(site, "_base/macros.html", "macro button(", "macro buton(")
    found = static(site)
    assert "_base/body.html:1: found no block leaving, which digest/body.html fills" in found
    assert "_base/macros.html:1: found no macro button, which digest/body.html uses; see ours for its arguments" in found


def test_all_problems_of_all_files_come_at_once(site: Path) -> None:
    copy("pages/notice.html", site)
    change(site, "pages/notice.html", "company=company", "company=compny")
    change(site, "digest/body.html", "{{ edition.signed }}", "{{ editon.signed }}{{ postss }}")
    (site / "digest" / "subject.txt").write_bytes(b"\xff\xfe")
    found = static(site)
    assert [one.partition(":")[0] for one in found] == ["digest/body.html", "digest/body.html", "digest/subject.txt", "pages/notice.html"]
    assert "allowed UTF-8 text" in found[2]


def test_a_name_that_is_only_asked_for_is_no_mistake(site: Path) -> None:
    change(site, "digest/body.html", "{{ edition.signed }}", "{% if mine is defined %}{{ mine }}{% endif %}")
    assert static(site) == []


def test_copying_marks_the_copy_and_writes_over_nothing(site: Path) -> None:
    first = (site / "digest/body.html").read_text(encoding="utf-8").partition("\n")[0]
    assert first.startswith("{# Copied from digest's own digest/body.html, ")
    with pytest.raises(TemplateError, match="nothing is written over it"):
        copy("digest/body.html", site)
    with pytest.raises(NotFoundError, match=r"did you mean digest/body\.html\?"):
        copy("digest/bdy.html", site)
    with pytest.raises(NotFoundError):
        copy("../pyproject.toml", site)


def test_the_list_tells_what_is_whose_and_what_has_changed_since(site: Path) -> None:
    change(site, "digest/body.txt", "Copied from digest's own digest/body.txt, ", "Copied from digest's own digest/body.txt, 0123456789abcdef. Was ")
    change(site, "_base/body.html", "Copied", "Taken")
    (site / "mine.html").write_text("<p>", encoding="utf-8")
    found = {file.path: file.whose for file in every(site)}
    assert found["digest/body.html"] is Whose.YOURS
    assert found["digest/body.txt"] is Whose.BEHIND
    assert found["_base/body.html"] is Whose.UNMARKED
    assert found["digest/posts.html"] is Whose.OURS
    assert found["mine.html"] is Whose.OWN
    assert not any(path.startswith("demo/") for path in found)


def test_the_sandbox_is_only_for_sites() -> None:
    assert environment().sandboxed is False
    assert environment(templates_folder()).sandboxed is True


def test_a_filler_of_a_site_knows_which_slots_it_needs(site: Path) -> None:
    assert Filler(load_compiled(compile_edition(edition(), "en", site=site))).uses("unsubscribe")
