"""Compile once, fill in many, in every look: brands, a site's own templates, and blocks in any order make what the slow way makes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.domain.brand import Brand, Logo, accents, stacks
from digest.domain.message import Pick
from digest.mail import catalogue
from digest.mail.compile import Compiled, compile_edition, load_compiled
from digest.mail.fill import Fill, Filler
from digest.mail.overrides import copy
from digest.mail.sameness import difference
from digest.mail.templates import Job, job, reasons_of
from tests.factories_mail import edition, person

PARTS = ("colleagues", "sharing", "inside")


def brand(accent: str, fonts: str, **more: Any) -> Brand:
    used, (serif, sans) = accents(accent), stacks(fonts) or ("", "")
    return replace(Brand(accent=used.light, accent_dark=used.dark, serif=serif, sans=sans), **more)


BRANDS = {
    "ours": Brand(),
    "yellow": brand(
        "#F5C400", "sans", corner=22, name='Lemon & "Weekly"', logo=Logo(address="https://example.com/l.png?a=1&b=2", width=40, height=40)
    ),
    "navy": brand(
        "#0B1F4B", "Charter, Bitstream Charter, serif", corner=0, reserved=True, logo=Logo(address="https://example.com/l.png", width=160, height=40)
    ),
}


def site_with(folder: Path, order: tuple[str, ...]) -> Path:
    """A site whose letter has our parts in this order, a block of its own, and a line in the text part."""
    copy("digest/body.html", folder)
    copy("digest/body.txt", folder)
    page = (folder / "digest/body.html").read_text(encoding="utf-8")
    start, end = page.index('{% for part in view.pick("part", parts) %}'), page.index("{% if edition.answers or edition.heard %}")
    picked = "".join(_part(part) for part in order)
    (folder / "digest/body.html").write_text(
        f'{page[:start]}{picked}<tr><td><p class="ink">Baked &amp; sent.</p></td></tr>\n{page[end:]}', encoding="utf-8"
    )
    text = (folder / "digest/body.txt").read_text(encoding="utf-8")
    (folder / "digest/body.txt").write_text(text.replace('{{ heading(words("turn"))', 'Baked & sent.\n{{ heading(words("turn"))'), encoding="utf-8")
    return folder


def _part(part: str) -> str:
    """One part of the letter in its own group, so that it can stand anywhere."""
    macro = {"colleagues": "colleague(n)", "sharing": "curated(n)", "inside": "inside(n)"}[part]
    post = f"{{{{ {macro} }}}}" if part != "inside" else f"<tr><td>{{{{ {macro} }}}}</td></tr>"
    return (
        f'{{% for part in view.pick("part", parts) if part == "{part}" %}}{{{{ view.open("part", part) }}}}'
        f'<tr><td><h2 class="ink label">{{{{ words(part) }}}}</h2></td></tr>\n'
        f'{{% for n in view.pick("{part}", places.{part}) %}}{{{{ view.open("{part}", n) }}}}{post}{{{{ view.close() -}}}}\n{{% endfor %}}'
        "{{ view.close() -}}\n{% endfor %}\n"
    )


@cache
def compiled(look: str, language: str, site: Path | None) -> tuple[Job, Compiled, Filler]:
    content = edition(brand=BRANDS[look])
    found = load_compiled(compile_edition(content, language, site=site))
    return job(content, language, site=site), found, Filler(found)


@pytest.fixture(scope="module", params=list(itertools.permutations(PARTS)), ids="-".join)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_with(tmp_path_factory.mktemp("site"), request.param)


@st.composite
def readers(draw: st.DrawFn) -> Fill:
    """Any reader the plan may make."""
    posts = edition().posts
    numbers = draw(st.lists(st.sampled_from([post.n for post in posts]), min_size=1, max_size=8, unique=True))
    picks = tuple(Pick(n=n, because=draw(st.sampled_from(["", *reasons_of(posts[n - 1])]))) for n in numbers)
    networks = tuple(draw(st.lists(st.sampled_from("1256"), max_size=2, unique=True)))
    return person(picks=picks, networks=networks, name=draw(st.sampled_from(["", "Ana", "<b>", "李"])))


@pytest.mark.parametrize("language", catalogue.languages())
@pytest.mark.parametrize("look", BRANDS)
@settings(max_examples=3, deadline=None)
@given(reader=readers())
def test_every_brand_in_every_language(look: str, language: str, reader: Fill) -> None:
    assert difference(*compiled(look, language, None), reader) is None


@pytest.mark.parametrize("look", ["ours", "navy"])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reader=readers())
def test_a_sites_templates_with_the_parts_in_any_order(site: Path, look: str, reader: Fill) -> None:
    work, found, filler = compiled(look, "en", site)
    assert b"Baked" in filler.fill(reader).body
    assert difference(work, found, filler, reader) is None


def test_a_tag_that_is_closed_elsewhere_is_found_out(tmp_path: Path) -> None:
    copy("digest/body.html", tmp_path)
    page = (tmp_path / "digest/body.html").read_text(encoding="utf-8")
    (tmp_path / "digest/body.html").write_text(page.replace('{{ view.open("minutes", m) }}', '{{ view.open("minutes", m) }}<b>'), encoding="utf-8")
    found = difference(*compiled("ours", "en", tmp_path), person())
    assert found is not None
    assert found[0] == "digest/body.html"
    assert "close every tag in the option that opens it" in found[1]
