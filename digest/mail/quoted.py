"""What somebody wrote themselves: a letter's text without what it quotes, forwards and signs.

quotequail knows how mail programs begin a quotation in some languages; what goes for every language, and the heads that it
does not know, are found here. When all of it seems to be quoted, what is not marked with `>` counts as written.
"""

from __future__ import annotations

import quotequail
import regex

_LINES = 600  # that are looked at
_WIDE = 20_000  # characters of a line that are
_NEAR = 3  # lines an attribution may be folded into
_TAIL = 12  # lines in which a letter may end
_COPIED = 3  # fields that make a head
_ATTRIBUTION = regex.compile(r"(?=.*(?:@|\d{1,4}[./年-]\s?\d|\d{1,2}:\d\d)).{3,400}[:：]\s*$", regex.DOTALL)  # noqa: RUF001 - a colon of our languages
_RULED = regex.compile(r"\s*[-—_=*]{3,}\s*[\p{L}][\p{L}\p{M}' .-]{3,50}\s*[-—_=*]{3,}\s*$")
_HEAD = regex.compile(r"\s*\*?([\p{L}\p{M}][\p{L}\p{M} '-]{0,24}?)\s?[:：]\*?\s*(.*)$")  # noqa: RUF001 - the same
_HEADS = frozenset(
    {"from", "sent", "to", "subject", "date", "cc", "bcc", "reply-to", "von", "gesendet", "an", "betreff", "datum", "de", "envoyé", "objet", "à"}
    | {"enviado", "enviado el", "enviada em", "enviado em", "para", "asunto", "fecha", "assunto", "data", "cco", "da", "inviato", "a", "oggetto"}
    | {"van", "verzonden", "aan", "onderwerp", "差出人", "送信日時", "送信者", "宛先", "件名", "日時", "日付"}
    | {"من", "إلى", "الى", "التاريخ", "تاريخ", "تاريخ الإرسال", "تم الإرسال", "الموضوع", "نسخة"},
)
_FROM = frozenset({"from", "von", "de", "差出人", "送信者", "من", "da", "van"})
_SENT_BY = regex.compile(
    r"\s*(?:sent (?:from|via|with) |get outlook for"
    r"|von (?:meinem|unterwegs)\b.{0,40}|gesendet (?:von|mit|über) |diese nachricht wurde von|holen sie sich outlook"
    r"|envoy[ée] (?:de(?:puis)?|à partir|avec) |télécharger outlook|obtenez outlook"
    r"|enviado (?:desde|do|da|a partir|via|con|com|de) |obtener outlook|obtenha o outlook|inviato da "
    r"|(?:iphone|ipad|android) ?から送信|outlook for .{0,20}を入手|.{0,30}から送信されました"
    r"|[أا]ُ?رسلت? من|تم الإرسال من|الحصول على outlook)",
    regex.IGNORECASE,
)
_GOODBYE = regex.compile(
    r"\s*(?:(?:with )?(?:(?:best|kind|warm|many) )*(?:regards|wishes|thanks)|best|all the best|cheers|thanks(?: a lot| again)?|many thanks"
    r"|thank you|thx|sincerely|yours"
    r"|(?:mit )?(?:(?:freundlichen?|besten?|lieben?|vielen?|herzlichen?|schönen?|sonnigen?) )+(?:grü(?:ß|ss)en?|dank|gru(?:ß|ss))"
    r"|grü(?:ß|ss)e|gruß|danke|lg|vg|mfg|bg"
    r"|(?:bien |très )?cordialement|bien à (?:vous|toi)|amicalement|merci(?: beaucoup| d'avance)?|(?:meilleures )?salutations|à bientôt|bonne journée"
    r"|(?:un )?(?:cordial )?saludos?(?: cordiales)?|atentamente|(?:muchas )?gracias|un abrazo|abrazos"
    r"|atenciosamente|att|abraços?|abs|(?:muito )?obrigad[oa]|cumprimentos|saudações"
    r"|(?:どうぞ)?(?:宜|よろ)しくお願い(?:いた|致)?し(?:ます|申し上げます)|以上|敬具|草々"
    r"|(?:مع )?(?:خالص |أطيب )?(?:ال)?تحيات?ي?|مع التحية|شكر[اًا]*(?: جزيلا)?|وشكر[اًا]*)[\s,.!;:،。、-]*$",
    regex.IGNORECASE,
)


