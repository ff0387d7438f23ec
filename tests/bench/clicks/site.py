"""A site to press links of: `python -m tests.bench.clicks.site FOLDER PORT PEOPLE` plans an edition, calls it sent and lists its links.

Afterwards the folder holds config.toml, the database, and `read.txt`, `share.txt` and `visit.txt` with a path on each line.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import Engine, insert, select, update

from digest.db import migrate
from digest.db.schema import edition_post, message, short_link
from digest.db.session import open_database, read, write
from digest.domain.link import number
from digest.domain.slug import slug
from digest.files.networks import load_networks, networks_named
from digest.pipeline import edition
from tests.bench.plan import fill, queue
from tests.factories import company, person

NETWORKS = ("linkedin", "x", "bluesky", "mastodon")
SLUGS = 500
MOST = 200_000  # links of a kind; as many as a large company's gateway presses


def make(folder: Path, port: int, people: int) -> None:
    """Everything, in that folder."""
    random = Random(48)
    url = f"sqlite:///{folder / 'digest.db'}"
    engine = open_database(url)
    migrate.upgrade(engine)
    config = company(engine, folder, [person("ana@example.org")], queue=queue(), site={"url": f"http://127.0.0.1:{port}"})
    fill(engine, people)
    now = datetime.now(UTC)
    edition.plan(engine, config, now=now)
    edition.approve(engine, now=now, who="bench")
    with write(engine) as connection:
        connection.execute(update(message).values(state="sent", sent_at=now - timedelta(hours=1), next_attempt_at=None))
    (folder / "config.toml").write_text(
        f'[site]\nurl = "http://127.0.0.1:{port}"\n[web]\nlisten = "127.0.0.1:{port}"\n[database]\nurl = "{url}"\n', encoding="utf-8"
    )
    _visits(engine, folder, random, now)
    _presses(engine, folder, random)
    engine.dispose()


def _visits(engine: Engine, folder: Path, random: Random, now: datetime) -> None:
    """Short links as people's shares make them."""
    made: set[str] = set()
    while len(made) < SLUGS:
        found = slug(random.randbytes(8))
        made |= {found} if found else set()
    with write(engine) as connection:
        posts = connection.execute(select(edition_post.c.edition_id, edition_post.c.post_id)).all()
        rows = []
        for turn, one in enumerate(sorted(made)):
            post = posts[turn % len(posts)]
            owner, network = f"employee:{turn + 1}", NETWORKS[turn % len(NETWORKS)]
            rows.append({"slug": one, "owner": owner, "edition_id": post.edition_id, "post_id": post.post_id, "network": network, "created_at": now})
        connection.execute(insert(short_link), rows)
    (folder / "visit.txt").write_text("".join(f"/l/{one}\n" for one in sorted(made)), encoding="utf-8")


def _presses(engine: Engine, folder: Path, random: Random) -> None:
    letters = [network.letter for network in networks_named(NETWORKS, load_networks())]
    with read(engine) as connection:
        rows = connection.execute(select(message.c.share_token, message.c.picks)).all()
    reads = [f"/r/{row.share_token}/{number(n)}\n" for row in rows for n, _ in row.picks]
    shares = [f"{one.strip().replace('/r/', '/s/')}{letter}\n" for one in reads for letter in letters[:2]]
    for name, links in (("read", reads), ("share", shares)):
        random.shuffle(links)
        (folder / f"{name}.txt").write_text("".join(links[:MOST]), encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
