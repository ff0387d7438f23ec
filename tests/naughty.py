"""Words that break letters, and every field that people fill in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from digest.domain.edition import EditionContent, EditionPost

STRINGS = {
    "joined emoji": "👩🏽‍🔬👨‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿 baking",
    "turned": "safe \u202egnp.exe\u202c \u2067x\u2069 \u200f end",
    "endless": "Donaudampfschiff" * 125,
    "endless in Japanese": "電" * 2000,
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)></td></tr></table>",
    "attribute": '"><a href="javascript:alert(1)" onclick=\'x\'>x</a>',
    "entities": "&amp; &lt;b&gt; &nbsp; &#8203;",
    "jinja": "{{ 7 * 7 }}{% for x in y %}{# gone #}${7*7}",
    "formats": "100% of %s %(name)s {name} {0} {n!r}",
    "null": "a\x00b\x07c\x1b[31m",
    "surrogate": "x\ud800y\udfff",
    "head": "Hello\r\nBcc: everybody@example.com\r\n\r\n<b>body</b>",
    "encoded word": "=?utf-8?q?=0D=0ABcc:_a@b.example?=",
    "boundary": "\n--=_digest--\n.\n.\r\nFrom nobody",
    "comment": "<!--zq0zo colleagues 31--> --> <!--[if mso]> ]]>",
    "slot": "zq0zsharezq0z zq1z<o part 61>",
    "separators": "a\u2028b\u2029c\u0085d\x0be",
    "marks": "Z̴̡̛͎a̷l̵g̶o̸ é́́",
    "right to left": "שלום ومرحبا 123",
    "unsafe link": "[click](javascript:alert(1)) [x](data:text/html,x) ![i](cid:1)",
    "broken markdown": "**bold _it [x](<y> `code` # head > quote | a | b",
}


def _post(content: EditionContent, n: int, **changes: Any) -> EditionContent:
    posts: list[EditionPost] = [replace(post, **changes) if post.n == n else post for post in content.posts]
    return replace(content, posts=tuple(posts))


def _first(content: EditionContent, kind: str, **changes: Any) -> EditionContent:
    several = getattr(content, kind)
    changed: dict[str, Any] = {kind: (replace(several[0], **changes), *several[1:])}
    return replace(content, **changed)


FIELDS: dict[str, Any] = {
    **{name: (lambda c, t, name=name: replace(c, **{name: t})) for name in ("site_name", "company", "address", "subject", "note", "signed", "ask")},
    "disclosure": lambda c, t: replace(c, disclosure=t),
    **{
        f"colleague's {name}": (lambda c, t, name=name: _post(c, 1, **{name: t}))
        for name in ("title", "why", "author", "author_team", "author_place")
    },
    **{f"curated {name}": (lambda c, t, name=name: _post(c, 4, **{name: t})) for name in ("title", "why", "place", "starts_at")},
    "question": lambda c, t: _post(c, 4, questions=(t,)),
    "topic": lambda c, t: _post(c, 1, topics=(t,)),
    **{f"inside {name}": (lambda c, t, name=name: _post(c, 7, **{name: t})) for name in ("title", "why", "author_team")},
    **{f"figure's {name}": (lambda c, t, name=name: _first(c, "figures", **{name: t})) for name in ("name", "value", "before", "meaning", "you_can")},
    **{f"answer's {name}": (lambda c, t, name=name: _first(c, "answers", **{name: t})) for name in ("question", "owner", "answer")},
    **{f"lesson's {name}": (lambda c, t, name=name: replace(c, lesson=replace(c.lesson, **{name: t}))) for name in ("rule", "example", "question")},
    "choice": lambda c, t: replace(c, lesson=replace(c.lesson, choices=(t, "No"))),
}
EVERY = "every field"


def everywhere(content: EditionContent, text: str) -> EditionContent:
    for field, put in FIELDS.items():
        content = put(content, text) if field != EVERY else content
    return content


FIELDS[EVERY] = everywhere