def bounded(text: str) -> str:
    """As much of `text` as is looked at."""
    return "\n".join(line[:_WIDE] for line in text.split("\n")[:_LINES])


def own_words(text: str) -> str:
    """`text`, as `bounded` gives it, without quoted letters and its signature; lines that somebody wrote between quoted ones stay."""
    lines = [line.rstrip() for line in bounded(text).split("\n")]
    written = _written(_before_heads(lines))
    found = _collapsed(_unsigned(written))
    if not found:
        found = _collapsed([line for line in lines if not line.lstrip().startswith(">")])
    return found


def _before_heads(lines: list[str]) -> list[str]:
    """What stands above the copied head of another letter, or above a rule with words in it ("-----Original Message-----")."""
    for number, line in enumerate(lines):
        if _RULED.match(line) and any(lines[number + 1 :]):
            return lines[:number]
        if _is_head(lines[number : number + 8]):
            return lines[: number - 1 if number and regex.fullmatch(r"\s*[_-]{5,}\s*", lines[number - 1]) else number]
    return lines


def _is_head(lines: list[str]) -> bool:
    """Whether a copied head begins here: who it is from, and two more fields on the next lines."""
    names = []
    for line in lines:
        found = _HEAD.match(line)
        if found is None:
            if line.strip():
                break
            continue
        names.append(found[1].strip().casefold())
        if names[0] not in _FROM:
            return False
    return len({name for name in names if name in _HEADS}) >= _COPIED


def _written(lines: list[str]) -> list[str]:
    """Lines outside quotations: first those marked with `>`, then those that only an introduction gives away."""
    kept = _unmarked(lines)
    found = quotequail.unwrap("\n".join(kept)) if kept else None
    shown = found is not None and (found["type"] == "reply" or (found["type"] == "forward" and "from" in found))
    return found.get("text_top", "").split("\n") if found is not None and shown else kept


def _unmarked(lines: list[str]) -> list[str]:
    """Without lines that begin with `>`, and without what introduces them, in whatever language."""
    kept: list[str] = []
    inside = False
    for line in lines:
        if line.lstrip().startswith(">"):
            if not inside:
                _drop_attribution(kept)
            inside = True
            continue
        if inside and kept and kept[-1].strip():
            kept.append("")
        inside = False
        kept.append(line)
    return kept


def _drop_attribution(kept: list[str]) -> None:
    while kept and not kept[-1].strip():
        kept.pop()
    near = [kept[-many:] for many in range(1, min(_NEAR, len(kept)) + 1) if all(line.strip() for line in kept[-many:])]
    known = [last for last in reversed(near) if _introduces(" ".join(last))]
    alike = [last for last in near if (whole := " ".join(last)).count("<") >= whole.count(">") and _ATTRIBUTION.fullmatch(whole)]
    for last in [*known, *alike][:1]:
        del kept[-len(last) :]


def _introduces(line: str) -> bool:
    found = quotequail.unwrap(f"{line}\n> x")
    return found is not None and found["type"] in {"reply", "forward"} and "text_top" not in found


def _unsigned(lines: list[str]) -> list[str]:
    """Without the signature: below `--` (RFC 3676, 4.3), below a goodbye that stands alone near the end, and what a telephone adds."""
    lines = _trimmed(next((lines[:number] for number, line in enumerate(lines) if line.rstrip() == "--" and any(lines[:number])), lines))
    while lines and _SENT_BY.match(lines[-1]):
        lines = _trimmed(lines[:-1])
    for number in range(max(1, len(lines) - _TAIL), len(lines)):
        if _GOODBYE.fullmatch(lines[number]) and any(lines[:number]):
            return _trimmed(lines[:number])
    return lines


def _trimmed(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _collapsed(lines: list[str]) -> str:
    return str(regex.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in lines))).strip()
