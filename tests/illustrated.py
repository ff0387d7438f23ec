"""A small queue with pictures at its posts, and what becomes of them."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from PIL import Image
from sqlalchemy import Engine, func, select

from digest.config import Config
from digest.db.schema import picture
from digest.db.session import read
from digest.domain.edition import EditionContent, EditionPost
from digest.net.fetch import PUBLIC, Way
from digest.pipeline import freezing
from digest.pipeline.pictures import placed
from tests.factories import QUEUE

EVENING = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)


def jpeg(colour: str = "teal", size: tuple[int, int] = (800, 500)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def illustrated(**images: str) -> str:
    """The queue with `image` and `image_alt` at some posts; of `cold_room` for example."""
    text = QUEUE
    for name, image in images.items():
        mark = f'id = "{name.replace("_", "-")}"\n'
        text = text.replace(mark, f'{mark}image = "{image}"\nimage_alt = "What {name} looks like"\n')
    return text


def frozen(engine: Engine, config: Config) -> EditionContent:
    with read(engine) as connection:
        return freezing.freeze(connection, config, "2026-W48")[0]


def place(engine: Engine, config: Config, now: datetime = EVENING, way: Way = PUBLIC) -> tuple[dict[str, EditionPost], tuple[str, ...]]:
    content, said = placed(engine, config, frozen(engine, config), now=now, way=way)
    return {post.id: post for post in content.posts}, said


def rows(engine: Engine, table: Any = picture) -> int:
    with read(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
