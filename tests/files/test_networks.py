"""The networks file: its order, its letters, what an operator may change, and every problem at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from digest.config import Config
from digest.domain.link import ALPHABET
from digest.domain.share import intent
from digest.errors import FileProblemsError
from digest.files.networks import OWN_LETTERS, load_networks, networks_named, read_networks

# Letters stand in links that were mailed: this table only ever grows.
LETTERS = {
    "linkedin": "1",
    "x": "2",
    "facebook": "3",
    "threads": "4",
    "bluesky": "5",
    "mastodon": "6",
    "whatsapp": "7",
    "email": "8",
    "telegram": "9",
    "teams": "a",
    "slack": "b",
    "reddit": "c",
    "line": "d",
    "weibo": "e",
    "pinterest": "f",
    "hackernews": "g",
    "xing": "h",
    "engage": "j",
}


def own(folder: Path, text: str) -> Path:
    path = folder / "networks.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_letters_never_change() -> None:
    assert {network.name: network.letter for network in load_networks()} == LETTERS
    assert set(LETTERS.values()) <= set(ALPHABET[1:]) - set(OWN_LETTERS)
    assert set(OWN_LETTERS) < set(ALPHABET)


def test_the_networks_that_are_on_are_those_of_the_default_configuration() -> None:
    assert tuple(network.name for network in load_networks() if network.default_on) == Config().sharing.networks


def test_networks_come_in_the_order_they_are_asked_for() -> None:
    assert [network.label for network in networks_named(["email", "x", "email"], load_networks())] == ["Email", "X"]


def test_an_unknown_network_is_named_with_what_is_allowed() -> None:
    with pytest.raises(FileProblemsError, match="found 'myspace', allowed linkedin, x"):
        networks_named(["myspace"], load_networks())


def test_only_linkedin_needs_to_know_the_device() -> None:
    assert [network.name for network in load_networks() if network.two_devices] == ["linkedin"]


def test_what_was_checked_names_the_page_it_was_compared_with() -> None:
    for network in load_networks():
        assert network.checked_on is None or network.documentation.startswith("https://"), network.name


def test_one_row_mends_an_address_and_leaves_the_rest_of_the_network(tmp_path: Path) -> None:
    path = own(tmp_path, '[[network]]\nname = "x"\nhost = "post.example.com"\ndesktop = "https://post.example.com/?t={text}"\n')
    before, after = ({network.name: network for network in load_networks(file)} for file in (None, path))
    assert list(before) == list(after)
    assert after["x"].desktop == after["x"].phone == "https://post.example.com/?t={text}"
    assert (after["x"].limit, after["x"].letter, after["x"].label) == (before["x"].limit, "2", "X")
    assert before["x"].checked_on is not None
    assert after["x"].checked_on is None  # that day somebody compared another address
    assert {name for name in before if before[name] != after[name]} == {"x"}


def test_a_date_of_ones_own_stays_and_a_label_alone_makes_no_address_doubtful(tmp_path: Path) -> None:
    path = own(tmp_path, '[[network]]\nname = "x"\nverified_on = 2026-11-20\n[[network]]\nname = "threads"\nlabel = "Fäden"\n')
    found = {network.name: network for network in load_networks(path)}
    assert (found["x"].verified_on, found["x"].checked_on) == (date(2026, 11, 20), date(2026, 11, 22))
    assert (found["threads"].label, found["threads"].checked_on) == ("Fäden", date(2026, 11, 22))


def test_a_network_of_ones_own_stands_behind_ours(tmp_path: Path) -> None:
    path = own(
        tmp_path,
        """
        [[network]]
        name = "intranet"
        label = "The Square"
        letter = "z"
        host = "square.example.com"
        desktop = "https://square.example.com/new?t={text}"
        limit = 1200
        colleagues = true
        """,
    )
    last = load_networks(path)[-1]
    assert (last.name, last.limit.most, last.colleagues) == ("intranet", 1200, True)
    assert intent(last, caption="a b", link="https://go.example", title="", phone=True) == (
        "https://square.example.com/new?t=a%20b%20https%3A%2F%2Fgo.example"
    )


def test_all_problems_come_at_once_each_with_its_row(tmp_path: Path) -> None:
    path = own(
        tmp_path,
        """
        [[network]]
        name = "x"
        desktop = "https://evil.example/?u={link}"
        letter = "3"
        [[network]]
        name = "facebook"
        limt = 3
        octets = "many"
        [[network]]
        name = "square"
        label = "Square"
        letter = "k"
        host = "127.0.0.1"
        desktop = "https://127.0.0.1/?u={secret}"
        [[network]]
        label = "Nobody"
        [[network]]
        name = "threads"
        label = "Fäden"
        """,
    )
    found, problems = read_networks(path)
    told = [problem.removeprefix(f"{path}: ") for problem in problems]
    assert told == [
        "[[network]] 1 (x): letter: found '3', allowed '2', which stands in links that were mailed",
        "[[network]] 1 (x): desktop: found 'https://evil.example/?u={link}', allowed an address that starts with https://x.com/",
        told[2],
        told[3],
        "[[network]] 3 (square): letter: found 'k', allowed one of qrstvwxyz that no other network has",
        "[[network]] 3 (square): host: found '127.0.0.1', allowed the name of a server such as example.com, or nothing for mailto:",
        told[6],
        *(
            f"[[network]] 4 (without a name): {key}: found nothing, and a network of your own needs one"
            for key in ("name", "letter", "host", "desktop")
        ),
    ]
    assert "limt: no such key, allowed name, label" in told[3]
    assert "octets: found 'many', allowed: " in told[2]
    assert "no other braces than" in told[6]
    with pytest.raises(FileProblemsError) as caught:
        load_networks(path)
    assert tuple(caught.value.problems) == problems
    assert [network.label for network in found if network.name == "threads"] == ["Fäden"]
    assert [network for network in found if network.name in {"x", "facebook"}] == [n for n in load_networks() if n.name in {"x", "facebook"}]


@pytest.mark.parametrize("text", ["network = 3", "[network]\nname = 'x'", "[[network", "\xff"])
def test_a_file_that_is_none_leaves_ours_and_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "networks.toml"
    path.write_bytes(text.encode("latin-1"))
    found, problems = read_networks(path)
    assert found == load_networks()
    assert len(problems) == 1
    assert str(path) in problems[0]
    assert len(read_networks(tmp_path / "absent.toml")[1]) == 1


def test_two_rows_for_one_network_or_one_letter_are_refused(tmp_path: Path) -> None:
    row = '[[network]]\nname = "{}"\nlabel = "A"\nletter = "z"\nhost = "a.example"\ndesktop = "https://a.example/{{link}}"\n'
    assert len(read_networks(own(tmp_path, row.format("a") + row.format("b")))[1]) == 2
    twice = '[[network]]\nname = "x"\nlabel = "A"\n[[network]]\nname = "x"\nlabel = "B"\n'
    assert all("found 'x' in 2 rows, allowed once" in problem for problem in read_networks(own(tmp_path, twice))[1])
