"""Pictures of an edition: placed beside their posts, kept as long as a letter shows them, and never a reason not to send."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from digest.db import editions, pictures
from digest.db.schema import edition as edition_table
from digest.db.schema import employee, picture, picture_source
from digest.db.session import read, write
from digest.domain.frozen import freeze, thaw
from digest.domain.picture import Picture
from digest.pipeline import edition, preview, privacy, roster
from tests.certificates import certificate
from tests.factories import QUEUE, company, person
from tests.illustrated import EVENING, frozen, illustrated, jpeg, place, rows
from tests.site import Site, answer, moved

ANA = person("Ana@Example.org", team="Quality", roster_id="4711")
BEN = person("ben@example.org")


def test_a_file_beside_the_queue_is_shown_in_the_letter(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN], queue=illustrated(cold_room="cold.jpg", no_lyon="map.jpg"))
    (tmp_path / "cold.jpg").write_bytes(jpeg())
    (tmp_path / "map.jpg").write_bytes(jpeg("red", (1600, 1600)))
    planned = edition.plan(engine, config, now=EVENING)
    with read(engine) as connection:
        content = editions.content(connection, planned.edition.id)
        shown = {post.id: post.picture for post in content.posts}
        stored = {row.name: row for row in connection.execute(select(picture))}
    cold, lyon = shown["cold-room"], shown["no-lyon"]
    assert cold
    assert lyon
    assert (cold.width, cold.height, lyon.width, lyon.height) == (536, 335, 490, 490)  # within the wall there is less room
    assert {name: (row.type, row.internal) for name, row in stored.items()} == {cold.name: ("image/jpeg", False), lyon.name: ("image/jpeg", True)}
    assert cold.octets == len(stored[cold.name].octets)
    page = preview.preview(engine, "ben@example.org", period=None, now=EVENING).html
    assert f'src="{config.site.url}/p/{cold.name}" width="536" height="335" alt="What cold_room looks like"' in page
    assert f'src="{config.site.url}/p/{lyon.name}" width="490" height="490" alt="What no_lyon looks like"' in page
    assert not [line for line in planned.warnings if "image" in line]


def test_a_name_cannot_be_made_by_who_has_the_picture(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], queue=illustrated(no_lyon="map.jpg"))
    (tmp_path / "map.jpg").write_bytes(jpeg())
    first = place(engine, config)[0]["no-lyon"].picture
    assert first
    assert re.fullmatch(r"[0-9a-z]{26}\.jpg", first.name)
    with write(engine) as connection:
        connection.execute(update(picture_source).values(picture=None))
    assert place(engine, config, EVENING + timedelta(hours=1))[0]["no-lyon"].picture == first  # the same octets keep it
    assert pictures.named(b"another company's secret", b"", "jpg") != pictures.named(b"ours", b"", "jpg")


@pytest.mark.parametrize(
    ("name", "octets", "said"),
    [
        ("gone.jpg", None, "there is no such file"),
        ("broken.jpg", jpeg()[:300], "cut or broken"),
        ("page.jpg", b"<html>", "an SVG or a page"),
        ("tiny.png", b"", "an empty file"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "allowed JPEG, PNG, GIF or WebP"),
    ],
)
def test_a_broken_picture_costs_a_warning_and_no_edition(engine: Engine, tmp_path: Path, name: str, octets: bytes | None, said: str) -> None:
    config = company(engine, tmp_path, [ANA], queue=illustrated(cold_room=name))
    if octets is not None:
        (tmp_path / name).write_bytes(octets)
    planned = edition.plan(engine, config, now=EVENING)
    assert [line for line in planned.warnings if f'post "cold-room": image "{name}"' in line and said in line and "goes without it" in line]
    assert rows(engine) == 0
    again = edition.plan(engine, config, now=EVENING)
    assert [line for line in again.warnings if said in line]  # remembered, and said again


def test_a_folder_in_place_of_a_picture_is_named(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], queue=illustrated(cold_room="folder"))
    (tmp_path / "folder").mkdir()
    _, said = place(engine, config)
    assert said == ('post "cold-room": image "folder": cannot be read: Is a directory. The letter goes without it.',)


def test_a_picture_without_words_is_pointed_out(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], queue=illustrated(cold_room="cold.jpg").replace('image_alt = "What cold_room looks like"\n', ""))
    (tmp_path / "cold.jpg").write_bytes(jpeg())
    _, said = place(engine, config)
    assert said == ('post "cold-room": its image has no image_alt, so who cannot see it learns nothing of it.',)


def at(site: Site, path: str) -> str:
    return f"https://news.example:{site.port}{path}"


@pytest.fixture
def https(tmp_path: Path) -> Path:
    folder = tmp_path / "tls"
    folder.mkdir()
    return certificate(folder, names="DNS:news.example")


def test_an_address_is_fetched_once_and_asked_again_by_its_etag(engine: Engine, tmp_path: Path, https: Path) -> None:
    with Site({"/a.jpg": answer(jpeg(), kind="image/jpeg", etag='"1"')}, https) as site:
        config = company(engine, tmp_path, [ANA], queue=illustrated(cold_room=at(site, "/a.jpg")))
        first, said = place(engine, config, way=site.way())
        assert said == ()
        assert first["cold-room"].picture
        place(engine, config, EVENING + timedelta(minutes=5), site.way())
        assert len(site.asked) == 1, "what was asked just now is not asked again"
        site.pages["/a.jpg"] = answer(status="304 Not Modified")
        later, _ = place(engine, config, EVENING + timedelta(hours=1), site.way())
        assert 'If-None-Match: "1"' in site.asked[1]
        assert later["cold-room"].picture == first["cold-room"].picture
        site.pages["/a.jpg"] = answer(jpeg("red"), kind="image/jpeg", etag='"2"')
        changed, _ = place(engine, config, EVENING + timedelta(hours=2), site.way())
        assert changed["cold-room"].picture
        assert changed["cold-room"].picture != first["cold-room"].picture
        assert rows(engine) == 2


def test_what_was_had_before_is_shown_when_the_server_is_away(engine: Engine, tmp_path: Path, https: Path) -> None:
    with Site({"/a.jpg": answer(jpeg(), kind="image/jpeg")}, https) as site:
        config = company(engine, tmp_path, [ANA], queue=illustrated(cold_room=at(site, "/a.jpg")))
        first, _ = place(engine, config, way=site.way())
        site.pages["/a.jpg"] = answer(status="500 Oh")
        later, said = place(engine, config, EVENING + timedelta(hours=1), site.way())
        assert later["cold-room"].picture == first["cold-room"].picture
        assert said[0].endswith("its server refused: it answered 500. The one that was had before is shown.")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (answer(b"<svg/>", kind="image/svg+xml"), "use a JPEG or PNG"),
        (answer(b"<html>", kind="text/html"), "wanted a picture"),
        (answer(jpeg(), kind="image/jpeg", length=30_000_000), "is too big"),
        (moved("https://inside.example/"), "not public"),
        (answer(status="404 Not Found"), "it answered 404"),
    ],
)
def test_an_address_that_gives_no_picture_costs_a_warning(engine: Engine, tmp_path: Path, https: Path, page: bytes, said: str) -> None:
    with Site({"/a.jpg": page}, https) as site:
        site.inside["inside.example"] = ["10.0.0.1"]
        config = company(engine, tmp_path, [ANA], queue=illustrated(cold_room=at(site, "/a.jpg")))
        found, warnings = place(engine, config, way=site.way())
        assert found["cold-room"].picture is None
        assert len(warnings) == 1
        assert said in warnings[0]


@pytest.mark.parametrize("name", ["ana@example.org.jpg", "ANA@example.ORG.JPEG", "4711.jpg"])
def test_a_face_stands_beside_a_name(engine: Engine, tmp_path: Path, name: str) -> None:
    config = company(engine, tmp_path, [ANA, BEN], content={"faces": "faces"})
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / name).write_bytes(jpeg(size=(600, 800)))
    (tmp_path / "faces" / "ben@example.org.jpg").write_bytes(jpeg("red"))
    (tmp_path / "faces" / "readme.txt").write_text("Portraits")
    found, said = place(engine, config)
    face = found["cold-room"].face
    assert face
    assert said == ()
    assert (face.width, face.height) == (40, 40)
    with read(engine) as connection:
        held = {row.address: row.picture for row in connection.execute(select(employee))}
        stored = connection.execute(select(picture)).one()
    assert held == {"ana@example.org": face.name, "ben@example.org": ""}  # Ben wrote nothing
    assert (stored.width, stored.height) == (96, 96)


def test_a_portrait_that_was_taken_away_is_let_go(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], content={"faces": "faces"})
    (tmp_path / "faces").mkdir()
    portrait = tmp_path / "faces" / "4711.jpg"
    portrait.write_bytes(jpeg())
    place(engine, config)
    portrait.unlink()
    found, _ = place(engine, config, EVENING + timedelta(days=1))
    assert found["cold-room"].face is None
    with write(engine) as connection:
        assert pictures.purge(connection, EVENING + timedelta(days=100)) == 1


def test_no_name_no_face(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], queue=QUEUE.replace("named = true", "named = false"), content={"faces": "faces"})
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "4711.jpg").write_bytes(jpeg())
    assert place(engine, config)[0]["cold-room"].face is None
    assert rows(engine) == 0


def test_a_folder_of_faces_that_is_not_there_is_named(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], content={"faces": "faces"})
    found, said = place(engine, config)
    assert found["cold-room"].face is None
    assert "content.faces" in said[0]
    assert "No such file or directory" in said[0]


def test_who_is_erased_takes_their_face_along(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN], queue=illustrated(flow_meter="cold.jpg"), content={"faces": "faces"})
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "4711.jpg").write_bytes(jpeg("red"))
    (tmp_path / "cold.jpg").write_bytes(jpeg())
    planned = edition.plan(engine, config, now=EVENING)
    assert rows(engine) == 2
    roster.erase(engine, "ana@example.org", now=EVENING, random=lambda: "abc")
    with read(engine) as connection:
        posts = editions.content(connection, planned.edition.id).posts
        left = connection.execute(select(picture.c.name)).scalars().all()
    assert [post.face for post in posts] == [None] * len(posts)
    assert left == [post.picture.name for post in posts if post.picture]
    assert rows(engine, picture_source) == 1


def test_pictures_of_old_letters_go_and_those_in_use_stay(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA, BEN], queue=illustrated(cold_room="cold.jpg"), content={"faces": "faces"})
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "4711.jpg").write_bytes(jpeg("red"))
    (tmp_path / "cold.jpg").write_bytes(jpeg())
    edition.plan(engine, config, now=EVENING)
    later = EVENING + timedelta(days=200)
    assert privacy.purge(engine, config, now=later, trust_clock=True).pictures == 0, "the edition is not over"
    with write(engine) as connection:
        connection.execute(update(edition_table).values(state="closed"))
    assert privacy.purge(engine, config, now=EVENING + timedelta(days=60), trust_clock=True).pictures == 0
    done = privacy.purge(engine, config, now=later, trust_clock=True)
    assert done.pictures == 1, "the face is still a colleague's"
    with write(engine) as connection:
        connection.execute(update(employee).values(left_at=later))
    assert privacy.purge(engine, config, now=later, trust_clock=True).pictures == 1
    assert rows(engine) == rows(engine, picture_source) == 0


def test_a_picture_that_is_planned_again_is_kept_anew(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], queue=illustrated(cold_room="cold.jpg"))
    (tmp_path / "cold.jpg").write_bytes(jpeg())
    place(engine, config)
    place(engine, config, EVENING + timedelta(days=199))
    with write(engine) as connection:
        assert pictures.purge(connection, EVENING + timedelta(days=110)) == 0
        assert pictures.purge(connection, EVENING + timedelta(days=200)) == 1


def test_what_was_public_once_stays_public(engine: Engine, tmp_path: Path) -> None:
    config = company(engine, tmp_path, [ANA], queue=illustrated(flow_meter="same.jpg", no_lyon="same.jpg"))
    (tmp_path / "same.jpg").write_bytes(jpeg())
    found, _ = place(engine, config)
    assert found["flow-meter"].picture
    with read(engine) as connection:
        served = pictures.get(connection, found["flow-meter"].picture.name)
    assert served
    assert not served.internal


def test_editions_from_before_there_were_pictures_are_read(engine: Engine, tmp_path: Path) -> None:
    data = freeze(frozen(engine, company(engine, tmp_path, [ANA])))
    for post in data["posts"]:
        for key in ("image", "image_alt", "picture", "face"):
            del post[key]
    assert [post.picture for post in thaw(data).posts] == [None] * 3
    shown = Picture(name="a.jpg", width=1, height=2, octets=3)
    data["posts"][0] |= {"picture": freeze(shown), "face": None}
    assert thaw(data).posts[0].picture == shown
