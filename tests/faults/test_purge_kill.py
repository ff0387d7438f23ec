"""A real purge, killed over and over in the middle of its work: no event is lost to the figures, none counts twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select

from digest.config import Config
from digest.db.schema import click, visit
from digest.db.session import read, write
from digest.pipeline.tracking import tracking_settings
from digest.pipeline.verdicts import judge_edition
from tests.faults.processes import ROOT
from tests.tracked import a_click, a_visit, figures, put_links

EVENTS = 6000
KILLS = 6
BROWSER = {"method": "GET", "ua": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "mode": "navigate"}
SIGNALS = (BROWSER, {**BROWSER, "age": 4.0}, {**BROWSER, "method": "HEAD"}, {**BROWSER, "ua": "Slackbot-LinkExpanding 1.0"})


def fill(engine: Engine) -> None:
    """Half a year old events of a thousand people and their visitors, judged; and a young one."""
    dice = random.Random(7)
    start = datetime.now(UTC) - timedelta(days=180)
    clicks, visits = [], []
    for n in range(EVENTS):
        at, who = start + timedelta(seconds=dice.randrange(5 * 86400)), dice.randrange(1000)
        kind, signals = dice.choice(["read", "share"]), dice.choice(SIGNALS)
        clicks.append(a_click(at, token=f"{who:017}", employee_id=who, kind=kind, signals=signals))
        if n % 3 == 0:
            slug, visitor = f"00000000000{dice.randrange(1, 4)}", f"{at:%d}v{dice.randrange(300)}"
            visits.append(a_visit(at, slug=slug, visitor=visitor, signals=signals))
    clicks.append(a_click(datetime.now(UTC) - timedelta(days=3), token="y" * 17, employee_id=5000, signals=BROWSER))
    with write(engine) as connection:
        put_links(connection)
        connection.execute(insert(click), clicks)
        connection.execute(insert(visit), visits)
    judge_edition(engine, 1, tracking_settings(Config()))


def purging(config: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-P", "-m", "digest", "--config", str(config), "privacy", "purge", "--trust-clock", "--json"]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def old(engine: Engine) -> int:
    """Events that should be gone."""
    before = datetime.now(UTC) - timedelta(days=90)
    with read(engine) as connection:
        return sum(connection.execute(select(func.count()).select_from(table).where(table.c.at < before)).scalar_one() for table in (click, visit))


@pytest.mark.slow
def test_a_purge_that_is_killed_again_and_again_changes_no_figure(engine: Engine, tmp_path: Path) -> None:
    """H5: kill -9 half-way, two at once, and once more: no event older than the limit is left, and each counted once."""
    fill(engine)
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "{engine.url.render_as_string(hide_password=False)}"\n', encoding="utf-8")
    expected, before = figures(engine), old(engine)
    assert {sum(figure[place] > 0 for figure in expected.values()) > 2 for place in range(3)} == {True}
    dice = random.Random(1)
    half = 0
    for _ in range(KILLS):
        process = purging(config)
        while process.poll() is None and old(engine) == before:
            time.sleep(0.01)
        time.sleep(dice.random() / 5)
        process.kill()
        process.communicate()
        assert figures(engine) == expected
        half += 0 < old(engine) < before
        before = old(engine) or before
    assert half, "it was never killed in the middle of its work"
    both = [purging(config), purging(config)]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert (figures(engine), old(engine)) == (expected, 0)
    with read(engine) as connection:
        assert connection.execute(select(click.c.employee_id)).scalars().all() == [5000]
    assert json.loads(purging(config).communicate(timeout=60)[0])["events"] == 0
