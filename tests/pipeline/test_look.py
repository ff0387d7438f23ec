"""The company's look and templates in a planned edition: frozen with it, told where they are not as asked, checked whole."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.config import Config
from digest.config_tables import Brand as BrandTable
from digest.db import editions
from digest.db.session import read
from digest.domain.brand import Brand, Logo
from digest.domain.frozen import freeze, thaw
from digest.errors import TemplateError
from digest.mail.overrides import copy
from digest.pipeline import doctor_settings, edition, preview, templates
from digest.web import dress
from digest.web.pages import FILTERS
from tests.factories import company, person
from tests.factories_mail import edition as sample

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
ANA = person("ana@example.org", team="Quality", topics=["recycling"])


def with_brand(config: Config, **keys: object) -> Config:
    return config.model_copy(update={"brand": BrandTable.model_validate(keys)})


def with_templates(config: Config, folder: str) -> Config:
    return config.model_copy(update={"site": config.site.model_copy(update={"templates": folder})})


def check(config: Config) -> list[str]:
    return [str(problem) for problem in templates.check(config, dress.engine(config.templates_path, FILTERS), dress.NAMES)]


def html(engine: Engine) -> str:
    return preview.preview(engine, "ana@example.org", period=None, now=EVENING).html


def test_the_brand_is_frozen_with_the_edition_until_it_is_planned_again(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA])
    first = edition.plan(engine, with_brand(config, accent="#0B1F4B", name="The Navy Letter"), now=EVENING).edition
    assert "#0B1F4B" in html(engine)
    assert "The Navy Letter</h1>" in html(engine)
    again = edition.plan(engine, with_brand(config, accent="#B00020"), now=EVENING).edition
    assert again.hash != first.hash
    assert "#0B1F4B" not in html(engine)
    with read(engine) as connection:
        assert editions.content(connection, again.id).brand.accent == "#B00020"


def test_planning_and_the_doctor_tell_which_colour_is_used_and_why(engine: Engine, tmp_path: Path) -> None:
    config = with_brand(company(engine, tmp_path, [ANA]), accent="#F5C400", logo="gone.png")
    warnings = edition.plan(engine, config, now=EVENING).warnings
    assert any("#F5C400 has a contrast of 1.4:1" in warning and "darkened to #806600" in warning for warning in warnings)
    assert any("gone.png: cannot be read" in warning for warning in warnings)
    assert "#806600" in html(engine)
    assert [(finding.level, finding.subject) for finding in doctor_settings.look(config)] == [("warn", "brand.accent"), ("warn", "brand.logo")]


def test_a_brand_survives_its_way_through_the_database_and_older_editions_have_ours() -> None:
    content = sample(brand=Brand(name="N", logo=Logo(address="https://example.com/l.png", width=9, height=9), corner=9, reserved=True))
    assert thaw(freeze(content)) == content
    older = freeze(sample())
    del older["brand"]
    assert thaw(older) == sample()


def test_the_sites_templates_make_the_letter_and_a_later_change_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    config = with_templates(company(engine, tmp_path, [ANA]), "site")
    page = copy("digest/body.html", tmp_path / "site")
    page.write_text(page.read_text(encoding="utf-8").replace("{% block footer %}", "{% block footer %}<p>Baked</p>"), encoding="utf-8")
    edition.plan(engine, config, now=EVENING)
    page.write_text("{{ broken", encoding="utf-8")
    assert ">Baked<" in html(engine)


def test_no_edition_is_planned_with_a_template_that_fails(engine: Engine, tmp_path: Path) -> None:
    config = with_templates(company(engine, tmp_path, [ANA]), "site")
    with pytest.raises(TemplateError, match="found site, which is no folder"):
        edition.plan(engine, config, now=EVENING)
    page = copy("digest/body.html", tmp_path / "site")
    page.write_text(page.read_text(encoding="utf-8").replace("links.stop,", "links.policy,"), encoding="utf-8")
    with pytest.raises(TemplateError, match=r"digest/body\.html:\d+: .*found no whole link to leave"):
        edition.plan(engine, config, now=EVENING)


def test_the_check_finds_nothing_in_ours_and_in_plain_copies(tmp_path: Path) -> None:
    assert check(Config(home=tmp_path)) == []
    copy("digest/body.html", tmp_path / "site")
    assert check(with_templates(Config(home=tmp_path), "site")) == []


def test_the_check_renders_what_only_some_letters_have(tmp_path: Path) -> None:
    config = with_templates(Config(home=tmp_path), "site")
    page = copy("digest/posts.html", tmp_path / "site")
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("links.refer(post), words", "links.reffer(post), words"), encoding="utf-8")
    assert any("found .reffer, allowed" in problem for problem in check(config))


def test_a_tag_left_open_is_found_by_comparing_with_the_slow_way(tmp_path: Path) -> None:
    config = with_templates(Config(home=tmp_path), "site")
    page = copy("digest/body.html", tmp_path / "site")
    page.write_text(page.read_text(encoding="utf-8").replace('{{ view.open("minutes", m) }}', '{{ view.open("minutes", m) }}<b>'), encoding="utf-8")
    assert any("close every tag in the option that opens it" in problem for problem in check(config))


def test_the_doctor_names_templates_that_ours_have_overtaken(tmp_path: Path) -> None:
    config = with_templates(Config(home=tmp_path), "site")
    page = copy("digest/body.html", tmp_path / "site")
    assert doctor_settings.look(config) == []
    page.write_text("{# Copied from digest's own digest/body.html, 0123456789abcdef. #}\n", encoding="utf-8")
    assert [finding.subject for finding in doctor_settings.look(config)] == ["site.templates"]
    assert doctor_settings.look(with_templates(config, "none"))[0].level == "bad"
