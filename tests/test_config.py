"""config.toml: what is refused, in which words, and where values may come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config import Config, load_config
from digest.errors import ConfigError


def load(folder: Path, text: str | bytes = "", **env: str) -> Config:
    path = folder / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(path, env)


def problems(folder: Path, text: str | bytes, **env: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **env)
    return [line.removeprefix(f"{folder}/") for line in caught.value.problems]


def test_an_empty_file_is_a_whole_configuration(tmp_path: Path) -> None:
    assert load(tmp_path) == Config(home=tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[smtp]\nprot = 25", "smtp.prot: no such key, did you mean smtp.port?"),
        ("[smpt]\nport = 25", "smpt: no such key, did you mean smtp?"),
        ("[sender]\nform = 'a@b.example'", "sender.form: no such key, did you mean sender.from?"),
        ("[sender]\nsender = 'a@b.example'", "sender.sender: no such key"),
        ("[site]\nday = 'monday'", "site.day: no such key, did you mean schedule.day?"),
        ("port = 25", "port: no such key, did you mean smtp.port?"),
        ("[site]\nzzzzzz = 1", "site.zzzzzz: no such key"),
        ("home = '/elsewhere'", "home: no such key"),
        ("[smtp.tls]\non = true", "smtp.tls: no such key"),
    ],
)
def test_an_unknown_key_is_an_error_and_the_one_that_was_meant_is_named(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [f"config.toml: {problem}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[schedule]\ntime = '25:00'", "schedule.time: found '25:00', allowed 00:00 to 23:59"),
        ("[schedule]\ntime = '9:00'", "schedule.time: found '9:00', allowed 00:00 to 23:59"),
        ("[schedule]\ntime = '24:00'", "schedule.time: found '24:00', allowed 00:00 to 23:59"),
        ("[schedule]\ntime = 09:00:00", "schedule.time: found datetime.time(9, 0), allowed text in quotes"),
        ("[schedule]\nday = 'tues'", "schedule.day: found 'tues', allowed 'monday', 'tuesday', 'wednesday', "),
        ("[schedule]\nplan_hours = 0", "schedule.plan_hours: found 0, allowed 1 or more"),
        ("[smtp]\nport = 70000", "smtp.port: found 70000, allowed 65535 or less"),
        ("[smtp]\nport = '25'", "smtp.port: found '25', allowed a whole number"),
        ("[smtp]\nport = true", "smtp.port: found true, allowed a whole number"),
        ("[smtp]\nport = 25.0", "smtp.port: found 25.0, allowed a whole number"),
        ("[mix]\ncolleague_share = 'half'", "mix.colleague_share: found 'half', allowed a number"),
        ("[mix]\ncolleague_share = 1.5", "mix.colleague_share: found 1.5, allowed 1 or less"),
        ("[mix]\ncolleague_share = nan", "mix.colleague_share: found nan, allowed "),
        ("smtp = 5", "smtp: found 5, allowed a table"),
        ("[[smtp]]\npassword = 'hunter2'", "smtp: found a list, allowed a table"),
        ("[smtp]\npassword = 12345", "smtp.password: found something that is not shown here, allowed text in quotes"),
        ("[sharing]\nnetworks = 'x'", 'sharing.networks: found \'x\', allowed a list such as ["one", "two"]'),
        ("[sharing]\nnetworks = [1]", "sharing.networks.0: found 1, allowed text in quotes"),
        ("[site]\ntimezone = 'europe/berlin'", "site.timezone: found 'europe/berlin', allowed an IANA zone such as Europe/Berlin"),
        ("[site]\ntimezone = ''", "site.timezone: found '', allowed an IANA zone such as Europe/Berlin"),
        ('[site]\nname = "A\\nBcc: b@example.com"', "site.name: found 'A\\nBcc: b@example.com', allowed one line of text"),
        ("[web]\nlisten = '8080'", "web.listen: found '8080', allowed HOST:PORT, such as 127.0.0.1:8080"),
        ("[web]\nlisten = '127.0.0.1:65536'", "web.listen: found '127.0.0.1:65536', allowed HOST:PORT"),
        ("[site]\npolicy_url = 'javascript:alert(1)'", "site.policy_url: found 'javascript:alert(1)', allowed a web address"),
        ("[privacy]\nminimum_group = 1", "privacy.minimum_group: found 1, allowed 3 or more"),
    ],
)
def test_a_wrong_value_says_where_what_was_found_and_what_is_allowed(tmp_path: Path, text: str, problem: str) -> None:
    (line,) = problems(tmp_path, text)
    assert line.startswith(f"config.toml: {problem}")


@pytest.mark.parametrize(
    "value",
    [
        "digest",
        "digest@",
        "@example.com",
        "a@b@c",
        "A <a b@example.com>",
        "Mara <mara@example.com>\\r\\nBcc: x@example.com",
        "Mara\\u0000 <m@example.com>",
    ],
)
@pytest.mark.parametrize("key", ["from", "reply_to"])
def test_a_sender_is_one_mailbox_and_carries_no_second_header(tmp_path: Path, key: str, value: str) -> None:
    (line,) = problems(tmp_path, f'[sender]\n{key} = "{value}"')
    assert line.startswith(f"config.toml: sender.{key}: found ")


def test_the_sender_is_read_by_the_name_that_people_write(tmp_path: Path) -> None:
    assert load(tmp_path, "[sender]\nfrom = 'Mara at Example <mara@example.com>'").sender.sender == "Mara at Example <mara@example.com>"


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://digest.example.com", "https://digest.example.com"),
        ("https://digest.example.com/", "https://digest.example.com"),
        ("https://digest.example.com/?", "https://digest.example.com"),
        ("https://example.com:8443/digest/", "https://example.com:8443/digest"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.8.8:8080", "http://127.8.8.8:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_site_is_https_or_on_loopback(tmp_path: Path, url: str, stored: str) -> None:
    assert load(tmp_path, f"[site]\nurl = '{url}'").site.url == stored


@pytest.mark.parametrize(
    "url",
    [
        "http://digest.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "ftp://127.0.0.1",
        "digest.example.com",
        "https://user@example.com",
        "https://:secret@example.com",
        "https://example.com/?a=b",
        "https://example.com/#top",
        "",
    ],
)
def test_any_other_site_is_refused(tmp_path: Path, url: str) -> None:
    assert problems(tmp_path, f"[site]\nurl = '{url}'") == [
        f"config.toml: site.url: found '{url}', allowed https://HOST, or http://127.0.0.1:PORT for trying out",
    ]


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = "home = 1\n[site]\ntimezone = 'Mars/Base'\n[smtp]\nport = 0\nprot = 1\n[schedule]\ntime = '25:00'\n"
    found = problems(tmp_path, text, DIGEST_SMTP_PASSWORD_FILE=str(tmp_path / "absent"))
    assert [line.split(":")[1].strip() for line in found if line.startswith("config.toml")] == [
        "home",
        "schedule.time",
        "site.timezone",
        "smtp.port",
        "smtp.prot",
    ]
    assert f"DIGEST_SMTP_PASSWORD_FILE: {tmp_path}/absent: cannot be read: No such file or directory" in found


def test_a_problem_ends_with_what_to_do_next(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.example\.toml"):
        load(tmp_path, "[site]\nnane = 'x'")
    with pytest.raises(ConfigError, match="digest init"):
        load_config(tmp_path / "absent.toml", {})


def test_a_secret_from_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, "[smtp]\npassword = 'old'", DIGEST_SMTP_PASSWORD="new").smtp.password == "new"
    assert load(tmp_path, "", DIGEST_DATABASE_URL="sqlite:///other.db").database.url == "sqlite:///other.db"
    assert load(tmp_path, "[smtp]\npassword = 'old'", DIGEST_SMTP_PASSWORD="").smtp.password == "old"


def test_a_secret_may_come_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    for name, text in (("password", "from a file\n"), ("url", "postgresql://digest@db/digest\r\n")):
        (tmp_path / name).write_bytes(text.encode())
    assert load(tmp_path, "", DIGEST_SMTP_PASSWORD_FILE=str(tmp_path / "password")).smtp.password == "from a file"
    assert load(tmp_path, "", DIGEST_DATABASE_URL_FILE=str(tmp_path / "url")).database.url == "postgresql://digest@db/digest"


def test_a_secret_file_that_is_not_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xff\xfe")
    assert problems(tmp_path, "", DIGEST_SMTP_PASSWORD_FILE=str(tmp_path / "password")) == [
        f"DIGEST_SMTP_PASSWORD_FILE: {tmp_path}/password: cannot be read: it is not UTF-8 text",
    ]


def test_a_password_does_not_show_when_the_configuration_is_printed(tmp_path: Path) -> None:
    assert "hunter2" not in repr(load(tmp_path, "[smtp]\npassword = 'hunter2'"))


def test_a_file_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf[site]\nname = 'A'\n").site.name == "A"


def test_bytes_that_are_not_utf8_are_named_by_their_line(tmp_path: Path) -> None:
    assert problems(tmp_path, b"[site]\nname = 'B\xfccher'\n") == ["config.toml:2: found bytes that are not UTF-8, allowed UTF-8 text"]


def test_a_slip_in_the_toml_is_named_by_line_and_column(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, "[site]\nname = A\n")
    assert line.startswith("config.toml:2:8: not TOML: ")


def test_a_folder_in_place_of_the_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path, {})


def test_relative_paths_start_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "config.toml").write_text("[content]\nqueue = 'week/queue.toml'\n")
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("site/config.toml"), {}).queue_path == tmp_path / "site" / "week" / "queue.toml"


def test_a_linked_file_does_not_move_the_folder_that_paths_start_from(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()  # as a container platform mounts a file that it may exchange
    (tmp_path / "..data" / "config.toml").write_text("")
    (tmp_path / "config.toml").symlink_to(tmp_path / "..data" / "config.toml")
    assert load_config(tmp_path / "config.toml", {}).home == tmp_path


def test_an_absolute_queue_stays_where_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, f"[content]\nqueue = '{tmp_path}/elsewhere/queue.toml'").queue_path == tmp_path / "elsewhere" / "queue.toml"
