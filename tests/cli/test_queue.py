"""`digest queue`: what is printed, where, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import digest
from tests.door import Door, door
from tests.pictures import png

__all__ = ["door"]

SAMPLE = Path(digest.__file__).parent / "sample"
POST = '[[post]]\ntitle = "A"\nwhy = "b"\nurl = "https://example.com"\n'


def test_a_file_is_checked_without_config_and_database_and_what_is_left_out_is_said(door: Door) -> None:
    said = door("queue", "check", SAMPLE / "queue.toml")
    assert said.code == 0
    assert said.out.endswith("no problems. 10 posts (7 by colleagues, 2 internal), 3 figures, 2 answers, 2 lessons.\n")
    assert said.err.startswith("Not checked: whether each `by` is somebody on the roster (there is no config.toml here")
    assert list(door.home.iterdir()) == []


def test_authors_can_be_checked_against_a_roster_file(door: Door) -> None:
    assert door("queue", "check", SAMPLE / "queue.toml", "--roster", SAMPLE / "roster.csv").err == ""
    said = door("queue", "check", SAMPLE / "queue.toml", "--roster", SAMPLE / "starter" / "roster.csv")
    assert (said.code, said.out, said.err.count("the address of somebody on the roster"), said.err.splitlines()[-1]) == (
        1,
        "",
        7,
        "7 problems. Nothing is planned from a queue with problems.",
    )


def test_every_problem_is_printed_and_the_command_fails(door: Door) -> None:
    door.write("queue.toml", '[[post]]\ntitel = "A"\nwhy = "b"\n')
    said = door("queue", "check", "queue.toml")
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[1:] == [
        "queue.toml:1:1: found no title, needed title = ...",
        'queue.toml:1:1: found no url, needed url = "https://..."; only posts with visibility = "internal" go without',
        "queue.toml:2:1: found titel, no such key; did you mean title?",
        "3 problems. Nothing is planned from a queue with problems.",
    ]


def test_problems_as_json_have_their_places(door: Door) -> None:
    door.write("queue.toml", POST + "kindd = 1\n")
    said = door("queue", "check", "queue.toml", "--json")
    found = json.loads(said.out)
    assert (said.code, said.err, found["authors_checked"]) == (1, "", False)
    assert found["problems"] == [{"file": "queue.toml", "line": 5, "col": 1, "text": "found kindd, no such key; did you mean kind?"}]


def test_the_configured_queue_is_checked_and_no_database_is_made_for_it(door: Door) -> None:
    door.write("config.toml", '[sharing]\ndisclosure = "I work here."\n')
    door.write("queue.toml", POST + f'[post.captions]\nx = ["{"w" * 250}"]\n')
    said = door("queue", "check")
    assert said.code == 1
    assert "there is no database yet; `digest db upgrade` makes it" in said.err
    assert "queue.toml:6:6: found 250 characters as x counts them" in said.err
    assert not (door.home / "digest.db").exists()


def test_with_a_database_authors_are_checked_once_somebody_is_on_the_roster(door: Door) -> None:
    door.write("config.toml", "")
    door.write("queue.toml", POST + 'by = "ann@example.com"\n')
    assert door("db", "upgrade").code == 0
    said = door("queue", "check")
    assert (said.code, "nobody was imported yet" in said.err) == (0, True)
    door.write("roster.csv", "address,name\nanne@example.com,Anne\n")
    assert door("roster", "import", "roster.csv").code == 0
    assert (
        'queue.toml:5:6: found "ann@example.com", allowed the address of somebody on the roster; did you mean anne@example.com?'
        in door("queue", "check").err
    )


def test_a_broken_configuration_or_database_does_not_hide_the_queue_s_problems(door: Door) -> None:
    door.write("queue.toml", "[[post]]\n")
    door.write("config.toml", "[nonsense]\n")
    assert "queue.toml:1:1: found no title" in door("queue", "check", "queue.toml").err
    door.write("config.toml", "")
    door.write("digest.db", "this is no database, but it is long enough to look at as if it were one" * 20)
    assert "queue.toml:1:1: found no title" in door("queue", "check").err


def test_without_a_file_and_a_configuration_the_command_says_what_to_type(door: Door) -> None:
    said = door("queue", "check")
    assert (said.code, "digest init" in said.err) == (1, True)


def test_an_empty_queue_says_what_to_write(door: Door) -> None:
    door.write("queue.toml", "")
    assert door("queue", "check", "queue.toml").out == "queue.toml: no problems, and no posts yet. Write a [[post]] with title, url and why.\n"
    assert "no posts yet" in door("queue", "list", "queue.toml").out


def test_one_long_id_leaves_the_others_their_room(door: Door) -> None:
    post = '[[post]]\nid = "{}"\ntitle = "A title of several plain words"\nurl = "https://example.com/{}"\nwhy = "Because."\n'
    door.write("queue.toml", post.format("-".join(["long"] * 18), 1) + post.format("short", 2))
    said = door("queue", "list", "queue.toml")
    lines = said.out.splitlines()
    assert lines[0].split() == ["Id", "Title", "By", "Kind", "Side", "From", "Until"]
    assert sum("A title of several plain words" in line for line in lines) == 2
    assert "".join(line.split()[0] for line in lines[1:4]) == "-".join(["long"] * 18)


def test_posts_are_listed_for_people_and_machines(door: Door) -> None:
    said = door("queue", "list", SAMPLE / "queue.toml")
    assert (said.code, said.out.splitlines()[0].split()) == (0, ["Id", "Title", "By", "Kind", "Side", "From", "Until"])
    assert "decision-no-lisbon-warehouse" in said.out
    posts = json.loads(door("queue", "list", SAMPLE / "queue.toml", "--json").out)["posts"]
    assert (len(posts), posts[0]["origin"], posts[0]["captions"]) == (10, "colleague", {"linkedin": 2, "x": 1, "bluesky": 1})


def test_a_post_that_leads_to_a_letter_s_own_link_or_a_shortener_is_named_at_its_line(door: Door) -> None:
    """B5: the editor learns it before anything is planned."""
    door.write("config.toml", '[site]\nurl = "https://letter.example.com"\n')
    door.write(
        "queue.toml",
        '[[post]]\ntitle = "A"\nwhy = "b"\nurl = "https://letter.example.com/l/k7q2m9x4c8v3"\n'
        '[[post]]\ntitle = "B"\nwhy = "b"\nurl = "https://bit.ly/x"\n',
    )
    said = door("queue", "check")
    assert said.code == 1
    assert 'queue.toml:4:7: found "https://letter.example.com/l/k7q2m9x4c8v3", allowed the article\'s own address, not a link of a letter' in said.err
    assert 'queue.toml:8:7: found "https://bit.ly/x", allowed the article\'s own address, not a shortened one' in said.err


def test_no_draft_comes_from_inside(door: Door) -> None:
    door.write("config.toml", "")
    door.write("queue.toml", POST)
    for command in ("add", "feed"):
        said = door("queue", command, "http://127.0.0.1/admin")
        assert (said.code, said.out) == (1, "")
        assert "http://127.0.0.1/admin: leads to a place that is not public" in said.err
    assert (door.home / "queue.toml").read_text(encoding="utf-8") == POST


def test_drafts_are_counted_and_listed(door: Door) -> None:
    door.write("queue.toml", POST + '[[post]]\ndraft = true\ntitle = "B"\n')
    assert door("queue", "check", "queue.toml").out.endswith(
        "1 post (0 by colleagues, 0 internal), 0 figures, 0 answers, 0 lessons. 1 draft waiting for a why.\n"
    )
    assert "draft" in door("queue", "list", "queue.toml").out
    listed = json.loads(door("queue", "list", "queue.toml", "--json").out)["posts"]
    assert [(one["title"], one["draft"]) for one in listed] == [("A", False), ("B", True)]


def test_pictures_are_looked_at_and_are_no_reason_to_fail(door: Door) -> None:
    images = ('image = "gone.jpg"\nimage_alt = "A door"', 'image = "small.png"', 'image = "https://pictures.example/a.jpg"\nimage_alt = "Far"')
    door.write("queue.toml", "".join(f"{POST.replace('A', f'A{n}')}{image}\n" for n, image in enumerate(images)))
    (door.home / "small.png").write_bytes(png(200, 100))
    said = door("queue", "check", "queue.toml")
    assert said.code == 0
    assert said.err.splitlines()[1:] == [
        'post "a0": image "gone.jpg": there is no such file. The letter would go without it.',
        'post "a1": its image has no image_alt, so who cannot see it learns nothing of it.',
        "Not checked: 1 picture at a web address; `digest edition plan` fetches it.",
    ]
    told = json.loads(door("queue", "check", "queue.toml", "--json").out)
    assert (len(told["pictures"]["said"]), told["pictures"]["elsewhere"], told["problems"]) == (2, 1, [])
