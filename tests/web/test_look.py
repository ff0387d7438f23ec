"""The pages in the company's look: the same accent as the letter, its logo, and a site's own pages that never fail a reader."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from digest.domain.brand import Brand
from digest.files.logo import LogoFile
from digest.mail.overrides import copy
from tests.linked import BROWSER_TOKEN, Linked
from tests.pictures import png

LOGO = LogoFile(data=png(4, 4), kind="png", width=4, height=4)


def test_pages_and_notices_carry_the_accents_fonts_and_corners(linked: Linked) -> None:
    brand = Brand(accent="#0B1F4B", accent_dark="#82A3ED", serif="Charter,'Open Sans',serif", corner=9)
    with linked.client(brand=brand) as web:
        for path in (f"/w/{BROWSER_TOKEN}", "/r/nothing"):
            page = web.get(path)
            assert "--accent:#0B1F4B;" in page.text
            assert "--accent:#82A3ED;" in page.text
            assert "--serif:Charter,'Open Sans',serif;" in page.text
            assert "--corner:9px" in page.text
            assert "#1B5E49" not in page.text


def test_the_logo_is_served_from_our_address_to_keep(linked: Linked) -> None:
    with linked.client(logo=LOGO) as web:
        found = web.get(f"/b/{LOGO.name}")
        assert (found.status_code, found.content, found.headers["content-type"]) == (200, LOGO.data, "image/png")
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert found.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in found.headers
        earlier = web.get("/b/logo-0000000000000000.png")
        assert (earlier.content, earlier.headers["cache-control"]) == (LOGO.data, "public, max-age=86400")
    with linked.client() as web:
        assert web.get(f"/b/{LOGO.name}").status_code == 404


def test_a_sites_page_wins_and_its_style_may_run(linked: Linked, tmp_path: Path) -> None:
    page = copy("pages/notice.html", tmp_path)
    page.write_text(page.read_text(encoding="utf-8").replace('<p class="lead">', '<p class="lead">Baked. ', 1), encoding="utf-8")
    style = copy("pages/style.css", tmp_path)
    style.write_text(style.read_text(encoding="utf-8") + "\n.mine{color:red}\n", encoding="utf-8")
    with linked.client(templates=tmp_path) as web:
        found = web.get("/r/nothing")
    assert "Baked." in found.text
    assert ".mine{color:red}" in found.text
    assert "Copied from" not in found.text
    assert re.search(r"style-src 'sha256-[^']+'", found.headers["content-security-policy"])


@pytest.mark.parametrize(
    ("name", "text"), [("pages/notice.html", "{{ nothing_here }}"), ("pages/notice.html", "{% if %}"), ("pages/style.css", "{{ brand.nothing }}")]
)
def test_a_sites_page_that_fails_gives_way_to_ours_and_the_log_says_why(
    linked: Linked, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, text: str
) -> None:
    copy(name, tmp_path).write_text(text, encoding="utf-8")
    with caplog.at_level(logging.WARNING), linked.client(templates=tmp_path) as web:
        found = web.get("/r/nothing")
    assert found.status_code == 404
    assert "<h1>" in found.text
    assert f"{name}:1: the template cannot be used" in caplog.text
