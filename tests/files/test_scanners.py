"""The catalogue of filters' networks: dated data that helps, and a file that says what is wrong with it."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from digest.domain.visitor import network_label
from digest.errors import FileProblemsError
from digest.files.scanners import BUNDLED, load_scanners


def test_every_row_of_the_catalogue_says_when_and_where_it_was_seen() -> None:
    rows = tomllib.loads(BUNDLED.read_text(encoding="utf-8"))["network"]
    assert all(isinstance(row["seen"], date) and len(row["source"]) > 20 for row in rows)


def test_networks_of_the_catalogue_do_not_overlap() -> None:
    networks = [entry.network for entry in load_scanners()]
    assert [(str(a), str(b)) for i, a in enumerate(networks) for b in networks[i + 1 :] if a.version == b.version and a.overlaps(b)] == []


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("40.107.218.12", "certain:eop"),
        ("209.222.82.9", "certain:barracuda"),
        ("67.231.152.1", "probable:proofpoint"),
        ("207.211.31.7", "probable:mimecast"),
        ("20.40.60.80", ""),
    ],
)
def test_a_filter_is_known_by_its_network_and_a_cloud_is_not(address: str, label: str) -> None:
    assert network_label(address, load_scanners()) == label


@pytest.mark.parametrize(
    "text", ["", "network = 1", '[[network]]\nlabel = "x"', '[[network]]\nlabel = "x"\ncertain = true\nranges = ["10.0.0.1/8"]', "\xb7"]
)
def test_a_catalogue_that_cannot_be_used_names_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scanners.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(FileProblemsError, match=r"scanners\.toml"):
        load_scanners(path)
