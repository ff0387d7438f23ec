"""What a mail program breaks that takes more than one look at a letter: each look gives the element and the words for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from digest.mail.anatomy import Letter, Node, matches

Limits = Mapping[str, int]
Found = Iterator[tuple[Node | None, str]]
_CELLS = ("td", "th")
_LINES = frozenset({"span", "strong", "em", "b", "i", "small", "sub", "sup", "code"})  # what stands within a line: its frame sits tight, no more
_UNSEEN = frozenset({"html", "head", "meta", "title", "style", "br"})
_SYSTEM = re.compile(r"""["']?(?:-apple-system|blinkmacsystemfont|system-ui|ui-[a-z-]+)["']?\s*(?:,|\Z)""", re.IGNORECASE)
_GONE = (
    ("display", "none"),
    ("visibility", "hidden"),
    ("max-height", "0"),
    ("height", "0"),
    ("font-size", "0"),
    ("opacity", "0"),
    ("mso-hide", "all"),
)
_AUTO = re.compile(r"(?:^|\s)auto(?:\s|$)")


def _max_width_alone(letter: Letter, _limits: Limits) -> Found:
    for node in _by_word(letter):
        limit = node.style.get("max-width", "none")
        if limit in {"none", "0", "100%"} or node.hidden or _px(node.attributes.get("width", "")) is not None:
            continue
        frames = [frame for frame in node.lineage() if frame.tag == "table" and frame.word_only and "width" in frame.attributes]
        if not frames:
            yield node, f"max-width:{limit} on <{node.tag}> alone"


def _padding_outside_cell(letter: Letter, _limits: Limits) -> Found:
    for node in _by_word(letter):
        sides = {name: value for name, value in node.style.items() if name.startswith("padding") and re.search(r"[1-9]", value)}
        if not sides or node.tag in _CELLS or node.tag in _LINES or node.hidden or _padded_for_word(node, letter):
            continue
        name, value = next(iter(sides.items()))
        yield node, f"{name}:{value} on <{node.tag}>"


def _padded_for_word(node: Node, letter: Letter) -> bool:
    """True for a link whose cell pads it for Word alone."""
    cell = node.around(*_CELLS)
    return (
        node.tag == "a"
        and cell is not None
        and bool({"padding", "mso-padding-alt"} & _from_sheets(cell, letter).keys() or "mso-padding-alt" in cell.style)
    )


def _border_outside_cell(letter: Letter, limits: Limits) -> Found:
    for node in _by_word(letter):
        for name, value in node.style.items():
            wide = [int(px) for px in re.findall(r"(\d+)px", value)] if re.fullmatch(r"border(-(top|right|bottom|left))?(-width)?", name) else []
            if not wide or max(wide) == 0 or node.hidden:
                continue
            if max(wide) > limits["word_border"] or not (node.tag in {*_CELLS, "table", "img"} or node.tag in _LINES):
                yield node, f"{name}:{value} on <{node.tag}>"


def _low_line(letter: Letter, _limits: Limits) -> Found:
    for node in _by_word(letter):
        line, size = _px(node.style.get("line-height", "")), _px(_nearest(node, "font-size"))
        if line is None or not size or line >= size or node.hidden:
            continue
        if _for_word(node, letter).get("mso-line-height-rule") != "exactly":
            yield node, f"line-height:{node.style['line-height']} under letters of {size}px on <{node.tag}>"


def _width_in_css_alone(letter: Letter, _limits: Limits) -> Found:
    for node in _by_word(letter):
        if node.tag in {"table", "img", *_CELLS} and node.style.get("width", "auto") != "auto" and not node.attributes.get("width"):
            yield node, f"width:{node.style['width']} on <{node.tag}> without the attribute"


def _image_without_size(letter: Letter, _limits: Limits) -> Found:
    for node in letter.nodes:
        if node.tag == "img" and not node.hidden:
            lacking = [name for name in ("width", "height", "alt") if name not in node.attributes]
            if "border" not in node.attributes and node.style.get("border", "") not in {"0", "none"} and node.around("a"):
                lacking.append("border")
            if lacking:
                yield node, f"<img> without {', '.join(lacking)}"


def _image_elsewhere(letter: Letter, _limits: Limits) -> Found:
    for node in letter.nodes:
        source = node.attributes.get("src", "")
        if node.tag == "img" and not re.match(r"(?i)https?://[^/]|cid:|data:", source):
            yield node, f"<img> at {source!r}"


def _style_in_body(letter: Letter, _limits: Limits) -> Found:
    for node in letter.nodes:
        if node.tag == "style" and not node.word_only and node.around("head") is None:
            yield node, "<style> outside <head>"


def _rule_in_rule(letter: Letter, _limits: Limits) -> Found:
    for node, rule in letter.rules:
        if len(rule.within) > 1:
            yield node, f"@{rule.within[-1]} inside @{rule.within[0]}"


def _sheet_too_long(letter: Letter, limits: Limits) -> Found:
    length = sum(len(text.encode()) for _, text in letter.sheets)
    if length > limits["gmail_style"]:
        yield letter.sheets[-1][0], f"style sheets of {length:,} octets"


def _hidden_by_query(letter: Letter, _limits: Limits) -> Found:
    for node, rule in letter.rules:
        for name, value in _GONE:
            if rule.within and re.match(rf"{value}(?:px|%)?(?:\s*!|\Z)", rule.style.get(name, "-")):
                yield node, f"{name}:{value} on {', '.join(rule.selectors)} in @{rule.within[0]}"


def _hidden_not_from_word(letter: Letter, _limits: Limits) -> Found:
    for node in _by_word(letter):
        needs = node.style.get("display") == "none" or (node.tag == "table" and node.hidden)
        if needs and _for_word(node, letter).get("mso-hide") != "all":
            yield node, f"a hidden <{node.tag}> without mso-hide:all"


def _link_without_colour(letter: Letter, _limits: Limits) -> Found:
    painted = {id(around) for node in letter.nodes if "color" in node.style and node.texts for around in node.lineage()}
    worded = {id(around) for node in letter.nodes if node.texts for around in node.lineage()}
    for node in letter.nodes:
        if node.tag != "a" or "href" not in node.attributes or node.hidden or "color" in node.style:
            continue
        if id(node) in worded and id(node) not in painted:
            yield node, "<a> without a colour of its own"


def _bare_text(letter: Letter, _limits: Limits) -> Found:
    for node in letter.nodes:
        if not node.texts or node.word_only or node.hidden or node.tag in _UNSEEN or node.around("head"):
            continue
        lacking = [name for name in ("color", "font-family", "font-size") if not _given(node, name)]
        if lacking:
            yield node, f"text in <{node.tag}> without {', '.join(lacking)}"


def _given(node: Node, name: str) -> bool:
    """True when something between the text and its cell, the cell included, says it; where there is no cell, anything around it."""
    for around in node.lineage():
        if name in around.style or (name != "color" and "font" in around.style):
            return True
        if around.tag in _CELLS:
            return False
    return False


def _font_of_the_system_first(letter: Letter, _limits: Limits) -> Found:
    for node in _by_word(letter):
        stack = node.style.get("font-family") or (node.style.get("font", "").rpartition("px ")[2])
        if stack and _SYSTEM.match(stack) and "font-family" not in _from_sheets(node, letter):
            yield node, f"font-family:{stack.split(',')[0]} first on <{node.tag}>"


def _table_without_frame(letter: Letter, _limits: Limits) -> Found:
    headed = {id(around) for node in letter.nodes if node.tag == "th" for around in node.lineage()}
    for node in letter.nodes:
        if node.tag == "table" and id(node) not in headed:
            lacking = [name for name in ("role", "cellpadding", "cellspacing", "border") if name not in node.attributes]
            if lacking:
                yield node, f"<table> without {', '.join(lacking)}"


def _float_alone(letter: Letter, _limits: Limits) -> Found:
    for node in _by_word(letter):
        if node.style.get("float", "none") != "none" and not (node.tag in {"table", "img"} and node.attributes.get("align")):
            yield node, f"float:{node.style['float']} on <{node.tag}> without align"


def _centred_by_margin(letter: Letter, _limits: Limits) -> Found:
    for node in _by_word(letter):
        margins = " ".join(value for name, value in node.style.items() if name.startswith("margin"))
        above = node.above.attributes.get("align", "") if node.above else ""
        if _AUTO.search(margins) and "center" not in {node.attributes.get("align", ""), above}:
            yield node, f"margin:{margins} on <{node.tag}>"


def _wider_than_a_phone(letter: Letter, limits: Limits) -> Found:
    for node in letter.nodes:
        if node.word_only or node.hidden:
            continue
        wide = [px for text in (node.attributes.get("width", ""), node.style.get("width", "")) if (px := _px(text)) is not None]
        fluid = node.tag == "img" and "100%" in {node.style.get("max-width"), node.style.get("width")}
        if wide and max(wide) > limits["narrow"] and not fluid:
            yield node, f"a width of {max(wide)}px on <{node.tag}>"


def _unscaled_pictures(letter: Letter, _limits: Limits) -> Found:
    pictures = [node for node in letter.nodes if node.tag == "img" and not node.hidden]
    if pictures and not any("PixelsPerInch" in note for note in letter.word_notes):
        yield pictures[0], "pictures without PixelsPerInch for Word"


def _bare_head(letter: Letter, _limits: Limits) -> Found:
    nodes = {node.tag: node for node in letter.nodes}
    metas = [node.attributes for node in letter.nodes if node.tag == "meta"]
    lacking = [] if letter.doctype.lower() == "doctype html" else ["<!DOCTYPE html>"]
    lacking += [] if "html" in nodes and nodes["html"].attributes.get("lang") else ["lang on <html>"]
    lacking += [] if any("charset" in meta for meta in metas) else ['<meta charset="utf-8">']
    lacking += [] if any(meta.get("name") == "viewport" for meta in metas) else ['<meta name="viewport">']
    if lacking:
        yield nodes.get("html"), f"a head without {', '.join(lacking)}"


def _clipped(letter: Letter, limits: Limits) -> Found:
    length = len(letter.html.encode())
    if length > limits["gmail_clips"]:
        yield None, f"{length:,} octets of HTML"


def _by_word(letter: Letter) -> list[Node]:
    """What everybody is given and Word draws as well."""
    return [node for node in letter.nodes if not node.word_only and not node.not_word]


def _from_sheets(node: Node, letter: Letter) -> dict[str, str]:
    """What Word's own style sheets say of an element."""
    return {
        name: re.sub(r"\s*!important\Z", "", value)
        for rule in letter.word_rules
        for name, value in rule.style.items()
        if not rule.within and any(matches(node, selector) for selector in rule.selectors)
    }


def _for_word(node: Node, letter: Letter) -> dict[str, str]:
    return {**_from_sheets(node, letter), **node.style}


def _nearest(node: Node, name: str) -> str:
    return next((around.style[name] for around in node.lineage() if name in around.style), "")


def _px(text: str) -> int | None:
    """Whole pixels; None for anything else."""
    found = re.fullmatch(r"(\d+)(?:\.\d+)?(?:px)?", text.strip())
    return int(found[1]) if found else None


SHAPES: Mapping[str, Callable[[Letter, Limits], Found]] = {
    look.__name__.removeprefix("_"): look
    for look in (
        _max_width_alone,
        _padding_outside_cell,
        _border_outside_cell,
        _low_line,
        _width_in_css_alone,
        _image_without_size,
        _image_elsewhere,
        _style_in_body,
        _rule_in_rule,
        _sheet_too_long,
        _hidden_by_query,
        _hidden_not_from_word,
        _link_without_colour,
        _bare_text,
        _font_of_the_system_first,
        _table_without_frame,
        _float_alone,
        _centred_by_margin,
        _wider_than_a_phone,
        _unscaled_pictures,
        _bare_head,
        _clipped,
    )
}
