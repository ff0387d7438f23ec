"""Judging editions again: by command, by setting, in short transactions, and never once what it looked at is gone."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, event

from digest.cli.main import main
from digest.config import Config
from digest.config_tables import Rules
from digest.db import retention
from digest.db import verdicts as stored
from digest.db.session import read, write
from digest.domain.visitor import DEFAULTS, RULES_VERSION, Thresholds
from digest.errors import NotFoundError
from digest.pipeline import verdicts
from digest.pipeline.tracking import tracking_settings
from digest.web.serving import web_settings
from tests.conftest import NOW
from tests.counting import SCANNER, running
from tests.linked import ANA, GROUP, Linked, read_link, share_link


@pytest.fixture
def linked(engine: Engine) -> Linked:
    return Linked(engine)


def scan(linked: Linked) -> None:
    """Four posts of Ana's within seconds."""
    linked.change("token", {"token": ANA}, numbers=[1, 2, 3, 5])
    with running(linked) as web:
        for n in (1, 2, 3, 5):
            web.get(read_link(ANA, n), SCANNER)
            linked.wait(seconds=1)


def command(linked: Linked, home: Path, *arguments: str, config: str = "") -> str:
    url = linked.engine.url.render_as_string(hide_password=False)
    (home / "config.toml").write_text(f'[database]\nurl = "{url}"\n{config}', encoding="utf-8")
    result = CliRunner().invoke(main, ["--config", str(home / "config.toml"), "tracking", "reclassify", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_says_what_it_found_and_the_second_time_that_nothing_changed(linked: Linked, tmp_path: Path) -> None:
    scan(linked)
    assert command(linked, tmp_path) == (
        "2026-W48: 4 clicks: 0 preview, 4 machine, 0 probable, 0 human.\n"
        "2026-W48: 0 visits: 0 preview, 0 machine, 0 probable, 0 human.\n"
        f"4 verdicts changed; rules version {RULES_VERSION}.\n"
    )
    stored = linked.clicks()
    assert command(linked, tmp_path).endswith(f"\nNothing changed; rules version {RULES_VERSION}.\n")
    found = json.loads(command(linked, tmp_path, "--json", "--edition", "2026-W48"))
    assert (found["rules_version"], found["changed"]) == (RULES_VERSION, 0)
    assert found["editions"] == [
        {
            "period": "2026-W48",
            "clicks": {"preview": 0, "machine": 4, "probable": 0, "human": 0},
            "visits": {"preview": 0, "machine": 0, "probable": 0, "human": 0},
            "changed": 0,
            "kept": False,
        },
    ]
    assert linked.clicks() == stored


def test_thresholds_of_the_configuration_are_used(linked: Linked, tmp_path: Path) -> None:
    scan(linked)
    assert "4 human." in command(linked, tmp_path, config="[tracking.rules]\nburst = 5\n")
    assert "4 machine" in command(linked, tmp_path)


def test_nothing_to_judge_is_said(linked: Linked, tmp_path: Path) -> None:
    assert command(linked, tmp_path) == "There are no single clicks or visits to judge.\n"


def test_an_edition_that_is_not_there_is_an_error(linked: Linked) -> None:
    with pytest.raises(NotFoundError):
        verdicts.judge_again(linked.engine, Config(), "2026-W47")


def test_verdicts_stay_once_their_neighbours_became_sums(linked: Linked) -> None:
    scan(linked)
    with read(linked.engine) as connection:
        batch = retention.due(connection, NOW + timedelta(days=1))[0]
        plan = retention.plan(connection, batch, NOW + timedelta(days=1))
    with write(linked.engine) as connection:
        retention.turn(connection, batch, plan.ids, plan.carriers)
    stored = linked.clicks()
    [found] = verdicts.judge_again(linked.engine, Config())
    assert (found.kept, found.changed, found.clicks["human"]) == (True, 0, 3)
    assert linked.clicks() == stored
    assert "verdicts stay as they are" in verdicts.sentences([found])[2]


def test_reading_holds_nobody_up_and_writing_is_short(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "_AT_ONCE", 3)
    scan(linked)
    commits: list[int] = []
    event.listen(linked.engine, "commit", lambda _connection: commits.append(1))
    verdicts.judge_again(linked.engine, Config())
    assert len(commits) == 2


def test_the_links_of_a_message_are_counted_as_they_stand_in_it(linked: Linked) -> None:
    with running(linked) as web:
        web.get(read_link(ANA, 1))
    with read(linked.engine) as connection:
        hits = verdicts._Hits(stored.walls(connection, linked.edition))  # what it counts cannot be seen from outside
        [row] = stored.clicks_of(connection, linked.edition)
        assert hits(row).links == 4 + 4 + 1  # two posts outside, one inside; the fourth has no address and so no link


def test_a_group_s_short_link_has_no_visitors_before_anybody_but_a_scanner_had_it(linked: Linked) -> None:
    with running(linked) as web:
        for path in (*(read_link(GROUP, n) for n in (1, 2, 5)), *(share_link(GROUP, n, "2") for n in (1, 2, 5))):
            web.get(path, SCANNER, address="203.0.113.9")
            linked.wait(seconds=1)
        slug = next(row["slug"] for row in linked.short_links() if row["post_id"] == "cold-room")
        web.get(f"/l/{slug}", address="198.51.100.5")
        linked.wait(hours=1)
        web.get(share_link(GROUP, 1, "2"), address="198.51.100.9")
        linked.wait(hours=1)
        web.get(f"/l/{slug}", address="198.51.100.5")
    verdicts.judge_again(linked.engine, Config())
    assert [(row["class"], row["reasons"]) for row in linked.visits()] == [("machine", ["unposted"]), ("human", [])]


def test_the_table_of_rules_is_that_of_the_thresholds(tmp_path: Path) -> None:
    assert Thresholds(**Rules().model_dump()) == DEFAULTS
    assert set(Rules.model_fields) == set(Thresholds.__dataclass_fields__)
    config = Config.model_validate(
        {"tracking": {"rules": {"burst": 5, "share_hours": 48.0}, "company_networks": ["203.0.113.0/24"], "honeypot": True}}
    ).model_copy(update={"home": tmp_path})
    tracking, web = tracking_settings(config), web_settings(config, NOW).for_tracking()
    assert tracking.thresholds == web.thresholds == Thresholds(burst=5, share_hours=48)
    assert [str(network) for network in tracking.company_networks] == [str(network) for network in web.company_networks] == ["203.0.113.0/24"]
    assert (tracking.honeypot, web.honeypot) == (True, True)
