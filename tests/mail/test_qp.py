"""Quoted-printable in pieces."""

from __future__ import annotations

import quopri

from hypothesis import given
from hypothesis import strategies as st

from digest.mail.qp import LINE, Slot, encode_run, encode_value

_TEXTS = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from(" .=\n\tFrom é€🥐")), max_size=300)
_RUNS = st.lists(
    st.one_of(_TEXTS.map(lambda t: t.replace("\r", "")), st.sampled_from([Slot("share", 17), Slot("unsubscribe", 36), Slot("name", 0)])), max_size=12
)
_VALUES = {"share": b"7k2m9x4c8v3q5t1n0", "unsubscribe": b"z" * 36, "name": encode_value("Zoë . 🥐")}
_PLAIN = {"share": "7k2m9x4c8v3q5t1n0", "unsubscribe": "z" * 36, "name": "Zoë . 🥐"}


def _filled(run: list[str | Slot]) -> bytes:
    return b"".join(_VALUES[part.name] if isinstance(part, Slot) else part for part in encode_run(run))


@given(runs=st.lists(_RUNS, max_size=4))
def test_pieces_joined_in_any_order_decode_to_their_texts(runs: list[list[str | Slot]]) -> None:
    wire = b"".join(_filled(run) for run in runs)
    plain = "".join(_PLAIN[part.name] if isinstance(part, Slot) else part for run in runs for part in run)
    assert quopri.decodestring(wire).decode().replace("\r\n", "\n") == plain


@given(runs=st.lists(_RUNS, max_size=4))
def test_no_line_is_long_begins_with_a_dot_or_ends_with_white_space(runs: list[list[str | Slot]]) -> None:
    wire = b"".join(_filled(run) for run in runs)
    for line in wire.split(b"\r\n"):
        assert len(line) <= LINE
        assert not line.startswith((b".", b"From "))
        assert line == line.rstrip(b" \t")
        assert b"\n" not in line
        assert line.isascii()
    assert b"=_" not in wire
    assert wire == b"" or wire.endswith(b"\r\n")
