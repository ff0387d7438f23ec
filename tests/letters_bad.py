"""Small letters that mail programs would break, one for each row of clients.toml, and what cures those that take two looks."""

from __future__ import annotations

from collections.abc import Callable

from digest.mail.clients import Quirk
from digest.mail.inline import inline

TABLE = '<table role="presentation" cellpadding="0" cellspacing="0" border="0"'
_PICTURE = '<img src="https://example.com/a.png" width="40" height="40" alt="A dog">'
_SCALED = "<!--[if mso]><xml><o:OfficeDocumentSettings><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml><![endif]-->"


def letter(body: str, *, head: str = "", kept: str = "") -> str:
    """A letter that nobody breaks, around `body`. `kept`: a style sheet that stays."""
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Letter</title>{_SCALED}{head}<style>.t{{margin:0;color:#111111;font-family:Arial,sans-serif;font-size:16px;line-height:24px}}</style>"
        f'<style data-premailer="ignore">{kept}</style></head>'
        f'<body>{TABLE} width="100%"><tr><td>{body}</td></tr></table></body></html>'
    )
    return inline(page)


# A value for each row that is about some values alone: what the pattern begins with -> what to write.
_VALUES = {
    "(?:inline": "flex",
    ".*(?:^|\\s)-": "0 -4px",
    ".*\\bvar": "var(--ink)",
    ".*(?:rgba": "rgba(0,0,0,.5)",
    ".*\\b(?:calc": "calc(100% - 20px)",
    ".*\\b\\d*": "2rem",
    ".*\\burl": "url(https://example.com/a.png)",
    "-.*": "-999px",
}


def _value(row: Quirk) -> str:
    pattern = row.value.pattern if row.value else ""
    return next((value for start, value in _VALUES.items() if pattern.startswith(start)), "1px")


def _css(row: Quirk) -> str:
    name = {"*": "border-bottom"}.get(row.names[0], row.names[0])
    return letter(f'<span class="t" style="{name}:{_value(row)}">Words</span>')


def _element(row: Quirk) -> str:
    return letter(f'<{row.names[0]} class="t">Words</{row.names[0]}>')


def _attribute(row: Quirk) -> str:
    if "img" not in row.on:
        value = "#part" if "a" in row.on else "x"
        return letter(f'<a class="t" {row.names[0]}="{value}">Words</a>')
    source = "data:image/png;base64,AAAA" if row.matches("data:x") else "https://example.com/a.webp?b=1"
    return letter(f'<img class="t" src="{source}" width="4" height="4" alt="A dog">')


def _at(row: Quirk) -> str:
    text = '@import "https://example.com/a.css";' if row.names[0] == "import" else f"@{row.names[0]} {{font-family:A}}"
    return letter("<p class='t'>Words</p>", kept=text)


def _selector(_row: Quirk) -> str:
    return letter("<p class='t'>Words</p>", kept="td:has(p){color:#111111}")


DECLARED: dict[str, Callable[[Quirk], str]] = {"css": _css, "element": _element, "attribute": _attribute, "at": _at, "selector": _selector}

WORDS = "<p class='t'>Words</p>"
_WIDE = f'{TABLE} width="100%" style="max-width:600px"><tr><td>{WORDS}</td></tr></table>'
_FRAME = f'<!--[if mso]>{TABLE} width="600"><tr><td><![endif]-->', "<!--[if mso]></td></tr></table><![endif]-->"
_LINK = '<a class="t" href="https://example.com/" style="display:block;padding:9px">Read</a>'
_NARROW = "@media (max-width:480px){.a{%s}}"


def _cell(attributes: str, inside: str = WORDS) -> str:
    return letter(f"{TABLE}><tr><td {attributes}>{inside}</td></tr></table>")


SHAPED = {  # name of the look -> what fails, what passes
    "max_width_alone": (letter(_WIDE), letter(_WIDE.join(_FRAME))),
    "padding_outside_cell": (
        letter(_LINK),
        letter(f"{TABLE}><tr><td class='b'>{_LINK}</td></tr></table>", head="<!--[if mso]><style>.b{padding:9px}</style><![endif]-->"),
    ),
    "border_outside_cell": (letter("<p class='t' style='border-top:1px solid #111111'>Words</p>"), _cell('style="border-top:8px solid #111111"')),
    "low_line": (
        letter("<p class='t' style='font-size:20px;line-height:16px'>Words</p>"),
        letter("<p class='t' style='font-size:20px;mso-line-height-rule:exactly;line-height:16px'>Words</p>"),
    ),
    "width_in_css_alone": (_cell('style="width:40px"'), _cell('width="40" style="width:40px"')),
    "image_without_size": (letter('<img src="https://example.com/a.png" width="40" alt="A dog">'), letter(_PICTURE)),
    "image_elsewhere": (letter(_PICTURE.replace("https://example.com", "")), letter(_PICTURE)),
    "style_in_body": (letter(f'<style data-premailer="ignore">p{{color:#111111}}</style>{WORDS}'), letter(WORDS, kept="p{color:#111111}")),
    "rule_in_rule": (
        letter(WORDS, kept="@media (max-width:480px){@media (min-width:200px){.a{color:#111111}}}"),
        letter(WORDS, kept=_NARROW % "color:#111111"),
    ),
    "sheet_too_long": (letter(WORDS, kept=".a{color:#111111}" * 1000), letter(WORDS, kept=".a{color:#111111}" * 900)),
    "hidden_by_query": (letter(WORDS, kept=_NARROW % "display:none!important"), letter(WORDS, kept=_NARROW % "display:block!important")),
    "hidden_not_from_word": (letter("<div style='display:none'>Words</div>"), letter("<div style='display:none;mso-hide:all'>Words</div>")),
    "link_without_colour": (
        letter("<p class='t'>See <a href='https://example.com/'>this</a></p>"),
        letter("<p class='t'>See <a href='https://example.com/' style='color:#005500'>this</a></p>"),
    ),
    "bare_text": (_cell("", "Words"), _cell('class="t"', "Words")),
    "font_of_the_system_first": (
        letter("<p class='t' style='font-family:-apple-system,Arial'>Words</p>"),
        letter("<p class='t' style='font-family:Arial,-apple-system'>Words</p>"),
    ),
    "table_without_frame": (letter(f"<table><tr><td>{WORDS}</td></tr></table>"), letter("<table><tr><th class='t'>Day</th></tr></table>")),
    "float_alone": (
        letter("<span class='t' style='float:left'>Words</span>"),
        letter(f'{TABLE} align="left" style="float:left"><tr><td>{WORDS}</td></tr></table>'),
    ),
    "centred_by_margin": (
        letter(f'{TABLE} style="margin:0 auto"><tr><td>{WORDS}</td></tr></table>'),
        letter(f'{TABLE} align="center" style="margin:0 auto"><tr><td>{WORDS}</td></tr></table>'),
    ),
    "wider_than_a_phone": (_cell('width="400"'), _cell('width="300"')),
    "unscaled_pictures": (letter(_PICTURE).replace("PixelsPerInch", "Gone"), letter(_PICTURE)),
    "bare_head": (letter(WORDS).replace(' lang="en"', ""), letter(WORDS)),
    "clipped": (letter("<p class='t'>" + "word " * 25_000 + "</p>"), letter("<p class='t'>" + "word " * 15_000 + "</p>")),
}
